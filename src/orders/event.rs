//! What subscribers are told of an order.

use domain::access::{Reader, Role};
use domain::area::{self, Grain};
use domain::event::Topic;
use domain::geo::Point;
use domain::order::{OrderEventType, OrderStatus};
use entity::{order, order_event};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The event that an order has a new version; payload [`OrderChange`].
pub const ORDER_CHANGED: &str = "order.changed";

/// What the note of a `PAYMENT_FAILED` begins with that tells of a refund.
pub const REFUND_FAILED: &str = "A refund failed: ";

/// A new version of an order, whole: whoever receives it needs nothing else, and twice does no harm.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrderChange {
    /// What happened.
    pub event: order_event::Model,
    /// The order as this version left it.
    pub order: order::Model,
    /// What the change means to partners who look for orders.
    pub offer: Option<Offer>,
    /// The partner who had the order until now, and has it no more.
    pub lost_by: Option<Uuid>,
}

/// Whether an order may be claimed, when that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Offer {
    /// It may be claimed from now on.
    Opened,
    /// A partner claimed it.
    Claimed,
    /// It was called off.
    Cancelled,
    /// An admin gave it to a partner.
    Assigned,
}

/// Whether partners may claim `order`.
#[must_use]
pub fn is_offered(order: &order::Model) -> bool {
    *order.status == OrderStatus::Ready && order.claim_id.is_none()
}

impl OrderChange {
    /// Whether `reader` is the partner who had the order until this change.
    #[must_use]
    pub fn is_lost_by(&self, reader: Reader) -> bool {
        reader.role == Some(Role::Partner) && self.lost_by.is_some() && self.lost_by == reader.user
    }

    /// Whom the change concerns.
    #[must_use]
    pub fn topics(&self) -> Vec<Topic> {
        let order = &self.order;
        let mut topics = vec![
            Topic::Order(order.id),
            Topic::Customer(order.customer_id),
            Topic::Seller(order.seller_id),
            Topic::Platform,
        ];
        if self.offer.is_some() {
            let pickup = Point { latitude: order.pickup_latitude, longitude: order.pickup_longitude };
            topics.push(Topic::Available);
            // partners who say where they are hear of the cells around them only
            topics.extend([Grain::Fine, Grain::Wide].map(|grain| Topic::Area(area::cell(pickup, grain))));
        }
        if self.may_end_chat() {
            topics.push(Topic::Chat(order.id));
        }
        topics
    }

    /// Whether the change may have taken the order from its partner, who took part in its chat until then.
    #[must_use]
    pub fn may_end_chat(&self) -> bool {
        use OrderEventType::{Assigned, Cancelled, ClaimExpired, ClaimReleased};
        matches!(*self.event.r#type, Assigned | Cancelled | ClaimExpired | ClaimReleased)
    }
}
