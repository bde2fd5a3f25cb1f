//! Dispatch: which partner carries which order.
//!
//! Exactly one partner has an order at a time. A claim may be held for a short time before it is accepted; holds and pick-up
//! deadlines run out by the database's clock, and the order is offered again. Events out: those of the orders it changes.

pub mod expiry;
pub mod graphql;
pub mod service;
