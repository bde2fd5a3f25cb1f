//! From the event log to the bus: nothing that was committed is lost, and nothing is ever out of order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::event::Topic;
use entity::{event, relay};
use futures_util::FutureExt as _;
use quick_commerce::app::App;
use quick_commerce::platform::bus::{Bus, Delivery, Listener, Mailbox, Message, Receiver};
use quick_commerce::platform::db::{Db, Tx};
use quick_commerce::platform::outbox::{self, NewEvent};
use quick_commerce::platform::relay::{self as log, Head, Moved, Relay, Since, Step};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::proxy::Proxy;
use crate::support::redis::Redis;
use crate::support::wait::until;
use crate::support::{Shape, TestCluster, TestParts, over_both_shapes};

over_both_shapes! {
    every_committed_event_is_delivered_once_and_in_order,
    two_relays_never_publish_out_of_order,
    what_was_published_but_not_marked_is_published_again,
    a_relay_waits_until_the_lease_of_another_has_run_out,
    every_message_names_the_one_before_it_on_its_topic,
    the_log_keeps_its_epoch_until_it_is_given_another,
    a_relay_makes_the_feed_that_is_not_there,
    a_relay_that_stops_leaves_nothing_behind,
    topics_that_moved_are_told_in_parts_and_none_is_left_out,
}

/// How long a delivery may take.
const PATIENCE: Duration = Duration::from_secs(20);

async fn append(app: &App, tx: &Tx, number: u64) {
    append_to(app, tx, &[Topic::Platform], number).await;
}

async fn append_to(app: &App, tx: &Tx, topics: &[Topic], number: u64) {
    let at = app.clock.db_now(&**tx).await.unwrap();
    let payload = json!({ "number": number });
    let event = NewEvent { id: app.ids.uuid(), kind: "test.happened", topics, payload: &payload, at };
    outbox::append(tx, &event).await.unwrap();
}

async fn append_and_commit(app: &App, number: u64) {
    let tx = app.db.begin().await.unwrap();
    append(app, &tx, number).await;
    tx.commit().await.unwrap();
}

/// Hears the bus as a subscriber does: what it has seen it drops, and a hole fails the test. It listens all the while, since
/// the bus does not wait for anybody.
struct Recorder {
    hearing: JoinHandle<()>,
    heard: watch::Receiver<Heard>,
}

#[derive(Debug, Clone, Default)]
struct Heard {
    last: i64,
    repeated: usize,
    numbers: Vec<u64>,
}

impl Recorder {
    async fn attach(app: &App) -> Self {
        Self::attach_to(&app.bus, Topic::Platform).await
    }

    async fn attach_to(bus: &Bus, topic: Topic) -> Self {
        let (record, heard) = watch::channel(Heard::default());
        let listener = bus.listen(topic).await.unwrap();
        Self { hearing: tokio::spawn(hear(listener, record)), heard }
    }

    /// What it has heard, once that is `count` different events.
    async fn heard(&mut self, count: usize) -> Heard {
        let all = self.heard.wait_for(|heard| heard.numbers.len() >= count);
        let all = tokio::time::timeout(PATIENCE, all).await.map(|heard| heard.map(|heard| heard.clone()));
        let Ok(heard) = all else {
            panic!("{count} events were expected, and these came: {:?}", self.heard.borrow());
        };
        if let Ok(heard) = heard {
            return heard;
        }
        std::panic::resume_unwind((&mut self.hearing).await.unwrap_err().into_panic());
    }
}

async fn hear(mut listener: Listener, record: watch::Sender<Heard>) {
    loop {
        // a gap is said once when the connection to Redis is made; with a message lost in it there would be a hole
        let Delivery::Message(message) = listener.next().await else { continue };
        record.send_modify(|heard| {
            if message.position <= heard.last {
                heard.repeated += 1;
                return;
            }
            assert_eq!(message.previous, heard.last, "a hole, or out of order, after {:?}", heard.numbers);
            heard.last = message.position;
            heard.numbers.push(message.payload["number"].as_u64().unwrap());
        });
    }
}

/// A relay of instance `me`.
fn relay_of(app: &App, me: u128) -> Relay {
    Relay::new(app.db.clone(), app.bus.clone(), app.clock.clone(), app.ids.clone(), Uuid::from_u128(me))
}

/// The reader that everybody writes first.
#[derive(Default)]
struct NaiveReader {
    last: i64,
    numbers: Vec<u64>,
}

impl NaiveReader {
    async fn read(&mut self, db: &Db) {
        let rows = event::Entity::find().filter(event::Column::Id.gt(self.last)).order_by_asc(event::Column::Id);
        for row in rows.all(db.reader()).await.unwrap() {
            self.last = row.id;
            self.numbers.push(row.payload["number"].as_u64().unwrap());
        }
    }
}

/// Eight writers at once, of whom every fourth transaction rolls back; the numbers that were committed.
async fn write_in_a_crowd(app: &App) -> BTreeSet<u64> {
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let app = app.clone();
        writers.spawn(async move {
            let mut committed = Vec::new();
            for number in (writer * 100)..(writer * 100 + 20) {
                let tx = app.db.begin().await.unwrap();
                append(&app, &tx, number).await;
                // the row has its id, and is not there yet
                tokio::time::sleep(Duration::from_millis(app.ids.below(5))).await;
                if app.ids.below(4) == 0 {
                    drop(tx);
                } else {
                    tx.commit().await.unwrap();
                    committed.push(number);
                }
            }
            committed
        });
    }
    writers.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_naive_reader_loses_rows_and_the_relay_does_not() {
    let parts = TestParts::build(Shape::Production).await;
    let app = &parts.app;
    let mut subscriber = Recorder::attach(app).await;
    let (stop, enough) = (CancellationToken::new(), CancellationToken::new());
    let relay = tokio::spawn(app.relay().run(stop.clone()));
    let polling = tokio::spawn({
        let (db, enough) = (app.db.clone(), enough.clone());
        async move {
            let mut naive = NaiveReader::default();
            while !enough.is_cancelled() {
                naive.read(&db).await;
            }
            naive
        }
    });

    // draws its id first and commits last, as an import or a slow client does
    let long = app.db.begin().await.unwrap();
    append(app, &long, 1_000).await;
    let never = app.db.begin().await.unwrap();
    append(app, &never, 1_001).await;
    let mut committed = write_in_a_crowd(app).await;
    drop(never);
    enough.cancel();
    let mut naive = polling.await.unwrap();
    naive.read(&app.db).await;
    subscriber.heard(committed.len()).await;
    long.commit().await.unwrap();
    committed.insert(1_000);
    let heard = subscriber.heard(committed.len()).await;
    naive.read(&app.db).await;
    stop.cancel();
    relay.await.unwrap();

    assert_eq!(heard.numbers.last(), Some(&1_000), "positions are in the order of the commits that the relay saw");
    assert_eq!(heard.numbers.iter().copied().collect::<BTreeSet<u64>>(), committed);
    let read: BTreeSet<u64> = naive.numbers.iter().copied().collect();
    let lost: Vec<u64> = committed.difference(&read).copied().collect();
    println!("of {} rows the naive reader lost {}, and the relay none", committed.len(), lost.len());
    assert!(lost.contains(&1_000), "the row that committed last lies behind the naive reader; it lost {lost:?}");
}

async fn every_committed_event_is_delivered_once_and_in_order(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let mut subscriber = Recorder::attach(&parts.app).await;
    let stop = CancellationToken::new();
    let relay = tokio::spawn(parts.app.relay().run(stop.clone()));

    let committed = write_in_a_crowd(&parts.app).await;
    let heard = subscriber.heard(committed.len()).await;
    stop.cancel();
    relay.await.unwrap();

    assert_eq!(heard.repeated, 0, "nothing failed, so nothing had to be repeated");
    assert_eq!(heard.numbers.iter().copied().collect::<BTreeSet<u64>>(), committed);
    let rows = event::Entity::find().order_by_asc(event::Column::Position).all(parts.app.db.reader()).await.unwrap();
    let positions: Vec<i64> = rows.iter().map(|row| row.position.unwrap()).collect();
    assert_eq!(positions, (1..).take(committed.len()).collect::<Vec<i64>>(), "no position is missing");
}

async fn two_relays_never_publish_out_of_order(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let mut subscriber = Recorder::attach(&parts.app).await;
    let stop = CancellationToken::new();
    let mut relays = JoinSet::new();
    for me in [1, 2] {
        let (app, stop) = (parts.app.clone(), stop.clone());
        let relay = relay_of(&app, me);
        relays.spawn(async move {
            let mut moved = 0;
            while !stop.is_cancelled() {
                if let Step::Moved(count) = relay.step().await.unwrap() {
                    moved += count;
                }
                // the lease runs out while its holder may be about to publish
                app.clock.advance(Duration::from_secs(6));
                tokio::time::sleep(Duration::from_millis(app.ids.below(3))).await;
            }
            moved
        });
    }
    let committed = write_in_a_crowd(&parts.app).await;
    let heard = subscriber.heard(committed.len()).await;
    stop.cancel();
    let moved = relays.join_all().await;
    assert!(moved.iter().all(|count| *count > 0), "both relays had their turns: {moved:?}");
    assert_eq!(heard.numbers.iter().copied().collect::<BTreeSet<u64>>(), committed);
}

async fn what_was_published_but_not_marked_is_published_again(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let (app, relay) = (&parts.app, parts.app.relay());
    let mut subscriber = Recorder::attach(app).await;
    append_and_commit(app, 1).await;
    assert_eq!(relay.step().await.unwrap(), Step::Moved(1));
    // as if the relay had died between the two
    let forget = relay::Entity::update_many().col_expr(relay::Column::Published, Expr::value(0_i64));
    forget.exec(app.db.writer()).await.unwrap();
    append_and_commit(app, 2).await;
    assert_eq!(relay.step().await.unwrap(), Step::Moved(2));
    let heard = subscriber.heard(2).await;
    assert_eq!((heard.numbers, heard.repeated), (vec![1, 2], 1));
}

async fn a_relay_waits_until_the_lease_of_another_has_run_out(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let app = &parts.app;
    let [first, second] = [1, 2]
        .map(|me| Relay::new(app.db.clone(), app.bus.clone(), app.clock.clone(), app.ids.clone(), Uuid::from_u128(me)));
    append_and_commit(app, 1).await;
    assert_eq!(first.step().await.unwrap(), Step::Moved(1));
    append_and_commit(app, 2).await;
    assert_eq!(second.step().await.unwrap(), Step::NotMine);
    parts.clock.advance(Duration::from_secs(3));
    assert_eq!(second.step().await.unwrap(), Step::Moved(1));
    append_and_commit(app, 3).await;
    assert_eq!(first.step().await.unwrap(), Step::NotMine);
}

async fn every_message_names_the_one_before_it_on_its_topic(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let app = &parts.app;
    let [often, seldom] = [1, 2].map(|order| Topic::Order(Uuid::from_u128(order)));
    let topics_of = |number: u64| {
        let all = [(Topic::Platform, 1), (often, 2), (seldom, 110)];
        all.into_iter().filter(move |(_, every)| number.is_multiple_of(*every)).map(|(topic, _)| topic)
    };
    let mut recorders = Vec::new();
    for topic in [Topic::Platform, often, seldom] {
        recorders.push((topic, Recorder::attach_to(&app.bus, topic).await));
    }
    let relays = [1, 2].map(|me| relay_of(app, me));
    let mut moved = Vec::new();
    // more than one batch at first, and then one by another relay
    for (relay, numbers) in [(0, 1..=225), (1, 226..=230), (0, 231..=231)] {
        let tx = app.db.begin().await.unwrap();
        for number in numbers {
            append_to(app, &tx, &topics_of(number).collect::<Vec<Topic>>(), number).await;
        }
        tx.commit().await.unwrap();
        parts.clock.advance(Duration::from_secs(3));
        let relay: &Relay = &relays[relay];
        while let Step::Moved(count @ 1..) = relay.step().await.unwrap() {
            moved.push(count);
        }
    }
    assert_eq!(moved, [200, 25, 5, 1]);

    for (topic, recorder) in &mut recorders {
        let expected: Vec<u64> = (1..=231).filter(|number| topics_of(*number).any(|of| of == *topic)).collect();
        // it fails by itself at a message that names another before it
        assert_eq!(recorder.heard(expected.len()).await.numbers, expected);
        for after in [0, 111, 225, 231] {
            let Since::Messages(messages, known) = log::since(app.db.reader(), *topic, after, 1_000).await.unwrap() else {
                panic!("everything is kept")
            };
            let mut before = after;
            for message in &messages {
                assert_eq!(message.previous, before, "of {topic} after {after}");
                before = message.position;
            }
            assert_eq!((messages.last().map_or(after, |last| last.position), known), (before, 231));
        }
    }

    // they would take what follows for a hole
    for (_, recorder) in recorders {
        recorder.hearing.abort();
    }
    parts.clock.advance(Duration::from_hours(25));
    app.retention().sweep().await.unwrap();
    let mut listener = app.bus.listen(Topic::Platform).await.unwrap();
    append_and_commit(app, 232).await;
    assert_eq!(relays[0].step().await.unwrap(), Step::Moved(1));
    let message = tokio::time::timeout(PATIENCE, next_message(&mut listener)).await.unwrap();
    assert_eq!((message.position, message.previous), (232, 0), "what came before is not kept any more");
}

async fn next_message(listener: &mut Listener) -> Message {
    loop {
        if let Delivery::Message(message) = listener.next().await {
            return message;
        }
    }
}

async fn the_log_keeps_its_epoch_until_it_is_given_another(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let app = &parts.app;
    let head = async || log::head(app.db.reader()).await.unwrap();
    let first = head().await;
    assert!(first.epoch > 0 && first.position == 0, "{first:?}");
    append_and_commit(app, 1).await;
    assert_eq!(app.relay().step().await.unwrap(), Step::Moved(1));
    app.migrate().await.unwrap();
    assert_eq!(head().await, Head { epoch: first.epoch, position: 1 });
    log::new_epoch(app.db.writer(), &app.ids).await.unwrap();
    let second = head().await;
    assert!(second.epoch > 0 && second.epoch != first.epoch, "{first:?}, then {second:?}");
    assert_eq!(second.position, 1, "what is in the log stays where it is");
}

async fn a_relay_makes_the_feed_that_is_not_there(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let app = &parts.app;
    relay::Entity::delete_many().exec(app.db.writer()).await.unwrap();
    assert_eq!(log::head(app.db.reader()).await.unwrap(), Head::default());
    append_and_commit(app, 1).await;
    assert_eq!(app.relay().step().await.unwrap(), Step::Moved(1));
    let head = log::head(app.db.reader()).await.unwrap();
    assert!(head.epoch > 0 && head.position == 1, "{head:?}");
}

async fn a_relay_that_stops_leaves_nothing_behind(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let app = &parts.app;
    let tx = app.db.begin().await.unwrap();
    // more than two batches
    for number in 1..=450 {
        append(app, &tx, number).await;
    }
    tx.commit().await.unwrap();
    let stopped = CancellationToken::new();
    stopped.cancel();
    relay_of(app, 1).run(stopped).await;
    assert_eq!(log::published(app.db.reader()).await.unwrap(), 450);
    append_and_commit(app, 451).await;
    assert_eq!(relay_of(app, 2).step().await.unwrap(), Step::Moved(1), "the lease was given back");
}

async fn topics_that_moved_are_told_in_parts_and_none_is_left_out(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let app = &parts.app;
    let order = |order: u64| Topic::Order(Uuid::from_u128(order.into()));
    let tx = app.db.begin().await.unwrap();
    for number in 1..=12 {
        append_to(app, &tx, &[Topic::Platform, order(number % 5), Topic::Available], number).await;
    }
    tx.commit().await.unwrap();
    assert_eq!(app.relay().step().await.unwrap(), Step::Moved(12));

    let moved = async |after, limit| {
        let mut moved = log::moved(app.db.reader(), after, limit).await.unwrap();
        moved.topics.sort_unstable();
        moved
    };
    assert_eq!(moved(12, 100).await, Moved { topics: Vec::new(), known: 12 });
    let of_two = vec![(order(1), 11), (order(2), 12), (Topic::Platform, 12), (Topic::Available, 12)];
    assert_eq!(moved(10, 100).await, Moved { topics: of_two, known: 12 });
    for limit in 1..=40 {
        let (mut known, mut told) = (0, BTreeMap::new());
        loop {
            let part = moved(known, limit).await;
            if part.known == known {
                break;
            }
            known = part.known;
            told.extend(part.topics);
        }
        let orders = [(0, 10), (1, 11), (2, 12), (3, 8), (4, 9)].map(|(number, last)| (order(number), last));
        let others = [(Topic::Platform, 12), (Topic::Available, 12)];
        assert_eq!(told, orders.into_iter().chain(others).collect(), "in parts of {limit}");
        assert_eq!(known, 12);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_are_given_while_redis_is_away_and_everything_is_published_once_it_is_back() {
    let redis = Redis::shared().await;
    let cluster = TestCluster::start_on(redis, 1, |_| {}).await;
    let app = &cluster[0].app;
    // past the network that breaks
    let bus = Bus::redis(&redis.url(), &app.config.redis_prefix).await.unwrap();
    until(async || bus.is_live()).await;
    let mut subscriber = Recorder::attach_to(&bus, Topic::Platform).await;
    append_and_commit(app, 1).await;
    subscriber.heard(1).await;
    until(|| async { log::published(app.db.reader()).await.unwrap() == 1 }).await;

    for (outage, last) in [(Proxy::pause as fn(&Proxy), 20), (Proxy::down, 40)] {
        outage(&cluster.redis_network);
        // one after the other: were each to wait until a publication fails, there would be no end to it
        let numbering = async {
            for number in last - 18..=last {
                append_and_commit(app, number).await;
                let position = number.cast_signed();
                until(|| async { log::head(app.db.reader()).await.unwrap().position == position }).await;
            }
        };
        tokio::time::timeout(PATIENCE, numbering).await.expect("numbering does not wait for Redis");
        assert!(log::published(app.db.reader()).await.unwrap() < last.cast_signed() - 18, "nothing gets through");
        cluster.redis_network.resume();
        let heard = subscriber.heard(usize::try_from(last).unwrap()).await;
        assert_eq!(heard.numbers, (1..=last).collect::<Vec<u64>>());
        append_and_commit(app, last + 1).await;
        subscriber.heard(usize::try_from(last + 1).unwrap()).await;
        until(|| async { log::published(app.db.reader()).await.unwrap() == last.cast_signed() + 1 }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_did_not_wait_for_redis_is_told_of_a_gap_once_it_listens() {
    let network = Proxy::start(Redis::shared().await.addr()).await;
    let bus = Bus::redis(&format!("redis://{}", network.addr), "late").await.unwrap();
    until(async || bus.is_live()).await;
    // answered after the gap that everybody hears of at first
    drop(bus.listen(Topic::Platform).await.unwrap());
    network.pause();
    let mailbox = Arc::new(Mailbox::default());
    let mut first = Box::pin(bus.attach(Topic::Available, Arc::clone(&mailbox) as Arc<dyn Receiver>));
    assert!(first.as_mut().now_or_never().is_none());
    {
        // another one, that goes on before there is an answer
        let mut hasty = Box::pin(bus.attach(Topic::Available, Arc::new(Mailbox::default())));
        assert!(hasty.as_mut().now_or_never().is_none());
    }
    network.resume();
    let _attachment = first.await.unwrap();
    let told = tokio::time::timeout(PATIENCE, mailbox.next()).await.expect("whatever was published until now is missing");
    assert!(matches!(told, Delivery::Gap), "{told:?}");
}
