//! Settings of what other systems are told: webhooks, and the stream of all events.

use std::time::Duration;

use super::{Network, Reader, Secret};

/// The least bytes of a key.
const MIN_KEY: usize = 32;

/// How webhooks are sent.
#[derive(Debug, Clone)]
pub struct Webhooks {
    /// Encrypts their signing secrets; none: a key derived from the one of the access tokens.
    pub key: Option<Secret>,
    /// The key before, which only decrypts.
    pub key_before: Option<Secret>,
    /// Whether they may go to addresses of `http:`.
    pub is_http_allowed: bool,
    /// Networks that are not public and that they may go to.
    pub networks: Vec<Network>,
    /// How long a secret that was replaced goes on signing.
    pub overlap: Duration,
    /// How long deliveries that have ended are kept.
    pub log: Duration,
    /// For how long nothing gets through before an endpoint is paused.
    pub pause: Duration,
    /// The most messages that wait to be sent to one endpoint, half of them of the inventory.
    pub max_waiting: u64,
}

/// The stream of all events in Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventStream {
    /// Its name, without the prefix.
    pub name: String,
    /// About how many events it keeps.
    pub length: u64,
}

impl Reader {
    pub(super) fn webhooks(&mut self) -> Webhooks {
        let [key, key_before] = ["WEBHOOK_KEY", "WEBHOOK_KEY_BEFORE"].map(|name| {
            let key = self.optional(name);
            if key.as_ref().is_some_and(|key| key.len() < MIN_KEY) {
                self.mistakes.push(format!("{name}: must have at least {MIN_KEY} bytes"));
            }
            key.map(Secret)
        });
        Webhooks {
            key,
            key_before,
            is_http_allowed: self.parse("WEBHOOK_HTTP", false, "true or false", |text| text.parse().ok()),
            networks: self.networks("WEBHOOK_NETWORKS"),
            overlap: self.hours("WEBHOOK_OVERLAP_HOURS", 0),
            log: self.days("WEBHOOK_LOG_DAYS"),
            // longer than one message is tried
            pause: Duration::from_hours(24) * u32::try_from(self.number("WEBHOOK_PAUSE_DAYS", 2, 3_650)).unwrap_or(2),
            max_waiting: self.number("WEBHOOK_MAX_WAITING", 1, 1_000_000),
        }
    }

    pub(super) fn event_stream(&mut self, has_redis: bool) -> Option<EventStream> {
        let name = self.parse("REDIS_STREAM", String::new(), "letters, digits, - and _", |text| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).then(|| text.to_owned())
        });
        let length = self.number("REDIS_STREAM_LENGTH", 0, 100_000_000);
        (has_redis && length > 0).then_some(EventStream { name, length })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::load;

    #[test]
    fn webhooks_go_to_public_addresses_over_tls_unless_configured() {
        let config = load(&[]).unwrap();
        assert!(!config.webhooks.is_http_allowed && config.webhooks.networks.is_empty());
        assert_eq!(config.event_stream, None, "there is no Redis");
        let config = load(&[("WEBHOOK_HTTP", "true"), ("WEBHOOK_NETWORKS", "10.0.0.0/8, ::1")]).unwrap();
        assert!(config.webhooks.is_http_allowed && config.webhooks.networks.len() == 2);
    }

    #[test]
    fn a_short_key_is_refused_and_no_key_is_printed() {
        let error = load(&[("WEBHOOK_KEY", "hunter2"), ("WEBHOOK_NETWORKS", "home")]).unwrap_err();
        assert!(error.0.len() == 2 && !error.to_string().contains("hunter2"), "{error}");
        let key = "a key that is long enough to be a key";
        let config = load(&[("WEBHOOK_KEY", key), ("WEBHOOK_KEY_BEFORE", key)]).unwrap();
        assert!(!format!("{config:?}").contains(key));
        assert_eq!(config.secrets().iter().filter(|secret| secret.expose() == key).count(), 2);
    }
}
