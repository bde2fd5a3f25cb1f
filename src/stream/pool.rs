//! Executions that several groups share.
//!
//! Of many groups most ask the same of another place: one document, for the same reader, with other values of the arguments that
//! its source is made from ([`Source::arguments`](super::Source::arguments)). All but that source is the same for them. So an
//! execution that one of them has begun is handed the source together with the event, and goes from one to the next: a few
//! serve them all, and none is begun for an event.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::access::Reader;
use tokio::time::Instant;

use super::engine::Engine;
use super::execution::{AnySource, Execution};

/// Executions that wait for the next event: about as many as events are executed at once.
const MAX_IDLE: usize = 8;

/// What executions have in common that may be shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PoolKey {
    pub(super) reader: Reader,
    pub(super) query: Arc<str>,
    pub(super) operation_name: Option<Arc<str>>,
    /// As JSON, without those that sources are made from.
    pub(super) variables: String,
}

/// Executions that several groups share.
pub(super) struct Pool {
    engine: Engine,
    key: PoolKey,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    execution: Execution,
    since: Instant,
}

/// What a group shares, and what is its own.
#[derive(Clone)]
pub(super) struct Share {
    pub(super) pool: Arc<Pool>,
    pub(super) source: AnySource,
}

impl Pool {
    pub(super) const fn new(engine: Engine, key: PoolKey) -> Self {
        Self { engine, key, idle: Mutex::new(Vec::new()) }
    }

    /// One that waits, if there is one: the one that came last, so that those which are too many grow old.
    pub(super) fn take(&self) -> Option<Execution> {
        self.idle().pop().map(|idle| idle.execution)
    }

    /// `execution` waits for the next event.
    pub(super) fn put(&self, execution: Execution) {
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE {
            idle.push(Idle { execution, since: Instant::now() });
            return;
        }
        drop(idle);
        // outside the lock: it may own much
        drop(execution);
    }

    /// Forgets those that have waited for `long`.
    pub(super) fn forget(&self, long: Duration) {
        let mut idle = self.idle();
        let old: Vec<Idle> = idle.extract_if(.., |idle| idle.since.elapsed() >= long).collect();
        drop(idle);
        drop(old);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.engine.forget_pool(&self.key);
    }
}
