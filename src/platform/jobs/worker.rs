//! The workers of one instance.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::job;
use futures_util::FutureExt as _;
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{ColumnTrait as _, DbBackend, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Counters, Failure, Handlers, Job};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, retry};
use crate::platform::error::Result;
use crate::platform::ids::Ids;

/// How often the due jobs are looked for, besides after each commit that wrote one.
const EVERY: Duration = Duration::from_millis(250);

/// Jobs done at once by one instance.
const WORKERS: usize = 8;

/// How long a job may take.
const PATIENCE: Duration = Duration::from_secs(45);

/// How long a job is left to whoever took it: longer than it may take, so that two never do it at once.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// Attempts after which a job is given up: about four hours after the first.
pub(super) const ATTEMPTS: i32 = 22;

/// The longest pause between two attempts.
const LONGEST: TimeDelta = TimeDelta::minutes(20);

/// Does what is due.
#[derive(Debug, Clone)]
pub struct Worker {
    db: Db,
    clock: Clock,
    ids: Ids,
    handlers: Handlers,
    counters: Counters,
}

impl Worker {
    /// A worker that knows `handlers`. Jobs of other kinds are left to those who know them.
    #[must_use]
    pub const fn new(db: Db, clock: Clock, ids: Ids, handlers: Handlers, counters: Counters) -> Self {
        Self { db, clock, ids, handlers, counters }
    }

    /// Works until `stop`; what was begun is then brought to its end.
    pub async fn run(self, stop: CancellationToken) {
        let mut busy = JoinSet::new();
        while !stop.is_cancelled() {
            match self.take(WORKERS - busy.len()).await {
                Ok(due) => {
                    for job in due {
                        let worker = self.clone();
                        busy.spawn(async move { worker.perform(job).await });
                    }
                }
                Err(error) => tracing::warn!(?error, "due jobs could not be looked for; trying again"),
            }
            tokio::select! {
                Some(_) = busy.join_next() => {}
                () = self.db.enqueued().notified(), if busy.len() < WORKERS => {}
                () = tokio::time::sleep(EVERY), if busy.len() < WORKERS => {}
                () = stop.cancelled() => {}
            }
        }
        while busy.join_next().await.is_some() {}
    }

    /// Does all that is due now, one after the other; how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<usize> {
        let mut count = 0;
        loop {
            let Some(job) = self.take(1).await?.pop() else { return Ok(count) };
            self.perform(job).await;
            count += 1;
        }
    }

    /// Takes up to `count` due jobs for as long as the lease lasts.
    async fn take(&self, count: usize) -> Result<Vec<job::Model>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        // outside a transaction: most of the time there is nothing, and SQLite's writers wait for each other
        let reader = self.db.reader();
        let now = self.clock.db_now(reader).await?;
        if self.select_due(now, 1).one(reader).await?.is_none() {
            return Ok(Vec::new());
        }
        retry(|| self.take_once(count)).await
    }

    async fn take_once(&self, count: usize) -> Result<Vec<job::Model>> {
        use sea_orm::sea_query::ExprTrait as _;

        let tx = self.db.begin().await?;
        let now = self.clock.db_now(&*tx).await?;
        let mut due = self.select_due(now, count as u64);
        if self.db.backend() == DbBackend::Postgres {
            // what another instance is about to take is not waited for
            due = due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        }
        let ids: Vec<_> = due.all(&*tx).await?.into_iter().map(|job| job.id).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let taken = job::Entity::update_many()
            .col_expr(job::Column::Attempts, Expr::col(job::Column::Attempts).add(1))
            .col_expr(job::Column::RunAt, Expr::value(now + LEASE))
            .filter(job::Column::Id.is_in(ids))
            .exec_with_returning(&*tx)
            .await?;
        tx.commit().await?;
        Ok(taken)
    }

    fn select_due(&self, now: DateTime<Utc>, limit: u64) -> sea_orm::Select<job::Entity> {
        job::Entity::find()
            .filter(job::Column::DiedAt.is_null())
            .filter(job::Column::RunAt.lte(now))
            .filter(job::Column::Kind.is_in(self.handlers.0.keys().copied()))
            .order_by_asc(job::Column::RunAt)
            .order_by_asc(job::Column::Id)
            .limit(limit)
    }

    /// Does `job`, and writes down what came of it.
    async fn perform(&self, job: job::Model) {
        let outcome = self.work(&job).await;
        let written = match &outcome {
            Ok(()) => self.remove(&job).await,
            Err(failure) => self.put_off(&job, failure).await,
        };
        if let Err(error) = written {
            // it is due again when its lease ends
            tracing::warn!(?error, kind = job.kind, "what came of a job could not be written down");
        }
    }

    async fn work(&self, job: &job::Model) -> Result<(), Failure> {
        let Some(handler) = self.handlers.0.get(job.kind.as_str()) else {
            return Err(Failure::Again("nobody here knows how".to_owned()));
        };
        let todo = Job { key: job.key.clone(), attempt: job.attempts, payload: job.payload.clone() };
        let work = AssertUnwindSafe(handler(todo)).catch_unwind();
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Failure::Again("it panicked".to_owned())),
            Err(_) => Err(Failure::Again("it took too long".to_owned())),
        }
    }

    /// The job as it was taken: had its lease ended in between, it would be another's.
    fn mine(job: &job::Model) -> sea_orm::Condition {
        sea_orm::Condition::all().add(job::Column::Id.eq(job.id)).add(job::Column::Attempts.eq(job.attempts))
    }

    async fn remove(&self, job: &job::Model) -> Result<()> {
        self.counters.count_done();
        job::Entity::delete_many().filter(Self::mine(job)).exec(self.db.writer()).await?;
        Ok(())
    }

    async fn put_off(&self, job: &job::Model, failure: &Failure) -> Result<()> {
        if let Failure::Later(why, payload, pause) = failure {
            return self.keep(job, why, payload, *pause).await;
        }
        self.counters.count_failed();
        let (error, is_final) = match failure {
            Failure::Again(error) | Failure::AgainWith(error, _) | Failure::Later(error, ..) => {
                (error, job.attempts >= ATTEMPTS)
            }
            Failure::Final(error) => (error, true),
        };
        let now = self.clock.db_now(self.db.reader()).await?;
        let mut update = job::Entity::update_many().col_expr(job::Column::LastError, Expr::value(error.as_str()));
        if let Failure::AgainWith(_, payload) = failure {
            update = update.col_expr(job::Column::Payload, Expr::value(payload.clone()));
        }
        if is_final {
            tracing::error!(kind = job.kind, key = job.key, attempts = job.attempts, error, "a job was given up");
            update = update.col_expr(job::Column::DiedAt, Expr::value(now));
        } else {
            tracing::warn!(
                kind = job.kind,
                key = job.key,
                attempts = job.attempts,
                error,
                "a job failed; trying again later"
            );
            update = update.col_expr(job::Column::RunAt, Expr::value(now + pause(job.attempts, &self.ids)));
        }
        update.filter(Self::mine(job)).exec(self.db.writer()).await?;
        Ok(())
    }

    /// Leaves the job for later, as if it had not been tried yet.
    async fn keep(&self, job: &job::Model, why: &str, payload: &serde_json::Value, pause: TimeDelta) -> Result<()> {
        let now = self.clock.db_now(self.db.reader()).await?;
        tracing::info!(kind = job.kind, key = job.key, why, %pause, "a job waits");
        let update = job::Entity::update_many()
            // attempts count from the start: by another id, nobody who had it before takes it for theirs
            .col_expr(job::Column::Id, Expr::value(self.ids.uuid()))
            .col_expr(job::Column::Attempts, Expr::value(0))
            .col_expr(job::Column::Payload, Expr::value(payload.clone()))
            .col_expr(job::Column::LastError, Expr::value(why))
            .col_expr(job::Column::RunAt, Expr::value(now + pause));
        update.filter(Self::mine(job)).exec(self.db.writer()).await?;
        Ok(())
    }
}

/// How long after the attempt of this number the next one comes: twice as long each time, and up to a quarter more at random,
/// so that what failed together does not come back together.
pub(super) fn pause(attempt: i32, ids: &Ids) -> TimeDelta {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(20);
    let base = TimeDelta::seconds(1_i64 << doublings).min(LONGEST);
    let most = u64::try_from(base.num_milliseconds() / 4).unwrap_or(0);
    base + TimeDelta::milliseconds(i64::try_from(ids.below(most.max(1))).unwrap_or(0))
}
