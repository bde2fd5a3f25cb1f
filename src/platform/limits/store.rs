//! Where it is counted: in Redis, or in this process.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, Mac as _};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use sha2::Sha256;

use super::bucket::{Answer, Bucket};
use super::shared::{Shared, Side};
use super::tries::{REMEMBERED_MS, Tries, TryRule, admit};
use crate::config::Budget;
use crate::platform::bus::Bus;
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
    /// Who signed in where, and until when that is remembered, in milliseconds since 1970.
    known: Cache<Key, i64>,
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

/// Somebody at an address of theirs.
#[derive(Debug, Clone, Copy)]
pub(in crate::platform) struct Usual {
    /// Who it is, and where.
    pub(in crate::platform) key: Key,
    /// Their tries there, if they are known.
    pub(in crate::platform) tries: Key,
}

/// A try that wants to be let through.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::platform) struct Try {
    pub(in crate::platform) account: Option<Counted>,
    pub(in crate::platform) address: Option<Counted>,
    /// In place of the account, where they are known.
    pub(in crate::platform) usual: Option<Usual>,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::platform) struct Verdict {
    /// Milliseconds to wait; 0: it was counted.
    pub(in crate::platform) wait_ms: i64,
    /// Whether it was counted as that of somebody who is known there.
    pub(in crate::platform) is_known: bool,
}

/// What a try that succeeded makes good.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::platform) struct Forgiven {
    /// All tries of these are forgotten.
    pub(in crate::platform) all: Option<Key>,
    /// One of these is.
    pub(in crate::platform) one: Option<Key>,
    /// Who is known from now on.
    pub(in crate::platform) known: Option<Key>,
}

fn cache<V: Clone + Send + Sync + 'static>() -> Cache<Key, V> {
    Cache::builder().max_capacity(MOST).eviction_policy(EvictionPolicy::lru()).time_to_idle(KEPT).build()
}

impl Store {
    /// In the Redis of `bus`, or in this process if it has none.
    #[must_use]
    pub fn new(clock: Clock, secret: &[u8], bus: &Bus) -> Self {
        let shared = match bus {
            Bus::Memory(_) => None,
            Bus::Redis(bus) => Some(Shared::new(bus)),
        };
        let (buckets, tries, alone) = (cache(), cache(), AtomicU64::new(0));
        let known = Cache::builder().max_capacity(MOST).eviction_policy(EvictionPolicy::lru()).build();
        Self(Arc::new(Inner { clock, secret: hmac(secret), shared, alone, buckets, tries, known }))
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

    /// Lets `wanted` through and counts it, or says how long it has to wait.
    pub(in crate::platform) async fn admit(&self, wanted: Try) -> Verdict {
        if let Some(shared) = &self.0.shared {
            if let Some(verdict) = shared.admit(wanted, self.0.clock.offset()).await {
                return verdict;
            }
            self.0.alone.fetch_add(1, Ordering::Relaxed);
        }
        let now = self.0.clock.now().timestamp_millis();
        let usual = wanted.usual.filter(|usual| self.0.known.get(&usual.key).is_some_and(|until| until > now));
        let account = wanted.account.map(|one| Counted { key: usual.map_or(one.key, |usual| usual.tries), ..one });
        let [account, address] =
            [account, wanted.address].map(|one| one.map(|one| (self.0.tries.get_with(one.key, Arc::default), one.rule)));
        // the account before the address: two tries at once do not wait for each other for ever
        let mut account = account.as_ref().map(|(tries, rule)| (lock(tries), *rule));
        let mut address = address.as_ref().map(|(tries, rule)| (lock(tries), *rule));
        let [of_account, of_address] =
            [&mut account, &mut address].map(|one| one.as_mut().map(|(tries, rule)| (&mut **tries, *rule)));
        let wait_ms = admit(of_account, of_address, usual.is_some(), now);
        Verdict { wait_ms, is_known: usual.is_some() }
    }

    /// Makes good what a try has shown.
    pub(in crate::platform) async fn forgive(&self, forgiven: Forgiven) {
        // also what was counted here while Redis was away
        for (key, is_all) in [(forgiven.all, true), (forgiven.one, false)] {
            if let Some(tries) = key.and_then(|key| self.0.tries.get(&key)) {
                lock(&tries).forgive(is_all);
            }
        }
        if let Some(key) = forgiven.known {
            self.0.known.insert(key, self.0.clock.now().timestamp_millis() + REMEMBERED_MS);
        }
        if let Some(shared) = &self.0.shared {
            shared.forgive(forgiven, self.0.clock.offset()).await;
        }
    }

    /// How often it was decided here because Redis was away.
    pub(super) fn decided_alone(&self) -> u64 {
        self.0.alone.load(Ordering::Relaxed)
    }
}

fn lock(tries: &Mutex<Tries>) -> MutexGuard<'_, Tries> {
    tries.lock().unwrap_or_else(PoisonError::into_inner)
}
