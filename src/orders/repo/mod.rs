//! The tables of orders.

pub(super) mod carriers;
pub(super) mod claims;
pub(super) mod deliveries;
pub(super) mod lists;
pub(super) mod orders;
pub(super) mod ratings;
pub(super) mod sales;
