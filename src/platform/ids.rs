//! Identifiers and randomness, from the system or, in tests, from a seed.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::clock::Clock;

/// Where random bytes come from.
#[derive(Clone)]
pub enum Entropy {
    /// The operating system.
    System,
    /// SHA-256 of a seed and a counter: the same run gives the same bytes. For tests only.
    Seeded(u64, Arc<AtomicU64>),
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Seeded(..) => "Seeded",
        })
    }
}

impl Entropy {
    /// A source that repeats itself.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(seed, Arc::default())
    }

    /// `N` random bytes.
    ///
    /// # Panics
    /// When the operating system has no randomness: nothing safe can be done without it.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            #[expect(clippy::expect_used, clippy::disallowed_methods, reason = "a server without randomness must not go on")]
            Self::System => getrandom::fill(&mut bytes).expect("the operating system gives random bytes"),
            Self::Seeded(seed, counter) => {
                for chunk in bytes.chunks_mut(32) {
                    let count = counter.fetch_add(1, Ordering::SeqCst);
                    let digest = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(count.to_be_bytes()).finalize();
                    chunk.copy_from_slice(&digest[..chunk.len()]);
                }
            }
        }
        bytes
    }
}

/// Makes new identifiers.
#[derive(Debug, Clone)]
pub struct Ids {
    clock: Clock,
    entropy: Entropy,
    last: Arc<Mutex<Tick>>,
}

/// The millisecond of the last id, and how many came before it in that millisecond.
#[derive(Debug, Default)]
struct Tick {
    millis: u64,
    count: u16,
}

impl Tick {
    /// The next tick, never before the last one: a clock that steps back does not turn ids round.
    fn next(&mut self, millis: u64) -> (u64, u16) {
        if millis > self.millis {
            *self = Self { millis, count: 0 };
        } else if self.count < MAX_COUNT {
            self.count += 1;
        } else {
            *self = Self { millis: self.millis + 1, count: 0 };
        }
        (self.millis, self.count)
    }
}

/// Ids of one millisecond: what the twelve bits after the time can count.
const MAX_COUNT: u16 = 0x0FFF;

impl Ids {
    /// Ids with the time of `clock` and the randomness of `entropy`.
    #[must_use]
    pub fn new(clock: Clock, entropy: Entropy) -> Self {
        Self { clock, entropy, last: Arc::default() }
    }

    /// A new UUID version 7 (RFC 9562): ids of one process sort in the order they were made, by a counter in the bits after
    /// the time (section 6.2, method 1).
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let now = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        let (millis, count) = self.last.lock().unwrap_or_else(PoisonError::into_inner).next(now);
        let mut bits: [u8; 10] = self.entropy.bytes();
        bits[..2].copy_from_slice(&count.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &bits).into_uuid()
    }

    /// Random bytes, for secrets and codes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        self.entropy.bytes()
    }

    /// A random number below `bound`, without bias that matters: `bound` is far below 2^64.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        u64::from_be_bytes(self.bytes()) % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_in_the_order_they_were_made() {
        let ids = Ids::new(Clock::system(), Entropy::seeded(1));
        let made: Vec<Uuid> = (0..10_000).map(|_| ids.uuid()).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(made.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn a_full_millisecond_and_a_clock_that_steps_back_do_not_turn_ids_round() {
        let mut tick = Tick { millis: 5, count: MAX_COUNT };
        assert_eq!(tick.next(5), (6, 0));
        assert_eq!(tick.next(2), (6, 1));
        assert_eq!(tick.next(9), (9, 0));
    }
}
