//! Settings of what clients may ask.

use std::time::Duration;

use super::Reader;

/// Bounds on what one request may ask.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest body or message, bytes.
    pub body_bytes: usize,
    /// Bytes of a WebSocket message.
    pub message_bytes: usize,
    /// Deepest nesting.
    pub depth: usize,
    /// Most fields, list sizes counted.
    pub complexity: usize,
    /// Most aliases.
    pub aliases: usize,
    /// Most tokens.
    pub tokens: usize,
}

/// What the operations of a client may cost, on all instances together, and how many subscriptions it may have on one.
#[derive(Debug, Clone, Copy)]
pub struct Budgets {
    /// Of a user.
    pub user: Budget,
    /// Of an address, for whoever is not signed in.
    pub address: Budget,
    /// Open subscriptions of a user; 0: any number.
    pub subscriptions_per_user: usize,
    /// The same of an address.
    pub subscriptions_per_address: usize,
}

/// A bucket of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// As many as it holds; 0: there is no limit.
    pub points: u32,
    /// How many come back each second.
    pub per_second: u32,
}

/// How often anybody may try what can be guessed, or what costs somebody else something.
#[derive(Debug, Clone, Copy)]
pub struct Attempts {
    /// In an hour, at one account, before each has to wait; 0: any number.
    pub per_account: u32,
    /// The same from one address.
    pub per_address: u32,
    /// How long the first that has to wait does.
    pub delay: Duration,
    /// The longest wait.
    pub max_delay: Duration,
}

impl Reader {
    pub(super) fn limits(&mut self) -> Limits {
        Limits {
            body_bytes: self.size("MAX_BODY_BYTES", 1_024, 67_108_864),
            message_bytes: self.size("MAX_MESSAGE_BYTES", 1_024, 67_108_864),
            depth: self.size("MAX_DEPTH", 1, 100),
            complexity: self.size("MAX_COMPLEXITY", 1, 10_000_000),
            aliases: self.size("MAX_ALIASES", 0, 10_000),
            tokens: self.size("MAX_TOKENS", 10, 1_000_000),
        }
    }

    pub(super) fn budgets(&mut self) -> Budgets {
        Budgets {
            user: self.budget("BUDGET_PER_USER", "BUDGET_PER_USER_SECOND"),
            address: self.budget("BUDGET_PER_ADDRESS", "BUDGET_PER_ADDRESS_SECOND"),
            subscriptions_per_user: self.size("MAX_SUBSCRIPTIONS_PER_USER", 0, 1_000_000),
            subscriptions_per_address: self.size("MAX_SUBSCRIPTIONS_PER_ADDRESS", 0, 1_000_000),
        }
    }

    fn budget(&mut self, points: &str, per_second: &str) -> Budget {
        Budget { points: self.small(points, 0), per_second: self.small(per_second, 1) }
    }

    pub(super) fn attempts(&mut self) -> Attempts {
        Attempts {
            per_account: self.small("ATTEMPTS_PER_ACCOUNT", 0),
            per_address: self.small("ATTEMPTS_PER_ADDRESS", 0),
            delay: self.seconds("ATTEMPT_DELAY_SECONDS", 1, 3_600),
            max_delay: self.seconds("ATTEMPT_MAX_DELAY_SECONDS", 1, 86_400),
        }
    }

    /// A number up to a thousand million, so that a thousand times as many can be counted anywhere.
    fn small(&mut self, name: &str, min: u64) -> u32 {
        u32::try_from(self.number(name, min, 1_000_000_000)).unwrap_or(u32::MAX)
    }
}
