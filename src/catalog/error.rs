//! What the catalogue refuses.

use domain::error::{ErrorCode, Rejection};
use domain::money::AmountError;

use crate::platform::Error;

/// A refusal of the catalogue. Its text is the client's message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// The product does not exist, or is another seller's.
    #[error("There is no such product.")]
    NoSuchProduct,
    /// The category does not exist.
    #[error("There is no such category.")]
    NoSuchCategory,
    /// The SKU is in use.
    #[error("Another product has this SKU.")]
    SkuTaken,
    /// An amount cannot be said in the store's currency.
    #[error("The amount {1}.")]
    Amount(&'static str, AmountError),
    /// The price is zero.
    #[error("The price must be above zero.")]
    Free,
    /// The price before the reduction is not above the price. At the input that was given.
    #[error("The price before the reduction must be above the price.")]
    NotReduced(&'static str),
    /// The picture at this place of the list has no address that a page can show.
    #[error("Must begin with https://, http:// or a single /, and have no spaces.")]
    ImageAddress(usize),
    /// A slug has other characters, none, or too many.
    #[error("Must be 1 to 60 lower-case letters, digits and dashes.")]
    Slug,
    /// There are as many categories as there may be.
    #[error("There are 1,000 categories, which is the most: rename one instead.")]
    TooManyCategories,
}

impl From<CatalogError> for Rejection {
    fn from(error: CatalogError) -> Self {
        let message = error.to_string();
        match error {
            CatalogError::NoSuchProduct => Self::new(ErrorCode::NotFound, message).at("productId"),
            CatalogError::NoSuchCategory => Self::new(ErrorCode::NotFound, message).at("categoryId"),
            CatalogError::SkuTaken => Self::new(ErrorCode::AlreadyExists, message).at("sku"),
            CatalogError::Amount(field, _) | CatalogError::NotReduced(field) => Self::invalid(field, message),
            CatalogError::Free => Self::invalid("price", message),
            CatalogError::ImageAddress(place) => Self::invalid(&format!("images.{place}"), message),
            CatalogError::Slug | CatalogError::TooManyCategories => Self::invalid("slug", message),
        }
    }
}

impl From<CatalogError> for Error {
    fn from(error: CatalogError) -> Self {
        Rejection::from(error).into()
    }
}
