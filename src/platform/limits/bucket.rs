//! A bucket of points: full at first, and filled again by so many a second. Levels are in thousandths, so that what comes back
//! in a millisecond is a whole number.

use crate::config::Budget;

/// Thousandths in a point.
pub(super) const MILLI: i64 = 1_000;

/// The same as [`Bucket::take`], for Redis: all instances' clocks are its own. A bucket that is full again is forgotten.
///
/// `KEYS`: the bucket. `ARGV`: by how much the clock is ahead (ms), what it holds, what comes back in a millisecond, what is
/// taken (negative: given back); in thousandths. Gives whether it was taken, and the level.
pub(super) const SCRIPT: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local holds, rate, cost = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local found = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(found[1]) or holds, tonumber(found[2]) or now
if now > at then
  level = level + (now - at) * rate
  at = now
end
level = math.min(level, holds)
local taken = 0
if level >= cost then
  level = math.min(level - cost, holds)
  taken = 1
end
if level >= holds then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'level', string.format('%.0f', level), 'at', string.format('%.0f', at))
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil((holds - level) / rate) + at - now + 1000))
end
return {taken, string.format('%.0f', level)}
";

/// What a bucket says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// Whether there was enough.
    pub(super) is_taken: bool,
    /// What is in it now, in thousandths.
    pub(super) level: i64,
}

/// A bucket in this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    level: i64,
    /// When that was its level, in milliseconds since 1970.
    at: i64,
}

impl Bucket {
    /// A full one.
    pub(super) fn full(rule: Budget, now: i64) -> Self {
        Self { level: holds(rule), at: now }
    }

    /// Takes `cost` thousandths if they are there; gives them back if that is negative, up to what it holds. A clock that is
    /// set back fills nothing until it is where it was.
    pub(super) fn take(&mut self, rule: Budget, cost: i64, now: i64) -> Answer {
        if now > self.at {
            let back = (now - self.at).saturating_mul(i64::from(rule.per_second));
            (self.level, self.at) = (self.level.saturating_add(back), now);
        }
        self.level = self.level.min(holds(rule));
        let is_taken = self.level >= cost;
        if is_taken {
            self.level = (self.level - cost).min(holds(rule));
        }
        Answer { is_taken, level: self.level }
    }
}

/// Thousandths that a bucket holds.
pub(super) fn holds(rule: Budget) -> i64 {
    i64::from(rule.points) * MILLI
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Budget = Budget { points: 100, per_second: 10 };

    fn take(bucket: &mut Bucket, cost: i64, now: i64) -> (bool, i64) {
        let Answer { is_taken, level } = bucket.take(RULE, cost * MILLI, now);
        (is_taken, level)
    }

    #[test]
    fn a_bucket_never_gives_more_than_it_has_and_fills_again_with_time() {
        let mut bucket = Bucket::full(RULE, 1_000);
        assert_eq!(take(&mut bucket, 101, 1_000), (false, 100_000));
        assert_eq!(take(&mut bucket, 90, 1_000), (true, 10_000));
        assert_eq!(take(&mut bucket, 11, 1_000), (false, 10_000), "what is refused costs nothing");
        assert_eq!(take(&mut bucket, 11, 1_099), (false, 10_990));
        assert_eq!(take(&mut bucket, 11, 1_100), (true, 0));
        assert_eq!(take(&mut bucket, 0, 1_000_000), (true, 100_000), "and no more than it holds");
    }

    #[test]
    fn what_is_given_back_does_not_overflow_it() {
        let mut bucket = Bucket::full(RULE, 0);
        take(&mut bucket, 50, 0);
        assert_eq!(take(&mut bucket, -20, 0), (true, 70_000));
        assert_eq!(take(&mut bucket, -200, 0), (true, 100_000));
    }

    #[test]
    fn a_clock_that_is_set_back_fills_nothing() {
        let mut bucket = Bucket::full(RULE, 10_000);
        take(&mut bucket, 100, 10_000);
        assert_eq!(take(&mut bucket, 1, 5_000), (false, 0));
        assert_eq!(take(&mut bucket, 1, 10_000), (false, 0));
        assert_eq!(take(&mut bucket, 1, 10_100), (true, 0));
    }

    #[test]
    fn a_bucket_that_is_made_smaller_holds_less_at_once() {
        let mut bucket = Bucket::full(RULE, 0);
        let smaller = Budget { points: 5, ..RULE };
        assert_eq!(bucket.take(smaller, 0, 0).level, 5_000);
    }
}
