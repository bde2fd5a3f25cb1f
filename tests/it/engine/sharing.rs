//! Who asks the same is answered once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use async_graphql::{Context, EmptyMutation, Schema, Subscription};
use domain::access::Role;
use domain::event::Topic;
use futures_util::stream::BoxStream;
use quick_commerce::app::App;
use quick_commerce::graphql::Result;
use quick_commerce::graphql::limits::limited;
use quick_commerce::graphql::scalars::EventCursor;
use quick_commerce::platform::bus::Message;
use quick_commerce::stream::{self, Answer, Counts, Engine, Snapshot, SnapshotCursors, Source, StreamReset};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::live::all_published;
use crate::support::ticks::{
    Faults, Follower, Nothing, PAUSE, ROOMY, Sure, TICKS, TOPIC, Told, engine, engine_with, someone, tick,
};
use crate::support::wait::{until, until_numbered};
use crate::support::{Shape, TestApp, TestParts, over_both_shapes};

over_both_shapes! {
    an_event_is_executed_once_for_all_who_asked_the_same,
    answers_are_shared_by_those_for_whom_they_are_equal_and_by_no_others,
    an_answer_for_many_knows_nothing_of_one,
    those_who_look_elsewhere_share_an_execution_and_no_answer,
    an_execution_that_has_ended_is_nobody_elses_concern,
    what_declares_nothing_is_private,
    a_group_is_gone_when_its_last_subscriber_is,
    a_stream_that_ends_is_completed_for_everybody,
    what_ends_before_somebody_began_does_not_end_with_them,
    what_is_refused_is_told_once_and_joins_nobody,
    the_newest_is_enough_for_those_who_ask_for_no_more,
    what_was_told_while_somebody_came_is_told_to_them_when_it_is_time,
}

fn since(before: Counts, after: Counts) -> (u64, u64) {
    (after.executions - before.executions, after.messages - before.messages)
}

async fn an_event_is_executed_once_for_all_who_asked_the_same(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    tick(&app.app, 1..=2).await;
    let mut followers = Vec::new();
    for number in 0..20 {
        let mut follower = Follower::start(&engine, Some(someone(number, Role::Partner)), TICKS, &json!({}));
        assert_eq!(follower.snapshot().await, 2);
        followers.push(follower);
    }
    until(|| async { engine.counts().subscriptions == 20 }).await;
    // the first two may have been on their way to the group, which has shown them already
    all_published(&app.app).await;
    until(|| async { engine.counts().pending == 0 }).await;
    let before = engine.counts();
    assert_eq!(before.groups, 1);
    tick(&app.app, 3..=7).await;
    for follower in &mut followers {
        follower.ticks(3..=6).await;
    }
    let mut bodies = Vec::new();
    for follower in &followers {
        let Ok(outgoing) = follower.queue.next().await else { panic!("it is not too slow") };
        let Answer::Next(frame) = outgoing.answer else { panic!("{outgoing:?}") };
        bodies.push(frame.body);
    }
    let first = bodies[0].as_ptr();
    assert!(bodies.iter().all(|body| body.as_ptr() == first), "the same bytes, not equal ones");
    until(|| async { since(before, engine.counts()) == (5, 100) }).await;

    // one more, who comes back with a cursor and in other words for it: what is remembered is not executed again
    let cursor = followers[0].cursor.unwrap();
    let before = engine.counts();
    let mut late = Follower::start(&engine, Some(someone(99, Role::Partner)), TICKS, &json!({ "after": cursor.encode() }));
    late.ticks([7]).await;
    until(|| async { since(before, engine.counts()) == (0, 1) }).await;
    assert_eq!(engine.counts().groups, 1, "where it begins has no part in what it hears");
}

async fn answers_are_shared_by_those_for_whom_they_are_equal_and_by_no_others(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let (anna, boris) = (someone(1, Role::Partner), someone(2, Role::Partner));
    let by = |share: &str| {
        format!(
            "subscription($even: Boolean = false) {{ ticks(share: {share}, even: $even) {{ __typename ... on TickSnapshot {{ newest }} ... on Tick {{ number }} }} }}"
        )
    };
    let mut followers = Vec::new();
    let mut groups = 0;
    for (share, actor, variables, is_new) in [
        ("PRIVATE", Some(anna), json!({}), true),
        ("PRIVATE", Some(anna), json!({}), true),
        ("USER", Some(anna), json!({}), true),
        ("USER", Some(anna), json!({}), false),
        ("USER", Some(boris), json!({}), true),
        ("ROLE", Some(anna), json!({}), true),
        ("ROLE", Some(boris), json!({}), false),
        // what the operation does not declare has no part in its answers
        ("ROLE", Some(boris), json!({ "odd": true }), false),
        ("ROLE", Some(boris), json!({ "even": true }), true),
        ("ROLE", Some(someone(3, Role::Admin)), json!({}), true),
        ("EVERYONE", Some(anna), json!({}), true),
        ("EVERYONE", Some(someone(3, Role::Admin)), json!({}), false),
        ("EVERYONE", None, json!({}), false),
    ] {
        let mut follower = Follower::start(&engine, actor, &by(share), &variables);
        assert_eq!(follower.snapshot().await, 0);
        groups += i64::from(is_new);
        let count = followers.len() + 1;
        until(|| async { engine.counts().subscriptions == i64::try_from(count).unwrap() }).await;
        assert_eq!(engine.counts().groups, groups, "{share} {variables}");
        followers.push((follower, variables));
    }
    tick(&app.app, 1..=2).await;
    for (follower, variables) in &mut followers {
        let only_even = variables["even"] == Value::Bool(true);
        follower.ticks(if only_even { 2..=2 } else { 1..=2 }).await;
    }
}

async fn an_answer_for_many_knows_nothing_of_one(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let anna = someone(1, Role::Partner);
    for (share, role, user) in [
        ("EVERYONE", Value::Null, Value::Null),
        ("ROLE", json!("Partner"), Value::Null),
        ("USER", json!("Partner"), json!(anna.user.to_string())),
        ("PRIVATE", json!("Partner"), json!(anna.user.to_string())),
    ] {
        let document = format!(
            "subscription {{ ticks(share: {share}) {{ ... on TickSnapshot {{ newest }} ... on Tick {{ number role user }} }} }}"
        );
        let mut follower = Follower::start(&engine, Some(anna), &document, &json!({}));
        let newest = follower.snapshot().await;
        tick(&app.app, [u64::try_from(newest).unwrap() + 1]).await;
        assert_eq!(follower.item().await, json!({ "number": newest + 1, "role": role, "user": user }), "{share}");
    }
}

/// Says no more of itself than it must.
/// One tick, whose number is said by a variable.
const ONLY: &str = "subscription($only: Int) { ticks(only: $only) {
    ... on TickSnapshot { cursor newest }
    ... on Tick { cursor number role }
    ... on StreamReset { cursor reason } } }";

/// Partners who wait for a tick each: the numbers from 1 to `count`.
async fn waiting_for_one_each(engine: &Engine, authority: &Arc<Sure>, count: i64) -> Vec<Follower> {
    let mut followers = Vec::new();
    for only in 1..=count {
        let variables = json!({ "only": only });
        let mut follower = Follower::start_as(engine, Arc::clone(authority), ONLY, &variables, ROOMY);
        assert_eq!(follower.snapshot().await, 0);
        followers.push(follower);
    }
    until(|| async { engine.counts().subscriptions == count }).await;
    assert_eq!(engine.counts().groups, count);
    followers
}

/// `number` ticks, and comes to `follower`; nothing is under way then.
async fn tick_for(app: &TestApp, engine: &Engine, number: u64, follower: &mut Follower) -> Value {
    tick(&app.app, [number]).await;
    let item = follower.item().await;
    assert_eq!(item["number"], number);
    until(|| async { engine.counts().pending == 0 }).await;
    item
}

async fn those_who_look_elsewhere_share_an_execution_and_no_answer(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let mut followers = waiting_for_one_each(&engine, &Sure::of(Some(someone(1, Role::Partner))), 4).await;
    for (number, follower) in (1..).zip(&mut followers) {
        assert_eq!(tick_for(&app, &engine, number, follower).await["role"], "Partner");
    }
    let counts = engine.counts();
    assert_eq!((counts.begun, counts.executions, counts.messages), (1, 4, 4));
    assert_ne!(followers[0].cursor.unwrap().stream, followers[1].cursor.unwrap().stream);

    let start = |document: &str, role, only: i64| {
        Follower::start(&engine, Some(someone(9, role)), document, &json!({ "only": only }))
    };
    // who may be told something else has an execution of their own
    let mut customer = start(ONLY, Role::Customer, 5);
    assert_eq!(customer.snapshot().await, 4);
    until(|| async { engine.counts().subscriptions == 5 }).await;
    assert_eq!(tick_for(&app, &engine, 5, &mut customer).await["role"], "Customer");
    assert_eq!(engine.counts().begun, 2);

    // and so has who says by the same variable what the source is not made from
    let twice = ONLY.replace("only: $only)", "only: $only, last: $only)");
    for (number, only) in [(6, 6), (7, 7)] {
        let mut odd = start(&twice, Role::Partner, only);
        assert_eq!(odd.snapshot().await, only - 1);
        until(|| async { engine.counts().subscriptions == 6 }).await;
        tick(&app.app, [number]).await;
        odd.ticks([only]).await;
        assert_eq!(odd.next().await, Told::Complete);
        drop(odd);
        until(|| async { engine.counts().subscriptions == 5 && engine.counts().pending == 0 }).await;
    }
    assert_eq!(engine.counts().begun, 4);
}

async fn an_execution_that_has_ended_is_nobody_elses_concern(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::<Faults>::default();
    let engine = engine_with(&app.app, &faults);
    let sure = Sure::of(Some(someone(1, Role::Partner)));
    let mut followers = waiting_for_one_each(&engine, &sure, 3).await;
    let asked = sure.asked();
    faults.ends.store(1, Ordering::SeqCst);
    for (number, follower) in (1..).zip(&mut followers) {
        tick_for(&app, &engine, number, follower).await;
    }
    assert_eq!(engine.counts().begun, 2, "one more, and that is used again");
    assert_eq!(sure.asked(), asked, "nobody had to go on alone");
}

struct Modest;

impl Source for Modest {
    type Item = i32;

    fn topic(&self) -> Topic {
        TOPIC
    }

    async fn snapshot(&self, _: &App, _: SnapshotCursors) -> Result<Snapshot<i32>> {
        Ok(Snapshot { items: vec![0], seen: HashMap::new() })
    }

    fn version(&self, _: &Message) -> Option<(Uuid, i32)> {
        None
    }

    async fn item(&self, _: &App, _: &Message, _: EventCursor) -> Result<Option<i32>> {
        Ok(Some(1))
    }

    fn reset(&self, _: StreamReset) -> Option<i32> {
        None
    }
}

struct Root;

#[Subscription]
impl Root {
    async fn modest(&self, ctx: &Context<'_>) -> Result<BoxStream<'static, Result<i32>>> {
        stream::follow(ctx, Modest, None).await
    }
}

async fn what_declares_nothing_is_private(shape: Shape) {
    let app = TestApp::start(shape).await;
    let schema = Schema::build(Nothing, EmptyMutation, Root).data(app.app.clone());
    let engine = Engine::new(app.app.clone(), limited(schema, app.app.config.limits).finish());
    let anna = Some(someone(1, Role::Admin));
    let mut followers = [(); 2].map(|()| Follower::start(&engine, anna, "subscription { modest }", &json!({})));
    for follower in &mut followers {
        assert_eq!(follower.item().await, 0);
    }
    until(|| async { engine.counts().subscriptions == 2 }).await;
    assert_eq!(engine.counts().groups, 2, "not even the same user's are one");
    tick(&app.app, [1]).await;
    for follower in &mut followers {
        assert_eq!(follower.item().await, 1);
    }
    assert_eq!(engine.counts().executions, 2);
}

async fn a_group_is_gone_when_its_last_subscriber_is(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let mut followers = Vec::new();
    for number in 0..10 {
        let mut follower = Follower::start(&engine, Some(someone(number, Role::Partner)), TICKS, &json!({}));
        follower.snapshot().await;
        followers.push(follower);
    }
    // one that is given up before it has joined
    drop(Follower::start(&engine, Some(someone(99, Role::Partner)), TICKS, &json!({})));
    tick(&app.app, [1]).await;
    for follower in &mut followers {
        follower.ticks([1]).await;
    }
    drop(followers);
    until(|| async { (engine.counts().groups, engine.counts().subscriptions) == (0, 0) }).await;
    // and hears of nothing
    until(|| async { !app.app.bus.topics_in_use().contains(&TOPIC) }).await;
}

async fn a_stream_that_ends_is_completed_for_everybody(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let document = "subscription($after: EventCursor) { ticks(last: 2, after: $after) { ... on TickSnapshot { newest } ... on Tick { number } } }";
    let mut followers = Vec::new();
    for number in 0..3 {
        let mut follower = Follower::start(&engine, Some(someone(number, Role::Partner)), document, &json!({}));
        follower.snapshot().await;
        followers.push(follower);
    }
    until(|| async { engine.counts().subscriptions == 3 }).await;
    let begin = followers[0].cursor.unwrap();
    tick(&app.app, 1..=3).await;
    for follower in &mut followers {
        follower.ticks(1..=2).await;
        assert_eq!(follower.next().await, Told::Complete);
    }
    until(|| async { engine.counts().groups == 0 }).await;
    // by the log it ends in the same place
    let mut late = Follower::start(&engine, Some(someone(9, Role::Partner)), document, &json!({ "after": begin.encode() }));
    late.ticks(1..=2).await;
    assert_eq!(late.next().await, Told::Complete);
}

async fn what_ends_before_somebody_began_does_not_end_with_them(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let engine = engine(&parts.app);
    let document = "subscription { ticks(last: 2) { ... on TickSnapshot { newest } ... on Tick { number } } }";
    let follow = async |newest| {
        let mut follower = Follower::start(&engine, Some(someone(1, Role::Partner)), document, &json!({}));
        assert_eq!(follower.snapshot().await, newest);
        follower
    };
    let mut before = follow(0).await;
    tick(&parts.app, 1..=3).await;
    // the log has no position of any of them yet, and this one has seen what they made
    let mut since = follow(3).await;
    until(|| async { engine.counts().subscriptions == 2 }).await;
    assert_eq!(engine.counts().groups, 1);
    until_numbered(&parts.app).await;
    before.ticks(1..=2).await;
    assert_eq!(before.next().await, Told::Complete);
    tick(&parts.app, 4..=5).await;
    until_numbered(&parts.app).await;
    since.ticks(4..=5).await;
}

async fn what_is_refused_is_told_once_and_joins_nobody(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    for (document, code) in [
        ("subscription { tocks { __typename } }", "VALIDATION_FAILED"),
        ("subscription { ticks(", "PARSE_FAILED"),
        ("subscription { ticks(after: \"x\") { __typename } }", "BAD_ARGUMENT"),
    ] {
        let mut follower = Follower::start(&engine, None, document, &json!({}));
        match follower.next().await {
            Told::Errors(errors) => assert_eq!(errors[0]["extensions"]["code"], code, "{document} {errors}"),
            other => panic!("{document}: {other:?}"),
        }
        assert!(follower.queue.try_next().is_none(), "nothing comes after");
    }
    let mut query = Follower::start(&engine, None, "{ nothing }", &json!({}));
    assert_eq!((query.next().await, query.next().await), (Told::Item(json!(true)), Told::Complete));
    assert_eq!((engine.counts().groups, engine.counts().subscriptions), (0, 0));
}

/// Who hears of the newest only is told no more often than is said, the first picture counted; what came too soon is told then.
async fn what_was_told_while_somebody_came_is_told_to_them_when_it_is_time(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::<Faults>::default();
    let engine = engine_with(&app.app, &faults);
    let document = "subscription { ticks(latest: true) { ... on TickSnapshot { newest } ... on Tick { number } } }";
    let mut early = Follower::start(&engine, Some(someone(1, Role::Partner)), document, &json!({}));
    early.snapshot().await;
    until(|| async { engine.counts().subscriptions == 1 }).await;
    for number in 1..=10 {
        let closed = faults.gate.write().await;
        let read = faults.read.load(Ordering::SeqCst);
        let mut late = Follower::start(&engine, Some(someone(2, Role::Partner)), document, &json!({}));
        until(|| async { faults.read.load(Ordering::SeqCst) > read }).await;
        tick(&app.app, [number]).await;
        assert_eq!(early.tick().await.unsigned_abs(), number);
        let began = Instant::now();
        drop(closed);
        // the first picture is of before, unless what came then took its place while it waited to be read
        while late.item().await["number"] != number {}
        // whatever is told late makes this longer
        assert!(began.elapsed() >= PAUSE, "{:?}", began.elapsed());
    }
}

async fn the_newest_is_enough_for_those_who_ask_for_no_more(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let document = "subscription { ticks(latest: true) { ... on TickSnapshot { newest } ... on Tick { number } } }";
    let mut quick = Follower::start(&engine, Some(someone(1, Role::Partner)), document, &json!({}));
    let slow = Follower::start(&engine, Some(someone(2, Role::Partner)), document, &json!({}));
    quick.snapshot().await;
    until(|| async { engine.counts().subscriptions == 2 }).await;
    tick(&app.app, 1..=50).await;
    let mut last = 0;
    while last < 50 {
        let number = quick.tick().await;
        assert!(number > last, "{number} after {last}");
        last = number;
    }
    // it has read nothing so far: the newest took the place of all that came before, if not just now
    let mut slow = slow;
    let mut read = Vec::new();
    while read.last() != Some(&50) {
        read.push(slow.tick().await);
        assert_eq!(slow.cursor, None, "it cannot be resumed");
    }
    assert!(read.len() <= 2, "{read:?}");
    tick(&app.app, [51]).await;
    assert_eq!(slow.tick().await, 51);
}
