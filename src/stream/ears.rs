//! What a group that hears of several topics has heard on each.
//!
//! On one topic a message that names another before it shows a hole. On several, the next message may be of another topic, and
//! says nothing of the hole: so what is known is kept by topic. The bus brings messages in their order, or says that there is a
//! gap; should it lose one all the same, or bring it late, it is noticed with the next message of its topic or by the watch.
//!
//! Until then nobody can tell. So what was passed since everything was known is counted, and every cursor says how many that
//! were: whoever resumes has the log count them, and finds out that one was lost by the number.

use std::collections::{HashMap, VecDeque};

use domain::event::Topic;

use crate::graphql::scalars::{Doubt, EventCursor};
use crate::platform::bus::Delivery;

/// What is passed at the most until it is compared with the log: it is all told again if one of it was lost.
const MAX_PASSED: usize = 256;

/// Where a subscriber stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// What it has come to.
    pub(super) position: i64,
    /// What is to be looked at before it goes on from there.
    pub(super) doubt: Option<Doubt>,
}

impl Standing {
    /// It has had everything up to `position`.
    pub(super) const fn sure(position: i64) -> Self {
        Self { position, doubt: None }
    }
}

impl From<EventCursor> for Standing {
    fn from(EventCursor { position, doubt, .. }: EventCursor) -> Self {
        Self { position, doubt }
    }
}

/// What a group that hears of several topics has heard on each.
#[derive(Debug)]
pub(super) struct Ears {
    /// Up to here everything is known of every topic, as far as the group has come.
    known: i64,
    /// What the group has passed since, in order.
    passed: VecDeque<i64>,
    /// The newest message of each topic, where it is not known.
    heard: HashMap<Topic, i64>,
    /// The newest message of all.
    newest: i64,
    /// The group was told of a gap, and has not begun to read the log yet.
    has_gap: bool,
    /// It has begun to, and is not done.
    is_reading: bool,
    /// Every event counts, and not the newest only.
    is_exact: bool,
}

impl Ears {
    /// Ears that have heard nothing, of those for whom every event counts if it `is_exact`.
    pub(super) fn new(is_exact: bool) -> Self {
        let (passed, heard) = Default::default();
        Self { known: 0, passed, heard, newest: 0, has_gap: false, is_reading: false, is_exact }
    }

    /// Everything up to `position` is known of every topic.
    pub(super) fn know(&mut self, position: i64) {
        if self.known < position {
            self.known = position;
            while self.passed.pop_front_if(|passed| *passed <= position).is_some() {}
            self.heard.retain(|_, heard| *heard > position);
        }
    }

    /// Whoever missed something between `from` and `to` has been told so: what this one has missed there it knows of.
    pub(super) fn compare(&mut self, (from, to): (i64, i64)) {
        if self.known >= from && !self.has_gap && !self.is_reading {
            self.know(to);
        }
    }

    /// The log is read from now on: of what is missing after this the group is told once more.
    pub(super) const fn begin_reading(&mut self) {
        (self.has_gap, self.is_reading) = (false, true);
    }

    /// What was missing when it began to be read was found.
    pub(super) const fn end_reading(&mut self) {
        self.is_reading = false;
    }

    /// The group has passed the event at `position`.
    pub(super) fn pass(&mut self, position: i64) {
        if self.is_exact && position > self.known {
            self.passed.push_back(position);
        }
    }

    /// The group stands at `position` again.
    pub(super) fn go_back(&mut self, position: i64) {
        while self.passed.pop_back_if(|passed| *passed > position).is_some() {}
    }

    /// Whether the group, which has come further, has passed an event at `position` without knowing.
    pub(super) fn has_missed(&self, position: i64) -> bool {
        position > self.known && self.passed.binary_search(&position).is_err()
    }

    /// Whether what was passed has to be compared with the log before more is.
    pub(super) fn is_full(&self) -> bool {
        self.passed.len() >= MAX_PASSED
    }

    /// What whoever had everything up to `from`, and then what the group passed up to `to`, cannot be sure of.
    pub(super) fn doubt(&self, from: i64, to: i64) -> Option<Doubt> {
        let known = self.known.max(from);
        if !self.is_exact || to <= known {
            return None;
        }
        let count = self.passed.iter().filter(|passed| known < **passed && **passed <= to).count();
        Some(Doubt { known, count: u32::try_from(count).unwrap_or(u32::MAX) })
    }

    /// The same of the group once it has passed the event at `position`, which is the next.
    pub(super) fn doubt_past(&self, position: i64) -> Option<Doubt> {
        self.doubt(0, position).map(|doubt| Doubt { count: doubt.count.saturating_add(1), ..doubt })
    }

    /// Takes note of `delivery` while nobody is there who could miss anything.
    pub(super) fn note(&mut self, topic: Topic, delivery: &Delivery) {
        if let Delivery::Message(message) = delivery {
            self.hear_message(topic, message.position);
        }
    }

    /// What the group makes of `delivery` on `topic`: it as it is, word of a gap in its place, or nothing new.
    pub(super) fn hear(&mut self, topic: Topic, delivery: Delivery) -> Option<Delivery> {
        let known = self.known_of(topic);
        match &delivery {
            Delivery::Message(message) if message.position <= known => None,
            Delivery::Message(message) => {
                let is_whole = message.previous <= known && message.position >= self.newest;
                self.hear_message(topic, message.position);
                // the log has this message, too
                if is_whole { Some(delivery) } else { self.gap() }
            }
            Delivery::Gap => self.gap(),
            // others may have been heard that come after what is missing
            Delivery::Behind(position) if known < *position => self.gap(),
            Delivery::Behind(_) | Delivery::Whisper => Some(delivery),
        }
    }

    fn known_of(&self, topic: Topic) -> i64 {
        self.heard.get(&topic).copied().unwrap_or_default().max(self.known)
    }

    fn hear_message(&mut self, topic: Topic, position: i64) {
        let heard = self.heard.entry(topic).or_default();
        *heard = position.max(*heard);
        self.newest = self.newest.max(position);
    }

    fn gap(&mut self) -> Option<Delivery> {
        (!std::mem::replace(&mut self.has_gap, true)).then_some(Delivery::Gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::bus::tests::message;

    const NORTH: Topic = Topic::Area(1);
    const SOUTH: Topic = Topic::Area(2);

    /// Ears that know everything up to 5.
    fn ears() -> Ears {
        let mut ears = Ears::new(true);
        ears.know(5);
        ears
    }

    fn is_message(delivery: Option<&Delivery>) -> bool {
        matches!(delivery, Some(Delivery::Message(_)))
    }

    fn is_gap(delivery: Option<&Delivery>) -> bool {
        matches!(delivery, Some(Delivery::Gap))
    }

    #[test]
    fn topics_that_take_turns_have_no_hole() {
        let mut ears = ears();
        for (topic, position, previous) in [(NORTH, 6, 3), (SOUTH, 7, 0), (SOUTH, 9, 7), (NORTH, 10, 6)] {
            assert!(is_message(ears.hear(topic, message(position, previous)).as_ref()), "{position}");
        }
        assert!(ears.hear(NORTH, message(6, 3)).is_none(), "it came before");
    }

    #[test]
    fn a_message_that_was_lost_is_missed_with_the_next_of_its_topic() {
        let mut ears = ears();
        assert!(is_message(ears.hear(NORTH, message(6, 3)).as_ref()));
        // 7 of the north is lost
        assert!(is_message(ears.hear(SOUTH, message(8, 0)).as_ref()), "nobody can tell from this one");
        for position in [6, 8] {
            ears.pass(position);
        }
        assert!(is_gap(ears.hear(NORTH, message(9, 7)).as_ref()));
        assert_eq!([6, 7, 8].map(|position| ears.has_missed(position)), [false, true, false]);
    }

    #[test]
    fn a_message_that_comes_late_is_read_in_the_log() {
        let mut ears = ears();
        assert!(is_message(ears.hear(SOUTH, message(8, 0)).as_ref()));
        assert!(is_gap(ears.hear(NORTH, message(7, 3)).as_ref()));
    }

    #[test]
    fn word_of_what_the_log_has_is_of_the_topic_that_it_is_about() {
        let mut ears = ears();
        assert!(is_message(ears.hear(SOUTH, message(8, 0)).as_ref()));
        assert!(
            matches!(ears.hear(SOUTH, Delivery::Behind(8)), Some(Delivery::Behind(8))),
            "the group knows that it has it"
        );
        for position in [7, 9] {
            assert!(is_gap(ears.hear(NORTH, Delivery::Behind(position)).as_ref()), "what came later may have been heard");
            ears.begin_reading();
        }
    }

    #[test]
    fn there_is_one_word_of_a_gap_until_the_log_is_read() {
        let mut ears = ears();
        assert!(is_gap(ears.hear(NORTH, Delivery::Gap).as_ref()));
        assert!(ears.hear(SOUTH, Delivery::Gap).is_none());
        ears.begin_reading();
        assert!(is_gap(ears.hear(SOUTH, Delivery::Gap).as_ref()), "it may be of what came after it was read");
    }

    #[test]
    fn what_was_compared_with_the_log_is_known_unless_something_is_missing() {
        let mut ears = ears();
        ears.pass(8);
        let doubt = |ears: &Ears| ears.doubt(0, 8).map(|doubt| doubt.known);
        ears.compare((6, 20));
        assert_eq!(doubt(&ears), Some(5), "comparing began after what is known");
        assert!(is_gap(ears.hear(NORTH, Delivery::Gap).as_ref()));
        ears.compare((5, 20));
        assert_eq!(doubt(&ears), Some(5), "there is a gap");
        ears.begin_reading();
        ears.compare((5, 20));
        assert_eq!(doubt(&ears), Some(5), "and nobody knows yet what is in it");
        ears.end_reading();
        ears.compare((5, 20));
        assert_eq!(doubt(&ears), None);
        assert!(ears.hear(NORTH, message(20, 9)).is_none(), "that it is missing would have been told");
    }

    #[test]
    fn a_doubt_counts_what_was_passed_since_everything_was_known() {
        let mut ears = ears();
        for position in [6, 8, 9] {
            assert_eq!(ears.doubt_past(position).map(|doubt| doubt.known), Some(5));
            ears.pass(position);
        }
        let doubt = |ears: &Ears, from, to| ears.doubt(from, to).map(|Doubt { known, count }| (known, count));
        assert_eq!(doubt(&ears, 0, 9), Some((5, 3)));
        assert_eq!(doubt(&ears, 0, 8), Some((5, 2)), "of who fell behind before the last");
        assert_eq!(doubt(&ears, 6, 9), Some((6, 2)), "of who had read on to there");
        assert_eq!(doubt(&ears, 9, 9), None);
        assert_eq!(ears.doubt_past(11), Some(Doubt { known: 5, count: 4 }));
        ears.go_back(6);
        assert_eq!(doubt(&ears, 0, 6), Some((5, 1)), "the rest is told again");
        ears.know(8);
        ears.pass(8);
        ears.pass(9);
        assert_eq!(doubt(&ears, 0, 9), Some((8, 1)));
    }

    #[test]
    fn what_is_passed_is_bounded_and_the_newest_alone_is_in_no_doubt() {
        let (mut ears, mut newest) = (ears(), Ears::new(false));
        for position in 0..300 {
            ears.pass(position);
            newest.pass(position);
        }
        assert!(ears.is_full() && !newest.is_full());
        assert_eq!(newest.doubt(0, 299), None);
        ears.know(299);
        assert!(!ears.is_full());
    }
}
