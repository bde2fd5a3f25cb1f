//! How many of what lasts, connections or subscriptions, one user and one address may have open on this instance.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Principal;

/// Counts places. A clone is another handle to the same.
#[derive(Debug, Clone)]
pub struct Quota(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    per_user: usize,
    per_address: usize,
    /// Only of those who have one: it is never larger than the number of places.
    taken: Mutex<HashMap<Principal, usize>>,
}

impl Quota {
    /// So many places for each user, or key, and for each address; 0: any number.
    #[must_use]
    pub fn new(per_user: usize, per_address: usize) -> Self {
        Self(Arc::new(Counts { per_user, per_address, taken: Mutex::default() }))
    }

    /// A place for `holder`, if it has one left.
    #[must_use]
    pub fn take(&self, holder: Principal) -> Option<Place> {
        let most = match holder {
            Principal::User(_) | Principal::ApiKey(_) => self.0.per_user,
            Principal::Address(_) => self.0.per_address,
        };
        if most == 0 {
            return Some(Place(None));
        }
        let mut taken = self.0.taken();
        let count = taken.entry(holder).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place(Some((Arc::clone(&self.0), holder))))
    }
}

impl Counts {
    fn taken(&self) -> MutexGuard<'_, HashMap<Principal, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place, free again when it is dropped.
#[derive(Debug)]
#[must_use = "it is free again when it is dropped"]
pub struct Place(Option<(Arc<Counts>, Principal)>);

impl Drop for Place {
    fn drop(&mut self) {
        let Some((counts, holder)) = self.0.take() else { return };
        if let Entry::Occupied(mut entry) = counts.taken().entry(holder) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> Principal {
        Principal::User(Uuid::from_u128(number))
    }

    fn address(text: &str) -> Principal {
        Principal::address(text.parse().unwrap())
    }

    #[test]
    fn nobody_gets_more_places_than_there_are_and_each_is_free_again() {
        let quota = Quota::new(2, 1);
        let (first, second) = (quota.take(user(1)).unwrap(), quota.take(user(1)).unwrap());
        assert!(quota.take(user(1)).is_none() && quota.take(user(2)).is_some());
        assert!(quota.take(Principal::ApiKey(Uuid::from_u128(1))).is_some(), "a key is nobody's user");
        drop(first);
        let third = quota.take(user(1)).unwrap();
        assert!(quota.take(user(1)).is_none());
        drop((second, third));
        let here = quota.take(address("192.0.2.1")).unwrap();
        assert!(quota.take(address("192.0.2.1")).is_none());
        assert!(quota.take(address("192.0.2.2")).is_some());
        drop(here);
        assert!(quota.0.taken().is_empty(), "nothing is kept of who has no place");
    }

    #[test]
    fn one_address_is_counted_once_in_whatever_form_it_comes() {
        let quota = Quota::new(1, 1);
        let take = |text: &str| quota.take(address(text));
        let _kept = [take("192.0.2.1").unwrap(), take("2001:db8::1").unwrap()];
        assert!(take("::ffff:192.0.2.1").is_none());
        assert!(take("2001:db8::ffff:1").is_none(), "who has one address of a network has them all");
        assert!(take("2001:db8:0:1::1").is_some());
    }

    #[test]
    fn nothing_is_counted_without_a_limit() {
        let quota = Quota::new(0, 0);
        let places: Vec<Place> = (0..1_000).filter_map(|_| quota.take(user(0))).collect();
        assert!(places.len() == 1_000 && quota.take(address("127.0.0.1")).is_some());
        assert!(quota.0.taken().is_empty());
    }
}
