use std::path::PathBuf;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::*;
use crate::app::Ambient;
use crate::config::Config;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn server(name: &str) -> (Running, App, PathBuf) {
    let folder = std::env::temp_dir().join(format!("qc-serve-{name}-{}", std::process::id()));
    let url = format!("sqlite://{}/qc.db", folder.display());
    let setting = |key: &str| match key {
        "DATABASE_URL" => Some(url.clone()),
        "DRAIN_SECONDS" => Some("0".to_owned()),
        _ => None,
    };
    let config = Config::load(None, setting).unwrap();
    let app = App::build(config, Ambient::default()).await.unwrap();
    app.migrate().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (start(app.clone(), listener, true).await, app, folder)
}

async fn end(app: App, folder: PathBuf) {
    app.db.close().await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

async fn connect(running: &Running, protocols: &'static str) -> Socket {
    let mut request = format!("ws://{}/graphql", running.addr).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(protocols));
    connect_async(request).await.unwrap().0
}

async fn send(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// The next message of the protocol, or the code of the close.
async fn next(socket: &mut Socket) -> Result<Value, u16> {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => return Err(frame.map_or(0, |frame| frame.code.into())),
            _ => {}
        }
    }
}

#[tokio::test]
async fn the_protocol_is_spoken_and_a_stop_says_that_it_is_one() {
    let (running, app, folder) = server("spoken").await;
    let mut socket = connect(&running, "graphql-ws, graphql-transport-ws").await;
    send(&mut socket, json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(next(&mut socket).await, Ok(json!({ "type": "pong", "payload": { "n": 1 } })));
    send(&mut socket, json!({ "type": "connection_init", "payload": {} })).await;
    assert_eq!(next(&mut socket).await, Ok(json!({ "type": "connection_ack" })));
    send(&mut socket, json!({ "id": "1", "type": "subscribe", "payload": { "query": "{ version }" } })).await;
    assert_eq!(next(&mut socket).await.unwrap()["payload"]["data"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(next(&mut socket).await, Ok(json!({ "id": "1", "type": "complete" })));
    send(&mut socket, json!({ "id": "2", "type": "subscribe", "payload": { "query": "{ wrong }" } })).await;
    let error = next(&mut socket).await.unwrap();
    assert_eq!((&error["id"], &error["type"]), (&json!("2"), &json!("error")));
    let extensions = &error["payload"][0]["extensions"];
    assert_eq!(extensions["code"], "VALIDATION_FAILED");
    assert!(extensions["requestId"].is_string() && extensions["retryable"] == false, "{error}");

    let stopping = tokio::spawn(running.stop());
    assert_eq!(next(&mut socket).await, Err(1012), "and nothing after the error");
    drop(socket);
    stopping.await.unwrap();
    end(app, folder).await;
}

#[tokio::test]
async fn refusals_have_the_protocols_close_codes() {
    let (running, app, folder) = server("refusals").await;
    let mut other = connect(&running, "graphql-transport-ws").await;
    send(&mut other, json!({ "type": "connection_init", "payload": { "AUTHORIZATION": "Bearer nonsense" } })).await;
    assert_eq!(next(&mut other).await, Err(4403));

    let mut early = connect(&running, "graphql-transport-ws").await;
    send(&mut early, json!({ "id": "1", "type": "subscribe", "payload": { "query": "{ version }" } })).await;
    assert_eq!(next(&mut early).await, Err(4401));

    let mut garbled = connect(&running, "graphql-transport-ws").await;
    garbled.send(Message::text("{")).await.unwrap();
    assert_eq!(next(&mut garbled).await, Err(4400));

    running.stop().await;
    end(app, folder).await;
}

#[tokio::test]
async fn a_client_that_speaks_something_else_is_told_by_a_close_code() {
    let (running, app, folder) = server("other").await;
    // without any protocol: with another one the client's own library refuses the answer
    let request = format!("ws://{}/graphql", running.addr).into_client_request().unwrap();
    let (mut socket, _) = connect_async(request).await.unwrap();
    assert_eq!(next(&mut socket).await, Err(4406));
    running.stop().await;
    end(app, folder).await;
}

#[tokio::test]
async fn a_killed_server_says_nothing() {
    let (running, app, folder) = server("killed").await;
    let addr = running.addr;
    let mut socket = connect(&running, "graphql-transport-ws").await;
    send(&mut socket, json!({ "type": "connection_init" })).await;
    assert_eq!(next(&mut socket).await, Ok(json!({ "type": "connection_ack" })));
    running.kill();
    let end_of_it = socket.next().await;
    assert!(matches!(end_of_it, None | Some(Err(Error::Protocol(_) | Error::Io(_)))), "{end_of_it:?}");
    // the listener is closed once its task has been dropped
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    end(app, folder).await;
}

#[tokio::test]
async fn a_background_task_that_panics_is_started_again() {
    let starts = std::sync::atomic::AtomicUsize::new(0);
    let task = |_| async { assert_ne!(starts.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0, "on purpose") };
    tokio::time::timeout(REST * 5, supervise("test", CancellationToken::new(), task)).await.unwrap();
    assert_eq!(starts.into_inner(), 2);
}
