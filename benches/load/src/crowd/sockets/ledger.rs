//! What a client keeps that may have to come back: what it was told, and from where it goes on.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::record::text_at;

/// Events whose cursors are kept: so many a client may lose on the way.
const KEPT: usize = 10;

/// What one client was told.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The events, by a hash of their ids.
    told: HashSet<u64>,
    /// The newest of them with their cursors, oldest first.
    newest: VecDeque<(u64, Box<str>)>,
    /// The last cursor before those.
    cursor: Option<Box<str>>,
}

impl Ledger {
    /// The message `payload` is none of the events: a first picture.
    pub(super) fn stand(&mut self, payload: &[u8]) {
        if let Some(cursor) = cursor(payload) {
            self.newest.clear();
            self.cursor = Some(cursor);
        }
    }

    /// The message `payload` is an event; `false`: of which it was told before, or nobody can tell.
    pub(super) fn note(&mut self, payload: &[u8]) -> bool {
        let (Some(id), Some(cursor)) = (text_at(payload, b"\"eventId\":\""), cursor(payload)) else { return false };
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let event = hasher.finish();
        let is_new = self.told.insert(event);
        if is_new {
            self.newest.push_back((event, cursor));
        }
        if self.newest.len() > KEPT {
            self.cursor = self.newest.pop_front().map(|(_, cursor)| cursor);
        }
        is_new
    }

    /// Those that it was told of until now count no more.
    pub(super) fn count_anew(&mut self) {
        self.told.clear();
        self.cursor = self.newest.pop_back().map(|(_, cursor)| cursor).or(self.cursor.take());
        self.newest.clear();
    }

    /// The newest `count` events were still on their way to it when its connection broke.
    pub(super) fn lose(&mut self, count: usize) {
        for _ in 0..count {
            let Some((event, _)) = self.newest.pop_back() else { break };
            self.told.remove(&event);
        }
    }

    /// How many events it was told of.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.told.len()).unwrap_or(u32::MAX)
    }

    /// From where it goes on.
    pub(super) fn cursor(&self) -> Option<&str> {
        self.newest.back().map(|(_, cursor)| cursor).or(self.cursor.as_ref()).map(AsRef::as_ref)
    }
}

fn cursor(payload: &[u8]) -> Option<Box<str>> {
    Some(std::str::from_utf8(text_at(payload, b"\"cursor\":\"")?).ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize) -> Vec<u8> {
        format!(r#"{{"cursor":"c{number}","eventId":"evt_{number}"}}"#).into_bytes()
    }

    #[test]
    fn a_client_goes_on_from_what_it_had_before_it_lost_the_rest() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.cursor(), None);
        ledger.stand(br#"{"cursor":"c0","orders":[]}"#);
        assert_eq!(ledger.cursor(), Some("c0"));
        for number in 1..=3 {
            assert!(ledger.note(&event(number)));
        }
        assert!(!ledger.note(&event(2)), "it was told of that before");
        assert_eq!((ledger.count(), ledger.cursor()), (3, Some("c3")));
        ledger.lose(2);
        assert_eq!((ledger.count(), ledger.cursor()), (1, Some("c1")));
        assert!(ledger.note(&event(2)), "what was lost on the way is to be told again");
        ledger.lose(9);
        assert_eq!((ledger.count(), ledger.cursor()), (0, Some("c0")));
        assert!(ledger.note(&event(1)) && ledger.note(&event(2)));
        ledger.count_anew();
        assert_eq!(ledger.cursor(), Some("c2"));
        ledger.lose(1);
        assert_eq!((ledger.count(), ledger.cursor()), (0, Some("c2")), "what was before is over");
        assert!(ledger.note(&event(3)));
        ledger.stand(br#"{"cursor":"c9","orders":[]}"#);
        assert_eq!(ledger.cursor(), Some("c9"), "a picture is newer than what came before it");
    }

    #[test]
    fn only_so_many_events_can_be_lost_as_their_cursors_are_kept() {
        let mut ledger = Ledger::default();
        for number in 1..=KEPT + 5 {
            assert!(ledger.note(&event(number)));
        }
        ledger.lose(usize::MAX);
        assert_eq!((ledger.count(), ledger.cursor()), (5, Some("c5")));
    }
}
