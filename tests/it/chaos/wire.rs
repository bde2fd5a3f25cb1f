//! One connection of a client: graphql-transport-ws, and whatever ends it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::HeaderValue;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::support::socket::PROTOCOL;

/// How long a server may say nothing at all; it pings far more often.
const SILENCE: Duration = Duration::from_mins(2);

/// Why a connection is over, or the stream on it.
#[derive(Debug)]
pub(super) enum End {
    /// It broke, or the server asks to come back.
    Broken(String),
    /// It answered with an error that may pass, and left it to the client to ask again.
    Refused(String),
    /// The server says what no server should.
    Wrong(String),
}

fn broken(error: impl std::fmt::Display) -> End {
    End::Broken(error.to_string())
}

/// A WebSocket with one subscription on it.
pub(super) struct Wire(WebSocketStream<TcpStream>);

impl Wire {
    /// Connects as whoever `token` stands for, and subscribes.
    pub(super) async fn open(addr: SocketAddr, token: &str, document: &str, variables: &Value) -> Result<Self, End> {
        let opening = async {
            let stream = TcpStream::connect(addr).await.map_err(broken)?;
            let mut request = format!("ws://{addr}/graphql").into_client_request().map_err(broken)?;
            request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
            // there are many of them
            let config = WebSocketConfig::default().read_buffer_size(4096);
            let (stream, _) = client_async_with_config(request, stream, Some(config)).await.map_err(broken)?;
            let mut wire = Self(stream);
            wire.send(&json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } }))
                .await?;
            let ack = wire.read().await?;
            if ack["type"] != "connection_ack" {
                return Err(End::Wrong(format!("not an acknowledgement: {ack}")));
            }
            let payload = json!({ "query": document, "variables": variables });
            wire.send(&json!({ "id": "1", "type": "subscribe", "payload": payload })).await?;
            Ok(wire)
        };
        timeout(SILENCE, opening).await.map_err(broken)?
    }

    /// The next item.
    pub(super) async fn next(&mut self) -> Result<Value, End> {
        loop {
            let message = timeout(SILENCE, self.read()).await.map_err(broken)??;
            match message["type"].as_str().unwrap_or_default() {
                "next" if message["payload"]["errors"].is_null() => {
                    let data = message["payload"]["data"].as_object().and_then(|data| data.values().next());
                    return data.cloned().ok_or_else(|| End::Wrong(format!("no data: {message}")));
                }
                "next" => return Err(of_errors(&message["payload"]["errors"])),
                "error" => return Err(of_errors(&message["payload"])),
                "ping" => self.send(&json!({ "type": "pong" })).await?,
                _ => return Err(End::Wrong(format!("out of place: {message}"))),
            }
        }
    }

    async fn send(&mut self, message: &Value) -> Result<(), End> {
        self.0.send(Message::text(message.to_string())).await.map_err(broken)
    }

    async fn read(&mut self) -> Result<Value, End> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map_err(|error| End::Wrong(format!("{error} in {text}")));
                }
                // going away, restart, try again later, and a session that has ended; what else there is clients give up at
                Some(Ok(Message::Close(Some(close)))) => {
                    let code = u16::from(close.code);
                    let said = format!("closed with {code} {}", close.reason);
                    return Err(if matches!(code, 1001 | 1012 | 1013) { End::Broken(said) } else { End::Wrong(said) });
                }
                // pings, which the library answers
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(error)),
                None => return Err(broken("the connection ended")),
            }
        }
    }
}

fn of_errors(errors: &Value) -> End {
    let is_passing = errors.as_array().is_some_and(|all| all.iter().all(|error| error["extensions"]["retryable"] == true));
    if is_passing { End::Refused(errors.to_string()) } else { End::Wrong(errors.to_string()) }
}
