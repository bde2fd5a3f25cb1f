//! What takes some work to find out and is asked for by many: found out by one of them, for all who ask meanwhile.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Mutex as Turn;

use super::clock::Clock;
use super::error::Result;

/// What was found out last, and when that began.
type Last = Option<(DateTime<Utc>, Arc<dyn Any + Send + Sync>)>;

/// The last of each type of answer that this instance has found out.
pub struct Lately {
    clock: Clock,
    /// There are as many as there are types that are asked for.
    places: Mutex<HashMap<TypeId, Arc<Turn<Last>>>>,
}

impl fmt::Debug for Lately {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lately")
    }
}

impl Lately {
    /// Nothing yet, by `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, places: Mutex::default() }
    }

    /// What is so, found out at `since` or later by this process's clock: the last answer if that is young enough, else another
    /// one by `find_out`, for which those who ask meanwhile wait.
    ///
    /// # Errors
    /// Those of `find_out`; whoever waits tries it themselves then.
    pub async fn get<T: Any + Send + Sync, Found: Future<Output = Result<T>>>(
        &self,
        since: DateTime<Utc>,
        find_out: impl FnOnce() -> Found,
    ) -> Result<Arc<T>> {
        let place = {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(TypeId::of::<T>()).or_default())
        };
        let mut last = place.lock().await;
        let began = self.clock.now();
        if let Some((at, value)) = &*last
            && (since..=began).contains(at)
            && let Ok(value) = Arc::clone(value).downcast::<T>()
        {
            return Ok(value);
        }
        let value = Arc::new(find_out().await?);
        let kept: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(&value);
        *last = Some((began, kept));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use chrono::TimeDelta;
    use futures_util::future::join_all;

    use super::*;
    use crate::platform::Error;

    #[tokio::test]
    async fn those_who_ask_at_once_are_answered_once_and_who_asks_for_later_anew() {
        let clock = Clock::system();
        let lately = Lately::new(clock.clone());
        let count = AtomicU32::new(0);
        let get = async |since| {
            let find_out = || async {
                tokio::task::yield_now().await;
                Ok(count.fetch_add(1, Ordering::Relaxed) + 1)
            };
            *lately.get(since, find_out).await.unwrap()
        };
        let begin = clock.now();
        assert_eq!(join_all((0..10).map(|_| get(begin))).await, [1; 10]);
        clock.advance(Duration::from_secs(1));
        assert_eq!(get(begin).await, 1);
        assert_eq!(get(begin + TimeDelta::seconds(1)).await, 2, "of a second later");
        assert_eq!(*lately.get(begin, async || Ok("another type")).await.unwrap(), "another type");
        let later = clock.now() + TimeDelta::seconds(1);
        let failed: Result<Arc<u32>> = lately.get(later, async || Err(Error::fault("finding out", "no"))).await;
        assert!(failed.is_err());
        assert_eq!(get(later).await, 3, "a failure is not kept");
    }
}
