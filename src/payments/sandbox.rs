//! A provider that plays: nobody pays, and a page or an HTTP call says what becomes of a payment.
//!
//! It keeps books of its own, answers like any provider, and tells what happened by a signed webhook over HTTP, again and
//! again until it is heard.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::Named as _;
use entity::{sandbox_intent, sandbox_refund};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hyper::header::{CONTENT_TYPE, HeaderName};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::provider::{
    Intent, IntentState, NewIntent, NewRefund, News, Provider, ProviderError, ProviderEvent, RefundAnswer, RefundOutcome,
    WebhookError,
};
use super::{repo, signature};
use crate::app::App;
use crate::platform::db::{Tx, retry};
use crate::platform::jobs::{self, Failure, Job, NewJob};
use crate::platform::{Error, Result};

/// The header of its signatures.
const SIGNATURE: HeaderName = HeaderName::from_static("sandbox-signature");

/// The job that tells what happened to a payment.
pub const CALLBACK: &str = "sandbox.callback";

/// The job that lets a late payment succeed.
pub const LATE: &str = "sandbox.late";

/// Where its webhooks go, after the server's address.
pub const WEBHOOK_PATH: &str = "/webhooks/payments/sandbox";

/// States of a payment here.
mod status {
    pub(super) const OPEN: &str = "OPEN";
    pub(super) const DECLINED: &str = "DECLINED";
    /// Will succeed, and cannot be called off any more.
    pub(super) const PROCESSING: &str = "PROCESSING";
    pub(super) const SUCCEEDED: &str = "SUCCEEDED";
    pub(super) const CANCELLED: &str = "CANCELLED";
}

/// The sandbox.
#[derive(Debug)]
pub(super) struct Sandbox {
    app: App,
}

/// What the customer may choose to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// The payment succeeds.
    Succeed,
    /// It is declined; another try is possible.
    Decline,
    /// It succeeds after a while, whatever became of the order.
    Late,
    /// Nothing happens.
    Never,
}

/// A webhook's body, and the payload of the job that sends it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SandboxEvent {
    /// Its own; the same however often it is sent.
    pub id: String,
    /// `payment.succeeded` or `payment.failed`.
    pub r#type: String,
    /// Of which payment, as the sandbox calls it.
    pub intent: String,
    /// The same, as the merchant does.
    pub payment: Uuid,
    /// What was to be paid, in minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// Why it failed.
    pub reason: Option<String>,
}

impl Sandbox {
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }

    async fn create_once(&self, new: &NewIntent) -> Result<sandbox_intent::Model> {
        let tx = self.app.db.begin().await?;
        let row = sandbox_intent::Model {
            id: format!("sbx_pi_{}", hex::encode(self.app.ids.bytes::<12>())),
            payment_id: new.payment,
            client_secret: format!("sbx_secret_{}", hex::encode(self.app.ids.bytes::<24>())),
            status: status::OPEN.to_owned(),
            currency: new.amount.currency.name().to_owned(),
            amount_minor: new.amount.minor,
            refunded_minor: 0,
            created_at: self.app.clock.db_now(&*tx).await?,
        };
        repo::insert_sandbox_intent(&*tx, row).await?;
        let intent = repo::find_sandbox_intent_of(&*tx, new.payment).await?;
        tx.commit().await?;
        intent.ok_or_else(|| Error::fault("making a payment in the sandbox", "it is not there"))
    }

    async fn refund_once(&self, new: &NewRefund) -> Result<Result<(), ProviderError>> {
        let tx = self.app.db.begin().await?;
        let created_at = self.app.clock.db_now(&*tx).await?;
        let (id, intent_id, amount_minor) = (new.refund, new.reference.clone(), new.amount.minor);
        let row = sandbox_refund::Model { id, intent_id, amount_minor, created_at };
        if repo::insert_sandbox_refund(&*tx, row).await? {
            if !repo::update_sandbox_refunded(&*tx, &new.reference, amount_minor, status::SUCCEEDED).await? {
                return Ok(Err(ProviderError::Refused("There is not so much left of this payment.".to_owned())));
            }
            tx.commit().await?;
        }
        Ok(Ok(()))
    }
}

fn unavailable(error: Error) -> ProviderError {
    match Failure::from(error) {
        Failure::Again(text)
        | Failure::AgainWith(text, _)
        | Failure::AgainAt(text, _)
        | Failure::Later(text, ..)
        | Failure::Final(text) => ProviderError::Unavailable(format!("the sandbox: {text}")),
    }
}

/// For what a secret is derived that signs the webhooks: known to this server alone, on all its instances.
const SIGNING: &str = "webhooks of the payment sandbox";

impl Provider for Sandbox {
    fn signature_header(&self) -> &'static str {
        "sandbox-signature"
    }

    fn create_intent<'a>(&'a self, new: &'a NewIntent) -> BoxFuture<'a, Result<Intent, ProviderError>> {
        async move {
            let intent = retry(|| self.create_once(new)).await.map_err(unavailable)?;
            Ok(Intent { reference: intent.id, client_secret: intent.client_secret })
        }
        .boxed()
    }

    fn cancel_intent<'a>(&'a self, _: Uuid, reference: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        async move {
            let open = [status::OPEN, status::DECLINED, status::CANCELLED];
            let db = self.app.db.writer();
            let cancelled =
                repo::update_sandbox_status(db, reference, &open, status::CANCELLED).await.map_err(unavailable)?;
            let refused = || ProviderError::Refused("This payment has succeeded, or is about to.".to_owned());
            cancelled.map(|_| ()).ok_or_else(refused)
        }
        .boxed()
    }

    fn find_intent<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<IntentState, ProviderError>> {
        async move {
            let found = repo::find_sandbox_intent(self.app.db.writer(), reference).await.map_err(unavailable)?;
            let unknown = || ProviderError::Refused("There is no such payment.".to_owned());
            let sandbox_intent::Model { status, amount_minor, currency, .. } = found.ok_or_else(unknown)?;
            Ok(match status.as_str() {
                status::SUCCEEDED => IntentState::Succeeded { amount_minor, currency },
                status::PROCESSING => IntentState::Processing,
                status::CANCELLED => IntentState::Cancelled,
                _ => IntentState::Other(status),
            })
        }
        .boxed()
    }

    fn refund<'a>(&'a self, new: &'a NewRefund) -> BoxFuture<'a, Result<RefundAnswer, ProviderError>> {
        async move {
            retry(|| self.refund_once(new)).await.map_err(unavailable)??;
            let reference = format!("sbx_re_{}", new.refund.simple());
            Ok(RefundAnswer { reference, outcome: Some(RefundOutcome::Succeeded) })
        }
        .boxed()
    }

    fn parse_webhook(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Option<ProviderEvent>, WebhookError> {
        let verify = |secret: [u8; 32]| signature::verify(&secret, signature, body, now);
        // while the server's secret is replaced, that of another instance is good as well
        let verdicts = self.app.keys.derive_all(SIGNING).map(verify);
        let verdict = verdicts.reduce(|first, next| if matches!(first, Err(WebhookError::Forged)) { next } else { first });
        verdict.unwrap_or(Err(WebhookError::NoSignature))?;
        let event: SandboxEvent = serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
        let news = match event.r#type.as_str() {
            "payment.succeeded" => News::Succeeded { amount_minor: event.amount, currency: event.currency },
            "payment.failed" => {
                News::Failed { reason: event.reason.unwrap_or_else(|| "The payment was declined.".to_owned()) }
            }
            _ => return Ok(None),
        };
        Ok(Some(ProviderEvent { id: event.id, payment: Some(event.payment), reference: event.intent, news }))
    }
}

/// The payment that `client_secret` opens.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, client_secret: &str) -> Result<Option<sandbox_intent::Model>> {
    repo::find_sandbox_intent_by_secret(app.db.reader(), client_secret).await
}

/// Plays the customer's part: `choice` becomes of the payment that `client_secret` opens. `None` when it opens none; `false`
/// when it is too late for that.
///
/// # Errors
/// When the database fails.
pub async fn choose(app: &App, client_secret: &str, choice: Choice) -> Result<Option<bool>> {
    let Some(intent) = find(app, client_secret).await? else { return Ok(None) };
    retry(|| choose_once(app, &intent.id, choice)).await.map(Some)
}

async fn choose_once(app: &App, id: &str, choice: Choice) -> Result<bool> {
    let after = match choice {
        Choice::Succeed => status::SUCCEEDED,
        Choice::Decline => status::DECLINED,
        Choice::Late => status::PROCESSING,
        Choice::Never => status::OPEN,
    };
    let tx = app.db.begin().await?;
    let intent = repo::update_sandbox_status(&*tx, id, &[status::OPEN, status::DECLINED], after).await?;
    let Some(intent) = intent else { return Ok(false) };
    let at = app.clock.db_now(&*tx).await?;
    match choice {
        Choice::Succeed => call_back(app, &tx, &intent, None, at).await?,
        Choice::Decline => call_back(app, &tx, &intent, Some("The sandbox was asked to decline it."), at).await?,
        Choice::Late => {
            let run_at = at + TimeDelta::from_std(app.config.payments.sandbox_late).unwrap_or(TimeDelta::minutes(1));
            let (key, payload) = (intent.id.clone(), &intent.id);
            jobs::enqueue(&tx, NewJob { id: app.ids.uuid(), kind: LATE, key, payload, run_at, at }).await?;
        }
        Choice::Never => {}
    }
    tx.commit().await?;
    Ok(true)
}

/// Lets the late payment of `job` succeed.
///
/// # Errors
/// When the database fails.
pub async fn succeed_late(app: &App, job: &Job) -> Result<(), Failure> {
    let id: String = job.payload()?;
    Ok(retry(|| succeed_late_once(app, &id)).await?)
}

async fn succeed_late_once(app: &App, id: &str) -> Result<()> {
    let tx = app.db.begin().await?;
    if let Some(intent) = repo::update_sandbox_status(&*tx, id, &[status::PROCESSING], status::SUCCEEDED).await? {
        let at = app.clock.db_now(&*tx).await?;
        call_back(app, &tx, &intent, None, at).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Has the merchant told that `intent` succeeded or, for `reason`, failed.
async fn call_back(
    app: &App,
    tx: &Tx,
    intent: &sandbox_intent::Model,
    reason: Option<&str>,
    at: DateTime<Utc>,
) -> Result<()> {
    let event = SandboxEvent {
        id: format!("sbx_evt_{}", app.ids.uuid().simple()),
        r#type: if reason.is_some() { "payment.failed" } else { "payment.succeeded" }.to_owned(),
        intent: intent.id.clone(),
        payment: intent.payment_id,
        amount: intent.amount_minor,
        currency: intent.currency.clone(),
        reason: reason.map(str::to_owned),
    };
    let key = event.id.clone();
    jobs::enqueue(tx, NewJob { id: app.ids.uuid(), kind: CALLBACK, key, payload: &event, run_at: at, at }).await
}

/// Sends the webhook of `job` to `url`, signed now.
///
/// # Errors
/// When it is not taken: it is sent again later.
pub async fn deliver(app: &App, url: &str, job: &Job) -> Result<(), Failure> {
    let event: SandboxEvent = job.payload()?;
    let body = serde_json::to_vec(&event).map_err(|error| Failure::Final(error.to_string()))?;
    let signature = signed(app, &body);
    let headers = [(CONTENT_TYPE, "application/json"), (SIGNATURE, signature.as_str())];
    let answer = app.http.post(url, &headers, Bytes::from(body)).await.map_err(|error| Failure::Again(error.to_string()))?;
    if answer.status.is_success() {
        Ok(())
    } else {
        Err(Failure::Again(format!("the webhook was answered {}", answer.status)))
    }
}

/// The signature of a webhook with `body`, made now.
#[must_use]
pub fn signed(app: &App, body: &[u8]) -> String {
    signature::sign(&app.keys.derive(SIGNING), body, app.clock.now())
}
