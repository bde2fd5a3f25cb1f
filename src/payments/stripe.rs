//! Stripe: Payment Intents and refunds over its HTTP API, <https://docs.stripe.com/api>.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::Named as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::provider::{
    Intent, NewIntent, NewRefund, News, Provider, ProviderError, ProviderEvent, RefundAnswer, RefundOutcome, WebhookError,
};
use super::signature;
use crate::config::Stripe;
use crate::platform::http::HttpClient;

/// The version of the API that this was written against; an account's own may be another.
const VERSION: &str = "2024-12-18.acacia";

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// An account at Stripe.
#[derive(Debug)]
pub(super) struct StripeApi {
    http: HttpClient,
    account: Stripe,
}

/// A payment as Stripe tells of it.
#[derive(Debug, Deserialize)]
struct PaymentIntent {
    id: String,
    client_secret: Option<String>,
    #[serde(default)]
    amount_received: i64,
    #[serde(default)]
    currency: String,
    #[serde(default)]
    metadata: Metadata,
    last_payment_error: Option<Reason>,
}

/// A refund as Stripe tells of it.
#[derive(Debug, Deserialize)]
struct StripeRefund {
    id: String,
    #[serde(default)]
    status: String,
    payment_intent: Option<String>,
    failure_reason: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

/// What was given to Stripe along, by us or by another system that shares the account.
#[derive(Debug, Default, Deserialize)]
struct Metadata(serde_json::Map<String, Value>);

impl Metadata {
    /// The id of ours that is kept under `key`.
    fn id(&self, key: &str) -> Option<Uuid> {
        self.0.get(key)?.as_str()?.parse().ok()
    }
}

#[derive(Debug, Deserialize)]
struct Reason {
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    error: Reason,
}

#[derive(Debug, Deserialize)]
struct Event {
    id: String,
    r#type: String,
    data: EventData,
}

#[derive(Debug, Deserialize)]
struct EventData {
    object: Value,
}

impl StripeApi {
    pub(super) const fn new(http: HttpClient, account: Stripe) -> Self {
        Self { http, account }
    }

    /// A request under `key`, which Stripe remembers for a day: the same answer comes back, and nothing is done twice.
    async fn post(&self, path: &str, key: &str, form: &[(&str, String)]) -> Result<Value, ProviderError> {
        let unavailable = |text: String| ProviderError::Unavailable(format!("Stripe: {text}"));
        let body = serde_urlencoded::to_string(form).map_err(|error| unavailable(error.to_string()))?;
        let authorization = format!("Bearer {}", self.account.secret_key.expose());
        let headers = [
            (AUTHORIZATION, authorization.as_str()),
            (CONTENT_TYPE, "application/x-www-form-urlencoded"),
            (STRIPE_VERSION, VERSION),
            (IDEMPOTENCY_KEY, key),
        ];
        let url = format!("{}{path}", self.account.api_url);
        let answer =
            self.http.post(&url, &headers, Bytes::from(body)).await.map_err(|error| unavailable(error.to_string()))?;
        if answer.status.is_success() {
            return serde_json::from_slice(&answer.body).map_err(|error| unavailable(error.to_string()));
        }
        let refusal: Option<Refusal> = serde_json::from_slice(&answer.body).ok();
        let message = refusal.and_then(|refusal| refusal.error.message).unwrap_or_else(|| answer.status.to_string());
        let message = self.account.secret_key.hide_in(&message);
        match answer.status.as_u16() {
            // a wrong key is ours to mend, and another request under the same key may be under way: neither is about the money
            401 | 403 | 408 | 409 | 429 | 500.. => Err(unavailable(format!("{}: {message}", answer.status.as_u16()))),
            _ => Err(ProviderError::Refused(message)),
        }
    }

    fn read<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, ProviderError> {
        serde_json::from_value(value).map_err(|error| ProviderError::Unavailable(format!("Stripe's answer: {error}")))
    }
}

impl Provider for StripeApi {
    fn signature_header(&self) -> &'static str {
        "stripe-signature"
    }

    fn create_intent<'a>(&'a self, new: &'a NewIntent) -> BoxFuture<'a, Result<Intent, ProviderError>> {
        async move {
            let form = [
                // Stripe too counts in minor units
                ("amount", new.amount.minor.to_string()),
                ("currency", new.amount.currency.name().to_lowercase()),
                ("automatic_payment_methods[enabled]", "true".to_owned()),
                ("description", format!("Order {}", new.order_number)),
                ("metadata[payment_id]", new.payment.to_string()),
            ];
            let answer = self.post("/v1/payment_intents", &new.payment.to_string(), &form).await?;
            let PaymentIntent { id, client_secret, .. } = Self::read(answer)?;
            let missing = || ProviderError::Unavailable("Stripe's answer: no client_secret".to_owned());
            Ok(Intent { reference: id, client_secret: client_secret.ok_or_else(missing)? })
        }
        .boxed()
    }

    fn cancel_intent<'a>(&'a self, payment: Uuid, reference: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        async move {
            let path = format!("/v1/payment_intents/{reference}/cancel");
            self.post(&path, &format!("cancel-{payment}"), &[]).await.map(|_| ())
        }
        .boxed()
    }

    fn refund<'a>(&'a self, new: &'a NewRefund) -> BoxFuture<'a, Result<RefundAnswer, ProviderError>> {
        async move {
            let form = [
                ("payment_intent", new.reference.clone()),
                ("amount", new.amount.minor.to_string()),
                ("metadata[refund_id]", new.refund.to_string()),
            ];
            let refund: StripeRefund = Self::read(self.post("/v1/refunds", &new.refund.to_string(), &form).await?)?;
            let outcome = outcome(&refund);
            Ok(RefundAnswer { reference: refund.id, outcome })
        }
        .boxed()
    }

    fn parse_webhook(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Option<ProviderEvent>, WebhookError> {
        signature::verify(self.account.webhook_secret.expose().as_bytes(), signature, body, now)?;
        let Event { id, r#type, data } = serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
        let malformed = |_| WebhookError::Malformed;
        match r#type.as_str() {
            "payment_intent.succeeded" | "payment_intent.payment_failed" | "payment_intent.canceled" => {
                let intent: PaymentIntent = serde_json::from_value(data.object).map_err(malformed)?;
                let news = match r#type.as_str() {
                    "payment_intent.succeeded" => {
                        News::Succeeded { amount_minor: intent.amount_received, currency: intent.currency.to_uppercase() }
                    }
                    "payment_intent.canceled" => News::Cancelled,
                    _ => {
                        let reason = intent.last_payment_error.and_then(|error| error.message);
                        News::Failed { reason: reason.unwrap_or_else(|| "The payment was declined.".to_owned()) }
                    }
                };
                let (payment, reference) = (intent.metadata.id("payment_id"), intent.id);
                Ok(Some(ProviderEvent { id, payment, reference, news }))
            }
            // the last is what they were called before 2024
            "refund.updated" | "refund.failed" | "charge.refund.updated" => {
                let refund: StripeRefund = serde_json::from_value(data.object).map_err(malformed)?;
                let outcome = outcome(&refund);
                // one that was made by hand in Stripe's dashboard has no id of ours
                let (Some(outcome), Some(ours), Some(reference)) =
                    (outcome, refund.metadata.id("refund_id"), refund.payment_intent)
                else {
                    return Ok(None);
                };
                Ok(Some(ProviderEvent { id, payment: None, reference, news: News::Refund { refund: ours, outcome } }))
            }
            _ => Ok(None),
        }
    }
}

/// How a refund ended, if it did.
fn outcome(refund: &StripeRefund) -> Option<RefundOutcome> {
    match refund.status.as_str() {
        "succeeded" => Some(RefundOutcome::Succeeded),
        "failed" | "canceled" => {
            Some(RefundOutcome::Failed(refund.failure_reason.clone().unwrap_or_else(|| refund.status.clone())))
        }
        _ => None,
    }
}
