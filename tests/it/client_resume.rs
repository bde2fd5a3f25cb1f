//! The clients in `client-examples/resume` go on where they were, whatever becomes of their connection.
//!
//! Each is the program as it stands there. Between it and the server is a network that the test breaks.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use domain::id::Kind;
use entity::order;
use quick_commerce::app::App;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::client_examples::example;
use crate::support::actors::{Actor, PASSWORD};
use crate::support::crowd::uuid;
use crate::support::proxy::Proxy;
use crate::support::story::{by_hand, claim, deliver, place_order, seller_with_product, step, text};
use crate::support::{Shape, TestApp, TestCluster, over_both_shapes};

over_both_shapes! {
    graphql_ws_goes_on_where_it_was,
    apollo_client_goes_on_where_it_was,
    urql_goes_on_where_it_was,
    graphql_sse_goes_on_where_it_was,
    whoever_has_no_order_is_told_of_the_first,
    a_worn_out_token_is_renewed_and_an_ended_session_is_not,
    an_event_stream_renews_its_token_too,
}

/// How long anything that is expected may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long the clients trust a silent connection; the default would only make the tests slower.
const KEEP_ALIVE_MS: &str = "1000";

/// The same for event streams. The server speaks less often than this, so these clients also come back when nothing is wrong.
const SILENCE_MS: &str = "3000";

const LOGOUT: &str = "mutation($input: LogoutInput) { logout(input: $input) { sessionsEnded userErrors { code } } }";

#[derive(Debug)]
enum Line {
    /// On standard output: an item that the application was given.
    Item(Value),
    /// On standard error: what became of the connection.
    Note(String),
}

/// A customer's client, which must be given every version of every order, in order, and none twice.
struct Client {
    child: Child,
    lines: mpsc::UnboundedReceiver<Line>,
    /// What became of the connection, as far as nobody has waited for it.
    notes: VecDeque<String>,
    /// The version of each order that it was given last.
    versions: BTreeMap<String, i64>,
    /// For the report of a test that waits in vain.
    seen: Vec<Line>,
}

impl Client {
    /// Starts `program`, and waits until it has been given the orders as they are.
    async fn start(program: &str, server: SocketAddr, app: &App, customer: &Actor) -> Self {
        let mut child = Command::new("node")
            .args([program, &format!("http://{server}")])
            .current_dir(example("resume"))
            .envs([
                ("EMAIL", &*customer.email),
                ("PASSWORD", PASSWORD),
                ("KEEP_ALIVE_MS", KEEP_ALIVE_MS),
                ("SILENCE_MS", SILENCE_MS),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (send, lines) = mpsc::unbounded_channel();
        read(child.stdout.take().unwrap(), send.clone(), |line| Line::Item(serde_json::from_str(&line).unwrap()));
        read(child.stderr.take().unwrap(), send, Line::Note);
        let mut client = Self { child, lines, notes: VecDeque::new(), versions: BTreeMap::new(), seen: Vec::new() };
        let versions = versions(app, customer).await;
        let deadline = Instant::now() + PATIENCE;
        // where there is no order to begin with, it is given the place from which it goes on
        let kind = if versions.is_empty() { "StreamPosition" } else { "OrderSnapshot" };
        loop {
            let Some(item) = client.next(deadline).await else { continue };
            assert_eq!(item["__typename"], kind, "{item}");
            if !versions.is_empty() {
                client.versions.extend([version_of(&item)]);
            }
            if client.versions.len() == versions.len() {
                break;
            }
        }
        assert_eq!(client.versions, versions);
        client.hears("connected").await;
        client
    }

    /// Reads until the connection was heard to be in the state that `note` begins to tell of.
    async fn hears(&mut self, note: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.notes.pop_front() {
                Some(heard) if heard.starts_with(note) => return,
                Some(_) => {}
                None => {
                    let item = self.next(deadline).await;
                    self.take(item);
                }
            }
        }
    }

    /// Reads until every order is known as the database has it.
    async fn catches_up(&mut self, app: &App, customer: &Actor) {
        let deadline = Instant::now() + PATIENCE;
        let expected = versions(app, customer).await;
        while self.versions != expected {
            let item = self.next(deadline).await;
            self.take(item);
        }
    }

    /// How it ended.
    async fn code(&mut self) -> Option<i32> {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap().code()
    }

    /// What follows the snapshot are changes, each of which leaves its order one version further.
    fn take(&mut self, item: Option<Value>) {
        let Some(item) = item else { return };
        assert_eq!(item["__typename"], "OrderChanged", "{item} after {:#?}", self.seen);
        let (order, version) = version_of(&item);
        let before = self.versions.insert(order, version);
        assert_eq!(before.unwrap_or_default() + 1, version, "{item} after {:#?}", self.seen);
    }

    /// The next line, if that is an item; a note is kept.
    async fn next(&mut self, deadline: Instant) -> Option<Value> {
        let line = tokio::time::timeout_at(deadline, self.lines.recv()).await;
        let line = line.unwrap_or_else(|_| panic!("it did not come in {PATIENCE:?}; what came: {:#?}", self.seen));
        match line.unwrap_or_else(|| panic!("the client ended; what came before: {:#?}", self.seen)) {
            Line::Item(item) => {
                self.seen.push(Line::Item(item.clone()));
                Some(item)
            }
            Line::Note(note) => {
                self.seen.push(Line::Note(note.clone()));
                self.notes.push_back(note);
                None
            }
        }
    }
}

/// Which order `item` tells of, and its version then.
fn version_of(item: &Value) -> (String, i64) {
    (text(item, "/order/id"), item["order"]["version"].as_i64().unwrap())
}

/// Sends on what comes out of a program, line by line.
fn read(
    from: impl AsyncRead + Send + Unpin + 'static,
    to: mpsc::UnboundedSender<Line>,
    line_of: impl Fn(String) -> Line + Send + 'static,
) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            // whoever does not listen any more has seen enough
            let _ = to.send(line_of(line));
        }
    });
}

/// The version of every order of `customer`'s, by the database.
async fn versions(app: &App, customer: &Actor) -> BTreeMap<String, i64> {
    let theirs = order::Column::CustomerId.eq(uuid(Kind::User, &customer.user_id));
    let orders = order::Entity::find().filter(theirs).all(app.db.reader()).await.unwrap();
    orders.iter().map(|order| (domain::id::encode(Kind::Order, order.id), order.version.into())).collect()
}

async fn graphql_ws_goes_on_where_it_was(shape: Shape) {
    goes_on_where_it_was(shape, "graphql-ws.mjs").await;
}

async fn apollo_client_goes_on_where_it_was(shape: Shape) {
    goes_on_where_it_was(shape, "apollo.mjs").await;
}

async fn urql_goes_on_where_it_was(shape: Shape) {
    goes_on_where_it_was(shape, "urql.mjs").await;
}

async fn goes_on_where_it_was(shape: Shape, program: &str) {
    let app = TestApp::start(shape).await;
    let network = Proxy::start(app.addr).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.partner());
    by_hand(&app, &shop.seller).await;
    let first = place_order(&customer, &shop.product_id, 1).await;
    let mut client = Client::start(program, network.addr, &app.app, &customer).await;
    step(&shop.seller, &first, "PREPARING").await;
    client.catches_up(&app.app, &customer).await;

    // cut off in the middle
    network.cut();
    step(&shop.seller, &first, "READY").await;
    client.hears("closed: 1006").await;
    client.hears("connected").await;
    client.catches_up(&app.app, &customer).await;

    // the server is away for longer than one attempt
    network.down();
    client.hears("closed: 1006").await;
    claim(&partner, &first).await;
    let second = place_order(&customer, &shop.product_id, 1).await;
    for _ in 0..2 {
        client.hears("closed: 1006").await;
    }
    step(&shop.seller, &second, "PREPARING").await;
    network.resume();
    client.hears("connected").await;

    // cut off again before it has caught up, perhaps, and again while more happens
    for _ in 0..4 {
        network.cut();
        place_order(&customer, &shop.product_id, 1).await;
        client.hears("closed: 1006").await;
        client.hears("connected").await;
        place_order(&customer, &shop.product_id, 1).await;
    }
    client.catches_up(&app.app, &customer).await;

    // a network that is lost without a word
    network.pause();
    deliver(&partner, &customer, &first).await;
    client.hears("closed: 4499").await;
    step(&shop.seller, &second, "READY").await;
    network.resume();
    client.hears("connected").await;
    client.catches_up(&app.app, &customer).await;
}

async fn whoever_has_no_order_is_told_of_the_first(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 100, "40.00").await;
    by_hand(&app, &shop.seller).await;
    for program in ["graphql-ws.mjs", "apollo.mjs", "urql.mjs", "sse.mjs"] {
        let network = Proxy::start(app.addr).await;
        let customer = app.customer().await;
        let mut client = Client::start(program, network.addr, &app.app, &customer).await;

        // it is away when it happens, and asks for what came after the place that it was given
        network.down();
        client.hears("closed").await;
        let first = place_order(&customer, &shop.product_id, 1).await;
        network.resume();
        client.catches_up(&app.app, &customer).await;
        step(&shop.seller, &first, "PREPARING").await;
        client.catches_up(&app.app, &customer).await;
    }
}

async fn a_worn_out_token_is_renewed_and_an_ended_session_is_not(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    by_hand(&app, &shop.seller).await;
    let first = place_order(&customer, &shop.product_id, 1).await;
    let mut client = Client::start("graphql-ws.mjs", app.addr, &app.app, &customer).await;

    app.clock.advance(app.app.config.access_token + Duration::from_secs(1));
    let (seller, customer) = tokio::join!(app.login(&shop.seller.email), app.login(&customer.email));
    client.hears("closed: 4403").await;
    step(&seller, &first, "PREPARING").await;
    client.hears("connected").await;
    client.catches_up(&app.app, &customer).await;

    customer.mutate(LOGOUT, json!({ "everywhere": true })).await.ok("logout");
    client.hears("closed: 4403").await;
    client.hears("ended: ").await;
    assert_eq!(client.code().await, Some(1), "it does not ask for ever");
}

async fn graphql_sse_goes_on_where_it_was(shape: Shape) {
    let app = TestApp::start(shape).await;
    let network = Proxy::start(app.addr).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.partner());
    by_hand(&app, &shop.seller).await;
    let first = place_order(&customer, &shop.product_id, 1).await;
    let mut client = Client::start("sse.mjs", network.addr, &app.app, &customer).await;
    step(&shop.seller, &first, "PREPARING").await;
    client.catches_up(&app.app, &customer).await;

    // cut off in the middle, and again before it has caught up, perhaps, while more happens
    for _ in 0..4 {
        network.cut();
        place_order(&customer, &shop.product_id, 1).await;
        client.hears("connected").await;
        place_order(&customer, &shop.product_id, 1).await;
    }
    client.catches_up(&app.app, &customer).await;

    // the server is away for longer than one attempt
    network.down();
    step(&shop.seller, &first, "READY").await;
    for _ in 0..2 {
        client.hears("closed").await;
    }
    claim(&partner, &first).await;
    network.resume();
    client.hears("connected").await;
    client.catches_up(&app.app, &customer).await;

    // a network that is lost without a word
    network.pause();
    deliver(&partner, &customer, &first).await;
    client.hears("closed").await;
    let second = place_order(&customer, &shop.product_id, 1).await;
    step(&shop.seller, &second, "PREPARING").await;
    network.resume();
    client.catches_up(&app.app, &customer).await;
}

async fn an_event_stream_renews_its_token_too(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    by_hand(&app, &shop.seller).await;
    let first = place_order(&customer, &shop.product_id, 1).await;
    let mut client = Client::start("sse.mjs", app.addr, &app.app, &customer).await;

    app.clock.advance(app.app.config.access_token + Duration::from_secs(1));
    let (seller, customer) = tokio::join!(app.login(&shop.seller.email), app.login(&customer.email));
    step(&seller, &first, "PREPARING").await;
    client.catches_up(&app.app, &customer).await;

    customer.mutate(LOGOUT, json!({ "everywhere": true })).await.ok("logout");
    client.hears("ended: the session is over").await;
    assert_eq!(client.code().await, Some(1), "it does not ask for ever");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_is_survived() {
    let mut cluster = TestCluster::start(2).await;
    let (shop, customer) = tokio::join!(seller_with_product(&cluster[1], 100, "40.00"), cluster[1].customer());
    by_hand(&cluster[1], &shop.seller).await;
    let first = place_order(&customer, &shop.product_id, 1).await;
    let app = cluster[1].app.clone();
    let mut client = Client::start("graphql-ws.mjs", cluster[0].addr, &app, &customer).await;

    cluster.stop(0).await;
    client.hears("closed: 1012").await;
    step(&shop.seller, &first, "PREPARING").await;
    client.hears("closed: 1006").await;
    cluster.start_again(0).await;
    client.hears("connected").await;
    client.catches_up(&app, &customer).await;
}
