//! From the event log to the bus: one relay numbers the events after they are committed, and publishes them.
//!
//! A row's `id` is drawn before its commit, so a reader of `id > last` loses rows that commit late. Positions are given here,
//! to committed rows only, by the one instance that holds the lease and under the lock of the lease's row: they never run
//! backwards past a reader, and have no holes. Publishing comes after; a crash in between publishes again, and receivers
//! drop what they have seen.

use std::time::Duration;

use domain::event::Topic;
use entity::{event, event_topic, relay};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::bus::{Bus, Message};
use super::clock::Clock;
use super::db::{Db, Tx};
use super::error::Result;
use super::lease;

/// The one feed there is; more partitions are more rows.
const FEED: &str = "feed";

/// Events numbered in one transaction, and published together: fewer than a listener of the bus may be behind.
const BATCH: u64 = 200;

/// How long an instance keeps the lease without renewing it. Another takes over after that.
const LEASE: Duration = Duration::from_secs(2);

/// How often the log is looked at unasked: for commits of other instances whose wake-up was lost.
const POLL: Duration = Duration::from_millis(200);

/// What the relay needs.
#[derive(Debug, Clone)]
pub struct Relay {
    db: Db,
    bus: Bus,
    clock: Clock,
    me: Uuid,
}

impl Relay {
    /// A relay for instance `me`.
    #[must_use]
    pub const fn new(db: Db, bus: Bus, clock: Clock, me: Uuid) -> Self {
        Self { db, bus, clock, me }
    }

    /// Relays until `stop`, then once more, so that nothing committed waits for another instance, and lets the lease go.
    pub async fn run(self, stop: CancellationToken) {
        let mut wake = self.bus.wake_ups();
        // whether this instance committed since its last step
        let mut has_news = false;
        loop {
            match self.step().await {
                // a full batch: more is waiting
                Ok(Step::Moved(count)) if count >= BATCH => continue,
                Ok(Step::NotMine) if has_news => self.bus.wake().await,
                Ok(_) => {}
                Err(error) => tracing::warn!(?error, "the relay stumbled and will try again"),
            }
            has_news = tokio::select! {
                () = self.db.appended().notified() => true,
                _ = wake.recv() => false,
                () = tokio::time::sleep(POLL) => false,
                () = stop.cancelled() => break,
            };
        }
        let last = async {
            self.step().await?;
            lease::release(&self.db, FEED, self.me).await
        };
        if let Err(error) = last.await {
            tracing::warn!(?error, "events were left for another instance to relay");
        }
    }

    /// Numbers a batch and publishes it, if this instance holds the lease.
    ///
    /// # Errors
    /// When the database or the bus fails; what was not published is published by a later step.
    pub async fn step(&self) -> Result<Step> {
        let feed = relay::Entity::find_by_id(FEED.to_owned()).one(self.db.reader()).await?;
        // everything has a position and is published: most of the time, and then nothing is written
        if feed.as_ref().is_some_and(|feed| feed.position == feed.published) && !self.is_waiting().await? {
            return Ok(Step::Moved(0));
        }
        let Some(lease) = self.number(feed.is_none()).await? else { return Ok(Step::NotMine) };
        if lease.position == lease.published {
            return Ok(Step::Moved(0));
        }
        let rows = event::Entity::find()
            .filter(event::Column::Position.gt(lease.published))
            .order_by_asc(event::Column::Position)
            .limit(BATCH)
            .all(self.db.writer())
            .await?;
        let Some(last) = rows.last().and_then(|row| row.position) else { return Ok(Step::Moved(0)) };
        let count = rows.len() as u64;
        self.bus.publish(rows.into_iter().flat_map(messages).collect()).await?;
        relay::Entity::update_many()
            .col_expr(relay::Column::Published, Expr::value(last))
            .filter(relay::Column::Name.eq(FEED))
            .filter(relay::Column::Holder.eq(self.me))
            .exec(self.db.writer())
            .await?;
        Ok(Step::Moved(count))
    }

    /// Whether an event has no position yet.
    async fn is_waiting(&self) -> Result<bool> {
        let waiting =
            event::Entity::find().select_only().column(event::Column::Id).filter(event::Column::Position.is_null());
        Ok(waiting.limit(1).into_tuple::<i64>().one(self.db.reader()).await?.is_some())
    }

    /// Gives positions to committed events that have none. The lease as it then is, or `None` when it is another's. A new
    /// feed gets its row first.
    async fn number(&self, is_new: bool) -> Result<Option<relay::Model>> {
        let tx = self.db.begin().await?;
        if is_new {
            lease::ensure(&tx, &self.clock, FEED).await?;
        }
        let Some(mut lease) = lease::take(&tx, &self.clock, FEED, self.me, LEASE).await? else { return Ok(None) };
        // rows of one order are in the order of its versions: each waited for the order's row lock
        let number = Statement::from_sql_and_values(
            tx.get_database_backend(),
            "UPDATE events SET position = batch.position FROM ( \
               SELECT id, $1 + row_number() OVER (ORDER BY id) AS position \
               FROM (SELECT id FROM events WHERE position IS NULL ORDER BY id LIMIT $2) AS waiting \
             ) AS batch WHERE events.id = batch.id",
            [lease.position.into(), BATCH.cast_signed().into()],
        );
        let numbered = tx.execute_raw(number).await?.rows_affected();
        if numbered > 0 {
            lease.position += numbered.cast_signed();
            relay::Entity::update_many()
                .col_expr(relay::Column::Position, Expr::value(lease.position))
                .filter(relay::Column::Name.eq(FEED))
                .exec(&*tx)
                .await?;
            index_topics(&tx, lease.position - numbered.cast_signed()).await?;
        }
        tx.commit().await?;
        Ok(Some(lease))
    }
}

/// What a step of the relay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Another instance holds the lease.
    NotMine,
    /// So many events were published.
    Moved(u64),
}

/// The position of the newest event that has one: a subscriber that has a snapshot read after this misses nothing from here.
///
/// # Errors
/// When the database fails.
pub async fn head(db: &impl ConnectionTrait) -> Result<Head> {
    Ok(Head {
        epoch: 0,
        position: relay::Entity::find_by_id(FEED.to_owned()).one(db).await?.map_or(0, |lease| lease.position),
    })
}

/// SHIM
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// e
    pub epoch: i32,
    /// p
    pub position: i64,
}
/// SHIM
pub struct Moved {
    /// t
    pub topics: Vec<(Topic, i64)>,
    /// r
    pub read_to: i64,
}
/// SHIM
pub async fn moved(_db: &impl ConnectionTrait, after: i64, _limit: u64) -> Result<Moved> {
    Ok(Moved { topics: vec![], read_to: after })
}
/// SHIM
pub async fn settled(db: &impl ConnectionTrait) -> Result<Option<i64>> {
    let waiting = event::Entity::find().select_only().column(event::Column::Id).filter(event::Column::Position.is_null());
    if waiting.limit(1).into_tuple::<i64>().one(db).await?.is_some() {
        return Ok(None);
    }
    Ok(Some(head(db).await?.position))
}

/// The position up to which the log was handed to the bus.
///
/// # Errors
/// When the database fails.
pub async fn published(db: &impl ConnectionTrait) -> Result<i64> {
    Ok(relay::Entity::find_by_id(FEED.to_owned()).one(db).await?.map_or(0, |lease| lease.published))
}

/// Notes which topics the events after `position` belong to.
async fn index_topics(tx: &Tx, position: i64) -> Result<()> {
    let rows: Vec<(i64, String)> = event::Entity::find()
        .select_only()
        .column(event::Column::Position)
        .column(event::Column::Topics)
        .filter(event::Column::Position.gt(position))
        .into_tuple()
        .all(&**tx)
        .await?;
    let topics = rows.iter().flat_map(|(position, topics)| {
        topics.split(' ').map(|topic| event_topic::ActiveModel { topic: Set(topic.to_owned()), position: Set(*position) })
    });
    event_topic::Entity::insert_many(topics).exec_without_returning(&**tx).await?;
    Ok(())
}

/// What came after a position.
#[derive(Debug)]
pub enum Since {
    /// These, oldest first; and everything up to this position is now known.
    Messages(Vec<Message>, i64),
    /// More than is kept, or more than is worth replaying.
    Forgotten,
    /// The position lies ahead of the log: it is not one of this log's.
    Unknown,
}

/// The events of `topic` after `position`, unless they are more than `limit` or some may be no longer kept.
///
/// # Errors
/// When the database fails.
pub async fn since(db: &impl ConnectionTrait, topic: Topic, position: i64, limit: u64) -> Result<Since> {
    let head = head(db).await?.position;
    if position > head || position < 0 {
        return Ok(Since::Unknown);
    }
    if position == head {
        return Ok(Since::Messages(Vec::new(), head));
    }
    let mine: Vec<i64> = event_topic::Entity::find()
        .select_only()
        .column(event_topic::Column::Position)
        .filter(event_topic::Column::Topic.eq(topic.to_string()))
        .filter(event_topic::Column::Position.gt(position))
        .order_by_asc(event_topic::Column::Position)
        .limit(limit + 1)
        .into_tuple()
        .all(db)
        .await?;
    if mine.len() as u64 > limit {
        return Ok(Since::Forgotten);
    }
    let rows = event::Entity::find()
        .filter(event::Column::Position.is_in(mine.iter().copied()))
        .order_by_asc(event::Column::Position)
        .all(db)
        .await?;
    // asked last: what was still kept now was kept while it was read
    if rows.len() != mine.len() || floor(db).await?.is_none_or(|floor| floor > position + 1) {
        return Ok(Since::Forgotten);
    }
    let messages = rows.into_iter().map(message).collect();
    Ok(Since::Messages(messages, mine.last().copied().unwrap_or(position).max(head)))
}

/// The oldest position that is kept; `None` when the log is empty.
async fn floor(db: &impl ConnectionTrait) -> Result<Option<i64>> {
    let oldest = event::Entity::find()
        .select_only()
        .column(event::Column::Position)
        .filter(event::Column::Position.is_not_null())
        .order_by_asc(event::Column::Position)
        .limit(1);
    Ok(oldest.into_tuple().one(db).await?)
}

/// The positions of the events `ids`, of those that are kept and have one.
///
/// # Errors
/// When the database fails.
pub async fn positions(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<(Uuid, i64)>> {
    let find = event::Entity::find()
        .select_only()
        .column(event::Column::EventId)
        .column(event::Column::Position)
        .filter(event::Column::EventId.is_in(ids.to_vec()))
        .filter(event::Column::Position.is_not_null());
    Ok(find.into_tuple().all(db).await?)
}

fn message(row: event::Model) -> Message {
    Message {
        position: row.position.unwrap_or_default(),
        previous: 0,
        event_id: row.event_id,
        kind: row.kind.into(),
        at: row.at,
        payload: row.payload.into(),
    }
}

fn messages(row: event::Model) -> Vec<(Topic, Message)> {
    let topics: Vec<Topic> = row.topics.split(' ').filter_map(|topic| topic.parse().ok()).collect();
    let message = message(row);
    topics.into_iter().map(|topic| (topic, message.clone())).collect()
}
