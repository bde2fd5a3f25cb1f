//! The workers of one instance.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use entity::job;
use futures_util::FutureExt as _;
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{ColumnTrait as _, DbBackend, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Counters, Failure, Handlers, Job, Schedule};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, retry};
use crate::platform::error::Result;
use crate::platform::ids::Ids;

/// How often the due jobs are looked for, besides after each commit that wrote one.
const EVERY: Duration = Duration::from_millis(250);

/// How much one worker does at once.
#[derive(Debug, Clone, Copy)]
pub struct Hands {
    /// Jobs.
    pub all: usize,
    /// Jobs of one group; those without a group are each on their own.
    pub of_group: usize,
    /// Jobs of groups of which another is being done, all groups together. The rest is for those of which none is: with as many hands
    /// besides as there are groups, none waits for another, however slow they are.
    pub shared: usize,
}

impl Hands {
    /// Those of a worker that is not given others.
    const USUAL: Self = Self { all: 8, of_group: 8, shared: 8 };

    /// Whether there is one for a group of which `count` are being done, while so many are of each that is `busy`.
    fn has_one(&self, busy: &HashMap<String, usize>, count: usize) -> bool {
        let shared: usize = busy.values().map(|count| count.saturating_sub(1)).sum();
        count == 0 || (count < self.of_group && shared < self.shared)
    }
}

/// How long a job may take.
const PATIENCE: Duration = Duration::from_secs(45);

/// How long a job is left to whoever took it: longer than it may take, so that two never do it at once.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// How many attempts in which its worker died are not held against a job. Whatever happens to servers happens to one job seldom; what
/// was begun more often than that and never ended may be what they die of.
const FORGIVEN: i32 = 5;

/// What is said of a job that was given up without another attempt.
const DEADLY: &str = "the workers that tried it died, again and again";

/// How long is waited at least until more of the queue is looked through than its beginning, for what is of groups that have a hand
/// left: and ten times as long as the last time took.
const DEEP: Duration = EVERY;

/// Does what is due.
#[derive(Debug, Clone)]
pub struct Worker {
    db: Db,
    clock: Clock,
    ids: Ids,
    handlers: Handlers,
    counters: Counters,
    hands: Hands,
    /// The groups of what is being done.
    busy: Arc<Mutex<HashMap<String, usize>>>,
    /// Until when no more of the queue is looked through than its beginning.
    shallow: Arc<Mutex<Option<Instant>>>,
}

impl Worker {
    /// A worker that knows `handlers`. Jobs of other kinds are left to those who know them.
    #[must_use]
    pub fn new(db: Db, clock: Clock, ids: Ids, handlers: Handlers, counters: Counters) -> Self {
        counters.begin(handlers.0.keys().copied());
        Self { db, clock, ids, handlers, counters, hands: Hands::USUAL, busy: Arc::default(), shallow: Arc::default() }
    }

    /// The same with other hands.
    #[must_use]
    pub fn with_hands(self, hands: Hands) -> Self {
        Self { hands, ..self }
    }

    /// The kinds of jobs that it knows how to do.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.handlers.0.keys().copied()
    }

    /// Works until `stop`; what was begun is then brought to its end.
    pub async fn run(self, stop: CancellationToken) {
        let mut busy = JoinSet::new();
        let mut enqueued = self.db.enqueued();
        while !stop.is_cancelled() {
            match self.take(self.hands.all - busy.len()).await {
                Ok(due) => {
                    let may_be_more = !due.is_empty();
                    for (job, place) in due {
                        let worker = self.clone();
                        busy.spawn(async move {
                            worker.perform(job).await;
                            drop(place);
                        });
                    }
                    // of a group that has no hand left, others may stand before those of another
                    if may_be_more && busy.len() < self.hands.all {
                        continue;
                    }
                }
                Err(error) => tracing::warn!(?error, "due jobs could not be looked for; trying again"),
            }
            tokio::select! {
                Some(_) = busy.join_next() => {}
                _ = enqueued.changed(), if busy.len() < self.hands.all => {}
                () = tokio::time::sleep(EVERY), if busy.len() < self.hands.all => {}
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
            let Some((job, _place)) = self.take(1).await?.pop() else { return Ok(count) };
            self.perform(job).await;
            count += 1;
        }
    }

    /// Takes up to `count` due jobs for as long as the lease lasts, each with its place among those of its group.
    async fn take(&self, count: usize) -> Result<Vec<(job::Model, Place)>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        // outside a transaction: most of the time there is nothing, and SQLite's writers wait for each other
        let reader = self.db.reader();
        let now = self.clock.db_now(reader).await?;
        let mut full = self.full_groups();
        let front = self.select_due(now, if full.is_empty() { 1 } else { count as u64 }, &[]).all(reader).await?;
        let is_all = front.len() < count && !full.is_empty();
        if !self.within_groups(front).is_empty() {
            full.clear();
        } else if full.is_empty() || is_all || !self.finds_deeper(now, &full).await? {
            return Ok(Vec::new());
        }
        let taken = retry(|| self.take_once(count, &full)).await?;
        let placed = |job: job::Model| {
            let place = self.place(job.group_key.as_deref());
            (job, place)
        };
        Ok(taken.into_iter().map(placed).collect())
    }

    /// Whether there is something to do behind the beginning of the queue, all of which is of groups that are `full`: behind
    /// thousands for a server that says nothing there may be some for others. To look costs as much as the queue is long, so it is
    /// not done after each job.
    async fn finds_deeper(&self, now: DateTime<Utc>, full: &[String]) -> Result<bool> {
        let shallow = || self.shallow.lock().unwrap_or_else(PoisonError::into_inner);
        let began = Instant::now();
        if shallow().is_some_and(|until| began < until) {
            return Ok(false);
        }
        let found = self.select_due(now, 1, full).one(self.db.reader()).await?;
        *shallow() = Some(Instant::now() + DEEP.max(began.elapsed() * 10));
        Ok(found.is_some())
    }

    async fn take_once(&self, count: usize, full: &[String]) -> Result<Vec<job::Model>> {
        use sea_orm::sea_query::ExprTrait as _;

        let tx = self.db.begin().await?;
        let now = self.clock.db_now(&*tx).await?;
        let mut due = self.select_due(now, count as u64, full);
        if self.db.backend() == DbBackend::Postgres {
            // what another instance is about to take is not waited for
            due = due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        }
        let ids = self.within_groups(due.all(&*tx).await?);
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

    fn select_due(&self, now: DateTime<Utc>, limit: u64, full: &[String]) -> sea_orm::Select<job::Entity> {
        let mut due = job::Entity::find()
            .filter(job::Column::DiedAt.is_null())
            .filter(job::Column::RunAt.lte(now))
            .filter(job::Column::Kind.is_in(self.handlers.0.keys().copied()));
        if !full.is_empty() {
            let is_free = job::Column::GroupKey.is_not_in(full.iter().map(String::as_str));
            due = due.filter(sea_orm::Condition::any().add(job::Column::GroupKey.is_null()).add(is_free));
        }
        due.order_by_asc(job::Column::RunAt).order_by_asc(job::Column::Id).limit(limit)
    }

    /// Of which groups no more may be done now.
    fn full_groups(&self) -> Vec<String> {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.iter().filter(|(_, count)| !self.hands.has_one(&busy, **count)).map(|(group, _)| group.clone()).collect()
    }

    /// The ids of those of `due` for which their group has a hand left.
    fn within_groups(&self, due: Vec<job::Model>) -> Vec<Uuid> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut has_hand = |job: &job::Model| {
            let Some(group) = &job.group_key else { return true };
            let has_one = self.hands.has_one(&busy, busy.get(group).copied().unwrap_or_default());
            if has_one {
                *busy.entry(group.clone()).or_default() += 1;
            }
            has_one
        };
        due.into_iter().filter(|job| has_hand(job)).map(|job| job.id).collect()
    }

    fn place(&self, group: Option<&str>) -> Place {
        if let Some(group) = group {
            *self.busy.lock().unwrap_or_else(PoisonError::into_inner).entry(group.to_owned()).or_default() += 1;
        }
        Place { busy: Arc::clone(&self.busy), group: group.map(str::to_owned) }
    }

    /// Does `job`, and writes down what came of it.
    async fn perform(&self, job: job::Model) {
        let span = tracing::info_span!("job", kind = job.kind, attempt = number(&job));
        self.perform_unseen(job).instrument(span).await;
    }

    async fn perform_unseen(&self, job: job::Model) {
        // drawn before it is begun: whoever does it may want to say when it comes again
        let schedule = self.handlers.0.get(job.kind.as_str()).map_or(Schedule::USUAL, |handler| handler.schedule);
        let attempt = number(&job);
        let pause = schedule.pause(attempt, &self.ids);
        let began = Instant::now();
        let outcome = if attempt > schedule.attempts {
            Err(Failure::Final(DEADLY.to_owned()))
        } else {
            self.work(&job, attempt, pause).await
        };
        // what only waits for others has not failed
        let is_done = matches!(outcome, Ok(()) | Err(Failure::Later(..)));
        if let Some((kind, _)) = self.handlers.0.get_key_value(job.kind.as_str()) {
            self.counters.count(kind, is_done, began.elapsed());
        }
        let written = match &outcome {
            Ok(()) => self.remove(&job).await,
            Err(failure) => self.put_off(&job, failure, pause).await,
        };
        if let Err(error) = written {
            // it is due again when its lease ends
            tracing::warn!(?error, kind = job.kind, "what came of a job could not be written down");
        }
    }

    async fn work(&self, job: &job::Model, attempt: i32, pause: Option<TimeDelta>) -> Result<(), Failure> {
        let Some(handler) = self.handlers.0.get(job.kind.as_str()) else {
            return Err(Failure::Again("nobody here knows how".to_owned()));
        };
        let todo = Job { key: job.key.clone(), attempt, pause, payload: job.payload.clone() };
        let work = AssertUnwindSafe((handler.work)(todo)).catch_unwind();
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

    async fn put_off(&self, job: &job::Model, failure: &Failure, pause: Option<TimeDelta>) -> Result<()> {
        if let Failure::Later(why, payload, pause) = failure {
            return self.keep(job, why, payload, *pause).await;
        }
        self.counters.count_failed();
        let now = self.clock.db_now(self.db.reader()).await?;
        let later = pause.map(|pause| now + pause);
        let (error, next) = match failure {
            Failure::Again(error) | Failure::AgainWith(error, _) | Failure::Later(error, ..) => (error, later),
            Failure::AgainAt(error, at) => (error, later.map(|_| *at)),
            Failure::Final(error) => (error, None),
        };
        let mut update = job::Entity::update_many()
            .col_expr(job::Column::LastError, Expr::value(error.as_str()))
            .col_expr(job::Column::EndedAttempts, Expr::value(job.ended_attempts + 1));
        if let Failure::AgainWith(_, payload) = failure {
            update = update.col_expr(job::Column::Payload, Expr::value(payload.clone()));
        }
        let job::Model { kind, key, attempts, .. } = job;
        if let Some(next) = next {
            tracing::warn!(kind, key, attempts, error, "a job failed; trying again later");
            update = update.col_expr(job::Column::RunAt, Expr::value(next));
        } else {
            tracing::error!(kind, key, attempts, error, "a job was given up");
            update = update.col_expr(job::Column::DiedAt, Expr::value(now));
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
            .col_expr(job::Column::EndedAttempts, Expr::value(0))
            .col_expr(job::Column::Payload, Expr::value(payload.clone()))
            .col_expr(job::Column::LastError, Expr::value(why))
            .col_expr(job::Column::RunAt, Expr::value(now + pause));
        update.filter(Self::mine(job)).exec(self.db.writer()).await?;
        Ok(())
    }
}

/// The how manieth attempt at `job` this is, which was taken for it, without those in which its worker died, as far as they are
/// forgiven.
fn number(job: &job::Model) -> i32 {
    let lost = (job.attempts - 1 - job.ended_attempts).clamp(0, FORGIVEN);
    job.attempts - lost
}

/// The place of a job among those of its group; free again when this is dropped.
struct Place {
    busy: Arc<Mutex<HashMap<String, usize>>>,
    group: Option<String>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(group) = &self.group else { return };
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = busy.get_mut(group) {
            *count -= 1;
            if *count == 0 {
                busy.remove(group);
            }
        }
    }
}
