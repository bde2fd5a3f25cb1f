//! Who reads the log of events.

use crate::app::App;
use crate::platform::consumers::Consumers;

/// The consumers of all slices.
pub(super) fn consumers(_app: &App) -> Consumers {
    Consumers::default()
}
