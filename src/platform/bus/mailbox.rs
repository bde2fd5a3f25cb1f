//! Deliveries that wait to be taken.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Attachment, Delivery, Receiver};

/// Deliveries kept for a receiver that is slower than the bus. Beyond that it has a gap.
const CAPACITY: usize = 256;

/// A bounded queue of deliveries. One that overflows forgets them all and holds a gap instead: the log has them.
#[derive(Debug, Default)]
pub struct Mailbox {
    queue: Mutex<VecDeque<Delivery>>,
    filled: Notify,
}

impl Mailbox {
    /// Puts `delivery` in. How many were forgotten for it.
    pub fn put(&self, delivery: Delivery) -> usize {
        let mut queue = self.lock();
        let mut forgotten = 0;
        if queue.len() >= CAPACITY {
            forgotten = queue.len();
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

#[cfg(test)]
mod tests {
    use super::*;

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
