//! Identifiers and randomness, from the system or, in tests, from a seed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
}

impl Ids {
    /// Ids with the time of `clock` and the randomness of `entropy`.
    #[must_use]
    pub const fn new(clock: Clock, entropy: Entropy) -> Self {
        Self { clock, entropy }
    }

    /// A new UUID version 7 (RFC 9562): ids sort by the time they were made.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.entropy.bytes()).into_uuid()
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
