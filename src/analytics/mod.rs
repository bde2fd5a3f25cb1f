//! Figures for admins, and the desks that show them.
//!
//! It reads what other slices have; nobody imports it.

pub mod graphql;
mod performance;
mod sales;
mod service;
