//! The yardstick: an axum WebSocket server that sends ready-made messages and does nothing else. It speaks just enough of
//! graphql-transport-ws for the crowd to take it for the server.

use std::net::Ipv4Addr;

use axum::Router;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};

use crate::Outcome;

/// Kept for reading, per socket, as the server does. The library's default of 128 KiB is what most sockets would cost.
const READ_BUFFER: usize = 4096;

/// Messages that the slowest socket may be behind. They are kept once for all.
const CAPACITY: usize = 16_384;

/// What it says when it can be connected to; the address follows.
pub(crate) const READY: &str = "broadcaster: http://";

const ACK: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"connection_ack"}"#);

const SNAPSHOT: Utf8Bytes = Utf8Bytes::from_static(
    r#"{"id":"1","type":"next","payload":{"data":{"availableOrders":{"__typename":"AvailableOrdersSnapshot"}}}}"#,
);

/// Serves on `port` of 127.0.0.1 until it is ended.
///
/// # Errors
/// When the port is taken.
pub(crate) async fn serve(port: u16) -> Outcome {
    crate::machine::Machine::prepare()?;
    let (sender, _) = broadcast::channel(CAPACITY);
    let router = Router::new()
        .route("/graphql", get(upgrade))
        .route("/publish", post(publish))
        .layer(DefaultBodyLimit::disable())
        .with_state(sender);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("{READY}{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // as the server does; without it messages wait for the answer to those before
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
}

/// Sends the body, as it is, to every socket.
async fn publish(State(sender): State<Sender<Utf8Bytes>>, body: String) -> StatusCode {
    // nobody listening is nobody's mistake
    let _ = sender.send(body.into());
    StatusCode::NO_CONTENT
}

async fn upgrade(State(sender): State<Sender<Utf8Bytes>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.protocols(["graphql-transport-ws"]).read_buffer_size(READ_BUFFER).on_upgrade(move |socket| async move {
        // however it ends, there is nobody to tell
        let _ = converse(socket, sender).await;
    })
}

async fn converse(mut socket: WebSocket, sender: Sender<Utf8Bytes>) -> Result<(), axum::Error> {
    let mut messages: Option<Receiver<Utf8Bytes>> = None;
    loop {
        let message = tokio::select! {
            input = socket.recv() => match input {
                Some(Ok(Message::Text(text))) if text.contains("connection_init") => ACK,
                Some(Ok(Message::Text(text))) if text.contains("subscribe") => {
                    messages = Some(sender.subscribe());
                    SNAPSHOT
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            message = next(&mut messages) => match message {
                Ok(message) => message,
                // the crowd counts what is missing
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return Ok(()),
            },
        };
        socket.send(Message::Text(message)).await?;
    }
}

/// The next message, or never before there is a subscription.
async fn next(messages: &mut Option<Receiver<Utf8Bytes>>) -> Result<Utf8Bytes, RecvError> {
    match messages {
        Some(messages) => messages.recv().await,
        None => std::future::pending().await,
    }
}
