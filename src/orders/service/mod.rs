//! Use-cases of orders.

mod access;
mod carriers;
mod change;
pub mod claims;
pub mod deliveries;
pub mod paying;
mod place;
mod rating;
mod read;
pub mod sales;
mod steps;

pub use access::{carrier, party, shows_address, shows_phones};
pub use carriers::{Recipient, deliverer, find_carried_since, list_deliverers, list_deliverers_for};
pub use change::{Cause, change};
pub use place::{Place, PlaceLine, list_methods, place};
pub use rating::{Rate, rate};
pub use read::*;
pub use steps::{Step, step};
