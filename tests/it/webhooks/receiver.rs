//! Another system that receives webhooks: it checks their signatures by what the specification says, and answers as told.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::support::wait::until;

/// What a receiver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// A status.
    Status(u16),
    /// A status, and when to come again.
    Later(u16, &'static str),
    /// That what is asked for is elsewhere.
    Moved(SocketAddr),
    /// A status, with a body without an end.
    Endlessly(u16),
    /// A status, and that this connection is of no further use.
    Farewell(u16),
    /// Nothing, until it is let go on.
    Nothing,
    /// The same, and then a status.
    Held(u16),
}

/// A message as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) timestamp: i64,
    /// `v1,…`, one for each secret.
    pub(crate) signatures: Vec<String>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn r#type(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    /// Whether one of its signatures is made with `secret`, `whsec_…`.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.{}", self.id, self.timestamp, self.body).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.signatures.contains(&expected)
    }
}

#[derive(Debug)]
struct Book {
    received: Vec<Received>,
    says: Says,
    /// Messages that are being answered, by id, and the most there ever were.
    open: HashMap<String, usize>,
    most_open: usize,
    /// Whether one message was being answered twice at once.
    is_doubled: bool,
}

/// A receiver on a port of its own.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) addr: SocketAddr,
    book: Arc<Mutex<Book>>,
    go_on: Arc<Semaphore>,
}

impl Receiver {
    pub(crate) async fn start(says: Says) -> Self {
        Self::start_at(says, ([127, 0, 0, 1], 0).into()).await
    }

    /// The same at this address.
    pub(crate) async fn start_at(says: Says, addr: SocketAddr) -> Self {
        let listener = TcpListener::bind(addr).await.unwrap();
        let book = Book { received: Vec::new(), says, open: HashMap::new(), most_open: 0, is_doubled: false };
        let receiver = Self {
            addr: listener.local_addr().unwrap(),
            book: Arc::new(Mutex::new(book)),
            go_on: Arc::new(Semaphore::new(0)),
        };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks?from=qc", self.addr)
    }

    pub(crate) fn says(&self, says: Says) {
        self.book.lock().unwrap().says = says;
    }

    /// Answers all that it has not answered.
    pub(crate) fn go_on(&self) {
        self.go_on.add_permits(10_000);
    }

    /// `status`, once it is let go on.
    async fn held(&self, status: StatusCode) -> Response {
        self.go_on.acquire().await.unwrap().forget();
        status.into_response()
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.book.lock().unwrap().received.clone()
    }

    /// Messages that are being answered now.
    pub(crate) fn open(&self) -> usize {
        self.book.lock().unwrap().open.values().sum()
    }

    /// How many messages came, and how many of them are being answered, at one moment.
    pub(crate) fn received_and_open(&self) -> (usize, usize) {
        let book = self.book.lock().unwrap();
        (book.received.len(), book.open.values().sum())
    }

    pub(crate) fn most_open(&self) -> usize {
        self.book.lock().unwrap().most_open
    }

    pub(crate) fn is_doubled(&self) -> bool {
        self.book.lock().unwrap().is_doubled
    }

    /// Waits until `count` messages came; those.
    pub(crate) async fn until(&self, count: usize) -> Vec<Received> {
        until(async || self.received().len() >= count).await;
        self.received()
    }
}

/// Takes a message out of those that are being answered, also when the sender hangs up.
struct Answering(Receiver, String);

impl Drop for Answering {
    fn drop(&mut self) {
        let mut book = self.0.book.lock().unwrap();
        if let Some(count) = book.open.get_mut(&self.1) {
            *count -= 1;
        }
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(text("content-type"), "application/json");
    let received = Received {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp").parse().unwrap(),
        signatures: text("webhook-signature").split(' ').map(str::to_owned).collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let says = {
        let mut book = receiver.book.lock().unwrap();
        let count = book.open.entry(received.id.clone()).or_default();
        *count += 1;
        let is_doubled = *count > 1;
        book.is_doubled |= is_doubled;
        book.most_open = book.most_open.max(book.open.values().sum());
        book.received.push(received.clone());
        book.says
    };
    let _answering = Answering(receiver.clone(), received.id);
    let status = |code| StatusCode::from_u16(code).unwrap();
    match says {
        Says::Status(code) => status(code).into_response(),
        Says::Later(code, after) => (status(code), [(header::RETRY_AFTER, after)]).into_response(),
        Says::Moved(addr) => (StatusCode::FOUND, [(header::LOCATION, format!("http://{addr}/"))]).into_response(),
        Says::Endlessly(code) => {
            let rest = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 4_096])));
            (status(code), axum::body::Body::from_stream(rest)).into_response()
        }
        Says::Farewell(code) => (status(code), [(header::CONNECTION, "close")]).into_response(),
        Says::Nothing => receiver.held(StatusCode::OK).await,
        Says::Held(code) => receiver.held(status(code)).await,
    }
}
