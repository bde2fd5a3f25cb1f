//! What people are notified of, and by which ways besides the app's own list.

use crate::named::named_enum;

named_enum! {
    /// What a notification is about.
    pub enum NotificationKind {
        /// A store has a new order.
        OrderPlaced = "ORDER_PLACED",
        /// An order is certain.
        OrderConfirmed = "ORDER_CONFIRMED",
        /// An order is packed.
        OrderReady = "ORDER_READY",
        /// An order has a partner who will bring it.
        OrderAssigned = "ORDER_ASSIGNED",
        /// An order has left the store.
        OrderPickedUp = "ORDER_PICKED_UP",
        /// An order was handed over.
        OrderDelivered = "ORDER_DELIVERED",
        /// An order was called off.
        OrderCancelled = "ORDER_CANCELLED",
        /// An order could not be delivered.
        OrderFailed = "ORDER_FAILED",
        /// A payment was taken.
        PaymentSucceeded = "PAYMENT_SUCCEEDED",
        /// A payment, or a refund, did not succeed.
        PaymentFailed = "PAYMENT_FAILED",
        /// Money went back.
        PaymentRefunded = "PAYMENT_REFUNDED",
        /// A partner has an order to bring.
        DeliveryAssigned = "DELIVERY_ASSIGNED",
        /// An order is on its way to the door.
        DeliveryInTransit = "DELIVERY_IN_TRANSIT",
        /// A partner has an order no more.
        DeliveryWithdrawn = "DELIVERY_WITHDRAWN",
        /// A stock fell to its threshold.
        LowStock = "LOW_STOCK",
        /// Somebody wrote in an order's chat.
        ChatMessage = "CHAT_MESSAGE",
        /// A webhook endpoint failed for long and is not called any more.
        WebhookPaused = "WEBHOOK_PAUSED",
    }
}

impl NotificationKind {
    /// Whether it is worth a mail: what somebody wants to find again, or must hear of when they look at nothing else.
    #[must_use]
    pub const fn is_mailed(self) -> bool {
        matches!(
            self,
            Self::OrderConfirmed
                | Self::OrderDelivered
                | Self::OrderCancelled
                | Self::OrderFailed
                | Self::PaymentFailed
                | Self::PaymentRefunded
                | Self::LowStock
                | Self::WebhookPaused
        )
    }

    /// Whether it is worth a text message: what somebody must hear of within minutes.
    #[must_use]
    pub const fn is_texted(self) -> bool {
        matches!(self, Self::DeliveryAssigned | Self::DeliveryInTransit | Self::DeliveryWithdrawn | Self::OrderFailed)
    }
}
