//! The program as an operator meets it: what it says when it cannot start, and how it starts and stops when it can.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use quick_commerce::platform::relay;

use crate::support::processes::Folder;
use crate::support::shape::TestDatabase;
use crate::support::{Shape, TestParts};

/// Signs the access tokens of these tests.
pub(crate) const SECRET: &str = "a secret of the tests, and of nothing else";

/// The program in an empty folder, with nothing in its environment but `settings`.
pub(crate) fn program(folder: &Folder, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quick-commerce"));
    command.current_dir(folder.path()).args(arguments).env_clear().envs(settings.iter().copied());
    command
}

fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let folder = Folder::new("command");
    program(&folder, arguments, settings).output().unwrap()
}

/// What the program says of itself; it says nothing else that looks like a fault, and no secret.
fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for never in ["panicked", "backtrace", "hunter2"] {
        assert!(!said.contains(never), "{said}");
    }
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("quick-commerce: ")).collect();
    assert_eq!(lines.len(), 1, "one line says it: {said}");
    lines[0].to_owned()
}

/// A port that nobody listens on.
fn closed_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn every_mistake_of_the_configuration_is_named_at_once() {
    let output = run(
        &[],
        &[
            ("LISTEN_ADDR", "nowhere"),
            ("DATABASE_URL", "mysql://u:hunter2@h/x"),
            ("CURRENCY", "XXX"),
            ("JWT_SECRET", "short"),
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    complaint(&output);
    let said = String::from_utf8_lossy(&output.stderr);
    for name in ["LISTEN_ADDR", "DATABASE_URL", "CURRENCY", "JWT_SECRET"] {
        assert!(said.contains(&format!("\n  {name}: ")), "{name} in {said}");
    }
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&[], &[("LISTEN_ADDR", &address)]);
    assert_eq!(output.status.code(), Some(1));
    let line = complaint(&output);
    assert!(line.contains(&address) && line.contains("LISTEN_ADDR"), "{line}");
}

#[test]
fn a_database_that_is_down_is_one_clear_line() {
    let url = format!("postgres://u:hunter2@127.0.0.1:{}/x", closed_port());
    let output = run(&[], &[("LISTEN_ADDR", "127.0.0.1:0"), ("DATABASE_URL", &url), ("JWT_SECRET", SECRET)]);
    assert_eq!(output.status.code(), Some(1));
    let line = complaint(&output);
    assert!(line.contains("DATABASE_URL") && line.contains("refused"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_down_is_one_clear_line() {
    let database = TestDatabase::new(Shape::Production).await;
    let (database_url, redis_url) = (database.url(), format!("redis://:hunter2@127.0.0.1:{}", closed_port()));
    let output = tokio::task::spawn_blocking(move || {
        let settings = [
            ("LISTEN_ADDR", "127.0.0.1:0"),
            ("DATABASE_URL", database_url.as_str()),
            ("REDIS_URL", redis_url.as_str()),
            ("JWT_SECRET", SECRET),
        ];
        run(&[], &settings)
    });
    let output = output.await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line = complaint(&output);
    assert!(line.contains("REDIS_URL"), "{line}");
}

#[test]
fn it_starts_with_nothing_and_stops_when_told() {
    let folder = Folder::new("command");
    let mut server = program(&folder, &[], &[("LISTEN_ADDR", "127.0.0.1:0")])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    while !said.contains("customer2@demo.test") {
        said.push_str(&lines.next().expect("it says more").unwrap());
        said.push('\n');
    }
    for part in ["/graphiql", "/graphql", "ws://127.0.0.1:", "admin@demo.test", "`quick-commerce`"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let told = Command::new("kill").arg(server.id().to_string()).status().unwrap();
    assert!(told.success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn an_admin_is_made_and_gets_a_token() {
    let folder = Folder::new("command");
    let settings = [("JWT_SECRET", SECRET), ("ADMIN_PASSWORD", "correct horse battery staple")];
    let make = ["admin", "create", "--email", "root@test.example", "--name", "Root"];
    let made = program(&folder, &make, &settings).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let token = program(&folder, &["token", "root@test.example"], &settings).output().unwrap();
    assert!(token.status.success(), "{}", String::from_utf8_lossy(&token.stderr));
    assert_eq!(String::from_utf8_lossy(&token.stdout).trim().split('.').count(), 3, "a JSON Web Token has three parts");
    let again = program(&folder, &make, &settings).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "the address is taken");
    complaint(&again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_epoch_is_drawn_when_an_operator_says_so() {
    let parts = TestParts::build(Shape::Production).await;
    let before = relay::head(parts.app.db.reader()).await.unwrap();
    let url = parts.database.url();
    let output = tokio::task::spawn_blocking(move || run(&["new-epoch"], &[("DATABASE_URL", &url), ("JWT_SECRET", SECRET)]));
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let after = relay::head(parts.app.db.reader()).await.unwrap();
    assert!(after.epoch > 0 && after.epoch != before.epoch, "{before:?}, then {after:?}");
    assert_eq!(after.position, before.position);
}
