//! Notifications: what people are told of what happens, in the app, by mail and by text message.
//!
//! A consumer of the event log ([`reactions`]) decides who is told of what. The rows are written in one transaction with how far it
//! has read, and with the jobs that send mails and text messages: in the app everybody is told everything once, and by the other
//! ways at least once, by the same id ([`sending`]). What is said stands in [`templates`].
//!
//! Tables: `notifications`. Events: [`event::NOTIFICATION_SENT`], [`event::NOTIFICATIONS_READ`]. Jobs: [`sending::EMAIL`],
//! [`sending::SMS`].

pub mod event;
pub mod graphql;
pub mod pruning;
pub mod reactions;
mod recipients;
mod repo;
pub mod sending;
pub mod service;
pub mod templates;
