//! The receivers of this process, by topic.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use domain::event::Topic;
use tokio::sync::{broadcast, watch};

use super::{Delivery, Message, Receiver};

type Attached = Vec<(u64, Arc<dyn Receiver>)>;

/// The receivers of this process, by topic.
pub(super) struct Topics {
    receivers: Mutex<HashMap<Topic, Attached>>,
    next: AtomicU64,
    silence: broadcast::Sender<()>,
    losses: watch::Sender<()>,
}

impl Default for Topics {
    fn default() -> Self {
        let (silence, losses) = (broadcast::Sender::new(1), watch::Sender::new(()));
        Self { receivers: Mutex::default(), next: AtomicU64::default(), silence, losses }
    }
}

/// A receiver's place at its topic; it hears no more once this is dropped.
pub struct Attachment {
    topics: Arc<Topics>,
    topic: Topic,
    id: u64,
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachment").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let removed = self.topics.remove(self.topic, self.id);
        // outside the lock: the receiver may own others' attachments
        drop(removed);
    }
}

impl Topics {
    /// Has `receiver` hear of `topic`.
    pub(super) fn attach(self: &Arc<Self>, topic: Topic, receiver: Arc<dyn Receiver>) -> Attachment {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().entry(topic).or_default().push((id, receiver));
        Attachment { topics: Arc::clone(self), topic, id }
    }

    fn remove(&self, topic: Topic, id: u64) -> Option<Arc<dyn Receiver>> {
        let mut receivers = self.lock();
        let attached = receivers.get_mut(&topic)?;
        let index = attached.iter().position(|(found, _)| *found == id)?;
        let (_, removed) = attached.swap_remove(index);
        if attached.is_empty() {
            receivers.remove(&topic);
            // after a storm of topics the map gives its memory back
            if receivers.capacity() > 64 && receivers.len() < receivers.capacity() / 8 {
                receivers.shrink_to_fit();
            }
        }
        Some(removed)
    }

    /// Hands `message` to the receivers of `topic`.
    pub(super) fn deliver(&self, topic: Topic, message: &Message) {
        for receiver in self.of(topic) {
            receiver.deliver(Delivery::Message(message.clone()));
        }
    }

    /// Tells the receivers of `topic` that the log has an event of theirs at `position`.
    pub(super) fn behind(&self, topic: Topic, position: i64) {
        for receiver in self.of(topic) {
            receiver.deliver(Delivery::Behind(position));
        }
    }

    /// Tells the receivers of `topic` to look again.
    pub(super) fn whisper(&self, topic: Topic) {
        for receiver in self.of(topic) {
            receiver.deliver(Delivery::Whisper);
        }
    }

    /// Tells the receivers of `topic` that messages may be missing.
    pub(super) fn gap_of(&self, topic: Topic) {
        for receiver in self.of(topic) {
            receiver.deliver(Delivery::Gap);
        }
    }

    /// Tells every receiver that messages may be missing.
    pub(super) fn gap(&self) {
        for receiver in self.all() {
            receiver.deliver(Delivery::Gap);
        }
    }

    /// Every topic is heard again after the bus was away.
    pub(super) fn come_back(&self) {
        for receiver in self.all() {
            receiver.come_back();
        }
        self.losses.send_replace(());
    }

    /// Changes when the bus was away.
    pub(super) fn losses(&self) -> watch::Receiver<()> {
        self.losses.subscribe()
    }

    fn all(&self) -> Vec<Arc<dyn Receiver>> {
        self.lock().values().flatten().map(|(_, receiver)| Arc::clone(receiver)).collect()
    }

    /// The topics that somebody hears of.
    pub(super) fn in_use(&self) -> Vec<Topic> {
        self.lock().keys().copied().collect()
    }

    /// Whether somebody hears of `topic`.
    pub(super) fn is_used(&self, topic: Topic) -> bool {
        self.lock().contains_key(&topic)
    }

    /// A receiver that never receives.
    pub(super) fn never(&self) -> broadcast::Receiver<()> {
        self.silence.subscribe()
    }

    /// The receivers of `topic`, so that they are called without the lock.
    fn of(&self, topic: Topic) -> Vec<Arc<dyn Receiver>> {
        self.lock().get(&topic).into_iter().flatten().map(|(_, receiver)| Arc::clone(receiver)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Topic, Attached>> {
        self.receivers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
