//! What a client may use: the token buckets that its operations are paid from, and that text messages are counted in, and the store
//! that throttles count in.
//!
//! With Redis all instances share them: each step is one script there, in Redis' own time, so that two steps at once are one
//! after the other. Without it they are in this process. While Redis is away each instance goes by itself: whoever may ask
//! may ask each of them as much, which is better than refusing everybody, and than refusing nobody.

mod bucket;
mod hourly;
mod shared;
mod store;
mod tries;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::access::Actor;
use uuid::Uuid;

use self::bucket::MILLI;
pub use self::hourly::{Hourly, Taken};
use self::shared::Side;
pub use self::store::Store;
pub(super) use self::store::{Counted, Forgiven, Key, Try, Usual, Verdict};
pub use self::tries::TryRule;
use super::quota::{Place, Quota};
use crate::config::{self, Budget};

/// The bits of an IPv6 address that are one customer's of a network: what is behind them they choose themselves.
const IPV6_NETWORK: u128 = u128::MAX << 64;

/// Who uses something up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Principal {
    /// Somebody who is signed in, on all their devices.
    User(Uuid),
    /// A program with a key of its own.
    ApiKey(Uuid),
    /// Whoever comes from there and is not signed in; made by [`Principal::address`].
    Address(IpAddr),
}

impl Principal {
    /// Whoever comes from `address`: IPv6 addresses of one network of 64 bits are one.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK).into(),
            address @ IpAddr::V4(_) => address,
        })
    }

    /// Whoever asks: `actor`, or somebody at `from`.
    #[must_use]
    pub fn of(actor: Option<&Actor>, from: IpAddr) -> Self {
        actor.map_or_else(|| Self::address(from), Self::signed_in)
    }

    /// Whoever is signed in: a user, or a program by its key.
    #[must_use]
    pub fn signed_in(actor: &Actor) -> Self {
        actor.key.map_or(Self::User(actor.user), |key| Self::ApiKey(key.id))
    }

    /// What it is called where it is counted, before that is hashed.
    pub(super) fn name(&self) -> String {
        match self {
            Self::User(id) => format!("user {id}"),
            Self::ApiKey(id) => format!("key {id}"),
            Self::Address(address) => format!("address {address}"),
        }
    }
}

/// What is left in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Points that it holds when it is full; 0: there is no bucket, and no limit.
    pub limit: u32,
    /// Points in it.
    pub remaining: u32,
    /// Milliseconds until it is full, if nothing more is taken.
    pub full_in_ms: u64,
}

/// What was paid for an operation.
#[derive(Debug, Clone, Copy)]
pub struct Charge {
    who: Principal,
    cost: u32,
    /// What is left.
    pub balance: Balance,
    side: Side,
}

/// Why an operation is not paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is not enough in the bucket now.
    Empty {
        /// What there is.
        balance: Balance,
        /// Milliseconds until there is enough, if nothing more is taken.
        wait_ms: u64,
    },
    /// There never is as much in it.
    TooCostly {
        /// What there is.
        balance: Balance,
    },
}

/// Why something was refused, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The bucket was empty.
    Budget,
    /// The operation costs more than the bucket holds.
    TooCostly,
    /// As many subscriptions are open as may be.
    Subscriptions,
    /// Too many attempts at one account.
    Attempts,
    /// Too many text messages to one user, or to one number.
    TextMessages,
}

/// The reasons and their names, in the order in which they are counted.
pub const REASONS: [(Reason, &str); 5] = [
    (Reason::Budget, "budget"),
    (Reason::TooCostly, "too_costly"),
    (Reason::Subscriptions, "subscriptions"),
    (Reason::Attempts, "attempts"),
    (Reason::TextMessages, "text_messages"),
];

/// What was refused so far, and how often an instance had to decide alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refusals {
    /// In the order of [`REASONS`].
    pub by_reason: [u64; REASONS.len()],
    /// Decisions without Redis, where there should have been one.
    pub alone: u64,
}

/// Counts refusals; a clone counts in the same place.
#[derive(Debug, Clone, Default)]
pub struct Counters(Arc<[AtomicU64; REASONS.len()]>);

impl Counters {
    /// Counts one.
    pub fn count(&self, reason: Reason) {
        self.0[reason as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// The budgets of an instance, or its share in those of all; a clone is another handle to the same.
#[derive(Clone)]
pub struct Budgets(Arc<Inner>);

struct Inner {
    store: Store,
    rules: config::Budgets,
    subscriptions: Quota,
    counters: Counters,
}

impl fmt::Debug for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budgets").field("rules", &self.0.rules).finish_non_exhaustive()
    }
}

impl Budgets {
    /// With `rules`, counted in `store`.
    #[must_use]
    pub fn new(store: Store, rules: config::Budgets, counters: Counters) -> Self {
        let subscriptions = Quota::new(rules.subscriptions_per_user, rules.subscriptions_per_address);
        Self(Arc::new(Inner { store, rules, subscriptions, counters }))
    }

    fn rule(&self, who: Principal) -> Budget {
        match who {
            Principal::User(_) | Principal::ApiKey(_) => self.0.rules.user,
            Principal::Address(_) => self.0.rules.address,
        }
    }

    /// Takes `cost` points from the bucket of `who`, if it has them. Nothing is taken when it has not.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn take(&self, who: Principal, cost: u32) -> Result<Charge, Refused> {
        let rule = self.rule(who);
        if rule.points == 0 {
            return Ok(Charge { who, cost, balance: balance(rule, 0), side: Side::Here });
        }
        let is_payable = cost <= rule.points;
        // of what can never be paid, only what there is is asked
        let wanted = if is_payable { i64::from(cost) } else { 0 };
        let (answer, side) = self.0.store.bucket(&who.name(), rule, wanted * MILLI, None).await;
        let balance = balance(rule, answer.level);
        if !is_payable {
            self.0.counters.count(Reason::TooCostly);
            return Err(Refused::TooCostly { balance });
        }
        if answer.is_taken {
            return Ok(Charge { who, cost, balance, side });
        }
        self.0.counters.count(Reason::Budget);
        let wait_ms = wait_ms(rule, wanted * MILLI - answer.level).max(1);
        Err(Refused::Empty { balance, wait_ms })
    }

    /// Settles `charge`, once it is known that `actual` points were used: gives back what of it was not, and takes what it was
    /// short of, if the bucket has it. Gives what is left then. Once for each charge.
    pub async fn settle(&self, charge: &Charge, actual: u32) -> Balance {
        let (rule, more) = (self.rule(charge.who), i64::from(actual) - i64::from(charge.cost));
        if rule.points == 0 || more == 0 {
            return charge.balance;
        }
        // where it was taken from
        let (answer, side) = self.0.store.bucket(&charge.who.name(), rule, more * MILLI, Some(charge.side)).await;
        if side == charge.side { balance(rule, answer.level) } else { charge.balance }
    }

    /// A place for one more subscription of `who`, if there is one left on this instance.
    #[must_use]
    pub fn open(&self, who: Principal) -> Option<Place> {
        let place = self.0.subscriptions.take(who);
        if place.is_none() {
            self.0.counters.count(Reason::Subscriptions);
        }
        place
    }

    /// What was refused so far.
    #[must_use]
    pub fn refusals(&self) -> Refusals {
        let by_reason = REASONS.map(|(reason, _)| self.0.counters.0[reason as usize].load(Ordering::Relaxed));
        Refusals { by_reason, alone: self.0.store.decided_alone() }
    }
}

/// Milliseconds until `missing` thousandths are there.
fn wait_ms(rule: Budget, missing: i64) -> u64 {
    // thousandths of a point in a millisecond are points in a second
    u64::try_from(missing).unwrap_or(0).div_ceil(u64::from(rule.per_second.max(1)))
}

fn balance(rule: Budget, level: i64) -> Balance {
    if rule.points == 0 {
        return Balance { limit: 0, remaining: 0, full_in_ms: 0 };
    }
    let remaining = u32::try_from(level / MILLI).unwrap_or(0);
    let full_in_ms = wait_ms(rule, i64::from(rule.points) * MILLI - level);
    Balance { limit: rule.points, remaining, full_in_ms }
}

#[cfg(test)]
mod tests;
