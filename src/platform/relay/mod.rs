//! From the event log to the bus: one relay numbers the events after they are committed, and publishes them.
//!
//! A row's `id` is drawn before its commit, so a reader of `id > last` loses rows that commit late. Positions are given here,
//! to committed rows only, by the one instance that holds the lease and under the lock of the lease's row: they never run
//! backwards past a reader, and have no holes. Publishing comes after; a crash in between publishes again, and receivers
//! drop what they have seen.

mod epoch;
mod log;

use std::collections::HashSet;
use std::time::Duration;

use domain::event::Topic;
use entity::{event, event_topic, relay};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::epoch::{new_epoch, prepare};
pub use self::log::{Head, Since, head, positions, published, settled, since};
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
use super::bus::{Bus, Message};
use super::clock::Clock;
use super::db::{Db, Tx};
use super::error::Result;
use super::ids::Ids;
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
    ids: Ids,
    me: Uuid,
}

impl Relay {
    /// A relay for instance `me`.
    #[must_use]
    pub const fn new(db: Db, bus: Bus, clock: Clock, ids: Ids, me: Uuid) -> Self {
        Self { db, bus, clock, ids, me }
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
        self.bus.publish(self.chained(rows, lease.published).await?).await?;
        relay::Entity::update_many()
            .col_expr(relay::Column::Published, Expr::value(last))
            .filter(relay::Column::Name.eq(FEED))
            .filter(relay::Column::Holder.eq(self.me))
            .exec(self.db.writer())
            .await?;
        Ok(Step::Moved(count))
    }

    /// What `rows`, the events after `position`, are to each of their topics. A message names the one before it.
    async fn chained(&self, rows: Vec<event::Model>, position: i64) -> Result<Vec<(Topic, Message)>> {
        let concerned: HashSet<Topic> = rows.iter().flat_map(|row| topics(&row.topics)).collect();
        let mut newest = log::newest(self.db.reader(), concerned.into_iter().collect(), position).await?;
        let mut messages = Vec::with_capacity(rows.len());
        for mut row in rows {
            let of = std::mem::take(&mut row.topics);
            let message = log::message(row, 0);
            for topic in topics(&of) {
                let previous = newest.insert(topic, message.position).unwrap_or(0);
                messages.push((topic, Message { previous, ..message.clone() }));
            }
        }
        Ok(messages)
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
            lease::ensure(&*tx, FEED, epoch::draw(&self.ids)).await?;
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

/// The topics of a list; what is none is left out.
fn topics(list: &str) -> impl Iterator<Item = Topic> {
    list.split(' ').filter_map(|topic| topic.parse().ok())
}
