//! Consumers: what follows from events, such as a notification, a webhook or a figure of a report.
//!
//! A consumer reads the whole log by position, batch by batch. What it makes of a batch is committed together with how far it
//! has read, under the lock of the row that says so: whichever instance does it, and wherever it dies, each event has its
//! effects once. What must leave the database, such as an e-mail, is a job ([`super::jobs`]) written there.
//!
//! An event that a consumer cannot take does not keep the others waiting for good. Tried a few times, it is set aside, and
//! becomes a job of its own, which is tried again later each time, and is listed for the operator when it is given up.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use entity::{consumer, event, skipped_event as skipped};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{
    Expr, Func, IntoTableRef as _, LockBehavior, LockType, OnConflict, Query, SelectStatement, TableRef, UnionType,
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::bus::Message;
use super::clock::Clock;
use super::db::{Db, Tx, retry};
use super::error::{Error, Result};
use super::ids::Ids;
use super::jobs::{self, Failure, Job, NewJob};
use super::relay;

/// The job that takes an event which was set aside.
pub const SKIPPED: &str = "consumers.skipped";

/// Events taken in one transaction: SQLite's other writers wait for it.
const BATCH: u64 = 100;

/// How often the log is looked at unasked: for events that another instance numbered.
const POLL: Duration = Duration::from_millis(250);

/// The pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// How often an event is tried before it is set aside.
const ATTEMPTS: u32 = 5;

/// Where a consumer begins that was never there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the oldest event that is kept.
    Oldest,
    /// With what comes: nobody is to be told of what is past.
    Next,
}

/// What follows from events.
pub trait Reaction: Send + Sync + 'static {
    /// Its name, for good: under it is written how far it has read.
    fn name(&self) -> &'static str;

    /// Where it begins when it is new.
    fn start(&self) -> Start;

    /// Does what follows from `events`, the log's next ones of all kinds and topics in their order, in `tx`, and nothing outside
    /// of it. May be called again for the same events: then what it did was rolled back.
    ///
    /// # Errors
    /// When it cannot; all of them are tried again, in the end one by one.
    fn react<'a>(&'a self, tx: &'a Tx, events: &'a [Message]) -> BoxFuture<'a, Result<()>>;
}

/// All consumers of an instance.
#[derive(Clone, Default)]
pub struct Consumers(Vec<Arc<dyn Reaction>>);

impl fmt::Debug for Consumers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|reaction| reaction.name())).finish()
    }
}

impl Consumers {
    /// The same, with `reaction`.
    #[must_use]
    pub fn with(mut self, reaction: impl Reaction) -> Self {
        self.0.push(Arc::new(reaction));
        self
    }

    /// A reader of the log for each of them.
    #[must_use]
    pub fn readers(&self, db: &Db, clock: &Clock, ids: &Ids) -> Vec<Reader> {
        let reader = |reaction: &Arc<dyn Reaction>| {
            let reaction = Arc::clone(reaction);
            Reader { db: db.clone(), clock: clock.clone(), ids: ids.clone(), reaction }
        };
        self.0.iter().map(reader).collect()
    }

    /// Takes the event that `job` names for the consumer that set it aside, unless that was done before.
    ///
    /// # Errors
    /// When it cannot be taken now, or the consumer is not known here.
    pub async fn take_skipped(&self, db: &Db, job: &Job) -> Result<(), Failure> {
        let Skipped { consumer, event } = job.payload()?;
        let Some(reaction) = self.0.iter().find(|reaction| reaction.name() == consumer) else {
            return Err(Failure::Again("nobody here knows this consumer".to_owned()));
        };
        let found = skipped::Entity::find_by_id((consumer, event)).one(db.reader()).await.map_err(Error::from)?;
        // done by a worker whose end was not written down
        let Some(row) = found else { return Ok(()) };
        let skipped::Model { consumer: _, event_id, position, kind, payload, at } = row;
        let (kind, payload) = (kind.into(), payload.into());
        let message = [Message { position, previous: 0, event_id, kind, at, payload }];
        Ok(retry(|| async {
            let tx = db.begin().await?;
            let mine = skipped::Entity::delete_many()
                .filter(skipped::Column::Consumer.eq(reaction.name()))
                .filter(skipped::Column::EventId.eq(event));
            // or by one that is at it, too
            if mine.exec(&*tx).await?.rows_affected == 0 {
                return Ok(());
            }
            reaction.react(&tx, &message).await?;
            tx.commit().await
        })
        .await?)
    }
}

#[derive(Serialize, Deserialize)]
struct Skipped {
    consumer: String,
    event: Uuid,
}

/// Reads the log for one consumer.
#[derive(Clone)]
pub struct Reader {
    db: Db,
    clock: Clock,
    ids: Ids,
    reaction: Arc<dyn Reaction>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reader").field(&self.reaction.name()).finish()
    }
}

/// What a step of a reader came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// There is nothing new.
    Nothing,
    /// Another instance is at it.
    Busy,
    /// So many events were taken.
    Events(usize),
}

/// What a reader has trouble with.
#[derive(Debug, Default)]
struct Trouble {
    /// So many events are taken one by one: what cannot be taken is to stand alone.
    alone: u64,
    /// After which position it looks for the next of them.
    position: Option<i64>,
    /// After which position an event could not be taken last, and how often.
    failed: Option<(i64, u32)>,
}

impl Reader {
    /// Reads until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut numbered = self.db.numbered();
        let mut trouble = Trouble::default();
        while !stop.is_cancelled() {
            let pause = self.turn(&mut trouble).await;
            if pause.is_zero() {
                continue;
            }
            tokio::select! {
                _ = numbered.changed(), if trouble.alone == 0 => {}
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Takes a batch, or one event where there is trouble; how long to wait before the next. What fails too often is set aside.
    async fn turn(&self, trouble: &mut Trouble) -> Duration {
        let is_alone = trouble.alone > 0;
        // what panics is as good as what fails: another start would only meet the same event again
        let step = AssertUnwindSafe(async {
            let position = if is_alone { self.position().await? } else { None };
            trouble.position = position;
            self.step(if is_alone { 1 } else { BATCH }).await
        });
        match step.catch_unwind().await.unwrap_or_else(|_| Err(Error::fault("taking events", "it panicked"))) {
            Ok(Read::Nothing) => {
                *trouble = Trouble::default();
                POLL
            }
            // it says nothing of what there was trouble with: two who take turns would both begin anew for ever
            Ok(Read::Busy) => {
                if is_alone {
                    PAUSE
                } else {
                    POLL
                }
            }
            Ok(Read::Events(count)) => {
                *trouble = Trouble { alone: trouble.alone.saturating_sub(count as u64), ..Trouble::default() };
                Duration::ZERO
            }
            Err(error) => {
                tracing::warn!(?error, consumer = self.reaction.name(), "events could not be taken; trying again");
                if !is_alone {
                    trouble.alone = BATCH;
                    return PAUSE;
                }
                let Some(position) = trouble.position else { return PAUSE };
                let failures = trouble.failed.filter(|(at, _)| *at == position).map_or(1, |(_, failures)| failures + 1);
                trouble.failed = Some((position, failures));
                if failures < ATTEMPTS || !self.skip(position).await {
                    return PAUSE;
                }
                *trouble = Trouble { alone: trouble.alone - 1, ..Trouble::default() };
                Duration::ZERO
            }
        }
    }

    /// How far it has read.
    async fn position(&self) -> Result<Option<i64>> {
        let known = consumer::Entity::find_by_id(self.reaction.name().to_owned()).one(self.db.reader()).await?;
        Ok(known.map(|known| known.position))
    }

    /// Takes the next events, at most `limit`.
    ///
    /// # Errors
    /// When the database or the consumer fails; then nothing was taken.
    pub async fn step(&self, limit: u64) -> Result<Read> {
        // outside a transaction: most of the time there is nothing, and SQLite's writers wait for each other
        let known = self.position().await?;
        let head = relay::head(self.db.reader()).await?.position;
        match known {
            None => self.begin(head).await?,
            Some(known) if known == head => return Ok(Read::Nothing),
            Some(_) => {}
        }
        retry(|| self.step_once(limit)).await
    }

    async fn step_once(&self, limit: u64) -> Result<Read> {
        let tx = self.db.begin().await?;
        let Some(position) = self.lock(&tx).await? else { return Ok(Read::Busy) };
        let rows = event::Entity::find()
            .filter(event::Column::Position.gt(position))
            .order_by_asc(event::Column::Position)
            .limit(limit)
            .all(&*tx)
            .await?;
        let messages: Vec<Message> = rows.into_iter().map(|row| relay::message(row, 0)).collect();
        let Some(last) = messages.last().map(|message| message.position) else { return Ok(Read::Nothing) };
        if position > 0 && messages[0].position != position + 1 {
            let lost = messages[0].position - position - 1;
            tracing::error!(consumer = self.reaction.name(), lost, "a consumer was away for longer than events are kept");
        }
        self.reaction.react(&tx, &messages).await?;
        self.advance(&tx, last).await?;
        tx.commit().await?;
        Ok(Read::Events(messages.len()))
    }

    /// Writes down where a new consumer begins.
    async fn begin(&self, head: i64) -> Result<()> {
        let position = match self.reaction.start() {
            Start::Oldest => 0,
            Start::Next => head,
        };
        let row = consumer::ActiveModel { name: Set(self.reaction.name().to_owned()), position: Set(position) };
        let unless_there = OnConflict::column(consumer::Column::Name).do_nothing().to_owned();
        consumer::Entity::insert(row).on_conflict(unless_there).exec_without_returning(self.db.writer()).await?;
        Ok(())
    }

    /// How far it has read, locked until `tx` ends; `None` while another instance has it.
    async fn lock(&self, tx: &Tx) -> Result<Option<i64>> {
        let mut find = consumer::Entity::find_by_id(self.reaction.name().to_owned());
        if self.db.backend() == DbBackend::Postgres {
            find = find.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        }
        Ok(find.one(&**tx).await?.map(|row| row.position))
    }

    async fn advance(&self, tx: &Tx, position: i64) -> Result<()> {
        consumer::Entity::update_many()
            .col_expr(consumer::Column::Position, Expr::value(position))
            .filter(consumer::Column::Name.eq(self.reaction.name()))
            .exec(&**tx)
            .await?;
        Ok(())
    }

    /// Sets the event after `position` aside, unless another instance has come further; whether that could be done. While the database
    /// is away it cannot, and nothing is; nor while the position is held, be it by the end of our own last attempt.
    pub async fn skip(&self, position: i64) -> bool {
        match retry(|| self.skip_once(position)).await {
            Ok(is_behind_it) => is_behind_it,
            Err(error) => {
                tracing::warn!(?error, consumer = self.reaction.name(), "an event could not be set aside");
                false
            }
        }
    }

    async fn skip_once(&self, position: i64) -> Result<bool> {
        let tx = self.db.begin().await?;
        match self.lock(&tx).await? {
            None => return Ok(false),
            Some(further) if further != position => return Ok(true),
            Some(_) => {}
        }
        let next = event::Entity::find().filter(event::Column::Position.gt(position)).order_by_asc(event::Column::Position);
        let Some(next) = next.limit(1).one(&*tx).await? else { return Ok(true) };
        let (consumer, event, position) =
            (self.reaction.name().to_owned(), next.event_id, next.position.unwrap_or(position));
        // with all that it says: whenever somebody has mended what was wrong, the log may have it no more
        let row = skipped::ActiveModel {
            consumer: Set(consumer.clone()),
            event_id: Set(event),
            position: Set(position),
            kind: Set(next.kind.clone()),
            payload: Set(next.payload),
            at: Set(next.at),
        };
        skipped::Entity::insert(row).exec_without_returning(&*tx).await?;
        let at = self.clock.db_now(&*tx).await?;
        let key = format!("{consumer}:{event}");
        let payload = &Skipped { consumer, event };
        jobs::enqueue(&tx, NewJob { id: self.ids.uuid(), kind: SKIPPED, key, payload, run_at: at, at }).await?;
        self.advance(&tx, position).await?;
        tx.commit().await?;
        tracing::error!(consumer = self.reaction.name(), %event, kind = next.kind, "an event cannot be taken and was set aside");
        Ok(true)
    }
}

/// How many events each consumer has before it, by its name.
///
/// # Errors
/// When the database fails.
pub async fn lags(db: &impl ConnectionTrait) -> Result<Vec<(String, i64)>> {
    let rows = consumer::Entity::find().order_by_asc(consumer::Column::Name).all(db).await?;
    let head = relay::head(db).await?.position;
    Ok(rows.into_iter().map(|row| (row.name, Ord::max(head - row.position, 0))).collect())
}

/// The ids at `path` of the payloads of the events of `kind` that `consumer` has not taken: a column `id`, each once. For a statement
/// over what it keeps that must not miss what is committed: also what has no position yet, and what was set aside.
#[must_use]
pub fn select_untaken(consumer: &str, kind: &str, path: [&'static str; 2], backend: DbBackend) -> SelectStatement {
    let id = match (backend, path) {
        (DbBackend::Postgres, [outer, inner]) => format!("CAST(payload -> '{outer}' ->> '{inner}' AS uuid)"),
        (_, [outer, inner]) => format!("unhex(json_extract(payload, '$.{outer}.{inner}'), '-')"),
    };
    let of_kind = |of: TableRef| {
        let mut select = Query::select();
        select.expr_as(Expr::cust(id.clone()), "id").from(of).and_where(Expr::col("kind").eq(kind)).take()
    };
    let taken = Query::select()
        .expr(Expr::col(consumer::Column::Position))
        .from(consumer::Entity)
        .and_where(consumer::Column::Name.eq(consumer))
        .take();
    // one that was never there has taken nothing
    let taken = Func::coalesce([Expr::SubQuery(None, Box::new(taken.into())), Expr::value(0)]);
    let events = || event::Entity.into_table_ref();
    let [mut untaken, mut unplaced, mut aside] =
        [of_kind(events()), of_kind(events()), of_kind(skipped::Entity.into_table_ref())];
    untaken.and_where(Expr::col(event::Column::Position).gt(taken));
    unplaced.and_where(event::Column::Position.is_null());
    aside.and_where(skipped::Column::Consumer.eq(consumer));
    untaken.union(UnionType::Distinct, unplaced).union(UnionType::Distinct, aside).take()
}

/// The position that every consumer has passed; `None` when there is none.
pub(super) async fn slowest(db: &impl ConnectionTrait) -> Result<Option<i64>> {
    let slowest = consumer::Entity::find().order_by_asc(consumer::Column::Position).limit(1).one(db).await?;
    Ok(slowest.map(|row| row.position))
}

#[cfg(test)]
mod tests;
