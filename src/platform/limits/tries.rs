//! Attempts at something that may be guessed: some are free, then each has to wait, and longer each time.
//!
//! A try is counted before it is known how it ends, in the same step that lets it through: of two at once one is later. One
//! that comes too early is refused and not counted, or whoever hammers would keep the owner out for ever.

use std::time::Duration;

use super::bucket::MILLI;

/// In which time as many tries are forgiven as are free.
const FORGIVEN: Duration = Duration::from_hours(1);

/// Doublings after which a delay is the longest anyhow.
const MOST_DOUBLINGS: u32 = 30;

/// The same as [`admit`], for Redis.
///
/// `KEYS`: whom is counted. `ARGV`: by how much the clock is ahead, the first delay, the longest (ms), and for each key how many
/// tries are free, and milliseconds in which one is forgiven. Gives how long to wait; 0: it was counted.
pub(super) const ADMIT: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local first, longest = tonumber(ARGV[2]), tonumber(ARGV[3])
local wait, counts = 0, {}
for i, key in ipairs(KEYS) do
  local free, forgiven = tonumber(ARGV[2 * i + 2]), tonumber(ARGV[2 * i + 3])
  local found = redis.call('HMGET', key, 'count', 'at')
  local count, at = tonumber(found[1]) or 0, tonumber(found[2]) or now
  at = math.min(at, now)
  local over = math.ceil(count / 1000) - free
  if over >= 0 then
    local delay = math.min(longest, first * 2 ^ math.min(over, 30))
    wait = math.max(wait, at + delay - now)
  end
  counts[i] = math.max(0, count - math.floor((now - at) * 1000 / forgiven)) + 1000
end
if wait > 0 then
  return string.format('%.0f', wait)
end
for i, key in ipairs(KEYS) do
  local forgiven = tonumber(ARGV[2 * i + 3])
  redis.call('HSET', key, 'count', string.format('%.0f', counts[i]), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', key, string.format('%.0f', counts[i] / 1000 * forgiven + longest + 1000))
end
return '0'
";

/// Forgets some tries. `KEYS`: whose. `ARGV`, for each: `all`, or `one`.
pub(super) const FORGIVE: &str = r"
for i, key in ipairs(KEYS) do
  local count = tonumber(redis.call('HGET', key, 'count'))
  if count then
    if ARGV[i] == 'all' or count <= 1000 then
      redis.call('DEL', key)
    else
      redis.call('HSET', key, 'count', string.format('%.0f', count - 1000))
    end
  end
end
return 1
";

/// How many tries are free, and how long those after them wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TryRule {
    /// Tries in an hour that wait for nothing; at least 1.
    pub free: u32,
    /// How long the first after them waits, in milliseconds; each one more twice as long.
    pub first_ms: i64,
    /// The longest wait, in milliseconds.
    pub longest_ms: i64,
}

impl TryRule {
    /// Milliseconds in which one try is forgiven.
    pub(super) fn forgiven_ms(self) -> i64 {
        let all = i64::try_from(FORGIVEN.as_millis()).unwrap_or(i64::MAX);
        (all / i64::from(self.free.max(1))).max(1)
    }

    /// How long to wait after a try that made it so many, in thousandths.
    fn delay(self, count: i64) -> i64 {
        let tries = u64::try_from(count).unwrap_or(0).div_ceil(MILLI.unsigned_abs());
        match tries.checked_sub(u64::from(self.free)) {
            None => 0,
            Some(over) => {
                let doublings = u32::try_from(over).unwrap_or(u32::MAX).min(MOST_DOUBLINGS);
                self.first_ms.saturating_mul(1 << doublings).min(self.longest_ms)
            }
        }
    }
}

/// The tries of somebody, in this process.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tries {
    /// In thousandths.
    count: i64,
    /// When the last was, in milliseconds since 1970.
    at: i64,
}

impl Tries {
    /// Milliseconds until the next try may be.
    fn wait(self, rule: TryRule, now: i64) -> i64 {
        (self.at.min(now) + rule.delay(self.count) - now).max(0)
    }

    fn count(&mut self, rule: TryRule, now: i64) {
        let passed = (now - self.at.min(now)).saturating_mul(MILLI) / rule.forgiven_ms();
        *self = Self { count: (self.count - passed).max(0) + MILLI, at: now };
    }

    /// Forgets one try, or all of them.
    pub(super) fn forgive(&mut self, is_all: bool) {
        self.count = if is_all { 0 } else { (self.count - MILLI).max(0) };
    }
}

/// Lets a try of all of them through and counts it, or says how many milliseconds it has to wait.
pub(super) fn admit(tries: &mut [(&mut Tries, TryRule)], now: i64) -> i64 {
    let wait = tries.iter().map(|(tries, rule)| tries.wait(*rule, now)).max().unwrap_or(0);
    if wait == 0 {
        for (tries, rule) in tries {
            tries.count(*rule, now);
        }
    }
    wait
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: TryRule = TryRule { free: 3, first_ms: 1_000, longest_ms: 10_000 };

    fn one(tries: &mut Tries, now: i64) -> i64 {
        admit(&mut [(tries, RULE)], now)
    }

    #[test]
    fn some_are_free_and_the_others_wait_longer_each_time() {
        let (mut tries, mut now) = (Tries::default(), 1_000_000);
        for _ in 0..3 {
            assert_eq!(one(&mut tries, now), 0);
        }
        for expected in [1_000, 2_000, 4_000, 8_000, 10_000, 10_000] {
            assert_eq!(one(&mut tries, now), expected);
            assert_eq!(one(&mut tries, now + expected - 1), 1, "an early one changes nothing");
            now += expected;
            assert_eq!(one(&mut tries, now), 0);
        }
    }

    #[test]
    fn time_forgives() {
        let mut tries = Tries::default();
        for _ in 0..3 {
            assert_eq!(one(&mut tries, 0), 0);
        }
        let hour = 3_600_000;
        assert_eq!((0..4).map(|_| one(&mut tries, hour)).collect::<Vec<_>>(), [0, 0, 0, 1_000]);
        // a third of an hour each, so nobody who tries so seldom waits
        let mut seldom = Tries::default();
        assert!((0..100).all(|n| one(&mut seldom, n * hour / 3) == 0));
    }

    #[test]
    fn whoever_has_to_wait_for_one_is_not_counted_for_the_other() {
        let (mut account, mut address) = (Tries::default(), Tries::default());
        for n in 0..5 {
            let wait = admit(&mut [(&mut account, RULE), (&mut address, TryRule { free: 9, ..RULE })], 0);
            assert_eq!(wait, if n < 3 { 0 } else { 1_000 });
        }
        assert_eq!(address.count, 3 * MILLI);
        account.forgive(true);
        address.forgive(false);
        assert_eq!((account.count, address.count), (0, 2 * MILLI));
    }
}
