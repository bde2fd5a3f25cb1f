//! Use-cases of payments. Those that take a `tx` are parts of the orders' use-cases, which have locked the order's row and
//! then, by [`lock`], the payment's.

mod asking;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::money::Money;
use domain::order::PaymentStatus;
use entity::{Text, order, payment, payment_event, refund};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::PaymentError;
use super::event;
use super::provider::{
    self, CASH, Intent, IntentState, NewIntent, NewRefund, News, ProviderError, ProviderEvent, RefundOutcome,
};
use super::repo;
use crate::app::App;
use crate::platform::db::{Tx, retry};
use crate::platform::jobs::{self, Failure, Job, NewJob};
use crate::platform::{Error, Result};

pub use asking::{ask, ask_providers, asked_about};

/// How often a provider is asked once more that is busy with the same request, and how long is waited before.
const BUSY: [Duration; 3] = [Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(800)];

/// The job that has a payment called off at its provider.
pub const CANCEL: &str = "payments.cancel";

/// The job that asks whether an order whose time is up was paid after all.
pub const ASK: &str = "payments.ask";

/// The job that has money given back by a provider.
pub const REFUND: &str = "payments.refund";

/// The most payments of an order: so often is a card declined, or a page left.
const MAX_PAYMENTS: usize = 20;

/// The most refunds that somebody may ask for of one payment.
const MAX_REFUNDS: usize = 50;

/// Payments that can still succeed, as far as we know.
const OPEN: [PaymentStatus; 2] = [PaymentStatus::Pending, PaymentStatus::Authorized];

/// Payments that have not succeeded. A failed one may still: the customer has its secret.
const UNPAID: [PaymentStatus; 3] = [PaymentStatus::Pending, PaymentStatus::Authorized, PaymentStatus::Failed];

/// Whether `payment` can still succeed, as far as we know.
#[must_use]
pub fn is_open(payment: &payment::Model) -> bool {
    OPEN.contains(&payment.status)
}

/// Whether `payment` succeeded, whatever went back of it since.
#[must_use]
pub fn is_paid(payment: &payment::Model) -> bool {
    !UNPAID.contains(&payment.status)
}

/// What may still go back of `payment`, in minor units, once it has succeeded: what is on its way back counts as gone.
#[must_use]
pub const fn left_minor(payment: &payment::Model) -> i64 {
    payment.amount_minor - payment.refunded_minor
}

/// Whether anything may still go back of `payments`.
#[must_use]
pub fn is_refundable(payments: &[payment::Model]) -> bool {
    payments.iter().any(|payment| is_paid(payment) && left_minor(payment) > 0)
}

/// That less is left of `payment` than was asked for.
#[must_use]
pub fn too_large(payment: &payment::Model) -> PaymentError {
    PaymentError::RefundTooLarge { left: Money::new(left_minor(payment), *payment.currency) }
}

/// Whether `payment` may succeed at its provider, whatever we think of it: the customer has its secret.
fn may_succeed(payment: &payment::Model) -> bool {
    !is_paid(payment) && payment.provider_ref.is_some() && payment.called_off_at.is_none()
}

/// The payment `id`.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<payment::Model>> {
    repo::find_payment(db, id).await
}

/// The payments `ids`.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<payment::Model>> {
    repo::list_payments_by_ids(db, ids).await
}

/// The refunds `ids`.
///
/// # Errors
/// When the database fails.
pub async fn list_refunds_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<refund::Model>> {
    repo::list_refunds_by_ids(db, ids).await
}

/// Payments of `orders`, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list_by_orders(db: &impl ConnectionTrait, orders: &[Uuid]) -> Result<Vec<payment::Model>> {
    repo::list_payments(db, orders).await
}

/// The refund `id`.
///
/// # Errors
/// When the database fails.
pub async fn find_refund(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<refund::Model>> {
    repo::find_refund(db, id).await
}

/// Refunds of `payments`, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list_refunds(db: &impl ConnectionTrait, payments: &[Uuid]) -> Result<Vec<refund::Model>> {
    repo::list_refunds(db, payments).await
}

/// The payment `id`, locked until `tx` ends.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &Tx, id: Uuid) -> Result<Option<payment::Model>> {
    repo::lock_payment(&**tx, id).await
}

/// The payment that an event of `provider` is about. `None` when it is none of ours.
///
/// # Errors
/// When the database fails.
pub async fn find_of_event(
    db: &impl ConnectionTrait,
    provider: &str,
    event: &ProviderEvent,
) -> Result<Option<payment::Model>> {
    // what we called it is known from the start, what the provider calls it only once it has answered
    let found = match event.payment {
        Some(id) => repo::find_payment(db, id).await?,
        None => repo::find_payment_by_reference(db, provider, &event.reference).await?,
    };
    let is_meant = |payment: &payment::Model| {
        let reference = payment.provider_ref.as_deref();
        payment.provider == provider && reference.is_none_or(|reference| reference == event.reference)
    };
    Ok(found.filter(is_meant))
}

/// Notes that `provider` told us of `event`; whether it is the first time. Of two at once, the second waits for the end of
/// the first.
///
/// # Errors
/// When the database fails.
pub async fn note(tx: &Tx, provider: &str, event: &ProviderEvent, payment: Uuid, at: DateTime<Utc>) -> Result<bool> {
    let row = payment_event::Model {
        provider: provider.to_owned(),
        provider_event_id: event.id.clone(),
        payment_id: payment,
        kind: event.news.kind().to_owned(),
        at,
    };
    repo::insert_event(&**tx, row).await
}

/// Begins a payment of `order` through `provider`, or goes on with the one that is under way there. The provider is to be
/// told after the commit, by [`introduce`].
///
/// # Errors
/// `PAYMENT_NOT_ALLOWED` while one is under way at another provider.
pub async fn begin(app: &App, tx: &Tx, order: &order::Model, provider: &str, at: DateTime<Utc>) -> Result<payment::Model> {
    let payments = repo::list_payments(&**tx, &[order.id]).await?;
    if let Some(open) = payments.iter().find(|payment| is_open(payment)) {
        if open.provider != provider {
            return Err(PaymentError::UnderWay(open.provider.clone()).into());
        }
        return Ok(open.clone());
    }
    if payments.len() >= MAX_PAYMENTS {
        return Err(PaymentError::NotAllowed("Too many payments of this order have failed.").into());
    }
    // the customer has the secrets of those that failed: two are not to succeed
    for failed in payments.iter().filter(|payment| may_succeed(payment)) {
        enqueue_cancel(app, tx, failed.id, at).await?;
    }
    let row = new(app, order, provider, PaymentStatus::Pending, at);
    repo::insert_payment(&**tx, row.clone()).await?;
    event::started(tx, &app.ids, order, &row, at).await?;
    Ok(row)
}

/// Records that `order` was paid at the door, if there was anything to pay.
///
/// # Errors
/// When the database fails.
pub async fn record_cash(app: &App, tx: &Tx, order: &order::Model, at: DateTime<Utc>) -> Result<()> {
    if order.total_minor == 0 {
        return Ok(());
    }
    repo::insert_payment(&**tx, new(app, order, CASH, PaymentStatus::Paid, at)).await
}

fn new(app: &App, order: &order::Model, provider: &str, status: PaymentStatus, at: DateTime<Utc>) -> payment::Model {
    payment::Model {
        id: app.ids.uuid(),
        order_id: order.id,
        provider: provider.to_owned(),
        status: Text(status),
        currency: order.currency,
        amount_minor: order.total_minor,
        refunded_minor: 0,
        provider_ref: None,
        client_secret: None,
        failure_reason: None,
        broken: 0,
        called_off_at: None,
        created_at: at,
        updated_at: at,
        paid_at: (status == PaymentStatus::Paid).then_some(at),
    }
}

/// Why a payment could not be made known to its provider.
#[derive(Debug)]
pub enum NotIntroduced {
    /// The provider will not have it.
    Refused(String),
    /// It failed before, or was called off in the meantime: nobody can go on with it.
    Ended(String),
    /// It may later; or something broke.
    Error(Error),
}

impl From<Error> for NotIntroduced {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Tells the provider of `payment`, unless it knows of it: whoever comes back after a crash in between gets the same intent.
///
/// # Errors
/// [`NotIntroduced`].
pub async fn introduce(app: &App, payment: payment::Model, order_number: &str) -> Result<payment::Model, NotIntroduced> {
    let provider = provider::find(app, &payment.provider).ok_or(Error::from(PaymentError::NoSuchProvider))?;
    let amount = Money::new(payment.amount_minor, *payment.currency);
    let fault = |error: String| Error::fault("asking a payment provider", error);
    let (mut payment, mut pauses) = (payment, BUSY.iter());
    loop {
        if payment.provider_ref.is_none() && *payment.status == PaymentStatus::Failed {
            return Err(ended(payment));
        }
        if payment.provider_ref.is_some() || !is_open(&payment) {
            return Ok(payment);
        }
        let broken = u32::try_from(payment.broken).unwrap_or_default();
        let new = NewIntent { payment: payment.id, broken, order_number: order_number.to_owned(), amount };
        match provider.create_intent(&new).await {
            Ok(intent) => {
                let kept = retry(|| keep_intent(app, payment.id, &intent)).await?;
                return if *kept.status == PaymentStatus::Failed { Err(ended(kept)) } else { Ok(kept) };
            }
            Err(ProviderError::Refused(reason)) => return Err(NotIntroduced::Refused(readable(&reason))),
            Err(ProviderError::Broken(error)) => {
                // nobody has its secret, and for a day the provider would say so again: whoever asks next asks otherwise
                repo::update_broken(app.db.writer(), payment.id, payment.broken).await?;
                return Err(fault(error).into());
            }
            Err(ProviderError::Unavailable(error)) => return Err(fault(error).into()),
            // another request of ours asks the same: what it is answered is for this one, too
            Err(ProviderError::UnderWay(error)) => match pauses.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return Err(fault(error).into()),
            },
        }
        let again = repo::find_payment(app.db.writer(), payment.id).await?;
        payment = again.ok_or_else(|| fault("the payment is not there".to_owned()))?;
    }
}

fn ended(payment: payment::Model) -> NotIntroduced {
    NotIntroduced::Ended(payment.failure_reason.unwrap_or_else(|| "It has failed.".to_owned()))
}

/// What a provider writes, for people to read: providers write at length.
#[must_use]
pub fn readable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}

async fn keep_intent(app: &App, id: Uuid, intent: &Intent) -> Result<payment::Model> {
    let tx = app.db.begin().await?;
    let missing = || Error::fault("keeping what a payment provider answered", "the payment is not there");
    let Some(kept) = repo::update_intent(&*tx, id, &intent.reference, &intent.client_secret).await? else {
        // another request was faster, and the provider gave it the same
        return repo::find_payment(&*tx, id).await?.ok_or_else(missing);
    };
    if !is_open(&kept) {
        // called off while the provider was asked, which could not be told then
        let at = app.clock.db_now(&*tx).await?;
        enqueue_cancel(app, &tx, id, at).await?;
    }
    tx.commit().await?;
    Ok(kept)
}

/// The payment, which its provider calls `reference`, succeeded; whether that is news.
///
/// # Errors
/// When the database fails.
pub async fn succeed(tx: &Tx, payment: Uuid, reference: &str, at: DateTime<Utc>) -> Result<bool> {
    // by that name it is refunded, and the provider's own answer may have been lost
    repo::update_reference(&**tx, payment, reference).await?;
    repo::update_status(&**tx, payment, &UNPAID, PaymentStatus::Paid, None, at).await
}

/// The payment failed, for `reason`; whether that is news. What has succeeded does not fail.
///
/// # Errors
/// When the database fails.
pub async fn fail(tx: &Tx, payment: Uuid, reason: &str, at: DateTime<Utc>) -> Result<bool> {
    repo::update_status(&**tx, payment, &OPEN, PaymentStatus::Failed, Some(reason), at).await
}

/// Ends every payment of `order` that could still succeed, but for the one `except`, for `reason`: here at once, and at its
/// provider by a job.
///
/// # Errors
/// When the database fails.
pub async fn abandon(app: &App, tx: &Tx, order: Uuid, except: Option<Uuid>, reason: &str, at: DateTime<Utc>) -> Result<()> {
    let payments = repo::list_payments(&**tx, &[order]).await?;
    for payment in payments.iter().filter(|payment| !is_paid(payment) && Some(payment.id) != except) {
        // one that failed before its provider knew of it is called off by whoever hears that it is known after all
        if fail(tx, payment.id, reason, at).await? || may_succeed(payment) {
            enqueue_cancel(app, tx, payment.id, at).await?;
        }
    }
    Ok(())
}

/// What the jobs of payments are about.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    id: Uuid,
    /// How often the provider broke at it.
    #[serde(default)]
    broken: u32,
    /// How often the provider said that it is on its way.
    #[serde(default)]
    pending: u32,
}

impl About {
    const fn new(id: Uuid) -> Self {
        Self { id, broken: 0, pending: 0 }
    }
}

/// When a refund that is on its way at the provider is looked at next: its webhook may never come. Banks take days.
fn next_look(pending: u32) -> TimeDelta {
    (TimeDelta::minutes(10) * (1 << pending.min(10))).min(TimeDelta::hours(6))
}

async fn enqueue_cancel(app: &App, tx: &Tx, payment: Uuid, at: DateTime<Utc>) -> Result<()> {
    let (key, payload) = (payment.to_string(), &About::new(payment));
    jobs::enqueue(tx, NewJob { id: app.ids.uuid(), kind: CANCEL, key, payload, run_at: at, at }).await
}

/// Has the payment of `job` called off at its provider. If it turns out to have succeeded, that is to be applied: the webhook
/// may never come.
///
/// # Errors
/// When the provider cannot be asked now, or does not know yet.
pub async fn cancel_at_provider(app: &App, job: &Job) -> Result<Option<(String, ProviderEvent)>, Failure> {
    let About { id, .. } = job.payload()?;
    let payment = repo::find_payment(app.db.reader(), id).await?;
    let Some(payment) = payment.filter(|payment| !is_paid(payment) && !is_open(payment)) else { return Ok(None) };
    // what the provider was not told of nobody can pay, and if it is being told now, this job comes again
    let Some(reference) = payment.provider_ref else { return Ok(None) };
    let provider = provider::find(app, &payment.provider);
    let provider = provider.ok_or_else(|| Failure::Again(format!("{} is not set up", payment.provider)))?;
    let refusal = match provider.cancel_intent(app.ids.uuid(), &reference).await {
        Ok(()) => return called_off(app, id).await,
        Err(ProviderError::Refused(reason)) => reason,
        Err(error) => return Err(Failure::Again(error.to_string())),
    };
    match provider.find_intent(&reference).await {
        Ok(IntentState::Succeeded { amount_minor, currency }) => {
            tracing::warn!(payment = %id, "a payment that was to be called off has succeeded");
            Ok(Some((payment.provider, found(id, reference, amount_minor, currency))))
        }
        Ok(IntentState::Cancelled) => called_off(app, id).await,
        Ok(IntentState::Processing) => Err(Failure::Again(format!("it is about to succeed or to fail: {refusal}"))),
        Ok(IntentState::Other(state)) => {
            tracing::error!(payment = %id, state, refusal, "a payment could not be called off");
            Err(Failure::Final(format!("it is {state}: {refusal}")))
        }
        Err(ProviderError::Refused(unknown)) => {
            tracing::error!(payment = %id, refusal, unknown, "a payment could not be called off, and not be looked up");
            Err(Failure::Final(format!("{refusal} {unknown}")))
        }
        Err(error) => Err(Failure::Again(error.to_string())),
    }
}

/// That the payment `id` was found to have succeeded: once for each payment; its webhook changes nothing more.
fn found(id: Uuid, reference: String, amount_minor: i64, currency: String) -> ProviderEvent {
    let news = News::Succeeded { amount_minor, currency };
    ProviderEvent { id: format!("found:{id}"), payment: Some(id), reference, news }
}

/// Writes down that nobody can go on with the payment `id` any more.
async fn called_off(app: &App, id: Uuid) -> Result<Option<(String, ProviderEvent)>, Failure> {
    let db = app.db.writer();
    repo::update_called_off(db, id, app.clock.db_now(db).await?).await?;
    Ok(None)
}

/// A refund to be made.
#[derive(Debug)]
pub struct RefundOrder<'a> {
    /// How much, in minor units; none: all that is left.
    pub amount_minor: Option<i64>,
    /// In the actor's words.
    pub reason: Option<&'a str>,
    /// Who asks for it; none: the server itself.
    pub actor: Option<Uuid>,
}

/// Writes down that money of `payment`, which is locked, goes back. A provider is asked after the commit; cash is handed back
/// by whoever asks for it, so that [`settle`] may follow at once.
///
/// # Errors
/// `PAYMENT_NOT_ALLOWED` when nothing was paid, `REFUND_TOO_LARGE` when less is left.
pub async fn order_refund(
    app: &App,
    tx: &Tx,
    payment: &payment::Model,
    order: &RefundOrder<'_>,
    at: DateTime<Utc>,
) -> Result<refund::Model> {
    if !is_paid(payment) {
        return Err(PaymentError::NotPaid.into());
    }
    if order.amount_minor.is_some() && repo::list_refunds(&**tx, &[payment.id]).await?.len() >= MAX_REFUNDS {
        return Err(PaymentError::TooManyRefunds.into());
    }
    let left = left_minor(payment);
    let amount_minor = order.amount_minor.unwrap_or(left);
    // the condition decides, whoever holds which lock; it adds, which must not overflow
    let is_taken = (1..=left).contains(&amount_minor) && repo::update_refunding(&**tx, payment.id, amount_minor, at).await?;
    if !is_taken {
        return Err(too_large(payment).into());
    }
    let row = refund::Model {
        id: app.ids.uuid(),
        payment_id: payment.id,
        amount_minor,
        currency: payment.currency,
        reason: order.reason.map(str::to_owned),
        status: Text(PaymentStatus::Pending),
        actor_id: order.actor,
        provider_ref: None,
        failure_reason: None,
        created_at: at,
        updated_at: at,
    };
    repo::insert_refund(&**tx, row.clone()).await?;
    if payment.provider != CASH {
        let (key, payload) = (row.id.to_string(), &About::new(row.id));
        jobs::enqueue(tx, NewJob { id: app.ids.uuid(), kind: REFUND, key, payload, run_at: at, at }).await?;
    }
    Ok(row)
}

/// Asks the provider for the refund of `job`. What it says is then to be settled; `None`: that was done before.
///
/// # Errors
/// When the provider cannot be asked now, or says that the refund is on its way.
pub async fn refund_at_provider(app: &App, job: &Job) -> Result<Option<(Uuid, RefundOutcome)>, Failure> {
    let About { id, broken, pending } = job.payload()?;
    let db = app.db.reader();
    let Some(refund) = repo::find_refund(db, id).await? else { return Ok(None) };
    let Some(payment) = repo::find_payment(db, refund.payment_id).await? else { return Ok(None) };
    if *refund.status != PaymentStatus::Pending {
        return Ok(None);
    }
    let nameless = || Failure::Again("what the provider calls the payment is not known".to_owned());
    let reference = payment.provider_ref.ok_or_else(nameless)?;
    let provider = provider::find(app, &payment.provider);
    let provider = provider.ok_or_else(|| Failure::Again(format!("{} is not set up", payment.provider)))?;
    let new = NewRefund { refund: id, broken, reference, amount: Money::new(refund.amount_minor, *refund.currency) };
    match provider.refund(&new).await {
        Ok(answer) => {
            repo::update_refund_reference(app.db.writer(), id, &answer.reference).await?;
            let Some(outcome) = answer.outcome else {
                let about = About { id, broken, pending: pending.saturating_add(1) };
                let why = "the provider says that the refund is on its way".to_owned();
                return Err(Failure::later(why, &about, next_look(pending)));
            };
            Ok(Some((id, outcome)))
        }
        Err(ProviderError::Refused(reason)) => Ok(Some((id, RefundOutcome::Failed(reason)))),
        // under the same key it would say so for a day
        Err(ProviderError::Broken(error)) => {
            Err(Failure::again_with(error, &About { id, broken: broken.saturating_add(1), pending }))
        }
        Err(ProviderError::Unavailable(error) | ProviderError::UnderWay(error)) => Err(Failure::Again(error)),
    }
}

/// Writes down how `refund` of `payment`, which is locked, ended; whether that is news. One that failed stays so, and what
/// it was to give back is there to be refunded again.
///
/// # Errors
/// When the database fails.
pub async fn settle(
    tx: &Tx,
    payment: &payment::Model,
    refund: &refund::Model,
    outcome: &RefundOutcome,
    at: DateTime<Utc>,
) -> Result<bool> {
    use PaymentStatus::{Failed, Paid, PartiallyRefunded, Pending, Refunded};
    let is_news = match outcome {
        RefundOutcome::Succeeded => repo::update_refund(&**tx, refund.id, &[Pending], Refunded, None, at).await?,
        // also what seemed to have gone back may come again: the customer's bank did not take it
        RefundOutcome::Failed(reason) => {
            repo::update_refund(&**tx, refund.id, &[Pending, Refunded], Failed, Some(&readable(reason)), at).await?
        }
    };
    if !is_news {
        return Ok(false);
    }
    if let RefundOutcome::Failed(reason) = outcome {
        let is_automatic = refund.actor_id.is_none();
        tracing::error!(
            refund = %refund.id, payment = %payment.id, order = %payment.order_id, is_automatic, reason,
            "a refund failed: somebody has to see to the money"
        );
        repo::update_not_refunding(&**tx, payment.id, refund.amount_minor).await?;
    }
    let status = match refunded(&repo::list_refunds(&**tx, &[payment.id]).await?) {
        0 => Paid,
        all if all >= payment.amount_minor => Refunded,
        _ => PartiallyRefunded,
    };
    repo::update_settled(&**tx, payment.id, status, at).await?;
    Ok(true)
}

/// What went back by `refunds`, in minor units: not what is on its way.
fn refunded(refunds: &[refund::Model]) -> i64 {
    refunds.iter().filter(|refund| *refund.status == PaymentStatus::Refunded).map(|refund| refund.amount_minor).sum()
}

/// What of `total_minor`, the price of an order with `payments`, went back by their `refunds`: what was paid beyond the price, as
/// twice, went back first.
#[must_use]
pub fn refunded_of(total_minor: i64, payments: &[payment::Model], refunds: &[refund::Model]) -> i64 {
    let paid: i64 = payments.iter().filter(|payment| is_paid(payment)).map(|payment| payment.amount_minor).sum();
    (refunded(refunds) - (paid - total_minor).max(0)).max(0)
}

/// Where the money of an order with `payments` and their `refunds` is, once something was paid: of one that was paid twice
/// and given back once, it is paid.
#[must_use]
pub fn summary(payments: &[payment::Model], refunds: &[refund::Model]) -> PaymentStatus {
    let paid: Vec<&payment::Model> = payments.iter().filter(|payment| is_paid(payment)).collect();
    let price = paid.iter().map(|payment| payment.amount_minor).max().unwrap_or(0);
    let kept = paid.iter().map(|payment| payment.amount_minor).sum::<i64>() - refunded(refunds);
    match kept {
        _ if paid.is_empty() => PaymentStatus::Pending,
        kept if kept >= price => PaymentStatus::Paid,
        0 => PaymentStatus::Refunded,
        _ => PaymentStatus::PartiallyRefunded,
    }
}
