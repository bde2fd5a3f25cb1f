//! Messages as Redis carries them: JSON.
//!
//! An event is published on each of its topics, one after the other, and what it tells is the same on all of them. So it is
//! written once, and read once, however many topics there are and whoever follows them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::{Message, Payload};

/// A [`Message`] around the text of what it tells.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    position: i64,
    previous: i64,
    event_id: Uuid,
    kind: Arc<str>,
    at: DateTime<Utc>,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// Writes messages, each of whose payloads comes several times in a row.
#[derive(Debug, Default)]
pub(super) struct Writer {
    last: Option<(Payload, Box<RawValue>)>,
}

impl Writer {
    /// `message` as it is sent.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub(super) fn write(&mut self, message: &Message) -> serde_json::Result<Vec<u8>> {
        let (_, payload) = match self.last.take() {
            Some(last) if last.0.is(&message.payload) => self.last.insert(last),
            _ => self.last.insert((message.payload.clone(), to_raw_value(&message.payload)?)),
        };
        let Message { position, previous, event_id, ref kind, at, .. } = *message;
        serde_json::to_vec(&Wire { position, previous, event_id, kind: Arc::clone(kind), at, payload })
    }
}

/// Reads messages, each of whose payloads comes several times in a row: those of the same text are one.
#[derive(Debug, Default)]
pub(super) struct Reader {
    last: Option<(Box<RawValue>, Payload)>,
}

impl Reader {
    /// The message that was sent as `text`.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn read(&mut self, text: &[u8]) -> serde_json::Result<Message> {
        let Wire { position, previous, event_id, kind, at, payload } = serde_json::from_slice(text)?;
        let (_, payload) = match self.last.take() {
            Some(last) if last.0.get() == payload.get() => self.last.insert(last),
            _ => self.last.insert((payload.to_owned(), serde_json::from_str(payload.get())?)),
        };
        Ok(Message { position, previous, event_id, kind, at, payload: payload.clone() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn message(position: i64, payload: &Payload) -> Message {
        let (event_id, at) = (Uuid::from_u128(7), DateTime::UNIX_EPOCH);
        Message { position, previous: position - 1, event_id, kind: "test.happened".into(), at, payload: payload.clone() }
    }

    #[test]
    fn what_comes_on_several_topics_is_read_once() {
        let (mut writer, mut reader) = (Writer::default(), Reader::default());
        let [one, other] = [1, 2].map(|number| Payload::from(json!({ "number": number, "text": "\u{e4} \"x\" \n" })));
        let sent = [(8, &one), (8, &one), (9, &other), (10, &one)];
        let read = sent.map(|(position, payload)| {
            let text = writer.write(&message(position, payload)).unwrap();
            let expected = json!({ "position": position, "previous": position - 1, "event_id": Uuid::from_u128(7),
                "kind": "test.happened", "at": "1970-01-01T00:00:00Z", "payload": **payload });
            assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), expected, "as every instance reads it");
            let read = reader.read(&text).unwrap();
            assert_eq!((read.position, read.previous, &*read.payload), (position, position - 1, &**payload));
            read.payload
        });
        assert!(read[0].is(&read[1]) && !read[1].is(&read[2]) && !read[2].is(&read[3]));
        assert!(reader.read(b"{}").is_err() && reader.read(b"\xff").is_err());
    }
}
