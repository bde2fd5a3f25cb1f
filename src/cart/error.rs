//! What carts and promo codes refuse.

use domain::cart::MAX_LINES;
use domain::error::{Detail, ErrorCode, Rejection};
use domain::money::{AmountError, Currency, Money};
use domain::promo::PromoProblem;
use uuid::Uuid;

use crate::platform::Error;

/// A refusal of the cart. Its text is the client's message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CartError {
    /// The product does not exist, or is not on sale.
    #[error("This product cannot be bought.")]
    Unavailable,
    /// Fewer are left than asked for.
    #[error("Only {available} can be had.")]
    Short {
        /// The product.
        product: Uuid,
        /// How many were asked for.
        requested: i32,
        /// How many can be had.
        available: i32,
    },
    /// The cart is full.
    #[error("A cart holds at most {MAX_LINES} products.")]
    Full,
    /// The cart holds another store's products.
    #[error("The cart holds products of another store: empty it, or order them first.")]
    OtherSeller,
    /// The code takes nothing off. At this field.
    #[error("{}", promo_message(.problem.as_ref(), *.currency))]
    Promo {
        /// A dotted path.
        field: &'static str,
        /// Why; `None`: there is no such code.
        problem: Option<PromoProblem>,
        /// Of amounts in the message.
        currency: Currency,
    },
    /// Another promo code is spelt like this.
    #[error("There is a promo code of this name already.")]
    CodeTaken,
    /// Both or neither of the ways to reduce a price.
    #[error("Give either a percentage or an amount.")]
    Reduction,
    /// The percentage cannot be.
    #[error("Must be above 0 and at most 100, with at most two decimals.")]
    Percent,
    /// The amount at this field cannot be said in the store's currency.
    #[error("The amount {1}.")]
    Amount(&'static str, AmountError),
    /// The amount is zero.
    #[error("Must be above zero.")]
    NoAmount,
    /// The time at this field is outside of what can be kept.
    #[error("Must be in the years 0 to 9999.")]
    Year(&'static str),
    /// The window ends before it begins, or has ended.
    #[error("Must be later than the start, and not have passed.")]
    Window,
}

/// One sentence on why a code takes nothing off.
pub(super) fn promo_message(problem: Option<&PromoProblem>, currency: Currency) -> String {
    match problem {
        None => "There is no such promo code.".to_owned(),
        Some(PromoProblem::BelowMinimum(minor)) => {
            format!("This promo code needs goods worth {} {currency}.", Money::new(*minor, currency).to_decimal())
        }
        Some(problem) => problem.to_string(),
    }
}

impl From<CartError> for Rejection {
    fn from(error: CartError) -> Self {
        let message = error.to_string();
        match error {
            CartError::Unavailable => Self::new(ErrorCode::ProductUnavailable, message).at("productId"),
            CartError::Short { product, requested, available } => {
                let detail = Detail::Stock { product, requested, available };
                Self::new(ErrorCode::InsufficientStock, message).at("quantity").with(detail)
            }
            CartError::Full | CartError::OtherSeller => Self::invalid("productId", message),
            CartError::Promo { field, .. } => Self::new(ErrorCode::PromoInvalid, message).at(field),
            CartError::CodeTaken => Self::new(ErrorCode::AlreadyExists, message).at("code"),
            CartError::Reduction | CartError::Percent => Self::invalid("percentOff", message),
            CartError::Amount(field, _) | CartError::Year(field) => Self::invalid(field, message),
            CartError::NoAmount => Self::invalid("amountOff", message),
            CartError::Window => Self::invalid("endsAt", message),
        }
    }
}

impl From<CartError> for Error {
    fn from(error: CartError) -> Self {
        Rejection::from(error).into()
    }
}
