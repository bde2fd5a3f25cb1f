//! The rules of quick commerce, without I/O, clock or randomness.
//!
//! Whatever can be decided from values alone is decided here: how an id is written, what an order costs, which step an
//! order may take and who may ask for it, what a partner is paid. Time and identifiers come in as arguments, so every rule
//! is a function that a test calls directly.

pub mod access;
pub mod area;
pub mod calendar;
pub mod cart;
pub mod chat;
pub mod claims;
pub mod error;
pub mod estimate;
pub mod event;
pub mod fix;
pub mod geo;
pub mod id;
pub mod input;
pub mod keys;
pub mod money;
mod named;
pub mod notification;
pub mod order;
pub mod pricing;
pub mod promo;
pub mod rating;
pub mod stock;
pub mod webhook;

pub use named::{Named, UnknownName};
