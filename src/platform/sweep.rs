//! Looking every so often for what is due, and ending it; and for what is old, and removing it.
//!
//! Every instance sweeps, so what a sweep does must be a conditional change that is made once however many try.
//!
//! What cannot be ended keeps nothing else waiting. It is set aside, and becomes a job of its own ([`OVERDUE`]), which is tried again
//! later each time, and is listed for the operator when it is given up. A sweep that cannot be made at all is made again, later each time.

use std::time::{Duration, Instant};

use entity::job;
use sea_orm::sea_query::{BinOper, Expr, Func, IntoColumnRef, Query};
use sea_orm::{DbBackend, ExprTrait as _};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::clock::Clock;
use super::db::{Db, retry};
use super::error::Result;
use super::ids::Ids;
use super::jobs::{self, Counters, Failure, Job, NewJob};

/// The job that ends what a sweep set aside.
pub const OVERDUE: &str = "sweeps.overdue";

/// How often is looked: what is due ends within a second of its time, the sweep itself included.
const EVERY: Duration = Duration::from_millis(250);

/// The longest pause after sweeps that failed.
const LONGEST: Duration = Duration::from_secs(30);

/// The pause after the first clean-up that failed.
const SOON: Duration = Duration::from_secs(1);

/// Ended in one sweep; the next follows at once when there are more.
pub const BATCH: u64 = 100;

/// What a sweep came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// How many were due.
    pub found: usize,
    /// Those of them that need no other look.
    pub ended: usize,
}

impl Swept {
    /// Whether there may be more, and something can be done about them: when nothing can, not again at once.
    const fn is_full(self) -> bool {
        self.found as u64 == BATCH && self.ended > 0
    }
}

/// What was set aside: by which sweep, and its id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Overdue {
    /// The name of the sweep.
    pub sweep: String,
    /// The id of what is due.
    pub id: Uuid,
}

impl Overdue {
    /// What `job` is to end.
    ///
    /// # Errors
    /// When it is a job of another kind.
    pub fn of(job: &Job) -> Result<Self, Failure> {
        job.payload()
    }
}

/// Sweeps of one kind, or clean-ups.
#[derive(Debug, Clone)]
pub struct Sweeper {
    db: Db,
    clock: Clock,
    ids: Ids,
    counters: Counters,
    name: &'static str,
}

impl Sweeper {
    /// Those called `name`, which are counted by `counters`.
    #[must_use]
    pub fn new(db: Db, clock: Clock, ids: Ids, counters: Counters, name: &'static str) -> Self {
        counters.begin([name].into_iter());
        Self { db, clock, ids, counters, name }
    }

    /// Sweeps until `stop`.
    pub async fn run<Sweep>(&self, stop: CancellationToken, sweep: impl Fn() -> Sweep)
    where
        Sweep: Future<Output = Result<Swept>>,
    {
        let mut failures = 0;
        loop {
            let began = Instant::now();
            let swept = sweep().await;
            // nothing could be ended, nor be set aside
            let is_done = swept.as_ref().is_ok_and(|swept| swept.found == 0 || swept.ended > 0);
            self.note(swept.as_ref().err(), is_done, began, &mut failures);
            let pause = match swept {
                Ok(swept) if swept.is_full() => Duration::ZERO,
                _ => later(EVERY, failures, LONGEST),
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Cleans up by `once` until `stop`: at once, and then after each `pause`, or within half a minute of one that failed. Instances may do so at
    /// once: what one removed, the other does not find.
    pub async fn clean_up<Once>(&self, pause: Duration, stop: CancellationToken, once: impl Fn() -> Once)
    where
        Once: Future<Output = Result<()>>,
    {
        let mut failures = 0;
        loop {
            let began = Instant::now();
            let cleaned = once().await;
            self.note(cleaned.as_ref().err(), cleaned.is_ok(), began, &mut failures);
            let pause = until_next(failures, pause);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Ends each of `due` by `end`. One that cannot be ended is set aside, by its `id`.
    pub async fn each<'a, Due, End>(&self, due: &'a [Due], id: impl Fn(&Due) -> Uuid, end: impl Fn(&'a Due) -> End) -> Swept
    where
        End: Future<Output = Result<()>>,
    {
        let mut ended = 0;
        for one in due {
            let is_ended = match end(one).await {
                Ok(()) => true,
                Err(error) => {
                    let id = id(one);
                    tracing::warn!(?error, %id, sweep = self.name, "what is due could not be ended and is set aside");
                    self.set_aside(id).await
                }
            };
            ended += usize::from(is_ended);
        }
        Swept { found: due.len(), ended }
    }

    /// Leaves it to a job; whether that could be done. While the database is away it cannot.
    async fn set_aside(&self, id: Uuid) -> bool {
        let job = || async {
            let tx = self.db.begin().await?;
            let at = self.clock.db_now(&*tx).await?;
            let payload = &Overdue { sweep: self.name.to_owned(), id };
            let key = format!("{}{}", prefix(self.name), id.simple());
            jobs::enqueue(&tx, NewJob { id: self.ids.uuid(), kind: OVERDUE, key, payload, run_at: at, at }).await?;
            tx.commit().await
        };
        let result = retry(job).await;
        if let Err(error) = &result {
            tracing::warn!(?error, %id, sweep = self.name, "nor could it be set aside");
        }
        result.is_ok()
    }

    fn note(&self, error: Option<&super::Error>, is_done: bool, began: Instant, failures: &mut u32) {
        self.counters.count(self.name, is_done, began.elapsed());
        *failures = if is_done { 0 } else { failures.saturating_add(1) };
        if let Some(error) = error {
            tracing::warn!(?error, sweep = self.name, failures, "a sweep could not be made; trying again later");
        }
    }
}

/// Of rows whose id is `id`, those that the sweep called `name` has not set aside.
#[must_use]
pub fn is_not_aside(name: &str, id: impl IntoColumnRef, backend: DbBackend) -> Expr {
    let id = Expr::col(id);
    // as `set_aside` writes it
    let hex = match backend {
        DbBackend::Postgres => Func::cust("replace").args([id.cast_as("text"), Expr::val("-"), Expr::val("")]),
        _ => Func::lower(Func::cust("hex").arg(id)),
    };
    let key = Expr::val(prefix(name)).binary(BinOper::Custom("||"), hex);
    let aside = Query::select()
        .expr(Expr::val(1))
        .from(job::Entity)
        .and_where(Expr::col((job::Entity, job::Column::Kind)).eq(OVERDUE))
        .and_where(Expr::col((job::Entity, job::Column::Key)).eq(key))
        .take();
    Expr::not_exists(aside)
}

/// What the keys of jobs begin with.
fn prefix(name: &str) -> String {
    format!("{name}:")
}

/// `usual`, doubled for each of `failures`, but no longer than `most`.
fn later(usual: Duration, failures: u32, most: Duration) -> Duration {
    2_u32.checked_pow(failures).and_then(|times| usual.checked_mul(times)).map_or(most, |pause| pause.min(most))
}

/// The pause after a clean-up, the last `failures` of which have failed: those are made again as soon as sweeps are, however seldom
/// they are due, or whoever watches them would take an hour without a failure for a success.
fn until_next(failures: u32, pause: Duration) -> Duration {
    if failures == 0 { pause } else { later(SOON, failures - 1, LONGEST.min(pause)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_sweep_follows_at_once_when_there_is_more_that_can_be_done() {
        let full = usize::try_from(BATCH).unwrap();
        assert!(Swept { found: full, ended: 1 }.is_full());
        assert!(!Swept { found: full, ended: 0 }.is_full(), "a hundred that always fail would be tried without a pause");
        assert!(!Swept { found: full - 1, ended: full - 1 }.is_full());
    }

    #[test]
    fn after_each_failure_the_pause_is_longer_up_to_a_bound() {
        let pauses: Vec<u64> = [0, 1, 2, 5, 6, 7, 31, 32, u32::MAX]
            .map(|failures| u64::try_from(later(EVERY, failures, LONGEST).as_millis()).unwrap())
            .into();
        assert_eq!(pauses, [250, 500, 1_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn a_clean_up_that_failed_is_made_again_as_soon_as_a_sweep() {
        let seconds =
            |pause| [0, 1, 2, 5, 6, u32::MAX].map(|failures| until_next(failures, Duration::from_secs(pause)).as_secs());
        assert_eq!(seconds(3_600), [3_600, 1, 2, 16, 30, 30]);
        assert_eq!(seconds(10), [10, 1, 2, 10, 10, 10]);
    }
}
