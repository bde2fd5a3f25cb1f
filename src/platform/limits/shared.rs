//! Counting in Redis: a script for each step, sent by its hash.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, RedisError, Script, ScriptInvocation};
use tokio::time::{Instant, timeout};

use super::bucket::{self, Answer};
use super::store::{Counted, Key};
use super::tries;
use crate::config::Budget;

/// How long Redis may take: a request waits for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long it is not asked again once it did not answer; then one request asks for all.
const REST: Duration = Duration::from_secs(1);

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
    /// Made by the first that needs it.
    client: Client,
    commands: tokio::sync::OnceCell<ConnectionManager>,
    prefix: Arc<str>,
    bucket: Script,
    admit: Script,
    forgive: Script,
    began: Instant,
    /// Until when it is not asked, in milliseconds since it began; 0: it answers.
    away_until: AtomicI64,
}

impl Shared {
    pub(super) fn new(url: &str, prefix: &str) -> Result<Self, RedisError> {
        Ok(Self {
            client: Client::open(url)?,
            commands: tokio::sync::OnceCell::new(),
            prefix: prefix.into(),
            bucket: Script::new(bucket::SCRIPT),
            admit: Script::new(tries::ADMIT),
            forgive: Script::new(tries::FORGIVE),
            began: Instant::now(),
            away_until: AtomicI64::new(0),
        })
    }

    /// See [`bucket::SCRIPT`]. `None`: Redis is away.
    pub(super) async fn bucket(&self, key: Key, rule: Budget, cost: i64, ahead: TimeDelta) -> Option<Answer> {
        let mut call = self.bucket.key(self.name("budget", key));
        call.arg(ahead.num_milliseconds()).arg(bucket::holds(rule)).arg(rule.per_second).arg(cost);
        let (taken, level): (i64, String) = self.ask(&call).await?;
        Some(Answer { is_taken: taken == 1, level: level.parse().ok()? })
    }

    /// See [`tries::ADMIT`]. `None`: Redis is away.
    pub(super) async fn admit(&self, counted: &[Counted], ahead: TimeDelta) -> Option<i64> {
        let first = counted.first()?;
        let mut call = self.admit.prepare_invoke();
        call.arg(ahead.num_milliseconds()).arg(first.rule.first_ms).arg(first.rule.longest_ms);
        for Counted { key, rule } in counted {
            call.key(self.name("attempts", *key)).arg(rule.free).arg(rule.forgiven_ms());
        }
        self.ask::<String>(&call).await?.parse().ok()
    }

    /// See [`tries::FORGIVE`].
    pub(super) async fn forgive(&self, keys: &[(Key, bool)]) {
        let mut call = self.forgive.prepare_invoke();
        for (key, is_all) in keys {
            call.key(self.name("attempts", *key)).arg(if *is_all { "all" } else { "one" });
        }
        let _: Option<i64> = self.ask(&call).await;
    }

    fn name(&self, of: &str, key: Key) -> String {
        format!("{}:{of}:{}", self.prefix, hex::encode(key))
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
        let answer = timeout(PATIENCE, async { call.invoke_async(&mut self.connection().await?).await }).await;
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

    async fn connection(&self) -> Result<ConnectionManager, RedisError> {
        let connect = async || {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(PATIENCE))
                .set_max_delay(PATIENCE)
                .set_number_of_retries(1);
            ConnectionManager::new_with_config(self.client.clone(), config).await
        };
        self.commands.get_or_try_init(connect).await.cloned()
    }
}
