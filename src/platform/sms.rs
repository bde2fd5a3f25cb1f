//! Text messages to telephones, through a provider: any that takes a POST of JSON, or none.
//!
//! Text messages are sent by jobs, so at least once: the same message has the same [`id`](TextMessage::id) each time, which the
//! provider is told as `Idempotency-Key`. Neither numbers nor texts are ever logged.

use std::fmt;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use serde_json::Value;
use uuid::Uuid;

use super::http::HttpClient;
use super::jobs::Failure;
use crate::config::SmsSettings;

/// Known to providers, as of payments and of much else.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A message to one telephone.
#[derive(Clone)]
pub struct TextMessage {
    /// Stable, so that a message that is sent twice is known as one.
    pub id: Uuid,
    /// The number, after E.164.
    pub to: String,
    /// What it says.
    pub text: String,
}

impl fmt::Debug for TextMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // what is in it is for the receiver alone
        f.debug_struct("TextMessage").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Sends text messages. A clone is another handle to the same.
#[derive(Debug, Clone)]
pub struct Sms {
    http: HttpClient,
    provider: Option<SmsSettings>,
}

impl Sms {
    /// Through the provider in `settings`; without one, messages are noted in the log, and go nowhere.
    #[must_use]
    pub const fn new(http: HttpClient, settings: Option<SmsSettings>) -> Self {
        Self { http, provider: settings }
    }

    /// Sends `message`: once this is done, the provider has taken it over.
    ///
    /// # Errors
    /// [`Failure::Final`] when the provider will not have it, [`Failure::Again`] for all that may pass. Neither text has anything
    /// of the message or of the answer in it.
    pub async fn send(&self, message: &TextMessage) -> Result<(), Failure> {
        let Some(provider) = &self.provider else {
            tracing::info!(sms = %message.id, "a text message goes nowhere: SMS_URL is not set");
            return Ok(());
        };
        let body = filled(&provider.body, message).to_string();
        let (id, token) =
            (message.id.to_string(), provider.token.as_ref().map(|token| format!("Bearer {}", token.expose())));
        let mut headers = vec![(CONTENT_TYPE, "application/json"), (IDEMPOTENCY_KEY, id.as_str())];
        headers.extend(token.as_deref().map(|token| (AUTHORIZATION, token)));
        let answer = self.http.post(provider.url.expose(), &headers, Bytes::from(body)).await;
        let status = answer.map_err(|error| Failure::Again(provider.url.hide_in(&error.to_string())))?.status;
        match status.as_u16() {
            200..=299 => {
                tracing::info!(sms = %message.id, "a text message was sent");
                Ok(())
            }
            // an operator may mend that we are not let in; the rest says that it may be tried later
            401 | 403 | 408 | 425 | 429 | 500..=599 => {
                Err(Failure::Again(format!("the provider of text messages answered {status}")))
            }
            _ => Err(Failure::Final(format!("the provider of text messages refused one: {status}"))),
        }
    }
}

/// The template with `{to}`, `{text}` and `{id}` filled in, wherever they stand in its texts.
fn filled(template: &Value, message: &TextMessage) -> Value {
    match template {
        Value::String(text) => Value::String(fill(text, message)),
        Value::Array(values) => values.iter().map(|value| filled(value, message)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), filled(value, message))).collect())
        }
        other => other.clone(),
    }
}

/// Once through: what is filled in is not looked at again.
fn fill(template: &str, message: &TextMessage) -> String {
    let (mut filled, mut rest) = (String::new(), template);
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        filled.push_str(before);
        let places = [("{to}", message.to.clone()), ("{text}", message.text.clone()), ("{id}", message.id.to_string())];
        if let Some((place, value)) = places.into_iter().find(|(place, _)| from.starts_with(place)) {
            filled.push_str(&value);
            rest = &from[place.len()..];
        } else {
            filled.push('{');
            rest = &from[1..];
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_is_filled_once_through_and_stays_json() {
        let message = TextMessage { id: Uuid::nil(), to: "+911".to_owned(), text: "\"{to}\" {id".to_owned() };
        let template = json!({ "messages": [{ "to": "tel:{to}", "body": "{text}{", "n": 1 }], "ref": "{id}{other}" });
        let filled = filled(&template, &message);
        let id = Uuid::nil();
        assert_eq!(filled["messages"][0], json!({ "to": "tel:+911", "body": "\"{to}\" {id{", "n": 1 }));
        assert_eq!(filled["ref"], format!("{id}{{other}}"));
        assert!(!format!("{message:?}").contains("+911"));
    }
}
