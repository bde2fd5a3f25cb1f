//! What the engine has done, for the metrics.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Counted as it happens.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) events: AtomicU64,
    pub(super) executions: AtomicU64,
    pub(super) begun: AtomicU64,
    pub(super) messages: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) repairs: AtomicU64,
    pub(super) lags: AtomicU64,
    pub(super) resets: AtomicU64,
    pub(super) pending: AtomicI64,
    pub(super) waiting: AtomicI64,
    pub(super) comparisons: AtomicU64,
    pub(super) groups: AtomicI64,
    pub(super) subscriptions: AtomicI64,
}

/// What the engine of this instance has done, and has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Events that a group with subscribers was handed.
    pub events: u64,
    /// Executions of a subscription for an event: one for each event and group.
    pub executions: u64,
    /// Times that what a group asks was begun to be executed: what was begun is used again for the next event.
    pub begun: u64,
    /// Answers to events that were handed to subscribers.
    pub messages: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Times that a group read the log because the bus may have lost something.
    pub repairs: u64,
    /// Times that a subscriber fell behind.
    pub lags: u64,
    /// Times that a subscriber was told to start anew.
    pub resets: u64,
    /// Deliveries of the bus that groups have not dealt with yet.
    pub pending: i64,
    /// Subscriptions that wait to be brought up to the present now.
    pub waiting: i64,
    /// Times that this instance was compared with the log.
    pub comparisons: u64,
    /// Groups now.
    pub groups: i64,
    /// Subscriptions now.
    pub subscriptions: i64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            events: get(&self.events),
            executions: get(&self.executions),
            begun: get(&self.begun),
            messages: get(&self.messages),
            bytes: get(&self.bytes),
            repairs: get(&self.repairs),
            lags: get(&self.lags),
            resets: get(&self.resets),
            pending: self.pending.load(Ordering::Acquire),
            waiting: self.waiting.load(Ordering::Relaxed),
            comparisons: get(&self.comparisons),
            groups: self.groups.load(Ordering::Relaxed),
            subscriptions: self.subscriptions.load(Ordering::Relaxed),
        }
    }
}
