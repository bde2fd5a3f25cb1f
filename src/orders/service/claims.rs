//! Claims on orders: made, accepted, given back, run out. Each is decided by one conditional statement on the order's row,
//! which is locked before: what is decided by the clock is decided by the time at which the row was had.
//!
//! Locks are taken in one direction, order before partner. Only two assignments that cross, each giving to the partner that the
//! other takes from, can wait for each other; the database ends one of them, and it is run again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::claims::ClaimStatus;
use domain::error::ClaimLostReason;
use domain::order::{OrderEventType, OrderStatus};
use entity::{Text, claim, order};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition};
use uuid::Uuid;

use super::change::{Before, Cause, change};
use crate::accounts::partners;
use crate::app::App;
use crate::orders::error::OrderError;
use crate::orders::event::is_offered;
use crate::orders::repo::{claims as repo, lists, orders};
use crate::platform::Result;
use crate::platform::db::Tx;

const NOBODY: Option<Uuid> = None;
const NO_STATUS: Option<Text<ClaimStatus>> = None;
pub(super) const NEVER: Option<DateTime<Utc>> = None;

/// The columns of an order that nobody has claimed.
pub(super) fn cleared() -> [(order::Column, Expr); 4] {
    [
        (order::Column::ClaimId, Expr::value(NOBODY)),
        (order::Column::ClaimStatus, Expr::value(NO_STATUS)),
        (order::Column::ClaimExpiresAt, Expr::value(NEVER)),
        (order::Column::PartnerId, Expr::value(NOBODY)),
    ]
}

fn given_to(claim: Uuid, partner: Uuid, status: ClaimStatus, expires_at: DateTime<Utc>) -> Vec<(order::Column, Expr)> {
    let order_status = if status == ClaimStatus::Accepted { OrderStatus::Assigned } else { OrderStatus::Ready };
    vec![
        (order::Column::ClaimId, Expr::value(claim)),
        (order::Column::ClaimStatus, Expr::value(Text(status))),
        (order::Column::ClaimExpiresAt, Expr::value(expires_at)),
        (order::Column::PartnerId, Expr::value(partner)),
        (order::Column::Status, Expr::value(Text(order_status))),
    ]
}

fn deadline(at: DateTime<Utc>, after: Duration) -> DateTime<Utc> {
    at + TimeDelta::from_std(after).unwrap_or(TimeDelta::MAX / 4)
}

fn new_claim(
    id: Uuid,
    order: Uuid,
    partner: Uuid,
    status: ClaimStatus,
    at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> claim::Model {
    claim::Model {
        id,
        order_id: order,
        partner_id: partner,
        status: Text(status),
        held_at: at,
        accepted_at: (status == ClaimStatus::Accepted).then_some(at),
        expires_at: Some(expires_at),
        ended_at: None,
        reason: None,
    }
}

/// The order and the claim that somebody got on it.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The order with the claim on it.
    pub order: order::Model,
    /// The claim.
    pub claim: claim::Model,
}

/// `cause`, now. Asked once the order is locked, however long that took: a deadline counts from when a claim was won, and
/// an order's timeline never runs backwards.
async fn happening_now(app: &App, tx: &Tx, cause: Cause) -> Result<Cause> {
    Ok(Cause { at: app.clock.db_now(&**tx).await?, ..cause })
}

/// Gives `order` to `partner` if it is offered: of all that race for it the first to lock it wins, and whoever has no slot
/// left loses it again by rolling back.
///
/// # Errors
/// `CLAIM_LOST` with the reason, `NOT_FOUND`, and those of [`partners::take_slot`].
pub async fn claim(app: &App, tx: &Tx, order: Uuid, partner: Uuid, status: ClaimStatus, cause: Cause) -> Result<Claimed> {
    let order = orders::lock_order(&**tx, order).await?.ok_or(OrderError::NotFound)?;
    if !is_offered(&order) {
        return Err(why_not_offered(&order, partner).into());
    }
    let cause = happening_now(app, tx, cause).await?;
    let (id, at) = (app.ids.uuid(), cause.at);
    let after = if status == ClaimStatus::Accepted { app.config.pickup } else { app.config.claim_hold };
    let expires_at = deadline(at, after);
    let condition = lists::offered().add(order::Column::Id.eq(order.id));
    let order = change(app, tx, Before::from(&order), condition, given_to(id, partner, status, expires_at), cause)
        .await?
        .ok_or(OrderError::VersionConflict { version: order.version })?;
    partners::take_slot(tx, partner).await?;
    let claim = new_claim(id, order.id, partner, status, at, expires_at);
    repo::insert_claim(&**tx, claim.clone()).await?;
    Ok(Claimed { order, claim })
}

/// What to say to whoever was not the first.
fn why_not_offered(order: &order::Model, partner: Uuid) -> OrderError {
    let lost = |message, reason, retry_after| OrderError::ClaimLost { message, reason, retry_after };
    match *order.status {
        // no partner has been told of it yet
        OrderStatus::Pending | OrderStatus::Confirmed | OrderStatus::Preparing => OrderError::NotFound,
        OrderStatus::Cancelled => lost("The order was cancelled.", ClaimLostReason::Withdrawn, None),
        _ if order.partner_id == Some(partner) => lost("You have claimed this order already.", ClaimLostReason::Taken, None),
        OrderStatus::Ready => {
            lost("Another partner is looking at this order.", ClaimLostReason::Taken, order.claim_expires_at)
        }
        _ => lost("Another partner has this order.", ClaimLostReason::Taken, None),
    }
}

/// Turns the partner's hold into an accepted claim, if it has not run out by the database's clock.
///
/// # Errors
/// `CLAIM_LOST` with the reason, `NOT_FOUND` for a claim that is not this partner's.
pub async fn accept(app: &App, tx: &Tx, id: Uuid, partner: Uuid, cause: Cause) -> Result<Claimed> {
    let claim = repo::find_claim(&**tx, id).await?.filter(|claim| claim.partner_id == partner);
    let claim = claim.ok_or(OrderError::NoSuchClaim)?;
    orders::lock_order(&**tx, claim.order_id).await?;
    let cause = happening_now(app, tx, cause).await?;
    let at = cause.at;
    let expires_at = deadline(at, app.config.pickup);
    let condition = Condition::all()
        .add(order::Column::Id.eq(claim.order_id))
        .add(order::Column::ClaimId.eq(id))
        .add(order::Column::PartnerId.eq(partner))
        .add(order::Column::ClaimStatus.eq(Text(ClaimStatus::Held)))
        .add(order::Column::ClaimExpiresAt.gt(at));
    let before = Before { status: OrderStatus::Ready, was_offered: false, partner: Some(partner) };
    let columns = given_to(id, partner, ClaimStatus::Accepted, expires_at);
    let Some(order) = change(app, tx, before, condition, columns, cause).await? else {
        return Err(why_ended(tx, id, partner).await?.into());
    };
    repo::update_accepting(&**tx, id, at, expires_at).await?;
    let claim = repo::find_claim(&**tx, id).await?.ok_or(OrderError::NoSuchClaim)?;
    Ok(Claimed { order, claim })
}

async fn why_ended(tx: &Tx, id: Uuid, partner: Uuid) -> Result<OrderError> {
    let claim = repo::find_claim(&**tx, id).await?.filter(|claim| claim.partner_id == partner);
    let Some(claim) = claim else { return Ok(OrderError::NoSuchClaim) };
    let lost = |message, reason| OrderError::ClaimLost { message, reason, retry_after: None };
    Ok(match *claim.status {
        // still held in the books, so its time is up
        ClaimStatus::Held | ClaimStatus::Expired => lost("The time to accept has run out.", ClaimLostReason::Expired),
        ClaimStatus::Revoked => lost("The order was withdrawn.", ClaimLostReason::Withdrawn),
        ClaimStatus::Accepted => lost("The claim is accepted already.", ClaimLostReason::Taken),
        ClaimStatus::Released | ClaimStatus::Completed => lost("The claim has ended.", ClaimLostReason::NotAvailable),
    })
}

/// Gives the order back before it is picked up; it is offered again.
///
/// # Errors
/// `CLAIM_LOST` when the claim has ended, `ILLEGAL_TRANSITION` once the goods are picked up, `NOT_FOUND` for a claim that is
/// not this partner's.
pub async fn release(app: &App, tx: &Tx, id: Uuid, partner: Uuid, cause: Cause) -> Result<Claimed> {
    let claim = repo::find_claim(&**tx, id).await?.filter(|claim| claim.partner_id == partner);
    let claim = claim.ok_or(OrderError::NoSuchClaim)?;
    let order = orders::lock_order(&**tx, claim.order_id).await?.filter(|order| order.claim_id == Some(id));
    // whoever ended it in the meantime also says why
    let Some(order) = order else { return Err(why_ended(tx, id, partner).await?.into()) };
    if !matches!(*order.status, OrderStatus::Ready | OrderStatus::Assigned) {
        let allowed = domain::order::steps(*order.status, domain::access::Party::Partner);
        return Err(OrderError::IllegalStep { from: *order.status, to: OrderStatus::Ready, allowed, input: None }.into());
    }
    let cause = happening_now(app, tx, cause).await?;
    end(app, tx, &order, claim, ClaimStatus::Released, cause).await
}

/// Ends the claim on the order `due` if its time is up by the database's clock. `None` when it is not, or somebody was
/// faster.
///
/// # Errors
/// When the database fails.
pub async fn expire(app: &App, tx: &Tx, due: Uuid) -> Result<Option<Claimed>> {
    let Some(order) = orders::lock_order(&**tx, due).await? else { return Ok(None) };
    // asked after the lock was had, however long that took
    let at = app.clock.db_now(&**tx).await?;
    let Some(id) = order.claim_id.filter(|_| order.claim_expires_at.is_some_and(|expires| expires <= at)) else {
        return Ok(None);
    };
    let Some(claim) = repo::find_claim(&**tx, id).await? else { return Ok(None) };
    let cause = Cause { r#type: OrderEventType::ClaimExpired, actor: None, note: None, at };
    end(app, tx, &order, claim, ClaimStatus::Expired, cause).await.map(Some)
}

/// Takes the live claim off `order`, which is locked.
async fn end(
    app: &App,
    tx: &Tx,
    order: &order::Model,
    claim: claim::Model,
    status: ClaimStatus,
    cause: Cause,
) -> Result<Claimed> {
    let (at, reason) = (cause.at, cause.note.clone());
    let condition = Condition::all().add(order::Column::Id.eq(order.id)).add(order::Column::Version.eq(order.version));
    let columns = cleared().into_iter().chain([(order::Column::Status, Expr::value(Text(OrderStatus::Ready)))]).collect();
    let order = change(app, tx, Before::from(order), condition, columns, cause)
        .await?
        .ok_or(OrderError::VersionConflict { version: order.version })?;
    repo::update_ending(&**tx, claim.id, status, at, reason.clone()).await?;
    partners::free_slot(tx, claim.partner_id, false).await?;
    let claim = claim::Model { status: Text(status), ended_at: Some(at), reason, ..claim };
    Ok(Claimed { order, claim })
}

/// Gives `id` to `partner` by an admin's word, taking it from whoever has it, up to pick-up. With the order as it was before.
///
/// # Errors
/// `ILLEGAL_TRANSITION` when the order is not ready or already picked up, and those of [`partners::take_slot`].
pub async fn assign(app: &App, tx: &Tx, id: Uuid, partner: Uuid, cause: Cause) -> Result<(Claimed, order::Model)> {
    let before = orders::lock_order(&**tx, id).await?.ok_or(OrderError::NotFound)?;
    if !matches!(*before.status, OrderStatus::Ready | OrderStatus::Assigned) {
        let allowed = domain::order::steps(*before.status, domain::access::Party::Admin);
        return Err(OrderError::IllegalStep { from: *before.status, to: OrderStatus::Assigned, allowed, input: None }.into());
    }
    let cause = happening_now(app, tx, cause).await?;
    let at = cause.at;
    if let (Some(old), Some(holder)) = (before.claim_id, before.partner_id) {
        repo::update_ending(&**tx, old, ClaimStatus::Revoked, at, cause.note.clone()).await?;
        partners::free_slot(tx, holder, false).await?;
    }
    // whose the refusal is: the one whom the admin has named
    partners::take_slot(tx, partner).await.map_err(|refusal| refusal.at("partnerId"))?;
    let expires_at = deadline(at, app.config.pickup);
    let claim = new_claim(app.ids.uuid(), before.id, partner, ClaimStatus::Accepted, at, expires_at);
    repo::insert_claim(&**tx, claim.clone()).await?;
    let condition = Condition::all().add(order::Column::Id.eq(before.id)).add(order::Column::Version.eq(before.version));
    let columns = given_to(claim.id, partner, ClaimStatus::Accepted, expires_at);
    let order = change(app, tx, Before::from(&before), condition, columns, cause)
        .await?
        .ok_or(OrderError::VersionConflict { version: before.version })?;
    Ok((Claimed { order, claim }, before))
}
