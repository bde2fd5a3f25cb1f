//! Partners at work: whether they take orders, and how many they carry.

use domain::access::{Actor, Role};
use domain::error::{ClaimLostReason, Detail, ErrorCode, Rejection};
use domain::event::Topic;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::repo::lock_user_as;
use super::repo::partners as repo;
use crate::app::App;
use crate::platform::Result;
use crate::platform::db::{Tx, retry};
use crate::platform::error::Denial;
use crate::platform::outbox::{self, NewEvent};

/// The event that a partner's state changed; payload [`PartnerChange`].
pub const PARTNER_CHANGED: &str = "partner.changed";

/// Which partner changed. Receivers load the rest: partners change rarely and few people watch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PartnerChange {
    /// The partner's user.
    pub partner: Uuid,
}

/// Lets the partner carry one order more.
///
/// # Errors
/// `PARTNER_OFFLINE` when they are not available, `CLAIM_LOST` (`AT_CAPACITY`) when they carry all they may, `NOT_FOUND`
/// when there is no such partner.
pub async fn take_slot(tx: &Tx, partner: Uuid) -> Result<()> {
    if repo::update_taking_slot(&**tx, partner).await? {
        return Ok(());
    }
    match repo::find_partner(&**tx, partner).await? {
        None => Err(Rejection::not_found("partner").at("partnerId").into()),
        Some(row) if !row.is_available => {
            Err(Rejection::new(ErrorCode::PartnerOffline, "The partner is not available: they have to go online first.")
                .into())
        }
        Some(row) => {
            let message = format!("The partner carries {} of at most {} orders.", row.active_deliveries, row.capacity);
            let detail = Detail::Claim { reason: ClaimLostReason::AtCapacity, retry_after: None };
            Err(Rejection::new(ErrorCode::ClaimLost, message).with(detail).into())
        }
    }
}

/// Takes an order off the partner's back; `is_delivered` when it got where it should.
///
/// # Errors
/// When the database fails.
pub async fn free_slot(tx: &Tx, partner: Uuid, is_delivered: bool) -> Result<()> {
    Ok(repo::update_freeing_slot(&**tx, partner, is_delivered).await?)
}

/// Counts a `score` of the partner.
///
/// # Errors
/// When the database fails.
pub async fn rate(tx: &Tx, partner: Uuid, score: i32) -> Result<()> {
    Ok(repo::update_rating(&**tx, partner, score).await?)
}

/// Says whether the partner takes orders from now on. Orders they carry stay theirs.
///
/// # Errors
/// [`Denial::Forbidden`] when they are no partner any more.
pub async fn set_availability(app: &App, actor: Actor, is_available: bool) -> Result<()> {
    retry(|| set_availability_once(app, actor, is_available)).await
}

async fn set_availability_once(app: &App, actor: Actor, is_available: bool) -> Result<()> {
    let tx = app.db.begin().await?;
    // or somebody who was deactivated a moment ago would go online for good
    if is_available && !lock_user_as(&*tx, actor.user, Role::Partner).await? {
        return Err(Denial::Forbidden.into());
    }
    if repo::update_availability(&*tx, actor.user, is_available).await?.is_some() {
        record_changed(app, &tx, actor.user).await?;
    }
    tx.commit().await?;
    if !is_available {
        forget_where(app, actor.user).await;
    }
    Ok(())
}

/// Forgets where the partner was. What they say from then on, while they still carry something, is known again.
pub(super) async fn forget_where(app: &App, partner: Uuid) {
    // while this does not work, nobody is shown where a partner is who is off duty and carries nothing
    if let Err(error) = app.newest.forget(Topic::Location(partner), app.clock.now()).await {
        tracing::warn!(?error, "where a partner was could not be forgotten before its time");
    }
}

/// Logs that the partner changed, in the transaction that changes them.
pub(super) async fn record_changed(app: &App, tx: &Tx, partner: Uuid) -> Result<()> {
    let payload = PartnerChange { partner };
    let at = app.clock.db_now(&**tx).await?;
    let event = NewEvent { id: app.ids.uuid(), kind: PARTNER_CHANGED, topics: &[Topic::Platform], payload: &payload, at };
    outbox::append(tx, &event).await
}

/// How many partners take orders now, and how many carry one.
///
/// # Errors
/// When the database fails.
pub async fn count_at_work(app: &App) -> Result<(i64, i64)> {
    Ok(repo::count_at_work(app.db.reader()).await?)
}
