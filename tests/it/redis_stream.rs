//! The stream of all events in Redis: whole, in order, after outages too; and the consumer in `client-examples/stream`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::Duration;

use domain::event::Topic;
use entity::event;
use quick_commerce::app::App;
use quick_commerce::config::Config;
use quick_commerce::platform::outbox::{self, NewEvent};
use quick_commerce::platform::relay;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::client_examples::example;
use crate::support::TestCluster;
use crate::support::actors::Actor;
use crate::support::redis::{Redis, connect_to};
use crate::support::story::{Shop, place_order, seller_with_product};
use crate::support::wait::{until, until_taken};

/// An entry: its run, its place in the log, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    run: i64,
    position: i64,
    fields: BTreeMap<String, String>,
}

/// The whole stream; empty while Redis is away.
async fn entries(redis: &Redis, key: &str) -> Vec<Entry> {
    let read = async {
        let mut connection = connect_to(&redis.url()).await?;
        redis::cmd("XRANGE")
            .arg(key)
            .arg("-")
            .arg("+")
            .query_async::<Vec<(String, BTreeMap<String, String>)>>(&mut connection)
            .await
    };
    let Ok(reply) = read.await else { return Vec::new() };
    let entry = |(id, fields): (String, BTreeMap<String, String>)| {
        let (run, position) = id.split_once('-').unwrap();
        Entry { run: run.parse().unwrap(), position: position.parse().unwrap(), fields }
    };
    reply.into_iter().map(entry).collect()
}

fn key(config: &Config) -> String {
    format!("{}:{}", config.redis_prefix, config.event_stream.as_ref().unwrap().name)
}

/// The log, by position.
async fn logged(app: &App) -> Vec<event::Model> {
    let placed = event::Entity::find().filter(event::Column::Position.is_not_null());
    placed.order_by_asc(event::Column::Position).all(app.db.reader()).await.unwrap()
}

/// Whether the stream `key` is one run that has every event of the log, once and in order.
pub(crate) async fn assert_stream_is_whole(redis: &Redis, key: &str, app: &App) {
    let head = relay::head(app.db.reader()).await.unwrap().position;
    until(async || entries(redis, key).await.last().is_some_and(|last| last.position >= head)).await;
    let all = entries(redis, key).await;
    assert!(all.iter().all(|entry| entry.run == all[0].run), "nothing made the stream begin anew");
    assert_whole(&all, app).await;
}

/// Waits until the last run of the stream ends with the newest event of the log; that run.
async fn until_whole(redis: &Redis, app: &App) -> Vec<Entry> {
    // not the mails: whoever was killed may have been at one, which another takes up a minute later
    until_taken(app).await;
    let last_run = async || {
        let all = entries(redis, &key(&app.config)).await;
        let run = all.last().map_or(0, |entry| entry.run);
        all.into_iter().filter(|entry| entry.run == run).collect::<Vec<_>>()
    };
    until(async || {
        let head = relay::head(app.db.reader()).await.unwrap();
        let is_settled = relay::settled(app.db.reader()).await.unwrap() == Some(head.position);
        let epoch = head.epoch.to_string();
        let run = last_run().await;
        is_settled && run.last().is_some_and(|last| last.position == head.position && last.fields["epoch"] == epoch)
    })
    .await;
    last_run().await
}

/// Whether `run` has every event of the log, once and in order.
async fn assert_whole(run: &[Entry], app: &App) {
    let log = logged(app).await;
    let said: Vec<(i64, &str)> = run.iter().map(|entry| (entry.position, entry.fields["kind"].as_str())).collect();
    let happened: Vec<(i64, &str)> = log.iter().map(|row| (row.position.unwrap(), row.kind.as_str())).collect();
    assert_eq!(said, happened);
    let id = |row: &event::Model| domain::id::encode(domain::id::Kind::Event, row.event_id);
    assert!(run.iter().zip(&log).all(|(entry, row)| entry.fields["id"] == id(row)));
}

struct World {
    redis: Redis,
    cluster: TestCluster,
    shop: Shop,
    customer: Actor,
}

impl World {
    async fn new(instances: usize) -> Self {
        Self::with(instances, |_| {}).await
    }

    async fn with(instances: usize, change: impl Fn(&mut Config)) -> Self {
        let redis = Redis::private().await;
        let cluster = Box::pin(TestCluster::start_on(&redis, instances, change)).await;
        let api = cluster[0].clone();
        let (shop, customer) = tokio::join!(seller_with_product(&api, 1_000, "40.00"), api.customer());
        Self { redis, cluster, shop, customer }
    }

    fn app(&self) -> &App {
        &self.cluster[0].app
    }

    async fn order(&self, count: usize) {
        for place in 0..count {
            let customer = self.customer.at(&self.cluster[place % self.cluster.instances.len()]);
            place_order(&customer, &self.shop.product_id, 1).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_in_the_stream_once_and_in_order() {
    let world = Box::pin(World::new(2)).await;
    world.order(20).await;
    let run = until_whole(&world.redis, world.app()).await;
    assert_whole(&run, world.app()).await;
    let placed = run.iter().find(|entry| entry.fields["kind"] == "order.changed").unwrap();
    let data: Value = serde_json::from_str(&placed.fields["data"]).unwrap();
    assert_eq!(data["order"]["itemCount"], 1, "{data}");
    let id = data["order"]["id"].as_str().unwrap();
    assert!(placed.fields["topics"].contains(&format!("order:{id}")), "{placed:?}");
    for secret in ["Lake Road", "560001", "12.98", "deliveryCode", world.customer.email.as_str()] {
        assert!(run.iter().all(|entry| entry.fields.values().all(|value| !value.contains(secret))), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_while_redis_was_out_of_reach_is_added_after() {
    let world = Box::pin(World::new(2)).await;
    let before = until_whole(&world.redis, world.app()).await;
    world.cluster.redis_network.down();
    world.order(5).await;
    world.cluster.redis_network.resume();
    let run = until_whole(&world.redis, world.app()).await;
    assert_whole(&run, world.app()).await;
    assert_eq!(run[0].run, before[0].run, "the stream goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_lost_everything_is_given_what_the_log_keeps() {
    let mut world = Box::pin(World::new(1)).await;
    let before = until_whole(&world.redis, world.app()).await;
    world.redis.kill();
    world.redis.start_again();
    world.order(2).await;
    let run = until_whole(&world.redis, world.app()).await;
    assert_whole(&run, world.app()).await;
    assert!(run[0].run > before[0].run, "whoever remembers an id finds the new ones after it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_killed_leaves_nothing_out() {
    let mut world = Box::pin(World::new(2)).await;
    world.order(4).await;
    world.cluster.kill(0);
    for _ in 0..4 {
        place_order(&world.customer.at(&world.cluster[1]), &world.shop.product_id, 1).await;
    }
    let run = until_whole(&world.redis, &world.cluster[1].app).await;
    assert_whole(&run, &world.cluster[1].app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_incarnation_of_the_log_begins_another_run() {
    let world = Box::pin(World::new(1)).await;
    let before = until_whole(&world.redis, world.app()).await;
    relay::new_epoch(world.app().db.writer(), &world.app().ids).await.unwrap();
    world.order(1).await;
    let run = until_whole(&world.redis, world.app()).await;
    assert!(run[0].run > before[0].run && run[0].fields["epoch"] != before[0].fields["epoch"]);
    assert_whole(&run, world.app()).await;
    let all = entries(&world.redis, &key(&world.app().config)).await;
    assert!(all.windows(2).all(|pair| (pair[0].run, pair[0].position) < (pair[1].run, pair[1].position)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_added_now_is_tried_again() {
    let world = Box::pin(World::new(1)).await;
    until_whole(&world.redis, world.app()).await;
    // somebody puts something else in its place
    let mut connection = world.redis.connect().await;
    let key = key(&world.app().config);
    redis::cmd("SET").arg(&key).arg("x").query_async::<()>(&mut connection).await.unwrap();
    world.order(1).await;
    redis::cmd("DEL").arg(&key).query_async::<()>(&mut connection).await.unwrap();
    let run = until_whole(&world.redis, world.app()).await;
    assert_whole(&run, world.app()).await;
}

/// The command that the example's documentation has an operator give: a user who reads one stream, and nothing else.
fn acl(text: &str, stream: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.starts_with("ACL SETUSER")).expect("it says how");
    line.split(' ').map(|word| word.replace("qc:events", stream).replace("PASSWORD", "tiger")).collect()
}

/// Makes the user that readers sign in as.
async fn make_reader(world: &World) {
    let text = std::fs::read_to_string(example("stream").join("README.md")).unwrap();
    let words = acl(&text, &key(&world.app().config));
    let mut command = redis::cmd(&words[0]);
    words[1..].iter().for_each(|word| {
        command.arg(word);
    });
    command.query_async::<()>(&mut world.redis.connect().await).await.unwrap();
}

fn reader_url(redis: &Redis) -> String {
    redis.url().replace("redis://", "redis://billing:tiger@")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_the_stream_can_do_nothing_else_in_redis() {
    let world = Box::pin(World::new(1)).await;
    until_whole(&world.redis, world.app()).await;
    make_reader(&world).await;
    let (config, stream) = (&world.app().config, key(&world.app().config));
    let other = format!("{}:other", config.redis_prefix);
    let mut shop = world.redis.connect().await;
    redis::cmd("SET").arg(&other).arg("x").query_async::<()>(&mut shop).await.unwrap();
    let mut reader = connect_to(&reader_url(&world.redis)).await.unwrap();
    let mut ask = async |line: &str| {
        let mut words = line.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        command.query_async::<redis::Value>(&mut reader).await
    };
    for line in [
        format!("XGROUP CREATE {stream} billing 0 MKSTREAM"),
        format!("XREADGROUP GROUP billing one COUNT 1 STREAMS {stream} >"),
        format!("XAUTOCLAIM {stream} billing one 60000 0-0"),
        format!("XACK {stream} billing 0-1"),
        format!("XINFO STREAM {stream}"),
        format!("XINFO GROUPS {stream}"),
    ] {
        ask(&line).await.unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    for line in [
        format!("GET {other}"),
        format!("XREADGROUP GROUP billing one COUNT 1 STREAMS {other} >"),
        format!("XGROUP CREATE {other}s billing 0 MKSTREAM"),
        format!("XGROUP DESTROY {stream} billing"),
        format!("XGROUP SETID {stream} billing 0"),
        format!("XINFO STREAM {other}s"),
        format!("XADD {stream} * a b"),
        format!("XTRIM {stream} MAXLEN 0"),
        format!("DEL {stream}"),
        format!("SUBSCRIBE {other}"),
        "PSUBSCRIBE *".to_owned(),
        format!("PUBLISH {other} x"),
        "KEYS *".to_owned(),
        "SCAN 0".to_owned(),
        "ACL LIST".to_owned(),
        "CONFIG GET *".to_owned(),
        "FLUSHALL".to_owned(),
        "EVAL return 0".to_owned(),
        "MONITOR".to_owned(),
    ] {
        let refused = ask(&line).await.unwrap_err();
        assert!(refused.to_string().contains("permission") || refused.code() == Some("NOPERM"), "{line}: {refused}");
    }
}

/// The example, as it stands there.
struct Consumer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it has to say beside that.
    remarks: Lines<BufReader<ChildStderr>>,
}

impl Consumer {
    /// As the user of `reader`.
    fn start(world: &World, name: &str) -> Self {
        let mut child = Command::new("node")
            .args(["consumer.mjs", &reader_url(&world.redis), &key(&world.app().config), "billing", name])
            .env("IDLE_MS", "500")
            .current_dir(example("stream"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let remarks = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines, remarks }
    }

    /// Reads what it says beside the events until it says that it missed some; that line.
    async fn until_missed(&mut self) -> String {
        self.until_said("missed").await
    }

    /// Reads what it says beside the events until it says `what`; that line.
    async fn until_said(&mut self, what: &str) -> String {
        let reading = async {
            loop {
                let line = self.remarks.next_line().await.unwrap().expect("the consumer goes on");
                if line.contains(what) {
                    return line;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reading).await.unwrap_or_else(|_| panic!("it never says {what}"))
    }

    /// Reads until every event up to the position `last` was dealt with by somebody.
    async fn until(&mut self, seen: &mut BTreeSet<i64>, last: i64) {
        let reading = async {
            while !(1..=last).all(|position| seen.contains(&position)) {
                let line = self.lines.next_line().await.unwrap().expect("the consumer goes on");
                let event: Value = serde_json::from_str(&line).unwrap();
                seen.insert(event["position"].as_i64().unwrap());
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reading).await.expect("every event comes");
    }
}

async fn head(app: &App) -> i64 {
    relay::head(app.db.reader()).await.unwrap().position
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_deals_with_every_event_though_consumers_die() {
    let mut world = Box::pin(World::new(1)).await;
    let mut seen = BTreeSet::new();
    make_reader(&world).await;
    let mut first = Consumer::start(&world, "billing-1");
    world.order(3).await;
    until_whole(&world.redis, world.app()).await;
    first.until(&mut seen, head(world.app()).await).await;
    first.child.kill().await.unwrap();
    // one that reads and dies before it has dealt with anything: another takes over what it had
    world.order(3).await;
    until_whole(&world.redis, world.app()).await;
    let mut connection = world.redis.connect().await;
    let mut read = redis::cmd("XREADGROUP");
    read.arg("GROUP")
        .arg("billing")
        .arg("billing-2")
        .arg("COUNT")
        .arg(5)
        .arg("STREAMS")
        .arg(key(&world.app().config))
        .arg(">");
    read.query_async::<redis::Value>(&mut connection).await.unwrap();
    let mut again = Consumer::start(&world, "billing-1");
    again.until(&mut seen, head(world.app()).await).await;
    // and it goes on when Redis has lost everything, its group too
    world.redis.kill();
    world.redis.start_again();
    make_reader(&world).await;
    world.order(2).await;
    until_whole(&world.redis, world.app()).await;
    again.until(&mut seen, head(world.app()).await).await;
}

/// Waits until everything was acknowledged that somebody of the group was given.
async fn until_acknowledged(world: &World) {
    let (connection, stream) = (world.redis.connect().await, key(&world.app().config));
    until(async || {
        let mut ask = redis::cmd("XPENDING");
        let pending = ask.arg(&stream).arg("billing").query_async::<Vec<redis::Value>>(&mut connection.clone()).await;
        pending.unwrap()[0] == redis::Value::Int(0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_puts_aside_what_it_cannot_deal_with_and_the_rest_does_not_wait() {
    let world = Box::pin(World::new(1)).await;
    make_reader(&world).await;
    until_whole(&world.redis, world.app()).await;
    let mut add = redis::cmd("XADD");
    add.arg(key(&world.app().config)).arg("*");
    for (name, value) in [("id", "one"), ("kind", "test"), ("at", ""), ("position", "0"), ("topics", ""), ("data", "{")] {
        add.arg(name).arg(value);
    }
    add.query_async::<String>(&mut world.redis.connect().await).await.unwrap();
    let mut consumer = Consumer::start(&world, "billing-1");
    consumer.until(&mut BTreeSet::new(), head(world.app()).await).await;
    let said = consumer.until_said("put aside").await;
    assert!(said.contains(r#""data":"{""#), "whole, so that somebody can see to it: {said}");
    until_acknowledged(&world).await;
}

/// Has the log grow by `count` events.
async fn log_events(app: &App, count: usize) {
    let tx = app.db.begin().await.unwrap();
    let (at, payload) = (app.clock.db_now(&*tx).await.unwrap(), json!({}));
    let topics = &[Topic::Platform];
    let new = || NewEvent { id: app.ids.uuid(), kind: "test.happened", topics, payload: &payload, at };
    let events: Vec<_> = (0..count).map(|_| new()).collect();
    outbox::append_all(&tx, &events).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_keeps_about_its_length_and_the_example_says_what_it_missed() {
    let world = Box::pin(World::with(1, |config| config.event_stream.as_mut().unwrap().length = 100)).await;
    make_reader(&world).await;
    until_whole(&world.redis, world.app()).await;
    let mut first = Consumer::start(&world, "billing-1");
    let had = head(world.app()).await;
    first.until(&mut BTreeSet::new(), had).await;
    // what was printed last may not be acknowledged yet
    until_acknowledged(&world).await;
    let (connection, stream) = (world.redis.connect().await, key(&world.app().config));
    first.child.kill().await.unwrap();
    log_events(world.app(), 1_000).await;
    let kept = until_whole(&world.redis, world.app()).await;
    // Redis lets go of a hundred at a time
    assert!((100..300).contains(&kept.len()), "{} are kept", kept.len());
    let oldest = kept[0].position;
    let positions = kept.iter().map(|entry| entry.position);
    assert!(positions.eq(oldest..=head(world.app()).await), "of what is kept nothing is missing");
    let mut again = Consumer::start(&world, "billing-1");
    let said = again.until_missed().await;
    let missed = format!("missed {} events, {} to {}", oldest - had - 1, had + 1, oldest - 1);
    assert!(said.contains(&missed), "{said}, but not {missed}");
    let mut seen: BTreeSet<i64> = (1..oldest).collect();
    again.until(&mut seen, head(world.app()).await).await;
    again.child.kill().await.unwrap();
    // what one had read, and left undone for too long
    log_events(world.app(), 1).await;
    until_whole(&world.redis, world.app()).await;
    let mut read = redis::cmd("XREADGROUP");
    read.arg("GROUP").arg("billing").arg("billing-2").arg("STREAMS").arg(&stream).arg(">");
    read.query_async::<redis::Value>(&mut connection.clone()).await.unwrap();
    log_events(world.app(), 1_000).await;
    until_whole(&world.redis, world.app()).await;
    let mut heir = Consumer::start(&world, "billing-1");
    let said = [heir.until_missed().await, heir.until_missed().await].join("\n");
    assert!(said.contains("which somebody had been given") && said.contains("events, "), "{said}");
}
