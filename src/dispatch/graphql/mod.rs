//! Dispatch as clients see it.

mod available;
mod desk;
mod earnings;
mod mutation;
mod subscription;

pub use available::{AvailableOrder, AvailableOrderConnection};
pub use desk::{DispatchQuery, PartnerDesk};
pub use earnings::{Earnings, EarningsDay};
pub use mutation::{DispatchMutation, PartnerPayload};
pub use subscription::{AvailableOrdersItem, DispatchSubscription};
