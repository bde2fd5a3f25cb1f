//! What a group that hears of several topics has heard on each.
//!
//! On one topic a message that names another before it shows a hole. On several, the next message may be of another topic, and
//! says nothing of the hole: so what is known is kept by topic. The bus brings messages in their order, or says that there is a
//! gap; should it lose one all the same, or bring it late, it is noticed with the next message of its topic or by the watch,
//! and the log is read again from before it.

use std::collections::HashMap;

use domain::event::Topic;

use crate::platform::bus::Delivery;

/// What a group that hears of several topics has heard on each.
#[derive(Debug, Default)]
pub(super) struct Ears {
    /// Up to here everything is known of every topic.
    known: i64,
    /// The newest message of each topic.
    heard: HashMap<Topic, i64>,
    /// The newest message of all.
    newest: i64,
    /// The log is to be read again from here.
    missing: Option<i64>,
    /// The group was told of a gap, and has not read the log yet: all its topics have the same one.
    has_gap: bool,
}

impl Ears {
    /// Everything up to `position` is known of every topic.
    pub(super) fn know(&mut self, position: i64) {
        self.known = self.known.max(position);
    }

    /// Whoever missed something between `from` and `to` has been told so: what this one has missed there it knows of.
    pub(super) fn compare(&mut self, (from, to): (i64, i64)) {
        if self.known >= from && !self.has_gap {
            self.know(to);
        }
    }

    /// From where on something is missing that was not asked for yet. The log is read now.
    pub(super) fn take_missing(&mut self) -> Option<i64> {
        self.has_gap = false;
        // what the log had when it was read meanwhile is not missing any more
        self.missing.take().map(|position| position.max(self.known))
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
                let is_late = message.position < self.newest;
                let before = if message.previous > known { Some(known) } else { is_late.then_some(message.position - 1) };
                self.hear_message(topic, message.position);
                match before {
                    None => Some(delivery),
                    // the log has this message, too
                    Some(position) => self.miss(position),
                }
            }
            // of this topic alone, maybe: whatever was heard of the others says nothing of it
            Delivery::Gap => self.miss(known),
            // others may have been heard that come after what is missing
            Delivery::Behind(position) if known < *position => self.miss(known),
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

    fn miss(&mut self, position: i64) -> Option<Delivery> {
        self.missing = Some(self.missing.map_or(position, |missing| missing.min(position)));
        self.gap()
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
        let mut ears = Ears::default();
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
        assert_eq!(ears.take_missing(), None);
    }

    #[test]
    fn a_message_that_was_lost_is_missed_with_the_next_of_its_topic() {
        let mut ears = ears();
        assert!(is_message(ears.hear(NORTH, message(6, 3)).as_ref()));
        // 7 of the north is lost
        assert!(is_message(ears.hear(SOUTH, message(8, 0)).as_ref()), "nobody can tell from this one");
        assert!(is_gap(ears.hear(NORTH, message(9, 7)).as_ref()));
        assert_eq!(ears.take_missing(), Some(6), "the log is read from before it");
    }

    #[test]
    fn a_message_that_comes_late_is_read_in_the_log() {
        let mut ears = ears();
        assert!(is_message(ears.hear(SOUTH, message(8, 0)).as_ref()));
        assert!(is_gap(ears.hear(NORTH, message(7, 3)).as_ref()));
        assert_eq!(ears.take_missing(), Some(6));
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
            assert_eq!(ears.take_missing(), Some(5), "nothing of the north is known since");
        }
    }

    #[test]
    fn a_gap_of_one_topic_asks_for_all_that_came_since_it_was_heard() {
        let mut ears = ears();
        assert!(is_message(ears.hear(NORTH, message(6, 3)).as_ref()));
        assert!(is_message(ears.hear(SOUTH, message(9, 0)).as_ref()));
        assert!(is_gap(ears.hear(NORTH, Delivery::Gap).as_ref()));
        assert!(ears.hear(SOUTH, Delivery::Gap).is_none(), "one gap until the log is read");
        assert_eq!(ears.take_missing(), Some(6), "of the south nothing is missing before that");
        assert!(is_gap(ears.hear(SOUTH, Delivery::Gap).as_ref()));
        assert_eq!(ears.take_missing(), Some(9));
    }

    #[test]
    fn what_was_read_since_word_of_it_is_not_missing_any_more() {
        let mut ears = ears();
        assert!(is_gap(ears.hear(NORTH, Delivery::Gap).as_ref()));
        assert_eq!(ears.take_missing(), Some(5));
        // while the log is read
        assert!(is_gap(ears.hear(SOUTH, Delivery::Gap).as_ref()));
        ears.know(8);
        assert_eq!(ears.take_missing(), Some(8));
    }

    #[test]
    fn what_was_compared_with_the_log_is_not_asked_for_again() {
        let mut ears = ears();
        ears.compare((6, 20));
        assert!(is_gap(ears.hear(NORTH, Delivery::Gap).as_ref()));
        ears.compare((5, 20));
        assert_eq!(ears.take_missing(), Some(5), "comparing began after what is known, or there is a gap");
        ears.compare((5, 20));
        assert!(is_gap(ears.hear(NORTH, Delivery::Gap).as_ref()));
        assert_eq!(ears.take_missing(), Some(20));
    }
}
