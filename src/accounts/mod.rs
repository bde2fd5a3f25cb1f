//! Users, sessions, addresses, and what each role adds to a user.
//!
//! What always holds:
//! - One e-mail address is one account; the unique index decides, not a look beforehand.
//! - A refresh token works once. Whoever sends a used one ends its session: one of the two senders is a thief.
//! - The role is read with the session at each request, so a change or a logout is felt at once.
//! - A session has one role all its life: who is given another, or is deactivated, has to sign in again.
//! - What is mailed to prove a mailbox works once and for a time, and only its hash is kept.
//! - Whatever ends sessions logs it in the same transaction, so that every instance closes what they have open.
//!
//! Tables: `users`, `partners`, `sellers`, `addresses`, `sessions`, `refresh_tokens`, `mailed_tokens`. Events out:
//! [`partners::PARTNER_CHANGED`], [`event::ACCESS_ENDED`].

pub mod error;
pub mod event;
pub mod graphql;
pub mod partners;
pub mod repo;
pub mod service;

#[cfg(test)]
mod tests;
