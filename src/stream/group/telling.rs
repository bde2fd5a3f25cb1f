//! How a group tells its subscribers: answers, and what stands in their place.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use async_graphql::{Request, Variables};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{Group, Kept, Place, Shown, Standing, State, fingerprint};
use crate::graphql::context::{Accepts, RequestId, Shared};
use crate::stream::catch_up::Seen;
use crate::stream::counters::Counters;
use crate::stream::execution::Execution;
use crate::stream::queue::Frame;
use crate::stream::{Policy, StreamResetReason};

/// What a group makes of an event.
pub(super) struct Told {
    /// The record and version that it told of.
    pub(super) version: Option<(Uuid, i32)>,
    /// The answer; `None`: nobody hears of it.
    pub(super) frame: Option<Frame>,
    /// Whether the answer may be given to those who come later.
    pub(super) is_sound: bool,
    /// Nothing comes after it.
    pub(super) is_last: bool,
}

impl Group {
    /// Begins to execute what everybody here asked.
    pub(super) fn begin(&self) -> Execution {
        let question = &self.question;
        Counters::add(&self.engine.counters().begun, 1);
        Execution::begin(|relayed| {
            let id = RequestId(self.engine.app().ids.uuid().simple().to_string());
            let mut request = Request::new(&*question.query)
                .variables(Variables::from_json(Value::Object((*question.variables).clone())))
                .data(Shared(question.reader))
                .data(id)
                .data(Accepts::Everything)
                .data(relayed);
            request.operation_name = question.operation_name.as_deref().map(ToOwned::to_owned);
            if let Some(document) = self.engine.document(&question.query) {
                request.set_parsed_query(document);
            }
            self.engine.execute(request)
        })
    }

    /// Hands what is `told` of the event at `position` to everybody who has not had it. `false`: the group has gone back since
    /// `turn`, and will come to the event again.
    pub(super) fn give(&self, turn: u64, position: i64, told: Told) -> bool {
        let Told { version, frame, is_sound, is_last } = told;
        let mut state = self.state();
        if state.turn != turn {
            return false;
        }
        let before = state.position.unwrap_or_default();
        if before >= position {
            // everybody left while it was made, and those who came since know more
            return true;
        }
        state.pass(position);
        state.is_ending = is_last;
        if let Some(frame) = frame {
            self.hand_out(state, (before, position), version, frame, is_sound);
        }
        true
    }

    /// Hands `frame`, which was made because something was whispered, to everybody who was not shown the same last.
    pub(super) fn tell(&self, frame: Frame, is_sound: bool) {
        let mut state = self.state();
        // they may have looked before, and not be here yet
        state.is_whispered |= state.entering > 0;
        let at = state.position.unwrap_or_default();
        self.hand_out(state, (at, at), None, frame, is_sound);
    }

    /// The group was at `before`; `frame` is the answer to the event at `position`, or to none if it is at the same.
    pub(super) fn hand_out(
        &self,
        mut state: MutexGuard<'_, State>,
        (before, position): (i64, i64),
        version: Option<(Uuid, i32)>,
        frame: Frame,
        is_sound: bool,
    ) {
        let is_event = before < position;
        let behind = self.offer(&mut state, before, &frame, |place| {
            if (is_event && place.from >= position) || place.seen.has(version) {
                return false;
            }
            if place.seen.is_past(position) {
                place.seen = Seen::default();
            }
            true
        });
        // for others who are here, or on their way in; who comes later, and alone, reads the log
        let is_shared = self.key.is_some() && state.is_crowded();
        if !is_sound || !is_shared {
            state.forget_answers(position);
        } else {
            if self.question.policy != Policy::All {
                // it tells all that those before it did
                let floor = state.floor;
                state.forget_answers(floor);
            }
            state.keep(Kept { position, version, frame });
        }
        drop(state);
        self.have_recover(behind);
    }

    /// Hands the newest answer to those for whom it came too soon, and for whom it is time now.
    pub(super) fn make_good(&self) {
        let mut state = self.state();
        let Some(frame) = state.owed.take() else { return };
        let at = state.position.unwrap_or_default();
        let behind = self.offer(&mut state, at, &frame, |place| place.is_owed);
        drop(state);
        self.have_recover(behind);
    }

    /// Waits until the last answer is told to those for whom it came too soon.
    pub(super) async fn tell_the_rest(&self) {
        while let Some(at) = self.due(|place| place.is_owed) {
            sleep_until(at).await;
            self.make_good();
        }
    }

    /// Hands `frame` to those whom it `concerns`, and remembers it for those of them for whom it comes too soon. Those for whom
    /// there was no room have left, each with where they stand if the group was at `before`.
    fn offer(
        &self,
        state: &mut State,
        before: i64,
        frame: &Frame,
        concerns: impl Fn(&mut Place) -> bool,
    ) -> Vec<(Place, Standing)> {
        let pause = self.question.policy.pause();
        let now = Shown { fingerprint: pause.map_or(0, |_| fingerprint(&frame.body)), at: Instant::now() };
        let mut behind = Vec::new();
        let mut count = 0;
        state.owed = None;
        for (id, place) in &mut state.members {
            let is_concerned = concerns(place);
            place.is_owed = false;
            if !is_concerned {
                continue;
            }
            if let Some((pause, last)) = pause.zip(place.shown) {
                // of the newest only, one that says the same again is no news
                if last.fingerprint == now.fingerprint {
                    continue;
                }
                if last.at + pause > now.at {
                    place.is_owed = true;
                    state.owed.get_or_insert_with(|| frame.clone());
                    continue;
                }
            }
            if place.member.offer(frame, pause.is_some()) {
                place.shown = pause.map(|_| now);
                count += 1;
            } else {
                behind.push((*id, place.from));
            }
        }
        let counters = self.engine.counters();
        Counters::add(&counters.messages, count);
        counters.bytes.fetch_add((count * frame.body.len()) as u64, Ordering::Relaxed);
        let leave = |(id, from): (u64, i64)| {
            let standing = state.standing(from, before.max(from));
            state.members.remove(&id).map(|place| (place, standing))
        };
        behind.into_iter().filter_map(leave).collect()
    }

    /// Those who fell `behind` go on once what waits for them was read.
    fn have_recover(&self, behind: Vec<(Place, Standing)>) {
        Counters::add(&self.engine.counters().lags, behind.len());
        for (place, standing) in behind {
            place.member.recover(standing, place.seen);
        }
        self.end_if_empty();
    }

    /// With the event at `position`, which made `version`, there is nothing more to come for those who stood before it. Others have
    /// been told more than that already; so have those whose first picture showed what came after it, though the log had no
    /// position of that yet.
    pub(super) fn complete(&self, position: i64, version: Option<(Uuid, i32)>) {
        self.complete_where(position, |place| place.from < position && !place.seen.has(version));
    }

    /// There is nothing more to come for anybody, as was seen when the group was at `position`.
    pub(super) fn complete_all(&self, position: i64) {
        self.complete_where(position, |_| true);
    }

    pub(super) fn complete_where(&self, position: i64, is_done: impl Fn(&Place) -> bool) {
        let mut state = self.state();
        // unless all have left, and somebody came who knows more
        if state.position.is_none_or(|at| at <= position) {
            state.forget_answers(position);
        }
        state.is_ending = false;
        let done: Vec<Place> = state.members.extract_if(|_, place| is_done(place)).map(|(_, place)| place).collect();
        drop(state);
        for place in done {
            place.member.complete();
        }
        self.end_if_empty();
    }

    /// Everybody goes on alone from before the event at `position`, and hears for themselves what does not work.
    pub(super) fn send_away(&self, position: i64) {
        let mut state = self.state();
        let before = state.position.unwrap_or_default();
        // the group has passed the event over, and does not claim to remember what came before
        if before < position {
            state.pass(position);
        }
        let members = state.empty(before);
        drop(state);
        self.let_go(members);
    }

    /// Everybody goes on alone, because the group's own task broke. The next delivery begins another.
    pub(super) fn fall_apart(&self) {
        tracing::error!(topic = %self.question.topic, "the task of a group broke");
        let mut state = self.state();
        let before = state.position.unwrap_or_default();
        // what it was about to do is done by nobody
        (state.is_running, state.is_suspect) = (false, true);
        state.forget_turn();
        let members = state.empty(before);
        drop(state);
        self.let_go(members);
    }

    /// `members` go on alone, each from where they are.
    pub(super) fn let_go(&self, members: Vec<(Place, Standing)>) {
        for (place, standing) in members {
            place.member.go_on_alone(standing, place.seen);
        }
        self.end_if_empty();
    }

    /// Everybody goes on alone from where they are, because where the group went back to for somebody is no longer kept.
    pub(super) fn scatter(&self) {
        let mut state = self.state();
        let before = state.position.unwrap_or_default();
        let members = state.empty(before);
        // whoever joins has the log read from where they are
        (state.position, state.is_suspect) = (None, true);
        state.forget_turn();
        drop(state);
        self.let_go(members);
    }

    pub(super) fn start_anew(&self, reason: StreamResetReason) {
        let mut state = self.state();
        let members = state.empty(0);
        // of the log that there is now nothing is known here; what was heard of it is read again
        (state.position, state.epoch, state.is_suspect) = (None, 0, true);
        state.ears = self.question.ears();
        state.forget_turn();
        drop(state);
        for (place, _) in members {
            place.member.start_anew(reason);
        }
        self.end_if_empty();
    }
}
