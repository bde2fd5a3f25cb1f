//! Jobs: work that follows from a transaction and does not fit into it, such as a call of another server.
//!
//! A job is written in the transaction that asks for it, and is there after the commit or not at all. Every instance works:
//! each due job is taken by one of them, by moving the time at which it is due to when the lease ends. A worker that dies
//! does nothing more about it, and the job is due again by itself. So a job is done at least once, and sometimes twice: what
//! it does must do no harm the second time.
//!
//! What fails is tried again, later each time, until it has failed too often: then it is dead, and stays in the table, where
//! the metrics count it, until somebody looks and has it tried again, or discards it. How often and when is a matter of the
//! kind of job: its [`Schedule`]. What only waits for others is looked at as often as it takes. An attempt in which its worker
//! died is not held against a job, unless that happens again and again: then it may be the job that kills.
//!
//! A worker has so many hands. Work that may be slow for long has a worker of its own, so that nothing else waits behind it;
//! and jobs of one group, such as those for one server, are done by few hands at once, so that the others wait for none of it.

mod schedule;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::job;
use futures_util::future::BoxFuture;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::db::Tx;
use super::error::{Error, Result};
use super::page::{self, Page, PageArgs, Sort};
pub use schedule::Schedule;
pub use worker::{Hands, Worker};

/// A job about to be written.
#[derive(Debug)]
pub struct NewJob<'a, P> {
    /// Its own.
    pub id: Uuid,
    /// What is to be done: the name of a handler, such as `payments.refund`.
    pub kind: &'static str,
    /// With what. There is one job of a kind and key: the new one takes the place of one that is there, whatever became of it.
    pub key: String,
    /// What the work needs to know. No secrets.
    pub payload: &'a P,
    /// The earliest time at which it is done.
    pub run_at: DateTime<Utc>,
    /// Now, by the database's clock.
    pub at: DateTime<Utc>,
}

/// Writes `new` in `tx`. A job of this kind and key that waits is forgotten for it, as is one that was given up. One that is
/// being done is done again, for what it saw may be from before `tx`: it has another id, by which its worker does not know it.
///
/// # Errors
/// When the payload cannot be written as JSON, or the database fails.
pub async fn enqueue<P: Serialize + Sync>(tx: &Tx, new: NewJob<'_, P>) -> Result<()> {
    enqueue_all(tx, None, [new]).await
}

/// The same for many, all of one group, if there is one: of a group an instance does few at once.
///
/// # Errors
/// Those of [`enqueue`].
pub async fn enqueue_all<'a, P: Serialize + Sync + 'a>(
    tx: &Tx,
    group: Option<&str>,
    new: impl IntoIterator<Item = NewJob<'a, P>>,
) -> Result<()> {
    let rows = new.into_iter().map(|new| row(group, new)).collect::<Result<Vec<_>>>()?;
    let all_but_the_key = [
        job::Column::Id,
        job::Column::GroupKey,
        job::Column::Payload,
        job::Column::Attempts,
        job::Column::EndedAttempts,
        job::Column::RunAt,
        job::Column::LastError,
        job::Column::CreatedAt,
        job::Column::DiedAt,
    ];
    let instead = OnConflict::columns([job::Column::Kind, job::Column::Key]).update_columns(all_but_the_key).to_owned();
    for rows in rows.chunks(500) {
        job::Entity::insert_many(rows.to_vec()).on_conflict(instead.clone()).exec_without_returning(&**tx).await?;
        tx.mark_enqueued();
    }
    Ok(())
}

fn row<P: Serialize>(group: Option<&str>, new: NewJob<'_, P>) -> Result<job::ActiveModel> {
    Ok(job::ActiveModel {
        id: Set(new.id),
        kind: Set(new.kind.to_owned()),
        key: Set(new.key),
        group_key: Set(group.map(str::to_owned)),
        payload: Set(serde_json::to_value(new.payload)?),
        attempts: Set(0),
        ended_attempts: Set(0),
        run_at: Set(new.run_at),
        last_error: Set(None),
        created_at: Set(new.at),
        died_at: Set(None),
    })
}

/// A job that is to be done now.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its key.
    pub key: String,
    /// The how manieth attempt this is, from 1, without those in which a worker died.
    pub attempt: i32,
    /// How long after this attempt the next one comes, should it fail; none when it is the last.
    pub pause: Option<TimeDelta>,
    payload: Value,
}

impl Job {
    /// What the work needs to know.
    ///
    /// # Errors
    /// [`Failure::Final`] when it was written as something else.
    pub fn payload<P: DeserializeOwned>(&self) -> Result<P, Failure> {
        serde_json::from_value(self.payload.clone()).map_err(|error| Failure::Final(format!("its payload: {error}")))
    }
}

/// Why a job was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It may be done later. The text is for the operator.
    Again(String),
    /// It may be done later, with this payload in place of its own.
    AgainWith(String, Value),
    /// It may be done later, at this time. The text is for the operator.
    AgainAt(String, DateTime<Utc>),
    /// Nothing went wrong, and it is not at its end: with this payload it is looked at again after so long, as often as it
    /// takes. The text is for the operator.
    Later(String, Value, TimeDelta),
    /// It never will. The text is for the operator.
    Final(String),
}

impl Failure {
    /// It may be done later, with `payload`.
    pub fn again_with(error: String, payload: &impl Serialize) -> Self {
        match serde_json::to_value(payload) {
            Ok(payload) => Self::AgainWith(error, payload),
            Err(_) => Self::Again(error),
        }
    }

    /// It is to be looked at again after `pause`, with `payload`.
    pub fn later(why: String, payload: &impl Serialize, pause: TimeDelta) -> Self {
        match serde_json::to_value(payload) {
            Ok(payload) => Self::Later(why, payload, pause),
            Err(_) => Self::Again(why),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Fault(fault) => Self::Again(format!("{}: {}", fault.doing, fault.source)),
            Error::Rejected(rejection) => Self::Final(rejection.message),
            Error::Denied(denial) => Self::Final(format!("{denial:?}")),
        }
    }
}

type Work = Arc<dyn Fn(Job) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// How jobs of a kind are done.
#[derive(Clone)]
struct Handler {
    work: Work,
    schedule: Schedule,
}

/// Who does which kind of job.
#[derive(Clone, Default)]
pub struct Handlers(BTreeMap<&'static str, Handler>);

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Handlers {
    /// The same, with `handler` for jobs of `kind`, which are tried again for about four hours.
    #[must_use]
    pub fn with<Work>(self, kind: &'static str, handler: impl Fn(Job) -> Work + Send + Sync + 'static) -> Self
    where
        Work: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.with_schedule(kind, Schedule::USUAL, handler)
    }

    /// The same, with `handler` for jobs of `kind`, which are tried again by `schedule`.
    #[must_use]
    pub fn with_schedule<Work>(
        mut self,
        kind: &'static str,
        schedule: Schedule,
        handler: impl Fn(Job) -> Work + Send + Sync + 'static,
    ) -> Self
    where
        Work: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.0.insert(kind, Handler { work: Arc::new(move |job| Box::pin(handler(job))), schedule });
        self
    }
}

/// What the workers of an instance have counted since it started.
#[derive(Debug, Clone, Default)]
pub struct Counters(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    done: AtomicU64,
    failed: AtomicU64,
    /// No more than there are handlers.
    by_kind: Mutex<BTreeMap<&'static str, KindCounts>>,
}

/// What was counted of one kind of job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KindCounts {
    /// Jobs that were done.
    pub done: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// How long all attempts took together.
    pub time: Duration,
}

impl Counters {
    /// Jobs that were done.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    /// Attempts that failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// The same of each kind that is known here, with the time that it took.
    #[must_use]
    pub fn by_kind(&self) -> Vec<(&'static str, KindCounts)> {
        let counts = self.0.by_kind.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(kind, counts)| (*kind, *counts)).collect()
    }

    /// Counts from none on the kinds that a worker knows: what never happened yet is a zero, and not unknown.
    pub(super) fn begin(&self, kinds: impl Iterator<Item = &'static str>) {
        let mut counts = self.0.by_kind.lock().unwrap_or_else(PoisonError::into_inner);
        for kind in kinds {
            counts.entry(kind).or_default();
        }
    }

    /// Counts an attempt at a job of `kind`.
    pub(super) fn count(&self, kind: &'static str, is_done: bool, time: Duration) {
        let mut counts = self.0.by_kind.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = counts.entry(kind).or_default();
        counts.done += u64::from(is_done);
        counts.failed += u64::from(!is_done);
        counts.time += time;
    }

    fn count_done(&self) {
        self.0.done.fetch_add(1, Ordering::Relaxed);
    }

    fn count_failed(&self) {
        self.0.failed.fetch_add(1, Ordering::Relaxed);
    }
}

/// Jobs in the table: those that wait or are being done, and those that were given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// To be done.
    pub waiting: u64,
    /// Given up.
    pub dead: u64,
}

/// How many jobs there are.
///
/// # Errors
/// When the database fails.
pub async fn backlog(db: &impl ConnectionTrait) -> Result<Backlog> {
    let waiting = job::Entity::find().filter(job::Column::DiedAt.is_null()).count(db).await?;
    let dead = job::Entity::find().filter(job::Column::DiedAt.is_not_null()).count(db).await?;
    Ok(Backlog { waiting, dead })
}

/// Which of `keys` have a job of `kind` that waits or is being done.
///
/// # Errors
/// When the database fails.
pub async fn list_waiting(db: &impl ConnectionTrait, kind: &str, keys: &[String]) -> Result<BTreeSet<String>> {
    let waiting = job::Entity::find()
        .select_only()
        .column(job::Column::Key)
        .filter(job::Column::Kind.eq(kind))
        .filter(job::Column::Key.is_in(keys.iter().map(String::as_str)))
        .filter(job::Column::DiedAt.is_null());
    Ok(waiting.into_tuple::<String>().all(db).await?.into_iter().collect())
}

/// The most dead jobs that are listed.
const MAX_LISTED: u64 = 1_000;

/// Jobs that were given up, the latest first; at most a thousand.
///
/// # Errors
/// When the database fails.
pub async fn list_dead(db: &impl ConnectionTrait) -> Result<Vec<job::Model>> {
    let dead = job::Entity::find().filter(job::Column::DiedAt.is_not_null());
    Ok(dead.order_by_desc(job::Column::DiedAt).order_by_desc(job::Column::Id).limit(MAX_LISTED).all(db).await?)
}

/// A page of the jobs that were given up, those that were asked for last first.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn page_of_dead(db: &impl ConnectionTrait, args: &PageArgs) -> Result<Page<job::Model>> {
    let dead = job::Entity::find().filter(job::Column::DiedAt.is_not_null());
    let newest_first = Sort { column: None, id: job::Column::Id, is_descending: true };
    page::fetch(dead, args, newest_first, db, |job: &job::Model| (None, job.id), |_| None).await
}

/// Which of the jobs that were given up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dead<'a> {
    /// The one of this id.
    pub id: Option<Uuid>,
    /// Those of this kind.
    pub kind: Option<&'a str>,
}

/// Has the jobs that were given up tried again from now on, as often as new ones: all of them, or those that are what `which` says;
/// how many.
///
/// # Errors
/// When the database fails.
pub async fn revive(tx: &Tx, which: Dead<'_>, now: DateTime<Utc>) -> Result<u64> {
    let Dead { id, kind } = which;
    let mut update = job::Entity::update_many()
        .col_expr(job::Column::DiedAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(job::Column::Attempts, Expr::value(0))
        .col_expr(job::Column::EndedAttempts, Expr::value(0))
        .col_expr(job::Column::RunAt, Expr::value(now))
        .filter(job::Column::DiedAt.is_not_null());
    if let Some(id) = id {
        update = update.filter(job::Column::Id.eq(id));
    }
    if let Some(kind) = kind {
        update = update.filter(job::Column::Kind.eq(kind));
    }
    let revived = update.exec(&**tx).await?.rows_affected;
    tx.mark_enqueued();
    Ok(revived)
}

/// Removes those of the jobs that were given up which are what `which` says and of one of `kinds`: nobody will do them. How many.
///
/// # Errors
/// When the database fails.
pub async fn discard(tx: &Tx, which: Dead<'_>, kinds: &[&str]) -> Result<u64> {
    let Dead { id, kind } = which;
    let mut delete = job::Entity::delete_many()
        .filter(job::Column::DiedAt.is_not_null())
        .filter(job::Column::Kind.is_in(kinds.iter().copied()));
    if let Some(id) = id {
        delete = delete.filter(job::Column::Id.eq(id));
    }
    if let Some(kind) = kind {
        delete = delete.filter(job::Column::Kind.eq(kind));
    }
    Ok(delete.exec(&**tx).await?.rows_affected)
}

/// Removes up to `limit` jobs of `kinds` that were given up before `before`; how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_old_dead(db: &impl ConnectionTrait, kinds: &[&str], before: DateTime<Utc>, limit: u64) -> Result<u64> {
    let old: Vec<Uuid> = job::Entity::find()
        .select_only()
        .column(job::Column::Id)
        .filter(job::Column::DiedAt.lt(before))
        .filter(job::Column::Kind.is_in(kinds.iter().copied()))
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    // one of them may be tried again since
    let delete = job::Entity::delete_many()
        .filter(job::Column::Id.is_in(old))
        .filter(job::Column::DiedAt.lt(before))
        .exec(db)
        .await?;
    Ok(delete.rows_affected)
}

#[cfg(test)]
pub(crate) mod tests;
