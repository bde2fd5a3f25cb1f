//! The subscriptions' engine: every event, once, in order, to everyone who may see it.
//!
//! A subscription begins alone: its rights are checked, it attaches to its topic, and it is brought up to the present by a
//! snapshot, or from the log when it says where it was (`catch_up`). Then it joins those who asked the same (`group`):
//! an event is executed once for all of them and serialised once, and each is handed the same bytes (`queue`). Who falls
//! behind leaves the group and is brought up again; what the bus lost is read from the log. When the log does not have it
//! any more the subscriber is told so ([`StreamReset`]) and starts from a new snapshot. There is never a silent gap.

mod answer;
mod catch_up;
mod counters;
mod ears;
mod engine;
mod execution;
mod group;
mod operation;
mod pool;
mod queue;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Enum, Name, SimpleObject};
use domain::access::Audience;
use domain::event::Topic;
use futures_util::stream::BoxStream;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

pub use self::counters::Counts;
pub use self::engine::Engine;
pub use self::operation::{Call, Operation};
pub use self::queue::{Answer, Frame, Gone, Outgoing, SendQueue, Verdict};
use crate::app::App;
pub use crate::graphql::Authority;
use crate::graphql::scalars::EventCursor;
use crate::graphql::{Result, app};
use crate::platform::bus::Message;
use crate::platform::error::Error;

/// The events since `after` are no longer kept, or this client fell too far behind: take what follows as new.
#[derive(Debug, Clone, SimpleObject)]
pub struct StreamReset {
    /// Where the stream is now.
    pub cursor: EventCursor,
    /// Why it could not go on.
    pub reason: StreamResetReason,
}

/// There is nothing to show yet: where the stream is, so that whoever is cut off can resume from here.
#[derive(Debug, Clone, SimpleObject)]
pub struct StreamPosition {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
}

/// Why a stream starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum StreamResetReason {
    /// The events since `after` are not kept any more, or are too many to replay.
    Retention,
    /// The client read more slowly than events came.
    SlowConsumer,
    /// The server lost its place: it was restored, or the cursor is another server's or another stream's.
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

/// The cursors of a first picture. Whoever was cut off in the middle of it begins anew: only its last item can be resumed
/// from.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotCursors(EventCursor);

impl SnapshotCursors {
    /// The cursor of item `index`, from 0, of `count`.
    #[must_use]
    pub const fn of(self, index: usize, count: usize) -> EventCursor {
        EventCursor { is_partial: index + 1 < count, ..self.0 }
    }

    /// The cursor of the only item.
    #[must_use]
    pub const fn only(self) -> EventCursor {
        self.0
    }
}

/// What happens to a subscriber who reads more slowly than events come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// It gets every event, from the log once it has caught up; or it is closed, and may resume.
    All,
    /// It gets the newest, and no more often than this, the first picture counted: each item tells all there is to know.
    Latest(Duration),
}

impl Policy {
    /// How much time lies between two answers at the least, where only the newest counts.
    const fn pause(self) -> Option<Duration> {
        match self {
            Self::All => None,
            Self::Latest(pause) => Some(pause),
        }
    }
}

/// What a subscription hears of besides its topic: that something which is in no log has to be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hearing {
    /// Of the record that says so: of several for the same subscribers the youngest counts.
    pub version: i32,
    /// Whose whispers; `None`: of none.
    pub topic: Option<Topic>,
}

/// The kind of the message that stands for a whisper ([`Delivery::Whisper`](crate::platform::bus::Delivery::Whisper)) or for what
/// may have been one: a [`Source`] that hears of such looks again.
pub const WHISPERED: &str = "whispered";

/// Tells whether an event can concern a subscriber.
pub type Filter = Arc<dyn Fn(&Message) -> bool + Send + Sync>;

/// One subscription's answers to the engine's questions.
pub trait Source: Send + Sync + 'static {
    /// What the subscriber receives.
    type Item: Send + 'static;

    /// What it listens to. Where that is several topics, what its cursors name them by.
    fn topic(&self) -> Topic;

    /// All that it listens to: one topic, unless it is said. What comes on several is one stream, in the order of the log.
    fn topics(&self) -> Arc<[Topic]> {
        Arc::new([self.topic()])
    }

    /// Who may be sent the same answers. Nobody else, unless it is said: a wrong answer here shows one what is another's.
    fn audience(&self) -> Audience {
        Audience::Private
    }

    /// Which events of the topic can concern this subscriber, where that is told faster than by [`Source::item`]: the others
    /// are passed over without an execution. All of them, unless it is said, and where only the newest counts.
    fn filter(&self) -> Option<Filter> {
        None
    }

    /// What becomes of slow subscribers.
    fn policy(&self) -> Policy {
        Policy::All
    }

    /// What it hears of besides, as far as is known after the last question. Only where the newest counts, since nobody remembers
    /// what was whispered.
    fn hears(&self) -> Option<Hearing> {
        None
    }

    /// Whether nothing can follow the last item, whatever it was made for. To be said by one whose first item may be its last.
    fn has_ended(&self) -> bool {
        false
    }

    /// What its arguments leave out of the topic, as text: a cursor is good for the same selection only.
    fn selection(&self) -> String {
        String::new()
    }

    /// What it takes arguments for, where that can be said in several ways: by their names, as JSON. Those for whom it comes to
    /// the same are told the same. They are all that it is made from, and it remembers nothing: one execution asks the sources of
    /// many, each for the events that concern it.
    fn arguments(&self) -> Vec<(&'static str, serde_json::Value)> {
        Vec::new()
    }

    /// Whether the subscriber has a right to it, beyond what the field's guard says. Asked of each, before any share.
    fn authorise(&self, _app: &App) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    /// The present state.
    fn snapshot(&self, app: &App, cursors: SnapshotCursors) -> impl Future<Output = Result<Snapshot<Self::Item>>> + Send;

    /// The present state, for a subscriber who may have missed what was told since it last saw it: with what is there no
    /// more, where that was told.
    fn snapshot_anew(
        &self,
        app: &App,
        cursors: SnapshotCursors,
    ) -> impl Future<Output = Result<Snapshot<Self::Item>>> + Send {
        self.snapshot(app, cursors)
    }

    /// The record and version that `message` tells of, if the snapshot may have shown it.
    fn version(&self, message: &Message) -> Option<(Uuid, i32)>;

    /// The item for `message`, which may be one of [`WHISPERED`] to one who hears; `None` when this subscriber does not hear of
    /// it.
    fn item(
        &self,
        app: &App,
        message: &Message,
        cursor: EventCursor,
    ) -> impl Future<Output = Result<Option<Self::Item>>> + Send;

    /// The items for `asked`, messages each with its cursor, in that order and each as [`Source::item`] has it: one who comes back
    /// reads what came since together. Each by itself, unless it is said.
    fn items(
        &self,
        app: &App,
        asked: &[(&Message, EventCursor)],
    ) -> impl Future<Output = Result<Vec<Option<Self::Item>>>> + Send {
        async move {
            let mut items = Vec::with_capacity(asked.len());
            for (message, cursor) in asked {
                items.push(self.item(app, message, *cursor).await?);
            }
            Ok(items)
        }
    }

    /// Whether nothing that comes after `message` concerns this subscriber any more. Whose snapshot showed its version
    /// ([`Source::version`]) or a later one is not meant.
    fn ends(&self, _message: &Message) -> bool {
        false
    }

    /// The item that says that what follows is new, if there is need of one.
    fn reset(&self, reset: StreamReset) -> Option<Self::Item>;
}

/// Streams `source`: from its snapshot on, or from after `after` when the log still has what came since.
///
/// # Errors
/// What the source refuses; a fault when the bus or the database fails before the first item, or when the request was not
/// begun by [`Engine::start`].
pub async fn follow<S: Source>(
    ctx: &Context<'_>,
    source: S,
    after: Option<EventCursor>,
) -> Result<BoxStream<'static, Result<S::Item>>> {
    let app = app(ctx)?.clone();
    if let Some(relayed) = ctx.data_opt::<execution::Relayed>() {
        return relayed.stream(app, source);
    }
    let seat = ctx.data::<std::sync::Arc<catch_up::Seat>>();
    let seat = seat.map_err(|e| Error::fault("finding the subscription in the context", e.message))?;
    let values = source.arguments().into_iter();
    let values = values.filter_map(|(name, value)| Some((variable_of(ctx, name)?, value))).collect();
    seat.catch_up(app, source, after, Variables { after: variable_of(ctx, "after"), values }).await
}

/// What the variables of an operation are to its group.
#[derive(Debug, Clone, Default)]
struct Variables {
    /// The one that says where to begin, which has no part in what comes then.
    after: Option<Name>,
    /// What some of them are taken for.
    values: Vec<(Name, serde_json::Value)>,
}

/// The variable that the argument `name` is, if it is one.
fn variable_of(ctx: &Context<'_>, name: &str) -> Option<Name> {
    let argument = ctx.item.node.get_argument(name)?.node.to_string();
    argument.strip_prefix('$').map(Name::new)
}

/// Reads a message's payload. One that is not what its kind says is logged and left out.
#[must_use]
pub fn payload<P: serde::de::DeserializeOwned>(message: &Message) -> Option<P> {
    P::deserialize(&*message.payload)
        .inspect_err(|error| tracing::error!(%error, kind = %message.kind, "an event's payload cannot be read"))
        .ok()
}

/// Which stream a cursor belongs to.
#[must_use]
pub fn stream_id(topic: Topic, selection: &str) -> u32 {
    let hash = Sha256::new().chain_update(topic.to_string()).chain_update("\0").chain_update(selection).finalize();
    let [a, b, c, d, ..]: [u8; 32] = hash.into();
    u32::from_be_bytes([a, b, c, d])
}
