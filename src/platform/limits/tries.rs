//! Attempts at something that may be guessed: some are free, then each has to wait, and longer each time.
//!
//! A try is counted before it is known how it ends, in the same step that lets it through: of two at once one is later. It is
//! counted for an account and for an address. One that comes too early for the account is refused, and counted for the address
//! alone: whoever hammers keeps themselves out, and the owner no longer than a guess does.
//!
//! Where an account's owner has signed in before, they have tries of their own, which nobody at another address uses up. Those are
//! neither held up by the account's tries nor by the address's, where others may be who hammer.

use std::time::Duration;

use super::bucket::MILLI;

/// In which time as many tries are forgiven as are free.
const FORGIVEN: Duration = Duration::from_hours(1);

/// Doublings after which a delay is the longest anyhow.
const MOST_DOUBLINGS: u32 = 30;

/// How long it is remembered that somebody signed in from an address, in milliseconds.
pub(super) const REMEMBERED_MS: i64 = 90 * 86_400_000;

/// The same as [`admit`], for Redis.
///
/// `KEYS`: who is remembered, the tries of their own, the account's, the address's. `ARGV`: by how much the clock is ahead, the first
/// delay, the longest (ms), and of the account, then of the address, how many tries are free (0: any number), and milliseconds in which
/// one is forgiven; then whether to look who is remembered. Gives how long to wait, 0: it was counted; and whether they are remembered.
pub(super) const ADMIT: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local first, longest = tonumber(ARGV[2]), tonumber(ARGV[3])
local known = 0
if ARGV[8] == '1' and (tonumber(redis.call('HGET', KEYS[1], 'until')) or 0) > now then
  known = 1
end
local function look(key, free, forgiven)
  if free == 0 then return { wait = 0 } end
  local found = redis.call('HMGET', key, 'count', 'at')
  local count, at = tonumber(found[1]) or 0, tonumber(found[2]) or now
  at = math.min(at, now)
  local wait, over = 0, math.ceil(count / 1000) - free
  if over >= 0 then
    local delay = math.min(longest, first * 2 ^ math.min(over, 30))
    wait = math.max(0, at + delay - now)
  end
  count = math.max(0, count - math.floor((now - at) * 1000 / forgiven)) + 1000
  return { wait = wait, count = math.min(count, (free + 31) * 1000), key = key, forgiven = forgiven }
end
local function note(one)
  if not one.key then return end
  redis.call('HSET', one.key, 'count', string.format('%.0f', one.count), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', one.key, string.format('%.0f', one.count / 1000 * one.forgiven + longest + 1000))
end
local account = look(KEYS[3 - known], tonumber(ARGV[4]), tonumber(ARGV[5]))
local address = look(KEYS[4], tonumber(ARGV[6]), tonumber(ARGV[7]))
local wait = account.wait
if known == 0 then
  wait = math.max(wait, address.wait)
end
if wait == 0 then
  note(account)
end
if address.wait == 0 then
  note(address)
end
return {string.format('%.0f', wait), known}
";

/// Forgets some tries, and remembers who tried. `KEYS`: whose are all forgotten, of whose one is, and who. `ARGV`: what of that is to be
/// done, a letter for each, `-`: not; by how much the clock is ahead, and how long who it was is remembered (ms).
pub(super) const FORGIVE: &str = r"
if string.sub(ARGV[1], 1, 1) == 'a' then
  redis.call('DEL', KEYS[1])
end
if string.sub(ARGV[1], 2, 2) == 'o' then
  local count = tonumber(redis.call('HGET', KEYS[2], 'count'))
  if count and count <= 1000 then
    redis.call('DEL', KEYS[2])
  elseif count then
    redis.call('HSET', KEYS[2], 'count', string.format('%.0f', count - 1000))
  end
end
if string.sub(ARGV[1], 3, 3) == 'r' then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[2])
  redis.call('HSET', KEYS[3], 'until', string.format('%.0f', now + tonumber(ARGV[3])))
  redis.call('PEXPIRE', KEYS[3], ARGV[3])
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
        // beyond that the delay does not grow, and it would be long until they are forgiven
        let most = (i64::from(rule.free) + i64::from(MOST_DOUBLINGS) + 1) * MILLI;
        *self = Self { count: ((self.count - passed).max(0) + MILLI).min(most), at: now };
    }

    /// Forgets one try, or all of them.
    pub(super) fn forgive(&mut self, is_all: bool) {
        self.count = if is_all { 0 } else { (self.count - MILLI).max(0) };
    }
}

/// Somebody's tries, and the rule for them; none where they are not counted.
pub(super) type Ruled<'a> = Option<(&'a mut Tries, TryRule)>;

/// Lets a try through and counts it, or says how many milliseconds it has to wait. Of those who are known there, `account` are
/// their own, and the address holds nobody up.
pub(super) fn admit(account: Ruled<'_>, address: Ruled<'_>, is_known: bool, now: i64) -> i64 {
    let wait_of = |ruled: &Ruled<'_>| ruled.as_ref().map_or(0, |(tries, rule)| tries.wait(*rule, now));
    let (of_account, of_address) = (wait_of(&account), wait_of(&address));
    let wait = if is_known { of_account } else { of_account.max(of_address) };
    if let Some((tries, rule)) = account.filter(|_| wait == 0) {
        tries.count(rule, now);
    }
    if let Some((tries, rule)) = address.filter(|_| of_address == 0) {
        tries.count(rule, now);
    }
    wait
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: TryRule = TryRule { free: 3, first_ms: 1_000, longest_ms: 10_000 };

    fn one(tries: &mut Tries, now: i64) -> i64 {
        admit(Some((tries, RULE)), None, false, now)
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

    const OF_ADDRESS: TryRule = TryRule { free: 5, ..RULE };

    #[test]
    fn who_comes_too_early_is_counted_for_the_address_until_that_has_to_wait() {
        let (mut account, mut address) = (Tries::default(), Tries::default());
        let mut ask = |now| admit(Some((&mut account, RULE)), Some((&mut address, OF_ADDRESS)), false, now);
        assert_eq!((0..9).map(|_| ask(0)).collect::<Vec<_>>(), [0, 0, 0, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000]);
        // both let the first through that is late enough, and then both wait for longer
        assert_eq!([ask(1_000), ask(1_000)], [0, 2_000]);
        assert_eq!((account.count, address.count), (4 * MILLI, 6 * MILLI - 1));
        account.forgive(true);
        address.forgive(false);
        assert_eq!((account.count, address.count), (0, 5 * MILLI - 1));
    }

    #[test]
    fn those_who_are_known_there_are_held_up_by_their_own_tries_alone() {
        let (mut theirs, mut address) = (Tries::default(), Tries::default());
        for _ in 0..20 {
            admit(None, Some((&mut address, OF_ADDRESS)), false, 0);
        }
        let mut ask = |now| admit(Some((&mut theirs, RULE)), Some((&mut address, OF_ADDRESS)), true, now);
        assert_eq!([ask(0), ask(0), ask(0), ask(0), ask(1_000), ask(1_000)], [0, 0, 0, 1_000, 0, 2_000]);
    }
}
