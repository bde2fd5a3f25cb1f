//! The subscriptions' engine: one execution for all who asked the same, and never a silent gap.

mod equality;
mod faults;
mod outages;
mod recovery;
mod returning;
mod sharing;
