//! Webhooks: what other systems may be told of, and what became of telling them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keys::ApiScope;
use crate::named::named_enum;

named_enum! {
    /// What another system may be told of.
    pub enum WebhookTopic {
        /// An order was placed.
        OrderCreated = "ORDER_CREATED",
        /// An order is certain to be paid.
        OrderConfirmed = "ORDER_CONFIRMED",
        /// An order was called off.
        OrderCancelled = "ORDER_CANCELLED",
        /// An order is somewhere else than before.
        OrderStatusChanged = "ORDER_STATUS_CHANGED",
        /// A customer began to pay.
        PaymentInitiated = "PAYMENT_INITIATED",
        /// An order was paid.
        PaymentSuccess = "PAYMENT_SUCCESS",
        /// A payment of an order failed.
        PaymentFailed = "PAYMENT_FAILED",
        /// A partner has an order.
        DeliveryAssigned = "DELIVERY_ASSIGNED",
        /// The goods are on the way.
        DeliveryInTransit = "DELIVERY_IN_TRANSIT",
        /// The goods were handed over.
        DeliveryCompleted = "DELIVERY_COMPLETED",
        /// A product or its stock changed.
        InventoryUpdated = "INVENTORY_UPDATED",
        /// A stock fell to its threshold.
        InventoryLowStock = "INVENTORY_LOW_STOCK",
    }
}

impl WebhookTopic {
    /// The `type` of its messages: lower case, the area before a full stop, as the Standard Webhooks specification has it.
    #[must_use]
    pub fn message_type(self) -> String {
        crate::Named::name(self).to_lowercase().replacen('_', ".", 1)
    }

    /// Whether its messages are of products and their stock, and not of orders.
    #[must_use]
    pub const fn is_of_inventory(self) -> bool {
        matches!(self, Self::InventoryUpdated | Self::InventoryLowStock)
    }

    /// The scope that lets an API key read what its messages say.
    #[must_use]
    pub const fn scope(self) -> ApiScope {
        if self.is_of_inventory() { ApiScope::ProductsRead } else { ApiScope::OrdersRead }
    }
}

named_enum! {
    /// What became of telling an endpoint.
    pub enum WebhookDeliveryStatus {
        /// It is to be sent, or sent again.
        Pending = "PENDING",
        /// The endpoint took it.
        Delivered = "DELIVERED",
        /// It was given up.
        Failed = "FAILED",
    }
}

/// The event that an endpoint was paused by the server; payload [`WebhookPaused`].
pub const WEBHOOK_PAUSED: &str = "webhook.paused";

/// Which endpoint was paused, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookPaused {
    /// The endpoint.
    pub endpoint: Uuid,
    /// Why.
    pub reason: PauseReason,
    /// Since when nothing got through.
    pub failing_since: Option<DateTime<Utc>>,
}

/// Why the server paused an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PauseReason {
    /// It answered that it is gone (410).
    Gone,
    /// Nothing got through for too long.
    Failing,
    /// More waited to be sent to it than may, after a day in which nothing got through.
    TooManyWaiting,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_message_has_its_area_first() {
        assert_eq!(WebhookTopic::OrderStatusChanged.message_type(), "order.status_changed");
        assert_eq!(WebhookTopic::DeliveryInTransit.message_type(), "delivery.in_transit");
    }
}
