//! A subscription of the tests' own, over numbered events: each is one more than the last.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_graphql::{
    Context, Data, EmptyMutation, Enum, Executor, Object, Request, Response, Schema, SimpleObject, Subscription, Union,
};
use domain::access::{Actor, Audience, Role};
use domain::event::Topic;
use entity::event;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use quick_commerce::app::App;
use quick_commerce::config::SendQueueBudget;
use quick_commerce::graphql::context::{RequestId, Viewer};
use quick_commerce::graphql::limits::limited;
use quick_commerce::graphql::scalars::EventCursor;
use quick_commerce::graphql::{GraphError, Result, reader};
use quick_commerce::platform::bus::Message;
use quick_commerce::platform::db::Tx;
use quick_commerce::platform::error::{Denial, Error};
use quick_commerce::platform::outbox::{self, NewEvent};
use quick_commerce::stream::{
    Answer, Authority, Call, Engine, Filter, Operation, Outgoing, Policy, SendQueue, Snapshot, SnapshotCursors, Source,
    StreamReset, Verdict, follow,
};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use tokio::sync::RwLock;
use uuid::Uuid;

/// How often those are told who hear of the newest only, at the most.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

const KIND: &str = "test.ticked";

/// The topic of the ticks.
pub(crate) const TOPIC: Topic = Topic::Seller(Uuid::from_u128(11));

/// Every tick, as whoever asks the same.
pub(crate) const TICKS: &str = "subscription($after: EventCursor) { ticks(after: $after) {
    __typename
    ... on TickSnapshot { cursor newest }
    ... on Tick { cursor number role user }
    ... on StreamReset { cursor reason } } }";

/// Another topic, of those who ask for both.
pub(crate) const OTHER: Topic = Topic::Area(11);

/// Every tick of both topics.
pub(crate) const TICKS_OF_BOTH: &str = "subscription($after: EventCursor) { ticks(after: $after, both: true) {
    __typename
    ... on TickSnapshot { cursor newest }
    ... on Tick { cursor number role user }
    ... on StreamReset { cursor reason } } }";

/// Logs the next tick in `tx`; its number is of the caller's choice, and nobody else's.
pub(crate) async fn tick_in(app: &App, tx: &Tx, number: u64) {
    tick_on(app, tx, TOPIC, number).await;
}

/// The same on a topic of the caller's choice.
pub(crate) async fn tick_on(app: &App, tx: &Tx, topic: Topic, number: u64) {
    let at = app.clock.db_now(&**tx).await.unwrap();
    let payload = json!({ "number": number });
    outbox::append(tx, &NewEvent { id: app.ids.uuid(), kind: KIND, topics: &[topic], payload: &payload, at }).await.unwrap();
}

/// Logs the ticks `numbers`, in one transaction each.
pub(crate) async fn tick(app: &App, numbers: impl IntoIterator<Item = u64>) {
    tick_by_turns(app, numbers.into_iter().map(|number| (TOPIC, number))).await;
}

/// The same, each on its topic.
pub(crate) async fn tick_by_turns(app: &App, numbers: impl IntoIterator<Item = (Topic, u64)>) {
    for (topic, number) in numbers {
        let tx = app.db.begin().await.unwrap();
        tick_on(app, &tx, topic, number).await;
        tx.commit().await.unwrap();
    }
}

#[derive(Debug, Union)]
enum TickItem {
    Snapshot(TickSnapshot),
    Tick(Tick),
    Reset(StreamReset),
}

#[derive(Debug, SimpleObject)]
struct TickSnapshot {
    cursor: EventCursor,
    newest: i64,
}

#[derive(Debug)]
struct Tick {
    cursor: EventCursor,
    number: i64,
}

#[Object]
impl Tick {
    async fn cursor(&self) -> EventCursor {
        self.cursor
    }

    async fn number(&self) -> i64 {
        self.number
    }

    /// What the answer may depend on.
    async fn role(&self, ctx: &Context<'_>) -> Option<String> {
        reader(ctx).and_then(|reader| reader.role).map(|role| format!("{role:?}"))
    }

    async fn user(&self, ctx: &Context<'_>) -> Option<String> {
        reader(ctx).and_then(|reader| reader.user).map(|user| user.to_string())
    }

    async fn breaks(&self) -> Option<i32> {
        Vec::new().pop().expect("on purpose")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum Share {
    Private,
    User,
    Role,
    Everyone,
}

/// What a test has go wrong, and what it holds up.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// So many of the next items cannot be made, for a reason that may pass.
    pub(crate) items: AtomicUsize,
    /// This number can never be made; zero is none.
    pub(crate) broken: AtomicI64,
    /// So many of the next answers break the task that asks for them.
    pub(crate) answers: AtomicUsize,
    /// So many of the next executions end with their first answer.
    pub(crate) ends: AtomicUsize,
    /// Snapshots that were read.
    pub(crate) read: AtomicUsize,
    /// What they wait for then: that nobody writes here.
    pub(crate) gate: RwLock<()>,
    /// Items that were begun.
    pub(crate) begun: AtomicUsize,
    /// What they wait for then, like snapshots.
    pub(crate) held: RwLock<()>,
    /// The ticks are theirs no more who ask from now on.
    pub(crate) lost: AtomicBool,
}

/// Whether one more is to go wrong.
fn happens(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

struct Ticks {
    faults: Arc<Faults>,
    share: Share,
    latest: bool,
    even: bool,
    /// Of the other topic, too.
    both: bool,
    /// Ends with this number.
    last: Option<i64>,
    /// Hears of this number alone.
    only: Option<i64>,
}

impl Ticks {
    const fn new(faults: Arc<Faults>, share: Share) -> Self {
        Self { faults, share, latest: false, even: false, both: false, last: None, only: None }
    }
}

impl Source for Ticks {
    type Item = TickItem;

    fn topic(&self) -> Topic {
        TOPIC
    }

    fn topics(&self) -> Arc<[Topic]> {
        if self.both { Arc::new([TOPIC, OTHER]) } else { Arc::new([TOPIC]) }
    }

    fn audience(&self) -> Audience {
        match self.share {
            Share::Private => Audience::Private,
            Share::User => Audience::User,
            Share::Role => Audience::Role,
            Share::Everyone => Audience::Everyone,
        }
    }

    fn policy(&self) -> Policy {
        if self.latest { Policy::Latest(PAUSE) } else { Policy::All }
    }

    fn selection(&self) -> String {
        format!("{} {:?}", self.even, self.only)
    }

    fn filter(&self) -> Option<Filter> {
        let only = self.only?;
        Some(Arc::new(move |message| message.payload["number"] == only))
    }

    fn arguments(&self) -> Vec<(&'static str, Value)> {
        self.only.map(|only| ("only", only.into())).into_iter().collect()
    }

    async fn authorise(&self, _: &App) -> Result<()> {
        if self.faults.lost.load(Ordering::SeqCst) {
            return Err(GraphError::new("NOT_FOUND", "There are no such ticks."));
        }
        Ok(())
    }

    async fn snapshot(&self, app: &App, cursors: SnapshotCursors) -> Result<Snapshot<TickItem>> {
        let ticks = event::Entity::find().filter(event::Column::Kind.eq(KIND)).count(app.db.reader()).await.unwrap();
        let newest = i32::try_from(ticks).unwrap();
        self.faults.read.fetch_add(1, Ordering::SeqCst);
        drop(self.faults.gate.read().await);
        let item = TickItem::Snapshot(TickSnapshot { cursor: cursors.only(), newest: newest.into() });
        Ok(Snapshot { items: vec![item], seen: HashMap::from([(Uuid::nil(), newest)]) })
    }

    fn version(&self, message: &Message) -> Option<(Uuid, i32)> {
        Some((Uuid::nil(), i32::try_from(message.payload["number"].as_i64()?).ok()?))
    }

    async fn item(&self, _: &App, message: &Message, cursor: EventCursor) -> Result<Option<TickItem>> {
        self.faults.begun.fetch_add(1, Ordering::SeqCst);
        drop(self.faults.held.read().await);
        let number = message.payload["number"].as_i64().unwrap();
        if happens(&self.faults.items) || self.faults.broken.load(Ordering::SeqCst) == number {
            return Err(Error::fault("making a tick", "on purpose").into());
        }
        let is_wanted = (!self.even || number % 2 == 0) && self.only.is_none_or(|only| only == number);
        Ok(is_wanted.then_some(TickItem::Tick(Tick { cursor, number })))
    }

    fn ends(&self, message: &Message) -> bool {
        self.last == message.payload["number"].as_i64()
    }

    fn reset(&self, reset: StreamReset) -> Option<TickItem> {
        Some(TickItem::Reset(reset))
    }
}

struct Root;

#[Subscription]
impl Root {
    /// Every tick.
    #[expect(clippy::too_many_arguments, reason = "each is a switch that a test may turn")]
    async fn ticks(
        &self,
        ctx: &Context<'_>,
        after: Option<EventCursor>,
        #[graphql(default_with = "Share::Role")] share: Share,
        #[graphql(default)] latest: bool,
        #[graphql(default)] even: bool,
        #[graphql(default)] both: bool,
        last: Option<i64>,
        only: Option<i64>,
    ) -> Result<BoxStream<'static, Result<TickItem>>> {
        let faults = Arc::clone(ctx.data_unchecked());
        follow(ctx, Ticks { faults, share, latest, even, both, last, only }, after).await
    }

    /// The same for whoever is signed in.
    async fn own_ticks(&self, ctx: &Context<'_>) -> Result<BoxStream<'static, Result<TickItem>>> {
        if reader(ctx).and_then(|reader| reader.user).is_none() {
            return Err(Denial::Unauthenticated.into());
        }
        let faults = Arc::clone(ctx.data_unchecked());
        follow(ctx, Ticks::new(faults, Share::User), None).await
    }

    /// The same for those who must say where they were.
    async fn ticks_after(&self, ctx: &Context<'_>, after: EventCursor) -> Result<BoxStream<'static, Result<TickItem>>> {
        let faults = Arc::clone(ctx.data_unchecked());
        follow(ctx, Ticks::new(faults, Share::Role), Some(after)).await
    }
}

/// A query of a schema that is about something else.
pub(crate) struct Nothing;

#[Object]
impl Nothing {
    async fn nothing(&self) -> bool {
        true
    }
}

/// An engine of its own over `app`, with the ticks for its only subscription.
pub(crate) fn engine(app: &App) -> Engine {
    engine_with(app, &Arc::default())
}

/// The same, where things go wrong.
pub(crate) fn engine_with(app: &App, faults: &Arc<Faults>) -> Engine {
    let schema = Schema::build(Nothing, EmptyMutation, Root).data(app.clone()).data(Arc::clone(faults));
    let schema = limited(schema, app.config.limits).finish();
    Engine::new(app.clone(), Fragile { schema, faults: Arc::clone(faults) })
}

#[derive(Clone)]
struct Fragile {
    schema: Schema<Nothing, EmptyMutation, Root>,
    faults: Arc<Faults>,
}

impl Executor for Fragile {
    async fn execute(&self, request: Request) -> Response {
        self.schema.execute(request).await
    }

    fn execute_stream(&self, request: Request, data: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let faults = Arc::clone(&self.faults);
        let answers = Executor::execute_stream(&self.schema, request, data);
        let most = if happens(&faults.ends) { 1 } else { usize::MAX };
        let answers = answers.inspect(move |_| assert!(!happens(&faults.answers), "on purpose"));
        answers.take(most).boxed()
    }
}

/// Somebody, until a test says otherwise.
pub(crate) struct Sure {
    viewer: Mutex<Result<Viewer>>,
    asked: AtomicUsize,
}

impl Sure {
    /// Whoever `actor` is.
    pub(crate) fn of(actor: Option<Actor>) -> Arc<Self> {
        Arc::new(Self { viewer: Mutex::new(Ok(Viewer(actor))), asked: AtomicUsize::new(0) })
    }

    /// From now on they are whoever `viewer` says.
    pub(crate) fn turn(&self, viewer: Result<Viewer>) {
        *self.viewer.lock().unwrap() = viewer;
    }

    /// How often it was asked who they are.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Authority for Sure {
    fn viewer(&self) -> BoxFuture<'_, Result<Viewer>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(self.viewer.lock().unwrap().clone()))
    }
}

/// Somebody with `role`.
pub(crate) fn someone(number: u128, role: Role) -> Actor {
    Actor { user: Uuid::from_u128(number), role, seller: None, session: Uuid::from_u128(number), key: None, request: None }
}

/// A room for answers that nothing in these tests fills.
pub(crate) const ROOMY: SendQueueBudget = SendQueueBudget { bytes: 1 << 20, age: Duration::from_mins(1) };

/// What a subscriber was told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    /// The value of the root field.
    Item(Value),
    /// The errors.
    Errors(Value),
    /// Nothing more comes.
    Complete,
    /// The connection must end.
    Ended(Verdict),
}

fn called(document: &str, variables: &Value) -> Call {
    Call::new(document.to_owned(), None, variables.as_object().unwrap().clone(), RequestId("test".to_owned()))
}

/// One subscription on a connection of its own.
pub(crate) struct Follower {
    pub(crate) queue: Arc<SendQueue>,
    /// Of the last item, as the transports hand it on.
    pub(crate) cursor: Option<EventCursor>,
    operation: Operation,
}

impl Follower {
    pub(crate) fn start(engine: &Engine, actor: Option<Actor>, document: &str, variables: &Value) -> Self {
        Self::start_with(engine, actor, document, variables, ROOMY)
    }

    pub(crate) fn start_with(
        engine: &Engine,
        actor: Option<Actor>,
        document: &str,
        variables: &Value,
        budget: SendQueueBudget,
    ) -> Self {
        Self::start_as(engine, Sure::of(actor), document, variables, budget)
    }

    pub(crate) fn start_as(
        engine: &Engine,
        authority: Arc<Sure>,
        document: &str,
        variables: &Value,
        budget: SendQueueBudget,
    ) -> Self {
        Self::call(engine, authority, called(document, variables), budget)
    }

    /// One who goes on after `after`, which no argument says.
    pub(crate) fn resume(
        engine: &Engine,
        actor: Option<Actor>,
        document: &str,
        variables: &Value,
        after: EventCursor,
    ) -> Self {
        let call = Call { after: Some(after), ..called(document, variables) };
        Self::call(engine, Sure::of(actor), call, ROOMY)
    }

    fn call(engine: &Engine, authority: Arc<Sure>, call: Call, budget: SendQueueBudget) -> Self {
        let queue = SendQueue::new(budget);
        let operation = engine.start(call, authority, &queue, 7);
        Self { queue, cursor: None, operation }
    }

    /// What comes next. Fails the test when nothing does.
    pub(crate) async fn next(&mut self) -> Told {
        let next = tokio::time::timeout(Duration::from_secs(20), self.queue.next()).await;
        let next = next.unwrap_or_else(|_| panic!("nothing comes after {:?}; {:?}", self.cursor, self.operation));
        self.told(next)
    }

    fn told(&mut self, next: std::result::Result<Outgoing, Verdict>) -> Told {
        let answer = match next {
            Ok(Outgoing { operation, answer }) => {
                assert_eq!(operation, 7);
                answer
            }
            Err(verdict) => return Told::Ended(verdict),
        };
        match answer {
            Answer::Next(frame) => {
                let body: Value = serde_json::from_slice(&frame.body).unwrap();
                assert_eq!(body.get("errors"), None, "{body}");
                self.cursor = frame.cursor;
                Told::Item(body["data"].as_object().unwrap().values().next().unwrap().clone())
            }
            Answer::Errors(errors) => Told::Errors(serde_json::from_slice(&errors).unwrap()),
            Answer::Complete => Told::Complete,
        }
    }

    /// The next item.
    pub(crate) async fn item(&mut self) -> Value {
        match self.next().await {
            Told::Item(item) => item,
            other => panic!("an item was expected, not {other:?}"),
        }
    }

    /// The snapshot that must come now: the newest number it shows.
    pub(crate) async fn snapshot(&mut self) -> i64 {
        let item = self.item().await;
        item["newest"].as_i64().unwrap_or_else(|| panic!("a snapshot was expected, not {item}"))
    }

    /// The tick that must come now: its number.
    pub(crate) async fn tick(&mut self) -> i64 {
        let item = self.item().await;
        item["number"].as_i64().unwrap_or_else(|| panic!("a tick was expected, not {item}"))
    }

    /// The ticks `numbers` must come now, and nothing else between them.
    pub(crate) async fn ticks(&mut self, numbers: impl IntoIterator<Item = i64>) {
        for number in numbers {
            assert_eq!(self.tick().await, number);
        }
    }

    /// The reset that must come now: its reason.
    pub(crate) async fn reset(&mut self) -> String {
        let item = self.item().await;
        item["reason"].as_str().unwrap_or_else(|| panic!("a reset was expected, not {item}")).to_owned()
    }
}
