//! What follows from events: sums change.

use futures_util::future::BoxFuture;

use super::rollups;
use crate::platform::Result;
use crate::platform::bus::Message;
use crate::platform::consumers::{Reaction, Start};
use crate::platform::db::Tx;

/// Counts what was sold.
#[derive(Debug, Clone, Copy)]
pub struct SalesCounter;

impl Reaction for SalesCounter {
    fn name(&self) -> &'static str {
        rollups::CONSUMER
    }

    fn start(&self) -> Start {
        // what the migration counted already is known by its version
        Start::Oldest
    }

    fn react<'a>(&'a self, tx: &'a Tx, events: &'a [Message]) -> BoxFuture<'a, Result<()>> {
        Box::pin(rollups::count(tx, events))
    }
}
