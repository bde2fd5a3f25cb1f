//! Whatever the bus loses, and however slowly a subscriber reads: nothing is missing, or it is said.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::access::Role;
use domain::event::Topic;
use quick_commerce::app::App;
use quick_commerce::config::SendQueueBudget;
use quick_commerce::graphql::scalars::{Doubt, EventCursor};
use quick_commerce::platform::bus::Message;
use quick_commerce::platform::relay::{self, Since};
use quick_commerce::stream::{Engine, Verdict};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::app::{build, hears};
use crate::support::shape::config_of;
use crate::support::ticks::{
    Follower, OTHER, TICKS, TICKS_OF_BOTH, TOPIC, Told, engine, engine_with, someone, tick, tick_by_turns, tick_in,
};
use crate::support::wait::until;
use crate::support::{Shape, TestApp, TestParts, over_both_shapes};
use crate::telemetry::Counts;

over_both_shapes! {
    a_hole_is_filled_from_the_log,
    a_gap_is_filled_from_the_log,
    whoever_was_there_before_the_first_comparison_misses_nothing,
    what_the_bus_never_brings_is_found_by_comparing_with_the_log,
    several_topics_are_one_stream,
    what_one_topic_of_several_lost_is_told_with_its_next_event,
    a_cursor_past_what_was_lost_brings_it,
    whoever_leaves_a_group_that_lost_something_is_told_of_it,
    whoever_joins_after_something_was_lost_is_told_of_it,
    what_was_passed_is_compared_with_the_log_before_it_is_much,
    a_cursor_is_good_for_its_own_stream_only,
    a_log_of_another_epoch_starts_everybody_anew,
    a_slow_reader_gets_everything_in_order,
    a_reader_who_is_too_far_behind_starts_anew,
    a_slow_reader_who_lost_what_they_follow_is_told_of_an_end,
    a_reader_who_reads_nothing_is_let_go_and_loses_nothing,
    whoever_joins_while_events_are_made_misses_nothing,
    an_answer_that_breaks_ends_nothing,
}

pub(super) fn follow(engine: &Engine, variables: &Value) -> Follower {
    Follower::start(engine, Some(someone(1, Role::Partner)), TICKS, variables)
}

pub(super) async fn subscribed(engine: &Engine, count: i64) {
    until(|| async { engine.counts().subscriptions == count }).await;
}

/// Two instances over one database, whose buses do not meet: what the first relays, the second does not hear.
pub(super) struct Apart {
    pub(super) parts: TestParts,
    pub(super) far: App,
}

impl Apart {
    pub(super) async fn build(shape: Shape) -> Self {
        let parts = TestParts::build(shape).await;
        let mut settings = config_of(shape, &parts.database).await;
        settings.bus_check = Duration::from_millis(100);
        settings.redis_prefix = format!("{}-far", settings.redis_prefix);
        let far = build(settings, parts.clock.clone(), 1).await;
        hears(&far).await;
        Self { parts, far }
    }

    /// The same, with an engine of the second instance and one who follows there, and has heard nothing yet.
    pub(super) async fn followed(shape: Shape, document: &str) -> (Self, Engine, Follower) {
        let apart = Self::build(shape).await;
        let engine = engine(&apart.far);
        let mut follower = Follower::start(&engine, Some(someone(1, Role::Partner)), document, &json!({}));
        assert_eq!(follower.snapshot().await, 0);
        subscribed(&engine, 1).await;
        (apart, engine, follower)
    }

    /// The ticks `numbers`, which only the first instance's bus brings.
    pub(super) async fn tick(&self, numbers: impl IntoIterator<Item = u64>) {
        self.tick_by_turns(numbers.into_iter().map(|number| (TOPIC, number))).await;
    }

    /// The ticks `numbers`, each on its topic.
    pub(super) async fn tick_by_turns(&self, numbers: impl IntoIterator<Item = (Topic, u64)>) {
        tick_by_turns(&self.parts.app, numbers).await;
        while self.parts.app.relay().step().await.unwrap() != relay::Step::Moved(0) {}
    }

    /// Has the far bus bring the ticks `numbers`, each on its topic.
    pub(super) async fn bring(&self, numbers: impl IntoIterator<Item = (Topic, u64)>) {
        let mut on = HashMap::new();
        for topic in [TOPIC, OTHER] {
            on.insert(topic, self.messages_on(topic, 0).await);
        }
        for (topic, number) in numbers {
            let message = on[&topic].iter().find(|message| message.payload["number"] == number).unwrap();
            self.far.bus.publish(vec![(topic, message.clone())]).await.unwrap();
        }
    }

    /// All ticks after `position` as the bus would bring them.
    pub(super) async fn messages(&self, position: i64) -> Vec<Message> {
        self.messages_on(TOPIC, position).await
    }

    pub(super) async fn messages_on(&self, topic: Topic, position: i64) -> Vec<Message> {
        match relay::since(self.far.db.reader(), topic, position, 1_000).await.unwrap() {
            Since::Messages(messages, _) => messages,
            other => panic!("{other:?}"),
        }
    }
}

/// Has `engine` compared with the log until `stop`; it has been once.
pub(super) async fn watched(engine: &Engine, stop: &CancellationToken) -> JoinHandle<()> {
    let watching = tokio::spawn(engine.clone().watch(stop.clone()));
    until(|| async { engine.counts().comparisons > 0 }).await;
    watching
}

async fn whoever_was_there_before_the_first_comparison_misses_nothing(shape: Shape) {
    let (apart, engine, mut follower) = Apart::followed(shape, TICKS).await;
    apart.tick(1..=5).await;
    let stop = CancellationToken::new();
    let watching = watched(&engine, &stop).await;
    follower.ticks(1..=5).await;
    stop.cancel();
    watching.await.unwrap();
}

async fn a_hole_is_filled_from_the_log(shape: Shape) {
    let (apart, engine, mut follower) = Apart::followed(shape, TICKS).await;
    apart.tick(1..=5).await;
    let messages = apart.messages(0).await;
    // the first and the last get through, and the last again
    for index in [0, 4, 4] {
        apart.far.bus.publish(vec![(TOPIC, messages[index].clone())]).await.unwrap();
    }
    follower.ticks(1..=5).await;
    assert_eq!(engine.counts().repairs, 1);
    apart.tick([6]).await;
    apart.far.bus.publish(vec![(TOPIC, apart.messages(messages[4].position).await[0].clone())]).await.unwrap();
    follower.ticks([6]).await;
    assert_eq!(engine.counts().repairs, 1, "nothing was missing then");
}

async fn a_gap_is_filled_from_the_log(shape: Shape) {
    let (apart, _engine, mut follower) = Apart::followed(shape, TICKS).await;
    apart.tick(1..=5).await;
    apart.far.bus.gap();
    follower.ticks(1..=5).await;
    apart.far.bus.gap();
    apart.tick(6..=7).await;
    apart.far.bus.gap();
    follower.ticks(6..=7).await;
}

async fn what_the_bus_never_brings_is_found_by_comparing_with_the_log(shape: Shape) {
    let apart = Apart::build(shape).await;
    let engine = engine(&apart.far);
    let stop = CancellationToken::new();
    let watching = watched(&engine, &stop).await;
    let mut follower = follow(&engine, &json!({}));
    assert_eq!(follower.snapshot().await, 0);
    for numbers in [1..=1, 2..=9, 10..=12] {
        apart.tick(numbers.clone()).await;
        follower.ticks(numbers.map(|number| i64::try_from(number).unwrap())).await;
    }
    stop.cancel();
    watching.await.unwrap();
}

async fn several_topics_are_one_stream(shape: Shape) {
    let apart = Apart::build(shape).await;
    let engine = engine(&apart.far);
    let follow = |variables: Value| Follower::start(&engine, Some(someone(1, Role::Partner)), TICKS_OF_BOTH, &variables);
    let mut follower = follow(json!({}));
    assert_eq!(follower.snapshot().await, 0);
    subscribed(&engine, 1).await;
    apart.tick_by_turns([(OTHER, 1), (TOPIC, 2), (TOPIC, 3), (OTHER, 4), (OTHER, 5), (TOPIC, 6)]).await;
    let (north, south) = (apart.messages(0).await, apart.messages_on(OTHER, 0).await);
    for (topic, message) in [
        (OTHER, &south[0]),
        (TOPIC, &north[0]),
        (TOPIC, &north[1]),
        (OTHER, &south[1]),
        // once more, as a relay may that comes after another
        (TOPIC, &north[0]),
        (OTHER, &south[2]),
        (TOPIC, &north[2]),
    ] {
        apart.far.bus.publish(vec![(topic, message.clone())]).await.unwrap();
    }
    follower.ticks(1..=6).await;
    assert_eq!(engine.counts().repairs, 0, "nothing was missing");
    let cursor = follower.cursor.unwrap();
    drop(follower);
    apart.tick_by_turns([(TOPIC, 7), (OTHER, 8), (TOPIC, 9)]).await;
    let mut back = follow(json!({ "after": cursor.encode() }));
    back.ticks(7..=9).await;
    subscribed(&engine, 1).await;
    apart.far.bus.gap();
    apart.tick_by_turns([(OTHER, 10), (TOPIC, 11)]).await;
    apart.far.bus.gap();
    back.ticks(10..=11).await;
    // the watch
    let stop = CancellationToken::new();
    let watching = watched(&engine, &stop).await;
    for numbers in [[(OTHER, 12), (TOPIC, 13)], [(TOPIC, 14), (OTHER, 15)]] {
        apart.tick_by_turns(numbers).await;
        back.ticks(numbers.map(|(_, number)| i64::try_from(number).unwrap())).await;
    }
    stop.cancel();
    watching.await.unwrap();
}

async fn what_one_topic_of_several_lost_is_told_with_its_next_event(shape: Shape) {
    let (apart, engine, mut follower) = Apart::followed(shape, TICKS_OF_BOTH).await;
    apart.tick_by_turns([(TOPIC, 1), (OTHER, 2), (TOPIC, 3), (OTHER, 4), (TOPIC, 5)]).await;
    let (north, south) = (apart.messages(0).await, apart.messages_on(OTHER, 0).await);
    // 3 is lost, which 4 does not tell
    for (topic, message) in [(TOPIC, &north[0]), (OTHER, &south[0]), (OTHER, &south[1])] {
        apart.far.bus.publish(vec![(topic, message.clone())]).await.unwrap();
    }
    follower.ticks([1, 2, 4]).await;
    apart.far.bus.publish(vec![(TOPIC, north[2].clone())]).await.unwrap();
    follower.ticks(3..=5).await;
    assert_eq!(engine.counts().repairs, 1, "read from the log from what was lost on");
    apart.tick_by_turns([(TOPIC, 6), (OTHER, 7)]).await;
    // late: the older comes after the newer
    for (topic, after) in [(OTHER, south[1].position), (TOPIC, north[2].position)] {
        apart.far.bus.publish(vec![(topic, apart.messages_on(topic, after).await[0].clone())]).await.unwrap();
    }
    follower.ticks([7, 6, 7]).await;
}

fn follow_both(engine: &Engine, variables: &Value) -> Follower {
    Follower::start(engine, Some(someone(1, Role::Partner)), TICKS_OF_BOTH, variables)
}

async fn a_cursor_past_what_was_lost_brings_it(shape: Shape) {
    let apart = Apart::build(shape).await;
    let (engine, elsewhere) = (engine(&apart.far), engine(&apart.parts.app));
    let mut follower = follow_both(&engine, &json!({}));
    assert_eq!(follower.snapshot().await, 0);
    subscribed(&engine, 1).await;
    apart.tick_by_turns([(TOPIC, 1), (OTHER, 2)]).await;
    apart.bring([(TOPIC, 1), (OTHER, 2)]).await;
    follower.ticks(1..=2).await;
    let whole = follower.cursor.unwrap();
    assert_eq!(whole.doubt.map(|doubt| doubt.count), Some(2), "nobody knows yet whether there was more");
    apart.tick_by_turns([(TOPIC, 3), (OTHER, 4), (OTHER, 5)]).await;
    let mut back = follow_both(&elsewhere, &json!({ "after": whole.encode() }));
    back.ticks(3..=5).await;

    // 3 is lost
    apart.bring([(OTHER, 4), (OTHER, 5)]).await;
    follower.ticks(4..=5).await;
    let lost = follower.cursor.unwrap();
    drop(follower);
    let mut back = follow_both(&elsewhere, &json!({ "after": lost.encode() }));
    // since what is known: nobody can tell which of them it was
    back.ticks(1..=5).await;
    assert_eq!(back.cursor.unwrap().doubt, None, "what comes from the log is sure");
    let mut again = follow_both(&elsewhere, &json!({ "after": back.cursor.unwrap().encode() }));
    apart.tick_by_turns([(TOPIC, 6)]).await;
    again.ticks([6]).await;

    // who says that they have had more than there is, or less, has had something else
    let doubt = lost.doubt.unwrap();
    for count in [doubt.count - 1, u32::MAX] {
        let odd = EventCursor { doubt: Some(Doubt { count, ..doubt }), ..lost };
        follow_both(&elsewhere, &json!({ "after": odd.encode() })).ticks(1..=6).await;
    }
}

async fn whoever_leaves_a_group_that_lost_something_is_told_of_it(shape: Shape) {
    let apart = Apart::build(shape).await;
    let faults = Arc::default();
    let engine = engine_with(&apart.far, &faults);
    let mut quick = follow_both(&engine, &json!({}));
    let mut slow = Follower::start_with(&engine, Some(someone(2, Role::Partner)), TICKS_OF_BOTH, &json!({}), TIGHT);
    assert_eq!((quick.snapshot().await, slow.snapshot().await), (0, 0));
    subscribed(&engine, 2).await;
    apart.tick_by_turns([(TOPIC, 1), (TOPIC, 2)]).await;
    apart.tick_by_turns((3..=60).map(|number| (OTHER, number))).await;
    apart.bring([(TOPIC, 1)]).await;
    // 2 is lost
    apart.bring((3..=60).map(|number| (OTHER, number))).await;
    quick.ticks(std::iter::once(1).chain(3..=60)).await;
    assert!(engine.counts().lags > 0 && engine.counts().repairs == 0, "{:?}", engine.counts());
    // it reads on, and by itself
    while slow.tick().await != 2 {}
    slow.ticks(3..=60).await;
    drop(slow);

    apart.tick_by_turns([(OTHER, 61)]).await;
    faults.answers.store(1, Ordering::SeqCst);
    apart.bring([(OTHER, 61)]).await;
    quick.ticks(1..=61).await;
}

async fn whoever_joins_after_something_was_lost_is_told_of_it(shape: Shape) {
    let apart = Apart::build(shape).await;
    let engine = engine(&apart.far);
    let (mut one, mut other) = (follow_both(&engine, &json!({})), follow_both(&engine, &json!({})));
    assert_eq!((one.snapshot().await, other.snapshot().await), (0, 0));
    subscribed(&engine, 2).await;
    apart.tick_by_turns([(TOPIC, 1), (TOPIC, 2), (OTHER, 3), (TOPIC, 4)]).await;
    apart.bring([(TOPIC, 1)]).await;
    one.ticks([1]).await;
    let cursor = one.cursor.unwrap();
    apart.bring([(OTHER, 3)]).await;
    other.ticks([1, 3]).await;
    let mut third = follow_both(&engine, &json!({ "after": cursor.encode() }));
    third.ticks([3]).await;
    subscribed(&engine, 3).await;
    apart.bring([(TOPIC, 4)]).await;
    third.ticks(2..=4).await;
    other.ticks(2..=4).await;
}

async fn what_was_passed_is_compared_with_the_log_before_it_is_much(shape: Shape) {
    let (apart, engine, mut follower) = Apart::followed(shape, TICKS_OF_BOTH).await;
    apart.tick_by_turns([(TOPIC, 1)]).await;
    apart.tick_by_turns((2..=300).map(|number| (OTHER, number))).await;
    for numbers in [2..=150, 151..=256, 257..=257] {
        apart.bring(numbers.clone().map(|number| (OTHER, number))).await;
        follower.ticks(numbers.map(|number| i64::try_from(number).unwrap())).await;
    }
    // that the first was lost is seen without a word of it
    follower.ticks(1..=300).await;
    assert_eq!(engine.counts().repairs, 1);
}

async fn a_cursor_is_good_for_its_own_stream_only(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    tick(&app.app, 1..=3).await;
    let mut follower = follow(&engine, &json!({}));
    assert_eq!(follower.snapshot().await, 3);
    let cursor = follower.cursor.unwrap();
    for foreign in [
        EventCursor { epoch: cursor.epoch.wrapping_add(1), ..cursor },
        EventCursor { stream: cursor.stream.wrapping_add(1), ..cursor },
        EventCursor { position: cursor.position + 1_000, ..cursor },
        EventCursor { position: -1, ..cursor },
    ] {
        let mut lost = follow(&engine, &json!({ "after": foreign.encode() }));
        assert_eq!(lost.reset().await, "SERVER", "{foreign:?}");
        assert!(lost.cursor.unwrap().is_partial, "what comes after the word is missing to whoever resumes from it");
        assert_eq!(lost.snapshot().await, 3);
    }
    // another selection of the same topic is another stream
    let even = TICKS.replace("ticks(after", "ticks(even: true, after");
    let mut other = Follower::start(&engine, Some(someone(1, Role::Partner)), &even, &json!({ "after": cursor.encode() }));
    assert_eq!(other.reset().await, "SERVER");
    // who was cut off within the first picture gets it again, and no word of loss
    let partial = EventCursor { is_partial: true, ..cursor };
    assert_eq!(follow(&engine, &json!({ "after": partial.encode() })).snapshot().await, 3);
}

async fn a_log_of_another_epoch_starts_everybody_anew(shape: Shape) {
    let app = TestApp::start_with(shape, |config| config.bus_check = Duration::from_millis(100)).await;
    let engine = engine(&app.app);
    let stop = CancellationToken::new();
    let watching = watched(&engine, &stop).await;
    tick(&app.app, 1..=3).await;
    let mut follower = follow(&engine, &json!({}));
    assert_eq!(follower.snapshot().await, 3);
    let old = follower.cursor.unwrap();
    subscribed(&engine, 1).await;
    relay::new_epoch(app.app.db.writer(), &app.app.ids).await.unwrap();
    assert_eq!(follower.reset().await, "SERVER", "whoever is connected is told");
    assert_eq!(follower.snapshot().await, 3);
    tick(&app.app, [4]).await;
    follower.ticks([4]).await;
    assert_ne!(follower.cursor.unwrap().epoch, old.epoch);
    let mut late = follow(&engine, &json!({ "after": old.encode() }));
    assert_eq!(late.reset().await, "SERVER", "and whoever comes back");
    assert_eq!(late.snapshot().await, 4);
    stop.cancel();
    watching.await.unwrap();
}

/// Room for a few answers.
pub(super) const TIGHT: SendQueueBudget = SendQueueBudget { bytes: 2_000, age: Duration::from_mins(1) };

async fn a_slow_reader_gets_everything_in_order(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let partner = Some(someone(1, Role::Partner));
    let mut slow = Follower::start_with(&engine, partner, TICKS, &json!({}), TIGHT);
    let mut quick = follow(&engine, &json!({}));
    assert_eq!((slow.snapshot().await, quick.snapshot().await), (0, 0));
    subscribed(&engine, 2).await;
    for round in 0..3 {
        let numbers = round * 100 + 1..=round * 100 + 100;
        tick(&app.app, numbers.clone()).await;
        let numbers = numbers.map(|number| i64::try_from(number).unwrap());
        quick.ticks(numbers.clone()).await;
        assert!(engine.counts().lags > 0, "it fell behind");
        slow.ticks(numbers).await;
    }
    assert_eq!(engine.counts().resets, 0);
}

async fn a_slow_reader_who_lost_what_they_follow_is_told_of_an_end(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::default();
    let engine = engine_with(&app.app, &faults);
    let mut slow = Follower::start_with(&engine, Some(someone(1, Role::Partner)), TICKS, &json!({}), TIGHT);
    assert_eq!(slow.snapshot().await, 0);
    subscribed(&engine, 1).await;
    tick(&app.app, 1..=100).await;
    until(|| async { engine.counts().lags > 0 }).await;
    // it is out of its group, and asks again as soon as it has read what it was told
    faults.lost.store(true, Ordering::SeqCst);
    let mut last = 0;
    let end = loop {
        match slow.next().await {
            Told::Item(item) => {
                last += 1;
                assert_eq!(item["number"], last, "in order up to there");
            }
            end => break end,
        }
    };
    assert_eq!(end, Told::Complete, "as who was in time is told");
    assert!(last < 100, "the rest is theirs no more");
    let mut new = follow(&engine, &json!({}));
    match new.next().await {
        Told::Errors(errors) => assert_eq!(errors[0]["extensions"]["code"], "NOT_FOUND"),
        other => panic!("{other:?}"),
    }
}

async fn a_reader_who_is_too_far_behind_starts_anew(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let mut slow = Follower::start_with(&engine, Some(someone(1, Role::Partner)), TICKS, &json!({}), TIGHT);
    assert_eq!(slow.snapshot().await, 0);
    subscribed(&engine, 1).await;
    tick(&app.app, 1..=100).await;
    until(|| async { engine.counts().lags > 0 }).await;
    // while it reads nothing, more happens than is worth telling it all
    let tx = app.app.db.begin().await.unwrap();
    for number in 101..=1_200 {
        tick_in(&app.app, &tx, number).await;
    }
    tx.commit().await.unwrap();
    until(|| async { relay::settled(app.app.db.reader()).await.unwrap().is_some() }).await;
    let mut last = 0;
    let reason = loop {
        let item = slow.item().await;
        match item["number"].as_i64() {
            Some(number) => assert_eq!(number, std::mem::replace(&mut last, number) + 1, "in order up to there"),
            None => break item["reason"].clone(),
        }
    };
    assert_eq!(reason, "SLOW_CONSUMER");
    assert_eq!(slow.snapshot().await, 1_200);
    tick(&app.app, [1_201]).await;
    slow.ticks([1_201]).await;
}

async fn a_reader_who_reads_nothing_is_let_go_and_loses_nothing(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let budget = SendQueueBudget { bytes: 2_000, age: Duration::from_millis(100) };
    let partner = Some(someone(1, Role::Partner));
    let mut stuck = Follower::start_with(&engine, partner, TICKS, &json!({}), budget);
    assert_eq!(stuck.snapshot().await, 0);
    subscribed(&engine, 1).await;
    tick(&app.app, 1..=100).await;
    until(|| async { engine.counts().lags > 0 }).await;
    // it is told so as soon as it looks, whatever still waits for it
    let verdict = tokio::time::timeout(Duration::from_secs(20), async {
        while stuck.queue.verdict().is_none() {
            tokio::task::yield_now().await;
        }
    });
    verdict.await.expect("it is not waited for for ever");
    assert_eq!(stuck.next().await, Told::Ended(Verdict::TooSlow));
    let cursor = stuck.cursor.unwrap();
    drop(stuck);
    let mut back = Follower::start(&engine, partner, TICKS, &json!({ "after": cursor.encode() }));
    back.ticks(1..=100).await;
}

async fn whoever_joins_while_events_are_made_misses_nothing(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let making = tokio::spawn({
        let app = app.app.clone();
        async move { tick(&app, 1..=300).await }
    });
    let mut followers = Vec::new();
    let mut after = Value::Null;
    for number in 0..40 {
        // every other one resumes where the last one began, and some leave again at once
        let variables = if number % 2 == 0 { json!({}) } else { json!({ "after": after }) };
        let mut follower = Follower::start(&engine, Some(someone(number, Role::Partner)), TICKS, &variables);
        let item = follower.item().await;
        let at = item["newest"].as_i64().or_else(|| item["number"].as_i64()).unwrap();
        if number % 2 == 0 {
            after = item["cursor"].clone();
        }
        if number % 5 != 4 {
            followers.push((follower, at));
        }
        if at >= 300 {
            break;
        }
    }
    making.await.unwrap();
    for (follower, at) in &mut followers {
        follower.ticks(*at + 1..=300).await;
    }
}

async fn an_answer_that_breaks_ends_nothing(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let document = "subscription { ticks { ... on TickSnapshot { newest } ... on Tick { number breaks } } }";
    let counts = Counts::of(&app).await;
    let follower = Follower::start(&engine, Some(someone(1, Role::Partner)), document, &json!({}));
    subscribed(&engine, 1).await;
    tick(&app.app, 1..=3).await;
    until(|| async { engine.counts().messages >= 3 }).await;
    let counted = counts.grown(&app, "quick_commerce_graphql_errors_total{code=\"INTERNAL\"}").await;
    assert!(counted >= 3.0, "an operator sees it: {counted}");
    let mut errors = 0;
    while let Some(outgoing) = follower.queue.try_next() {
        let quick_commerce::stream::Answer::Next(frame) = outgoing.answer else { panic!("{outgoing:?}") };
        let body: Value = serde_json::from_slice(&frame.body).unwrap();
        errors += usize::from(body["errors"][0]["extensions"]["code"] == "INTERNAL");
    }
    assert_eq!(errors, 3);
}
