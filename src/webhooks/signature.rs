//! Signatures of the Standard Webhooks specification, version 1 (HMAC-SHA-256):
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::webhook::WebhookTopic;
use hmac::Mac as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::platform::tokens::hmac;

/// The signature of a message that is sent at `timestamp`, seconds since 1970: of id, time and body, each as it is sent.
#[must_use]
pub fn sign(secret: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signed = hmac(secret).chain_update(format!("{id}.{timestamp}.")).chain_update(body);
    format!("v1,{}", STANDARD.encode(signed.finalize().into_bytes()))
}

/// The `webhook-id` of telling `endpoint` of `event` as `topic`: the same however often that is done, and whoever does it.
/// A receiver that keeps the ids that it has dealt with drops repeats by it.
#[must_use]
pub fn message_id(event: Uuid, endpoint: Uuid, topic: WebhookTopic) -> String {
    let digest = Sha256::new()
        .chain_update(event.as_bytes())
        .chain_update(endpoint.as_bytes())
        .chain_update(domain::Named::name(topic))
        .finalize();
    format!("msg_{}", hex::encode(&digest[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::secrets::SigningSecret;

    /// The vector that the authors of the specification test their own libraries with.
    #[test]
    fn the_published_vector_holds() {
        let secret = SigningSecret::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = sign(secret.bytes(), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_id_of_a_message_is_of_its_event_endpoint_and_topic() {
        let [a, b] = [1, 2].map(Uuid::from_u128);
        let id = message_id(a, b, WebhookTopic::OrderCreated);
        assert_eq!(id, message_id(a, b, WebhookTopic::OrderCreated));
        assert_ne!(id, message_id(b, a, WebhookTopic::OrderCreated));
        assert_ne!(id, message_id(a, b, WebhookTopic::OrderConfirmed));
        assert!(!id.contains('.'), "a full stop ends it in what is signed");
    }
}
