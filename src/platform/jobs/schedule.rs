//! When a job that failed is tried again.

use chrono::TimeDelta;

use crate::platform::ids::Ids;

/// When a job that failed is tried again, and how often.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// How often it is tried at most.
    pub attempts: i32,
    /// How long after the attempt of this number, from 1, the next one comes, at least.
    pub pause: fn(i32) -> TimeDelta,
}

impl Schedule {
    /// Twice as long each time, from a second on, up to twenty minutes: for about four hours.
    pub const USUAL: Self = Self { attempts: 22, pause: doubled };

    /// How long after the attempt of this number the next one comes: up to a quarter more at random, so that what failed together
    /// does not come back together. None after the last.
    #[must_use]
    pub fn pause(&self, attempt: i32, ids: &Ids) -> Option<TimeDelta> {
        if attempt >= self.attempts {
            return None;
        }
        let base = (self.pause)(attempt);
        let most = u64::try_from(base.num_milliseconds() / 4).unwrap_or(0);
        Some(base + TimeDelta::milliseconds(i64::try_from(ids.below(most.max(1))).unwrap_or(0)))
    }
}

fn doubled(attempt: i32) -> TimeDelta {
    const LONGEST: TimeDelta = TimeDelta::minutes(20);
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(20);
    TimeDelta::seconds(1_i64 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::clock::Clock;
    use crate::platform::ids::Entropy;

    #[test]
    fn pauses_double_and_are_bounded() {
        let ids = Ids::new(Clock::system(), Entropy::seeded(1));
        let usual = Schedule::USUAL;
        let pauses: Vec<i64> =
            (1..usual.attempts).map(|attempt| usual.pause(attempt, &ids).unwrap().num_milliseconds()).collect();
        assert!((1_000..=1_250).contains(&pauses[0]) && (2_000..=2_500).contains(&pauses[1]), "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= 25 * 60_000), "{pauses:?}");
        // shorter than providers remember the key of a request
        assert!(pauses.iter().sum::<i64>() < 24 * 3_600_000, "{pauses:?}");
        assert_eq!(usual.pause(usual.attempts, &ids), None, "it is given up");
    }
}
