//! Those who asked the same: an event is executed once for all of them.
//!
//! A group hears of its topics from before its first subscriber reads the log's head until after its last one is gone. It has
//! no task while nothing happens; the first event after a silence starts one, which executes event after event and ends when
//! there are no more.

mod runner;
mod telling;

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::event::Topic;
use futures_util::FutureExt as _;
use futures_util::future::try_join_all;
use tokio::sync::{Notify, OnceCell};
use tokio::time::Instant;
use uuid::Uuid;

use self::runner::Runner;
use super::catch_up::Seen;
use super::counters::Counters;
use super::ears::{Ears, Standing};
use super::engine::{Engine, Key, Question};
use super::operation::Member;
use super::queue::Frame;
use super::{Hearing, Policy, StreamResetReason, answer};
use crate::graphql::Result;
use crate::platform::bus::{Attachment, Delivery, Mailbox, Receiver};

/// Answers kept for those who come back.
const MAX_KEPT: usize = 64;

/// And their size in bytes.
const MAX_KEPT_BYTES: usize = 128 * 1024;

/// Those who asked the same.
pub(super) struct Group {
    engine: Engine,
    question: Question,
    /// What others find it by; `None` when it is for one alone.
    key: Option<Key>,
    mailbox: Mailbox,
    /// Somebody has come to whom something is owed.
    reminder: Notify,
    is_attached: OnceCell<()>,
    /// It was logged that its execution does not work.
    has_complained: AtomicBool,
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
    /// The last answer that it was shown, where only the newest counts.
    shown: Option<Shown>,
    /// The newest came too soon after that, and is to be told when it is time.
    is_owed: bool,
}

/// An answer that was shown.
#[derive(Clone, Copy)]
struct Shown {
    fingerprint: u64,
    at: Instant,
}

/// What a group hears of besides its topic.
struct Heard {
    hearing: Hearing,
    _attachment: Option<Attachment>,
}

/// Tells one answer from another: that the same is not said twice costs a number for each subscriber, and not a text.
pub(super) fn fingerprint(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

/// An answer that was given.
struct Kept {
    position: i64,
    version: Option<(Uuid, i32)>,
    frame: Frame,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and may be so whatever the others are")]
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
    /// The newest answer, where there are some for whom it came too soon.
    owed: Option<Frame>,
    /// Something was looked at again while somebody was on their way in who may have looked before.
    is_whispered: bool,
    heard: Option<Heard>,
    /// Something may have been lost while nobody was there whose position could be gone on from.
    is_suspect: bool,
    is_running: bool,
    is_gone: bool,
    attachments: Vec<Attachment>,
    /// What was heard on which topic, where there are several.
    ears: Option<Ears>,
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
        let ears = question.ears();
        let state = Mutex::new(State { entering: 1, ears, ..State::default() });
        let (mailbox, reminder, is_attached, has_complained) = Default::default();
        Arc::new(Self { engine, question, key, mailbox, reminder, is_attached, has_complained, state })
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

    /// Hears of its topics from now on, if it did not before.
    pub(super) async fn attach(self: &Arc<Self>) -> Result<()> {
        let (bus, topics) = (&self.engine.app().bus, &self.question.topics);
        let receiver = |topic| match topics.len() {
            1 => Arc::clone(self) as Arc<dyn Receiver>,
            _ => Arc::new(Ear { group: Arc::clone(self), topic }),
        };
        let attach = async {
            let attachments = try_join_all(topics.iter().map(|topic| bus.attach(*topic, receiver(*topic)))).await?;
            self.state().attachments = attachments;
            Ok(())
        };
        self.is_attached.get_or_try_init(|| attach).await.copied()
    }

    /// Hears of what `hearing` says from now on, besides its topic; of an older word than the last nothing comes.
    pub(super) async fn hear(self: &Arc<Self>, hearing: Hearing) -> Result<()> {
        let is_known = |state: &State| {
            let known = state.heard.as_ref().map(|heard| heard.hearing);
            state.is_gone || known.is_some_and(|known| known.version >= hearing.version)
        };
        {
            let mut state = self.state();
            if is_known(&state) {
                return Ok(());
            }
            if let Some(heard) = state.heard.as_mut().filter(|heard| heard.hearing.topic == hearing.topic) {
                heard.hearing = hearing;
                return Ok(());
            }
        }
        let attachment = match hearing.topic {
            Some(topic) => Some(self.engine.app().bus.attach(topic, Arc::clone(self) as Arc<dyn Receiver>).await?),
            None => None,
        };
        let heard = Heard { hearing, _attachment: attachment };
        let mut state = self.state();
        // meanwhile another may have said more; outside the lock an attachment may go
        let (before, is_news) = if is_known(&state) { (Some(heard), false) } else { (state.heard.replace(heard), true) };
        drop(state);
        if is_news && before.is_some() && hearing.topic.is_some() {
            // what was said there until now was not heard
            self.deliver_to(Delivery::Whisper);
        }
        Ok(())
    }

    /// Whether it hears of more than the log has.
    fn hears(&self) -> bool {
        self.state().heard.as_ref().is_some_and(|heard| heard.hearing.topic.is_some())
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
    pub(super) fn join(
        self: &Arc<Self>,
        member: &Arc<Member>,
        (epoch, position): (i32, i64),
        seen: Seen,
        shown: Option<u64>,
    ) -> Joined {
        let is_latest = self.question.policy != Policy::All;
        let mut state = self.state();
        while state.epoch != 0 && state.epoch != epoch {
            drop(state);
            // those who are here are of a log that is no more
            self.start_anew(StreamResetReason::Server);
            state = self.state();
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
        if state.members.is_empty() && state.ears.is_some() {
            // nobody is here whom anything before it concerns
            state.forget_until(position);
            state.note_known(position);
        }
        let missed: Vec<(i64, Frame)> = state
            .kept
            .iter()
            .filter(|kept| kept.position > position && !seen.has(kept.version))
            .map(|kept| (kept.position, kept.frame.clone()))
            .collect();
        let shown = shown.filter(|_| is_latest).map(|fingerprint| Shown { fingerprint, at: Instant::now() });
        let (mut from, mut owed) = (position, None);
        for (told, frame) in missed {
            if is_latest {
                // so soon after the first picture nothing is told
                owed = Some(frame);
            } else if member.offer(&frame, false) {
                Counters::add(&self.engine.counters().messages, 1);
            } else {
                let standing = state.standing(position, from);
                drop(state);
                member.recover(standing, seen);
                return Joined::Live;
            }
            from = told;
        }
        let seen = if seen.is_past(from) { Seen::default() } else { seen };
        let is_news = |frame: &Frame| shown.is_none_or(|shown| shown.fingerprint != fingerprint(&frame.body));
        let owed = owed.filter(is_news);
        let is_owed = owed.is_some();
        if is_owed {
            state.owed = owed;
        }
        // something may have been missing among what was told just now: what is told again of it is for them, too
        state.members.insert(id, Place { member: Arc::clone(member), from: position, seen, shown, is_owed });
        member.share(&self.question.query);
        let is_suspect = std::mem::take(&mut state.is_suspect);
        let is_whispered = std::mem::take(&mut state.is_whispered);
        drop(state);
        if is_suspect {
            self.deliver_to(Delivery::Gap);
        }
        if is_whispered {
            self.deliver_to(Delivery::Whisper);
        }
        if is_owed {
            self.reminder.notify_one();
            self.start();
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
        let attachments = (std::mem::take(&mut state.attachments), state.heard.take());
        drop(state);
        if let Some(key) = &self.key {
            self.engine.forget(key, self);
        }
        self.engine.count_group(-1);
        drop(attachments);
    }

    fn deliver_to(self: &Arc<Self>, delivery: Delivery) {
        self.put(delivery);
        self.start();
    }

    /// Begins its task, unless that runs.
    fn start(self: &Arc<Self>) {
        let mut state = self.state();
        if !state.is_running {
            state.is_running = true;
            drop(state);
            let group = Arc::clone(self);
            tokio::spawn(async move {
                let runner = Runner::new(Arc::clone(&group));
                if AssertUnwindSafe(runner.run()).catch_unwind().await.is_err() {
                    group.fall_apart();
                }
            });
        }
    }

    /// Whether `delivery` is the next event and concerns nobody here, which is told at once and without a task. Where something
    /// is still to be done, it waits for its turn.
    fn passes_over(&self, delivery: &Delivery) -> bool {
        let (Delivery::Message(message), Some(concerns)) = (delivery, &self.question.filter) else { return false };
        if concerns(message) {
            return false;
        }
        let mut state = self.state();
        let is_next = state.position.is_some_and(|at| message.previous <= at && at < message.position);
        let is_idle = !state.is_running && self.mailbox.is_empty();
        // what cannot be told any more from what was lost has to be compared with the log first
        let is_over = is_next && is_idle && !state.is_full();
        if is_over {
            state.pass(message.position);
        }
        is_over
    }

    fn put(&self, delivery: Delivery) {
        let forgotten = i64::try_from(self.mailbox.put(delivery)).unwrap_or(i64::MAX);
        self.engine.counters().pending.fetch_add(1 - forgotten, Ordering::AcqRel);
    }

    /// So many deliveries are dealt with.
    fn dealt_with(&self, count: i64) {
        self.engine.counters().pending.fetch_sub(count, Ordering::AcqRel);
    }

    /// When the first of those whom that concerns may be told something; `None`: there is none, or all is told to everybody.
    fn due(&self, concerns: impl Fn(&Place) -> bool) -> Option<Instant> {
        let (pause, now) = (self.question.policy.pause()?, Instant::now());
        let state = self.state();
        let concerned = state.members.values().filter(|place| concerns(place));
        concerned.map(|place| place.shown.map_or(now, |shown| shown.at + pause)).min()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a group hears of one of its several topics.
struct Ear {
    group: Arc<Group>,
    topic: Topic,
}

impl Receiver for Ear {
    fn deliver(self: Arc<Self>, delivery: Delivery) {
        let mut state = self.group.state();
        let can_miss = state.can_miss();
        let heard = match &mut state.ears {
            Some(ears) if can_miss => {
                ears.compare(self.group.engine.compared());
                ears.hear(self.topic, delivery)
            }
            // whoever comes first reads what there is
            Some(ears) => {
                ears.note(self.topic, &delivery);
                Some(delivery)
            }
            None => Some(delivery),
        };
        drop(state);
        if let Some(delivery) = heard {
            Arc::clone(&self.group).deliver(delivery);
        }
    }

    fn come_back(self: Arc<Self>) {
        Arc::clone(&self.group).come_back();
    }
}

/// How a group hears of its topic. (The bus owns it as long as it is attached.)
impl Receiver for Group {
    fn deliver(self: Arc<Self>, delivery: Delivery) {
        if !self.passes_over(&delivery) {
            self.deliver_to(delivery);
        }
    }

    /// What the log has is compared for all groups at once, and those hear of it whom it concerns: of many, most have missed
    /// nothing. Of what is in no log nobody else can tell.
    fn come_back(self: Arc<Self>) {
        if self.hears() {
            self.deliver_to(Delivery::Whisper);
        }
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

    /// Of every topic everything up to `position` is known.
    fn note_known(&mut self, position: i64) {
        if let Some(ears) = &mut self.ears {
            ears.know(position);
        }
    }

    /// The log was read to its end, or there is nobody for whom.
    fn end_reading(&mut self) {
        if let Some(ears) = &mut self.ears {
            ears.end_reading();
        }
    }

    /// The event at `position` is dealt with.
    fn pass(&mut self, position: i64) {
        self.position = Some(position);
        if let Some(ears) = &mut self.ears {
            ears.pass(position);
        }
    }

    /// Whether so much was passed since everything was known that it has to be compared with the log.
    fn is_full(&self) -> bool {
        self.ears.as_ref().is_some_and(Ears::is_full)
    }

    /// Where somebody stands who had everything up to `from`, and then what was told here up to `at`.
    fn standing(&self, from: i64, at: i64) -> Standing {
        Standing { position: at, doubt: self.ears.as_ref().and_then(|ears| ears.doubt(from, at)) }
    }

    /// Whether there is anybody who could miss something, or may be before long.
    fn can_miss(&self) -> bool {
        !self.members.is_empty() || self.position.is_some_and(|at| self.floor < at)
    }

    /// The log has events at `positions`. One of them may have been missed, though what came later was told: from there on all
    /// is told again.
    fn go_back_to_missing(&mut self, positions: &[i64]) {
        let Some(ears) = &self.ears else { return };
        let at = self.position.unwrap_or_default();
        if let Some(missing) = positions.iter().find(|position| **position <= at && ears.has_missed(**position)) {
            self.go_back(missing - 1);
        }
    }

    /// All that came after `position` is told again.
    fn go_back(&mut self, position: i64) {
        if let Some(ears) = &mut self.ears {
            ears.go_back(position);
        }
        self.position = Some(position);
        self.forget_answers(position);
    }

    /// Nobody is here any more, and nothing is kept. Those who were, and where each stands if the group was at `before`.
    fn empty(&mut self, before: i64) -> Vec<(Place, Standing)> {
        self.forget_answers(self.position.unwrap_or_default());
        let members = std::mem::take(&mut self.members);
        let standing = |place: &Place| self.standing(place.from, before.max(place.from));
        members.into_values().map(|place| (standing(&place), place)).map(|(standing, place)| (place, standing)).collect()
    }

    /// Of what is kept, nothing up to `position` is good for anybody any more.
    fn forget_until(&mut self, position: i64) {
        while let Some(oldest) = self.kept.pop_front_if(|oldest| oldest.position <= position) {
            self.kept_bytes -= oldest.frame.body.len();
        }
        self.floor = self.floor.max(position);
    }

    /// Nothing up to `position` is known any more.
    fn forget_answers(&mut self, position: i64) {
        self.kept = VecDeque::new();
        self.kept_bytes = 0;
        self.floor = position;
    }
}
