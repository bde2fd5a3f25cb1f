//! Settings of payments.

use std::time::Duration;

use super::{Reader, Secret};

/// How orders are paid in advance.
#[derive(Debug, Clone)]
pub struct Payments {
    /// How long an order waits for its payment.
    pub window: Duration,
    /// Through whom, unless the client says; none: not at all.
    pub provider: Option<ProviderName>,
    /// The account at Stripe, if there is one.
    pub stripe: Option<Stripe>,
    /// Where the sandbox sends its webhooks; none: to the address that the server listens on.
    pub sandbox_webhook_url: Option<String>,
    /// After which time a late payment of the sandbox succeeds.
    pub sandbox_late: Duration,
}

/// Providers of payments that this server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderName {
    /// Plays a provider, for development and tests.
    Sandbox,
    /// Stripe.
    Stripe,
}

/// An account at Stripe.
#[derive(Debug, Clone)]
pub struct Stripe {
    /// Opens its API.
    pub secret_key: Secret,
    /// Signs its webhooks.
    pub webhook_secret: Secret,
    /// Where its API is, without a slash at the end.
    pub api_url: String,
}

impl Reader {
    pub(super) fn payments(&mut self, is_embedded: bool) -> Payments {
        let keys = (self.optional("STRIPE_SECRET_KEY"), self.optional("STRIPE_WEBHOOK_SECRET"));
        let api_url = self.parse("STRIPE_API_URL", String::new(), "an address such as https://api.stripe.com", http_url);
        let stripe = match keys {
            (Some(secret_key), Some(webhook_secret)) => {
                Some(Stripe { secret_key: Secret(secret_key), webhook_secret: Secret(webhook_secret), api_url })
            }
            (None, None) => None,
            _ => {
                self.mistakes.push("STRIPE_SECRET_KEY: goes together with STRIPE_WEBHOOK_SECRET".to_owned());
                None
            }
        };
        let provider = match self.optional("PAYMENT_PROVIDER").as_deref() {
            None if stripe.is_some() => Some(ProviderName::Stripe),
            None => is_embedded.then_some(ProviderName::Sandbox),
            Some("sandbox") => Some(ProviderName::Sandbox),
            Some("stripe") => Some(ProviderName::Stripe),
            Some(other) => {
                self.mistakes.push(format!("PAYMENT_PROVIDER: must be sandbox or stripe, and is {other:?}"));
                None
            }
        };
        if provider == Some(ProviderName::Stripe) && stripe.is_none() {
            self.mistakes.push("PAYMENT_PROVIDER: stripe needs STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET".to_owned());
        }
        let sandbox_webhook_url = self.optional("SANDBOX_WEBHOOK_URL").map(|_| {
            self.parse("SANDBOX_WEBHOOK_URL", String::new(), "an address such as http://127.0.0.1:8080/…", http_url)
        });
        Payments {
            window: Duration::from_secs(self.number("PAYMENT_MINUTES", 1, 10_080) * 60),
            provider,
            stripe,
            sandbox_webhook_url,
            sandbox_late: self.seconds("SANDBOX_LATE_SECONDS", 1, 86_400),
        }
    }
}

/// An address of HTTP, without a slash at the end.
pub(super) fn http_url(text: &str) -> Option<String> {
    let uri: hyper::Uri = text.parse().ok()?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty());
    is_http.then(|| text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::load;

    #[test]
    fn payments_need_what_their_provider_needs() {
        let provider = |pairs: &[(&str, &str)]| load(pairs).map(|config| config.payments.provider);
        assert_eq!(provider(&[]), Ok(Some(ProviderName::Sandbox)), "embedded");
        let production = [("DATABASE_URL", "postgres://localhost/qc"), ("JWT_SECRET", "0123456789abcdef0123456789abcdef")];
        assert_eq!(provider(&production), Ok(None), "nobody chose");
        let chosen = |name| [production[0], production[1], ("PAYMENT_PROVIDER", name)];
        assert_eq!(provider(&chosen("sandbox")), Ok(Some(ProviderName::Sandbox)));
        assert!(provider(&chosen("stripe")).is_err() && provider(&chosen("other")).is_err());
        assert!(load(&[("STRIPE_SECRET_KEY", "sk_test_tiger")]).is_err(), "without the webhooks' secret");
        let keys = [("STRIPE_SECRET_KEY", "sk_test_tiger"), ("STRIPE_WEBHOOK_SECRET", "whsec_lion")];
        assert_eq!(provider(&keys), Ok(Some(ProviderName::Stripe)), "whoever has an account means it");
        assert_eq!(provider(&[keys[0], keys[1], ("PAYMENT_PROVIDER", "sandbox")]), Ok(Some(ProviderName::Sandbox)));
        let config = load(&[keys[0], keys[1], ("PAYMENT_PROVIDER", "stripe")]).unwrap();
        let text = format!("{config:?}");
        assert!(!text.contains("tiger") && !text.contains("lion"), "{text}");
        assert_eq!(config.payments.stripe.unwrap().api_url, "https://api.stripe.com");
    }
}
