//! The bus: live events to whoever listens, on this instance or on all.
//!
//! It promises nothing: a message may be lost, and a listener that falls behind is told so ([`Delivery::Gap`]) instead of
//! being waited for. The event log is where nothing is lost; whoever sees a gap reads there.

mod memory;
mod redis;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::event::Topic;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::error::Result;

/// Messages kept for a listener that is slower than the bus. Beyond that it has a gap.
const BUFFER: usize = 256;

/// One event on its way to subscribers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// Its place in the feed.
    pub position: i64,
    /// Public as `evt_…`.
    pub event_id: Uuid,
    /// What happened: `order.changed`.
    pub kind: Arc<str>,
    /// When.
    pub at: DateTime<Utc>,
    /// Absolute state, as the slice that wrote it defines.
    pub payload: Arc<serde_json::Value>,
}

/// What a listener hears.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// The next message.
    Message(Message),
    /// Messages may have been lost since the last one.
    Gap(Gap),
}

/// Why messages may have been lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// The listener was slower than the bus.
    Lagged,
    /// The bus was away.
    Reconnected,
}

/// A listener of one topic.
#[derive(Debug)]
pub struct Listener {
    receiver: broadcast::Receiver<Delivery>,
}

impl Listener {
    /// The next message, or word of a gap; `None` once the bus is gone.
    pub async fn next(&mut self) -> Option<Delivery> {
        match self.receiver.recv().await {
            Ok(delivery) => Some(delivery),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Delivery::Gap(Gap::Lagged)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// The bus of this instance.
#[derive(Clone)]
pub enum Bus {
    /// Within this process.
    Memory(Arc<memory::MemoryBus>),
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
        Self::Memory(Arc::default())
    }

    /// A bus over the Redis at `url`, on channels that begin with `prefix`; waits until it answers once.
    ///
    /// # Errors
    /// When the address is malformed or nothing answers there.
    pub async fn redis(url: &str, prefix: &str) -> std::result::Result<Self, ::redis::RedisError> {
        Ok(Self::Redis(redis::RedisBus::connect(url, prefix).await?))
    }

    /// Attaches to `topic`: everything published after this returns is heard, or a gap is.
    ///
    /// # Errors
    /// When Redis does not confirm the subscription in time.
    pub async fn listen(&self, topic: Topic) -> Result<Listener> {
        match self {
            Self::Memory(bus) => Ok(bus.listen(topic)),
            Self::Redis(bus) => bus.listen(topic).await,
        }
    }

    /// Hands messages to whoever listens now.
    ///
    /// # Errors
    /// When Redis cannot be reached; then some may have been published.
    pub async fn publish(&self, messages: Vec<(Topic, Message)>) -> Result<()> {
        match self {
            Self::Memory(bus) => {
                bus.publish(messages);
                Ok(())
            }
            Self::Redis(bus) => bus.publish(&messages).await,
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
            Self::Memory(bus) => bus.wake_ups(),
            Self::Redis(bus) => bus.wake_ups(),
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
