//! The subscriptions' engine: one execution for all who asked the same, and never a silent gap.

mod equality;
mod faults;
mod outages;
mod recovery;
mod replays;
mod returning;
mod sharing;
