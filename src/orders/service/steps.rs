//! Steps of an order through its states, by whoever may take them.

use chrono::{DateTime, Utc};
use domain::access::{Actor, Party};
use domain::claims::ClaimStatus;
use domain::error::ClaimLostReason;
use domain::id::{Kind, encode};
use domain::input;
use domain::order::{OrderEventType, OrderStatus, PaymentMethod, PaymentStatus, steps};
use entity::{Text, order};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::access::party;
use super::change::{Before, Cause, change};
use super::claims::{self, NEVER};
use super::paying;
use crate::accounts::partners;
use crate::app::App;
use crate::orders::error::OrderError;
use crate::orders::repo::claims as claims_repo;
use crate::orders::repo::orders as repo;
use crate::payments::service as payments;
use crate::platform::Result;
use crate::platform::audit::{self, NewEntry};
use crate::platform::db::{Tx, retry};
use crate::platform::idempotency::{self, Begun, Request};

/// Wrong codes after which only an admin can say that an order was delivered: four digits must not be guessed.
const MAX_PROOF_FAILURES: i32 = 5;

/// A step that somebody asks for.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Which order.
    pub order: Uuid,
    /// Where to.
    pub to: OrderStatus,
    /// The input that says so, if one does.
    #[serde(skip)]
    pub input: Option<&'static str>,
    /// In the actor's words.
    pub note: Option<String>,
    /// Refuse when the order's version is not this.
    pub expected_version: Option<i32>,
    /// What the customer shows at the door.
    pub delivery_code: Option<String>,
}

/// Takes `step`, once for each key.
///
/// # Errors
/// What [`OrderError`] says; the order is as it was then.
pub async fn step(app: &App, actor: Actor, operation: &'static str, key: &str, step: Step) -> Result<order::Model> {
    let mut step = step;
    if let Some(note) = &step.note {
        step.note = Some(input::paragraph(if operation == "cancelOrder" { "reason" } else { "note" }, note, 0, 500)?);
    }
    if let Some(code) = &step.delivery_code {
        input::line("deliveryCode", code, 0, 16)?;
    }
    let request = Request::new(actor.principal(), operation, key, &step)?;
    retry(|| step_once(app, actor, &request, &step)).await
}

async fn step_once(app: &App, actor: Actor, request: &Request, step: &Step) -> Result<order::Model> {
    let tx = app.db.begin().await?;
    let began = app.clock.db_now(&*tx).await?;
    if let Begun::Done(id) = idempotency::begin::<Uuid>(&tx, request, began).await? {
        return repo::find_order(&*tx, id).await?.ok_or_else(|| OrderError::NotFound.into());
    }
    // the lock makes every later reading of the order true until the commit
    let order = repo::lock_order(&*tx, step.order).await?.ok_or(OrderError::NotFound)?;
    let party = party(&order, actor).ok_or(OrderError::NotFound)?;
    let at = app.clock.db_now(&*tx).await?;
    check(&order, party, step, at)?;
    if step.to == OrderStatus::Delivered
        && let Err(refusal) = prove(&order, party, step)
    {
        // an admin's mistake takes none of the partner's tries
        if refusal == OrderError::ProofWrong && party != Party::Admin {
            // a guess is counted although nothing else happened, and the key is free for another try
            repo::update_counting_failure(&*tx, order.id).await?;
            idempotency::forget(&tx, request).await?;
            tx.commit().await?;
        }
        return Err(refusal.into());
    }
    let after = take(
        app,
        &tx,
        &order,
        step,
        Cause { r#type: event(&order, step.to), actor: Some(actor), note: step.note.clone(), at },
    )
    .await?;
    if party == Party::Admin {
        audit::append(&tx, entry(app, actor, step, &order, &after, at)).await?;
    }
    idempotency::finish(&tx, request, &order.id).await?;
    tx.commit().await?;
    Ok(after)
}

/// What the record says of an admin's step.
fn entry(app: &App, actor: Actor, step: &Step, before: &order::Model, after: &order::Model, at: DateTime<Utc>) -> NewEntry {
    let action = if *after.status == OrderStatus::Cancelled { "order.cancel" } else { "order.step" };
    let shown = |order: &order::Model| {
        let partner = order.partner_id.map(|partner| encode(Kind::User, partner));
        json!({ "status": order.status, "version": order.version, "partnerId": partner })
    };
    let (id, target, before, mut after) = (app.ids.uuid(), Some((Kind::Order, after.id)), shown(before), shown(after));
    after["note"] = json!(step.note);
    NewEntry { id, by: actor.into(), action, target, before: Some(before), after: Some(after), at }
}

/// The event of the step; an order that an admin takes from a partner has its claim released.
fn event(order: &order::Model, to: OrderStatus) -> OrderEventType {
    if *order.status == OrderStatus::Assigned && to == OrderStatus::Ready {
        OrderEventType::ClaimReleased
    } else {
        to.arrival()
    }
}

fn check(order: &order::Model, party: Party, step: &Step, now: DateTime<Utc>) -> Result<()> {
    if step.expected_version.is_some_and(|version| version != order.version) {
        return Err(OrderError::VersionConflict { version: order.version }.into());
    }
    let allowed = steps(*order.status, party);
    if !allowed.contains(&step.to) {
        return Err(OrderError::IllegalStep { from: *order.status, to: step.to, allowed, input: step.input }.into());
    }
    // a deadline counts from its second, whether or not the sweep has come by
    if party == Party::Partner && order.claim_expires_at.is_some_and(|expires| expires <= now) {
        return Err(OrderError::ClaimLost {
            message: "The time to pick the order up has run out.",
            reason: ClaimLostReason::Expired,
            retry_after: None,
        }
        .into());
    }
    Ok(())
}

/// The code that the customer shows proves that the goods reached them; an admin may say in a note how else that is known.
fn prove(order: &order::Model, party: Party, step: &Step) -> Result<(), OrderError> {
    match step.delivery_code.as_deref().map(str::trim) {
        Some(_) if order.proof_failures >= MAX_PROOF_FAILURES && party != Party::Admin => Err(OrderError::ProofLocked),
        Some(code) if code == order.delivery_code => Ok(()),
        Some(_) => Err(OrderError::ProofWrong),
        None if party != Party::Admin => Err(OrderError::ProofRequired),
        None if step.note.as_deref().is_none_or(str::is_empty) => Err(OrderError::NoteRequired),
        None => Ok(()),
    }
}

async fn take(app: &App, tx: &Tx, order: &order::Model, step: &Step, cause: Cause) -> Result<order::Model> {
    let (at, actor) = (cause.at, cause.actor);
    if *order.status == OrderStatus::Pending && step.to == OrderStatus::Confirmed {
        // an admin's word in place of the payment, which may still come
        return paying::confirm(app, tx, order, cause).await;
    }
    let mut columns = vec![(order::Column::Status, Expr::value(Text(step.to)))];
    match step.to {
        OrderStatus::Ready if order.ready_at.is_none() => columns.push((order::Column::ReadyAt, Expr::value(at))),
        OrderStatus::PickedUp => columns.push((order::Column::ClaimExpiresAt, Expr::value(NEVER))),
        OrderStatus::Delivered => {
            columns.push((order::Column::DeliveredAt, Expr::value(at)));
            if is_paid_at_door(order) {
                columns.push((order::Column::PaymentStatus, Expr::value(Text(PaymentStatus::Paid))));
            }
        }
        OrderStatus::Cancelled => columns.push((order::Column::PaymentDueAt, Expr::value(NEVER))),
        _ => {}
    }
    if step.to.is_final() && order.status.is_with_partner() {
        columns.push((order::Column::CarriedUntil, Expr::value(at)));
    }
    let claim_end = claim_end(order, step.to);
    match claim_end {
        Some(ClaimStatus::Completed) => {
            columns.push((order::Column::ClaimStatus, Expr::value(Text(ClaimStatus::Completed))));
            columns.push((order::Column::ClaimExpiresAt, Expr::value(NEVER)));
        }
        Some(_) => columns.extend(claims::cleared()),
        None => {}
    }
    let condition = Condition::all().add(order::Column::Id.eq(order.id)).add(order::Column::Version.eq(order.version));
    let reason = cause.note.clone();
    let after = change(app, tx, Before::from(order), condition, columns, cause)
        .await?
        .ok_or(OrderError::VersionConflict { version: order.version })?;
    if let (Some(end), Some(claim), Some(partner)) = (claim_end, order.claim_id, order.partner_id) {
        claims_repo::update_ending(&**tx, claim, end, at, reason).await?;
        partners::free_slot(tx, partner, step.to == OrderStatus::Delivered).await?;
    }
    if step.to == OrderStatus::PickedUp
        && let Some(claim) = order.claim_id
    {
        claims_repo::update_without_deadline(&**tx, claim).await?;
    }
    match step.to {
        OrderStatus::Cancelled => paying::after_cancel(app, tx, order, actor, at).await?,
        // what was paid stays until somebody who knows where the goods are gives it back; nothing more is taken
        OrderStatus::Failed => payments::abandon(app, tx, order.id, None, "The delivery failed.", at).await?,
        OrderStatus::Delivered if is_paid_at_door(order) => payments::record_cash(app, tx, order, at).await?,
        _ => {}
    }
    Ok(after)
}

/// Whether the partner takes the money with the delivery.
fn is_paid_at_door(order: &order::Model) -> bool {
    *order.payment_method == PaymentMethod::CashOnDelivery
}

/// How the step ends the live claim, if there is one.
fn claim_end(order: &order::Model, to: OrderStatus) -> Option<ClaimStatus> {
    order.claim_status.filter(|status| status.is_live())?;
    match to {
        OrderStatus::Delivered | OrderStatus::Failed => Some(ClaimStatus::Completed),
        OrderStatus::Cancelled | OrderStatus::Ready => Some(ClaimStatus::Revoked),
        _ => None,
    }
}
