//! What a store has of each product, and the ledger of every movement.
//!
//! Invariants: the deltas of a product's ledger sum to what is on hand; nobody sells what is promised to another. Both hold
//! because stock moves by one conditional statement, with its line of the ledger in the same transaction.
//!
//! A transaction that touches both the stock and the entry of a product touches the stock first, and products in ascending
//! order, so that two of them cannot wait for each other.
//!
//! Events: `product.changed` of the catalogue for every move, and `stock.fell` once each time a stock falls to its threshold.
//!
//! Tables: `stocks`, `stock_movements`.

mod error;
pub mod event;
pub mod graphql;
pub mod import;
pub mod listing;
mod repo;
pub mod service;

#[cfg(test)]
mod tests;

pub use error::InventoryError;
pub use service::Line;
