//! Deliveries that wait to be taken.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Attachment, Delivery, Message, Receiver};

/// Deliveries kept for a receiver that is slower than the bus. Beyond that it has a gap.
const CAPACITY: usize = 256;

/// A bounded queue of deliveries. One that overflows forgets them all and holds a gap instead: the log has them.
#[derive(Debug, Default)]
pub struct Mailbox {
    queue: Mutex<VecDeque<Delivery>>,
    filled: Notify,
}

impl Mailbox {
    /// Puts `delivery` in. How many were forgotten for it. Of whispers one is enough.
    pub fn put(&self, delivery: Delivery) -> usize {
        let mut queue = self.lock();
        let mut forgotten = 0;
        if matches!(delivery, Delivery::Whisper) {
            let before = queue.len();
            queue.retain(|waiting| !matches!(waiting, Delivery::Whisper));
            forgotten = before - queue.len();
        }
        if queue.len() >= CAPACITY {
            forgotten += queue.len();
            queue.clear();
            queue.push_back(Delivery::Gap);
        } else {
            queue.push_back(delivery);
        }
        drop(queue);
        self.filled.notify_one();
        forgotten
    }

    /// Takes the oldest one out, if there is one.
    pub fn take(&self) -> Option<Delivery> {
        let mut queue = self.lock();
        let taken = queue.pop_front();
        if queue.is_empty() && queue.capacity() > 8 {
            // most of them wait for a long time, and there are many
            *queue = VecDeque::new();
        }
        taken
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Takes the oldest one out once there is one. What is dropped while it waits has taken nothing.
    pub async fn next(&self) -> Delivery {
        loop {
            // a permit is kept when it is filled in between
            let filled = self.filled.notified();
            if let Some(delivery) = self.take() {
                return delivery;
            }
            filled.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Delivery>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receiver for Mailbox {
    fn deliver(self: Arc<Self>, delivery: Delivery) {
        self.put(delivery);
    }
}

/// A listener of one topic.
#[derive(Debug)]
pub struct Listener {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) _attachment: Attachment,
}

impl Listener {
    /// The next delivery.
    pub async fn next(&mut self) -> Delivery {
        self.mailbox.next().await
    }

    /// The next delivery, if one waits already.
    pub fn take(&mut self) -> Option<Delivery> {
        self.mailbox.take()
    }
}

/// What of `waiting` concerns a receiver to whom the newest message tells everything: that one, by its position and not by when it
/// came, since some are handed on from other topics ([`Bus::forward`](super::Bus::forward)); before it the last word of what
/// may be missing, and after it a whisper, if there is one.
pub fn newest(waiting: Vec<Delivery>) -> impl Iterator<Item = Delivery> {
    let (mut newest, mut missing): (Option<Message>, Option<Delivery>) = (None, None);
    let mut whisper = None;
    for delivery in waiting {
        match delivery {
            Delivery::Message(message) if newest.as_ref().is_none_or(|other| other.position < message.position) => {
                newest = Some(message);
            }
            Delivery::Message(_) => {}
            Delivery::Whisper => whisper = Some(Delivery::Whisper),
            // a gap asks for more than any position
            Delivery::Behind(_) if matches!(missing, Some(Delivery::Gap)) => {}
            word => missing = Some(word),
        }
    }
    missing.into_iter().chain(newest.map(Delivery::Message)).chain(whisper)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A message at `position`, with the one before it at `previous`.
    pub(crate) fn message(position: i64, previous: i64) -> Delivery {
        let payload = super::super::Payload::default();
        let (event_id, at) = (uuid::Uuid::nil(), chrono::DateTime::UNIX_EPOCH);
        Delivery::Message(Message { position, previous, event_id, kind: "test.happened".into(), at, payload })
    }

    #[test]
    fn the_newest_is_so_by_its_position_and_comes_after_word_of_what_is_missing() {
        let told = |waiting| -> Vec<String> {
            let name = |delivery| match delivery {
                Delivery::Message(message) => message.position.to_string(),
                other => format!("{other:?}"),
            };
            newest(waiting).map(name).collect()
        };
        assert_eq!(told(vec![message(10, 8), message(9, 0)]), ["10"], "the other was handed on late");
        assert_eq!(told(vec![message(9, 8), message(10, 9)]), ["10"]);
        assert_eq!(told(vec![Delivery::Gap, message(9, 0), Delivery::Behind(7)]), ["Gap", "9"]);
        assert_eq!(told(vec![Delivery::Behind(7)]), ["Behind(7)"]);
        assert_eq!(told(vec![Delivery::Whisper, message(9, 8), Delivery::Whisper]), ["9", "Whisper"], "it looks last");
    }

    #[test]
    fn of_many_whispers_one_waits_and_it_is_the_last() {
        let mailbox = Mailbox::default();
        assert_eq!(mailbox.put(Delivery::Whisper), 0);
        mailbox.put(Delivery::Behind(1));
        assert_eq!((0..10 * CAPACITY).map(|_| mailbox.put(Delivery::Whisper)).sum::<usize>(), 10 * CAPACITY);
        assert!(matches!(mailbox.take(), Some(Delivery::Behind(1))));
        assert!(matches!(mailbox.take(), Some(Delivery::Whisper)));
        assert!(mailbox.is_empty());
    }

    #[test]
    fn a_mailbox_that_overflows_holds_a_gap_and_what_came_after() {
        let mailbox = Mailbox::default();
        for position in 0..CAPACITY {
            assert_eq!(mailbox.put(Delivery::Behind(position.try_into().unwrap())), 0);
        }
        assert_eq!(mailbox.put(Delivery::Behind(7)), CAPACITY);
        mailbox.put(Delivery::Behind(-1));
        assert!(matches!(mailbox.take(), Some(Delivery::Gap)));
        assert!(matches!(mailbox.take(), Some(Delivery::Behind(-1))));
        assert!(mailbox.take().is_none() && mailbox.is_empty());
    }
}
