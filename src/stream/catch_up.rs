//! How a subscription comes up to the present, before it joins a group.
//!
//! Order of work: attach to the live topic, read the log's head, then the snapshot. What is committed while the snapshot is
//! read arrives live as well, and is dropped there when the snapshot had it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::Name;
use domain::access::Reader;
use domain::event::Topic;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::ears::Standing;
use super::engine::{Engine, Entrance, Plan};
use super::execution::AnySource;
use super::group::{Comer, Joined};
use super::operation::{Call, Member};
use super::{Policy, Snapshot, SnapshotCursors, Source, StreamReset, StreamResetReason, Variables, stream_id};
use crate::app::App;
use crate::graphql::limits::uses_once;
use crate::graphql::scalars::{Doubt, EventCursor};
use crate::graphql::{Result, Visitor};
use crate::platform::bus::Message;
use crate::platform::error::Error;
use crate::platform::relay::{self, Since};

/// Events replayed to one subscriber at the most; who is further behind takes a new snapshot, which is less to read.
const MAX_REPLAY: u64 = 1_000;

/// Events that the group is left to tell one who comes back, once for all who do: those who are there wait as long.
const MAX_TOGETHER: usize = 32;

/// Events read in one go, and kept until the subscriber has taken them.
const PAGE: u64 = 100;

/// Events that items are made of together, before the first of these is sent.
const MADE_TOGETHER: usize = 32;

/// How old what is sent may be. A reader who is slow may have lost the right to it since, and it is made again.
const FRESH: Duration = Duration::from_secs(1);

/// Where a subscription begins.
#[derive(Debug, Clone)]
pub(super) enum Start {
    /// Where its request says.
    AsAsked,
    /// From where it has come to before, with what a snapshot had shown it.
    After(Standing, Seen),
    /// With a new snapshot, and word of why.
    Anew(StreamResetReason),
}

/// In the data of a request that may subscribe: who it is, and what the resolver leaves for the engine.
pub(crate) struct Seat {
    engine: Engine,
    call: Call,
    visitor: Visitor,
    start: Mutex<Start>,
    left: Mutex<Left>,
}

#[derive(Default)]
struct Left {
    is_taken: bool,
    /// What comes next could not be read.
    is_broken: bool,
    /// Of the item that is being executed.
    cursor: Option<EventCursor>,
    arrival: Option<Arrival>,
}

/// A subscription at the present: what it takes to join the others.
pub(super) struct Arrival {
    entrance: Entrance,
    /// The log's incarnation, and its position up to which everything was sent, or concerns others.
    at: (i32, i64),
    seen: Seen,
    /// The group is to tell it what the log has for it.
    is_owed: bool,
}

/// The versions that a snapshot showed, as long as an event of them may still come.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Option<Box<Versions>>);

#[derive(Debug, Clone)]
struct Versions {
    shown: HashMap<Uuid, i32>,
    /// Events after this are none of them; unknown while some had no position yet.
    until: Option<i64>,
}

impl Arrival {
    /// `shown` is the last answer that `member` had alone, as [`fingerprint`](super::group::fingerprint) has it.
    pub(super) fn join(self, member: &Arc<Member>, shown: Option<u64>) -> Joined {
        let Self { entrance, at, seen, is_owed } = self;
        entrance.group().join(member, Comer { at, seen, shown, is_owed })
    }
}

impl Seen {
    /// Whether the snapshot had shown `version` of a record already.
    pub(super) fn has(&self, version: Option<(Uuid, i32)>) -> bool {
        let (Some(versions), Some((record, version))) = (&self.0, version) else { return false };
        versions.shown.get(&record).is_some_and(|shown| version <= *shown)
    }

    /// Whether it is not known until when events of them may come.
    pub(super) fn is_open(&self) -> bool {
        self.0.as_ref().is_some_and(|versions| versions.until.is_none())
    }

    /// Nothing of what was shown comes after `position`.
    pub(super) fn settle(&mut self, position: i64) {
        if let Some(versions) = &mut self.0 {
            versions.until.get_or_insert(position);
        }
    }

    /// Whether nothing that comes after `position` can have been shown.
    pub(super) fn is_past(&self, position: i64) -> bool {
        self.0.as_ref().is_none_or(|versions| versions.until.is_some_and(|until| until <= position))
    }
}

impl Seat {
    pub(super) fn new(engine: Engine, call: Call, visitor: Visitor, start: Start) -> Self {
        Self { engine, call, visitor, start: Mutex::new(start), left: Mutex::default() }
    }

    /// Where the stream is after the last answer.
    pub(super) fn cursor(&self) -> Option<EventCursor> {
        self.left().cursor
    }

    /// Whether it follows a feed: what is executed are its items.
    pub(super) fn is_taken(&self) -> bool {
        self.left().is_taken
    }

    /// Whether it ended because what comes next could not be read.
    pub(super) fn is_broken(&self) -> bool {
        self.left().is_broken
    }

    /// What the subscription has come to, once its own stream has ended; `None`: it is over.
    pub(super) fn arrival(&self) -> Option<Arrival> {
        self.left().arrival.take()
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The items that bring `source` up to the present. `after` is what the request says, by one of its `variables` if it has
    /// one for it.
    pub(super) async fn catch_up<S: Source>(
        self: &Arc<Self>,
        app: App,
        source: S,
        after: Option<EventCursor>,
        variables: Variables,
    ) -> Result<BoxStream<'static, Result<S::Item>>> {
        if std::mem::replace(&mut self.left().is_taken, true) {
            return Err(Error::fault("following a feed", "the operation follows one already").into());
        }
        source.authorise(&app).await?;
        let stream = stream_id(source.topic(), &source.selection());
        let (topics, source) = (source.topics(), Arc::new(source));
        let is_shared = |(name, _): &(Name, Value)| uses_once(&self.call.query, name);
        let may_share = source.policy() == Policy::All && !variables.values.is_empty();
        let plan = Plan {
            topic: source.topic(),
            topics: Arc::clone(&topics),
            audience: source.audience(),
            policy: source.policy(),
            // of the newest only, one that is passed over may hide one that is not
            filter: if source.policy() == Policy::All { source.filter() } else { None },
            reader: self.visitor.actor().map(Reader::from).unwrap_or_default(),
            stream,
            source: (may_share && variables.values.iter().all(is_shared)).then(|| Arc::clone(&source) as AnySource),
            variables,
        };
        let entrance = self.engine.enter(&plan, &self.call).await?;
        if let Some(hearing) = source.hears() {
            // before anything is looked at: what changes from now on is heard
            entrance.group().hear(hearing).await?;
        }
        let after = if source.policy() == Policy::All { self.call.after.or(after) } else { None };
        let mut way = Way {
            app,
            source,
            topics,
            stream,
            entrance,
            items: VecDeque::new(),
            messages: VecDeque::new(),
            made: Instant::now(),
            alone: 0,
            has_more: false,
            known: 0,
            reason: StreamResetReason::Retention,
            at: EventCursor { epoch: 0, stream, position: 0, doubt: None, is_partial: false },
            seen: Seen::default(),
            is_owed: false,
            is_over: false,
        };
        let start = std::mem::replace(&mut *self.start.lock().unwrap_or_else(PoisonError::into_inner), Start::AsAsked);
        way.go(start, after).await?;
        if let Some(hearing) = way.source.hears() {
            way.entrance.group().hear(hearing).await?;
        }
        let seat = Arc::clone(self);
        let items = stream::unfold(Some(way), move |way| Arc::clone(&seat).step(way));
        Ok(items.boxed())
    }

    /// The next item on `way`, and the way from there; at its end the arrival is left.
    async fn step<S: Source>(self: Arc<Self>, way: Option<Way<S>>) -> Option<(Result<S::Item>, Option<Way<S>>)> {
        let mut way = way?;
        match way.next().await {
            Ok(Some((cursor, item))) => {
                self.left().cursor = cursor;
                Some((item, Some(way)))
            }
            Ok(None) => {
                let Way { entrance, at, seen, is_owed, is_over, .. } = way;
                if !is_over {
                    self.left().arrival = Some(Arrival { entrance, at: (at.epoch, at.position), seen, is_owed });
                }
                None
            }
            Err(error) => {
                self.left().is_broken = true;
                Some((Err(error), None))
            }
        }
    }
}

/// A source on its way to the present.
struct Way<S: Source> {
    app: App,
    source: Arc<S>,
    topics: Arc<[Topic]>,
    stream: u32,
    entrance: Entrance,
    /// To be sent: of a first picture, or of what came since.
    items: VecDeque<Ready<S::Item>>,
    /// A page of what came since, before it is made into items.
    messages: VecDeque<Message>,
    /// When the items were made of such.
    made: Instant,
    /// How many of these are made into items one by one: with one of them something is wrong.
    alone: usize,
    /// More may follow after the page.
    has_more: bool,
    /// Nothing more comes up to here, once the page is over.
    known: i64,
    /// Why it starts anew if the log has forgotten what comes next.
    reason: StreamResetReason,
    at: EventCursor,
    seen: Seen,
    /// The group is to tell what comes next.
    is_owed: bool,
    is_over: bool,
}

/// An item that is to be sent.
struct Ready<Item> {
    /// Where the stream is then.
    cursor: Option<EventCursor>,
    item: Result<Item>,
    /// What it was made of; `None`: it is of a first picture.
    of: Option<Message>,
}

impl<S: Source> Way<S> {
    async fn go(&mut self, start: Start, after: Option<EventCursor>) -> Result<()> {
        let head = relay::head(self.app.db.reader()).await?;
        let (epoch, position) = (head.epoch, head.position);
        self.at = EventCursor { epoch, stream: self.stream, position, doubt: None, is_partial: false };
        self.entrance.group().engine().note_epoch(head.epoch);
        match (start, after) {
            (Start::AsAsked, Some(after)) if after.epoch != head.epoch || after.stream != self.stream => {
                self.start_anew(StreamResetReason::Server).await
            }
            // the rest of the first picture is missing, and nothing else
            (Start::AsAsked, Some(after)) if after.is_partial => self.take_snapshot().await,
            (Start::AsAsked, Some(after)) => {
                self.resume(after.into()).await?;
                self.leave_to_group();
                Ok(())
            }
            (Start::After(standing, seen), _) if self.source.policy() == Policy::All => {
                (self.seen, self.reason) = (seen, StreamResetReason::SlowConsumer);
                self.resume(standing).await
            }
            (Start::AsAsked, None) | (Start::After(..), _) => self.take_snapshot().await,
            (Start::Anew(reason), _) => self.start_anew(reason).await,
        }
    }

    async fn take_snapshot(&mut self) -> Result<()> {
        // `at` was read before: what is committed after it is in the snapshot, or arrives live, or both
        let snapshot = self.source.snapshot(&self.app, SnapshotCursors(self.at)).await?;
        self.show(snapshot).await
    }

    async fn show(&mut self, snapshot: Snapshot<S::Item>) -> Result<()> {
        let count = snapshot.items.len();
        let is_resumable = self.source.policy() == Policy::All;
        let numbered = snapshot.items.into_iter().enumerate();
        self.is_over = self.source.has_ended();
        self.items.extend(numbered.map(|(index, item)| {
            let cursor = SnapshotCursors(self.at).of(index, count);
            Ready { cursor: is_resumable.then_some(cursor), item: Ok(item), of: None }
        }));
        self.seen = Seen::default();
        if !snapshot.seen.is_empty() {
            // what the snapshot showed was committed before it was read: once all of that has its position, nothing of it
            // comes any more
            let until = relay::settled(self.app.db.reader()).await?;
            self.seen = Seen(Some(Box::new(Versions { shown: snapshot.seen, until })));
        }
        Ok(())
    }

    /// Goes on from `standing`, or starts anew when nobody can say what came since.
    async fn resume(&mut self, standing: Standing) -> Result<()> {
        let position = self.sure_position(standing).await?;
        self.at.position = position;
        if self.entrance.group().remembers(self.at.epoch, position) {
            return Ok(());
        }
        self.read_on().await
    }

    /// What others want to be told who come back too, or who are here and may have to, the group tells, if it is not much: each
    /// event is executed once for all of them, and those who come next find the answers there.
    fn leave_to_group(&mut self) {
        let is_little = (1..=MAX_TOGETHER).contains(&self.messages.len()) && !self.has_more && self.items.is_empty();
        if is_little && self.entrance.group().is_shared() {
            self.messages.clear();
            (self.known, self.is_owed) = (0, true);
        }
    }

    /// Up to where `standing` has everything. Where something was lost on the way there, what came after it is told again.
    async fn sure_position(&self, Standing { position, doubt }: Standing) -> Result<i64> {
        let Some(Doubt { known, count }) = doubt else { return Ok(position) };
        let count = u64::from(count);
        let is_whole =
            count <= MAX_REPLAY && relay::has_between(self.app.db.reader(), &self.topics, known, position, count).await?;
        Ok(if is_whole { position } else { known })
    }

    /// Reads a page of what came after `at`.
    async fn read_on(&mut self) -> Result<()> {
        let (db, position) = (self.app.db.reader(), self.at.position);
        match relay::page_since(db, &self.topics, position, MAX_REPLAY, PAGE).await? {
            Since::Messages(messages, known) => {
                self.has_more = messages.len() as u64 == PAGE;
                (self.messages, self.known) = (messages.into(), known);
                Ok(())
            }
            Since::Unknown => self.start_anew(StreamResetReason::Server).await,
            Since::Forgotten => self.start_anew(self.reason).await,
        }
    }

    /// The next item with its cursor; `None`: the present is reached, or the end of all that concerns the subscriber.
    async fn next(&mut self) -> Result<Option<(Option<EventCursor>, Result<S::Item>)>> {
        loop {
            if self.items.front().is_some_and(|ready| ready.of.is_some()) && self.made.elapsed() > FRESH {
                let stale: Vec<Message> = self.items.drain(..).filter_map(|ready| ready.of).collect();
                self.take_back(stale);
            }
            if let Some(Ready { cursor, item, .. }) = self.items.pop_front() {
                return Ok(Some((cursor, item)));
            }
            if !self.messages.is_empty() {
                self.make().await;
                continue;
            }
            if self.is_over {
                return Ok(None);
            }
            // what others were told in the meantime is no reason to look again
            self.at.position = self.at.position.max(self.known);
            if !std::mem::take(&mut self.has_more) {
                return Ok(None);
            }
            self.read_on().await?;
        }
    }

    /// Makes items of the first messages, and of none after the last that concerns the subscriber.
    async fn make(&mut self) {
        let is_alone = self.alone > 0;
        self.alone = self.alone.saturating_sub(1);
        let count = if is_alone { 1 } else { self.messages.len().min(MADE_TOGETHER) };
        let before = (self.at, self.is_over);
        let mut taken: Vec<(Message, EventCursor)> = Vec::with_capacity(count);
        while taken.len() < count
            && let Some(message) = self.messages.pop_front()
        {
            self.at.position = message.position;
            if self.seen.has(self.source.version(&message)) {
                continue;
            }
            let ends = self.source.ends(&message);
            taken.push((message, self.at));
            if ends {
                self.is_over = true;
                self.messages.clear();
            }
        }
        let asked: Vec<(&Message, EventCursor)> = taken.iter().map(|(message, cursor)| (message, *cursor)).collect();
        let items = self.source.items(&self.app, &asked).await;
        self.made = Instant::now();
        match items {
            Ok(items) => self.items.extend(taken.into_iter().zip(items).filter_map(|((message, cursor), item)| {
                Some(Ready { cursor: Some(cursor), item: Ok(item?), of: Some(message) })
            })),
            Err(error) if taken.len() == 1 => {
                let of = taken.pop().map(|(message, _)| message);
                self.items.push_back(Ready { cursor: Some(self.at), item: Err(error), of });
            }
            Err(_) => {
                ((self.at, self.is_over), self.alone) = (before, taken.len());
                self.take_back(taken.into_iter().map(|(message, _)| message).collect());
            }
        }
    }

    /// Puts `messages` before the others, to be made into items again.
    fn take_back(&mut self, messages: Vec<Message>) {
        for message in messages.into_iter().rev() {
            self.messages.push_front(message);
        }
    }

    async fn start_anew(&mut self, reason: StreamResetReason) -> Result<()> {
        let head = relay::head(self.app.db.reader()).await?;
        self.at = EventCursor { epoch: head.epoch, position: head.position, ..self.at };
        self.entrance.group().engine().note_epoch(head.epoch);
        self.entrance.count_reset();
        // whoever is cut off after this word has nothing yet
        let cursor = EventCursor { is_partial: true, ..self.at };
        let word = self.source.reset(StreamReset { cursor, reason });
        self.items.extend(word.map(|word| Ready { cursor: Some(cursor), item: Ok(word), of: None }));
        let snapshot = self.source.snapshot_anew(&self.app, SnapshotCursors(self.at)).await?;
        self.show(snapshot).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_is_forgotten_once_it_is_known_until_when_it_may_come() {
        let record = Uuid::from_u128(1);
        let versions = Versions { shown: HashMap::from([(record, 3)]), until: None };
        let mut seen = Seen(Some(Box::new(versions)));
        assert!(seen.has(Some((record, 3))) && !seen.has(Some((record, 4))));
        assert!(seen.is_open() && !seen.is_past(i64::MAX), "it may come at any time");
        seen.settle(7);
        seen.settle(9);
        assert!(!seen.is_open() && !seen.is_past(6) && seen.is_past(7));
    }
}
