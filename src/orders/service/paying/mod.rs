//! What payments mean to their orders: an order waits for its payment, is confirmed by it, and gives back what was paid when
//! it is called off.
//!
//! Each use-case locks the order's row, and then the payment's. No provider is called in between.

mod events;
pub mod expiry;
mod refunds;
mod settle;
mod start;

use entity::{order, payment};

pub use events::{Heard, apply_provider_event, cancel_at_provider};
pub use refunds::{RefundPayment, refund_at_provider, refund_payment};
pub(super) use settle::{after_cancel, confirm};
pub use start::{StartPayment, start_payment};

/// An order and one of its payments.
#[derive(Debug, Clone)]
pub struct OrderPayment {
    /// The order.
    pub order: order::Model,
    /// The payment.
    pub payment: payment::Model,
}
