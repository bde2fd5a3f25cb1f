//! One operation of a connection: executed alone at first, and then, if it is a subscription, as one of a group.

use std::future::Future;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_graphql::{Request, Response, ServerError, Variables};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Map, Value};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::Instrument as _;

use super::catch_up::{Seat, Seen, Start};
use super::ears::Standing;
use super::engine::Engine;
use super::group::{Group, Joined, fingerprint};
use super::queue::{Answer, Frame, Gone, SendQueue, Verdict};
use super::{StreamResetReason, answer};
use crate::graphql::budget::Purse;
use crate::graphql::context::{Accepts, Begun, Origin, RequestId};
use crate::graphql::limits::{is_subscription, keep_declared};
use crate::graphql::scalars::EventCursor;
use crate::graphql::{Authority, GraphError, Visitor};
use crate::platform::relay;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take to be brought up to the present, in patiences of a reader.
const CATCHING_UP: u32 = 4;

/// Milliseconds before an execution is tried again that failed for a reason that may pass; about as long, so that those who
/// failed together do not come back together.
const PAUSES: [u64; 6] = [100, 200, 400, 800, 1_600, 3_200];

/// Attempts at an item that may be at fault itself.
const FEW: usize = 3;

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct Call {
    /// The document.
    pub query: Arc<str>,
    /// Which of its operations.
    pub operation_name: Option<Arc<str>>,
    /// Values of its variables.
    pub variables: Arc<Map<String, Value>>,
    /// Where it comes from: it is paid for by whoever is signed in, or whoever is there. None: by nobody.
    pub from: Option<IpAddr>,
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
            from: None,
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

/// An operation that runs. It ends when this is dropped.
#[derive(Debug)]
pub struct Operation(Arc<Member>);

impl Operation {
    /// Whether it is a subscription, as far as its document can be read within the limits: nothing is lost when it is broken off.
    #[must_use]
    pub fn is_subscription(&self) -> bool {
        self.0.is_subscription
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
    is_subscription: bool,
    authority: Arc<dyn Authority>,
    queue: Arc<SendQueue>,
    number: u32,
    /// Pays for it when it is executed for the first time.
    purse: OnceLock<Purse>,
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

/// An operation on its way to the present, over one execution or several.
struct Way {
    /// It was told something, and thus is not refused any more.
    is_heard: bool,
    /// Executions that failed since it was told something.
    failures: usize,
    /// When it must be there.
    by: Instant,
}

impl Way {
    /// Waits before the next attempt; `false`: there were enough, `most`.
    async fn pause(&mut self, engine: &Engine, most: usize) -> bool {
        let Some(pause) = PAUSES.iter().take(most).nth(self.failures) else { return false };
        self.failures += 1;
        sleep(Duration::from_millis(pause / 2 + engine.app().ids.below(*pause))).await;
        true
    }
}

/// Where an execution is.
struct Place {
    start: Start,
    has_sent: bool,
    /// The cursor of the last answer that was sent, if it has one.
    cursor: Option<EventCursor>,
}

impl Place {
    /// From where on the rest can be executed again. `None`: some of a first picture was sent, and nobody takes the other
    /// part of another.
    fn again(&self) -> Option<Start> {
        let seen = match &self.start {
            Start::After(_, seen) => seen.clone(),
            Start::AsAsked | Start::Anew(_) => Seen::default(),
        };
        match self.cursor {
            _ if !self.has_sent => Some(self.start.clone()),
            Some(cursor) if !cursor.is_partial => Some(Start::After(cursor.into(), seen)),
            _ => None,
        }
    }
}

impl Operation {
    pub(super) fn start(
        engine: Engine,
        call: Call,
        authority: Arc<dyn Authority>,
        queue: Arc<SendQueue>,
        number: u32,
    ) -> Self {
        let limits = engine.app().config.limits;
        let is_subscription = is_subscription(&call.query, call.operation_name.as_deref(), limits);
        let (call, purse, state) = (Mutex::new(call), OnceLock::new(), Mutex::default());
        let member = Member { engine, call, is_subscription, authority, queue, number, purse, state };
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
        let way = AssertUnwindSafe(self.go_through(start)).catch_unwind();
        // a panic is logged where it happens; whoever waits for an answer must not wait for ever
        if let Err(verdict) = way.await.unwrap_or(Err(Verdict::TryAgain)) {
            self.queue.condemn(verdict);
        }
    }

    async fn go_through(self: &Arc<Self>, mut start: Start) -> std::result::Result<(), Verdict> {
        let is_heard = !matches!(start, Start::AsAsked);
        let mut way = Way { is_heard, failures: 0, by: Instant::now() + self.queue.patience() * CATCHING_UP };
        while let Some(next) = self.execute(start, &mut way).await? {
            start = next;
        }
        Ok(())
    }

    /// Executes it once. From where on it has to be executed again; `None`: it is over, or has joined a group.
    async fn execute(self: &Arc<Self>, start: Start, way: &mut Way) -> std::result::Result<Option<Start>, Verdict> {
        let visitor = Visitor::new(Arc::clone(&self.authority));
        let call = self.call().clone();
        let begun = Begun::default();
        let seat = Arc::new(Seat::new(self.engine.clone(), call.clone(), visitor.clone(), start.clone()));
        let mut request = Request::new(&*call.query)
            .variables(Variables::from_json(Value::Object((*call.variables).clone())))
            .data(visitor)
            .data(call.request_id)
            .data(call.accepts)
            .data(begun.clone())
            .data(Arc::clone(&seat));
        if let Some(from) = call.from {
            let purse = self.purse.get_or_init(|| Purse::of(self.authority.principal(from), from));
            request = request.data(purse.clone()).data(Origin(from));
        }
        request.operation_name = call.operation_name.as_deref().map(ToOwned::to_owned);
        let mut answers = self.engine.execute(request);
        let mut place = Place { start, has_sent: false, cursor: None };
        let mut shown = None;
        loop {
            // its time is its own again as soon as there is an answer: what takes long is to have it read
            let turn = if self.is_subscription { Some(self.engine.turn(&mut way.by).await) } else { None };
            let answer = timeout(PATIENCE, answers.next()).await;
            drop(turn);
            let Ok(answer) = answer else {
                tracing::warn!("an operation was given up");
                let error = GraphError::retryable("TIMEOUT", "The request took too long and was given up.");
                self.engine.app().instruments.count_error(error.code());
                let start = place.again().ok_or(Verdict::TryAgain)?;
                return self.refuse(start, way, error.into_response().errors).await;
            };
            let Some(response) = answer else { break };
            if !begun.get() {
                return self.refuse(place.start, way, response.errors).await;
            }
            let is_sound = !seat.is_taken() || !answer::is_passing(&response.errors);
            if !is_sound {
                // it stands for an event only when it comes again and again, and not because the database is away
                if let Some(again) = place.again()
                    && way.pause(&self.engine, FEW).await
                {
                    return Ok(Some(again));
                }
                if seat.is_broken() || relay::head(self.engine.app().db.reader()).await.is_err() {
                    return Err(Verdict::TryAgain);
                }
            }
            let cursor = seat.cursor();
            let frame = Frame { body: answer::result(&response), cursor: cursor.filter(|_| is_sound) };
            let by = if seat.is_taken() { Some(way.by) } else { None };
            shown = seat.is_taken().then(|| fingerprint(&frame.body));
            self.send(Answer::Next(frame), by).await?;
            (way.is_heard, way.failures) = (true, 0);
            (place.has_sent, place.cursor) = (true, cursor);
        }
        drop(answers);
        let Some(arrival) = seat.arrival() else {
            self.queue.finish(self.number, Answer::Complete);
            return Ok(None);
        };
        Ok(match arrival.join(self, shown) {
            Joined::Live => None,
            Joined::Behind(position, seen) => Some(Start::After(Standing::sure(position), seen)),
        })
    }

    /// There are `errors` and no result. One who asks is told; one who was told something before goes on from `start` once
    /// the reason has passed, or has to come back.
    async fn refuse(
        &self,
        start: Start,
        way: &mut Way,
        errors: Vec<ServerError>,
    ) -> std::result::Result<Option<Start>, Verdict> {
        if answer::says(&errors, &["INVALID_TOKEN"]) {
            return Err(Verdict::Forbidden);
        }
        if way.is_heard && answer::says(&errors, &["FORBIDDEN", "UNAUTHENTICATED"]) {
            return Err(Verdict::Forbidden);
        }
        if way.is_heard && answer::is_passing(&errors) {
            return if way.pause(&self.engine, PAUSES.len()).await { Ok(Some(start)) } else { Err(Verdict::TryAgain) };
        }
        if way.is_heard && answer::says(&errors, &["NOT_FOUND"]) {
            // what they followed is theirs no more, which is an end like others for who was told of it until now
            self.queue.finish(self.number, Answer::Complete);
            return Ok(None);
        }
        let mut response = Response::from_errors(errors);
        crate::graphql::name_request(&mut response, &self.call().request_id);
        self.queue.finish(self.number, Answer::Errors(answer::errors(&response.errors)));
        Ok(None)
    }

    /// Sends an answer that was made for this operation alone: as fast as it is read, and not after `by`.
    async fn send(&self, answer: Answer, by: Option<Instant>) -> std::result::Result<(), Verdict> {
        let patience = Instant::now() + self.queue.patience();
        let by = by.map_or(patience, |by| by.min(patience));
        match timeout_at(by, self.queue.send(self.number, answer)).await {
            Ok(Ok(())) => Ok(()),
            // it would wait for ever for somebody to read; who comes back can resume
            Ok(Err(Gone)) | Err(_) => Err(Verdict::TooSlow),
        }
    }

    /// Hands over what its group was answered. Whether there was room for it.
    pub(super) fn offer(&self, frame: &Frame, is_latest: bool) -> bool {
        if is_latest { self.queue.replace(self.number, frame.clone()) } else { self.queue.offer(self.number, frame.clone()) }
    }

    /// It fell behind: once what waits for it has been read, it goes on from where it is `standing`, by the log.
    pub(super) fn recover(self: &Arc<Self>, standing: Standing, seen: Seen) {
        let member = Arc::clone(self);
        self.leave(async move {
            match timeout(member.queue.patience(), member.queue.drained()).await {
                Ok(Ok(())) => member.run(Start::After(standing, seen)).await,
                Ok(Err(Gone)) => {}
                Err(_) => member.queue.condemn(Verdict::TooSlow),
            }
        });
    }

    /// It goes on alone from where it is `standing`, because its group cannot.
    pub(super) fn go_on_alone(self: &Arc<Self>, standing: Standing, seen: Seen) {
        self.leave(Arc::clone(self).run(Start::After(standing, seen)));
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
        if let Some(purse) = self.purse.get() {
            purse.close();
        }
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
