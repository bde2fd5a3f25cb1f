//! The packer against a real server: `QC_URL=http://127.0.0.1:8080 cargo test -- --ignored`.

mod network;
mod people;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use quick_commerce_packer::api::{LoginInput, Order, OrderStatus};
use quick_commerce_packer::{Note, Packer, Shop};
use tokio::sync::mpsc;
use tokio::time::timeout;

use network::Network;
use people::{PASSWORD, People};

/// How long anything that is expected may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the packer of the store saw.
struct Watched {
    notes: mpsc::UnboundedReceiver<Note>,
}

impl Watched {
    /// Starts the packer, who comes in over `url`.
    fn start(url: &str, email: &str) -> Self {
        let login = LoginInput { email: email.to_owned(), password: PASSWORD.to_owned() };
        let packer = Packer::new(Arc::new(Shop::new(url, login).expect("an address")));
        let (send, notes) = mpsc::unbounded_channel();
        // a channel that nobody listens to any more is the end of the test
        tokio::spawn(packer.run(move |note| drop(send.send(note))));
        Self { notes }
    }

    /// The order is there as the subscription begins.
    async fn found(&mut self, order_id: &str) {
        let found = timeout(PATIENCE, self.notes.recv()).await.expect("a note").expect("the packer works");
        assert!(matches!(&found, Note::Found(order) if order.id.inner() == order_id), "{found:?}");
    }

    /// The changes of the order until it is packed; none of them is that of a subscription that began anew.
    async fn packs(&mut self, order_id: &str) -> Vec<Order> {
        let mut seen: Vec<Order> = Vec::new();
        while seen.last().is_none_or(|order| order.status != OrderStatus::Ready) {
            match timeout(PATIENCE, self.notes.recv()).await.expect("a note").expect("the packer works") {
                Note::Changed(order) if order.id.inner() == order_id => seen.push(order),
                Note::Changed(_) => {}
                other => panic!("{other:?} after {seen:?}"),
            }
        }
        seen
    }
}

/// The program as anybody starts it, and what it prints; it dies with this value.
struct Program {
    process: Child,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Program {
    fn start(url: &str, email: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quick-commerce-packer"));
        command.arg(url).env("EMAIL", email).env("PASSWORD", PASSWORD).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it starts");
        let printed = BufReader::new(process.stdout.take().expect("a pipe"));
        let (send, lines) = mpsc::unbounded_channel();
        thread::spawn(move || {
            for line in printed.lines() {
                drop(send.send(line.expect("a text")));
            }
        });
        Self { process, lines }
    }

    async fn line(&mut self) -> String {
        timeout(PATIENCE, self.lines.recv()).await.expect("a line").expect("it works")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // one that has ended already is no reason to fail
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
#[ignore = "needs a server: QC_URL says where it is"]
async fn the_program_prints_the_store_what_is_low_and_what_it_packs() {
    let url = std::env::var("QC_URL").expect("QC_URL says where the server is");
    let people = People::arrive(&url).await;
    let mut program = Program::start(&url, &people.seller_email);
    assert_eq!(program.line().await, "A store that packs by hand");
    assert_eq!(program.line().await, "  100 left of Rusk");
    people.order().await;
    let mut printed = vec![program.line().await];
    while printed.last().is_some_and(|line| !line.contains(" Ready: ")) {
        printed.push(program.line().await);
    }
    // before these there may be one of when it was placed
    let steps = printed.iter().rev().take(3).rev().zip(["Confirmed", "Preparing", "Ready"]);
    for (line, status) in steps {
        assert!(line.ends_with(&format!(" {status}: 1 × Rusk")), "{printed:?}");
    }
    assert!(printed.len() >= 3, "{printed:?}");
}

#[tokio::test]
#[ignore = "needs a server: QC_URL says where it is"]
async fn orders_are_packed_although_the_line_is_cut() {
    let url = std::env::var("QC_URL").expect("QC_URL says where the server is");
    let people = People::arrive(&url).await;
    let network = Network::open(&url).await;
    let waiting = people.order().await;
    let mut packer = Watched::start(&network.url(), &people.seller_email);

    packer.found(&waiting).await;
    packer.packs(&waiting).await;

    network.down();
    let missed = people.order().await;
    network.up();
    let seen = packer.packs(&missed).await;
    let versions: Vec<_> = seen.iter().map(|order| order.version).collect();
    assert_eq!(
        versions,
        (1..=seen.len().try_into().expect("a few")).collect::<Vec<i32>>(),
        "none was missed, and none came twice"
    );
}

#[tokio::test]
#[ignore = "needs a server whose tokens are soon worn out: ACCESS_TOKEN_SECONDS=20"]
async fn orders_are_packed_when_the_token_is_worn_out() {
    let url = std::env::var("QC_URL").expect("QC_URL says where the server is");
    let people = People::arrive(&url).await;
    let waiting = people.order().await;
    let mut packer = Watched::start(&url, &people.seller_email);
    packer.found(&waiting).await;
    packer.packs(&waiting).await;

    // the packer has signed in before this one, so once this is refused so is the packer's, and its socket is closed
    people.wear_out_a_token().await;
    let later = people.order().await;
    packer.packs(&later).await;
}
