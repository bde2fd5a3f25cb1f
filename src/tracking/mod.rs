//! Where partners are, and how far a delivery has come.
//!
//! What always holds:
//! - The newest fix by the device's time is the one that is known, wherever it came in; it is kept for a few minutes and in no
//!   database ([`crate::platform::newest`]). To report one takes no statement.
//! - It is shown to the partner, to admins while the partner works, and to the customer and seller of an order from the moment the
//!   partner has accepted it until it is delivered, failed, or taken away: to them not where the partner was before that moment. To
//!   nobody else, and not in the log.
//! - What is live is conflated: who reads slowly is told the newest. A whisper on the bus says that there is something to read; one
//!   that is lost is made good by [`watch`].
//! - Of each delivery one fix a minute is kept for as long as `LOCATION_HISTORY_DAYS` says ([`history`]).
//!
//! Tables: `partner_locations`. Events out: none. Events in: `order.changed`.

pub mod graphql;
pub mod history;
mod repo;
pub mod service;
pub mod watch;
