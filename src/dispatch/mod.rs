//! Dispatch: which partner carries which order.
//!
//! Exactly one partner has an order at a time. A claim may be held for a short time before it is accepted; holds and pick-up
//! deadlines run out by the database's clock, and the order is offered again. What is offered is told to the cells of the map around
//! the store (`domain::area`). What a delivery pays is decided when the order is placed (`domain::claims::PayoutRule`), and earned
//! when it is delivered. Events out: those of the orders it changes.

pub mod earnings;
pub mod expiry;
pub mod graphql;
pub mod service;
