//! The task of a group: it takes one delivery after the other, has it executed, and reads in the log what did not come.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::telling::Told;
use super::{Group, answer};
use crate::graphql::scalars::{Doubt, EventCursor};
use crate::platform::bus::{Delivery, Message, Payload, newest};
use crate::platform::error::Result;
use crate::platform::relay::{self, Since};
use crate::stream::counters::Counters;
use crate::stream::ears::Standing;
use crate::stream::execution::{Asked, Execution, Outcome};
use crate::stream::queue::Frame;
use crate::stream::{Hearing, Policy, StreamResetReason, WHISPERED};

/// How long a group that has nothing to do keeps its execution and its memory.
const LINGER: Duration = Duration::from_secs(10);

/// Events that a group reads from the log at once, when the bus may have lost some.
const MAX_REPAIR: u64 = 10_000;

/// How long a group rests when the log cannot be read.
const REST: Duration = Duration::from_millis(500);

/// Pauses before an event is executed again whose answer was an error that may pass.
const PAUSES: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(500)];

/// How often it is asked, at the most, whether what snapshots showed may still come.
const SETTLING: Duration = Duration::from_secs(1);

/// The task of a group, while there is something to do.
pub(super) struct Runner {
    group: Arc<Group>,
    execution: Option<Execution>,
    /// When it was asked last what may still come of what snapshots showed.
    settled: Option<Instant>,
    /// Since when what is told is told in the order of the log: see [`State::turn`](super::State).
    turn: u64,
    /// The log could not be read when something was missing: until it is, nothing is told. With several topics the next message
    /// may be of another than the missing one, and shows no hole.
    owes: bool,
}

impl Runner {
    pub(super) const fn new(group: Arc<Group>) -> Self {
        Self { group, execution: None, settled: None, turn: 0, owes: false }
    }

    pub(super) async fn run(mut self) {
        loop {
            let owed = self.group.due(|place| place.is_owed);
            let patience = owed.map_or(LINGER, |at| at.saturating_duration_since(Instant::now()));
            let next = async {
                tokio::select! {
                    biased;
                    delivery = self.group.mailbox.next() => Some(delivery),
                    () = self.group.reminder.notified() => None,
                }
            };
            match timeout(patience, next).await {
                Ok(Some(delivery)) => match self.group.question.policy {
                    Policy::All => {
                        self.handle(delivery).await;
                        self.group.dealt_with(1);
                    }
                    Policy::Latest(pause) => {
                        // while nobody may be told: what comes until then is told with it
                        if let Some(at) = self.group.due(|_| true) {
                            sleep_until(at).await;
                        }
                        let mut waiting = vec![delivery];
                        while let Some(newer) = self.group.mailbox.take() {
                            waiting.push(newer);
                        }
                        let count = i64::try_from(waiting.len()).unwrap_or(i64::MAX);
                        for delivery in newest(waiting) {
                            self.handle(delivery).await;
                        }
                        self.group.make_good();
                        self.group.dealt_with(count);
                        sleep(pause).await;
                    }
                },
                // it is another time now at which something is due
                Ok(None) => {}
                Err(_) if owed.is_some() => self.group.make_good(),
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
        if let Some(share) = &self.group.question.share {
            share.pool.forget(LINGER);
        }
        let mut state = self.group.state();
        if !self.group.mailbox.is_empty() || state.members.values().any(|place| place.is_owed) {
            return false;
        }
        (state.is_running, state.owed) = (false, None);
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
                let is_hole = {
                    let state = self.group.state();
                    self.turn = state.turn;
                    state.is_rewound || state.position.is_some_and(|at| message.previous > at)
                };
                // while the hole is there nothing goes past it: the log has this message, too
                if (!(is_hole || self.owes) || self.repair().await) && self.take(message).await {
                    let is_full = self.group.state().is_full();
                    if is_full {
                        self.repair().await;
                    }
                }
            }
            Delivery::Gap => {
                // what was whispered may be missing, too
                if self.repair().await && self.group.hears() {
                    self.look_again().await;
                }
            }
            // nobody remembers what was whispered: it is for those to whom the newest tells everything
            Delivery::Whisper if self.group.question.policy == Policy::All => {}
            Delivery::Whisper => self.look_again().await,
            Delivery::Behind(position) => {
                let is_behind = {
                    let mut state = self.group.state();
                    // somebody may be on their way in who has not heard of it
                    state.is_suspect |= state.position.is_none();
                    state.position.is_some_and(|at| at < position)
                };
                if is_behind {
                    self.repair().await;
                }
            }
        }
    }

    /// Reads what the bus may have lost, or what came before the group heard of anything. `false`: that did not work, and will
    /// be tried again; everybody stands where they stood.
    async fn repair(&mut self) -> bool {
        let group = Arc::clone(&self.group);
        let (epoch, standing, is_replaying) = {
            let mut state = group.state();
            self.turn = state.turn;
            state.is_rewound = false;
            if let Some(ears) = &mut state.ears {
                ears.begin_reading();
            }
            if state.members.is_empty() {
                state.is_suspect = state.entering > 0;
                state.position = None;
                state.forget_answers(0);
                state.end_reading();
                state.end_turn();
                self.owes = false;
                return true;
            }
            let at = state.position.unwrap_or_default();
            (state.epoch, state.standing(0, at), state.is_replaying)
        };
        if epoch != group.engine.epoch() {
            group.start_anew(StreamResetReason::Server);
            self.owes = false;
            return true;
        }
        Counters::add(&group.engine.counters().repairs, usize::from(!is_replaying));
        match Self::read(&group, self.turn, standing).await {
            Ok(Since::Messages(messages, known)) => {
                let older = if group.question.policy == Policy::All { 0 } else { messages.len().saturating_sub(1) };
                for message in messages.into_iter().skip(older) {
                    if !self.take(message).await {
                        return false;
                    }
                }
                // of those to whom the newest tells everything some hear of other topics too (`Bus::forward`): what has not
                // come from there yet is not known, though the log has nothing of their own
                let mut state = group.state();
                if state.turn != self.turn {
                    return false;
                }
                if group.question.policy == Policy::All {
                    state.position = state.position.map(|at| at.max(known));
                    state.note_known(known);
                }
                state.end_reading();
                state.end_turn();
            }
            Ok(Since::Forgotten) if is_replaying => group.scatter(),
            Ok(Since::Forgotten | Since::Unknown) => group.start_anew(StreamResetReason::Server),
            Err(error) => {
                tracing::warn!(?error, "the log cannot be read; trying again");
                self.wait().await;
                return false;
            }
        }
        self.owes = false;
        true
    }

    /// What the log has after where everybody stands. With several topics something before that may have been lost, too, which
    /// nobody could tell: then everybody stands before it from now on.
    async fn read(group: &Group, turn: u64, Standing { position, doubt }: Standing) -> Result<Since> {
        let (db, topics) = (group.engine.app().db.reader(), &group.question.topics);
        let mut position = position;
        if let Some(Doubt { known, .. }) = doubt {
            let positions = relay::between(db, topics, known, position, MAX_REPAIR).await?;
            let mut state = group.state();
            match positions {
                // what is found out of where it stood is of no use where it stands now
                _ if state.turn != turn => {}
                Some(positions) => state.go_back_to_missing(&positions),
                None => state.go_back(known),
            }
            position = state.position.unwrap_or(position);
        }
        relay::page_since(db, topics, position, MAX_REPAIR, MAX_REPAIR).await
    }

    /// Waits for a database that is away, and then has the log read from where everybody stands.
    async fn wait(&mut self) {
        self.execution = None;
        self.owes = true;
        sleep(REST).await;
        self.group.put(Delivery::Gap);
    }

    /// Has `message` executed and hands its answer to everybody. `false`: that did not work, or the group has gone back for
    /// somebody, and it will be tried again.
    async fn take(&mut self, message: Message) -> bool {
        let group = Arc::clone(&self.group);
        let (epoch, doubt) = {
            let mut state = group.state();
            if state.turn != self.turn {
                return false;
            }
            if state.position.is_some_and(|at| message.position <= at) {
                return true;
            }
            if state.members.is_empty() {
                state.pass(message.position);
                state.forget_answers(message.position);
                return true;
            }
            if group.question.filter.as_ref().is_some_and(|concerns| !concerns(&message)) {
                state.pass(message.position);
                return true;
            }
            (state.epoch, state.ears.as_ref().and_then(|ears| ears.doubt_past(message.position)))
        };
        Counters::add(&group.engine.counters().events, 1);
        let position = message.position;
        let cursor = EventCursor { epoch, stream: group.question.stream, position, doubt, is_partial: false };
        let Some((outcome, is_sound)) = self.execute(&message, cursor).await else {
            self.wait().await;
            return false;
        };
        let executed = self.execution.as_ref();
        let (version, is_over) = executed.map_or((None, false), |execution| (execution.version(), execution.is_over()));
        let hearing = executed.and_then(Execution::hears);
        let frame = match outcome {
            Outcome::Answer(response) => {
                // who resumes goes on from before an answer that is none
                let is_resumable = is_sound && group.question.policy == Policy::All;
                Some(Frame { body: answer::result(&response), cursor: is_resumable.then_some(cursor) })
            }
            Outcome::Passed => None,
            Outcome::Failed(why) => {
                self.execution = None;
                if !group.has_complained.swap(true, Ordering::Relaxed) {
                    tracing::error!(topic = %group.question.topic, why, "what a group asks cannot be executed for all of it");
                }
                group.send_away(position);
                return true;
            }
        };
        if is_over || !is_sound {
            self.execution = None;
        }
        let told = Told { version, frame, is_sound, is_last: is_over };
        if !group.give(self.turn, position, told) {
            return false;
        }
        self.listen(hearing).await;
        if is_over {
            group.tell_the_rest().await;
            group.complete(position, version);
        }
        if let Some(share) = &group.question.share
            && let Some(execution) = self.execution.take()
        {
            share.pool.put(execution);
        }
        self.settle().await;
        true
    }

    /// Has what is to be seen now executed, though the log says nothing of it, and hands the answer to whoever was not shown the
    /// same last.
    async fn look_again(&mut self) {
        let group = Arc::clone(&self.group);
        let (epoch, position) = {
            let mut state = group.state();
            if state.members.is_empty() {
                state.is_whispered |= state.entering > 0;
                return;
            }
            (state.epoch, state.position.unwrap_or_default())
        };
        let app = group.engine.app();
        let message = Message {
            position,
            previous: position,
            event_id: app.ids.uuid(),
            kind: WHISPERED.into(),
            at: app.clock.now(),
            payload: Payload::default(),
        };
        let cursor = EventCursor { epoch, stream: group.question.stream, position, doubt: None, is_partial: false };
        let Some((outcome, is_sound)) = self.execute(&message, cursor).await else { return self.wait().await };
        let is_over = self.execution.as_ref().is_some_and(Execution::is_over);
        match outcome {
            Outcome::Answer(response) => group.tell(Frame { body: answer::result(&response), cursor: None }, is_sound),
            Outcome::Passed => {}
            Outcome::Failed(why) => {
                self.execution = None;
                tracing::error!(topic = %group.question.topic, why, "what a group asks cannot be executed for all of it");
                return group.send_away(position);
            }
        }
        let hearing = self.execution.as_ref().and_then(Execution::hears);
        self.listen(hearing).await;
        if is_over {
            group.tell_the_rest().await;
            group.complete_all(position);
        }
        if is_over || !is_sound {
            self.execution = None;
        }
    }

    /// Hears of what the last answer says is to be heard of.
    async fn listen(&mut self, hearing: Option<Hearing>) {
        if let Some(hearing) = hearing
            && let Err(error) = self.group.hear(hearing).await
        {
            tracing::warn!(?error, "a group does not hear what is whispered");
        }
    }

    /// What becomes of `message`, and whether it is more than an error that may pass: such a one stands for an event only when
    /// it comes again and again, and not because the database is away. `None`: it is away.
    async fn execute(&mut self, message: &Message, cursor: EventCursor) -> Option<(Outcome, bool)> {
        let group = Arc::clone(&self.group);
        let mut pauses = PAUSES.into_iter();
        let share = group.question.share.as_ref();
        loop {
            let is_used = self.execution.is_none() && {
                self.execution = share.and_then(|share| share.pool.take());
                self.execution.is_some()
            };
            let execution = self.execution.get_or_insert_with(|| group.begin());
            Counters::add(&group.engine.counters().executions, 1);
            let source = share.map(|share| Arc::clone(&share.source));
            let outcome = execution.push(Asked { message: message.clone(), cursor, source }).await;
            if is_used && matches!(outcome, Outcome::Failed(_)) {
                // with whom it broke before is nobody's concern here
                self.execution = None;
                continue;
            }
            if !matches!(&outcome, Outcome::Answer(response) if answer::is_passing(&response.errors)) {
                return Some((outcome, true));
            }
            let Some(pause) = pauses.next() else {
                // what the database has to do with it is seen by reading the log there
                return relay::head(group.engine.app().db.reader()).await.ok().map(|_| (outcome, false));
            };
            self.execution = None;
            sleep(pause).await;
        }
    }

    /// Finds out until when what snapshots showed may still come, where that could not be said when they were read.
    async fn settle(&mut self) {
        let newest = {
            let state = self.group.state();
            let is_due = self.settled.is_none_or(|at| at.elapsed() >= SETTLING);
            if !is_due || !state.members.values().any(|place| place.seen.is_open()) {
                return;
            }
            state.next
        };
        self.settled = Some(Instant::now());
        if let Ok(Some(until)) = relay::settled(self.group.engine.app().db.reader()).await {
            // those who were here when it was asked: what they were shown was committed by then
            for (_, place) in self.group.state().members.iter_mut().filter(|(id, _)| **id < newest) {
                place.seen.settle(until);
            }
        }
    }
}
