//! From the event log to the bus: one relay numbers the events after they are committed, and publishes them.
//!
//! A row's `id` is drawn before its commit, so a reader of `id > last` loses rows that commit late. Positions are given here,
//! to committed rows only, by the one instance that holds the lease and under the lock of the lease's row: they never run
//! backwards past a reader, and have no holes. Publishing comes after, at its own pace: while the bus is away, the log still
//! grows for whoever reads it. A crash in between publishes again, and receivers drop what they have seen.

mod epoch;
mod log;
mod number;
mod publish;
mod stream;

use std::time::Duration;

use domain::event::Topic;
use entity::{event, relay};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::epoch::{new_epoch, prepare};
pub(in crate::platform) use self::log::message;
pub use self::log::{
    Head, Moved, Outbox, Since, between, has_between, head, moved, outbox, page_since, positions, published, settled, since,
    waiting,
};
pub use self::stream::Shape;
use self::stream::Streaming;
use super::bus::Bus;
use super::clock::Clock;
use super::db::Db;
use super::error::Result;
use super::ids::Ids;
use super::lease;
use crate::config::EventStream;

/// The one feed there is; more partitions are more rows.
const FEED: &str = "feed";

/// Events numbered in one transaction, and published together: fewer than a listener of the bus may be behind.
const BATCH: u64 = 200;

/// How long an instance keeps the lease without renewing it. Another takes over after that.
const LEASE: Duration = Duration::from_secs(2);

/// How often the log is looked at unasked: for commits of other instances whose wake-up was lost.
const POLL: Duration = Duration::from_millis(200);

/// The longest pause between two attempts to publish. Those who listen wait for it once the bus is back.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// How long the last of the work may take at the end: longer than a lease, which may be that of an instance that died.
const FLUSH: Duration = Duration::from_secs(4);

/// How often that is looked at, when it is another's to do.
const GLANCE: Duration = Duration::from_millis(20);

/// What the relay needs.
#[derive(Debug, Clone)]
pub struct Relay {
    db: Db,
    bus: Bus,
    clock: Clock,
    ids: Ids,
    me: Uuid,
    streaming: Option<Streaming>,
}

/// What the loops of a relay tell each other.
#[derive(Default)]
struct Bells {
    /// There is something to publish.
    numbered: Notify,
    /// There is something to number, and another instance holds the lease.
    not_mine: Notify,
}

impl Relay {
    /// A relay for instance `me`.
    #[must_use]
    pub const fn new(db: Db, bus: Bus, clock: Clock, ids: Ids, me: Uuid) -> Self {
        Self { db, bus, clock, ids, me, streaming: None }
    }

    /// The same, adding every event to `stream`, as `shape` tells of it.
    #[must_use]
    pub fn with_stream(self, stream: Option<EventStream>, shape: Shape) -> Self {
        Self { streaming: stream.map(|stream| Streaming { stream, shape }), ..self }
    }

    /// Relays until `stop`, then what is committed by then, so that it waits for no other instance, and lets the lease go.
    pub async fn run(self, stop: CancellationToken) {
        let bells = Bells::default();
        // side by side: whatever waits for the bus, numbering does not
        tokio::join!(
            self.keep_numbering(&bells, &stop),
            self.keep_publishing(&bells, &stop),
            self.keep_streaming(&stop),
            stop.run_until_cancelled(self.keep_calling(&bells)),
        );
        let finish = async {
            self.flush().await?;
            self.finish_streaming().await
        };
        match timeout(FLUSH, finish).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(?error, "events were left for another instance to relay"),
            Err(_) => tracing::warn!("events were left for another instance to relay: there was no time"),
        }
        if let Err(error) = lease::release(&self.db, FEED, self.me).await {
            tracing::warn!(?error, "the lease of the relay was not given back and will run out");
        }
    }

    async fn keep_numbering(&self, bells: &Bells, stop: &CancellationToken) {
        let mut wake = self.bus.wake_ups();
        // whether this instance committed since its last step
        let mut has_news = false;
        while !stop.is_cancelled() {
            match self.number().await {
                Ok(Step::Moved(0)) => {}
                Ok(Step::Moved(count)) => {
                    bells.numbered.notify_one();
                    self.db.mark_numbered();
                    // a full batch: more is waiting
                    if count >= BATCH {
                        continue;
                    }
                }
                Ok(Step::NotMine) if has_news => bells.not_mine.notify_one(),
                Ok(Step::NotMine) => {}
                Err(error) => tracing::warn!(?error, "the relay stumbled and will try again"),
            }
            has_news = tokio::select! {
                () = self.db.appended().notified() => true,
                _ = wake.recv() => false,
                () = sleep(POLL) => false,
                () = stop.cancelled() => false,
            };
        }
    }

    async fn keep_publishing(&self, bells: &Bells, stop: &CancellationToken) {
        let mut pause = POLL;
        while !stop.is_cancelled() {
            let published = self.publish().await;
            let is_well = published.is_ok();
            match published {
                Ok(Step::Moved(count)) if count >= BATCH => continue,
                Ok(_) => pause = POLL,
                Err(error) => {
                    tracing::warn!(?error, "events could not be published; trying again");
                    pause = (pause * 2).min(MAX_PAUSE);
                }
            }
            tokio::select! {
                () = bells.numbered.notified(), if is_well => {}
                () = sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Wakes the relay of whichever instance holds the lease.
    async fn keep_calling(&self, bells: &Bells) {
        loop {
            bells.not_mine.notified().await;
            self.bus.wake().await;
        }
    }

    /// Relays, or sees another instance relay, until everything has a position and is published.
    async fn flush(&self) -> Result<()> {
        loop {
            let step = self.step().await?;
            if !self.has_backlog().await? && !self.is_waiting().await? {
                return Ok(());
            }
            if step == Step::NotMine {
                sleep(GLANCE).await;
            }
        }
    }

    /// Numbers a batch, and publishes one, if this instance holds the lease or can have it.
    ///
    /// # Errors
    /// When the database or the bus fails; what was not published is published by a later step.
    pub async fn step(&self) -> Result<Step> {
        match self.number().await? {
            Step::NotMine => Ok(Step::NotMine),
            Step::Moved(_) => self.publish().await,
        }
    }

    /// Whether an event has no position yet.
    async fn is_waiting(&self) -> Result<bool> {
        let waiting =
            event::Entity::find().select_only().column(event::Column::Id).filter(event::Column::Position.is_null());
        Ok(waiting.limit(1).into_tuple::<i64>().one(self.db.reader()).await?.is_some())
    }

    /// Whether an event has a position and is not published yet.
    async fn has_backlog(&self) -> Result<bool> {
        let feed = relay::Entity::find_by_id(FEED.to_owned()).one(self.db.reader()).await?;
        Ok(feed.is_some_and(|feed| feed.published < feed.position))
    }
}

/// What a step of the relay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Another instance holds the lease.
    NotMine,
    /// So many events were numbered, or published.
    Moved(u64),
}

/// The topics of a list as it names them.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(' ').filter(|name| !name.is_empty())
}

/// The topics of a list; what this instance knows of none is left out.
fn topics(list: &str) -> impl Iterator<Item = Topic> {
    names(list).filter_map(|topic| topic.parse().ok())
}
