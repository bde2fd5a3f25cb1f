//! What a provider of payments has to be able to do, and which there are.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::money::Money;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::error::PaymentError;
use super::sandbox::Sandbox;
use super::stripe::StripeApi;
use crate::app::App;
use crate::config::ProviderName;

/// A provider of payments. Every request is safe to repeat: the provider knows it by the id that goes with it.
pub trait Provider: fmt::Debug + Send + Sync {
    /// The header in which its webhooks are signed.
    fn signature_header(&self) -> &'static str;

    /// Makes a payment that the customer can then go on with at the provider.
    fn create_intent<'a>(&'a self, new: &'a NewIntent) -> BoxFuture<'a, Result<Intent, ProviderError>>;

    /// Sees to it that the customer cannot go on with a payment. Refused once it has succeeded, or is about to.
    /// Calling off twice does no harm: `request` is drawn for each try, so that a failure is not repeated.
    fn cancel_intent<'a>(&'a self, request: Uuid, reference: &'a str) -> BoxFuture<'a, Result<(), ProviderError>>;

    /// How a payment stands, for when no webhook has said so.
    fn find_intent<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<IntentState, ProviderError>>;

    /// Gives money back, unless it did: where it might have failed halfway, it is looked up first.
    fn refund<'a>(&'a self, new: &'a NewRefund) -> BoxFuture<'a, Result<RefundAnswer, ProviderError>>;

    /// Checks the signature of a webhook, and then reads what it says: nothing, if that is none of our business.
    ///
    /// # Errors
    /// [`WebhookError`] when it is not the provider's, too old, or cannot be read.
    fn parse_webhook(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Option<ProviderEvent>, WebhookError>;
}

/// A payment to be made known to a provider.
#[derive(Debug, Clone)]
pub struct NewIntent {
    /// Ours; the provider makes one intent for it, however often it is asked.
    pub payment: Uuid,
    /// How often the provider broke at it: it would repeat that failure, so that the next request is another.
    pub broken: u32,
    /// The order's number, for people who look into the provider's books.
    pub order_number: String,
    /// To pay.
    pub amount: Money,
}

/// A payment as a provider knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Intent {
    /// What the provider calls it.
    pub reference: String,
    /// What the customer's client goes on with.
    pub client_secret: String,
}

impl fmt::Debug for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intent").field("reference", &self.reference).finish_non_exhaustive()
    }
}

/// How a payment stands at its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntentState {
    /// It succeeded, with so much in minor units of a currency.
    Succeeded {
        /// What was paid.
        amount_minor: i64,
        /// ISO 4217, in capitals.
        currency: String,
    },
    /// It is about to succeed or to fail, and the customer has no part in it any more.
    Processing,
    /// It was called off.
    Cancelled,
    /// Anything else, in the provider's word.
    Other(String),
}

/// Money that a provider is to give back.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// Ours; the provider gives it back once, however often it is asked.
    pub refund: Uuid,
    /// How often the provider broke at it: it would repeat that failure, so that the next request is another.
    pub broken: u32,
    /// What the provider calls the payment.
    pub reference: String,
    /// How much.
    pub amount: Money,
}

/// What a provider says to a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundAnswer {
    /// What the provider calls it.
    pub reference: String,
    /// How it stands; none: a webhook will tell.
    pub outcome: Option<RefundOutcome>,
}

/// How a refund ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundOutcome {
    /// The money went back.
    Succeeded,
    /// It did not.
    Failed(String),
}

/// Why a provider did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It will not, however often it is asked. The text may be shown.
    #[error("{0}")]
    Refused(String),
    /// It may, later. The text is for the log.
    #[error("{0}")]
    Unavailable(String),
    /// The same request is under way, and will be answered soon. The text is for the log.
    #[error("{0}")]
    UnderWay(String),
    /// It broke, maybe halfway, and will say so again when it is asked the same under the same key. The text is for the log.
    #[error("{0}")]
    Broken(String),
}

/// What a provider says by a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEvent {
    /// The provider's own id of the event.
    pub id: String,
    /// Our id of the payment, if the provider repeats it.
    pub payment: Option<Uuid>,
    /// What the provider calls the payment.
    pub reference: String,
    /// What happened.
    pub news: News,
}

/// What happened to a payment at its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It succeeded, with so much in minor units of a currency.
    Succeeded {
        /// What was paid.
        amount_minor: i64,
        /// ISO 4217, in capitals.
        currency: String,
    },
    /// It was declined; the customer may try again.
    Failed {
        /// Why, for a person.
        reason: String,
    },
    /// It was called off.
    Cancelled,
    /// A refund ended.
    Refund {
        /// Our id of the refund.
        refund: Uuid,
        /// How.
        outcome: RefundOutcome,
    },
}

impl News {
    /// The word under which it is kept.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
            Self::Refund { .. } => "refund",
        }
    }
}

/// Why a webhook is not listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// There is no signature, or none that can be read.
    #[error("the signature is missing or malformed")]
    NoSignature,
    /// The signature is not the provider's.
    #[error("the signature is wrong")]
    Forged,
    /// It was signed too long ago, or is yet to be.
    #[error("the time of the signature is more than five minutes away")]
    Stale,
    /// It is signed, and cannot be understood.
    #[error("the body cannot be read")]
    Malformed,
}

/// What cash payments have in place of a provider.
pub const CASH: &str = "cash";

const SANDBOX: &str = "sandbox";
const STRIPE: &str = "stripe";

/// The provider called `name`, if it is set up.
#[must_use]
pub fn find(app: &App, name: &str) -> Option<Box<dyn Provider>> {
    let settings = &app.config.payments;
    match name {
        SANDBOX if settings.provider == Some(ProviderName::Sandbox) => Some(Box::new(Sandbox::new(app.clone()))),
        STRIPE => {
            let stripe = settings.stripe.clone()?;
            Some(Box::new(StripeApi::new(app.http.clone(), stripe)))
        }
        _ => None,
    }
}

/// The name of the provider that a client asks for, or of the one that is configured.
///
/// # Errors
/// [`PaymentError::NoSuchProvider`] when the one asked for is not set up, [`PaymentError::NoProvider`] when none is.
pub fn choose(app: &App, asked: Option<&str>) -> Result<&'static str, PaymentError> {
    let default = match app.config.payments.provider {
        None if asked.is_none() => return Err(PaymentError::NoProvider),
        Some(ProviderName::Sandbox) => SANDBOX,
        Some(ProviderName::Stripe) | None => STRIPE,
    };
    let name = match asked {
        None => default,
        Some(SANDBOX) => SANDBOX,
        Some(STRIPE) => STRIPE,
        Some(_) => return Err(PaymentError::NoSuchProvider),
    };
    find(app, name).map(|_| name).ok_or(PaymentError::NoSuchProvider)
}
