//! So many an hour of what somebody else pays for, or is bothered by.

use super::bucket::MILLI;
use super::shared::Side;
use super::store::Store;
use super::{Counters, Reason};
use crate::config::Budget;

/// What one costs, in points: as many come back in a second as there may be in an hour.
const ONE: u32 = 3_600;

/// So many an hour, counted by name; a clone is another handle to the same.
#[derive(Debug, Clone)]
pub struct Hourly {
    store: Store,
    rule: Budget,
    reason: Reason,
    counters: Counters,
}

/// One that was counted.
#[derive(Debug)]
pub struct Taken<'a> {
    of: &'a Hourly,
    /// Under which names, and where.
    names: Vec<(&'a str, Side)>,
}

impl Hourly {
    /// Up to `most` an hour for each name; 0: any number. What is more is counted as refused for `reason`.
    #[must_use]
    pub fn new(store: Store, most: u32, reason: Reason, counters: Counters) -> Self {
        Self { store, rule: Budget { points: most.saturating_mul(ONE), per_second: most }, reason, counters }
    }

    /// Counts one for each of `names`, if each may have one more; otherwise for none.
    pub async fn take<'a>(&'a self, names: &[&'a str]) -> Option<Taken<'a>> {
        let mut taken = Taken { of: self, names: Vec::with_capacity(names.len()) };
        for name in names.iter().filter(|_| self.rule.points > 0) {
            let (answer, side) = self.store.bucket(name, self.rule, i64::from(ONE) * MILLI, None).await;
            if !answer.is_taken {
                taken.give_back().await;
                self.counters.count(self.reason);
                return None;
            }
            taken.names.push((*name, side));
        }
        Some(taken)
    }
}

impl Taken<'_> {
    /// It came to nothing: it is not counted.
    pub async fn give_back(self) {
        for (name, side) in self.names {
            self.of.store.bucket(name, self.of.rule, -i64::from(ONE) * MILLI, Some(side)).await;
        }
    }
}
