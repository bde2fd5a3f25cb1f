//! The subscriptions' engine: from a topic to a stream that has a snapshot first, and no holes.
//!
//! Order of work: attach to the live topic, read the log's head, read the snapshot, then go live. What is committed while
//! the snapshot is read arrives live as well, and is dropped there when the snapshot had it. When the bus may have lost
//! something, the log is read from the last position on; when that is no longer kept, the subscriber is told so and starts
//! from a new snapshot. There is never a silent gap.

use std::collections::{HashMap, VecDeque};

use async_graphql::{Enum, SimpleObject};
use domain::event::Topic;
use futures_util::{Stream, stream};
use uuid::Uuid;

use crate::app::App;
use crate::graphql::Result;
use crate::graphql::scalars::EventCursor;
use crate::platform::bus::{Delivery, Gap, Listener, Message};
use crate::platform::relay;

/// Events replayed to one subscriber at the most; who is further behind takes a new snapshot, which is less to read.
const MAX_REPLAY: u64 = 1_000;

/// The events since `after` are no longer kept, or this client fell too far behind: take what follows as new.
#[derive(Debug, Clone, SimpleObject)]
pub struct StreamReset {
    /// Where the stream is now.
    pub cursor: EventCursor,
    /// Why it could not go on.
    pub reason: StreamResetReason,
}

/// Why a stream starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum StreamResetReason {
    /// The events since `after` are not kept any more, or are too many to replay.
    Retention,
    /// The client read more slowly than events came.
    SlowConsumer,
    /// The server lost its place: it was restored, or the cursor is another server's.
    Server,
}

/// What a subscription sends at first, and which version of each record that shows.
#[derive(Debug)]
pub struct Snapshot<T> {
    /// The first items, in order.
    pub items: Vec<T>,
    /// Versions shown: events up to these are not sent again.
    pub seen: HashMap<Uuid, i32>,
}

/// One subscription's answers to the engine's questions.
pub trait Source: Send + Sync + 'static {
    /// What the subscriber receives.
    type Item: Send + 'static;

    /// What it listens to.
    fn topic(&self) -> Topic;

    /// The present state, to be sent with `cursor`.
    fn snapshot(&self, app: &App, cursor: EventCursor) -> impl Future<Output = Result<Snapshot<Self::Item>>> + Send;

    /// The record and version that `message` tells of, if the snapshot may have shown it.
    fn version(&self, message: &Message) -> Option<(Uuid, i32)>;

    /// The item for `message`; `None` when this subscriber does not hear of it.
    fn item(&self, message: &Message) -> Option<Self::Item>;

    /// Whether nothing that comes after `message` concerns this subscriber any more.
    fn ends(&self, _message: &Message) -> bool {
        false
    }

    /// The item that says that what follows is new.
    fn reset(&self, reset: StreamReset) -> Self::Item;
}

/// Streams `source` from its snapshot on, or from after `after` when the log still has what came since.
///
/// # Errors
/// When the bus or the database fails before the first item.
pub async fn follow<S: Source>(
    app: App,
    source: S,
    after: Option<EventCursor>,
) -> Result<impl Stream<Item = Result<S::Item>> + use<S>> {
    let listener = app.bus.listen(source.topic()).await?;
    let mut feed =
        Feed { app, source, listener, position: 0, seen: HashMap::new(), pending: VecDeque::new(), is_over: false };
    feed.begin(after).await?;
    Ok(stream::unfold(feed, async |mut feed| {
        let item = feed.next().await?;
        Some((item, feed))
    }))
}

struct Feed<S: Source> {
    app: App,
    source: S,
    listener: Listener,
    /// Everything up to here was sent or concerns others.
    position: i64,
    seen: HashMap<Uuid, i32>,
    pending: VecDeque<S::Item>,
    is_over: bool,
}

impl<S: Source> Feed<S> {
    async fn begin(&mut self, after: Option<EventCursor>) -> Result<()> {
        match after {
            None => self.take_snapshot().await,
            Some(EventCursor(position)) => self.resume(position, StreamResetReason::Retention).await,
        }
    }

    async fn next(&mut self) -> Option<Result<S::Item>> {
        loop {
            if let Some(item) = self.pending.pop_front() {
                return Some(Ok(item));
            }
            if self.is_over {
                return None;
            }
            let caught_up = match self.listener.next().await? {
                Delivery::Message(message) => {
                    self.take(&message);
                    Ok(())
                }
                Delivery::Gap(gap) => {
                    let reason = match gap {
                        Gap::Lagged => StreamResetReason::SlowConsumer,
                        Gap::Reconnected => StreamResetReason::Server,
                    };
                    self.resume(self.position, reason).await
                }
            };
            if let Err(error) = caught_up {
                self.is_over = true;
                return Some(Err(error));
            }
        }
    }

    fn take(&mut self, message: &Message) {
        if message.position <= self.position {
            return;
        }
        self.position = message.position;
        if self.is_over {
            return;
        }
        self.is_over = self.source.ends(message);
        let was_shown = self
            .source
            .version(message)
            .is_some_and(|(record, version)| self.seen.get(&record).is_some_and(|shown| version <= *shown));
        if !was_shown {
            self.pending.extend(self.source.item(message));
        }
    }

    async fn take_snapshot(&mut self) -> Result<()> {
        // position first: what is committed after it is in the snapshot, or arrives live, or both
        self.position = relay::head(self.app.db.reader()).await?;
        let snapshot = self.source.snapshot(&self.app, EventCursor(self.position)).await?;
        self.seen = snapshot.seen;
        self.pending.extend(snapshot.items);
        Ok(())
    }

    /// Goes on after `position` from the log, or starts anew when the log cannot say what came since.
    async fn resume(&mut self, position: i64, reason: StreamResetReason) -> Result<()> {
        match relay::since(self.app.db.reader(), self.source.topic(), position, MAX_REPLAY).await? {
            relay::Since::Messages(messages, known) => {
                self.position = position;
                for message in &messages {
                    self.take(message);
                }
                // what others were told in the meantime is no reason to look again
                self.position = known;
                Ok(())
            }
            relay::Since::Unknown => self.start_anew(StreamResetReason::Server).await,
            relay::Since::Forgotten => self.start_anew(reason).await,
        }
    }

    async fn start_anew(&mut self, reason: StreamResetReason) -> Result<()> {
        let cursor = EventCursor(relay::head(self.app.db.reader()).await?);
        self.pending.push_back(self.source.reset(StreamReset { cursor, reason }));
        self.take_snapshot().await
    }
}

/// Reads a message's payload. One that is not what its kind says is logged and left out.
#[must_use]
pub fn payload<P: serde::de::DeserializeOwned>(message: &Message) -> Option<P> {
    P::deserialize(&*message.payload)
        .inspect_err(|error| tracing::error!(%error, kind = %message.kind, "an event's payload cannot be read"))
        .ok()
}
