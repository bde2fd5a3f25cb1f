//! What the server says: an envelope for each operation around what may be the same for many of them.

use bytes::Bytes;
use serde_json::Value;

use super::protocol::Object;

/// The answer to `connection_init`.
pub(super) const ACK: Bytes = Bytes::from_static(br#"{"type":"connection_ack"}"#);

/// An operation's id, as JSON: what is written many times is escaped once. Two are equal if the ids are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Id(Box<str>);

impl Id {
    /// Of the id as the client sent it.
    pub(super) fn new(id: &str) -> Self {
        Self(Value::from(id).to_string().into())
    }

    /// Bytes that it takes.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// A result; `body` is JSON.
    pub(super) fn next(&self, body: &[u8]) -> Bytes {
        self.message(r#","type":"next","payload":"#, body)
    }

    /// The errors of an operation that was refused, or could not go on; `errors` is a JSON list.
    pub(super) fn error(&self, errors: &[u8]) -> Bytes {
        self.message(r#","type":"error","payload":"#, errors)
    }

    /// The end of an operation.
    pub(super) fn complete(&self) -> Bytes {
        self.message(r#","type":"complete""#, b"")
    }

    fn message(&self, middle: &str, payload: &[u8]) -> Bytes {
        const BEGIN: &str = r#"{"id":"#;
        let mut message = Vec::with_capacity(BEGIN.len() + self.0.len() + middle.len() + payload.len() + 1);
        for part in [BEGIN.as_bytes(), self.0.as_bytes(), middle.as_bytes(), payload, b"}"] {
            message.extend_from_slice(part);
        }
        message.into()
    }
}

/// The answer to `ping`: what it brought goes back.
pub(super) fn pong(payload: Option<Object>) -> Bytes {
    match payload {
        None => Bytes::from_static(br#"{"type":"pong"}"#),
        Some(payload) => format!(r#"{{"type":"pong","payload":{}}}"#, Value::Object(payload)).into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(message: &Bytes) -> Value {
        serde_json::from_slice(message).unwrap()
    }

    #[test]
    fn every_id_comes_back_as_it_was() {
        for text in ["1", "a\"b\\c", "\u{0}\n\u{1f}\u{7f}", "₹🛵", "\u{2028}", " ", &"x".repeat(5000)] {
            let id = Id::new(text);
            assert_eq!(
                value(&id.next(br#"{"data":{"a":1}}"#)),
                json!({ "id": text, "type": "next", "payload": { "data": { "a": 1 } } })
            );
            assert_eq!(value(&id.error(b"[{}]")), json!({ "id": text, "type": "error", "payload": [{}] }));
            assert_eq!(value(&id.complete()), json!({ "id": text, "type": "complete" }));
            assert_eq!(id, Id::new(text));
            assert_ne!(id, Id::new(&format!("{text} ")));
        }
    }

    #[test]
    fn what_a_ping_brought_goes_back() {
        assert_eq!(value(&pong(None)), json!({ "type": "pong" }));
        let payload = json!({ "n": [1, "x", null], "a": {} });
        let Value::Object(object) = payload.clone() else { panic!() };
        assert_eq!(value(&pong(Some(object))), json!({ "type": "pong", "payload": payload }));
        assert_eq!(value(&ACK), json!({ "type": "connection_ack" }));
    }
}
