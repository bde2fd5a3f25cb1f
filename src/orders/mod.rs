//! Orders: what was bought, where it is, and who carries it.
//!
//! An order and its claims are one aggregate: the order's row says who has it and until when, so that one conditional
//! statement on one row decides every race, and its version counts every change. `claims` keeps their history.
//!
//! An order that is paid in advance waits for its payment; what a payment means to it is decided in [`service::paying`].
//!
//! Tables: `orders`, `order_items`, `order_events`, `claims`, `ratings`. Event out: [`event::ORDER_CHANGED`], one each version.

pub mod error;
pub mod event;
pub mod graphql;
mod repo;
pub mod service;
