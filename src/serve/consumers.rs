//! Who reads the log of events.

use crate::analytics::reactions::SalesCounter;
use crate::app::App;
use crate::notifications::reactions::Notifier;
use crate::platform::consumers::Consumers;
use crate::webhooks::hearing::Hearing;

/// The consumers of all slices.
pub(super) fn consumers(app: &App) -> Consumers {
    Consumers::default().with(Hearing(app.clone())).with(Notifier(app.clone())).with(SalesCounter)
}
