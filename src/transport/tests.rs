mod event_stream;
mod http;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{Object, Schema, Subscription};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use futures_util::future::join_all;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tower::ServiceExt as _;

use super::*;
use crate::app::Ambient;
use crate::config::Config;
use crate::graphql::limits::limited;
use crate::platform::clock::Clock;
use crate::platform::ids::Entropy;

struct Query;

#[Object]
impl Query {
    async fn number(&self, of: Option<i32>) -> i32 {
        of.unwrap_or(1)
    }

    async fn panics(&self) -> Option<i32> {
        Vec::new().pop().expect("on purpose")
    }

    async fn fails(&self) -> Result<i32, &'static str> {
        Err("on purpose")
    }

    async fn may_fail(&self) -> Result<Option<i32>, &'static str> {
        Err("on purpose")
    }
}

/// Counts what it does.
struct Mutation(Arc<AtomicUsize>);

#[Object]
impl Mutation {
    async fn change(&self) -> i32 {
        self.0.fetch_add(1, Ordering::Relaxed);
        2
    }
}

/// Counts what it pours.
struct Live(Arc<AtomicUsize>);

#[Subscription]
impl Live {
    async fn count(&self) -> BoxStream<'static, i32> {
        stream::iter(1..=3).boxed()
    }

    async fn silence(&self) -> BoxStream<'static, i32> {
        stream::pending().boxed()
    }

    /// Without an end, 64 KiB at a time.
    async fn flood(&self) -> BoxStream<'static, String> {
        let floods = Arc::clone(&self.0);
        let pour = move || {
            floods.fetch_add(1, Ordering::Relaxed);
            "x".repeat(64 * 1024)
        };
        stream::repeat_with(pour).boxed()
    }
}

/// A server over an SQLite file of its own.
struct Server {
    app: App,
    folder: PathBuf,
    shutdown: Shutdown,
    router: Router,
    changes: Arc<AtomicUsize>,
    floods: Arc<AtomicUsize>,
}

impl Server {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("qc-transport-{name}-{}", std::process::id()));
        let url = format!("sqlite://{}/qc.db", folder.display());
        let setting = move |key: &str| match key {
            "DATABASE_URL" => Some(url.clone()),
            "MAX_BODY_BYTES" => Some("2000".to_owned()),
            "DRAIN_SECONDS" => Some("0".to_owned()),
            "CORS_ORIGINS" => Some("https://shop.example".to_owned()),
            _ => None,
        };
        let app = App::build(Config::load(None, setting).unwrap(), Ambient::default()).await.unwrap();
        app.migrate().await.unwrap();
        let (changes, floods) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let (mutation, live) = (Mutation(Arc::clone(&changes)), Live(Arc::clone(&floods)));
        let schema = limited(Schema::build(Query, mutation, live), app.config.limits).finish();
        let shutdown = Shutdown::new(app.ids.clone(), app.config.drain);
        let extra = Router::new().route("/breaks", get(async || Vec::<&str>::new().pop().expect("on purpose")));
        let (router, _) = router(app.clone(), schema, extra, shutdown.clone());
        Self { app, folder, shutdown, router, changes, floods }
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, address: &str) -> Response<Body> {
        self.send(Request::get(address).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, body: impl Into<Body>) -> Response<Body> {
        self.send(json_request().body(body.into()).unwrap()).await
    }

    /// How often something was changed.
    fn changes(&self) -> usize {
        self.changes.load(Ordering::Relaxed)
    }

    async fn end(self) {
        self.app.db.close().await.unwrap();
        std::fs::remove_dir_all(self.folder).unwrap();
    }
}

fn json_request() -> axum::http::request::Builder {
    Request::post("/graphql").header(header::CONTENT_TYPE, "application/json")
}

fn header_of(response: &Response<Body>, name: impl header::AsHeaderName) -> &str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

async fn body(response: Response<Body>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

/// The code of the only error, which must be complete.
async fn code(response: Response<Body>) -> String {
    let id = header_of(&response, REQUEST_ID).to_owned();
    let body = body(response).await;
    let extensions = &body["errors"][0]["extensions"];
    assert_eq!(extensions["requestId"], json!(id), "{body}");
    assert!(extensions["retryable"].is_boolean() && body["errors"][0]["message"].is_string(), "{body}");
    extensions["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn requests_are_executed_by_post_and_queries_by_get() {
    let server = Server::new("executed").await;
    let response = server.post(r#"{"query":"{ number }","operationName":null,"variables":null,"extensions":{}}"#).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header_of(&response, header::CONTENT_TYPE), "application/json; charset=utf-8");
    assert_eq!(header_of(&response, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(header_of(&response, header::REFERRER_POLICY), "no-referrer");
    assert_eq!(body(response).await, json!({ "data": { "number": 1 } }));

    let response = server.post(r#"{"query":"mutation { change }"}"#).await;
    assert_eq!(body(response).await, json!({ "data": { "change": 2 } }));

    let address = "/graphql?query=query(%24n:Int)%7Bnumber(of:%24n)%7D&variables=%7B%22n%22:7%7D";
    assert_eq!(body(server.get(address).await).await, json!({ "data": { "number": 7 } }));

    let response = server.get("/graphql?query=mutation%7Bchange%7D").await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(header_of(&response, header::ALLOW), "POST");
    assert_eq!(code(response).await, "METHOD_NOT_ALLOWED");
    server.end().await;
}

#[tokio::test]
async fn what_is_not_a_graphql_request_is_refused() {
    let server = Server::new("refused").await;
    for body in [
        "",
        "{",
        "[]",
        r#"["{ number }"]"#,
        r#"[{"query":"{ number }"}]"#,
        "{}",
        r#"{"query":1}"#,
        r#"{"query":"{number}","variables":"x"}"#,
        r#"{"query":"{number}","variables":[]}"#,
        r#"{"query":"{number}","operationName":1}"#,
        r#"{"query":"{number}","extensions":"x"}"#,
    ] {
        let response = server.post(body).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(code(response).await, "BAD_REQUEST", "{body}");
    }
    for address in ["/graphql", "/graphql?query=%7Bnumber%7D&variables=x", "/graphql?variables=%7B%7D"] {
        assert_eq!(server.get(address).await.status(), StatusCode::BAD_REQUEST, "{address}");
    }
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let request = Request::post("/graphql");
        let request = content_type.into_iter().fold(request, |request, value| request.header(header::CONTENT_TYPE, value));
        let response = server.send(request.body(r#"{"query":"{number}"}"#.into()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type:?}");
        assert_eq!(code(response).await, "UNSUPPORTED_MEDIA_TYPE");
    }
    let response = server.post(format!(r#"{{"query":"{{ number }}","variables":{{"x":"{}"}}}}"#, "x".repeat(2000))).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(code(response).await, "BODY_TOO_LARGE");

    let response = server.send(Request::delete("/graphql").body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(header_of(&response, header::ALLOW).contains("POST"));
    assert_eq!(code(response).await, "METHOD_NOT_ALLOWED");
    let response = server.get("/nowhere").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(code(response).await, "NOT_FOUND");
    let response = server
        .send(json_request().header(header::ACCEPT, "multipart/mixed").body(r#"{"query":"{number}"}"#.into()).unwrap())
        .await;
    assert_eq!(response.status(), StatusCode::NOT_ACCEPTABLE);
    server.end().await;
}

#[tokio::test]
async fn the_status_says_how_the_request_went_where_the_client_asks_for_that() {
    let server = Server::new("status").await;
    for (query, expected) in [("{ number }", 200), ("{ nothing }", 400), ("{", 400), ("{ panics }", 200)] {
        let send = |accept: &str| {
            let request = json_request().header(header::ACCEPT, accept);
            server.send(request.body(json!({ "query": query }).to_string().into()).unwrap())
        };
        let response = send("application/graphql-response+json").await;
        assert_eq!(response.status().as_u16(), expected, "{query}");
        assert_eq!(header_of(&response, header::CONTENT_TYPE), "application/graphql-response+json; charset=utf-8");
        let body = body(response).await;
        assert_eq!(body.get("data").is_some(), expected == 200, "{body}");
        assert_eq!(send("application/json").await.status(), StatusCode::OK);
    }
    server.end().await;
}

#[tokio::test]
async fn a_bad_token_is_401_and_none_is_nobody() {
    let server = Server::new("token").await;
    let send = |value: &'static str| {
        let request = json_request().header(header::AUTHORIZATION, value);
        server.send(request.body(r#"{"query":"{ number }"}"#.into()).unwrap())
    };
    for value in ["Bearer nonsense", "nonsense", "Basic dTpw"] {
        let response = send(value).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{value}");
        assert_eq!(header_of(&response, header::WWW_AUTHENTICATE), "Bearer error=\"invalid_token\"");
        assert_eq!(code(response).await, "INVALID_TOKEN");
    }
    assert_eq!(send("Bearer ").await.status(), StatusCode::OK);
    server.end().await;
}

#[tokio::test]
async fn a_request_keeps_its_id_if_it_is_a_plain_one() {
    let server = Server::new("id").await;
    let send = |id: String| {
        let request = Request::post("/graphql").header("x-request-id", id);
        server.send(request.body(Body::empty()).unwrap())
    };
    for id in ["a", "Client_1-2", &"x".repeat(64)] {
        let response = send(id.to_owned()).await;
        assert_eq!(header_of(&response, REQUEST_ID), id);
        assert_eq!(code(response).await, "UNSUPPORTED_MEDIA_TYPE");
    }
    for id in ["", "a b", "a\"b", "<script>", &"x".repeat(65)] {
        let response = send(id.to_owned()).await;
        assert_ne!(header_of(&response, REQUEST_ID), id);
        assert_eq!(header_of(&response, REQUEST_ID).len(), 32);
    }
    // in the errors of the execution too
    let request = json_request().header("x-request-id", "mine").body(r#"{"query":"{ nothing }"}"#.into()).unwrap();
    assert_eq!(code(server.send(request).await).await, "VALIDATION_FAILED");
    server.end().await;
}

#[tokio::test]
async fn a_panic_is_a_masked_answer() {
    let server = Server::new("panic").await;
    let response = server.get("/breaks").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(code(response).await, "INTERNAL");
    let response = server.post(r#"{"query":"{ number panics }"}"#).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = text(response).await;
    assert!(body.contains("INTERNAL") && !body.contains("purpose"), "{body}");
    server.end().await;
}

#[tokio::test]
async fn what_is_not_a_handshake_is_told_what_it_lacks() {
    let server = Server::new("handshake").await;
    let whole = [
        (header::CONNECTION, "keep-alive, Upgrade"),
        (header::UPGRADE, "WebSocket"),
        (header::SEC_WEBSOCKET_VERSION, "13"),
        (header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let send = |headers: Vec<(header::HeaderName, &'static str)>| {
        let request =
            headers.into_iter().fold(Request::get("/graphql"), |request, (name, value)| request.header(name, value));
        server.send(request.body(Body::empty()).unwrap())
    };
    for (lacking, status, expected) in [
        (header::CONNECTION, StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        (header::SEC_WEBSOCKET_VERSION, StatusCode::UPGRADE_REQUIRED, "UPGRADE_REQUIRED"),
        (header::SEC_WEBSOCKET_KEY, StatusCode::BAD_REQUEST, "BAD_REQUEST"),
    ] {
        let response = send(whole.iter().filter(|(name, _)| *name != lacking).cloned().collect()).await;
        assert_eq!(response.status(), status, "without {lacking}");
        assert_eq!(header_of(&response, header::SEC_WEBSOCKET_VERSION), "13");
        assert_eq!(code(response).await, expected);
    }
    // over no connection, as here
    assert_eq!(send(whole.to_vec()).await.status(), StatusCode::BAD_REQUEST);
    server.end().await;
}

#[tokio::test]
async fn a_panic_does_not_end_a_socket() {
    let server = Server::new("socket-panic").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}/graphql", listener.local_addr().unwrap());
    let serving = tokio::spawn(axum::serve(listener, server.router.clone()).into_future());
    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    let (mut socket, _) = connect_async(request).await.unwrap();
    socket.send(Message::text(r#"{"type":"connection_init"}"#)).await.unwrap();
    for (id, query) in [("1", "{ number panics }"), ("2", "{ number }")] {
        let ask = json!({ "id": id, "type": "subscribe", "payload": { "query": query } });
        socket.send(Message::text(ask.to_string())).await.unwrap();
    }
    let mut answers = Vec::new();
    while answers.len() < 2 {
        let Message::Text(text) = socket.next().await.unwrap().unwrap() else { continue };
        let message: Value = serde_json::from_str(&text).unwrap();
        if message["type"] == "next" {
            answers.push(message);
        }
    }
    answers.sort_by_key(|answer| answer["id"].to_string());
    assert_eq!(answers[0]["payload"]["errors"][0]["extensions"]["code"], "INTERNAL");
    assert_eq!(answers[1]["payload"]["data"], json!({ "number": 1 }));
    serving.abort();
    server.end().await;
}

#[tokio::test]
async fn health_says_which_part_is_down() {
    let server = Server::new("health").await;
    assert_eq!(text(server.get("/healthz").await).await, "ok\n");
    let response = server.get("/readyz").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, "database: ok\nbus: ok\nserver: ok\n");

    server.shutdown.begun.cancel();
    server.app.db.close().await.unwrap();
    let response = server.get("/readyz").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text(response).await, "database: down\nbus: ok\nserver: down\n");
    assert_eq!(server.get("/healthz").await.status(), StatusCode::OK);

    let metrics = text(server.get("/metrics").await).await;
    assert!(
        metrics.contains("quick_commerce_http_requests_total{status=\"5xx\"} 0\n"),
        "who looks whether it is well: {metrics}"
    );
    std::fs::remove_dir_all(server.folder).unwrap();
}

#[tokio::test]
async fn browsers_get_the_page_and_other_origins_only_what_is_allowed() {
    let server = Server::new("browser").await;
    for (address, accept, is_page) in [
        ("/graphql", "text/html,*/*;q=0.8", true),
        ("/graphiql", "text/html", true),
        ("/graphql?query=%7Bnumber%7D", "text/html,*/*;q=0.8", false),
    ] {
        let request = Request::get(address).header(header::ACCEPT, accept).header(header::ACCEPT_ENCODING, "gzip");
        let response = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK, "{address}");
        assert_eq!(header_of(&response, header::CONTENT_TYPE).starts_with("text/html"), is_page, "{address}");
    }
    for (origin, allowed) in [("https://shop.example", "https://shop.example"), ("https://evil.example", "")] {
        let request = Request::options("/graphql")
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type");
        let response = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(header_of(&response, header::ACCESS_CONTROL_ALLOW_ORIGIN), allowed);
    }
    server.end().await;
}

#[tokio::test]
async fn long_answers_are_compressed() {
    let server = Server::new("gzip").await;
    let request = json_request().header(header::ACCEPT_ENCODING, "gzip");
    let query = r#"{"query":"{ __schema { types { name description } } }"}"#;
    let response = server.send(request.body(query.into()).unwrap()).await;
    assert_eq!(header_of(&response, header::CONTENT_ENCODING), "gzip");
    server.end().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_has_a_moment_of_their_own() {
    const DRAIN: Duration = Duration::from_secs(10);
    let ids = Ids::new(Clock::system(), Entropy::seeded(7));
    let shutdown = Shutdown::new(ids.clone(), DRAIN);
    let leave = async || {
        shutdown.leave().await;
        Instant::now()
    };
    let mut leaving = pin!(join_all((0..100).map(|_| leave())));
    assert_eq!(leaving.as_mut().now_or_never(), None, "nobody leaves before the end has begun");
    tokio::time::advance(DRAIN).await;
    assert_eq!(leaving.as_mut().now_or_never(), None, "nobody leaves before the end has begun");
    let begun = Instant::now();
    shutdown.begun.cancel();
    let mut moments: Vec<Duration> = leaving.await.into_iter().map(|moment| moment - begun).collect();
    moments.sort_unstable();
    assert!(moments.last().is_some_and(|last| *last <= DRAIN), "{moments:?}");
    let quarters = (0..4).map(|quarter| DRAIN * quarter / 4..DRAIN * (quarter + 1) / 4);
    let counts: Vec<usize> = quarters.map(|part| moments.iter().filter(|moment| part.contains(*moment)).count()).collect();
    assert!(counts.iter().all(|count| (10..=40).contains(count)), "spread over the time: {counts:?}");
    assert_eq!(shutdown.leave().now_or_never(), Some(()), "who comes later leaves at once");

    let at_once = Shutdown::new(ids, Duration::ZERO);
    let mut leaving = pin!(at_once.leave());
    assert_eq!(leaving.as_mut().now_or_never(), None);
    at_once.begun.cancel();
    let begun = Instant::now();
    leaving.await;
    assert!(begun.elapsed() <= Duration::from_millis(1), "a timer's tick");
}
