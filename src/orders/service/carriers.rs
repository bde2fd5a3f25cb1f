//! Who carries orders at this moment.

use chrono::{DateTime, Utc};
use domain::claims::ClaimStatus;
use entity::{Text, order};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::orders::repo::{carriers as repo, claims};
use crate::platform::Result;

/// For whom somebody carries an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// The customer.
    Customer(Uuid),
    /// The seller.
    Seller(Uuid),
}

/// The partner who carries `order`, or is on the way to fetch it: from an accepted claim until the delivery ends.
#[must_use]
pub fn deliverer(order: &order::Model) -> Option<Uuid> {
    let is_carried = order.status.is_with_partner() && order.claim_status == Some(Text(ClaimStatus::Accepted));
    order.partner_id.filter(|_| is_carried)
}

/// Since when its [`deliverer`] has had `order`; `None` when there is none.
///
/// # Errors
/// When the database fails.
pub async fn find_carried_since(db: &impl ConnectionTrait, order: &order::Model) -> Result<Option<DateTime<Utc>>> {
    let Some(claim) = order.claim_id.filter(|_| deliverer(order).is_some()) else { return Ok(None) };
    Ok(claims::find_claim(db, claim).await?.and_then(|claim| claim.accepted_at))
}

/// Those of `partners` who carry an order for `recipient` now, and when each took the first of those.
///
/// # Errors
/// When the database fails.
pub async fn list_deliverers_for(
    db: &impl ConnectionTrait,
    partners: &[Uuid],
    recipient: Recipient,
) -> Result<Vec<(Uuid, DateTime<Utc>)>> {
    let (column, owner) = match recipient {
        Recipient::Customer(customer) => (order::Column::CustomerId, customer),
        Recipient::Seller(seller) => (order::Column::SellerId, seller),
    };
    Ok(repo::list_carriers_of(db, partners, column, owner).await?)
}

/// Partners who carry an order now, in the order of their ids, after `after`, and when each took the first of those they carry.
///
/// # Errors
/// When the database fails.
pub async fn list_deliverers(
    db: &impl ConnectionTrait,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<(Uuid, DateTime<Utc>)>> {
    Ok(repo::list_carriers(db, after, limit).await?)
}
