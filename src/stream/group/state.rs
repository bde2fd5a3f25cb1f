//! What a group knows: who is here, how far they were told, and what is kept for those who come back.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::platform::bus::Attachment;
use crate::stream::Hearing;
use crate::stream::catch_up::Seen;
use crate::stream::ears::{Ears, Standing};
use crate::stream::operation::Member;
use crate::stream::queue::Frame;

/// Answers kept for those who come back.
const MAX_KEPT: usize = 64;

/// And their size in bytes.
const MAX_KEPT_BYTES: usize = 128 * 1024;

/// After a group has gone back for somebody, and before it does again while others are in it: what is new waits meanwhile.
const REWIND_PAUSE: Duration = Duration::from_secs(1);

/// One who is in a group.
pub(super) struct Place {
    pub(super) member: Arc<Member>,
    /// What it has had: nothing up to here is told to it, though it may be told to others.
    pub(super) from: i64,
    pub(super) seen: Seen,
    /// The last answer that it was shown, where only the newest counts.
    pub(super) shown: Option<Shown>,
    /// The newest came too soon after that, and is to be told when it is time.
    pub(super) is_owed: bool,
}

/// An answer that was shown.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub(super) fingerprint: u64,
    pub(super) at: Instant,
}

/// What a group hears of besides its topic.
pub(super) struct Heard {
    pub(super) hearing: Hearing,
    pub(super) _attachment: Option<Attachment>,
}

/// An answer that was given.
pub(super) struct Kept {
    pub(super) position: i64,
    pub(super) version: Option<(Uuid, i32)>,
    pub(super) frame: Frame,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and may be so whatever the others are")]
pub(super) struct State {
    pub(super) members: HashMap<u64, Place>,
    pub(super) next: u64,
    /// Those on their way in.
    pub(super) entering: usize,
    /// Everything up to here was answered; `None` until somebody who knows has joined.
    pub(super) position: Option<i64>,
    /// The incarnation of the log that `position` is of; 0 until somebody who knows has joined.
    pub(super) epoch: i32,
    /// Answers after this are all in `kept`.
    pub(super) floor: i64,
    pub(super) kept: VecDeque<Kept>,
    pub(super) kept_bytes: usize,
    /// The newest answer, where there are some for whom it came too soon.
    pub(super) owed: Option<Frame>,
    /// Something was looked at again while somebody was on their way in who may have looked before.
    pub(super) is_whispered: bool,
    pub(super) heard: Option<Heard>,
    /// Something may have been lost while nobody was there whose position could be gone on from.
    pub(super) is_suspect: bool,
    /// How often the group went back to where somebody stood who came back: what was begun before that is not its next answer.
    pub(super) turn: u64,
    /// What came after has not begun to be read.
    pub(super) is_rewound: bool,
    /// It went back for somebody, and has not come to the present again.
    pub(super) is_replaying: bool,
    /// When it last came to the present again.
    pub(super) replayed: Option<Instant>,
    /// The last answer was the end, and those here have not been told.
    pub(super) is_ending: bool,
    pub(super) is_running: bool,
    pub(super) is_gone: bool,
    pub(super) attachments: Vec<Attachment>,
    /// What was heard on which topic, where there are several.
    pub(super) ears: Option<Ears>,
}

impl State {
    pub(super) fn keep(&mut self, kept: Kept) {
        self.kept_bytes += kept.frame.body.len();
        self.kept.push_back(kept);
        while self.kept.len() > MAX_KEPT || self.kept_bytes > MAX_KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.kept_bytes -= oldest.frame.body.len();
            self.floor = oldest.position;
        }
    }

    /// Of every topic everything up to `position` is known.
    pub(super) fn note_known(&mut self, position: i64) {
        if let Some(ears) = &mut self.ears {
            ears.know(position);
        }
    }

    /// The log was read to its end, or there is nobody for whom.
    pub(super) fn end_reading(&mut self) {
        if let Some(ears) = &mut self.ears {
            ears.end_reading();
        }
    }

    /// Whether it has every answer after `position`.
    pub(super) fn remembers(&self, position: i64) -> bool {
        self.position.is_some_and(|at| self.floor <= position && position <= at)
    }

    /// Whether there are several who are told the same.
    pub(super) fn is_crowded(&self) -> bool {
        self.members.len() + self.entering > 1
    }

    /// Whether the group may go back to where somebody stands who comes back. Those who are here must not wait for one after the
    /// other; nor may something have been lost of what they were told, for they would be told again.
    pub(super) fn may_rewind(&self) -> bool {
        if self.is_ending || self.members.is_empty() {
            return !self.is_ending;
        }
        let at = self.position.unwrap_or_default();
        let is_sure = self.ears.as_ref().is_none_or(|ears| ears.doubt(0, at).is_none());
        let is_soon = self.is_replaying || self.replayed.is_some_and(|then| then.elapsed() < REWIND_PAUSE);
        is_sure && !is_soon
    }

    /// Goes back to `position`, for somebody who is to be told what came after it. Those who are here have had that.
    pub(super) fn rewind(&mut self, position: i64) {
        let at = self.position.unwrap_or_default();
        for place in self.members.values_mut() {
            place.from = place.from.max(at);
        }
        self.go_back(position);
        self.begin_replay();
    }

    /// The log has more after where the group stands now, for somebody who has come back.
    pub(super) fn begin_replay(&mut self) {
        self.is_replaying = true;
        self.begin_turn();
    }

    /// The log is to be read from where the group stands now, before anything is told.
    pub(super) fn begin_turn(&mut self) {
        self.turn += 1;
        self.is_rewound = true;
    }

    /// Nobody is here any more for whom something was begun.
    pub(super) fn forget_turn(&mut self) {
        self.turn += 1;
        (self.is_rewound, self.is_replaying) = (false, false);
    }

    /// The log was read to its end, and all of it told.
    pub(super) fn end_turn(&mut self) {
        if std::mem::take(&mut self.is_replaying) {
            self.replayed = Some(Instant::now());
        }
    }

    /// The event at `position` is dealt with.
    pub(super) fn pass(&mut self, position: i64) {
        self.position = Some(position);
        if let Some(ears) = &mut self.ears {
            ears.pass(position);
        }
    }

    /// Whether so much was passed since everything was known that it has to be compared with the log.
    pub(super) fn is_full(&self) -> bool {
        self.ears.as_ref().is_some_and(Ears::is_full)
    }

    /// Where somebody stands who had everything up to `from`, and then what was told here up to `at`.
    pub(super) fn standing(&self, from: i64, at: i64) -> Standing {
        Standing { position: at, doubt: self.ears.as_ref().and_then(|ears| ears.doubt(from, at)) }
    }

    /// Whether there is anybody who could miss something, or may be before long.
    pub(super) fn can_miss(&self) -> bool {
        !self.members.is_empty() || self.position.is_some_and(|at| self.floor < at)
    }

    /// The log has events at `positions`. One of them may have been missed, though what came later was told: from there on all
    /// is told again.
    pub(super) fn go_back_to_missing(&mut self, positions: &[i64]) {
        let Some(ears) = &self.ears else { return };
        let at = self.position.unwrap_or_default();
        if let Some(missing) = positions.iter().find(|position| **position <= at && ears.has_missed(**position)) {
            self.go_back(missing - 1);
        }
    }

    /// All that came after `position` is told again.
    pub(super) fn go_back(&mut self, position: i64) {
        if let Some(ears) = &mut self.ears {
            ears.go_back(position);
        }
        self.position = Some(position);
        self.forget_answers(position);
    }

    /// Nobody is here any more, and nothing is kept. Those who were, and where each stands if the group was at `before`.
    pub(super) fn empty(&mut self, before: i64) -> Vec<(Place, Standing)> {
        self.forget_answers(self.position.unwrap_or_default());
        let members = std::mem::take(&mut self.members);
        let standing = |place: &Place| self.standing(place.from, before.max(place.from));
        members.into_values().map(|place| (standing(&place), place)).map(|(standing, place)| (place, standing)).collect()
    }

    /// Of what is kept, nothing up to `position` is good for anybody any more.
    pub(super) fn forget_until(&mut self, position: i64) {
        while let Some(oldest) = self.kept.pop_front_if(|oldest| oldest.position <= position) {
            self.kept_bytes -= oldest.frame.body.len();
        }
        self.floor = self.floor.max(position);
    }

    /// Nothing up to `position` is known any more.
    pub(super) fn forget_answers(&mut self, position: i64) {
        self.kept = VecDeque::new();
        self.kept_bytes = 0;
        self.floor = position;
    }
}
