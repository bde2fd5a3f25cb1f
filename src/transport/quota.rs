//! How many connections that last one user, and one address, may have open on this instance.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::config::Config;

/// The bits of an IPv6 address that are one customer's of a network: what is behind them they choose themselves.
const IPV6_NETWORK: u128 = u128::MAX << 64;

/// Counts places. A clone is another handle to the same.
#[derive(Debug, Clone)]
pub(super) struct Quota(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    per_user: usize,
    per_address: usize,
    /// Only of those who have one: it is never larger than the number of connections.
    taken: Mutex<HashMap<Holder, usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    User(Uuid),
    Address(IpAddr),
}

impl Quota {
    /// With the limits of `config`.
    pub(super) fn new(config: &Config) -> Self {
        let (per_user, per_address) = (config.sockets_per_user, config.sockets_per_address);
        Self(Arc::new(Counts { per_user, per_address, taken: Mutex::default() }))
    }

    /// A place for a connection of `address`, if it has one left. IPv6 addresses of one network of 64 bits count as one.
    pub(super) fn take_address(&self, address: IpAddr) -> Option<Place> {
        let address = match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK).into(),
            address @ IpAddr::V4(_) => address,
        };
        self.take(Holder::Address(address), self.0.per_address)
    }

    /// A place for a connection of `user`, if they have one left.
    pub(super) fn take_user(&self, user: Uuid) -> Option<Place> {
        self.take(Holder::User(user), self.0.per_user)
    }

    fn take(&self, holder: Holder, most: usize) -> Option<Place> {
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
    fn taken(&self) -> MutexGuard<'_, HashMap<Holder, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place, free again when it is dropped.
#[derive(Debug)]
#[must_use = "it is free again when it is dropped"]
pub(super) struct Place(Option<(Arc<Counts>, Holder)>);

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
    use super::*;

    fn quota(per_user: usize, per_address: usize) -> Quota {
        let mut config = Config::defaults().unwrap();
        (config.sockets_per_user, config.sockets_per_address) = (per_user, per_address);
        Quota::new(&config)
    }

    #[test]
    fn nobody_gets_more_places_than_there_are_and_each_is_free_again() {
        let quota = quota(2, 1);
        let (ana, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (first, second) = (quota.take_user(ana).unwrap(), quota.take_user(ana).unwrap());
        assert!(quota.take_user(ana).is_none() && quota.take_user(bob).is_some());
        drop(first);
        let third = quota.take_user(ana).unwrap();
        assert!(quota.take_user(ana).is_none());
        drop((second, third));
        let here = quota.take_address([192, 0, 2, 1].into()).unwrap();
        assert!(quota.take_address([192, 0, 2, 1].into()).is_none());
        assert!(quota.take_address([192, 0, 2, 2].into()).is_some());
        drop(here);
        assert!(quota.0.taken().is_empty(), "nothing is kept of who has no place");
    }

    #[test]
    fn one_address_is_counted_once_in_whatever_form_it_comes() {
        let quota = quota(1, 1);
        let take = |address: &str| quota.take_address(address.parse().unwrap());
        let _kept = [take("192.0.2.1").unwrap(), take("2001:db8::1").unwrap()];
        assert!(take("::ffff:192.0.2.1").is_none());
        assert!(take("2001:db8::ffff:1").is_none(), "who has one address of a network has them all");
        assert!(take("2001:db8:0:1::1").is_some());
    }

    #[test]
    fn nothing_is_counted_without_a_limit() {
        let quota = quota(0, 0);
        let places: Vec<Place> = (0..1_000).filter_map(|_| quota.take_user(Uuid::nil())).collect();
        assert!(places.len() == 1_000 && quota.take_address([127, 0, 0, 1].into()).is_some());
        assert!(quota.0.taken().is_empty());
    }
}
