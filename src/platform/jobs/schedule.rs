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
    pub const USUAL: Self = Self { attempts: 22, pause: |attempt| doubled(attempt, TimeDelta::minutes(20)) };

    /// The same up to an hour, for about two days: for what is worth as much tomorrow, and waits for a server that may be away
    /// for a night.
    pub const PATIENT: Self = Self { attempts: 59, pause: |attempt| doubled(attempt, TimeDelta::hours(1)) };

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

fn doubled(attempt: i32, longest: TimeDelta) -> TimeDelta {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(20);
    TimeDelta::seconds(1_i64 << doublings).min(longest)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::platform::clock::Clock;
    use crate::platform::ids::Entropy;

    /// The pauses of `schedule`, in milliseconds.
    fn pauses(schedule: Schedule, ids: &Ids) -> Vec<i64> {
        (1..schedule.attempts).map(|attempt| schedule.pause(attempt, ids).unwrap().num_milliseconds()).collect()
    }

    #[test]
    fn pauses_double_and_are_bounded() {
        let ids = Ids::new(Clock::system(), Entropy::seeded(1));
        let usual = Schedule::USUAL;
        let pauses = pauses(usual, &ids);
        assert!((1_000..=1_250).contains(&pauses[0]) && (2_000..=2_500).contains(&pauses[1]), "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= 25 * 60_000), "{pauses:?}");
        // shorter than providers remember the key of a request
        assert!(pauses.iter().sum::<i64>() < 24 * 3_600_000, "{pauses:?}");
        assert_eq!(usual.pause(usual.attempts, &ids), None, "it is given up");
    }

    #[test]
    fn what_failed_together_does_not_come_back_together() {
        let ids = Ids::new(Clock::system(), Entropy::seeded(1));
        let pauses: BTreeSet<_> = (0..100).map(|_| Schedule::USUAL.pause(8, &ids)).collect();
        assert!(pauses.len() > 90, "{pauses:?}");
        let (first, last) = (pauses.first().unwrap().unwrap(), pauses.last().unwrap().unwrap());
        assert!(
            (last - first).num_milliseconds() > 128_000 / 8,
            "{first} to {last} of up to a quarter more than 128 seconds"
        );
    }

    #[test]
    fn what_has_patience_outlives_a_day_and_is_given_up_within_three() {
        const DAY: i64 = 24 * 3_600_000;
        let patient = Schedule::PATIENT;
        let shortest: i64 = (1..patient.attempts).map(|attempt| (patient.pause)(attempt).num_milliseconds()).sum();
        let pauses = pauses(patient, &Ids::new(Clock::system(), Entropy::seeded(1)));
        assert!(shortest > DAY && pauses.iter().sum::<i64>() < 3 * DAY && shortest + shortest / 4 < 3 * DAY, "{pauses:?}");
        assert!(
            pauses.iter().all(|pause| *pause <= 75 * 60_000),
            "once the server is back, none waits for long: {pauses:?}"
        );
    }
}
