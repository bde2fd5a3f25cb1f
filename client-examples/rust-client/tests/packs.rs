//! The packer against a real server: `QC_URL=http://127.0.0.1:8080 cargo test -- --ignored`.

mod network;
mod people;

use std::sync::Arc;
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
