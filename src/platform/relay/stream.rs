//! Every event to the stream in Redis, for other systems.
//!
//! How far the stream is, the stream itself says: what it lacks is read from the log and added, after an outage as after a
//! crash, and also when Redis lost it. It is a path of its own: subscribers do not wait for it, nor it for them.

use domain::event::Topic;
use domain::id::{self, Kind};
use entity::{event, relay};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{BATCH, FEED, MAX_PAUSE, POLL, Relay, log, topics};
use crate::config::EventStream;
use crate::platform::bus::{StreamBatch, StreamEntry, StreamTop};
use crate::platform::error::Result;

/// What other systems are told of an event, by its kind and payload.
pub type Shape = fn(&str, &Value) -> Value;

/// The stream, and what it says of events.
#[derive(Debug, Clone)]
pub(super) struct Streaming {
    pub(super) stream: EventStream,
    pub(super) shape: Shape,
}

/// How far the stream is, as far as is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Known {
    /// Somebody has to ask.
    #[default]
    Nothing,
    /// It has everything up to this position.
    At(i64),
    /// It has nothing of this log: a new run begins after this position.
    BeginsAfter(i64),
}

impl Relay {
    /// Streams until `stop`.
    pub(super) async fn keep_streaming(&self, stop: &CancellationToken) {
        let Some(streaming) = &self.streaming else { return };
        let (mut numbered, mut known, mut pause) = (self.db.numbered(), Known::default(), POLL);
        while !stop.is_cancelled() {
            let step = self.stream(streaming, &mut known).await;
            let is_well = step.is_ok();
            match step {
                Ok(true) => continue,
                Ok(false) => pause = POLL,
                Err(error) => {
                    tracing::warn!(?error, "events could not be added to the stream; trying again");
                    (known, pause) = (Known::Nothing, (pause * 2).min(MAX_PAUSE));
                }
            }
            tokio::select! {
                _ = numbered.changed(), if is_well => {}
                () = sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Streams all that has a position.
    pub(super) async fn finish_streaming(&self) -> Result<()> {
        let Some(streaming) = &self.streaming else { return Ok(()) };
        let mut known = Known::default();
        while self.stream(streaming, &mut known).await? {}
        Ok(())
    }

    /// Does a step; whether there may be another at once. Two instances that do the same do no harm, but one is enough: it is done
    /// by the one that holds the lease, and by any while nobody does.
    async fn stream(&self, streaming: &Streaming, known: &mut Known) -> Result<bool> {
        let feed = relay::Entity::find_by_id(FEED.to_owned()).one(self.db.reader()).await?;
        let Some(feed) = feed.filter(|feed| feed.position > 0) else { return Ok(false) };
        if *known == Known::At(feed.position) {
            return Ok(false);
        }
        if feed.holder != self.me && feed.expires_at > self.clock.db_now(self.db.reader()).await? {
            *known = Known::Nothing;
            return Ok(false);
        }
        let (after, mut begins) = match *known {
            Known::At(position) => (position, false),
            Known::BeginsAfter(position) => (position, true),
            Known::Nothing => {
                let top = self.add(streaming, feed.epoch, i64::MAX, false, &[]).await?;
                *known = match top {
                    StreamTop::At(position) | StreamTop::Behind(position) => Known::At(position),
                    StreamTop::Nothing => {
                        let length = i64::try_from(streaming.stream.length).unwrap_or(i64::MAX);
                        let floor = log::floor(self.db.reader()).await?.unwrap_or(feed.position);
                        Known::BeginsAfter((floor - 1).max(feed.position - length))
                    }
                };
                return Ok(true);
            }
        };
        let rows = event::Entity::find()
            .filter(event::Column::Position.gt(after))
            .order_by_asc(event::Column::Position)
            .limit(BATCH)
            .all(self.db.reader())
            .await?;
        let Some(first) = rows.first().and_then(|row| row.position) else { return Ok(false) };
        if first != after + 1 && !begins {
            tracing::error!(lost = first - after - 1, "the stream was away for longer than events are kept");
            begins = true;
        }
        let entries: Vec<StreamEntry> = rows.into_iter().map(|row| entry(row, streaming.shape)).collect();
        *known = match self.add(streaming, feed.epoch, first - 1, begins, &entries).await? {
            StreamTop::At(position) | StreamTop::Behind(position) => Known::At(position),
            StreamTop::Nothing => Known::Nothing,
        };
        Ok(*known != Known::At(feed.position))
    }

    async fn add(
        &self,
        streaming: &Streaming,
        epoch: i32,
        after: i64,
        begins: bool,
        entries: &[StreamEntry],
    ) -> Result<StreamTop> {
        let EventStream { name, length } = &streaming.stream;
        self.bus.add(StreamBatch { name, length: *length, epoch, after, begins, entries }).await
    }
}

fn entry(row: event::Model, shape: Shape) -> StreamEntry {
    let topics: Vec<String> = topics(&row.topics).map(public).collect();
    let fields = [
        ("id", id::encode(Kind::Event, row.event_id)),
        ("at", row.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)),
        ("topics", topics.join(" ")),
        ("data", shape(&row.kind, &row.payload).to_string()),
        ("kind", row.kind),
    ];
    StreamEntry { position: row.position.unwrap_or_default(), fields }
}

/// A topic with ids as the API writes them.
fn public(topic: Topic) -> String {
    match topic {
        Topic::Order(order) => format!("order:{}", id::encode(Kind::Order, order)),
        Topic::Customer(user) => format!("customer:{}", id::encode(Kind::User, user)),
        Topic::Seller(seller) => format!("seller:{}", id::encode(Kind::Seller, seller)),
        Topic::Product(product) => format!("product:{}", id::encode(Kind::Product, product)),
        Topic::Cart(user) => format!("cart:{}", id::encode(Kind::User, user)),
        Topic::LowStock(seller) => format!("low-stock:{}", id::encode(Kind::Seller, seller)),
        Topic::Chat(order) => format!("chat:{}", id::encode(Kind::Order, order)),
        Topic::Inbox(user) => format!("inbox:{}", id::encode(Kind::User, user)),
        Topic::Location(user) => format!("location:{}", id::encode(Kind::User, user)),
        Topic::Platform | Topic::Available | Topic::Catalog | Topic::Area(_) | Topic::Access => topic.to_string(),
    }
}
