//! Where it is counted: in Redis, or in this process.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, Mac as _};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use sha2::Sha256;

use super::bucket::{Answer, Bucket};
use super::shared::{Shared, Side};
use super::tries::{Tries, TryRule, admit};
use crate::config::Budget;
use crate::platform::clock::Clock;
use crate::platform::tokens::hmac;

/// Buckets, and tries, that are kept in this process. Of more clients at once, those who have not been here for longest are
/// forgotten.
const MOST: u64 = 100_000;

/// How long those are kept who are not heard of.
const KEPT: Duration = Duration::from_hours(24);

/// What somebody is counted under: no address and no name is kept anywhere, nor can one be found by trying.
pub(in crate::platform) type Key = [u8; 16];

/// A clone is another handle to the same.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    clock: Clock,
    /// Hides who is counted.
    secret: Hmac<Sha256>,
    shared: Option<Shared>,
    alone: AtomicU64,
    buckets: Cache<Key, Arc<Mutex<Bucket>>>,
    tries: Cache<Key, Arc<Mutex<Tries>>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.shared.is_some() { "Store::Redis" } else { "Store::Memory" })
    }
}

/// Somebody whose tries are counted.
#[derive(Debug, Clone, Copy)]
pub(in crate::platform) struct Counted {
    pub(in crate::platform) key: Key,
    pub(in crate::platform) rule: TryRule,
}

fn cache<V: Clone + Send + Sync + 'static>() -> Cache<Key, V> {
    Cache::builder().max_capacity(MOST).eviction_policy(EvictionPolicy::lru()).time_to_idle(KEPT).build()
}

impl Store {
    /// In this process.
    #[must_use]
    pub fn memory(clock: Clock, secret: &[u8]) -> Self {
        Self::new(clock, secret, None)
    }

    /// In the Redis at `url`, under keys that begin with `prefix`. It need not be there yet.
    ///
    /// # Errors
    /// When the address is malformed.
    pub fn redis(clock: Clock, secret: &[u8], url: &str, prefix: &str) -> Result<Self, redis::RedisError> {
        Ok(Self::new(clock, secret, Some(Shared::new(url, prefix)?)))
    }

    fn new(clock: Clock, secret: &[u8], shared: Option<Shared>) -> Self {
        let (buckets, tries, alone) = (cache(), cache(), AtomicU64::new(0));
        Self(Arc::new(Inner { clock, secret: hmac(secret), shared, alone, buckets, tries }))
    }

    /// What `name` is counted under.
    pub(in crate::platform) fn key(&self, name: &str) -> Key {
        let hash: [u8; 32] = self.0.secret.clone().chain_update(name.as_bytes()).finalize().into_bytes().into();
        hash.first_chunk().copied().unwrap_or_default()
    }

    /// Takes `cost` thousandths from the bucket of `name`, or gives them back: on `side`, if that is said. Says on which it was.
    pub(super) async fn bucket(&self, name: &str, rule: Budget, cost: i64, side: Option<Side>) -> (Answer, Side) {
        let key = self.key(name);
        if let Some(shared) = &self.0.shared
            && side != Some(Side::Here)
        {
            if let Some(answer) = shared.bucket(key, rule, cost, self.0.clock.offset()).await {
                return (answer, Side::There);
            }
            self.0.alone.fetch_add(1, Ordering::Relaxed);
        }
        let now = self.0.clock.now().timestamp_millis();
        let bucket = self.0.buckets.get_with(key, || Arc::new(Mutex::new(Bucket::full(rule, now))));
        let answer = bucket.lock().unwrap_or_else(PoisonError::into_inner).take(rule, cost, now);
        (answer, Side::Here)
    }

    /// Lets a try of all of `counted` through and counts it, or says how many milliseconds it has to wait.
    pub(in crate::platform) async fn admit(&self, counted: &[Counted]) -> i64 {
        if let Some(shared) = &self.0.shared {
            if let Some(wait) = shared.admit(counted, self.0.clock.offset()).await {
                return wait;
            }
            self.0.alone.fetch_add(1, Ordering::Relaxed);
        }
        let now = self.0.clock.now().timestamp_millis();
        let found: Vec<_> = counted.iter().map(|one| (self.0.tries.get_with(one.key, Arc::default), one.rule)).collect();
        // accounts before addresses, as callers name them: two tries at once do not wait for each other for ever
        let mut locked: Vec<_> =
            found.iter().map(|(tries, rule)| (tries.lock().unwrap_or_else(PoisonError::into_inner), *rule)).collect();
        let mut tries: Vec<_> = locked.iter_mut().map(|(tries, rule)| (&mut **tries, *rule)).collect();
        admit(&mut tries, now)
    }

    /// Forgets one try of each of `keys`, or all of them where that is said.
    pub(in crate::platform) async fn forgive(&self, keys: &[(Key, bool)]) {
        // also what was counted here while Redis was away
        for (key, is_all) in keys {
            if let Some(tries) = self.0.tries.get(key) {
                tries.lock().unwrap_or_else(PoisonError::into_inner).forgive(*is_all);
            }
        }
        if let Some(shared) = &self.0.shared {
            shared.forgive(keys).await;
        }
    }

    /// How often it was decided here because Redis was away.
    pub(super) fn decided_alone(&self) -> u64 {
        self.0.alone.load(Ordering::Relaxed)
    }
}
