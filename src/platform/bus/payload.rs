//! What a message tells: JSON, which many receivers read, and which is read once for all of them.

use std::any::Any;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// What a message tells. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Payload(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    json: Value,
    /// As the first who asked wanted it.
    read: OnceLock<Option<Arc<dyn Any + Send + Sync>>>,
}

impl Payload {
    /// Whether it is the same as `other`, and not merely equal to it.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What it tells, as a `P`. One that is none is logged.
    #[must_use]
    pub fn parse<P: DeserializeOwned>(&self) -> Option<P> {
        P::deserialize(&self.0.json).inspect_err(|error| tracing::error!(%error, "an event's payload cannot be read")).ok()
    }

    /// The same, made once for all who ask for it.
    #[must_use]
    pub fn read<P: DeserializeOwned + Send + Sync + 'static>(&self) -> Option<Arc<P>> {
        let make = || self.parse::<P>().map(|read| Arc::new(read) as Arc<dyn Any + Send + Sync>);
        let read = self.0.read.get_or_init(make).clone()?;
        // others may have wanted something else of it
        read.downcast().ok().or_else(|| self.parse().map(Arc::new))
    }
}

impl From<Value> for Payload {
    fn from(json: Value) -> Self {
        Self(Arc::new(Inner { json, read: OnceLock::new() }))
    }
}

impl Deref for Payload {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0.json
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Counted {
        count: i32,
    }

    #[test]
    fn a_payload_is_read_once_and_as_whatever_is_wanted() {
        let payload = Payload::from(json!({ "count": 3 }));
        let read = payload.read::<Counted>().unwrap();
        assert_eq!(*read, Counted { count: 3 });
        assert!(Arc::ptr_eq(&read, &payload.clone().read().unwrap()), "for all of its clones");
        assert_eq!(payload.read::<Value>().as_deref(), Some(&json!({ "count": 3 })));
        assert_eq!(payload.read::<i32>(), None);
        let odd = Payload::from(json!(["something else"]));
        assert_eq!(
            (odd.read::<Counted>(), odd.read::<Value>()),
            (None, None),
            "what cannot be read once is not tried again"
        );
        assert_eq!(odd.parse::<Value>(), Some(json!(["something else"])));
        let sent = serde_json::to_string(&payload).unwrap();
        assert_eq!(*serde_json::from_str::<Payload>(&sent).unwrap(), *payload);
    }
}
