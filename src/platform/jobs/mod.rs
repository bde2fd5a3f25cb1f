//! Jobs: work that follows from a transaction and does not fit into it, such as a call of another server.
//!
//! A job is written in the transaction that asks for it, and is there after the commit or not at all. Every instance works:
//! each due job is taken by one of them, by moving the time at which it is due to when the lease ends. A worker that dies
//! does nothing more about it, and the job is due again by itself. So a job is done at least once, and sometimes twice: what
//! it does must do no harm the second time.
//!
//! What fails is tried again, later each time, until it has failed too often: then it is dead, and stays in the table, where
//! the metrics count it, until somebody looks.

mod worker;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use entity::job;
use futures_util::future::BoxFuture;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::db::Tx;
use super::error::{Error, Result};
pub use worker::Worker;

/// A job about to be written.
#[derive(Debug)]
pub struct NewJob<'a, P> {
    /// Its own.
    pub id: Uuid,
    /// What is to be done: the name of a handler, such as `payments.refund`.
    pub kind: &'static str,
    /// With what. As long as a job of this kind and key waits, another is not written.
    pub key: String,
    /// What the work needs to know. No secrets.
    pub payload: &'a P,
    /// The earliest time at which it is done.
    pub run_at: DateTime<Utc>,
    /// Now, by the database's clock.
    pub at: DateTime<Utc>,
}

/// Writes `new` in `tx`; whether it was written, and not there already.
///
/// # Errors
/// When the payload cannot be written as JSON, or the database fails.
pub async fn enqueue<P: Serialize + Sync>(tx: &Tx, new: NewJob<'_, P>) -> Result<bool> {
    let row = job::ActiveModel {
        id: Set(new.id),
        kind: Set(new.kind.to_owned()),
        key: Set(new.key),
        payload: Set(serde_json::to_value(new.payload)?),
        attempts: Set(0),
        run_at: Set(new.run_at),
        last_error: Set(None),
        created_at: Set(new.at),
        died_at: Set(None),
    };
    let unless_it_waits = OnConflict::columns([job::Column::Kind, job::Column::Key]).do_nothing().to_owned();
    let written = job::Entity::insert(row).on_conflict(unless_it_waits).exec_without_returning(&**tx).await?;
    tx.mark_enqueued();
    Ok(written == 1)
}

/// A job that is to be done now.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its key.
    pub key: String,
    /// The how manieth attempt this is, from 1.
    pub attempt: i32,
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
    /// It never will. The text is for the operator.
    Final(String),
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

type Handler = Arc<dyn Fn(Job) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// Who does which kind of job.
#[derive(Clone, Default)]
pub struct Handlers(BTreeMap<&'static str, Handler>);

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Handlers {
    /// The same, with `handler` for jobs of `kind`.
    #[must_use]
    pub fn with<Work>(mut self, kind: &'static str, handler: impl Fn(Job) -> Work + Send + Sync + 'static) -> Self
    where
        Work: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.0.insert(kind, Arc::new(move |job| Box::pin(handler(job))));
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

#[cfg(test)]
mod tests;
