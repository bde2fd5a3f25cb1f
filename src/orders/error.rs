//! Why an order was refused.

use chrono::{DateTime, Utc};
use domain::error::{ClaimLostReason, Detail, ErrorCode, Rejection};
use domain::order::OrderStatus;

use crate::platform::Error;

/// A refusal of an order's use-cases; the text is for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// No such order, or none that the actor may know of.
    #[error("There is no such order.")]
    NotFound,
    /// No lines.
    #[error("There is nothing to order.")]
    Empty,
    /// The product at this line cannot be bought.
    #[error("This product cannot be bought.")]
    Unavailable {
        /// The line, from 0.
        line: usize,
    },
    /// The product at this line is another seller's than the first's.
    #[error("All items of one order must be one seller's.")]
    OtherSeller {
        /// The line, from 0.
        line: usize,
    },
    /// A product stands on two lines.
    #[error("This product stands on an earlier line already.")]
    Twice {
        /// The line, from 0.
        line: usize,
    },
    /// The total is not what the client expected.
    #[error("The total is {total} now.")]
    TotalChanged {
        /// What it is.
        total: String,
    },
    /// The payment method cannot be used.
    #[error("This shop takes cash on delivery only.")]
    PaymentMethod,
    /// Neither or both of the ways to give an address.
    #[error("Give either a saved address or a new one.")]
    Address,
    /// The address has no coordinates.
    #[error("The address needs coordinates: partners find it by them.")]
    NoLocation,
    /// No such saved address.
    #[error("There is no such address.")]
    NoSuchAddress,
    /// The order changed since the client read it.
    #[error("The order has version {version} now.")]
    VersionConflict {
        /// The present version.
        version: i32,
    },
    /// The step does not exist from here, or is not this actor's.
    #[error("An order that is {from} cannot be set to {to} by you.")]
    IllegalStep {
        /// Where the order is.
        from: OrderStatus,
        /// Where it was asked to go.
        to: OrderStatus,
        /// Where the actor may take it.
        allowed: &'static [OrderStatus],
        /// The input that says where to; the other mutations go where they go.
        input: Option<&'static str>,
    },
    /// The code at the door was not given.
    #[error("Ask the customer for the delivery code.")]
    ProofRequired,
    /// The code at the door is another.
    #[error("This is not the delivery code.")]
    ProofWrong,
    /// Too many wrong codes were given.
    #[error("Too many wrong delivery codes: an admin has to confirm the delivery.")]
    ProofLocked,
    /// An admin must say why there is no code.
    #[error("Without the delivery code a note must say why.")]
    NoteRequired,
    /// The claim is not there to be had, or has ended.
    #[error("{message}")]
    ClaimLost {
        /// For a person.
        message: &'static str,
        /// Why.
        reason: ClaimLostReason,
        /// When it may be offered again, if another holds it.
        retry_after: Option<DateTime<Utc>>,
    },
    /// It is rated when it has arrived.
    #[error("Only an order that was delivered can be rated.")]
    NotDelivered,
    /// It is rated once.
    #[error("This order is rated already.")]
    AlreadyRated,
    /// No such claim of this partner.
    #[error("There is no such claim.")]
    NoSuchClaim,
}

impl From<OrderError> for Rejection {
    fn from(error: OrderError) -> Self {
        let message = error.to_string();
        let new = |code| Self::new(code, message.clone());
        match error {
            OrderError::NotFound => new(ErrorCode::NotFound).at("orderId"),
            OrderError::NoSuchClaim => new(ErrorCode::NotFound).at("claimId"),
            OrderError::NoSuchAddress => new(ErrorCode::NotFound).at("addressId"),
            OrderError::Empty => new(ErrorCode::CartEmpty).at("items"),
            OrderError::Unavailable { line } => new(ErrorCode::ProductUnavailable).at(&format!("items.{line}.productId")),
            OrderError::OtherSeller { line } | OrderError::Twice { line } => {
                new(ErrorCode::InvalidInput).at(&format!("items.{line}.productId"))
            }
            OrderError::TotalChanged { .. } => new(ErrorCode::CartChanged).at("expectedTotal"),
            OrderError::PaymentMethod => new(ErrorCode::PaymentNotAllowed).at("paymentMethod"),
            OrderError::Address => new(ErrorCode::InvalidInput).at("address"),
            OrderError::NoLocation => new(ErrorCode::InvalidInput).at("address.location"),
            OrderError::VersionConflict { .. } => new(ErrorCode::VersionConflict).at("expectedVersion"),
            OrderError::IllegalStep { from, to, allowed, input } => {
                let refusal = new(ErrorCode::IllegalTransition);
                let refusal = match input {
                    Some(input) => refusal.at(input),
                    None => refusal,
                };
                refusal.with(Detail::Transition { from, to, allowed: allowed.to_vec() })
            }
            OrderError::NotDelivered => new(ErrorCode::IllegalTransition).at("orderId"),
            OrderError::AlreadyRated => new(ErrorCode::AlreadyExists).at("orderId"),
            OrderError::ProofRequired => new(ErrorCode::ProofRequired).at("deliveryCode"),
            OrderError::ProofWrong | OrderError::ProofLocked => new(ErrorCode::ProofWrong).at("deliveryCode"),
            OrderError::NoteRequired => new(ErrorCode::ProofRequired).at("note"),
            OrderError::ClaimLost { reason, retry_after, .. } => {
                new(ErrorCode::ClaimLost).with(Detail::Claim { reason, retry_after })
            }
        }
    }
}

impl From<OrderError> for Error {
    fn from(error: OrderError) -> Self {
        Rejection::from(error).into()
    }
}
