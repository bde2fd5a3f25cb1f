//! One operation of a connection: executed alone at first, and then, if it is a subscription, as one of a group.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::{Request, Variables};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::catch_up::{Seat, Seen, Start};
use super::engine::Engine;
use super::group::{Group, Joined};
use super::queue::{Answer, Frame, Gone, SendQueue, Verdict};
use super::{StreamResetReason, answer};
use crate::config::Limits;
use crate::graphql::context::{Accepts, Begun, RequestId, Viewer};
use crate::graphql::limits::{is_subscription, keep_declared};
use crate::graphql::scalars::EventCursor;
use crate::graphql::{GraphError, Result};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct Call {
    /// The document.
    pub query: Arc<str>,
    /// Which of its operations.
    pub operation_name: Option<Arc<str>>,
    /// Values of its variables.
    pub variables: Arc<Map<String, Value>>,
    /// Where to go on, when that is not said by an argument.
    pub after: Option<EventCursor>,
    /// What the log and the client know it by.
    pub request_id: RequestId,
    /// Which operations it may be.
    pub accepts: Accepts,
}

impl Call {
    /// Asks for what a client sent, without the variables that the operation does not declare: the call is kept for as long as
    /// the operation runs.
    #[must_use]
    pub fn new(
        query: String,
        operation_name: Option<String>,
        mut variables: Map<String, Value>,
        request_id: RequestId,
    ) -> Self {
        keep_declared(&query, operation_name.as_deref(), &mut variables);
        Self {
            query: query.into(),
            operation_name: operation_name.map(Arc::from),
            variables: Arc::new(variables),
            after: None,
            request_id,
            accepts: Accepts::Everything,
        }
    }

    /// The memory that it keeps, in bytes: about.
    #[must_use]
    pub fn size(&self) -> usize {
        let name = self.operation_name.as_ref().map_or(0, |name| name.len());
        self.query.len() + name + self.variables.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>()
    }
}

/// The memory of `value`, whose nesting the reader of JSON has bounded.
fn size(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(values) => values.iter().map(size).sum(),
            Value::Object(fields) => fields.iter().map(|(name, value)| size_of::<String>() + name.len() + size(value)).sum(),
        }
}

/// Who asks; asked again whenever an operation is executed anew.
pub trait Authority: Send + Sync + 'static {
    /// Whoever it is at this moment.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when they are not signed in any more; a fault when it cannot be told.
    fn viewer(&self) -> BoxFuture<'_, Result<Viewer>>;
}

/// An operation that runs. It ends when this is dropped.
#[derive(Debug)]
pub struct Operation(Arc<Member>);

impl Operation {
    /// Whether it is a subscription, as far as its document can be read within `limits`: nothing is lost when it is broken off.
    #[must_use]
    pub fn is_subscription(&self, limits: Limits) -> bool {
        if self.0.state().place.is_some() {
            return true;
        }
        let Call { query, operation_name, .. } = self.0.call().clone();
        is_subscription(&query, operation_name.as_deref(), limits)
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What an operation is to the engine.
pub(super) struct Member {
    engine: Engine,
    call: Mutex<Call>,
    authority: Arc<dyn Authority>,
    queue: Arc<SendQueue>,
    number: u32,
    state: Mutex<State>,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("number", &self.number).field("engine", &self.engine).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    is_over: bool,
    /// The task that executes it alone.
    task: Option<AbortHandle>,
    /// Its place in a group.
    place: Option<(Arc<Group>, u64)>,
    is_counted: bool,
}

impl Operation {
    pub(super) fn start(
        engine: Engine,
        call: Call,
        authority: Arc<dyn Authority>,
        queue: Arc<SendQueue>,
        number: u32,
    ) -> Self {
        let member = Member { engine, call: Mutex::new(call), authority, queue, number, state: Mutex::default() };
        let member = Arc::new(member);
        member.spawn(Arc::clone(&member).run(Start::AsAsked));
        Self(member)
    }
}

impl Member {
    /// Begins `task`, unless the operation is over.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.state();
        if !state.is_over {
            let span = tracing::info_span!("operation", number = self.number, request_id = self.call().request_id.0);
            state.task = Some(tokio::spawn(task.instrument(span)).abort_handle());
        }
    }

    /// Executes it alone from `start` on, until it is over or has joined a group.
    async fn run(self: Arc<Self>, start: Start) {
        if self.go_through(start).await == Err(Gone) {
            // it would wait for ever for somebody to read; who comes back can resume
            self.queue.condemn(Verdict::TooSlow);
        }
    }

    async fn go_through(self: &Arc<Self>, mut start: Start) -> std::result::Result<(), Gone> {
        loop {
            let viewer = match self.authority.viewer().await {
                Ok(viewer) => viewer,
                Err(error) => {
                    self.refuse(error);
                    return Ok(());
                }
            };
            let call = self.call().clone();
            let begun = Begun::default();
            let seat = Arc::new(Seat::new(self.engine.clone(), call.clone(), viewer, start));
            let mut request = Request::new(&*call.query)
                .variables(Variables::from_json(Value::Object((*call.variables).clone())))
                .data(viewer)
                .data(call.request_id)
                .data(call.accepts)
                .data(begun.clone())
                .data(Arc::clone(&seat));
            request.operation_name = call.operation_name.map(|name| name.to_string());
            let mut answers = self.engine.execute(request);
            loop {
                let Ok(answer) = timeout(PATIENCE, answers.next()).await else {
                    tracing::warn!("an operation was given up");
                    self.refuse(GraphError::retryable("TIMEOUT", "The request took too long and was given up."));
                    return Ok(());
                };
                let Some(response) = answer else { break };
                if !begun.get() {
                    self.queue.finish(self.number, Answer::Errors(answer::errors(&response.errors)));
                    return Ok(());
                }
                let frame = Frame { body: answer::result(&response), cursor: seat.cursor() };
                self.send(Answer::Next(frame)).await?;
            }
            drop(answers);
            let Some(arrival) = seat.arrival() else {
                self.queue.finish(self.number, Answer::Complete);
                return Ok(());
            };
            match arrival.join(self) {
                Joined::Live => return Ok(()),
                Joined::Behind(position, seen) => start = Start::After(position, seen),
            }
        }
    }

    /// Sends an answer that was made for this operation alone.
    async fn send(&self, answer: Answer) -> std::result::Result<(), Gone> {
        match timeout(self.queue.patience(), self.queue.send(self.number, answer)).await {
            Ok(sent) => sent,
            Err(_) => Err(Gone),
        }
    }

    fn refuse(&self, error: GraphError) {
        let mut response = error.into_response();
        crate::graphql::name_request(&mut response, &self.call().request_id);
        self.queue.finish(self.number, Answer::Errors(answer::errors(&response.errors)));
    }

    /// Hands over what its group was answered. Whether there was room for it.
    pub(super) fn offer(&self, frame: &Frame, is_latest: bool) -> bool {
        if is_latest { self.queue.replace(self.number, frame.clone()) } else { self.queue.offer(self.number, frame.clone()) }
    }

    /// It fell behind: once what waits for it has been read, it goes on from `position`, by the log.
    pub(super) fn recover(self: &Arc<Self>, position: i64, seen: Seen) {
        let member = Arc::clone(self);
        self.leave(async move {
            match timeout(member.queue.patience(), member.queue.drained()).await {
                Ok(Ok(())) => member.run(Start::After(position, seen)).await,
                Ok(Err(Gone)) => {}
                Err(_) => member.queue.condemn(Verdict::TooSlow),
            }
        });
    }

    /// It goes on alone after `position`, because its group cannot.
    pub(super) fn go_on_alone(self: &Arc<Self>, position: i64, seen: Seen) {
        self.leave(Arc::clone(self).run(Start::After(position, seen)));
    }

    /// It starts anew, because the log does not say what came since.
    pub(super) fn start_anew(self: &Arc<Self>, reason: StreamResetReason) {
        self.leave(Arc::clone(self).run(Start::Anew(reason)));
    }

    /// There is nothing more to come.
    pub(super) fn complete(&self) {
        let place = self.state().place.take();
        self.queue.finish(self.number, Answer::Complete);
        drop(place);
    }

    /// It is no more in its group, which has let it go, and does `task`.
    fn leave(&self, task: impl Future<Output = ()> + Send + 'static) {
        let place = self.state().place.take();
        self.spawn(task);
        // may be the last word on the group
        drop(place);
    }

    /// Takes its place in `group`; `false`: it is over.
    pub(super) fn sit(&self, group: &Arc<Group>, place: u64) -> bool {
        let mut state = self.state();
        if !state.is_over {
            state.place = Some((Arc::clone(group), place));
            state.task = None;
            if !state.is_counted {
                state.is_counted = true;
                self.engine.counters().subscriptions.fetch_add(1, Ordering::Relaxed);
            }
        }
        !state.is_over
    }

    /// What is asked, in its group's copy: the many who ask the same keep one text.
    pub(super) fn share(&self, query: &Arc<str>) {
        self.call().query = Arc::clone(query);
    }

    fn end(&self) {
        let mut state = self.state();
        state.is_over = true;
        if std::mem::take(&mut state.is_counted) {
            self.engine.counters().subscriptions.fetch_sub(1, Ordering::Relaxed);
        }
        let (task, place) = (state.task.take(), state.place.take());
        drop(state);
        if let Some(task) = task {
            task.abort();
        }
        if let Some((group, place)) = place {
            group.leave(place);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self) -> MutexGuard<'_, Call> {
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
