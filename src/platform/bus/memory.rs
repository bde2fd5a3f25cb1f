//! The bus within one process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::event::Topic;
use tokio::sync::broadcast;

use super::{BUFFER, Delivery, Gap, Listener, Message};

/// One broadcast channel a topic in use.
#[derive(Debug, Default)]
pub struct MemoryBus {
    topics: Topics,
}

impl MemoryBus {
    pub(super) fn listen(&self, topic: Topic) -> Listener {
        self.topics.attach(topic)
    }

    pub(super) fn publish(&self, messages: Vec<(Topic, Message)>) {
        for (topic, message) in messages {
            self.topics.deliver(topic, message);
        }
    }

    /// The relay of the only instance is woken by its own commits.
    pub(super) fn wake_ups(&self) -> broadcast::Receiver<()> {
        self.topics.never()
    }
}

/// The listeners of this process, by topic.
#[derive(Debug)]
pub(super) struct Topics {
    channels: Mutex<HashMap<Topic, broadcast::Sender<Delivery>>>,
    silence: broadcast::Sender<()>,
}

impl Default for Topics {
    fn default() -> Self {
        Self { channels: Mutex::default(), silence: broadcast::Sender::new(1) }
    }
}

impl Topics {
    /// A new listener of `topic`.
    pub(super) fn attach(&self, topic: Topic) -> Listener {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        // topics that nobody listens to any more are cleared when the map would grow: the cost is spread over its growth
        if channels.len() == channels.capacity() {
            channels.retain(|_, sender| sender.receiver_count() > 0);
        }
        let sender = channels.entry(topic).or_insert_with(|| broadcast::Sender::new(BUFFER));
        Listener { receiver: sender.subscribe() }
    }

    /// Hands `message` to the listeners of `topic`. A topic without any is forgotten.
    pub(super) fn deliver(&self, topic: Topic, message: Message) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = channels.get(&topic)
            && sender.send(Delivery::Message(message)).is_err()
        {
            channels.remove(&topic);
        }
    }

    /// Tells every listener that messages may be missing.
    pub(super) fn gap(&self) {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in channels.values() {
            // nobody listens: nobody misses anything
            let _ = sender.send(Delivery::Gap(Gap::Reconnected));
        }
    }

    /// The topics that somebody listens to; the others are forgotten.
    pub(super) fn in_use(&self) -> Vec<Topic> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|_, sender| sender.receiver_count() > 0);
        channels.keys().copied().collect()
    }

    /// A receiver that never receives.
    pub(super) fn never(&self) -> broadcast::Receiver<()> {
        self.silence.subscribe()
    }
}
