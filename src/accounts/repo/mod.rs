//! The tables of accounts.

pub mod partners;
