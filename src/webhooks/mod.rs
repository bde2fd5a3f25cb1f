//! Webhooks: other systems are told of what happens, after the Standard Webhooks specification
//! (<https://www.standardwebhooks.com>).
//!
//! A consumer of the log ([`hearing`]) writes down what each endpoint is to be told, with a job for each message; jobs send it
//! ([`sending`]), again and again for more than a day, until the endpoint takes it.
//!
//! Invariants: an endpoint is told of an event once for each of its topics, in one row that remembers what became of it; every
//! attempt carries the same `webhook-id` and body, so that receivers can drop what they have; one message is never on its way
//! twice at once. Signing secrets are stored encrypted ([`secrets`]).
//!
//! A transaction locks the endpoint's row before rows of its deliveries.
//!
//! Tables: `webhook_endpoints`, `webhook_deliveries`. Event out: [`domain::webhook::WEBHOOK_PAUSED`].

pub mod cleaning;
mod error;
pub mod event;
pub mod graphql;
pub mod hearing;
pub mod public;
mod repo;
pub mod secrets;
pub mod sending;
pub mod service;
pub mod signature;
mod url;

pub use error::WebhookError;
