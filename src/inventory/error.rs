//! What the inventory refuses.

use domain::error::{Detail, ErrorCode, Rejection};
use domain::stock::MAX_ON_HAND;
use uuid::Uuid;

use crate::platform::Error;

/// A refusal of the inventory. Its text is the client's message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// Sales, cancellations and imports write their own lines.
    #[error("Stock is adjusted as RECEIVED, RETURNED, ADJUSTED or DAMAGED.")]
    NotManual,
    /// Nothing would change.
    #[error("Must not be zero.")]
    Nothing,
    /// More than a store may have.
    #[error("A store may have at most {MAX_ON_HAND} of a product.")]
    TooMany,
    /// An import would take what is promised.
    #[error("{0} are promised to unpaid orders: there cannot be fewer.")]
    Promised(i32),
    /// Somebody else moved the stock since the client read it.
    #[error("There are {0} on hand now.")]
    Moved(i32),
    /// Less can be had than was asked for.
    #[error("Only {available} can be had.")]
    Short {
        /// Path of the number that asks for too much.
        field: String,
        /// The product that is short.
        product: Uuid,
        /// How many were asked for.
        requested: i32,
        /// How many can be had.
        available: i32,
    },
}

impl From<InventoryError> for Rejection {
    fn from(error: InventoryError) -> Self {
        let message = error.to_string();
        match error {
            InventoryError::NotManual => Self::invalid("reason", message),
            InventoryError::Nothing | InventoryError::TooMany => Self::invalid("delta", message),
            InventoryError::Promised(_) => Self::invalid("stock", message),
            InventoryError::Moved(_) => Self::new(ErrorCode::VersionConflict, message).at("expectedOnHand"),
            InventoryError::Short { field, product, requested, available } => {
                let detail = Detail::Stock { product, requested, available };
                Self::new(ErrorCode::InsufficientStock, message).at(&field).with(detail)
            }
        }
    }
}

impl From<InventoryError> for Error {
    fn from(error: InventoryError) -> Self {
        Rejection::from(error).into()
    }
}
