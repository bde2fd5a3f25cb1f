//! The bus: live events to whoever listens, on this instance or on all.
//!
//! It promises nothing: a message may be lost, and a listener that falls behind is told so ([`Delivery::Gap`]) instead of
//! being waited for. The event log is where nothing is lost; whoever sees a gap reads there.

mod mailbox;
mod payload;
mod redis;
mod stream;
mod topics;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::event::Topic;
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

pub use self::mailbox::{Listener, Mailbox, newest};
pub use self::payload::Payload;
pub use self::redis::RedisBus;
pub use self::stream::{StreamBatch, StreamEntry, StreamTop};
pub use self::topics::Attachment;
use self::topics::Topics;
use super::error::{Error, Result};

#[cfg(test)]
pub(crate) use self::mailbox::tests;

/// One event on its way to subscribers.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its place in the feed.
    pub position: i64,
    /// The position of this topic's event before this one; 0 when none is kept. A receiver that knows the topic up to an
    /// earlier position than this has missed something.
    pub previous: i64,
    /// Public as `evt_…`.
    pub event_id: Uuid,
    /// What happened: `order.changed`.
    pub kind: Arc<str>,
    /// When.
    pub at: DateTime<Utc>,
    /// Absolute state, as the slice that wrote it defines.
    pub payload: Payload,
}

/// What a receiver hears.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// The next message.
    Message(Message),
    /// Messages may have been lost since the last one.
    Gap,
    /// The log has an event of the topic at this position: whoever has not heard of it reads there.
    Behind(i64),
    /// Something that is in no log is not what it was: whoever wants to know looks. It may be lost, come twice or late, and says
    /// nothing else, so it cannot say anything wrong.
    Whisper,
}

/// Whoever hears of a topic. What it is called with comes in the topic's order.
pub trait Receiver: Send + Sync + 'static {
    /// Takes `delivery`, without waiting for anything.
    fn deliver(self: Arc<Self>, delivery: Delivery);

    /// The bus was away and is back: on every topic messages may have been lost. Who is told by somebody else what they missed
    /// ([`Bus::losses`]) need not look for it.
    fn come_back(self: Arc<Self>) {
        self.deliver(Delivery::Gap);
    }
}

/// The bus within one process.
#[derive(Clone, Default)]
pub struct Memory(Arc<Topics>);

/// The bus of this instance.
#[derive(Clone)]
pub enum Bus {
    /// Within this process.
    Memory(Memory),
    /// Between instances, by Redis pub/sub.
    Redis(Arc<redis::RedisBus>),
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory(_) => "Bus::Memory",
            Self::Redis(_) => "Bus::Redis",
        })
    }
}

impl Bus {
    /// A bus within this process.
    #[must_use]
    pub fn memory() -> Self {
        Self::Memory(Memory::default())
    }

    /// A bus over the Redis at `url`, on channels that begin with `prefix`; waits until it answers once. If it does not, the bus is
    /// one that is away, until it does.
    ///
    /// # Errors
    /// When the address is malformed.
    pub async fn redis(url: &str, prefix: &str) -> std::result::Result<Self, ::redis::RedisError> {
        Ok(Self::Redis(redis::RedisBus::connect(url, prefix).await?))
    }

    /// Attaches `receiver` to `topic`: everything published after this returns is heard, or a gap is.
    ///
    /// # Errors
    /// When the bus is being taken down.
    pub async fn attach(&self, topic: Topic, receiver: Arc<dyn Receiver>) -> Result<Attachment> {
        let attachment = self.topics().attach(topic, receiver);
        if let Self::Redis(bus) = self {
            bus.subscribe(topic).await?;
        }
        Ok(attachment)
    }

    /// The same with a mailbox, for whoever takes the deliveries one by one.
    ///
    /// # Errors
    /// As [`Bus::attach`].
    pub async fn listen(&self, topic: Topic) -> Result<Listener> {
        let mailbox = Arc::new(Mailbox::default());
        let attachment = self.attach(topic, Arc::clone(&mailbox) as Arc<dyn Receiver>).await?;
        Ok(Listener { mailbox, _attachment: attachment })
    }

    /// The topics that somebody on this instance hears of.
    #[must_use]
    pub fn topics_in_use(&self) -> Vec<Topic> {
        self.topics().in_use()
    }

    /// Hands `message`, which is another topic's, on to the receivers of `topic` on this instance. It keeps its position, which
    /// is of the one log, and names none before it: nobody sees a hole. It may come later than younger messages of the topic,
    /// so it is for receivers to whom the newest tells everything.
    pub fn forward(&self, topic: Topic, message: &Message) {
        self.topics().deliver(topic, &Message { previous: 0, ..message.clone() });
    }

    /// Tells whoever listens to `topic` on any instance to look again. What is to be seen there is in no log: a lost whisper has
    /// to be made good by looking every so often ([`Bus::whisper_here`]), and after a gap.
    ///
    /// # Errors
    /// When Redis cannot be reached.
    pub async fn whisper(&self, topic: Topic) -> Result<()> {
        match self {
            Self::Memory(Memory(topics)) => {
                topics.whisper(topic);
                Ok(())
            }
            Self::Redis(bus) => bus.whisper(topic).await,
        }
    }

    /// The same to the receivers on this instance alone.
    pub fn whisper_here(&self, topic: Topic) {
        self.topics().whisper(topic);
    }

    /// Tells the receivers of `topic` on this instance that the log has an event of theirs at `position`.
    pub fn behind(&self, topic: Topic, position: i64) {
        self.topics().behind(topic, position);
    }

    /// Changes when messages of any topic may have been lost, once nothing is any more: whoever compares this instance with the
    /// log then, and tells of what moved ([`Bus::behind`]), spares each of many receivers to look for itself.
    #[must_use]
    pub fn losses(&self) -> watch::Receiver<()> {
        self.topics().losses()
    }

    /// Tells every receiver on this instance that messages may be missing.
    pub fn gap(&self) {
        self.topics().gap();
    }

    fn topics(&self) -> &Arc<Topics> {
        match self {
            Self::Memory(Memory(topics)) => topics,
            Self::Redis(bus) => bus.topics(),
        }
    }

    /// Hands messages to whoever listens now, each by its topic or by the topic's text: between instances that need not be one
    /// that this instance knows.
    ///
    /// # Errors
    /// When Redis cannot be reached; then some may have been published.
    pub async fn publish<T: fmt::Display + Send + Sync>(&self, messages: Vec<(T, Message)>) -> Result<()> {
        match self {
            Self::Memory(Memory(topics)) => {
                for (topic, message) in messages {
                    if let Ok(topic) = topic.to_string().parse() {
                        topics.deliver(topic, &message);
                    }
                }
                Ok(())
            }
            Self::Redis(bus) => bus.publish(&messages).await,
        }
    }

    /// Adds events to the stream in Redis. Without Redis there is none: it has them all.
    ///
    /// # Errors
    /// When Redis cannot be reached, or refuses; then all of them were added, or none.
    pub async fn add(&self, batch: StreamBatch<'_>) -> Result<StreamTop> {
        match self {
            Self::Memory(_) => Ok(StreamTop::At(batch.entries.last().map_or(batch.after, |entry| entry.position))),
            Self::Redis(bus) => bus.add(batch).await.map_err(|error| Error::fault("adding to the stream", error)),
        }
    }

    /// Tells the relay, wherever it runs, that the log grew. Losing this costs a poll's time.
    pub async fn wake(&self) {
        match self {
            Self::Memory(_) => {}
            Self::Redis(bus) => bus.wake().await,
        }
    }

    /// Wake-ups from other instances.
    #[must_use]
    pub fn wake_ups(&self) -> broadcast::Receiver<()> {
        match self {
            // the relay of the only instance is woken by its own commits
            Self::Memory(Memory(topics)) => topics.never(),
            Self::Redis(bus) => bus.wake_ups(),
        }
    }

    /// Whether messages are heard now, as far as is known: a connection that died silently is noticed within seconds.
    /// While this is false, whoever cannot wait looks into the log.
    #[must_use]
    pub fn is_live(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Redis(bus) => bus.is_live(),
        }
    }

    /// Resolves when [`Bus::is_live`] has changed.
    pub async fn turned(&self) {
        match self {
            Self::Memory(_) => std::future::pending().await,
            Self::Redis(bus) => bus.turned().await,
        }
    }

    /// Whether messages get through now.
    pub async fn is_ready(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Redis(bus) => tokio::time::timeout(Duration::from_secs(2), bus.ping()).await.is_ok_and(|answer| answer),
        }
    }
}
