//! Those who asked the same: an event is executed once for all of them.
//!
//! A group hears of its topics from before its first subscriber reads the log's head until after its last one is gone. It has
//! no task while nothing happens; the first event after a silence starts one, which executes event after event and ends when
//! there are no more.

mod runner;
mod state;
mod telling;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::event::Topic;
use futures_util::FutureExt as _;
use futures_util::future::try_join_all;
use tokio::sync::{Notify, OnceCell};
use tokio::time::Instant;

use self::runner::Runner;
use self::state::{Heard, Kept, Place, Shown, State};
use super::catch_up::Seen;
use super::counters::Counters;
use super::ears::Standing;
use super::engine::{Engine, Key, Question};
use super::operation::Member;
use super::queue::Frame;
use super::{Hearing, Policy, StreamResetReason, answer};
use crate::graphql::Result;
use crate::platform::bus::{Delivery, Mailbox, Receiver};

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

/// Tells one answer from another: that the same is not said twice costs a number for each subscriber, and not a text.
pub(super) fn fingerprint(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

/// One who wants to join.
#[derive(Debug)]
pub(super) struct Comer {
    /// The log's incarnation, and its position up to which it has had everything.
    pub(super) at: (i32, i64),
    /// What it was shown by a snapshot.
    pub(super) seen: Seen,
    /// The last answer that it had alone, as [`fingerprint`] has it.
    pub(super) shown: Option<u64>,
    /// The log has something for it, which the group is to tell it.
    pub(super) is_owed: bool,
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
        state.epoch == epoch && state.remembers(position)
    }

    /// Whether an answer is good for others than one alone: for those who are here, or on their way in.
    pub(super) fn is_shared(&self) -> bool {
        self.key.is_some() && self.state().is_crowded()
    }

    /// Takes in `member`, who stands where `comer` says.
    pub(super) fn join(self: &Arc<Self>, member: &Arc<Member>, comer: Comer) -> Joined {
        let Comer { at: (epoch, position), seen, shown, is_owed: is_behind } = comer;
        let is_latest = self.question.policy != Policy::All;
        let mut state = self.state();
        while state.epoch != 0 && state.epoch != epoch {
            drop(state);
            // those who are here are of a log that is no more
            self.start_anew(StreamResetReason::Server);
            state = self.state();
        }
        state.epoch = epoch;
        if state.can_miss()
            && let Some(ears) = &mut state.ears
        {
            ears.compare(self.engine.compared());
        }
        // the log is about to be read
        let is_awaited = state.is_rewound;
        let is_past = state.position.is_some_and(|at| position < at && position < state.floor);
        let is_remembered = state.remembers(position);
        if is_past && !(is_behind && state.may_rewind()) {
            return Joined::Behind(position, seen);
        }
        let id = state.next;
        if !member.sit(self, id) {
            return Joined::Live;
        }
        state.next += 1;
        let is_first = state.position.is_none_or(|at| state.members.is_empty() && position > at);
        if is_past {
            state.rewind(position);
        } else if is_first {
            // what lies between concerns nobody here
            state.position = Some(position);
            state.forget_answers(position);
        }
        if is_behind && is_first {
            state.begin_replay();
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
        if is_suspect {
            state.begin_turn();
        }
        let is_to_read = is_suspect || (is_behind && !is_remembered && !is_awaited);
        let is_whispered = std::mem::take(&mut state.is_whispered);
        drop(state);
        if is_to_read {
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
        // what cannot be told any more from what was lost has to be compared with the log first; and after the group has gone
        // back what lies before this may be of another topic, which it does not name
        let is_over = is_next && is_idle && !state.is_rewound && !state.is_full();
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
