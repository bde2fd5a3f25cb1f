//! The event-stream side of the tests' client: server-sent events as the HTML standard has them, and a client that comes
//! back as browsers' `EventSource` does.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use futures_util::StreamExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// How long anything that is expected may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An event, or the end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// The next result, with the id that the event has.
    Next(Option<String>, Value),
    /// There is no more.
    Complete,
    /// The connection has ended, with or without a word of it.
    Gone,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) addr: SocketAddr,
    pub(crate) token: Option<String>,
    pub(crate) method: Method,
    pub(crate) document: String,
    pub(crate) variables: Value,
    pub(crate) last_event_id: Option<String>,
}

impl Ask {
    /// `document` by GET, as somebody with `token`.
    pub(crate) fn new(addr: SocketAddr, token: Option<&str>, document: &str, variables: Value) -> Self {
        let (token, document) = (token.map(str::to_owned), document.to_owned());
        Self { addr, token, method: Method::GET, document, variables, last_event_id: None }
    }

    /// The same by POST.
    pub(crate) fn by_post(self) -> Self {
        Self { method: Method::POST, ..self }
    }

    /// The same from where a stream was before.
    pub(crate) fn after(self, last_event_id: &str) -> Self {
        Self { last_event_id: Some(last_event_id.to_owned()), ..self }
    }

    /// The answer's head, and what follows.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) async fn try_open(&self) -> Result<EventStream, String> {
        let url = format!("http://{}/graphql", self.addr);
        let request = Request::builder().method(self.method.clone()).header(header::ACCEPT, "text/event-stream");
        let (request, body) = if self.method == Method::GET {
            let variables = self.variables.to_string();
            let url = format!("{url}?query={}&variables={}", escape(&self.document), escape(&variables));
            (request.uri(url), Body::empty())
        } else {
            let body = json!({ "query": self.document, "variables": self.variables }).to_string();
            (request.uri(url).header(header::CONTENT_TYPE, "application/json"), Body::from(body))
        };
        let bearer = self.token.iter().map(|token| (header::AUTHORIZATION.as_str(), format!("Bearer {token}")));
        let last = self.last_event_id.iter().map(|id| ("last-event-id", id.clone()));
        let request = bearer.chain(last).fold(request, |request, (name, value)| request.header(name, value));
        let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
        let answer = tokio::time::timeout(PATIENCE, client.request(request.body(body).unwrap())).await;
        let (head, body) = answer.expect("the server answers").map_err(|error| format!("{error:?}"))?.into_parts();
        let body = Body::new(body).into_data_stream();
        Ok(EventStream { status: head.status, headers: head.headers, body, text: String::new(), events: VecDeque::new() })
    }

    /// The stream that must begin now.
    pub(crate) async fn open(&self) -> EventStream {
        let stream = self.try_open().await.unwrap();
        assert_eq!(stream.status, StatusCode::OK);
        assert_eq!(stream.headers[header::CONTENT_TYPE], "text/event-stream; charset=utf-8");
        stream
    }
}

/// As it may stand in an address.
fn escape(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    escaped.collect()
}

/// An event stream.
pub(crate) struct EventStream {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: BodyDataStream,
    /// What is not a whole event yet.
    text: String,
    events: VecDeque<Event>,
}

impl EventStream {
    /// The next event. Fails the test when there is none in time.
    pub(crate) async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("an event comes in time");
            let Some(Ok(chunk)) = chunk else { return Event::Gone };
            // every character is sent in one piece, for they come as JSON from ASCII names and texts
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                self.events.extend(read(event));
                let rest = rest.to_owned();
                self.text = rest;
            }
        }
    }

    /// The result that must come now, with its id.
    pub(crate) async fn result(&mut self) -> (Option<String>, Value) {
        match self.next().await {
            Event::Next(id, result) => (id, result),
            other => panic!("a result was expected, not {other:?}"),
        }
    }

    /// The item that must come now, which has to have its own cursor for an id.
    pub(crate) async fn item(&mut self) -> Value {
        let (id, result) = self.result().await;
        let item = item_of(&result);
        assert_eq!(item["cursor"].as_str(), id.as_deref(), "{result}");
        item
    }
}

/// The value of the root field.
pub(crate) fn item_of(result: &Value) -> Value {
    assert_eq!(result.get("errors"), None, "{result}");
    result["data"].as_object().unwrap().values().next().unwrap().clone()
}

/// An event, unless it is one without data: those are not told of.
fn read(event: &str) -> Option<Event> {
    let (mut kind, mut id, mut data) = ("message", None, None);
    for line in event.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => kind = value,
            "id" => id = Some(value.to_owned()),
            "data" => assert_eq!(data.replace(value), None, "an answer is on one line: {event}"),
            "" | "retry" => {}
            other => panic!("nobody knows the field {other}: {event}"),
        }
    }
    match (kind, data) {
        ("next", Some(data)) => Some(Event::Next(id, serde_json::from_str(data).unwrap())),
        ("complete", Some("")) => Some(Event::Complete),
        ("message", None) => None,
        _ => panic!("nobody knows the event {event}"),
    }
}

/// A subscription that comes back by itself, as a browser's `EventSource` does (HTML standard, section 9.2.3), but at once.
pub(crate) struct EventSource {
    ask: Ask,
    stream: Option<EventStream>,
    /// How often it was connected.
    pub(crate) connections: usize,
}

impl EventSource {
    pub(crate) fn new(ask: Ask) -> Self {
        Self { ask, stream: None, connections: 0 }
    }

    /// The next item, over however many connections.
    pub(crate) async fn item(&mut self) -> Value {
        loop {
            let stream = match &mut self.stream {
                Some(stream) => stream,
                none => {
                    let Ok(stream) = self.ask.try_open().await else {
                        tokio::task::yield_now().await;
                        continue;
                    };
                    assert_eq!(stream.status, StatusCode::OK, "of another status nothing comes back");
                    self.connections += 1;
                    none.insert(stream)
                }
            };
            match stream.next().await {
                Event::Next(id, result) => {
                    self.ask.last_event_id = id.or(self.ask.last_event_id.take());
                    return item_of(&result);
                }
                Event::Gone => self.stream = None,
                Event::Complete => panic!("it has not come to its end"),
            }
        }
    }
}
