//! Settings of where partners are.

use std::time::Duration;

use super::Reader;

/// How long is known where partners are.
#[derive(Debug, Clone, Copy)]
pub struct Tracking {
    /// For how long the last position is known; none that is older is taken.
    pub keep: Duration,
    /// The age from which it is said to be stale.
    pub stale: Duration,
    /// How long the positions of deliveries are kept, one a minute.
    pub history: Duration,
}

impl Reader {
    pub(super) fn tracking(&mut self) -> Tracking {
        Tracking {
            keep: Duration::from_secs(self.number("LOCATION_MINUTES", 1, 1_440) * 60),
            stale: self.seconds("LOCATION_STALE_SECONDS", 1, 3_600),
            history: self.days("LOCATION_HISTORY_DAYS"),
        }
    }
}
