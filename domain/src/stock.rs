//! Stock: why it moves, and what can be bought.

use crate::named::named_enum;

named_enum! {
    /// Why stock moved.
    pub enum StockMovementReason {
        /// It came in.
        Received = "RECEIVED",
        /// It was sold.
        Sold = "SOLD",
        /// A customer gave it back.
        Returned = "RETURNED",
        /// Its order was cancelled.
        Cancelled = "CANCELLED",
        /// Somebody counted.
        Adjusted = "ADJUSTED",
        /// It cannot be sold any more.
        Damaged = "DAMAGED",
        /// An import set it.
        Imported = "IMPORTED",
    }
}

/// The most pieces of one product that a store may have.
pub const MAX_ON_HAND: i32 = 10_000_000;

impl StockMovementReason {
    /// Whether a person may give this reason; sales and cancellations are the orders' own.
    #[must_use]
    pub const fn is_manual(self) -> bool {
        matches!(self, Self::Received | Self::Returned | Self::Adjusted | Self::Damaged)
    }
}
