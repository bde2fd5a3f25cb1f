//! Settings of text messages.

use serde_json::Value;

use super::payments::http_url;
use super::{Reader, Secret};

/// A provider of text messages.
#[derive(Debug, Clone)]
pub struct SmsSettings {
    /// Where messages are posted to; providers have accounts' names, and worse, in there.
    pub url: Secret,
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<Secret>,
    /// What is posted, with places for the message in its texts.
    pub body: Value,
}

impl Reader {
    /// Text messages that a user, and a number, is sent in an hour; 0: any number.
    pub(super) fn texts_per_hour(&mut self) -> u32 {
        u32::try_from(self.number("SMS_PER_HOUR", 0, 1_000_000)).unwrap_or(0)
    }

    /// The provider of text messages, if there is one.
    pub(super) fn sms(&mut self) -> Option<SmsSettings> {
        let body = self.parse("SMS_BODY", Value::Null, "JSON with {to} and {text} in its texts", |text| {
            let is_whole = text.contains("{to}") && text.contains("{text}");
            serde_json::from_str(text).ok().filter(|_| is_whole)
        });
        let token = self.optional("SMS_TOKEN").map(Secret);
        let url = self.optional("SMS_URL")?;
        if http_url(&url).is_none() {
            // the value may hold a secret
            self.mistakes.push("SMS_URL: must be an address such as https://sms.example/messages".to_owned());
        }
        Some(SmsSettings { url: Secret(url), token, body })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::config::tests::load;

    #[test]
    fn a_provider_is_an_address_and_its_secrets_are_never_repeated() {
        assert!(Config::defaults().unwrap().sms.is_none());
        let config = load(&[("SMS_URL", "https://sms.example/lion"), ("SMS_TOKEN", "tiger")]).unwrap();
        assert_eq!(config.sms.as_ref().unwrap().body["to"], "{to}");
        let text = format!("{config:?}");
        assert!(!text.contains("tiger") && !text.contains("lion"), "{text}");
        let error = load(&[("SMS_URL", "sms.example/lion"), ("SMS_BODY", "{\"to\": \"{to}\"}")]).unwrap_err();
        assert!(error.0.len() == 2 && !error.to_string().contains("lion"), "{error}");
    }
}
