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
    Intent, IntentState, NewIntent, NewRefund, News, Provider, ProviderError, ProviderEvent, RefundAnswer, RefundOutcome,
    WebhookError,
};
use super::signature;
use crate::config::Stripe;
use crate::platform::http::{HttpAnswer, HttpClient, HttpError};

/// The version of the API that this was written against; an account's own may be another.
const VERSION: &str = "2024-12-18.acacia";

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says `true` of an answer that was kept under the request's key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// Said of a refusal that is not about the customer's card; the log has Stripe's words.
const REFUSED: &str = "The payment provider did not accept it.";

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
    status: String,
    #[serde(default)]
    amount_received: i64,
    #[serde(default)]
    currency: String,
    metadata: Option<Metadata>,
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
    metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize)]
struct Refunds {
    data: Vec<StripeRefund>,
}

/// What was given to Stripe along, by us or by another system that shares the account. There may be none at all.
type Metadata = serde_json::Map<String, Value>;

/// The id of ours that is kept under `key`.
fn our_id(metadata: Option<&Metadata>, key: &str) -> Option<Uuid> {
    metadata?.get(key)?.as_str()?.parse().ok()
}

/// Stripe's own errors: what does not look like one is not Stripe's, but of somebody in between.
#[derive(Debug, Default, Deserialize)]
struct Reason {
    #[serde(default)]
    r#type: String,
    message: Option<String>,
    code: Option<String>,
}

impl Reason {
    /// What people may read: Stripe writes to cardholders of their cards, and of everything else to programmers.
    fn shown(self) -> Option<String> {
        self.message.filter(|_| self.r#type == "card_error")
    }
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

    /// A request under `key`, which Stripe remembers for a day: the same answer comes back, also that it broke, and nothing is
    /// done twice.
    async fn post(&self, path: &str, key: &str, form: &[(&str, String)]) -> Result<Value, ProviderError> {
        self.understand(self.send(path, key, form).await)
    }

    /// The same, as it is answered.
    async fn send(&self, path: &str, key: &str, form: &[(&str, String)]) -> Result<HttpAnswer, HttpError> {
        let body = serde_urlencoded::to_string(form).map_err(|error| HttpError::Request(error.to_string()))?;
        let authorization = self.authorization();
        let headers = [
            (AUTHORIZATION, authorization.as_str()),
            (CONTENT_TYPE, "application/x-www-form-urlencoded"),
            (STRIPE_VERSION, VERSION),
            (IDEMPOTENCY_KEY, key),
        ];
        let url = format!("{}{path}", self.account.api_url);
        self.http.post(&url, &headers, Bytes::from(body)).await
    }

    /// Reads what is at `path`.
    async fn get(&self, path: &str) -> Result<Value, ProviderError> {
        let authorization = self.authorization();
        let headers = [(AUTHORIZATION, authorization.as_str()), (STRIPE_VERSION, VERSION)];
        let url = format!("{}{path}", self.account.api_url);
        self.understand(self.http.get(&url, &headers).await)
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.account.secret_key.expose())
    }

    fn understand(&self, answer: Result<HttpAnswer, HttpError>) -> Result<Value, ProviderError> {
        let answer = answer.map_err(unavailable)?;
        if answer.status.is_success() {
            return serde_json::from_slice(&answer.body).map_err(unavailable);
        }
        let refusal: Option<Refusal> = serde_json::from_slice(&answer.body).ok();
        let mut error = refusal.map(|refusal| refusal.error).unwrap_or_default();
        error.message = error.message.map(|message| self.account.secret_key.hide_in(&message));
        let (is_stripes, status) = (!error.r#type.is_empty(), answer.status.as_u16());
        let text = format!("Stripe: {status}: {error:?}");
        match status {
            409 if error.code.as_deref() == Some("idempotency_key_in_use") => Err(ProviderError::UnderWay(text)),
            400 | 402 | 404 if is_stripes => {
                tracing::warn!(status, r#type = error.r#type, code = error.code, message = error.message, "Stripe refused");
                Err(ProviderError::Refused(error.shown().unwrap_or_else(|| REFUSED.to_owned())))
            }
            500.. => Err(ProviderError::Broken(text)),
            // a wrong key, or a proxy's answer, is ours to mend: that is not about the money
            _ => Err(ProviderError::Unavailable(text)),
        }
    }

    /// The refund `id` of ours of the payment `reference`, if Stripe has made it.
    async fn find_refund(&self, id: Uuid, reference: &str) -> Result<Option<StripeRefund>, ProviderError> {
        // more than anybody may ask for of one payment
        let query = [("payment_intent", reference), ("limit", "100")];
        let query = serde_urlencoded::to_string(query).map_err(unavailable)?;
        let found = self.get(&format!("/v1/refunds?{query}")).await;
        // that it cannot be looked up says nothing of what became of it
        let found = found.map_err(|error| match error {
            ProviderError::Refused(text) | ProviderError::Broken(text) => {
                unavailable(format!("looking a refund up: {text}"))
            }
            error => error,
        });
        let Refunds { data } = Self::read(found?)?;
        Ok(data.into_iter().find(|refund| our_id(refund.metadata.as_ref(), "refund_id") == Some(id)))
    }

    fn read<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, ProviderError> {
        serde_json::from_value(value).map_err(|error| ProviderError::Unavailable(format!("Stripe's answer: {error}")))
    }
}

/// The key of a request about what we call `id`, at which Stripe broke so many times.
fn request_key(id: Uuid, broken: u32) -> String {
    match broken {
        0 => id.to_string(),
        times => format!("{id}-{times}"),
    }
}

/// Whether Stripe says again what it said under the key before, so that it works at the request no more.
fn is_replayed(answer: &HttpAnswer) -> bool {
    answer.headers.get(REPLAYED).is_some_and(|value| value == "true")
}

/// Stripe cannot be asked now, or understood.
fn unavailable(error: impl std::fmt::Display) -> ProviderError {
    ProviderError::Unavailable(format!("Stripe: {error}"))
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
            let answer = self.post("/v1/payment_intents", &request_key(new.payment, new.broken), &form).await?;
            let PaymentIntent { id, client_secret, .. } = Self::read(answer)?;
            let missing = || ProviderError::Unavailable("Stripe's answer: no client_secret".to_owned());
            Ok(Intent { reference: id, client_secret: client_secret.ok_or_else(missing)? })
        }
        .boxed()
    }

    fn cancel_intent<'a>(&'a self, request: Uuid, reference: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        async move {
            let path = format!("/v1/payment_intents/{reference}/cancel");
            self.post(&path, &request.to_string(), &[]).await.map(|_| ())
        }
        .boxed()
    }

    fn find_intent<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<IntentState, ProviderError>> {
        async move {
            let intent: PaymentIntent = Self::read(self.get(&format!("/v1/payment_intents/{reference}")).await?)?;
            Ok(match intent.status.as_str() {
                "succeeded" => {
                    IntentState::Succeeded { amount_minor: intent.amount_received, currency: intent.currency.to_uppercase() }
                }
                "processing" => IntentState::Processing,
                "canceled" => IntentState::Cancelled,
                _ => IntentState::Other(intent.status),
            })
        }
        .boxed()
    }

    fn refund<'a>(&'a self, new: &'a NewRefund) -> BoxFuture<'a, Result<RefundAnswer, ProviderError>> {
        async move {
            if let Some(made) = self.find_refund(new.refund, &new.reference).await? {
                return Ok(made.into());
            }
            let key = request_key(new.refund, new.broken);
            let form = [
                ("payment_intent", new.reference.clone()),
                ("amount", new.amount.minor.to_string()),
                ("metadata[refund_id]", new.refund.to_string()),
            ];
            let answer = self.send("/v1/refunds", &key, &form).await;
            let is_over = answer.as_ref().is_ok_and(is_replayed);
            let refund = match self.understand(answer) {
                Ok(refund) => Self::read::<StripeRefund>(refund)?,
                // It may still be at work, or a proxy said so: under another key it would be made twice.
                Err(ProviderError::Broken(text)) if !is_over => return Err(ProviderError::Unavailable(text)),
                // Where it broke it may have been made all the same, and later than it was looked for: then that is why.
                Err(refusal @ ProviderError::Refused(_)) if new.broken > 0 => {
                    self.find_refund(new.refund, &new.reference).await?.ok_or(refusal)?
                }
                Err(error) => return Err(error),
            };
            Ok(refund.into())
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
                        let reason = intent.last_payment_error.and_then(Reason::shown);
                        News::Failed { reason: reason.unwrap_or_else(|| "The payment was declined.".to_owned()) }
                    }
                };
                let (payment, reference) = (our_id(intent.metadata.as_ref(), "payment_id"), intent.id);
                Ok(Some(ProviderEvent { id, payment, reference, news }))
            }
            // the last is what they were called before 2024
            "refund.updated" | "refund.failed" | "charge.refund.updated" => {
                let refund: StripeRefund = serde_json::from_value(data.object).map_err(malformed)?;
                let outcome = outcome(&refund);
                // one that was made by hand in Stripe's dashboard has no id of ours
                let (Some(outcome), Some(ours), Some(reference)) =
                    (outcome, our_id(refund.metadata.as_ref(), "refund_id"), refund.payment_intent)
                else {
                    return Ok(None);
                };
                Ok(Some(ProviderEvent { id, payment: None, reference, news: News::Refund { refund: ours, outcome } }))
            }
            _ => Ok(None),
        }
    }
}

impl From<StripeRefund> for RefundAnswer {
    fn from(made: StripeRefund) -> Self {
        Self { outcome: outcome(&made), reference: made.id }
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
