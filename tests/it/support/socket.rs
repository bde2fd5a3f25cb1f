//! The WebSocket side of the tests' client: graphql-transport-ws, as its specification has it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::HeaderValue;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long anything that is expected may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The subprotocol.
pub(crate) const PROTOCOL: &str = "graphql-transport-ws";

/// What came over a socket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Frame {
    /// A message of the protocol.
    Message(Value),
    /// The end. Code 1006 when the connection broke without a word.
    Closed(u16, String),
}

/// A WebSocket, message by message.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// For the report of a test that waits in vain.
    seen: Vec<Frame>,
}

impl Socket {
    /// Opens a socket that offers the subprotocols `protocols`, and says nothing on it.
    ///
    /// # Errors
    /// When the server does not take it.
    pub(crate) async fn open(addr: SocketAddr, protocols: &'static str) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{addr}/graphql").into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(protocols));
        let connect = tokio_tungstenite::connect_async(request);
        let (stream, _) = tokio::time::timeout(PATIENCE, connect).await.expect("the server answers the handshake")?;
        Ok(Self::of(stream))
    }

    /// Of a connection whose handshake is done.
    pub(crate) const fn of(stream: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self { stream, seen: Vec::new() }
    }

    /// Opens a socket and signs in on it.
    pub(crate) async fn connect(addr: SocketAddr, token: Option<&str>) -> Self {
        let mut socket = Self::open(addr, PROTOCOL).await.unwrap();
        let payload = token.map_or_else(|| json!({}), |token| json!({ "Authorization": format!("Bearer {token}") }));
        socket.send(&json!({ "type": "connection_init", "payload": payload })).await;
        match socket.next().await {
            Frame::Message(ack) if ack["type"] == "connection_ack" => socket,
            other => panic!("connection_ack was expected, not {other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    /// Anything at all, for what the server must refuse.
    pub(crate) async fn send_raw(&mut self, message: Message) {
        // a server that has closed already says so when it is read
        let _ = self.stream.send(message).await;
    }

    /// Begins an operation.
    pub(crate) async fn subscribe(&mut self, id: &str, document: &str, variables: &Value) {
        let payload = json!({ "query": document, "variables": variables });
        self.send(&json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    }

    /// The next message, or the end. Fails the test when nothing comes.
    pub(crate) async fn next(&mut self) -> Frame {
        let within = self.next_within(PATIENCE).await;
        within.unwrap_or_else(|| panic!("nothing came in {PATIENCE:?}; what came before: {:#?}", self.seen))
    }

    /// The next message, or the end, or `None` when neither comes within `time`.
    pub(crate) async fn next_within(&mut self, time: Duration) -> Option<Frame> {
        let frame = tokio::time::timeout(time, self.read()).await.ok()?;
        self.seen.push(frame.clone());
        Some(frame)
    }

    /// What comes next over the WebSocket, whatever it is.
    pub(crate) async fn next_raw(&mut self) -> Message {
        let next = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("something comes");
        next.expect("the connection is open").unwrap()
    }

    async fn read(&mut self) -> Frame {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Frame::Message(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(close)))) => {
                    return Frame::Closed(close.code.into(), close.reason.as_str().to_owned());
                }
                Some(Ok(Message::Close(None))) => return Frame::Closed(1005, String::new()),
                // answered by the library
                Some(Ok(_)) => {}
                Some(Err(error)) => return Frame::Closed(1006, error.to_string()),
                None => return Frame::Closed(1006, "the connection ended".to_owned()),
            }
        }
    }
}

/// How a subscription ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    /// The server had nothing more to say.
    Complete,
    /// Refused, or broken off: the operation's errors.
    Errors(Vec<Value>),
    /// The socket was closed, with its code and reason.
    Closed(u16, String),
}

impl End {
    /// `extensions.code` of the first error; empty when there is none.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Errors(errors) => errors.first().and_then(|e| e["extensions"]["code"].as_str()).unwrap_or_default(),
            Self::Complete | Self::Closed(..) => "",
        }
    }
}

/// One subscription on a socket of its own; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    socket: Socket,
    field: String,
}

impl Subscription {
    pub(crate) async fn start(addr: SocketAddr, token: Option<&str>, document: &str, variables: &Value) -> Self {
        let mut socket = Socket::connect(addr, token).await;
        socket.subscribe("1", document, variables).await;
        Self { socket, field: String::new() }
    }

    /// The next item: the value of the subscription's one root field. Fails the test when none comes, or the end does.
    pub(crate) async fn next(&mut self) -> Value {
        let frame = self.socket.next().await;
        self.item(frame).await.unwrap_or_else(|end| panic!("an item was expected, not {end:?} ({})", self.field))
    }

    /// The next item, if one comes within `time`.
    pub(crate) async fn try_next_within(&mut self, time: Duration) -> Option<Value> {
        let frame = self.socket.next_within(time).await?;
        Some(self.item(frame).await.unwrap_or_else(|end| panic!("an item or nothing was expected, not {end:?}")))
    }

    /// The first item that `wanted` likes; the others before it are passed over.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let item = self.next().await;
            if wanted(&item) {
                return item;
            }
        }
    }

    /// How it ends, with what still comes before. Fails the test when it goes on and nothing comes.
    pub(crate) async fn end(&mut self) -> (Vec<Value>, End) {
        let mut items = Vec::new();
        loop {
            let frame = self.socket.next().await;
            match self.item(frame).await {
                Ok(item) => items.push(item),
                Err(end) => return (items, end),
            }
        }
    }

    async fn item(&mut self, mut frame: Frame) -> Result<Value, End> {
        loop {
            let message = match frame {
                Frame::Message(message) => message,
                Frame::Closed(code, reason) => return Err(End::Closed(code, reason)),
            };
            match message["type"].as_str() {
                Some("next") => return self.value(&message["payload"]),
                Some("error") => return Err(End::Errors(message["payload"].as_array().unwrap().clone())),
                Some("complete") => return Err(End::Complete),
                Some("ping") => self.socket.send(&json!({ "type": "pong" })).await,
                _ => panic!("not a message of the protocol: {message}"),
            }
            frame = self.socket.next().await;
        }
    }

    fn value(&mut self, payload: &Value) -> Result<Value, End> {
        if let Some(errors) = payload["errors"].as_array() {
            return Err(End::Errors(errors.clone()));
        }
        let data = payload["data"].as_object().unwrap_or_else(|| panic!("no data in {payload}"));
        let (field, value) = data.iter().next().unwrap();
        self.field.clone_from(field);
        Ok(value.clone())
    }
}
