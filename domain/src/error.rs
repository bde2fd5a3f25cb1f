//! What a client is told when a rule says no.

use uuid::Uuid;

use crate::named::named_enum;
use crate::order::OrderStatus;

named_enum! {
    /// The stable code of a refusal; the same names stand in the API's `ErrorCode`.
    pub enum ErrorCode {
        /// A value breaks a limit or a format; `field` says which.
        InvalidInput = "INVALID_INPUT",
        /// It does not exist, or the viewer may not know that it does.
        NotFound = "NOT_FOUND",
        /// Another account uses this e-mail address.
        EmailTaken = "EMAIL_TAKEN",
        /// E-mail and password do not match an active account.
        InvalidCredentials = "INVALID_CREDENTIALS",
        /// A token is malformed, expired, used or revoked.
        InvalidToken = "INVALID_TOKEN",
        /// The password is too easy to guess.
        WeakPassword = "WEAK_PASSWORD",
        /// Less is available than was asked for.
        InsufficientStock = "INSUFFICIENT_STOCK",
        /// There is nothing to order.
        CartEmpty = "CART_EMPTY",
        /// The total is not what the client expected.
        CartChanged = "CART_CHANGED",
        /// The product is no longer sold.
        ProductUnavailable = "PRODUCT_UNAVAILABLE",
        /// The promo code does not exist or does not apply.
        PromoInvalid = "PROMO_INVALID",
        /// The order cannot take that step from where it is.
        IllegalTransition = "ILLEGAL_TRANSITION",
        /// The record changed since the client read it.
        VersionConflict = "VERSION_CONFLICT",
        /// The claim could not be had, or has ended.
        ClaimLost = "CLAIM_LOST",
        /// The partner has not said that they are available.
        PartnerOffline = "PARTNER_OFFLINE",
        /// The step needs a proof that was not given.
        ProofRequired = "PROOF_REQUIRED",
        /// The proof is not the right one.
        ProofWrong = "PROOF_WRONG",
        /// The provider declined the payment.
        PaymentDeclined = "PAYMENT_DECLINED",
        /// This payment is not possible for this order.
        PaymentNotAllowed = "PAYMENT_NOT_ALLOWED",
        /// More than what is left of the payment.
        RefundTooLarge = "REFUND_TOO_LARGE",
        /// The idempotency key was used with other input.
        IdempotencyMismatch = "IDEMPOTENCY_MISMATCH",
        /// The first request with this key is still being worked on.
        IdempotencyInProgress = "IDEMPOTENCY_IN_PROGRESS",
        /// A record with this natural key exists.
        AlreadyExists = "ALREADY_EXISTS",
        /// The order's chat is not open.
        ChatClosed = "CHAT_CLOSED",
    }
}

named_enum! {
    /// Why a partner did not get, or no longer has, a claim.
    pub enum ClaimLostReason {
        /// Another partner was first.
        Taken = "TAKEN",
        /// Its time ran out.
        Expired = "EXPIRED",
        /// The order was cancelled or given to another.
        Withdrawn = "WITHDRAWN",
        /// The partner carries as many orders as they may.
        AtCapacity = "AT_CAPACITY",
        /// The order is not offered to partners now.
        NotAvailable = "NOT_AVAILABLE",
    }
}

/// A refusal that a client is expected to handle: it becomes an entry of `userErrors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The stable code.
    pub code: ErrorCode,
    /// One sentence for a person, without data of others.
    pub message: String,
    /// Path of the input at fault, e.g. `["items", "0", "quantity"]`; empty when no single input is.
    pub field: Vec<String>,
    /// What some codes carry besides.
    pub detail: Detail,
}

/// Data that goes with a [`Rejection`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    None,
    /// With [`ErrorCode::InsufficientStock`].
    Stock {
        /// The product that is short.
        product: Uuid,
        /// How many were asked for.
        requested: i32,
        /// How many could be had.
        available: i32,
    },
    /// With [`ErrorCode::ClaimLost`].
    Claim {
        /// Why.
        reason: ClaimLostReason,
        /// When a hold by another ends, if that is why.
        retry_after: Option<chrono::DateTime<chrono::Utc>>,
    },
    /// With [`ErrorCode::IllegalTransition`].
    Transition {
        /// Where the order is.
        from: OrderStatus,
        /// Where it was asked to go.
        to: OrderStatus,
        /// Where this actor may take it from there.
        allowed: Vec<OrderStatus>,
    },
}

impl Rejection {
    /// A refusal that concerns no single input.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: Vec::new(), detail: Detail::None }
    }

    /// [`ErrorCode::InvalidInput`] at `field`, a dotted path such as `items.0.quantity`.
    #[must_use]
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInput, message).at(field)
    }

    /// [`ErrorCode::NotFound`] for the thing called `what`, e.g. `order`.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("There is no such {what}."))
    }

    /// The same at `field`, a dotted path.
    #[must_use]
    pub fn at(mut self, field: &str) -> Self {
        self.field = field.split('.').map(str::to_owned).collect();
        self
    }

    /// The same with `detail`.
    #[must_use]
    pub fn with(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }
}
