//! What an operator sees of a process: traces, what is slow, numbers, and whether it is well.

mod documented;
mod lines;
mod watched;

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;
use tokio::net::TcpListener;

use crate::commands::{self, ALWAYS, SECRET, program};
use crate::support::http::Http;
use crate::support::processes::{Folder, Program};
use crate::support::redis::Redis;
use crate::support::serving::Serving;
use crate::support::socket::{Frame, Socket};
use crate::support::wait::until;
use crate::support::{Shape, TestApp, TestParts, over_both_shapes};

over_both_shapes! {
    operations_are_counted_by_what_became_of_them,
    what_is_refused_at_the_door_is_counted,
}

/// A trace of somebody else's, as W3C Trace Context writes it.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A collector of traces: it takes what OTLP over HTTP sends, and keeps the spans.
#[derive(Debug, Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    async fn start() -> (Self, SocketAddr) {
        let collector = Self::default();
        let kept = collector.clone();
        let take = async move |body: Bytes| {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            kept.0.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
            StatusCode::OK
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, Router::new().route("/v1/traces", post(take))).into_future());
        (collector, addr)
    }

    /// The spans of this name that have come.
    fn spans(&self, name: &str) -> Vec<Span> {
        self.0.lock().unwrap().iter().filter(|span| span.name == name).cloned().collect()
    }
}

/// A span's attribute, where that is a text.
fn attribute<'a>(span: &'a Span, name: &str) -> Option<&'a str> {
    let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text),
        _ => None,
    }
}

/// Asks for the version, as a part of [`TRACE`].
async fn ask(addr: SocketAddr) {
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let headers = [("content-type", "application/json"), ("traceparent", &*parent)];
    let body = json!({ "query": "query Private { version }" }).to_string();
    let answer = Http::new(addr).send(Method::POST, "/graphql", &headers, body).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_traced_as_part_of_what_a_trusted_proxy_began() {
    for (proxies, is_followed) in [("127.0.0.1", true), ("", false)] {
        let (collector, addr) = Collector::start().await;
        let endpoint = format!("http://{addr}/");
        let server = Serving::start(&[("OTLP_ENDPOINT", &endpoint), ("TRUSTED_PROXIES", proxies)]).await;
        ask(server.addr).await;
        let mut socket = Socket::connect(server.addr, None).await;
        socket.subscribe("1", "{ version }", &json!({})).await;
        socket.next().await;
        server.signal("TERM");
        assert_eq!(server.code().await, Some(0));

        // it has sent the rest before it ended
        let operations = collector.spans("graphql");
        let of_request = operations.iter().find(|span| hex::encode(&span.trace_id) == TRACE);
        assert_eq!(of_request.is_some(), is_followed, "{operations:?}");
        assert_eq!(operations.len(), 2, "one over HTTP, and one over the socket: {operations:?}");
        for span in &operations {
            assert_eq!((attribute(span, "operation_type"), attribute(span, "fields")), (Some("query"), Some("version")));
        }
        let requests = collector.spans("request");
        let posted = requests.iter().find(|span| attribute(span, "method") == Some("POST")).expect("it was traced");
        assert!(operations.iter().any(|span| span.parent_span_id == posted.span_id), "{requests:?}");
        let all = format!("{:?}", collector.0.lock().unwrap());
        assert!(!all.contains("Private"), "what a client calls its operation is its own: {all}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_and_jobs_are_traced_as_part_of_what_they_are_for() {
    let (collector, addr) = Collector::start().await;
    let server = Serving::start(&[("OTLP_ENDPOINT", &format!("http://{addr}"))]).await;
    let document = "mutation($input: RegisterInput!) { register(input: $input) { userErrors { code } } }";
    let input = json!({ "email": "traced@test.example", "password": "correct horse battery", "name": "Traced Joe" });
    let http = Http::new(server.addr);
    let answer = http.graphql(None, document, &json!({ "input": input })).await.unwrap();
    assert_eq!(answer.user_errors("register").len(), 0, "{answer:?}");
    // their address is to be confirmed, by mail
    until(async || !collector.spans("job").is_empty()).await;
    server.signal("TERM");
    assert_eq!(server.code().await, Some(0));

    let all = collector.0.lock().unwrap().clone();
    let has_parent =
        |span: &Span, name: &str| all.iter().any(|other| (&other.span_id, &*other.name) == (&span.parent_span_id, name));
    let statements: Vec<&Span> = all.iter().filter(|span| span.name.starts_with("sea_orm.")).collect();
    for (what, parent) in [("INSERT INTO \"users\"", "graphql"), ("DELETE FROM \"jobs\"", "job")] {
        let is_it = |span: &&Span| attribute(span, "db.statement").is_some_and(|text| text.starts_with(what));
        let statement = statements.iter().copied().find(is_it);
        let statement = statement.unwrap_or_else(|| panic!("{what} is not traced: {all:?}"));
        assert!(has_parent(statement, parent), "{what} is no part of a {parent}: {statement:?}");
    }
    assert!(statements.iter().all(|span| !span.parent_span_id.is_empty()), "what only looks is traced: {statements:?}");
    let jobs = collector.spans("job");
    assert!(jobs.iter().all(|job| attribute(job, "kind").is_some()), "{jobs:?}");
    let all = format!("{all:?}");
    for private in ["traced@test.example", "correct horse", "Traced Joe"] {
        assert!(!all.contains(private), "{private} is in the traces");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_holds_nothing_up() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let server = Serving::start(&[("OTLP_ENDPOINT", &format!("http://{closed}"))]).await;
    ask(server.addr).await;
    server.signal("TERM");
    assert_eq!(server.code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_long_is_logged_by_its_fields_and_by_nothing_else() {
    // hashing a password takes longer than that on any machine
    let server = Serving::start(&[("SLOW_OPERATION_MS", "1")]).await;
    let document = "mutation Secretly($input: RegisterInput!) { register(input: $input) { userErrors { code } } }";
    let input =
        json!({ "input": { "email": "slow@test.example", "password": "correct horse battery", "name": "Slow Joe" } });
    let answer = Http::new(server.addr).graphql(None, document, &input).await.unwrap();
    assert_eq!(answer.user_errors("register").len(), 0, "{answer:?}");
    until(async || server.log().contains("a slow operation")).await;
    let log = server.log();
    let line = log.lines().find(|line| line.contains("a slow operation")).unwrap();
    assert!(line.contains("register") && line.contains("request_id") && line.contains("mutation"), "{line}");
    for private in ["slow@test.example", "correct horse", "Slow Joe", "Secretly"] {
        assert!(!log.contains(private), "{private} in {log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_is_told_whether_it_is_well() {
    let server = Serving::start(&[]).await;
    let addr = server.addr.to_string();
    let health = async |addr: &str| {
        let folder = Folder::new("health");
        let mut command = program(&folder, &["health"], &[("LISTEN_ADDR", addr)]);
        tokio::task::spawn_blocking(move || (commands::output(&mut command), folder)).await.unwrap().0
    };
    let well = health(&addr).await;
    assert!(well.status.success(), "{well:?}");
    assert!(String::from_utf8_lossy(&well.stdout).contains("database: ok"), "{well:?}");
    server.signal("TERM");
    assert_eq!(server.code().await, Some(0));
    let ill = health(&addr).await;
    assert_eq!(ill.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ill.stderr).contains("does not answer"), "{ill:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_may_have_as_many_files_open_as_the_system_allows() {
    let server = Serving::start_with_files(300, &[]).await;
    let metrics = Http::new(server.addr).get("/metrics").await;
    let limit = metrics.text().lines().find_map(|line| line.strip_prefix("process_max_fds ")).unwrap();
    assert!(limit.parse::<f64>().unwrap() > 300.0, "{limit}");
}

/// A worker, and what it works on.
struct Worker {
    // before what it uses
    _process: Program,
    _folder: Folder,
    redis: Redis,
    parts: TestParts,
}

/// A worker that is ready, and how to ask it.
async fn worker() -> (Worker, Http) {
    let (parts, redis) = (TestParts::build(Shape::Production).await, Redis::private().await);
    let addr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (listen, database, bus) = (addr.to_string(), parts.database.url(), redis.url());
    let settings = [("LISTEN_ADDR", &*listen), ("DATABASE_URL", &*database), ("REDIS_URL", &*bus), ("JWT_SECRET", SECRET)];
    let folder = Folder::new("worker");
    let mut command = program(&folder, &["worker"], &settings);
    let process = Program::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
    let worker = Worker { _process: process, _folder: folder, redis, parts };
    let http = Http::new(addr);
    until(async || http.send(Method::GET, "/readyz", &[], Body::empty()).await.is_ok_and(|it| it.status == StatusCode::OK))
        .await;
    (worker, http)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_says_how_it_is() {
    let (_worker, http) = worker().await;
    let metrics = http.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"), "{metrics:?}");
    for name in ["quick_commerce_jobs_waiting 0", "quick_commerce_outbox_depth 0", "quick_commerce_event_lag_seconds 0"] {
        assert!(metrics.text().lines().any(|line| line.starts_with(name)), "{name} in {}", metrics.text());
    }
    assert!(!metrics.text().contains("quick_commerce_websocket_connections"), "it has no sockets: {}", metrics.text());
    assert_eq!(http.get("/graphql").await.status, StatusCode::NOT_FOUND);
}

/// What a server counts.
pub(crate) struct Counts(String);

impl Counts {
    pub(crate) async fn of(app: &TestApp) -> Self {
        Self(app.http.get("/metrics").await.text().to_owned())
    }

    fn get(&self, name: &str) -> f64 {
        let line = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// By how much `name` has grown since.
    pub(crate) async fn grown(&self, app: &TestApp, name: &str) -> f64 {
        Self::of(app).await.get(name) - self.get(name)
    }
}

async fn what_is_refused_at_the_door_is_counted(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let left = app.customer().await;
    left.mutate("mutation ($input: LogoutInput!) { logout(input: $input) { userErrors { code } } }", json!({})).await;
    let foreign = customer.with_token("eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl");
    let counts = Counts::of(&app).await;
    foreign.query("{ version }", json!({})).await;
    left.query("{ version }", json!({})).await;
    let closed = foreign.socket_unacknowledged().await.next().await;
    assert!(matches!(closed, Frame::Closed(4403, _)), "{closed:?}");
    let json = [("content-type", "application/json")];
    app.http.send(Method::POST, "/graphql", &json, "{}").await.unwrap();
    app.http.send(Method::PUT, "/graphql", &json, "{}").await.unwrap();
    let stream = [("accept", "text/event-stream"), ("authorization", "Bearer nonsense")];
    let document = "/graphql?query=subscription%7BmyOrderUpdates%7B__typename%7D%7D";
    app.http.send(Method::GET, document, &stream, Body::empty()).await.unwrap();
    // of nobody's business: whoever tries addresses finds none
    app.http.get("/admin.php").await;
    for (name, count) in [
        ("quick_commerce_graphql_errors_total{code=\"INVALID_TOKEN\"}", 4.0),
        ("quick_commerce_graphql_errors_total{code=\"BAD_REQUEST\"}", 1.0),
        ("quick_commerce_graphql_errors_total{code=\"METHOD_NOT_ALLOWED\"}", 1.0),
        ("quick_commerce_graphql_errors_total{code=\"NOT_FOUND\"}", 0.0),
        ("quick_commerce_graphql_requests_total{operation_type=\"unknown\",outcome=\"refused\"}", 5.0),
        ("quick_commerce_graphql_requests_total{operation_type=\"query\",outcome=\"refused\"}", 1.0),
    ] {
        let grown = counts.grown(&app, name).await;
        assert!((grown - count).abs() < f64::EPSILON, "{name} grew by {grown}");
    }
}

async fn operations_are_counted_by_what_became_of_them(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let counts = Counts::of(&app).await;
    let grown = async |name: &str| counts.grown(&app, name).await;
    customer.query("{ version viewer { user { name } } }", json!({})).await.data();
    app.anonymous().query("{ admin { users { nodes { id } } } }", json!({})).await;
    app.anonymous().query("{ nothing }", json!({})).await;
    for (name, count) in [
        ("quick_commerce_graphql_requests_total{operation_type=\"query\",outcome=\"ok\"}", 1.0),
        ("quick_commerce_graphql_requests_total{operation_type=\"query\",outcome=\"error\"}", 1.0),
        ("quick_commerce_graphql_requests_total{operation_type=\"query\",outcome=\"refused\"}", 1.0),
        ("quick_commerce_graphql_fields_total{operation_type=\"query\",field=\"version\"}", 1.0),
        ("quick_commerce_graphql_fields_total{operation_type=\"query\",field=\"nothing\"}", 0.0),
        ("quick_commerce_graphql_errors_total{code=\"UNAUTHENTICATED\"}", 1.0),
        ("quick_commerce_graphql_errors_total{code=\"VALIDATION_FAILED\"}", 1.0),
        ("quick_commerce_graphql_request_duration_seconds_count{operation_type=\"query\"}", 2.0),
    ] {
        assert!((grown(name).await - count).abs() < f64::EPSILON, "{name} grew by {}", grown(name).await);
    }

    let open = "quick_commerce_subscriptions{field=\"myOrderUpdates\"}";
    let document = "subscription { myOrderUpdates { __typename } }";
    let mut feeds = [customer.subscribe(document, json!({})).await, customer.subscribe(document, json!({})).await];
    for feed in &mut feeds {
        feed.next().await;
    }
    assert!((grown(open).await - 2.0).abs() < f64::EPSILON, "{}", grown(open).await);
    drop(feeds);
    until(async || grown(open).await.abs() < f64::EPSILON).await;
}
