//! What the slices stand on: database, event log, bus, passwords, tokens. Nothing here knows an order from a cart.

pub mod actors;
pub mod addresses;
pub mod audit;
pub mod bus;
pub mod cache;
pub mod calendar;
pub mod clock;
pub mod consumers;
pub mod db;
pub mod doors;
pub mod error;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod jobs;
pub mod lately;
pub mod lease;
pub mod limits;
pub mod mailer;
pub mod metrics;
pub mod newest;
pub mod outbox;
pub mod page;
pub mod passwords;
pub mod quota;
pub mod relay;
pub mod retention;
pub mod search;
pub mod sms;
pub mod storage_key;
pub mod sweep;
pub mod throttle;
pub mod tokens;

pub use error::{Error, Result};
