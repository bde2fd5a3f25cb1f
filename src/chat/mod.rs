//! Chats: what an order's people write to each other while it is brought.
//!
//! Every order has one chat, of its customer, its store, the partner who carries it, and admins. A partner who lost the order has
//! lost its chat, with all that was written there.
//!
//! Invariants: a message is sent while the chat is open, which the order's row decides, locked; messages of a chat are numbered
//! from 1 without gaps, under the same lock; what was written is in its table alone, and neither in the event log nor in a log.
//!
//! Tables: `messages`. Events: [`event::MESSAGE_SENT`], [`event::MESSAGES_READ`]. It listens to `order.changed`, by which a
//! partner leaves.

mod error;
pub mod event;
pub mod graphql;
mod repo;
pub mod service;

pub use error::ChatError;
