//! Refusals that a client is expected to handle.

use async_graphql::{ComplexObject, Context, Enum, Interface, SimpleObject};
use chrono::{DateTime, Utc};
use domain::error::{Detail, Rejection};
use uuid::Uuid;

use super::enums::OrderStatus;
use super::error::{GraphError, Result};
use crate::catalog::graphql::Product;
use crate::platform::error::Error;

/// The stable code of a refusal. New ones may be added: treat what you do not know as a failure without a special case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::error::ErrorCode")]
pub enum ErrorCode {
    /// A value breaks a limit or a format; `field` says which.
    InvalidInput,
    /// It does not exist, or the viewer may not know that it does.
    NotFound,
    /// Another account uses this e-mail address.
    EmailTaken,
    /// E-mail and password do not match an active account.
    InvalidCredentials,
    /// A token is malformed, expired, used or revoked.
    InvalidToken,
    /// The password is too easy to guess.
    WeakPassword,
    /// Less is available than was asked for.
    InsufficientStock,
    /// There is nothing to order.
    CartEmpty,
    /// The total is not what the client expected.
    CartChanged,
    /// The product is no longer sold.
    ProductUnavailable,
    /// The promo code does not exist or does not apply.
    PromoInvalid,
    /// The order cannot take that step from where it is.
    IllegalTransition,
    /// The record changed since the client read it.
    VersionConflict,
    /// The claim could not be had, or has ended.
    ClaimLost,
    /// The partner has not said that they are available.
    PartnerOffline,
    /// The step needs a proof that was not given.
    ProofRequired,
    /// The proof is not the right one.
    ProofWrong,
    /// The provider declined the payment.
    PaymentDeclined,
    /// This payment is not possible for this order.
    PaymentNotAllowed,
    /// More than what is left of the payment.
    RefundTooLarge,
    /// The idempotency key was used with other input.
    IdempotencyMismatch,
    /// The first request with this key is still being worked on.
    IdempotencyInProgress,
    /// A record with this natural key exists.
    AlreadyExists,
    /// The order's chat is not open.
    ChatClosed,
}

/// Why a partner did not get, or no longer has, a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::error::ClaimLostReason")]
pub enum ClaimLostReason {
    /// Another partner was first.
    Taken,
    /// Its time ran out.
    Expired,
    /// The order was cancelled or given to another.
    Withdrawn,
    /// The partner carries as many orders as they may.
    AtCapacity,
    /// The order is not offered to partners now.
    NotAvailable,
}

/// A refusal that a client is expected to handle. Nothing was changed.
#[derive(Debug, Clone, Interface)]
#[graphql(
    field(name = "code", ty = "&ErrorCode", desc = "The stable code."),
    field(name = "message", ty = "&String", desc = "One sentence for a person, in English."),
    field(
        name = "field",
        ty = "&Option<Vec<String>>",
        desc = "Path of the input at fault, e.g. [\"items\", \"0\", \"quantity\"]; null when no single input is."
    )
)]
pub enum UserError {
    /// A refusal that needs no data.
    Generic(GenericError),
    /// Too little stock.
    Stock(InsufficientStock),
    /// No claim.
    Claim(ClaimLost),
    /// No such step.
    Transition(IllegalTransition),
}

/// A refusal that is said by its code alone.
#[derive(Debug, Clone, SimpleObject)]
pub struct GenericError {
    /// The stable code.
    pub code: ErrorCode,
    /// One sentence for a person, in English.
    pub message: String,
    /// Path of the input at fault; null when no single input is.
    pub field: Option<Vec<String>>,
}

/// Less is available than was asked for.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct InsufficientStock {
    /// The stable code.
    pub code: ErrorCode,
    /// One sentence for a person, in English.
    pub message: String,
    /// Path of the input at fault; null when no single input is.
    pub field: Option<Vec<String>>,
    /// How many were asked for.
    pub requested: i32,
    /// How many could be had at that moment.
    pub available: i32,
    #[graphql(skip)]
    product: Uuid,
}

#[ComplexObject]
impl InsufficientStock {
    /// The product that is short.
    async fn product(&self, ctx: &Context<'_>) -> Result<Product> {
        Product::load(ctx, self.product).await
    }
}

/// The claim could not be had, or has ended.
#[derive(Debug, Clone, SimpleObject)]
pub struct ClaimLost {
    /// The stable code.
    pub code: ErrorCode,
    /// One sentence for a person, in English.
    pub message: String,
    /// Path of the input at fault; null when no single input is.
    pub field: Option<Vec<String>>,
    /// Why.
    pub reason: ClaimLostReason,
    /// When another partner's hold ends, if that is why: the order may be offered again then.
    pub retry_after: Option<DateTime<Utc>>,
}

/// The order cannot take that step from where it is.
#[derive(Debug, Clone, SimpleObject)]
pub struct IllegalTransition {
    /// The stable code.
    pub code: ErrorCode,
    /// One sentence for a person, in English.
    pub message: String,
    /// Path of the input at fault; null when no single input is.
    pub field: Option<Vec<String>>,
    /// Where the order is.
    pub from: OrderStatus,
    /// Where it was asked to go.
    pub to: OrderStatus,
    /// Where you may take it from there.
    pub allowed: Vec<OrderStatus>,
}

impl From<Rejection> for UserError {
    fn from(rejection: Rejection) -> Self {
        let Rejection { code, message, field, detail } = rejection;
        let code = code.into();
        let field = (!field.is_empty()).then_some(field);
        match detail {
            Detail::None => Self::Generic(GenericError { code, message, field }),
            Detail::Stock { product, requested, available } => {
                Self::Stock(InsufficientStock { code, message, field, requested, available, product })
            }
            Detail::Claim { reason, retry_after } => {
                Self::Claim(ClaimLost { code, message, field, reason: reason.into(), retry_after })
            }
            Detail::Transition { from, to, allowed } => Self::Transition(IllegalTransition {
                code,
                message,
                field,
                from: from.into(),
                to: to.into(),
                allowed: allowed.into_iter().map(Into::into).collect(),
            }),
        }
    }
}

/// What came of a mutation: the result, or why there is none. Faults and denials are top-level errors instead.
#[derive(Debug)]
pub struct Outcome<T> {
    /// What was made or changed.
    pub value: Option<T>,
    /// Why nothing was.
    pub user_errors: Vec<UserError>,
}

impl<T> Outcome<T> {
    /// Sorts a use-case's result.
    ///
    /// # Errors
    /// Faults and denials.
    pub fn of(result: crate::platform::Result<T>) -> Result<Self> {
        match result {
            Ok(value) => Ok(Self { value: Some(value), user_errors: Vec::new() }),
            Err(Error::Rejected(rejection)) => Ok(Self { value: None, user_errors: vec![(*rejection).into()] }),
            Err(other) => Err(GraphError::from(other)),
        }
    }
}
