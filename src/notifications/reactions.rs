//! What follows from events: somebody is notified.

use futures_util::future::BoxFuture;

use super::{recipients, service};
use crate::app::App;
use crate::platform::Result;
use crate::platform::bus::Message;
use crate::platform::consumers::{Reaction, Start};
use crate::platform::db::Tx;

/// Notifies people of events.
#[derive(Debug, Clone)]
pub struct Notifier(pub App);

impl Reaction for Notifier {
    fn name(&self) -> &'static str {
        "notifications"
    }

    fn start(&self) -> Start {
        Start::Next
    }

    fn react<'a>(&'a self, tx: &'a Tx, events: &'a [Message]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let notices = recipients::list_notices(tx, events).await?;
            service::notify(&self.0, tx, notices).await
        })
    }
}
