//! What is read often and changes seldom, kept in this process for a moment.
//!
//! An entry is good for [`MAX_AGE`] from before it was read, and until its topic is heard of: in this instance as soon as
//! the change is committed, in others when the bus brings the event. The age is what holds whatever becomes of the bus:
//! nothing is shown later than that after a change was acknowledged. What decides anything is never read from here.
//!
//! Those who ask for the same at the same time wait for one reading.

use std::any::{Any, TypeId};
use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::event::Topic;
use moka::sync::Cache as Entries;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How long an entry is good.
pub const MAX_AGE: Duration = Duration::from_secs(1);

/// Counters of changes; topics share them by their hash. A neighbour's change costs a reading, no more.
const SLOTS: usize = 4_096;

/// What an entry is found by.
pub trait CacheKey: Hash + Eq + Clone + fmt::Debug + Send + Sync + 'static {
    /// What is kept under it.
    type Value: Clone + Send + Sync + 'static;

    /// Whose events make the entry bad.
    fn topic(&self) -> Topic;

    /// How many rows `value` has: the cache is bounded by them.
    fn rows(_value: &Self::Value) -> usize {
        1
    }
}

/// The type of the key as well: two kinds of keys never meet.
#[derive(PartialEq, Eq, Hash)]
struct Name {
    of: TypeId,
    key: Box<str>,
}

#[derive(Clone)]
struct Entry {
    value: Arc<OnceCell<Box<dyn Any + Send + Sync>>>,
    since: Instant,
    /// Of the topic's slot, when it was made.
    version: u64,
    rows: u32,
}

/// What has been asked of the cache so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheCounts {
    /// Answered from memory.
    pub hits: u64,
    /// Read from the database.
    pub misses: u64,
    /// Entries now.
    pub entries: u64,
}

struct Inner {
    entries: Entries<Arc<Name>, Entry>,
    versions: Vec<AtomicU64>,
    hasher: RandomState,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// The cache of an instance; a clone is another handle to the same.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl Cache {
    /// A cache of at most so many rows. With none, everything is read every time.
    #[must_use]
    pub fn new(rows: u64) -> Self {
        let entries =
            Entries::builder().max_capacity(rows).weigher(|_, entry: &Entry| entry.rows).time_to_live(MAX_AGE).build();
        let versions = (0..SLOTS).map(|_| AtomicU64::new(0)).collect();
        let (hits, misses) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Inner { entries, versions, hasher: RandomState::new(), hits, misses }))
    }

    /// What is kept under `key`, or what `read` gives, which is kept then.
    ///
    /// # Errors
    /// Those of `read`; nothing is kept then.
    pub async fn get<K: CacheKey, E>(
        &self,
        key: &K,
        read: impl Future<Output = Result<K::Value, E>>,
    ) -> Result<K::Value, E> {
        let version = self.slot(key.topic()).load(Ordering::Acquire);
        let now = Instant::now();
        let is_bad = |entry: &Entry| entry.version != version || now.duration_since(entry.since) >= MAX_AGE;
        let name = Name { of: TypeId::of::<K>(), key: format!("{key:?}").into_boxed_str() };
        let make = || Entry { value: Arc::default(), since: now, version, rows: 1 };
        let name = Arc::new(name);
        let entry = match self.0.entries.get(&name).filter(|entry| !is_bad(entry)) {
            Some(entry) => entry,
            None => self.0.entries.entry(Arc::clone(&name)).or_insert_with_if(make, is_bad).into_value(),
        };
        let mut is_read = false;
        let value = entry
            .value
            .get_or_try_init(async || {
                is_read = true;
                // a reading is large and rare: whoever finds what they look for does not carry it about
                Ok(Box::new(Box::pin(read).await?) as Box<dyn Any + Send + Sync>)
            })
            .await?;
        let counter = if is_read { &self.0.misses } else { &self.0.hits };
        counter.fetch_add(1, Ordering::Relaxed);
        match value.downcast_ref::<K::Value>() {
            Some(value) => {
                if is_read {
                    self.weigh(name, &entry, K::rows(value));
                }
                Ok(value.clone())
            }
            None => unreachable!("the name of an entry says of which type it is"),
        }
    }

    /// Counts the rows of an entry that has been read, unless another has taken its place.
    fn weigh(&self, name: Arc<Name>, entry: &Entry, rows: usize) {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        if rows > entry.rows {
            let is_this = |other: &Entry| Arc::ptr_eq(&other.value, &entry.value);
            self.0.entries.entry(name).or_insert_with_if(|| Entry { rows, ..entry.clone() }, is_this);
        }
    }

    /// Forgets what `topic` makes bad, also what is being read at this moment.
    pub fn forget(&self, topic: Topic) {
        self.slot(topic).fetch_add(1, Ordering::AcqRel);
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        for slot in &self.0.versions {
            slot.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// What has been asked of it so far.
    #[must_use]
    pub fn counts(&self) -> CacheCounts {
        CacheCounts {
            hits: self.0.hits.load(Ordering::Relaxed),
            misses: self.0.misses.load(Ordering::Relaxed),
            entries: self.0.entries.entry_count(),
        }
    }

    fn slot(&self, topic: Topic) -> &AtomicU64 {
        let hash = usize::try_from(self.0.hasher.hash_one(topic) % SLOTS as u64).unwrap_or_default();
        &self.0.versions[hash]
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use uuid::Uuid;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Price(u128);

    impl CacheKey for Price {
        type Value = u64;

        fn topic(&self) -> Topic {
            Topic::Product(Uuid::from_u128(self.0))
        }
    }

    /// Reads `value`, and says whether it did.
    async fn ask(cache: &Cache, product: u128, value: u64) -> (u64, bool) {
        let mut is_read = false;
        let read = async {
            is_read = true;
            Ok::<_, Infallible>(value)
        };
        let Ok(found) = cache.get(&Price(product), read).await;
        (found, is_read)
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_is_good_for_a_second_from_before_it_was_read() {
        let cache = Cache::new(100);
        assert_eq!(ask(&cache, 1, 10).await, (10, true));
        assert_eq!(ask(&cache, 1, 11).await, (10, false));
        tokio::time::advance(Duration::from_millis(999)).await;
        assert_eq!(ask(&cache, 1, 12).await, (10, false));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(ask(&cache, 1, 13).await, (13, true));
        assert_eq!((cache.counts().hits, cache.counts().misses), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_being_read_when_its_topic_is_heard_of_is_not_kept() {
        let cache = Cache::new(100);
        let slow = async {
            cache.forget(Price(1).topic());
            Ok::<_, Infallible>(10)
        };
        assert_eq!(cache.get(&Price(1), slow).await, Ok(10));
        assert_eq!(ask(&cache, 1, 11).await, (11, true));
        cache.forget_all();
        assert_eq!(ask(&cache, 1, 12).await, (12, true));
    }

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Prices(u8);

    impl CacheKey for Prices {
        type Value = Vec<u64>;

        fn topic(&self) -> Topic {
            Topic::Catalog
        }

        fn rows(prices: &Vec<u64>) -> usize {
            prices.len()
        }
    }

    #[tokio::test]
    async fn an_entry_weighs_as_many_rows_as_were_read() {
        let cache = Cache::new(100);
        let read = async |key: u8, rows: usize| {
            let Ok(prices) = cache.get(&Prices(key), async { Ok::<_, Infallible>(vec![7; rows]) }).await;
            cache.0.entries.run_pending_tasks();
            (prices.len(), cache.0.entries.weighted_size())
        };
        assert_eq!(read(1, 60).await, (60, 60));
        assert_eq!(read(1, 10).await, (60, 60), "it is there");
        assert_eq!(read(2, 40).await, (40, 100));
        let (_, weight) = read(3, 30).await;
        assert!(weight <= 100, "{weight}");
        assert_eq!(read(4, 101).await.0, 101, "what has no room is read, and not kept");
        assert_eq!(read(4, 5).await.0, 5);
    }

    #[tokio::test]
    async fn many_at_once_wait_for_one_reading() {
        let cache = Cache::new(100);
        let reads = AtomicU64::new(0);
        let asking = (0..50).map(|_| {
            cache.get(&Price(1), async {
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(reads.fetch_add(1, Ordering::Relaxed))
            })
        });
        let found = futures_util::future::join_all(asking).await;
        assert!(found.into_iter().all(|found| found == Ok(0)), "everybody has the one that was read");
    }

    #[tokio::test]
    async fn a_reading_that_failed_is_not_kept() {
        let cache = Cache::new(100);
        assert_eq!(cache.get(&Price(1), async { Err("away") }).await, Err("away"));
        assert_eq!(ask(&cache, 1, 11).await, (11, true));
    }
}
