//! What clients say: the messages of graphql-transport-ws, read strictly.
//!
//! The type is looked at first, then each field that this type has; fields that are not known are passed over. What is not
//! exactly as the protocol has it is an end with 4400: a client that sends it would misunderstand the answer too.

use serde_json::{Map, Value};

use super::goodbye::Goodbye;

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// A message of a client.
#[derive(Debug, PartialEq)]
pub(super) enum ClientMessage {
    /// `connection_init`, with its payload.
    Init(Option<Object>),
    /// `ping`, with its payload.
    Ping(Option<Object>),
    /// `pong`.
    Pong,
    /// `subscribe`: a query, a mutation or a subscription.
    Subscribe(String, Request),
    /// `complete`: nothing more of this operation is wanted.
    Complete(String),
}

/// The payload of `subscribe`.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    /// The document.
    pub(super) query: String,
    /// Which of its operations.
    pub(super) operation_name: Option<String>,
    /// Values of its variables.
    pub(super) variables: Object,
}

type Result<T> = std::result::Result<T, Goodbye>;

impl ClientMessage {
    /// Reads one.
    ///
    /// # Errors
    /// How to close.
    pub(super) fn read(text: &str) -> Result<Self> {
        let message = serde_json::from_str(text).map_err(|_| Goodbye::invalid("Invalid message: not JSON"))?;
        let Value::Object(mut message) = message else { return Err(Goodbye::invalid("Invalid message: not an object")) };
        let Some(Value::String(kind)) = message.remove("type") else {
            return Err(Goodbye::invalid("Invalid message: `type` must be a text"));
        };
        match kind.as_str() {
            "connection_init" => Ok(Self::Init(object(&mut message, "payload")?)),
            "ping" => Ok(Self::Ping(object(&mut message, "payload")?)),
            "pong" => object(&mut message, "payload").map(|_| Self::Pong),
            "subscribe" => Ok(Self::Subscribe(id(&mut message)?, Request::read(&mut message)?)),
            "complete" => Ok(Self::Complete(id(&mut message)?)),
            _ => Err(Goodbye::invalid(format!("Invalid message: clients do not send `{kind}`"))),
        }
    }
}

impl Request {
    fn read(message: &mut Object) -> Result<Self> {
        let payload = object(message, "payload")?;
        let mut payload = payload.ok_or_else(|| Goodbye::invalid("Invalid message: `payload` must be an object"))?;
        let query = text(&mut payload, "query")?;
        let query = query.ok_or_else(|| Goodbye::invalid("Invalid message: `query` must be a text"))?;
        let operation_name = text(&mut payload, "operationName")?;
        let variables = object(&mut payload, "variables")?.unwrap_or_default();
        // none is known
        object(&mut payload, "extensions")?;
        Ok(Self { query, operation_name, variables })
    }
}

fn id(message: &mut Object) -> Result<String> {
    match text(message, "id")? {
        Some(id) if !id.is_empty() => Ok(id),
        _ => Err(Goodbye::invalid("Invalid message: `id` must be a text, and not empty")),
    }
}

/// A text, if there is one. Null is the same as nothing, as it is in the protocol.
fn text(fields: &mut Object, name: &str) -> Result<Option<String>> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Goodbye::invalid(format!("Invalid message: `{name}` must be a text"))),
    }
}

/// An object, if there is one.
fn object(fields: &mut Object, name: &str) -> Result<Option<Object>> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(Goodbye::invalid(format!("Invalid message: `{name}` must be an object"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(message: &Value) -> Result<ClientMessage> {
        ClientMessage::read(&message.to_string())
    }

    fn object(value: Value) -> Object {
        let Value::Object(object) = value else { panic!("{value}") };
        object
    }

    #[test]
    fn every_message_of_a_client_is_read() {
        let id = || "1".to_owned();
        let request = || Request { query: "{ a }".to_owned(), operation_name: None, variables: Map::new() };
        for (message, expected) in [
            (json!({ "type": "connection_init" }), ClientMessage::Init(None)),
            (json!({ "type": "connection_init", "payload": null }), ClientMessage::Init(None)),
            (
                json!({ "payload": { "a": 1 }, "type": "connection_init" }),
                ClientMessage::Init(Some(object(json!({ "a": 1 })))),
            ),
            (json!({ "type": "ping" }), ClientMessage::Ping(None)),
            (json!({ "type": "ping", "payload": {} }), ClientMessage::Ping(Some(object(json!({}))))),
            (json!({ "type": "pong" }), ClientMessage::Pong),
            (json!({ "type": "pong", "payload": { "a": 1 } }), ClientMessage::Pong),
            (json!({ "type": "complete", "id": "1" }), ClientMessage::Complete(id())),
            (json!({ "type": "complete", "id": "1", "payload": 7, "more": [] }), ClientMessage::Complete(id())),
            (
                json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ a }" } }),
                ClientMessage::Subscribe(id(), request()),
            ),
            (
                json!({ "type": "subscribe", "id": "1", "payload": {
                    "query": "{ a }", "operationName": null, "variables": null, "extensions": null, "more": 1 } }),
                ClientMessage::Subscribe(id(), request()),
            ),
            (
                json!({ "type": "subscribe", "id": "1", "payload": {
                    "query": "{ a }", "operationName": "A", "variables": { "x": [1] }, "extensions": { "y": 1 } } }),
                ClientMessage::Subscribe(
                    id(),
                    Request { operation_name: Some("A".to_owned()), variables: object(json!({ "x": [1] })), ..request() },
                ),
            ),
        ] {
            assert_eq!(read(&message), Ok(expected), "{message}");
        }
    }

    #[test]
    fn what_is_not_exactly_a_message_ends_with_4400() {
        let mut invalid: Vec<String> =
            ["", "{", "null", "[]", "\"ping\"", "{}", "{}{}", "\u{feff}{\"type\":\"ping\"}"].map(str::to_owned).into();
        invalid.push("[".repeat(100_000));
        let mut add = |message: Value| invalid.push(message.to_string());
        for kind in [json!(null), json!(1), json!(["ping"]), json!(""), json!("PING"), json!("x".repeat(500))] {
            add(json!({ "type": kind }));
        }
        // the server's, and the old protocol's
        for kind in ["connection_ack", "next", "error", "data", "ka", "start", "stop", "connection_terminate"] {
            add(json!({ "type": kind, "id": "1", "payload": { "query": "{ a }" } }));
        }
        for payload in [json!(1), json!("x"), json!([]), json!(false)] {
            for kind in ["connection_init", "ping", "pong", "subscribe"] {
                add(json!({ "type": kind, "id": "1", "payload": payload }));
            }
        }
        for id in [json!(null), json!(1), json!(""), json!({})] {
            add(json!({ "type": "subscribe", "id": id, "payload": { "query": "{ a }" } }));
            add(json!({ "type": "complete", "id": id }));
        }
        add(json!({ "type": "complete" }));
        add(json!({ "type": "subscribe", "payload": { "query": "{ a }" } }));
        add(json!({ "type": "subscribe", "id": "1" }));
        add(json!({ "type": "subscribe", "id": "1", "payload": null }));
        for payload in [
            json!({}),
            json!({ "query": null }),
            json!({ "query": 1 }),
            json!({ "query": ["{ a }"] }),
            json!({ "query": "{ a }", "operationName": 1 }),
            json!({ "query": "{ a }", "variables": "x" }),
            json!({ "query": "{ a }", "variables": [] }),
            json!({ "query": "{ a }", "extensions": [] }),
        ] {
            add(json!({ "type": "subscribe", "id": "1", "payload": payload }));
        }
        for message in invalid {
            let goodbye = ClientMessage::read(&message).expect_err(&message).frame();
            assert_eq!(u16::from(goodbye.code), 4400, "{message}");
            assert!(goodbye.reason.starts_with("Invalid message: "), "{}", goodbye.reason);
        }
    }
}
