//! The real nginx, by the repository's `nginx.conf`, in front of two instances over PostgreSQL and Redis: what comes through,
//! what does not, and what clients see of an instance that dies.

mod once;
mod rolling;
mod tls;
mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode};
use quick_commerce::app::App;
use quick_commerce::config::Config;
use quick_commerce::platform::clock::Clock;
use quick_commerce::serve::Running;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::live::all_published;
use crate::support::Shape;
use crate::support::actors::{Actor, Api};
use crate::support::app::{build, serve};
use crate::support::events::{Ask, EventSource};
use crate::support::feed::MY_ORDER_UPDATES;
use crate::support::http::{Http, HttpAnswer};
use crate::support::nginx::{LARGE, Nginx, Place, READY_MADE};
use crate::support::processes::ClosedPort;
use crate::support::prometheus::Prometheus;
use crate::support::shape::{TestDatabase, config_of};
use crate::support::socket::{Frame, PROTOCOL, Socket};
use crate::support::story::{PLACE_ORDER, by_hand, order, order_input, place_order, seller_with_product, step, text};
use crate::support::wait::until;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often something is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// How many requests a client may be ahead of its rate: `burst` of `nginx.conf`.
const BURST: usize = 200;

/// A rate at which the tests meet no limit.
const FREELY: &str = "10000r/s";

/// So slow that only the burst counts, however long a test takes.
const HARDLY: &str = "1r/m";

/// Nobody: addresses that are there for documentation.
const NOBODY: &str = "192.0.2.1, 198.51.100.0/24";

/// Instances with nginx before them.
struct Front {
    /// What clients see.
    api: Api,
    nginx: Nginx,
    instances: Vec<Option<Running>>,
    addrs: Vec<SocketAddr>,
    // after those who use it
    _database: TestDatabase,
}

impl Front {
    async fn start(count: u64, trusted: &str, change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::new(Shape::Production).await;
        let mut config = config_of(Shape::Production, &database).await;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        change(&mut config);
        let (clock, mut apps, mut instances) = (Clock::system(), Vec::<App>::new(), Vec::new());
        for number in 0..count {
            let app = build(config.clone(), clock.clone(), number).await;
            instances.push(Some(serve(&app).await));
            apps.push(app);
        }
        let addrs: Vec<_> = instances.iter().flatten().map(|running| running.addr).collect();
        let nginx = Nginx::start(Place { instances: &addrs, trusted, rate: FREELY, stripe_key: "" }).await;
        let api = Api::new(apps.swap_remove(0), nginx.addr);
        Self { api, nginx, instances, addrs, _database: database }
    }

    /// Ends an instance without a goodbye.
    fn kill(&mut self, index: usize) {
        self.instances[index].take().expect("it runs").kill();
    }

    /// How many WebSockets and event streams an instance has.
    async fn connections(&self, index: usize) -> i64 {
        let metrics = Http::new(self.addrs[index]).get("/metrics").await;
        let value = |name: &str| {
            let line = metrics.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap().parse::<i64>().unwrap()
        };
        value("quick_commerce_websocket_connections") + value("quick_commerce_event_streams")
    }
}

/// The version of each order, as somebody is told: one after the other, without a gap, and none twice.
#[derive(Debug, Default)]
struct Versions(BTreeMap<String, i64>);

impl Versions {
    fn take(&mut self, item: &Value) {
        let (id, version) = (text(item, "/order/id"), item["order"]["version"].as_i64().unwrap());
        let before = self.0.insert(id, version);
        match item["__typename"].as_str().unwrap() {
            "OrderSnapshot" => assert_eq!(before, None, "a snapshot of what was known: {item}"),
            "OrderChanged" => assert_eq!(version, before.unwrap_or_default() + 1, "{item}"),
            other => panic!("{other} was not expected: {item}"),
        }
    }
}

/// A client that follows its customer's orders over a WebSocket, and comes back with its cursor whenever that breaks.
struct Client {
    customer: Actor,
    addr: SocketAddr,
    socket: Option<Socket>,
    cursor: Value,
    connections: usize,
    /// With what codes its connections were closed.
    closed: Vec<u16>,
}

impl Client {
    fn new(customer: &Actor, addr: SocketAddr) -> Self {
        Self { customer: customer.clone(), addr, socket: None, cursor: Value::Null, connections: 0, closed: Vec::new() }
    }

    /// The next item, over however many connections.
    async fn item(&mut self) -> Value {
        loop {
            let Some(socket) = &mut self.socket else {
                // nginx may not have noticed yet that an instance is gone
                match Socket::open(self.addr, PROTOCOL).await {
                    Ok(socket) => self.begin(socket).await,
                    Err(_) => sleep(PAUSE).await,
                }
                continue;
            };
            match socket.next().await {
                Frame::Closed(code, _) => {
                    self.closed.push(code);
                    self.socket = None;
                }
                Frame::Message(message) => match message["type"].as_str().unwrap() {
                    "connection_ack" => {
                        socket.subscribe("1", MY_ORDER_UPDATES, &json!({ "after": self.cursor })).await;
                    }
                    "ping" => socket.send(&json!({ "type": "pong" })).await,
                    "next" => {
                        let item = message["payload"]["data"]["myOrderUpdates"].clone();
                        self.cursor = item["cursor"].clone();
                        return item;
                    }
                    _ => panic!("{message} was not expected"),
                },
            }
        }
    }

    async fn begin(&mut self, mut socket: Socket) {
        let bearer = format!("Bearer {}", self.customer.token.as_deref().unwrap());
        socket.send(&json!({ "type": "connection_init", "payload": { "Authorization": bearer } })).await;
        self.socket = Some(socket);
        self.connections += 1;
    }
}

/// A refusal of nginx itself, which pages of other origins have to be able to read.
fn is_readable_everywhere(refusal: &HttpAnswer) {
    assert_eq!(refusal.header("access-control-allow-origin"), "*", "{:?}", refusal.headers);
    assert_eq!(refusal.header("access-control-expose-headers"), "X-Request-Id, Retry-After", "{:?}", refusal.headers);
    assert_eq!(refusal.header("x-content-type-options"), "nosniff", "{:?}", refusal.headers);
}

/// Any request with the addresses that a proxy says it came through.
async fn forwarded(http: &Http, path: &str, forwarded_for: &str) -> HttpAnswer {
    http.send(Method::GET, path, &[("x-forwarded-for", forwarded_for)], Body::empty()).await.unwrap()
}

/// Whether as many requests as are enough for it make one of them too many; `from` says what proxies say of each.
async fn is_limited(http: &Http, from: impl Fn(usize) -> String) -> bool {
    for number in 0..2 * BURST {
        match forwarded(http, "/healthz", &from(number)).await.status {
            StatusCode::OK => {}
            StatusCode::TOO_MANY_REQUESTS => return true,
            other => panic!("{other}"),
        }
    }
    false
}

/// Places an order once, however often it has to be asked for.
async fn place_order_at_last(customer: &Actor, product_id: &str) -> String {
    let input = json!({ "input": order_input(product_id, 1) });
    loop {
        if let Ok(answer) = customer.try_query(PLACE_ORDER, input.clone()).await
            && answer.errors().is_empty()
        {
            return text(answer.ok("placeOrder"), "/order/id");
        }
        sleep(PAUSE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_for_the_public_comes_through_and_nothing_else() {
    let front = Front::start(2, NOBODY, |_| {}).await;
    let http = &front.api.http;

    let page = http.get("/").await;
    assert_eq!((page.status, page.header("cache-control")), (StatusCode::OK, "no-cache"));
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{:?}", page.headers);
    assert_eq!(page.header("strict-transport-security"), "", "over plain HTTP it would mean nothing");
    assert_eq!(http.get("/orders/ord_1").await.text(), page.text(), "the app finds its way by itself");
    let asset = http.get("/assets/app-1f2e3d.js").await;
    assert!(asset.status == StatusCode::OK && asset.header("cache-control").contains("immutable"), "{:?}", asset.headers);
    let packed = async |path: &str, accepted: &str| {
        let headers = [("accept-encoding", accepted)];
        let answer = http.send(Method::GET, path, &headers, Body::empty()).await.unwrap();
        assert_eq!(
            (answer.status, answer.header("vary")),
            (StatusCode::OK, "Accept-Encoding"),
            "{path}: {:?}",
            answer.headers
        );
        (answer.header("content-encoding").to_owned(), answer.body)
    };
    let whole = LARGE.repeat(200);
    let (encoding, body) = packed("/assets/large-1f2e3d.js", "gzip").await;
    assert!(encoding == "gzip" && body.len() < whole.len() / 4, "{encoding}, {} bytes", body.len());
    let (encoding, body) = packed("/assets/ready-1f2e3d.js", "br, gzip").await;
    assert_eq!((&*encoding, &*body), ("gzip", READY_MADE.as_bytes()), "what is compressed already is sent as it is");
    let (encoding, body) = packed("/assets/ready-1f2e3d.js", "identity").await;
    assert_eq!((&*encoding, &*body), ("", whole.as_bytes()));
    let gone = http.get("/assets/app-of-before.js").await;
    assert_eq!((gone.status, gone.header("cache-control")), (StatusCode::NOT_FOUND, ""));

    assert_eq!(http.get("/healthz").await.status, StatusCode::OK);
    for hidden in ["/metrics", "/readyz"] {
        assert_eq!(http.get(hidden).await.status, StatusCode::NOT_FOUND, "{hidden}");
    }
    let graphiql = http.send(Method::GET, "/graphiql", &[("accept-encoding", "gzip")], Body::empty()).await.unwrap();
    let policies: Vec<_> = graphiql.headers.get_all("content-security-policy").iter().collect();
    assert!(graphiql.status == StatusCode::OK && policies.len() == 1, "its own, and no other: {policies:?}");

    let answer = front.api.anonymous().query("{ __typename }", json!({})).await;
    assert_eq!(answer.data()["__typename"], "Query");
    let ask = async |id: &str, body: String| {
        let headers = [("content-type", "application/json"), ("x-request-id", id)];
        http.send(Method::POST, "/graphql", &headers, body).await.unwrap()
    };
    let small = || json!({ "query": "{ __typename }" }).to_string();
    assert_eq!(ask("mine_1", small()).await.header("x-request-id"), "mine_1");
    assert_eq!(ask("not a name", small()).await.header("x-request-id").len(), 32, "a new one");
    until(async || front.nginx.log().contains(r#""requestId":"mine_1""#)).await;
    let large = ask("mine_2", "x".repeat(front.api.app.config.limits.body_bytes + 1)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    is_readable_everywhere(&large);
    let extensions = &large.json()["errors"][0]["extensions"];
    assert_eq!((&extensions["code"], &extensions["requestId"]), (&json!("BODY_TOO_LARGE"), &json!("mine_2")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_not_held_up() {
    let front = Front::start(2, NOBODY, |_| {}).await;
    let api = &front.api;
    let (shop, customer) = tokio::join!(seller_with_product(api, 10, "40.00"), api.customer());
    by_hand(api, &shop.seller).await;
    let id = place_order(&customer, &shop.product_id, 1).await;
    all_published(&api.app).await;
    let ask = Ask::new(api.addr, customer.token.as_deref(), MY_ORDER_UPDATES, json!({}));
    let (mut by_get, mut by_post) = (ask.open().await, ask.clone().by_post().open().await);
    let mut subscription = customer.subscribe(MY_ORDER_UPDATES, json!({})).await;
    for first in [by_get.item().await, by_post.item().await, subscription.next().await] {
        assert_eq!(first["__typename"], "OrderSnapshot");
    }
    // each comes while its stream goes on: what waited for a buffer to be full, or for the end, would not come
    for status in ["PREPARING", "READY"] {
        step(&shop.seller, &id, status).await;
        for item in [by_get.item().await, by_post.item().await, subscription.next().await] {
            assert_eq!(item["order"]["status"], status);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_an_instance_that_dies_go_on_at_the_other() {
    let mut front = Front::start(2, NOBODY, |_| {}).await;
    let (api, addr) = (front.api.clone(), front.nginx.addr);
    let (shop, customer) = tokio::join!(seller_with_product(&api, 1_000, "40.00"), api.customer());
    by_hand(&api, &shop.seller).await;
    let mut orders = vec![place_order(&customer, &shop.product_id, 1).await];
    all_published(&api.app).await;

    let (mut clients, mut sources) = (Vec::new(), Vec::new());
    let ask = Ask::new(addr, customer.token.as_deref(), MY_ORDER_UPDATES, json!({}));
    for _ in 0..4 {
        let (mut client, mut client_versions) = (Client::new(&customer, addr), Versions::default());
        client_versions.take(&client.item().await);
        clients.push((client, client_versions));
        let (mut source, mut source_versions) = (EventSource::new(ask.clone()), Versions::default());
        source_versions.take(&source.item().await);
        sources.push((source, source_versions));
    }
    until(async || front.connections(0).await + front.connections(1).await == 8).await;
    assert!(front.connections(0).await > 0 && front.connections(1).await > 0, "nginx gives each of them some");

    // nothing waits for nginx to notice: some of these meet the instance that is gone
    front.kill(1);
    for _ in 0..20 {
        orders.push(timeout(PATIENCE, place_order_at_last(&customer, &shop.product_id)).await.unwrap());
    }
    let unique: BTreeSet<_> = orders.iter().collect();
    assert_eq!(unique.len(), 21, "each was placed once");
    let mut expected = BTreeMap::new();
    for id in &orders {
        expected.insert(id.clone(), order(&customer, id).await["version"].as_i64().unwrap());
    }

    let is_told = async {
        for (client, versions) in &mut clients {
            while versions.0 != expected {
                versions.take(&client.item().await);
            }
        }
        for (source, versions) in &mut sources {
            while versions.0 != expected {
                versions.take(&source.item().await);
            }
        }
    };
    timeout(PATIENCE, is_told).await.expect("everybody hears of everything");
    let connections = || clients.iter().map(|(it, _)| it.connections).chain(sources.iter().map(|(it, _)| it.connections));
    assert!(connections().any(|count| count == 1) && connections().any(|count| count > 1), "only some had to come back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_client_is_limited_by_its_own_address_and_nobody_by_what_they_say() {
    let front = Front::start(2, NOBODY, |_| {}).await;
    let instances = &front.addrs;
    let start = async |trusted| Nginx::start(Place { instances, trusted, rate: HARDLY, stripe_key: "" }).await;

    let behind_a_proxy = start("127.0.0.1").await;
    let http = Http::new(behind_a_proxy.addr);
    assert!(is_limited(&http, |_| "198.51.100.1".to_owned()).await);
    assert_eq!(connect(behind_a_proxy.addr, "198.51.100.1").await.err(), Some(429), "a handshake is a request");
    for other in ["198.51.100.2", "198.51.100.1, 198.51.100.2", "2001:db8:1:2::1"] {
        assert_eq!(forwarded(&http, "/healthz", other).await.status, StatusCode::OK, "{other}");
        connect(behind_a_proxy.addr, other).await.unwrap();
    }
    // all of a network's addresses are one client
    assert!(is_limited(&http, |number| format!("2001:db8:1:2::{number:x}")).await);
    assert_eq!(forwarded(&http, "/healthz", "2001:db8:1:3::1").await.status, StatusCode::OK);

    let in_the_open = start(NOBODY).await;
    let http = Http::new(in_the_open.addr);
    assert!(is_limited(&http, |number| format!("198.51.100.{number}")).await, "nobody is believed");
    let headers = [("content-type", "application/json")];
    let refused = http.send(Method::POST, "/graphql", &headers, r#"{"query":"{ __typename }"}"#).await.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    is_readable_everywhere(&refused);
    assert_eq!(refused.json()["errors"][0]["extensions"]["code"], "RATE_LIMITED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_has_so_many_connections_at_once_and_others_have_their_own() {
    let front = Front::start(1, NOBODY, |_| {}).await;
    let place = Place { instances: &front.addrs, trusted: "127.0.0.1", rate: FREELY, stripe_key: "" };
    let nginx = Nginx::start_with_connections(place, 2).await;
    let client = "198.51.100.1";
    let first = connect(nginx.addr, client).await.unwrap();
    let _second = connect(nginx.addr, client).await.unwrap();
    assert_eq!(connect(nginx.addr, client).await.err(), Some(429));
    let refused = forwarded(&Http::new(nginx.addr), "/graphql", client).await;
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    assert_eq!(refused.json()["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    let _other = connect(nginx.addr, "198.51.100.2").await.unwrap();
    drop(first);
    until(async || connect(nginx.addr, client).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_may_bring_stripe_s_form_where_there_is_a_key_for_it_and_nothing_of_others_anywhere_else() {
    let closed = ClosedPort::any();
    for stripe_key in ["", "pk_test_1f2e3d"] {
        let nginx = Nginx::start(Place { instances: &[closed.addr], trusted: NOBODY, rate: FREELY, stripe_key }).await;
        let http = Http::new(nginx.addr);
        let settings = http.get("/settings.json").await;
        assert_eq!((settings.status, settings.header("content-type")), (StatusCode::OK, "application/json"));
        assert_eq!(settings.json(), json!({ "stripePublishableKey": stripe_key }));
        let page = http.get("/").await;
        let (policy, permissions) = (page.header("content-security-policy"), page.header("permissions-policy"));
        let has_key = !stripe_key.is_empty();
        for allowed in ["script-src 'self' https://js.stripe.com ", "connect-src 'self' https://api.stripe.com;"] {
            assert_eq!(policy.contains(allowed), has_key, "{policy}");
        }
        assert_eq!(policy.contains("stripe"), has_key, "{policy}");
        assert_eq!(permissions.contains("payment=()"), !has_key, "{permissions}");
        assert!(policy.starts_with("default-src 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_no_instance_answers_clients_are_told_so() {
    let closed = ClosedPort::any();
    let nginx = Nginx::start(Place { instances: &[closed.addr], trusted: NOBODY, rate: FREELY, stripe_key: "" }).await;
    let http = Http::new(nginx.addr);
    let headers = [("content-type", "application/json")];
    let away = http.send(Method::POST, "/graphql", &headers, r#"{"query":"{ __typename }"}"#).await.unwrap();
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    is_readable_everywhere(&away);
    let extensions = &away.json()["errors"][0]["extensions"];
    assert_eq!((&extensions["code"], &extensions["retryable"]), (&json!("UNAVAILABLE"), &json!(true)));
    assert_eq!(http.get("/").await.status, StatusCode::OK, "the app is there and can say so");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_error_log_has_no_client_of_whom_nothing_went_wrong() {
    let closed = ClosedPort::any();
    let nginx = Nginx::start(Place { instances: &[closed.addr], trusted: NOBODY, rate: FREELY, stripe_key: "" }).await;
    let body = json!({ "query": "{ __typename }", "variables": { "rows": "x".repeat(100_000) } }).to_string();
    let headers = [("content-type", "application/json")];
    let away = Http::new(nginx.addr).send(Method::POST, "/graphql", &headers, body).await.unwrap();
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    let noticed = "a client request body is buffered to a temporary file";
    assert!(nginx.log().contains(noticed), "it is larger than nginx's buffer: {}", nginx.log());
    let errors = nginx.errors();
    assert!(errors.contains("connect() failed") && errors.contains("client: 127.0.0.1"), "what went wrong is: {errors}");
    assert!(!errors.contains(noticed), "{errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_watches_it_is_told_when_it_is_gone() {
    let closed = ClosedPort::any();
    let nginx = Nginx::start(Place { instances: &[closed.addr], trusted: NOBODY, rate: FREELY, stripe_key: "" }).await;
    let watched = Http::new(nginx.watched);
    let page = watched.get("/metrics").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/plain; version=0.0.4"));
    assert_eq!(watched.get("/").await.status, StatusCode::NOT_FOUND, "the shop is not there");

    let prometheus = Prometheus::start_for_front(nginx.watched).await;
    let state = async || {
        let rules = prometheus.rules().await;
        rules.iter().find(|rule| rule["name"] == "NoFront").unwrap()["state"].as_str().unwrap().to_owned()
    };
    let is_seen = async || !prometheus.ask("nginx_connections_active{job=\"quick-commerce-front\"} >= 1").await.is_empty();
    until(is_seen).await;
    until(async || state().await == "inactive").await;
    drop(nginx);
    until(async || state().await == "pending").await;
}

/// A handshake in which somebody says where it comes from.
async fn connect(addr: SocketAddr, forwarded_for: &'static str) -> Result<impl Sized, u16> {
    let mut request = format!("ws://{addr}/graphql").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
    request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static(forwarded_for));
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(refusal)) => Err(refusal.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_know_clients_by_the_address_that_nginx_knows() {
    // the instance trusts nginx, and nginx a load balancer, or nobody
    let front = Front::start(1, "127.0.0.1", |config| config.sockets_per_address = 1).await;
    let _first = connect(front.nginx.addr, "198.51.100.1").await.unwrap();
    let _second = connect(front.nginx.addr, "198.51.100.1, 198.51.100.2").await.unwrap();
    assert_eq!(connect(front.nginx.addr, "198.51.100.3, 198.51.100.2").await.err(), Some(429));

    let front = Front::start(1, NOBODY, |config| config.sockets_per_address = 1).await;
    let _first = connect(front.nginx.addr, "198.51.100.1").await.unwrap();
    assert_eq!(connect(front.nginx.addr, "198.51.100.2").await.err(), Some(429), "what a client says of itself is gone");
}
