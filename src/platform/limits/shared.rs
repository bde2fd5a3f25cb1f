//! Counting in Redis: a script for each step, sent by its hash, over the connection that the bus has for commands.
//!
//! A script's keys are of one hash slot, so that it can be run by a cluster: budgets have one, and attempts a common tag.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use redis::{FromRedisValue, RedisError, Script, ScriptInvocation};
use tokio::time::{Instant, timeout};

use super::bucket::{self, Answer};
use super::store::{Forgiven, Key, Try, Verdict};
use super::tries::{self, REMEMBERED_MS};
use crate::config::Budget;
use crate::platform::bus::RedisBus;

/// How long Redis may take: a request waits for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long it is not asked again once it did not answer; then one request asks for all.
const REST: Duration = Duration::from_secs(1);

/// What the keys of buckets begin with: a script has one of them.
const BUDGET: &str = "budget";

/// What the keys of attempts begin with: a script has several of them, and the braces put them into one slot of a cluster.
const ATTEMPTS: &str = "{attempts}";

/// Where something was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// In this process.
    Here,
    /// In Redis.
    There,
}

/// Redis, as far as it is counted there.
pub(super) struct Shared {
    bus: Arc<RedisBus>,
    bucket: Script,
    admit: Script,
    forgive: Script,
    began: Instant,
    /// Until when it is not asked, in milliseconds since it began; 0: it answers.
    away_until: AtomicI64,
}

impl Shared {
    pub(super) fn new(bus: &Arc<RedisBus>) -> Self {
        Self {
            bus: Arc::clone(bus),
            bucket: Script::new(bucket::SCRIPT),
            admit: Script::new(tries::ADMIT),
            forgive: Script::new(tries::FORGIVE),
            began: Instant::now(),
            away_until: AtomicI64::new(0),
        }
    }

    /// See [`bucket::SCRIPT`]. `None`: Redis is away.
    pub(super) async fn bucket(&self, key: Key, rule: Budget, cost: i64, ahead: TimeDelta) -> Option<Answer> {
        let mut call = self.bucket.key(self.name(BUDGET, key));
        call.arg(ahead.num_milliseconds()).arg(bucket::holds(rule)).arg(rule.per_second).arg(cost);
        let (taken, level): (i64, String) = self.ask(&call).await?;
        Some(Answer { is_taken: taken == 1, level: level.parse().ok()? })
    }

    /// See [`tries::ADMIT`]. `None`: Redis is away.
    pub(super) async fn admit(&self, wanted: Try, ahead: TimeDelta) -> Option<Verdict> {
        let Try { account, address, usual } = wanted;
        let rule = account.or(address)?.rule;
        let keys = [usual.map(|usual| usual.key), usual.map(|usual| usual.tries), account.map(|one| one.key)];
        let mut call = self.admit.prepare_invoke();
        for key in keys.into_iter().chain([address.map(|one| one.key)]) {
            call.key(self.name(ATTEMPTS, key.unwrap_or_default()));
        }
        call.arg(ahead.num_milliseconds()).arg(rule.first_ms).arg(rule.longest_ms);
        for one in [account, address] {
            call.arg(one.map_or(0, |one| one.rule.free)).arg(one.map_or(1, |one| one.rule.forgiven_ms()));
        }
        call.arg(u8::from(usual.is_some()));
        let (wait_ms, known): (String, i64) = self.ask(&call).await?;
        Some(Verdict { wait_ms: wait_ms.parse().ok()?, is_known: known == 1 })
    }

    /// See [`tries::FORGIVE`].
    pub(super) async fn forgive(&self, forgiven: Forgiven, ahead: TimeDelta) {
        let Forgiven { all, one, known } = forgiven;
        let mut call = self.forgive.prepare_invoke();
        let mut what = String::new();
        for (key, letter) in [(all, 'a'), (one, 'o'), (known, 'r')] {
            call.key(self.name(ATTEMPTS, key.unwrap_or_default()));
            what.push(if key.is_some() { letter } else { '-' });
        }
        call.arg(what).arg(ahead.num_milliseconds()).arg(REMEMBERED_MS);
        let _: Option<i64> = self.ask(&call).await;
    }

    fn name(&self, of: &str, key: Key) -> String {
        format!("{}:{of}:{}", self.bus.prefix(), hex::encode(key))
    }

    /// `None`: it is away, or did not answer in time.
    async fn ask<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Option<T> {
        let away_until = self.away_until.load(Ordering::Relaxed);
        let now = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let later = now.saturating_add(i64::try_from(REST.as_millis()).unwrap_or(i64::MAX));
        if away_until != 0 {
            if now < away_until {
                return None;
            }
            // one looks whether it is back, and the others do not wait for that
            self.away_until.compare_exchange(away_until, later, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        }
        let answer = timeout(PATIENCE, async { call.invoke_async(&mut self.bus.commands()?).await }).await;
        match answer {
            Ok(Ok(answer)) => {
                if self.away_until.swap(0, Ordering::Relaxed) != 0 {
                    tracing::info!("Redis answers again: limits are counted together with the other instances");
                }
                Some(answer)
            }
            failed => {
                if self.away_until.swap(later, Ordering::Relaxed) == 0 {
                    let error = failed.map_or_else(
                        |_| "no answer in time".to_owned(),
                        |failed: Result<T, RedisError>| failed.err().map(|error| error.to_string()).unwrap_or_default(),
                    );
                    tracing::warn!(error, "Redis is away: limits are counted in this instance alone until it is back");
                }
                None
            }
        }
    }
}
