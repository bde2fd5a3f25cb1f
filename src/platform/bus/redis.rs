//! The bus between instances: Redis pub/sub, one subscriber connection an instance, one subscription a topic in use.

use std::collections::HashSet;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use domain::event::Topic;
use futures_util::StreamExt;
use redis::aio::{ConnectionManager, ConnectionManagerConfig, PubSubSink};
use redis::{Client, RedisError, RedisResult};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, interval, timeout};

use super::Message;
use super::topics::Topics;
use super::wire::{Reader, Writer};
use crate::platform::error::{Error, Result};

/// Subscriptions waiting to be made; more callers wait in line.
const QUEUE: usize = 1024;

/// Topics that are subscribed to, or left, by one command.
const AT_ONCE: usize = 256;

/// How long a subscription may take to be confirmed, and a publication to be accepted.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a topic stays subscribed after its last listener: clients that reconnect find it warm.
const LINGER: Duration = Duration::from_secs(10);

/// The longest pause between two attempts to reconnect.
const MAX_BACKOFF: Duration = Duration::from_secs(2);

type Request = (Topic, oneshot::Sender<()>);

/// The connection for commands, which comes back by itself when it breaks; none until Redis was reached for the first time.
type Commands = watch::Sender<Option<ConnectionManager>>;

/// A bus over one Redis.
pub struct RedisBus {
    commands: Commands,
    requests: mpsc::Sender<Request>,
    topics: Arc<Topics>,
    wake: broadcast::Sender<()>,
    prefix: Arc<str>,
    /// Whether the subscriber connection stands, with every subscription on it.
    is_live: watch::Sender<bool>,
}

impl RedisBus {
    /// The bus over the Redis at `url`. When that cannot be reached now, it is one that is away until it can.
    pub(super) async fn connect(url: &str, prefix: &str) -> std::result::Result<Arc<Self>, RedisError> {
        let client = Client::open(url)?;
        let commands = Commands::default();
        if let Err(error) = connect_to(client.clone(), commands.clone()).await {
            tracing::warn!(%error, "Redis cannot be reached yet");
        }
        let (requests, inbox) = mpsc::channel(QUEUE);
        let topics = Arc::new(Topics::default());
        let wake = broadcast::Sender::new(16);
        let prefix: Arc<str> = prefix.into();
        let is_live = watch::Sender::new(false);
        let subscriber = Subscriber {
            client,
            commands: commands.clone(),
            inbox,
            topics: Arc::clone(&topics),
            wake: wake.clone(),
            prefix: Arc::clone(&prefix),
            is_live: is_live.clone(),
            reader: Reader::default(),
        };
        // ends with the last handle of the bus, which closes the queue
        tokio::spawn(subscriber.run());
        Ok(Arc::new(Self { commands, requests, topics, wake, prefix, is_live }))
    }

    pub(super) const fn topics(&self) -> &Arc<Topics> {
        &self.topics
    }

    /// Subscribes to `topic`, for receivers that are attached to it by then.
    pub(super) async fn subscribe(&self, topic: Topic) -> Result<()> {
        if !self.is_live() {
            // once Redis is back every topic that is attached by then is subscribed to, and told of a gap
            return Ok(());
        }
        let (confirm, confirmed) = oneshot::channel();
        self.requests.send((topic, confirm)).await.map_err(|e| Error::fault("asking for a subscription", e))?;
        if !matches!(timeout(PATIENCE, confirmed).await, Ok(Ok(()))) {
            // Redis is away, or slow. The receiver stays attached: it hears of a gap once its topic is subscribed to, and
            // reads the log then.
            tracing::warn!(%topic, "listening without the bus until Redis answers");
        }
        Ok(())
    }

    pub(super) async fn publish<T: Display + Sync>(&self, messages: &[(T, Message)]) -> Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        let (mut pipe, mut writer) = (redis::pipe(), Writer::default());
        for (topic, message) in messages {
            pipe.publish(channel(&self.prefix, topic), writer.write(message)?).ignore();
        }
        let published = in_time(async { pipe.query_async::<()>(&mut self.commands()?).await }).await;
        published.map_err(|e| Error::fault("publishing to Redis", e))
    }

    pub(super) async fn whisper(&self, topic: Topic) -> Result<()> {
        let publish = redis::cmd("PUBLISH").arg(self.channel(topic)).arg("").to_owned();
        self.ask::<()>(&publish).await.map_err(|e| Error::fault("publishing to Redis", e))
    }

    /// The connection for commands, also for what else is kept in the same Redis.
    pub(in crate::platform) fn commands(&self) -> RedisResult<ConnectionManager> {
        self.commands.borrow().clone().ok_or_else(not_reached)
    }

    /// The first part of every name in Redis.
    pub(in crate::platform) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Where `topic` is published. A message without any content is a whisper.
    pub(in crate::platform) fn channel(&self, topic: Topic) -> String {
        channel(&self.prefix, topic)
    }

    /// The name in Redis of what is called `name` here.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// The answer to `command`, in time.
    pub(super) async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> RedisResult<T> {
        in_time(async { command.query_async(&mut self.commands()?).await }).await
    }

    pub(super) async fn wake(&self) {
        let publish = redis::cmd("PUBLISH").arg(wake_channel(&self.prefix)).arg("").to_owned();
        // a lost wake-up costs the relay's poll interval, no more
        if let Err(error) = self.ask::<()>(&publish).await {
            tracing::debug!(%error, "the relay was not woken");
        }
    }

    pub(super) fn wake_ups(&self) -> broadcast::Receiver<()> {
        self.wake.subscribe()
    }

    pub(super) fn is_live(&self) -> bool {
        *self.is_live.borrow()
    }

    pub(super) async fn turned(&self) {
        // the sender is our own: it does not end
        let _ = self.is_live.subscribe().changed().await;
    }

    pub(super) async fn ping(&self) -> bool {
        self.ask::<String>(&redis::cmd("PING")).await.is_ok()
    }
}

fn channel(prefix: &str, topic: impl Display) -> String {
    format!("{prefix}:{topic}")
}

fn wake_channel(prefix: &str) -> String {
    format!("{prefix}:relay")
}

/// Owns the subscriber connection.
struct Subscriber {
    client: Client,
    commands: Commands,
    inbox: mpsc::Receiver<Request>,
    topics: Arc<Topics>,
    wake: broadcast::Sender<()>,
    prefix: Arc<str>,
    is_live: watch::Sender<bool>,
    reader: Reader,
}

impl Subscriber {
    async fn run(mut self) {
        let mut backoff = Duration::from_millis(50);
        loop {
            let started = Instant::now();
            let ended = self.serve().await;
            // whoever waits for a turn hears of one, and not of each attempt
            self.is_live.send_if_modified(|is_live| std::mem::replace(is_live, false));
            match ended {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "the subscriber connection to Redis is lost; reconnecting"),
            }
            if started.elapsed() > MAX_BACKOFF {
                backoff = Duration::from_millis(50);
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    /// Subscribes and delivers until the connection breaks (an error) or the bus is dropped.
    async fn serve(&mut self) -> RedisResult<()> {
        let connection = in_time(self.client.get_async_pubsub()).await?;
        connect_to(self.client.clone(), self.commands.clone()).await?;
        let (mut sink, mut stream) = connection.split();
        in_time(sink.subscribe(wake_channel(&self.prefix))).await?;
        let mut subscribed = HashSet::new();
        self.subscribe_to_all(&mut sink, &mut subscribed).await?;
        self.is_live.send_replace(true);
        // whoever attached since then and before that asked for nothing
        self.subscribe_to_all(&mut sink, &mut subscribed).await?;
        // whatever was published while nobody was subscribed is missing
        self.topics.come_back();
        let mut cleaning = interval(LINGER);
        let prefix = format!("{}:", self.prefix);
        let mut idle = Vec::new();
        loop {
            tokio::select! {
                message = stream.next() => {
                    let Some(message) = message else { return Err(hung_up()) };
                    self.deliver(&prefix, &message);
                }
                request = self.inbox.recv() => {
                    let Some(request) = request else { return Ok(()) };
                    self.subscribe_to_wanted(&mut sink, &mut subscribed, request).await?;
                }
                _ = cleaning.tick() => {
                    // so that a connection that died silently is found within LINGER
                    in_time(sink.ping::<redis::Value>()).await?;
                    // the other connection may be refused while this one stands; messages do not wait for that
                    tokio::spawn(connect_to(self.client.clone(), self.commands.clone()));
                    let used: HashSet<Topic> = self.topics.in_use().into_iter().collect();
                    idle = subscribed.difference(&used).copied().collect();
                }
                // some at a time, so that messages are not kept waiting when thousands have left
                () = std::future::ready(()), if !idle.is_empty() => {
                    let some = idle.split_off(idle.len().saturating_sub(AT_ONCE));
                    self.unsubscribe_from(&mut sink, &mut subscribed, some).await?;
                }
            }
        }
    }

    /// Subscribes to every topic that somebody hears of.
    async fn subscribe_to_all(&self, sink: &mut PubSubSink, subscribed: &mut HashSet<Topic>) -> RedisResult<()> {
        let used: Vec<Topic> = self.topics.in_use().into_iter().filter(|topic| !subscribed.contains(topic)).collect();
        for batch in used.chunks(AT_ONCE) {
            let channels: Vec<String> = batch.iter().map(|topic| channel(&self.prefix, *topic)).collect();
            in_time(sink.subscribe(channels)).await?;
        }
        subscribed.extend(used);
        Ok(())
    }

    /// Subscribes to what `first` and those who wait behind it want to hear of, and tells them.
    async fn subscribe_to_wanted(
        &mut self,
        sink: &mut PubSubSink,
        subscribed: &mut HashSet<Topic>,
        first: Request,
    ) -> RedisResult<()> {
        let mut wanted = vec![first];
        while wanted.len() < AT_ONCE
            && let Ok(next) = self.inbox.try_recv()
        {
            wanted.push(next);
        }
        let new = wanted.iter().map(|(topic, _)| *topic).filter(|topic| subscribed.insert(*topic));
        let channels: Vec<String> = new.map(|topic| channel(&self.prefix, topic)).collect();
        if !channels.is_empty() {
            in_time(sink.subscribe(channels)).await?;
        }
        for (topic, confirm) in wanted {
            if confirm.send(()).is_err() {
                // the caller has given up waiting and gone on: what was published until now is missing there
                self.topics.gap_of(topic);
            }
        }
        Ok(())
    }

    fn deliver(&mut self, prefix: &str, message: &redis::Msg) {
        let Some(name) = message.get_channel_name().strip_prefix(prefix) else { return };
        let Ok(topic) = name.parse::<Topic>() else {
            // nobody waiting for a wake-up needs none
            let _ = self.wake.send(());
            return;
        };
        let payload = message.get_payload_bytes();
        if payload.is_empty() {
            return self.topics.whisper(topic);
        }
        match self.reader.read(payload) {
            Ok(message) => self.topics.deliver(topic, &message),
            Err(error) => {
                tracing::error!(%error, %topic, "a message on the bus is not ours");
                self.topics.gap_of(topic);
            }
        }
    }

    /// Unsubscribes from those of `topics` that nobody hears of, also by now.
    async fn unsubscribe_from(
        &self,
        sink: &mut PubSubSink,
        subscribed: &mut HashSet<Topic>,
        mut topics: Vec<Topic>,
    ) -> RedisResult<()> {
        topics.retain(|topic| !self.topics.is_used(*topic));
        if topics.is_empty() {
            return Ok(());
        }
        let channels: Vec<String> = topics.iter().map(|topic| channel(&self.prefix, *topic)).collect();
        in_time(sink.unsubscribe(channels)).await?;
        for topic in topics {
            subscribed.remove(&topic);
        }
        Ok(())
    }
}

/// Whatever Redis is asked, it answers in time or the connection counts as lost: a half-open one would hang for ever.
async fn in_time<T>(answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(PATIENCE, answer).await.map_err(|_| timed_out())?
}

/// Makes the connection for commands, unless there is one that comes back by itself. The library's does when it breaks, but once
/// Redis has refused it, for a password that was changed or a user who is not there yet, it repeats that for ever.
async fn connect_to(client: Client, commands: Commands) -> RedisResult<()> {
    let there = commands.borrow().clone();
    if let Some(mut connection) = there {
        let ping = redis::cmd("PING");
        match in_time(ping.query_async::<String>(&mut connection)).await {
            Err(error) if !error.is_io_error() => tracing::warn!(%error, "Redis refuses the connection; making another"),
            _ => return Ok(()),
        }
    }
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
        .set_max_delay(MAX_BACKOFF)
        .set_number_of_retries(2);
    let connection = in_time(ConnectionManager::new_with_config(client, config)).await?;
    commands.send_replace(Some(connection));
    Ok(())
}

fn not_reached() -> RedisError {
    (redis::ErrorKind::Io, "Redis was not reached yet").into()
}

fn timed_out() -> RedisError {
    (redis::ErrorKind::Io, "Redis did not answer in time").into()
}

fn hung_up() -> RedisError {
    (redis::ErrorKind::Io, "Redis closed the connection").into()
}
