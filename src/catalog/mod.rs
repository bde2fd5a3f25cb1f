//! Categories and products.
//!
//! Invariants: an SKU names one product; a product's price is above zero and below the price it was reduced from;
//! `name_key`, `search_text` and the rows of `product_tags` say what the product says. Products are not deleted but taken
//! off sale: orders refer to them. What there is of a product is the inventory's business, which comes after this slice and
//! so owns the use-cases that touch both (`inventory::listing`).
//!
//! Events: `product.changed`, for every change of a product, its price or its stock; `category.changed`.
//!
//! Tables: `categories`, `products`, `product_tags`.

pub mod cached;
mod checks;
mod error;
pub mod event;
pub mod graphql;
pub mod import;
mod repo;
mod search;
pub mod service;

#[cfg(test)]
pub(crate) mod tests;

pub use checks::{Changes, CompareAt, Draft, NewProduct};
pub use error::CatalogError;
pub use search::{Search, Sort, index};
