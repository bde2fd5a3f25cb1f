//! GraphQL over server-sent events: what there is before the stream, and who does not read it.

use std::sync::atomic::Ordering;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket};

use super::*;

const EVENTS: &str = "text/event-stream";

impl Server {
    async fn ask_for_events(&self, query: &str) -> Response<Body> {
        let request = json_request().header(header::ACCEPT, EVENTS).header(header::ACCEPT_ENCODING, "gzip");
        self.send(request.body(json!({ "query": query }).to_string().into()).unwrap()).await
    }

    async fn get_events(&self, query: &str) -> Response<Body> {
        let request = Request::get(format!("/graphql?query={query}")).header(header::ACCEPT, EVENTS);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Event streams that are open.
    async fn streams(&self) -> String {
        let metrics = text(self.get("/metrics").await).await;
        let line = metrics.lines().find_map(|line| line.strip_prefix("quick_commerce_event_streams "));
        line.unwrap().to_owned()
    }
}

/// The results in a stream that has come to its end.
fn results(events: &str) -> Vec<Value> {
    let events = events.strip_suffix("event: complete\ndata:\n\n").unwrap_or_else(|| panic!("not complete: {events}"));
    let results = events.split_terminator("\n\n").filter(|event| !event.starts_with("retry: ") && *event != ":");
    results.map(|event| serde_json::from_str(event.strip_prefix("event: next\ndata: ").unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn one_answer_is_one_event() {
    let server = Server::new("events").await;
    let response = server.ask_for_events("{ number }").await;
    assert_eq!(response.status(), StatusCode::OK);
    for (name, value) in [
        ("content-type", "text/event-stream; charset=utf-8"),
        ("cache-control", "no-store, no-transform"),
        ("x-accel-buffering", "no"),
        ("content-encoding", ""),
    ] {
        assert_eq!(header_of(&response, name), value, "{name}");
    }
    assert_eq!(text(response).await, "event: next\ndata: {\"data\":{\"number\":1}}\n\nevent: complete\ndata:\n\n");

    assert_eq!(
        results(&text(server.ask_for_events("mutation { change }").await).await),
        [json!({ "data": { "change": 2 } })]
    );
    assert_eq!(results(&text(server.get_events("%7Bnumber%7D").await).await), [json!({ "data": { "number": 1 } })]);
    server.end().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_document_is_told_in_the_stream() {
    let server = Server::new("events-errors").await;
    for (query, code) in [
        ("{", "PARSE_FAILED"),
        ("{ nothing }", "VALIDATION_FAILED"),
        ("query($n: Int!) { number(of: $n) }", "BAD_ARGUMENT"),
        ("subscription {", "PARSE_FAILED"),
        ("subscription { nothing }", "VALIDATION_FAILED"),
        ("subscription($b: Boolean!) { flood @skip(if: $b) }", "BAD_ARGUMENT"),
    ] {
        let response = server.ask_for_events(query).await;
        assert_eq!(
            (response.status(), header_of(&response, header::CONTENT_TYPE)),
            (StatusCode::OK, "text/event-stream; charset=utf-8")
        );
        let id = header_of(&response, REQUEST_ID).to_owned();
        let results = results(&text(response).await);
        let [result] = &results[..] else { panic!("{query}: {results:?}") };
        assert_eq!(result.get("data"), None, "{query}: {result}");
        let extensions = &result["errors"][0]["extensions"];
        assert_eq!((&extensions["code"], &extensions["requestId"]), (&json!(code), &json!(id)), "{query}: {result}");
    }
    assert_eq!(server.streams().await, "0");
    server.end().await;
}

#[tokio::test]
async fn what_is_no_request_for_a_stream_is_refused_before_it() {
    let server = Server::new("events-refused").await;
    let post = || json_request().header(header::ACCEPT, EVENTS);
    let (subscription, number) = (r#"{"query":"subscription { flood }"}"#, r#"{"query":"{ number }"}"#);
    for (request, status, code) in [
        (post().body("{".into()), 400, "BAD_REQUEST"),
        (post().body("{}".into()), 400, "BAD_REQUEST"),
        (Request::post("/graphql").header(header::ACCEPT, EVENTS).body(number.into()), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (post().header("last-event-id", "7").body(subscription.into()), 400, "BAD_REQUEST"),
        (post().header(header::AUTHORIZATION, "Bearer x").body(subscription.into()), 401, "INVALID_TOKEN"),
        (post().header(header::AUTHORIZATION, "Bearer x").body(number.into()), 401, "INVALID_TOKEN"),
        (post().body("x".repeat(3_000).into()), 413, "BODY_TOO_LARGE"),
    ] {
        let response = server.send(request.unwrap()).await;
        assert_eq!(response.status().as_u16(), status, "{code}");
        assert_eq!(header_of(&response, header::CONTENT_TYPE), "application/json; charset=utf-8", "{code}");
        assert_eq!(super::code(response).await, code);
    }
    let malformed = post().header("last-event-id", "7").body(subscription.into()).unwrap();
    assert!(text(server.send(malformed).await).await.contains("Last-Event-ID"), "it is said what is wrong");

    for query in ["mutation%7Bchange%7D", "subscription%20S%7Bflood%7Dmutation%20M%7Bchange%7D&operationName=M"] {
        let response = server.get_events(query).await;
        assert_eq!((response.status(), header_of(&response, header::ALLOW)), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
        assert_eq!(header_of(&response, header::CONTENT_TYPE), "application/json; charset=utf-8");
        assert_eq!(code(response).await, "METHOD_NOT_ALLOWED");
    }
    assert_eq!((server.changes(), &*server.streams().await), (0, "0"));
    server.end().await;
}

#[tokio::test]
async fn a_subscription_is_streamed_to_whoever_takes_a_stream_at_all() {
    let server = Server::new("events-taken").await;
    for (accept, is_streamed) in [
        ("application/json, text/event-stream", true),
        ("application/graphql-response+json, application/json;q=0.9, text/event-stream;q=0.1", true),
        ("application/json, */*", false),
        ("text/event-stream;q=0, application/json", false),
    ] {
        let request = json_request().header(header::ACCEPT, accept).body(r#"{"query":"subscription{count}"}"#.into());
        let response = server.send(request.unwrap()).await;
        let content_type = header_of(&response, header::CONTENT_TYPE).to_owned();
        assert_eq!(content_type.starts_with(EVENTS), is_streamed, "{accept}: {content_type}");
        if is_streamed {
            let counted = results(&text(response).await);
            assert_eq!(counted, [1, 2, 3].map(|count| json!({ "data": { "count": count } })), "{accept}");
        } else {
            assert_eq!(code(response).await, "SUBSCRIPTION_NEEDS_WEBSOCKET", "{accept}");
        }
    }
    server.end().await;
}

#[tokio::test]
async fn an_opening_asks_each_client_for_a_wait_of_its_own() {
    let server = Server::new("events-opening").await;
    let mut waits = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let events = text(server.get_events("subscription%7Bcount%7D").await).await;
        let (wait, _) = events.strip_prefix("retry: ").unwrap().split_once("\n:\n\n").unwrap();
        assert!((1_000..5_000).contains(&wait.parse::<u64>().unwrap()), "{wait}");
        waits.insert(wait.to_owned());
    }
    assert!(waits.len() > 1, "{waits:?}");
    server.end().await;
}

#[tokio::test]
async fn a_stream_ends_when_the_server_does_and_when_its_client_goes() {
    let server = Server::new("events-end").await;
    let (first, second) =
        (server.get_events("subscription%7Bsilence%7D").await, server.get_events("subscription%7Bsilence%7D").await);
    assert_eq!(server.streams().await, "2");
    drop(first);
    assert_eq!(server.streams().await, "1");
    server.shutdown.sockets.close();
    server.shutdown.begun.cancel();
    assert!(!text(second).await.contains("complete"), "the client is to come back");
    server.shutdown.sockets.wait().await;
    assert_eq!(server.streams().await, "0");
    server.end().await;
}

#[tokio::test]
async fn nobody_executes_a_head() {
    let server = Server::new("events-head").await;
    let request = Request::head("/graphql?query=subscription%7Bflood%7D").header(header::ACCEPT, EVENTS);
    let response = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(header_of(&response, header::CONTENT_TYPE), "text/event-stream; charset=utf-8");
    assert_eq!((text(response).await, server.streams().await), (String::new(), "0".to_owned()));
    server.end().await;
}

#[tokio::test]
async fn who_does_not_read_is_cut_off_and_fills_no_memory() {
    let server = Server::new("events-stuck").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut listener = Listener::new(listener, CancellationToken::new());
    listener.patience = std::time::Duration::from_millis(100);
    let serving = tokio::spawn(axum::serve(listener, server.router.clone()).into_future());

    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut client = socket.connect(address).await.unwrap();
    let head = format!("GET /graphql?query=subscription%7Bflood%7D HTTP/1.1\r\nhost: x\r\naccept: {EVENTS}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    while server.floods.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    while server.streams().await != "0" {
        tokio::task::yield_now().await;
    }
    let poured = server.floods.load(Ordering::Relaxed);
    assert!(poured < 1_000, "no more than what lies in the network's buffers: {poured}");
    drop(client);
    serving.abort();
    server.end().await;
}
