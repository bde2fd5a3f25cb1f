//! Who someone is to an order, and what they may see of it.

use domain::access::{Party, Reader, Role};
use domain::claims::ClaimStatus;
use entity::{Text, order};
use uuid::Uuid;

/// What `reader` is to `order`; `None`: nothing, so it does not exist for them.
#[must_use]
pub fn party(order: &order::Model, reader: impl Into<Reader>) -> Option<Party> {
    let reader = reader.into();
    match reader.role? {
        Role::Admin => Some(Party::Admin),
        Role::Customer => (Some(order.customer_id) == reader.user).then_some(Party::Customer),
        Role::Seller => (Some(order.seller_id) == reader.seller).then_some(Party::Seller),
        Role::Partner => (order.partner_id.is_some() && order.partner_id == reader.user).then_some(Party::Partner),
    }
}

/// Whether the exact address is shown: to the order's own people, and to a partner only while they hold its claim.
#[must_use]
pub fn shows_address(order: &order::Model, party: Party) -> bool {
    party != Party::Partner || order.claim_status.is_some_and(|status| status.is_live())
}

/// Whether the two ends of the delivery may see each other's telephone numbers: while a partner has the order.
#[must_use]
pub fn shows_phones(order: &order::Model) -> bool {
    order.status.is_with_partner() && order.claim_status == Some(Text(ClaimStatus::Accepted))
}

/// Who carries, or carried, the order: not whoever only looks at it.
#[must_use]
pub fn carrier(order: &order::Model) -> Option<Uuid> {
    order.partner_id.filter(|_| order.claim_status != Some(Text(ClaimStatus::Held)))
}
