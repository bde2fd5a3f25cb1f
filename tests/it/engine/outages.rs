//! What a bus that was away costs, and instances of different versions side by side.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::access::Role;
use domain::event::Topic;
use entity::event;
use futures_util::StreamExt as _;
use quick_commerce::platform::clock::Clock;
use quick_commerce::platform::relay::{self, Since};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ConnectionTrait as _, DbBackend, EntityTrait as _, FromQueryResult as _, JsonValue, Statement};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::recovery::{subscribed, watched};
use crate::support::app::build;
use crate::support::proxy::Proxy;
use crate::support::redis::Redis;
use crate::support::shape::{TestDatabase, config};
use crate::support::ticks::{Follower, OTHER, TICKS_OF_BOTH, engine, someone, tick_on};
use crate::support::wait::until;
use crate::support::{Shape, TestParts, over_both_shapes};

over_both_shapes! {
    a_replay_reads_no_more_of_the_index_than_it_may_bring,
}

/// Groups that have missed nothing.
const IDLE: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_redis_was_away_only_those_read_the_log_who_missed_something() {
    let database = TestDatabase::new(Shape::Production).await;
    let network = Proxy::start(Redis::shared().await.addr()).await;
    let mut settings = config(&database, Some(format!("redis://{}", network.addr)));
    settings.bus_check = Duration::from_hours(1);
    let app = build(settings, Clock::system(), 1).await;
    until(async || app.bus.is_live()).await;
    let engine = engine(&app);
    let stop = CancellationToken::new();
    let watching = watched(&engine, &stop).await;
    let partner = Some(someone(1, Role::Partner));
    let mut both = Follower::start(&engine, partner, TICKS_OF_BOTH, &json!({}));
    assert_eq!(both.snapshot().await, 0);
    let mut idle = Vec::new();
    for number in 0..IDLE {
        let document =
            "subscription($last: Int) { ticks(last: $last) { ... on TickSnapshot { newest } ... on Tick { number } } }";
        let mut follower = Follower::start(&engine, partner, document, &json!({ "last": 1_000 + number }));
        assert_eq!(follower.snapshot().await, 0);
        idle.push(follower);
    }
    subscribed(&engine, i64::try_from(IDLE).unwrap() + 1).await;
    let tick = async |number| {
        let tx = app.db.begin().await.unwrap();
        tick_on(&app, &tx, OTHER, number).await;
        tx.commit().await.unwrap();
    };
    tick(1).await;
    while app.relay().step().await.unwrap() != relay::Step::Moved(0) {}
    both.ticks([1]).await;

    let reads = Arc::new(AtomicUsize::new(0));
    let heard = Arc::clone(&reads);
    app.db.on_statement(move |statement| {
        heard.fetch_add(usize::from(statement.sql.contains("event_topics")), Ordering::SeqCst);
    });
    for number in 2..=4 {
        network.down();
        until(async || !app.bus.is_live()).await;
        tick(number).await;
        assert_eq!(app.relay().number().await.unwrap(), relay::Step::Moved(1));
        network.resume();
        both.ticks([number.cast_signed()]).await;
        until(async || app.bus.is_live()).await;
    }
    // the last word of all: whoever was to be told something has been
    app.bus.gap();
    until(async || engine.counts().repairs > IDLE as u64 && engine.counts().pending == 0).await;
    let repairs = engine.counts().repairs - IDLE as u64 - 1;
    assert!((1..=6).contains(&repairs), "{repairs} times the log was read by groups, of which one had missed something");
    let others = reads.load(Ordering::SeqCst) - IDLE - 1;
    assert!(others < IDLE, "{others} statements");
    stop.cancel();
    watching.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_only_newer_instances_know_is_published() {
    let parts = TestParts::build(Shape::Production).await;
    let app = &parts.app;
    let prefix = &app.config.redis_prefix;
    let client = ::redis::Client::open(Redis::shared().await.url()).unwrap();
    let mut newer = client.get_async_pubsub().await.unwrap();
    for topic in ["moon:7", "available"] {
        newer.subscribe(format!("{prefix}:{topic}")).await.unwrap();
    }
    let tick = async |topics: &str| {
        let row = event::ActiveModel {
            id: NotSet,
            position: Set(None),
            event_id: Set(app.ids.uuid()),
            kind: Set("test.ticked".to_owned()),
            topics: Set(topics.to_owned()),
            payload: Set(json!({ "number": 1 })),
            at: Set(app.clock.now()),
        };
        event::Entity::insert(row).exec_without_returning(app.db.writer()).await.unwrap();
        while app.relay().step().await.unwrap() != relay::Step::Moved(0) {}
    };
    tick("moon:7 available").await;
    tick("moon:7").await;
    let mut messages = newer.on_message();
    for (channel, position, previous) in [("moon:7", 1, 0), ("available", 1, 0), ("moon:7", 2, 1)] {
        let told = tokio::time::timeout(Duration::from_secs(20), messages.next()).await.unwrap().unwrap();
        let message: Value = serde_json::from_slice(told.get_payload_bytes()).unwrap();
        assert_eq!(told.get_channel_name(), format!("{prefix}:{channel}"));
        assert_eq!((&message["position"], &message["previous"]), (&json!(position), &json!(previous)));
    }
}

/// Topics of a circle, and how many events each of them has.
const CELLS: u64 = 100;
const EVENTS: i64 = 400;

/// The most rows that any step of `plan` looked at, all its turns together; the steps within it included.
fn most_rows(plan: &Value) -> f64 {
    let number = |name: &str| plan.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    let own = (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops");
    let inner = match plan {
        Value::Array(parts) => parts.iter().map(most_rows).fold(0.0, f64::max),
        Value::Object(parts) => parts.values().map(most_rows).fold(0.0, f64::max),
        _ => 0.0,
    };
    own.max(inner)
}

async fn a_replay_reads_no_more_of_the_index_than_it_may_bring(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let app = &parts.app;
    let db = app.db.reader();
    // all cells by turns, and in between twice as much that is of other topics
    let numbers = format!(
        "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {})",
        3 * EVENTS * CELLS.cast_signed()
    );
    let hex = if app.db.backend() == DbBackend::Postgres { "to_hex(n / 3 % 100)" } else { "printf('%x', n / 3 % 100)" };
    let fill = format!(
        "INSERT INTO event_topics (topic, position) {numbers} \
         SELECT CASE WHEN n % 3 = 0 THEN 'area:' || {hex} ELSE 'order:' || n END, n FROM s"
    );
    app.db.writer().execute_unprepared(&fill).await.unwrap();
    let end = 3 * EVENTS * CELLS.cast_signed();
    for statement in [format!("UPDATE relays SET position = {end}"), "ANALYZE".to_owned()] {
        app.db.writer().execute_unprepared(&statement).await.unwrap();
    }
    let cells: Vec<Topic> = (0..CELLS).map(Topic::Area).collect();
    let sent = Arc::new(Mutex::new(Vec::<Statement>::new()));
    let heard = Arc::clone(&sent);
    app.db.on_statement(move |statement| {
        if statement.sql.contains("event_topics") {
            heard.lock().unwrap().push(statement.clone());
        }
    });
    assert!(matches!(relay::page_since(db, &cells, 1, 1_000, 100).await.unwrap(), Since::Forgotten), "too much");
    let some = relay::between(db, &cells, end - 900, end, 1_000).await.unwrap().unwrap();
    assert_eq!(some, (end - 899..=end).filter(|position| position % 3 == 0).collect::<Vec<_>>(), "of all topics, in order");
    assert_eq!(relay::between(db, &cells, end - 900, end, 299).await.unwrap(), None);
    assert!(relay::between(db, &cells, end - 900, end, 300).await.unwrap().is_some());
    assert_eq!(relay::between(db, &cells[..1], 0, 900, 10).await.unwrap().unwrap(), [300, 600, 900]);
    let statements = std::mem::take(&mut *sent.lock().unwrap());
    assert_eq!(statements.len(), 5);
    for statement in statements {
        let how = if statement.db_backend == DbBackend::Postgres {
            "EXPLAIN (ANALYZE, FORMAT JSON)"
        } else {
            "EXPLAIN QUERY PLAN"
        };
        let explain = Statement { sql: format!("{how} {}", statement.sql), ..statement };
        let plan = json!(JsonValue::find_by_statement(explain).all(db).await.unwrap());
        let text = plan.to_string();
        if app.db.backend() == DbBackend::Postgres {
            // the last topic may be read to its end; all of them have 40,000
            assert!(most_rows(&plan) <= 2_002.0, "{plan:#}");
        } else {
            assert!(text.contains("event_topics_") && text.contains("topic=? AND position>? AND position<?"), "{plan:#}");
        }
    }
}
