//! Users, sessions, addresses, and what each role adds to a user.

pub mod graphql;
pub mod repo;
pub mod service;
