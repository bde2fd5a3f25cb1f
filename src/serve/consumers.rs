//! Who reads the log of events.

use crate::app::App;
use crate::notifications::reactions::Notifier;
use crate::platform::consumers::Consumers;

/// The consumers of all slices.
pub(super) fn consumers(app: &App) -> Consumers {
    Consumers::default().with(Notifier(app.clone()))
}
