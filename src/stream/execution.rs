//! The execution of a group: one event in, one answer out.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::Response;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use super::{Hearing, Source};
use crate::app::App;
use crate::graphql::Result;
use crate::graphql::scalars::EventCursor;
use crate::platform::bus::Message;
use crate::platform::error::Error;

/// How long the answer to one event may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// In the data of a group's execution: where its events come from.
pub(super) struct Relayed {
    feed: Mutex<Option<Feed>>,
    progress: Arc<Progress>,
}

/// What the execution tells the group beside its answers.
#[derive(Debug, Default)]
struct Progress {
    /// The resolver has taken the feed: what comes now are answers to events.
    has_begun: AtomicBool,
    /// Nothing after the last event concerns the group any more.
    is_over: AtomicBool,
    /// The record and version that the last event told of.
    version: Mutex<Option<(Uuid, i32)>>,
    /// What is heard of besides, after the last event.
    hearing: Mutex<Option<Hearing>>,
}

/// A source of whichever type.
pub(super) type AnySource = Arc<dyn Any + Send + Sync>;

/// An event to be executed.
pub(super) struct Asked {
    pub(super) message: Message,
    pub(super) cursor: EventCursor,
    /// Who is asked for the item, where it is not the source that the execution itself has made.
    pub(super) source: Option<AnySource>,
}

/// The resolver's end.
struct Feed {
    messages: mpsc::Receiver<Asked>,
    passed: mpsc::Sender<()>,
}

impl Relayed {
    /// The items of `source` for the events that the group hands over.
    ///
    /// # Errors
    /// A fault when another field has taken them already.
    pub(super) fn stream<S: Source>(&self, app: App, source: S) -> Result<BoxStream<'static, Result<S::Item>>> {
        let feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let feed = feed.ok_or_else(|| Error::fault("following a feed", "it is followed already"))?;
        self.progress.has_begun.store(true, Ordering::Release);
        let follower = Follower { app, source, feed, progress: Arc::clone(&self.progress) };
        Ok(stream::unfold(follower, async |mut follower| {
            let item = follower.next().await?;
            Some((item, follower))
        })
        .boxed())
    }
}

struct Follower<S> {
    app: App,
    source: S,
    feed: Feed,
    progress: Arc<Progress>,
}

impl<S: Source> Follower<S> {
    async fn next(&mut self) -> Option<Result<S::Item>> {
        while !self.progress.is_over.load(Ordering::Acquire) {
            let Asked { message, cursor, source } = self.feed.messages.recv().await?;
            let given = source.map(AnySource::downcast::<S>).transpose();
            let source = match &given {
                Ok(given) => given.as_deref().unwrap_or(&self.source),
                Err(_) => return Some(Err(Error::fault("following a feed", "the source is another field's").into())),
            };
            self.progress.is_over.store(source.ends(&message), Ordering::Release);
            *self.progress.version.lock().unwrap_or_else(PoisonError::into_inner) = source.version(&message);
            let item = source.item(&self.app, &message, cursor).await;
            *self.progress.hearing.lock().unwrap_or_else(PoisonError::into_inner) = source.hears();
            self.progress.is_over.fetch_or(source.has_ended(), Ordering::AcqRel);
            match item {
                Ok(Some(item)) => return Some(Ok(item)),
                Err(error) => return Some(Err(error)),
                // the group waits for word, and is gone if it does not
                Ok(None) => {
                    let _ = self.feed.passed.send(()).await;
                }
            }
        }
        None
    }
}

/// What became of an event.
pub(super) enum Outcome {
    /// This is what subscribers are sent.
    Answer(Box<Response>),
    /// They do not hear of it.
    Passed,
    /// The execution does not work, or takes too long; in words for the log.
    Failed(String),
}

/// A subscription that is executed for a group.
pub(super) struct Execution {
    messages: mpsc::Sender<Asked>,
    passed: mpsc::Receiver<()>,
    answers: BoxStream<'static, Response>,
    progress: Arc<Progress>,
}

impl Execution {
    /// Begins one: `execute` is given what has to be in its data.
    pub(super) fn begin(execute: impl FnOnce(Relayed) -> BoxStream<'static, Response>) -> Self {
        let (messages, inbox) = mpsc::channel(1);
        let (pass, passed) = mpsc::channel(1);
        let progress = Arc::new(Progress::default());
        let feed = Mutex::new(Some(Feed { messages: inbox, passed: pass }));
        let answers = execute(Relayed { feed, progress: Arc::clone(&progress) });
        Self { messages, passed, answers, progress }
    }

    /// Hands an event over and waits for what becomes of it.
    pub(super) async fn push(&mut self, asked: Asked) -> Outcome {
        if self.messages.try_send(asked).is_err() {
            return Outcome::Failed("it has ended".to_owned());
        }
        let outcome = async {
            tokio::select! {
                biased;
                answer = self.answers.next() => match answer {
                    Some(answer) if self.progress.has_begun.load(Ordering::Acquire) => Outcome::Answer(Box::new(answer)),
                    // it ends with this event, which is not for the group
                    None if self.is_over() => Outcome::Passed,
                    Some(answer) => Outcome::Failed(format!("it does not begin: {:?}", answer.errors)),
                    None => Outcome::Failed("it ended".to_owned()),
                },
                Some(()) = self.passed.recv() => Outcome::Passed,
            }
        };
        timeout(PATIENCE, outcome).await.unwrap_or_else(|_| Outcome::Failed("it takes too long".to_owned()))
    }

    /// The record and version that the last event told of.
    pub(super) fn version(&self) -> Option<(Uuid, i32)> {
        *self.progress.version.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is heard of besides, after the last event.
    pub(super) fn hears(&self) -> Option<Hearing> {
        *self.progress.hearing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing more will come of it.
    pub(super) fn is_over(&self) -> bool {
        self.progress.is_over.load(Ordering::Acquire)
    }
}
