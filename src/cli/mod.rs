//! Commands that are more than a line.

pub(crate) mod import;
mod sheet;
