//! Those who asked the same: an event is executed once for all of them.
//!
//! A group hears of its topic from before its first subscriber reads the log's head until after its last one is gone. It has
//! no task while nothing happens; the first event after a silence starts one, which executes event after event and ends when
//! there are no more.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::{Request, Variables};
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::catch_up::Seen;
use super::counters::Counters;
use super::engine::{Engine, Key, Question};
use super::execution::{Execution, Outcome};
use super::operation::Member;
use super::queue::Frame;
use super::{Policy, StreamResetReason, answer};
use crate::graphql::Result;
use crate::graphql::context::{Accepts, RequestId, Shared};
use crate::graphql::scalars::EventCursor;
use crate::platform::bus::{Attachment, Delivery, Mailbox, Message, Receiver, newest};
use crate::platform::relay::{self, Since};

/// How long a group that has nothing to do keeps its execution and its memory.
const LINGER: Duration = Duration::from_secs(10);

/// Answers kept for those who come back.
const MAX_KEPT: usize = 64;

/// And their size in bytes.
const MAX_KEPT_BYTES: usize = 128 * 1024;

/// Events that a group reads from the log at once, when the bus may have lost some.
const MAX_REPAIR: u64 = 10_000;

/// How long a group rests when the log cannot be read.
const REST: Duration = Duration::from_millis(500);

/// Those who asked the same.
pub(super) struct Group {
    engine: Engine,
    question: Question,
    /// What others find it by; `None` when it is for one alone.
    key: Option<Key>,
    mailbox: Mailbox,
    is_attached: OnceCell<()>,
    state: Mutex<State>,
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").field("topic", &self.question.topic).finish_non_exhaustive()
    }
}

struct Place {
    member: Arc<Member>,
    /// What it has had.
    from: i64,
    seen: Seen,
}

/// An answer that was given.
struct Kept {
    position: i64,
    version: Option<(Uuid, i32)>,
    frame: Frame,
}

#[derive(Default)]
struct State {
    members: HashMap<u64, Place>,
    next: u64,
    /// Those on their way in.
    entering: usize,
    /// Everything up to here was answered; `None` until somebody who knows has joined.
    position: Option<i64>,
    /// The incarnation of the log that `position` is of; 0 until somebody who knows has joined.
    epoch: i32,
    /// Answers after this are all in `kept`.
    floor: i64,
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    /// Something may have been lost while nobody was there whose position could be gone on from.
    is_suspect: bool,
    is_running: bool,
    is_gone: bool,
    attachment: Option<Attachment>,
}

/// What became of one who wanted to join.
#[derive(Debug)]
pub(super) enum Joined {
    /// They hear of everything from here on.
    Live,
    /// The group has gone on in the meantime: what came after this position has to be read first.
    Behind(i64, Seen),
}

impl Group {
    /// A group with one on their way in.
    pub(super) fn new(engine: Engine, question: Question, key: Option<Key>) -> Arc<Self> {
        engine.count_group(1);
        let state = Mutex::new(State { entering: 1, ..State::default() });
        Arc::new(Self { engine, question, key, mailbox: Mailbox::default(), is_attached: OnceCell::new(), state })
    }

    pub(super) const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Lets one more in; `false`: it has come to its end.
    pub(super) fn admit(&self) -> bool {
        let mut state = self.state();
        if !state.is_gone {
            state.entering += 1;
        }
        !state.is_gone
    }

    /// Hears of its topic from now on, if it did not before.
    pub(super) async fn attach(self: &Arc<Self>) -> Result<()> {
        let attach = async {
            let receiver = Arc::clone(self) as Arc<dyn Receiver>;
            let attachment = self.engine.app().bus.attach(self.question.topic, receiver).await?;
            self.state().attachment = Some(attachment);
            Ok(())
        };
        self.is_attached.get_or_try_init(|| attach).await.copied()
    }

    /// One on their way in has joined, or does not come.
    pub(super) fn give_up_entrance(&self) {
        self.state().entering -= 1;
        self.end_if_empty();
    }

    /// Whether it has every answer after `position` of the log's incarnation `epoch`.
    pub(super) fn remembers(&self, epoch: i32, position: i64) -> bool {
        let state = self.state();
        state.epoch == epoch && state.position.is_some_and(|at| state.floor <= position && position <= at)
    }

    /// Takes in `member`, who has had everything up to `position` of the log's incarnation `epoch` and has `seen` a snapshot.
    pub(super) fn join(self: &Arc<Self>, member: &Arc<Member>, (epoch, position): (i32, i64), seen: Seen) -> Joined {
        let is_latest = self.question.policy != Policy::All;
        let mut state = self.state();
        if state.epoch != 0 && state.epoch != epoch {
            drop(state);
            // those who are here are of a log that is no more; what was heard of the new one is read again
            self.start_anew(StreamResetReason::Server);
            state = self.state();
            state.is_suspect = true;
        }
        state.epoch = epoch;
        if state.position.is_some_and(|at| position < at && position < state.floor) {
            return Joined::Behind(position, seen);
        }
        let id = state.next;
        if !member.sit(self, id) {
            return Joined::Live;
        }
        state.next += 1;
        let at = *state.position.get_or_insert(position);
        if state.members.is_empty() && position > at {
            // what lies between concerns nobody here
            state.position = Some(position);
            state.forget_answers(position);
        }
        if state.kept.is_empty() && state.members.is_empty() {
            state.floor = position;
        }
        let missed: Vec<Frame> = state
            .kept
            .iter()
            .filter(|kept| kept.position > position && !seen.has(kept.version))
            .map(|kept| kept.frame.clone())
            .collect();
        let mut from = position;
        for frame in missed {
            if !member.offer(&frame, is_latest) {
                drop(state);
                member.recover(from, seen);
                return Joined::Live;
            }
            Counters::add(&self.engine.counters().messages, 1);
            from = frame.cursor.map_or(from, |cursor| cursor.position);
        }
        let seen = if seen.is_past(from) { Seen::default() } else { seen };
        state.members.insert(id, Place { member: Arc::clone(member), from, seen });
        member.share(&self.question.query);
        let is_suspect = std::mem::take(&mut state.is_suspect);
        drop(state);
        if is_suspect {
            self.deliver_to(Delivery::Gap);
        }
        Joined::Live
    }

    /// The member at `place` has gone.
    pub(super) fn leave(&self, place: u64) {
        let left = self.state().members.remove(&place);
        self.end_if_empty();
        // outside the lock
        drop(left);
    }

    fn end_if_empty(&self) {
        let mut state = self.state();
        if state.is_gone || state.entering > 0 || !state.members.is_empty() {
            return;
        }
        state.is_gone = true;
        let attachment = state.attachment.take();
        drop(state);
        if let Some(key) = &self.key {
            self.engine.forget(key, self);
        }
        self.engine.count_group(-1);
        drop(attachment);
    }

    fn deliver_to(self: &Arc<Self>, delivery: Delivery) {
        self.put(delivery);
        let mut state = self.state();
        if !state.is_running {
            state.is_running = true;
            drop(state);
            tokio::spawn(Runner { group: Arc::clone(self), execution: None }.run());
        }
    }

    fn put(&self, delivery: Delivery) {
        let forgotten = i64::try_from(self.mailbox.put(delivery)).unwrap_or(i64::MAX);
        self.engine.counters().pending.fetch_add(1 - forgotten, Ordering::AcqRel);
    }

    /// So many deliveries are dealt with.
    fn dealt_with(&self, count: i64) {
        self.engine.counters().pending.fetch_sub(count, Ordering::AcqRel);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a group hears of its topic. (The bus owns it as long as it is attached.)
impl Receiver for Group {
    fn deliver(self: Arc<Self>, delivery: Delivery) {
        self.deliver_to(delivery);
    }
}

impl State {
    fn keep(&mut self, kept: Kept) {
        self.kept_bytes += kept.frame.body.len();
        self.kept.push_back(kept);
        while self.kept.len() > MAX_KEPT || self.kept_bytes > MAX_KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.kept_bytes -= oldest.frame.body.len();
            self.floor = oldest.position;
        }
    }

    /// Nothing up to `position` is known any more.
    fn forget_answers(&mut self, position: i64) {
        self.kept = VecDeque::new();
        self.kept_bytes = 0;
        self.floor = position;
    }
}

/// The task of a group, while there is something to do.
struct Runner {
    group: Arc<Group>,
    execution: Option<Execution>,
}

impl Runner {
    async fn run(mut self) {
        loop {
            match timeout(LINGER, self.group.mailbox.next()).await {
                Ok(delivery) => match self.group.question.policy {
                    Policy::All => {
                        self.handle(delivery).await;
                        self.group.dealt_with(1);
                    }
                    Policy::Latest(pause) => {
                        let mut waiting = vec![delivery];
                        while let Some(newer) = self.group.mailbox.take() {
                            waiting.push(newer);
                        }
                        let count = i64::try_from(waiting.len()).unwrap_or(i64::MAX);
                        for delivery in newest(waiting) {
                            self.handle(delivery).await;
                        }
                        self.group.dealt_with(count);
                        sleep(pause).await;
                    }
                },
                Err(_) => {
                    if self.rest() {
                        return;
                    }
                }
            }
        }
    }

    /// Ends, unless something came just now.
    fn rest(&self) -> bool {
        let mut state = self.group.state();
        if !self.group.mailbox.is_empty() {
            return false;
        }
        state.is_running = false;
        if state.members.len() < 2 {
            // nobody would come back in a crowd
            let position = state.position.unwrap_or_default();
            state.forget_answers(position);
        }
        true
    }

    async fn handle(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Message(message) => {
                let is_hole = self.group.state().position.is_some_and(|at| message.previous > at);
                if is_hole {
                    self.repair().await;
                }
                self.take(message).await;
            }
            Delivery::Gap => self.repair().await,
            Delivery::Behind(position) => {
                if self.group.state().position.is_some_and(|at| at < position) {
                    self.repair().await;
                }
            }
        }
    }

    /// Reads what the bus may have lost.
    async fn repair(&mut self) {
        let (epoch, at) = {
            let mut state = self.group.state();
            if state.members.is_empty() {
                state.is_suspect = state.entering > 0;
                state.position = None;
                state.forget_answers(0);
                return;
            }
            (state.epoch, state.position.unwrap_or_default())
        };
        let group = Arc::clone(&self.group);
        if epoch != group.engine.epoch() {
            return group.start_anew(StreamResetReason::Server);
        }
        Counters::add(&group.engine.counters().repairs, 1);
        let since = relay::since(group.engine.app().db.reader(), group.question.topic, at, MAX_REPAIR).await;
        match since {
            Ok(Since::Messages(messages, known)) => {
                let older = if group.question.policy == Policy::All { 0 } else { messages.len().saturating_sub(1) };
                for message in messages.into_iter().skip(older) {
                    self.take(message).await;
                }
                // of those to whom the newest tells everything some hear of other topics too (`Bus::forward`): what has not
                // come from there yet is not known, though the log has nothing of their own
                if group.question.policy == Policy::All {
                    let mut state = group.state();
                    state.position = state.position.map(|at| at.max(known));
                }
            }
            Ok(Since::Forgotten | Since::Unknown) => group.start_anew(StreamResetReason::Server),
            Err(error) => {
                tracing::warn!(?error, "the log cannot be read; trying again");
                sleep(REST).await;
                group.put(Delivery::Gap);
            }
        }
    }

    /// Has `message` executed and hands its answer to everybody.
    async fn take(&mut self, message: Message) {
        let group = Arc::clone(&self.group);
        let epoch = {
            let mut state = group.state();
            if state.position.is_some_and(|at| message.position <= at) {
                return;
            }
            if state.members.is_empty() {
                state.position = Some(message.position);
                state.forget_answers(message.position);
                return;
            }
            state.epoch
        };
        let counters = group.engine.counters();
        Counters::add(&counters.events, 1);
        let position = message.position;
        let cursor = EventCursor { epoch, stream: group.question.stream, position, is_partial: false };
        let execution = self.execution.get_or_insert_with(|| group.begin());
        Counters::add(&counters.executions, 1);
        let outcome = execution.push(message, cursor).await;
        let version = execution.version();
        match outcome {
            Outcome::Answer(response) => {
                let is_resumable = group.question.policy == Policy::All;
                let frame = Frame { body: answer::result(&response), cursor: is_resumable.then_some(cursor) };
                group.give(position, version, Some(frame));
            }
            Outcome::Passed => group.give(position, version, None),
            Outcome::Failed => {
                self.execution = None;
                group.send_away(position);
                return;
            }
        }
        if execution.is_over() {
            self.execution = None;
            group.complete();
        }
    }
}

impl Group {
    /// Begins to execute what everybody here asked.
    fn begin(&self) -> Execution {
        let question = &self.question;
        Execution::begin(|relayed| {
            let id = RequestId(self.engine.app().ids.uuid().simple().to_string());
            let mut request = Request::new(&*question.query)
                .variables(Variables::from_json(Value::Object((*question.variables).clone())))
                .data(Shared(question.reader))
                .data(id)
                .data(Accepts::Everything)
                .data(relayed);
            request.operation_name = question.operation_name.as_deref().map(ToOwned::to_owned);
            self.engine.execute(request)
        })
    }

    /// Hands `frame`, the answer to the event at `position`, to everybody who has not had it.
    fn give(&self, position: i64, version: Option<(Uuid, i32)>, frame: Option<Frame>) {
        let is_latest = self.question.policy != Policy::All;
        let mut state = self.state();
        let before = state.position.unwrap_or_default();
        if before >= position {
            // everybody left while it was made, and those who came since know more
            return;
        }
        state.position = Some(position);
        let Some(frame) = frame else { return };
        let mut behind = Vec::new();
        let mut count = 0;
        for (id, place) in &mut state.members {
            if place.from >= position || place.seen.has(version) {
                continue;
            }
            if place.seen.is_past(position) {
                place.seen = Seen::default();
            }
            if place.member.offer(&frame, is_latest) {
                count += 1;
            } else {
                behind.push((*id, before.max(place.from)));
            }
        }
        let behind: Vec<_> = behind
            .into_iter()
            .filter_map(|(id, position)| state.members.remove(&id).map(|place| (place, position)))
            .collect();
        let counters = self.engine.counters();
        Counters::add(&counters.messages, count);
        counters.bytes.fetch_add((count * frame.body.len()) as u64, Ordering::Relaxed);
        if is_latest {
            // for whoever took their snapshot before this, and joins after it
            state.kept.clear();
            state.kept_bytes = 0;
        }
        state.keep(Kept { position, version, frame });
        drop(state);
        Counters::add(&counters.lags, behind.len());
        for (place, position) in behind {
            place.member.recover(position, place.seen);
        }
        self.end_if_empty();
    }

    fn empty(&self) -> Vec<Place> {
        let mut state = self.state();
        let position = state.position.unwrap_or_default();
        state.forget_answers(position);
        state.members.drain().map(|(_, place)| place).collect()
    }

    /// There is nothing more to come for anybody here.
    fn complete(&self) {
        for place in self.empty() {
            place.member.complete();
        }
        self.end_if_empty();
    }

    /// Everybody goes on alone from before the event at `position`, and hears for themselves what does not work.
    fn send_away(&self, position: i64) {
        let before = self.state().position.unwrap_or_default();
        let members = self.empty();
        {
            // the group has passed the event over, and does not claim to remember what came before
            let mut state = self.state();
            state.position = Some(before.max(position));
            state.forget_answers(before.max(position));
        }
        for place in members {
            place.member.go_on_alone(before.max(place.from), place.seen);
        }
        self.end_if_empty();
    }

    fn start_anew(&self, reason: StreamResetReason) {
        let members = self.empty();
        self.state().position = None;
        for place in members {
            place.member.start_anew(reason);
        }
        self.end_if_empty();
    }
}
