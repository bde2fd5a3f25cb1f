//! Payments: what customers pay in advance through a provider, what partners take at the door, and what goes back.
//!
//! Invariants: an order has one payment at a time that can still succeed; never more goes back than was paid; what a provider
//! says counts once. No card's data is ever taken: the customer's client speaks to the provider itself, with a secret of the
//! payment.
//!
//! A payment moves forward only: open, paid or failed, (partly) refunded. A failed one may still turn out paid, since the
//! customer may try again with the same secret. No provider is called inside a transaction: what is to be asked of it is
//! written down, and asked after the commit, under a key that the provider remembers.
//!
//! What a payment means to its order is decided by the orders, which lock their row before the payment's.
//!
//! Tables: `payments`, `refunds`, `payment_events`; of the sandbox, which is a provider in its own right: `sandbox_intents`,
//! `sandbox_refunds`. Event out: [`event::PAYMENT_STARTED`].

pub mod error;
pub mod event;
pub mod graphql;
pub mod provider;
mod repo;
pub mod sandbox;
pub mod service;
pub mod signature;
mod stripe;

#[cfg(test)]
mod tests;

pub use error::PaymentError;
