//! Where partners are, as clients see it.

mod loaders;
mod location;
mod mutation;
mod subscription;

pub use loaders::{DelivererLoader, FixLoader};
pub use location::PartnerLocation;
pub use mutation::TrackingMutation;
pub use subscription::{DeliveryTracking, TrackingSubscription};
