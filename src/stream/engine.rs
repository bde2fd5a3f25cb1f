//! The engine of an instance: its groups, and what they share.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Executor, Request, Response};
use domain::access::{Audience, Reader};
use domain::event::Topic;
use futures_util::stream::BoxStream;
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::counters::{Counters, Counts};
use super::ears::Ears;
use super::execution::AnySource;
use super::group::Group;
use super::operation::{Call, Operation};
use super::pool::{Pool, PoolKey, Share};
use super::queue::SendQueue;
use super::{Filter, Policy, Variables};
use crate::app::App;
use crate::graphql::{Authority, Result};

/// Documents that are kept parsed: of clients there are few builds. One that is not kept is parsed again.
const MAX_DOCUMENTS: usize = 64;

/// Turns where the database has few connections.
const MIN_TURNS: usize = 4;

/// A step to the present, while it is taken.
pub(super) type Turn<'a> = SemaphorePermit<'a>;

type Execute = dyn Fn(Request) -> BoxStream<'static, Response> + Send + Sync;

/// The engine of an instance; a clone is another handle to the same.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    app: App,
    execute: Box<Execute>,
    groups: Mutex<HashMap<Key, Arc<Group>>>,
    /// Executions that groups share, while there is such a group.
    pools: Mutex<HashMap<PoolKey, Weak<Pool>>>,
    /// What groups ask, as it was parsed: of many groups most ask the same with other variables.
    documents: Mutex<HashMap<Arc<str>, Arc<ExecutableDocument>>>,
    /// The incarnation of the log, as it was read last.
    epoch: AtomicI32,
    /// From where on, and up to where, this instance was compared with the log.
    compared: (AtomicI64, AtomicI64),
    counters: Counters,
    /// Subscriptions that may be on their way to the present at once.
    turns: Semaphore,
    /// Whether those who ask the same are a group.
    shares: bool,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// All that answers to an event depend on. Those for whom it is equal are a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    topic: Topic,
    topics: Arc<[Topic]>,
    audience: Audience,
    reader: Reader,
    query: Arc<str>,
    operation_name: Option<Arc<str>>,
    /// As JSON, without the one that says where to begin.
    variables: String,
}

/// How a subscription wants to be served.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) topic: Topic,
    pub(super) topics: Arc<[Topic]>,
    pub(super) audience: Audience,
    pub(super) policy: Policy,
    pub(super) filter: Option<Filter>,
    /// Who it is for.
    pub(super) reader: Reader,
    /// Of its cursors.
    pub(super) stream: u32,
    /// What asks for the items, where an execution may be shared by all whose source is of its type.
    pub(super) source: Option<AnySource>,
    /// What its variables are to its group.
    pub(super) variables: Variables,
}

/// What a group executes.
#[derive(Clone)]
pub(super) struct Question {
    /// What it goes by.
    pub(super) topic: Topic,
    /// What it hears of.
    pub(super) topics: Arc<[Topic]>,
    pub(super) policy: Policy,
    /// Equal for all who ask the same.
    pub(super) filter: Option<Filter>,
    pub(super) reader: Reader,
    pub(super) stream: u32,
    pub(super) query: Arc<str>,
    pub(super) operation_name: Option<Arc<str>>,
    pub(super) variables: Arc<Map<String, Value>>,
    /// With what it shares executions, if it does.
    pub(super) share: Option<Share>,
}

impl Question {
    /// With what a group keeps apart what it hears, where that is several topics.
    pub(super) fn ears(&self) -> Option<Ears> {
        (self.topics.len() > 1).then(|| Ears::new(self.policy == Policy::All))
    }
}

/// A stay in a group of one that has no place there yet: the group goes on for them.
#[derive(Debug)]
pub(super) struct Entrance(Arc<Group>);

impl Entrance {
    pub(super) const fn group(&self) -> &Arc<Group> {
        &self.0
    }

    pub(super) fn count_reset(&self) {
        Counters::add(&self.0.engine().counters().resets, 1);
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.0.give_up_entrance();
    }
}

/// One of those that wait, for as long as this is there.
struct Waiting<'a>(&'a AtomicI64);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicI64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Engine {
    /// An engine over `app` that executes by `executor`.
    pub fn new<E: Executor>(app: App, executor: E) -> Self {
        Self::build(app, executor, true)
    }

    /// An engine that executes for each subscription alone, whatever its audience: what [`Engine::new`] is compared with.
    pub fn unshared<E: Executor>(app: App, executor: E) -> Self {
        Self::build(app, executor, false)
    }

    fn build<E: Executor>(app: App, executor: E, shares: bool) -> Self {
        let execute = Box::new(move |request| executor.execute_stream(request, None));
        // the other half of the connections is for requests
        let turns = Semaphore::new((app.config.database_connections as usize / 2).max(MIN_TURNS));
        Self(Arc::new(Inner {
            app,
            execute,
            groups: Mutex::default(),
            pools: Mutex::default(),
            documents: Mutex::default(),
            epoch: AtomicI32::new(0),
            compared: (AtomicI64::new(i64::MAX), AtomicI64::new(0)),
            counters: Counters::default(),
            turns,
            shares,
        }))
    }

    /// Starts what `call` asks for, as whoever `authority` says; its answers go to `queue` as those of `number`. A query or
    /// a mutation has one answer.
    pub fn start(&self, call: Call, authority: Arc<dyn Authority>, queue: &Arc<SendQueue>, number: u32) -> Operation {
        Operation::start(self.clone(), call, authority, Arc::clone(queue), number)
    }

    /// What it has done, and has now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.counters.read()
    }

    pub(super) fn app(&self) -> &App {
        &self.0.app
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// The incarnation of the log. Nobody is in a group before somebody has read it.
    pub(super) fn epoch(&self) -> i32 {
        self.0.epoch.load(Ordering::Acquire)
    }

    /// Takes note of the incarnation of the log that was read just now. If it is another than before, every group is told.
    pub(super) fn note_epoch(&self, epoch: i32) {
        let before = self.0.epoch.swap(epoch, Ordering::AcqRel);
        if before != 0 && before != epoch {
            tracing::warn!("the log is not the one that it was: every subscription starts anew");
            self.app().bus.gap();
        }
    }

    /// From where on, and up to where, whoever has missed something on any topic has been told so.
    pub(super) fn compared(&self) -> (i64, i64) {
        let to = self.0.compared.1.load(Ordering::Acquire);
        (self.0.compared.0.load(Ordering::Acquire), to)
    }

    /// Comparing begins at `position`: nothing is said of what was before.
    pub(super) fn begin_comparing(&self, position: i64) {
        // in this order nobody ever reads a beginning with an end that is not its own
        self.0.compared.1.store(0, Ordering::Release);
        self.0.compared.0.store(position, Ordering::Release);
        self.0.compared.1.store(position, Ordering::Release);
    }

    /// Everybody has been told what they missed up to `position`.
    pub(super) fn note_compared(&self, position: i64) {
        self.0.compared.1.store(position, Ordering::Release);
    }

    /// `query`, parsed; it was executed before. `None` if it cannot be: then the execution says why.
    pub(super) fn document(&self, query: &Arc<str>) -> Option<ExecutableDocument> {
        let documents = || self.0.documents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = documents().get(query).cloned() {
            return Some((*document).clone());
        }
        let document = async_graphql::parser::parse_query(query).ok()?;
        let mut documents = documents();
        if documents.len() >= MAX_DOCUMENTS {
            documents.clear();
        }
        documents.insert(Arc::clone(query), Arc::new(document.clone()));
        Some(document)
    }

    /// Waits until a subscription may take its next step to the present, in the order in which they ask; `by` moves as much.
    ///
    /// When an instance dies, its clients come to the others all at once. Without turns, whatever else these are asked would wait
    /// behind all of them; so it does behind a few.
    pub(super) async fn turn(&self, by: &mut Instant) -> Option<Turn<'_>> {
        if let Ok(turn) = self.0.turns.try_acquire() {
            return Some(turn);
        }
        let since = Instant::now();
        let _waiting = Waiting::begin(&self.0.counters.waiting);
        let turn = self.0.turns.acquire().await;
        *by += since.elapsed();
        // nobody closes it
        turn.ok()
    }

    pub(super) fn execute(&self, request: Request) -> BoxStream<'static, Response> {
        (self.0.execute)(request)
    }

    /// The group that `plan` and `call` belong to, which hears of its topics from now on.
    ///
    /// # Errors
    /// When the bus is being taken down.
    pub(super) async fn enter(&self, plan: &Plan, call: &Call) -> Result<Entrance> {
        let entrance = self.find_or_make(plan, call);
        entrance.group().attach().await?;
        Ok(entrance)
    }

    fn find_or_make(&self, plan: &Plan, call: &Call) -> Entrance {
        let audience = if self.0.shares { plan.audience } else { Audience::Private };
        let mut variables = Arc::clone(&call.variables);
        for (name, value) in &plan.variables.values {
            Arc::make_mut(&mut variables).insert(name.to_string(), value.clone());
        }
        let mut question = Question {
            topic: plan.topic,
            topics: Arc::clone(&plan.topics),
            policy: plan.policy,
            filter: plan.filter.clone(),
            reader: audience.narrow(plan.reader),
            stream: plan.stream,
            query: Arc::clone(&call.query),
            operation_name: call.operation_name.clone(),
            // with where the first of them begins, which is not looked at here, but may be required by its type
            variables: Arc::clone(&variables),
            share: None,
        };
        if audience == Audience::Private {
            return Entrance(Group::new(self.clone(), question, None));
        }
        if let Some(name) = plan.variables.after.as_deref().filter(|name| variables.contains_key(*name)) {
            Arc::make_mut(&mut variables).remove(name);
        }
        let key = Key {
            topic: question.topic,
            topics: Arc::clone(&question.topics),
            audience,
            reader: question.reader,
            query: Arc::clone(&question.query),
            operation_name: question.operation_name.clone(),
            // the keys of a map are in order
            variables: serde_json::to_string(&*variables).unwrap_or_default(),
        };
        let mut groups = self.groups();
        if let Some(group) = groups.get(&key).filter(|group| group.admit()) {
            return Entrance(Arc::clone(group));
        }
        question.share = plan.source.clone().map(|source| {
            let variables = Arc::make_mut(&mut variables);
            for (name, _) in &plan.variables.values {
                variables.remove(name.as_str());
            }
            let variables = serde_json::to_string(variables).unwrap_or_default();
            let (query, operation_name) = (Arc::clone(&key.query), key.operation_name.clone());
            Share { pool: self.pool(PoolKey { reader: key.reader, query, operation_name, variables }), source }
        });
        let group = Group::new(self.clone(), question, Some(key.clone()));
        groups.insert(key, Arc::clone(&group));
        Entrance(group)
    }

    /// The executions that those who ask for `key` share.
    fn pool(&self, key: PoolKey) -> Arc<Pool> {
        let mut pools = self.pools();
        if let Some(pool) = pools.get(&key).and_then(Weak::upgrade) {
            return pool;
        }
        let pool = Arc::new(Pool::new(self.clone(), key.clone()));
        pools.insert(key, Arc::downgrade(&pool));
        pool
    }

    /// Forgets the pool of `key`, unless there is another by now.
    pub(super) fn forget_pool(&self, key: &PoolKey) {
        let mut pools = self.pools();
        if pools.get(key).is_some_and(|pool| pool.strong_count() == 0) {
            pools.remove(key);
            if pools.capacity() > 64 && pools.len() < pools.capacity() / 8 {
                pools.shrink_to_fit();
            }
        }
    }

    /// Forgets a group that has come to its end.
    pub(super) fn forget(&self, key: &Key, group: &Group) {
        let mut groups = self.groups();
        if groups.get(key).is_some_and(|found| std::ptr::eq(Arc::as_ptr(found), group)) {
            groups.remove(key);
            if groups.capacity() > 64 && groups.len() < groups.capacity() / 8 {
                groups.shrink_to_fit();
            }
        }
    }

    pub(super) fn count_group(&self, change: i64) {
        self.0.counters.groups.fetch_add(change, Ordering::Relaxed);
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<PoolKey, Weak<Pool>>> {
        self.0.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn groups(&self) -> MutexGuard<'_, HashMap<Key, Arc<Group>>> {
        self.0.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
