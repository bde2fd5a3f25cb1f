//! Why a payment or a refund was refused.

use domain::error::{ErrorCode, Rejection};
use domain::money::Money;

use crate::platform::Error;

/// A refusal of the payments' use-cases; the text is for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// No such payment, or none that the actor may know of.
    #[error("There is no such payment.")]
    NotFound,
    /// A name that no provider has.
    #[error("There is no such payment provider.")]
    NoSuchProvider,
    /// No provider is set up.
    #[error("This shop takes cash on delivery only.")]
    NoProvider,
    /// The order is not to be paid this way now.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// Another payment of the order can still succeed.
    #[error("A payment through {0} is under way.")]
    UnderWay(String),
    /// The provider refused.
    #[error("The payment was declined: {0}")]
    Declined(String),
    /// Nothing was paid.
    #[error("Nothing was paid yet.")]
    NotPaid,
    /// It went back in too many parts already.
    #[error("There are too many refunds of this payment: refund all that is left.")]
    TooManyRefunds,
    /// More than what is left.
    #[error("Only {} is left to refund.", left.to_decimal())]
    RefundTooLarge {
        /// What is left.
        left: Money,
    },
}

impl From<PaymentError> for Rejection {
    fn from(error: PaymentError) -> Self {
        let message = error.to_string();
        let new = |code| Self::new(code, message.clone());
        match error {
            PaymentError::NotFound => new(ErrorCode::NotFound).at("paymentId"),
            PaymentError::NoSuchProvider => new(ErrorCode::InvalidInput).at("provider"),
            PaymentError::NoProvider | PaymentError::UnderWay(_) => new(ErrorCode::PaymentNotAllowed).at("provider"),
            PaymentError::NotAllowed(_) => new(ErrorCode::PaymentNotAllowed).at("orderId"),
            PaymentError::NotPaid => new(ErrorCode::PaymentNotAllowed).at("paymentId"),
            PaymentError::TooManyRefunds => new(ErrorCode::PaymentNotAllowed).at("amount"),
            PaymentError::Declined(_) => new(ErrorCode::PaymentDeclined),
            PaymentError::RefundTooLarge { .. } => new(ErrorCode::RefundTooLarge).at("amount"),
        }
    }
}

impl From<PaymentError> for Error {
    fn from(error: PaymentError) -> Self {
        Rejection::from(error).into()
    }
}
