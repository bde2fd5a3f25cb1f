//! What the program says when it cannot work. No server is needed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// The program, told to pack for `url`; it dies with this value.
struct Program(Child);

impl Program {
    fn start(url: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quick-commerce-packer"));
        command.env_remove("EMAIL").env_remove("PASSWORD");
        Self(command.arg(url).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts"))
    }

    /// The first `count` lines that it says of what is wrong.
    fn lines(&mut self, count: usize) -> Vec<String> {
        let said = BufReader::new(self.0.stderr.as_mut().expect("a pipe"));
        said.lines().take(count).map(|line| line.expect("a text")).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // one that has ended already is no reason to fail
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_address_that_never_will_be_one_is_refused_at_once() {
    for address in ["nonsense", "127.0.0.1:8080", "localhost:8080", "ftp://shop.example", "http://"] {
        let mut program = Program::start(address);
        assert_eq!(program.0.wait().expect("it ends").code(), Some(1), "{address}");
        let said = program.lines(10);
        assert!(said.len() == 1 && said[0].starts_with(address), "{address}: {said:?}");
    }
}

#[test]
fn the_demo_s_password_is_not_tried_on_a_server_elsewhere() {
    for address in ["https://shop.example", "http://localhost.shop.example", "http://localhost@shop.example"] {
        let mut program = Program::start(address);
        assert_eq!(program.0.wait().expect("it ends").code(), Some(1), "{address}");
        let said = program.lines(10);
        assert!(said.len() == 1 && said[0].starts_with(address) && said[0].contains("EMAIL"), "{address}: {said:?}");
    }
}

#[test]
fn a_server_that_is_not_to_be_reached_is_tried_again_with_a_line_for_each_time() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = taken.local_addr().expect("an address");
    drop(taken);
    for scheme in ["http", "https"] {
        for line in Program::start(&format!("{scheme}://{address}")).lines(2) {
            assert!(line.starts_with("trying again: ") && line.contains("refused"), "{line}");
        }
    }
}

#[test]
fn an_address_of_https_is_spoken_to_by_tls() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let _program = Program::start(&format!("https://{}", listener.local_addr().expect("an address")));
    let (mut client, _) = listener.accept().expect("it comes");
    let mut first = [0];
    client.read_exact(&mut first).expect("it says something");
    assert_eq!(first, [22], "a handshake");
}
