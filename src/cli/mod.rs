//! Commands that are more than a line.

pub(crate) mod health;
pub(crate) mod import;
pub(crate) mod jobs;
mod sheet;
