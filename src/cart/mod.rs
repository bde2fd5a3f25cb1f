//! Carts, and the promo codes that make them cheaper.
//!
//! A customer has one cart. It is priced anew whenever it is read, by the same pure function as the order it becomes
//! (`domain::cart`), so what changed under it is data of the answer, never a state of the cart.
//!
//! Invariants: a cart holds products of one store; a promo code is never used more often than its limits allow, because a use is
//! one conditional update, and the order that takes it commits with it.
//!
//! A transaction that touches a cart locks its row first, before promo codes and stock.
//!
//! Tables: `carts`, `cart_lines`, `promos`, `promo_customers`, `promo_redemptions`. Events: `cart.changed`, `promo.changed`.

mod error;
pub mod event;
pub mod graphql;
pub mod promos;
mod repo;
pub mod service;
pub mod watch;
pub mod windows;

pub use error::CartError;
