//! The newest of what changes many times a second: kept for a while, for all instances, and in no database.
//!
//! Of two values that come at once, or in the wrong order, the one that was taken later stays. Whoever listens to the topic
//! that a value is kept under is whispered to ([`Bus::whisper`]), and reads.
//!
//! Within one process it is a bounded map, between instances Redis: a value goes in and the whisper out in one step there, so
//! that nobody who hears of it reads what was before.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::event::Topic;
use moka::ops::compute::{CompResult, Op};
use moka::sync::Cache as Entries;
use tokio::time::timeout;

use super::bus::Bus;
use super::clock::Clock;
use super::error::{Error, Result};

/// Values kept in this process; beyond that the least used go.
const CAPACITY: u64 = 100_000;

/// Values asked for in one command.
const BATCH: usize = 1_000;

/// How long Redis may take: what is this young is soon replaced by what is younger.
const PATIENCE: Duration = Duration::from_secs(1);

/// Takes the value `ARGV[2]` of the time `ARGV[1]`, in microseconds, unless there is one as young. An empty value is always taken,
/// at the later of both times: nothing that was taken before it comes back. For `ARGV[3]` milliseconds; told on `ARGV[4]`. Without
/// a time it is of now, by Redis's clock, which the tests' is `ARGV[5]` microseconds ahead of: of two, the one that comes later is
/// the younger, whichever instances they came by.
const PUT: &str = "
local at, old = ARGV[1], redis.call('GET', KEYS[1])
if at == '' then
  local now = redis.call('TIME')
  at = string.format('%.0f', now[1] * 1000000 + now[2] + ARGV[5])
end
if old then
  local before = string.match(old, '^%d+')
  if tonumber(before) >= tonumber(at) then
    if ARGV[2] ~= '' then return 0 end
    at = before
  end
end
redis.call('SET', KEYS[1], at .. ' ' .. ARGV[2], 'PX', ARGV[3])
redis.call('PUBLISH', ARGV[4], '')
return 1";

/// The newest values, by topic.
#[derive(Debug, Clone)]
pub struct Newest {
    bus: Bus,
    clock: Clock,
    /// How long one is kept.
    keep: Duration,
    /// Those of a single process: when, in microseconds, and what; empty: nothing.
    entries: Entries<Topic, (i64, String)>,
}

impl Newest {
    /// Values that are kept for `keep`, where those who listen on `bus` find them.
    #[must_use]
    pub fn new(bus: Bus, clock: Clock, keep: Duration) -> Self {
        Self { bus, clock, keep, entries: Entries::builder().max_capacity(CAPACITY).time_to_live(keep).build() }
    }

    /// Keeps `value`, which was so `at`, or is so now, under `topic`, and tells who listens there. `false`: a younger one, or the
    /// same, is there. The value must not be empty.
    ///
    /// # Errors
    /// When Redis cannot be reached.
    pub async fn put(&self, topic: Topic, at: Option<DateTime<Utc>>, value: String) -> Result<bool> {
        self.set(topic, at, value).await
    }

    /// Forgets what is kept under `topic`, and takes nothing that was so before `at`.
    ///
    /// # Errors
    /// When Redis cannot be reached.
    pub async fn forget(&self, topic: Topic, at: DateTime<Utc>) -> Result<()> {
        self.set(topic, Some(at), String::new()).await.map(|_| ())
    }

    /// What is kept under each of `topics`, and when it was so.
    ///
    /// # Errors
    /// When Redis cannot be reached.
    pub async fn list(&self, topics: &[Topic]) -> Result<Vec<Option<(DateTime<Utc>, String)>>> {
        let kept = |at: i64, value: String| {
            let at = DateTime::from_timestamp_micros(at)?;
            (!value.is_empty()).then_some((at, value))
        };
        let Bus::Redis(bus) = &self.bus else {
            let known = topics.iter().map(|topic| self.entries.get(topic));
            return Ok(known.map(|known| known.and_then(|(at, value)| kept(at, value))).collect());
        };
        let mut values = Vec::with_capacity(topics.len());
        for topics in topics.chunks(BATCH) {
            let keys: Vec<String> = topics.iter().map(|topic| key(bus.prefix(), *topic)).collect();
            let ask = redis::cmd("MGET").arg(keys).to_owned();
            let found: Vec<Option<String>> = in_time(async { ask.query_async(&mut bus.commands()?).await }).await?;
            values.extend(found.into_iter().map(|value| {
                let value = value?;
                let (at, value) = value.split_once(' ')?;
                kept(at.parse().ok()?, value.to_owned())
            }));
        }
        Ok(values)
    }

    async fn set(&self, topic: Topic, at: Option<DateTime<Utc>>, value: String) -> Result<bool> {
        let Bus::Redis(bus) = &self.bus else {
            let at = at.unwrap_or_else(|| self.clock.now()).timestamp_micros();
            let entry = self.entries.entry(topic).and_compute_with(|old| match old.map(|old| old.into_value().0) {
                Some(before) if before >= at && !value.is_empty() => Op::Nop,
                before => Op::Put((before.unwrap_or(at).max(at), value)),
            });
            let is_taken = matches!(entry, CompResult::Inserted(_) | CompResult::ReplacedWith(_));
            if is_taken {
                self.bus.whisper_here(topic);
            }
            return Ok(is_taken);
        };
        let put = redis::cmd("EVAL")
            .arg(PUT)
            .arg(1)
            .arg(key(bus.prefix(), topic))
            .arg(at.map(|at| at.timestamp_micros().to_string()).unwrap_or_default())
            .arg(value)
            .arg(u64::try_from(self.keep.as_millis()).unwrap_or(u64::MAX))
            .arg(bus.channel(topic))
            .arg(self.clock.offset().num_microseconds().unwrap_or(0))
            .to_owned();
        in_time(async { put.query_async(&mut bus.commands()?).await }).await
    }
}

/// Where the newest of `topic` is in Redis.
fn key(prefix: &str, topic: Topic) -> String {
    format!("{prefix}:newest:{topic}")
}

async fn in_time<T>(answer: impl Future<Output = redis::RedisResult<T>>) -> Result<T> {
    let answer = timeout(PATIENCE, answer).await.map_err(|e| Error::fault("asking Redis for the newest", e))?;
    answer.map_err(|e| Error::fault("asking Redis for the newest", e))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::platform::bus::Delivery;

    const TOPIC: Topic = Topic::Location(Uuid::from_u128(7));

    fn second(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::seconds(number)
    }

    async fn read(newest: &Newest) -> Option<String> {
        newest.list(&[Topic::Location(Uuid::nil()), TOPIC]).await.unwrap().remove(1).map(|(_, value)| value)
    }

    #[tokio::test]
    async fn what_was_taken_later_stays_and_is_told_and_what_is_forgotten_does_not_come_back() {
        let bus = Bus::memory();
        let mut listener = bus.listen(TOPIC).await.unwrap();
        let mut is_told = move || matches!(listener.take(), Some(Delivery::Whisper));
        let newest = Newest::new(bus, Clock::system(), Duration::from_mins(1));
        assert_eq!(read(&newest).await, None);
        for (at, value, is_taken, then) in
            [(2, "b", true, "b"), (1, "a", false, "b"), (2, "c", false, "b"), (4, "d", true, "d")]
        {
            assert_eq!(newest.put(TOPIC, Some(second(at)), value.to_owned()).await.unwrap(), is_taken, "{value}");
            assert_eq!((read(&newest).await.as_deref(), is_told()), (Some(then), is_taken), "{value}");
        }
        // of a time before the last
        newest.forget(TOPIC, second(3)).await.unwrap();
        assert!(read(&newest).await.is_none() && is_told());
        assert!(!newest.put(TOPIC, Some(second(4)), "e".to_owned()).await.unwrap());
        assert!(newest.put(TOPIC, Some(second(5)), "f".to_owned()).await.unwrap());
        assert_eq!(read(&newest).await.as_deref(), Some("f"));
    }

    #[tokio::test]
    async fn what_has_no_time_is_of_when_it_came() {
        let clock = Clock::system();
        let newest = Newest::new(Bus::memory(), clock.clone(), Duration::from_mins(1));
        let before = clock.now();
        assert!(newest.put(TOPIC, None, "a".to_owned()).await.unwrap());
        let (at, value) = newest.list(&[TOPIC]).await.unwrap().remove(0).unwrap();
        assert!((before..=clock.now()).contains(&at) && value == "a");
        assert!(!newest.put(TOPIC, Some(before), "b".to_owned()).await.unwrap());
    }
}
