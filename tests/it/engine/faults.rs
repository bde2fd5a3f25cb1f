//! What fails for a moment is made up for, and what fails for longer is said: nothing is missing without a word.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::access::Role;
use quick_commerce::app::App;
use quick_commerce::config::SendQueueBudget;
use quick_commerce::graphql::context::Viewer;
use quick_commerce::platform::error::Denial;
use quick_commerce::platform::relay;
use quick_commerce::stream::{Answer, Engine, Verdict};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use super::recovery::{Apart, TIGHT, follow, subscribed};
use crate::live::all_published;
use crate::support::ticks::{
    Faults, Follower, OTHER, ROOMY, Sure, TICKS, TICKS_OF_BOTH, TOPIC, Told, engine, engine_with, someone, tick,
};
use crate::support::wait::until;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    nothing_goes_past_a_hole_that_cannot_be_filled,
    nothing_goes_past_a_hole_in_one_topic_of_several,
    an_answer_that_fails_for_a_moment_is_made_again,
    while_the_database_is_away_a_group_stays_where_it_is,
    an_answer_that_fails_for_good_is_told_and_not_remembered,
    a_replay_that_fails_for_a_moment_goes_on,
    one_that_cannot_be_made_hides_no_other,
    what_a_slow_reader_is_sent_is_not_from_long_ago,
    who_cannot_be_brought_up_for_a_moment_is_brought_up_then,
    who_cannot_be_brought_up_for_longer_comes_back_and_loses_nothing,
    whose_session_has_ended_is_not_told_of_an_error,
    who_joins_while_the_newest_is_told_hears_of_it,
    who_enters_while_the_bus_is_silent_misses_nothing,
    a_required_cursor_does_not_keep_answers_apart,
    an_end_is_for_those_who_stand_before_it,
    nothing_is_kept_for_nobody,
    a_group_whose_task_breaks_goes_on,
    a_replay_that_is_read_too_slowly_ends,
    a_replay_of_several_pages_has_everything_once_and_in_order,
}

/// Takes the index of the log away, so that what came since a position cannot be read; or everything that says where it ends.
async fn hide(app: &App, table: &str) {
    rename(app, table, &format!("{table}_away")).await;
}

async fn show(app: &App, table: &str) {
    rename(app, &format!("{table}_away"), table).await;
}

async fn rename(app: &App, from: &str, to: &str) {
    app.db.writer().execute_unprepared(&format!("ALTER TABLE {from} RENAME TO {to}")).await.unwrap();
}

const INDEX: &str = "event_topics";

const FEED: &str = "relays";

/// The result that must come now, as it is sent.
async fn body(follower: &Follower) -> (Value, bool) {
    let next = tokio::time::timeout(Duration::from_secs(20), follower.queue.next()).await.unwrap().unwrap();
    let Answer::Next(frame) = next.answer else { panic!("{next:?}") };
    (serde_json::from_slice(&frame.body).unwrap(), frame.cursor.is_some())
}

async fn nothing_goes_past_a_hole_that_cannot_be_filled(shape: Shape) {
    let (apart, engine, mut follower) = Apart::followed(shape, TICKS).await;
    apart.tick(1..=5).await;
    let messages = apart.messages(0).await;
    apart.far.bus.publish(vec![(TOPIC, messages[0].clone())]).await.unwrap();
    follower.ticks([1]).await;
    hide(&apart.parts.app, INDEX).await;
    apart.far.bus.publish(vec![(TOPIC, messages[4].clone())]).await.unwrap();
    // it has failed once then, and begun again
    until(|| async { engine.counts().repairs >= 2 }).await;
    assert!(follower.queue.try_next().is_none(), "the last is not told before those in between");
    show(&apart.parts.app, INDEX).await;
    follower.ticks(2..=5).await;
}

async fn nothing_goes_past_a_hole_in_one_topic_of_several(shape: Shape) {
    let (apart, engine, mut follower) = Apart::followed(shape, TICKS_OF_BOTH).await;
    apart.tick_by_turns([(TOPIC, 1), (OTHER, 2), (OTHER, 3)]).await;
    let south = apart.messages_on(OTHER, 0).await;
    hide(&apart.parts.app, INDEX).await;
    // the first is lost, and the others name nothing that is not there
    apart.far.bus.gap();
    until(|| async { engine.counts().repairs >= 1 }).await;
    for message in south {
        apart.far.bus.publish(vec![(OTHER, message)]).await.unwrap();
    }
    let repairs = engine.counts().repairs;
    until(|| async { engine.counts().repairs > repairs + 1 }).await;
    assert!(follower.queue.try_next().is_none(), "what came later is not told before what is missing");
    show(&apart.parts.app, INDEX).await;
    follower.ticks(1..=3).await;
}

/// Two partners who have had their first picture, of nothing, and are live.
async fn two_followers(engine: &Engine) -> [Follower; 2] {
    let mut followers =
        [1, 2].map(|number| Follower::start(engine, Some(someone(number, Role::Partner)), TICKS, &json!({})));
    for follower in &mut followers {
        assert_eq!(follower.snapshot().await, 0);
    }
    subscribed(engine, 2).await;
    followers
}

async fn an_answer_that_fails_for_a_moment_is_made_again(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::<Faults>::default();
    let engine = engine_with(&app.app, &faults);
    let mut followers = two_followers(&engine).await;
    faults.items.store(2, Ordering::SeqCst);
    tick(&app.app, 1..=2).await;
    for follower in &mut followers {
        follower.ticks(1..=2).await;
    }
    assert_eq!(engine.counts().executions, 4, "three times for the first, and for both subscribers");
}

async fn while_the_database_is_away_a_group_stays_where_it_is(shape: Shape) {
    let apart = Apart::build(shape).await;
    let faults = Arc::<Faults>::default();
    let engine = engine_with(&apart.far, &faults);
    let mut follower = follow(&engine, &json!({}));
    assert_eq!(follower.snapshot().await, 0);
    subscribed(&engine, 1).await;
    apart.tick(1..=2).await;
    let messages = apart.messages(0).await;
    faults.items.store(usize::MAX, Ordering::SeqCst);
    hide(&apart.parts.app, FEED).await;
    for message in messages {
        apart.far.bus.publish(vec![(TOPIC, message)]).await.unwrap();
    }
    // it has given up, and reads the log
    until(|| async { engine.counts().repairs >= 1 }).await;
    assert!(follower.queue.try_next().is_none(), "an error does not stand for an event");
    faults.items.store(0, Ordering::SeqCst);
    show(&apart.parts.app, FEED).await;
    follower.ticks(1..=2).await;
}

async fn an_answer_that_fails_for_good_is_told_and_not_remembered(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::<Faults>::default();
    let engine = engine_with(&app.app, &faults);
    let mut followers = two_followers(&engine).await;
    tick(&app.app, [1]).await;
    for follower in &mut followers {
        follower.ticks([1]).await;
    }
    faults.items.store(usize::MAX, Ordering::SeqCst);
    tick(&app.app, [2]).await;
    for follower in &followers {
        let (body, is_resumable) = body(follower).await;
        assert_eq!(body["errors"][0]["extensions"]["retryable"], true, "{body}");
        assert!(!is_resumable, "who comes back goes on from before it");
    }
    faults.items.store(0, Ordering::SeqCst);
    tick(&app.app, [3]).await;
    let after = json!({ "after": followers[0].cursor.unwrap().encode() });
    for follower in &mut followers {
        follower.ticks([3]).await;
    }
    follow(&engine, &after).ticks(2..=3).await;
}

async fn a_replay_that_fails_for_a_moment_goes_on(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::<Faults>::default();
    let engine = engine_with(&app.app, &faults);
    let (_, after) = before(&app, &engine, 5).await;
    faults.items.store(2, Ordering::SeqCst);
    let mut late = follow(&engine, &after);
    late.ticks(1..=5).await;
    drop(late);
    // what fails for good is told, and not taken for the event by whoever comes back
    faults.items.store(usize::MAX, Ordering::SeqCst);
    let late = follow(&engine, &after);
    let (body, is_resumable) = body(&late).await;
    assert!(body["errors"][0]["extensions"]["retryable"] == true && !is_resumable, "{body}");
}

async fn one_that_cannot_be_made_hides_no_other(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::<Faults>::default();
    let engine = engine_with(&app.app, &faults);
    let (_, after) = before(&app, &engine, 6).await;
    faults.broken.store(3, Ordering::SeqCst);
    let mut late = follow(&engine, &after);
    late.ticks(1..=2).await;
    let (body, is_resumable) = body(&late).await;
    assert!(body["errors"][0]["extensions"]["retryable"] == true && !is_resumable, "{body}");
    late.ticks(4..=6).await;
    subscribed(&engine, 1).await;
    tick(&app.app, [7]).await;
    late.ticks([7]).await;
}

async fn what_a_slow_reader_is_sent_is_not_from_long_ago(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::<Faults>::default();
    let engine = engine_with(&app.app, &faults);
    let (_, after) = before(&app, &engine, 6).await;
    let mut slow = follow(&engine, &after);
    slow.ticks([1]).await;
    // what cannot be made now could have been when the first was
    faults.broken.store(5, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    slow.ticks(2..=4).await;
    let (body, _) = body(&slow).await;
    assert!(body["errors"][0]["extensions"]["retryable"] == true, "{body}");
    slow.ticks([6]).await;
}

/// A subscriber who has fallen behind, and has yet to read a part of 100 ticks.
async fn lagging(app: &TestApp, engine: &Engine, authority: &Arc<Sure>) -> Follower {
    let mut slow = Follower::start_as(engine, Arc::clone(authority), TICKS, &json!({}), TIGHT);
    assert_eq!(slow.snapshot().await, 0);
    subscribed(engine, 1).await;
    tick(&app.app, 1..=100).await;
    until(|| async { engine.counts().lags > 0 }).await;
    all_published(&app.app).await;
    slow
}

async fn who_cannot_be_brought_up_for_a_moment_is_brought_up_then(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let sure = Sure::of(Some(someone(1, Role::Partner)));
    let mut slow = lagging(&app, &engine, &sure).await;
    hide(&app.app, INDEX).await;
    let mut last = 0;
    while let Some(outgoing) = slow.queue.try_next() {
        let Answer::Next(frame) = outgoing.answer else { panic!("{outgoing:?}") };
        let body: Value = serde_json::from_slice(&frame.body).unwrap();
        last = body["data"]["ticks"]["number"].as_i64().unwrap();
    }
    // it tries to go on: whoever it is is asked first
    until(|| async { sure.asked() >= 3 }).await;
    show(&app.app, INDEX).await;
    slow.ticks(last + 1..=100).await;
}

async fn who_cannot_be_brought_up_for_longer_comes_back_and_loses_nothing(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let sure = Sure::of(Some(someone(1, Role::Partner)));
    let mut slow = lagging(&app, &engine, &sure).await;
    hide(&app.app, INDEX).await;
    let mut last = 0;
    let end = loop {
        match slow.next().await {
            Told::Item(item) => last = item["number"].as_i64().unwrap(),
            end => break end,
        }
    };
    assert_eq!(end, Told::Ended(Verdict::TryAgain));
    show(&app.app, INDEX).await;
    follow(&engine, &json!({ "after": slow.cursor.unwrap().encode() })).ticks(last + 1..=100).await;
}

async fn whose_session_has_ended_is_not_told_of_an_error(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    for turned in [Err(Denial::InvalidToken.into()), Ok(Viewer(None))] {
        let sure = Sure::of(Some(someone(1, Role::Partner)));
        let mut slow = Follower::start_as(&engine, Arc::clone(&sure), OWN, &json!({}), TIGHT);
        let newest = slow.snapshot().await;
        subscribed(&engine, 1).await;
        let lags = engine.counts().lags;
        let newest = u64::try_from(newest).unwrap();
        tick(&app.app, newest + 1..=newest + 100).await;
        until(|| async { engine.counts().lags > lags }).await;
        sure.turn(turned);
        let end = loop {
            match slow.next().await {
                Told::Item(_) => {}
                end => break end,
            }
        };
        assert_eq!(end, Told::Ended(Verdict::Forbidden), "when it is to go on");
        drop(slow);
        subscribed(&engine, 0).await;
    }
    let sure = Sure::of(None);
    sure.turn(Err(Denial::InvalidToken.into()));
    let mut late = Follower::start_as(&engine, sure, TICKS, &json!({}), ROOMY);
    assert_eq!(late.next().await, Told::Ended(Verdict::Forbidden), "when it is to begin");
}

/// For whoever is signed in.
const OWN: &str = "subscription { ownTicks {
    ... on TickSnapshot { cursor newest }
    ... on Tick { cursor number }
    ... on StreamReset { cursor reason } } }";

async fn who_joins_while_the_newest_is_told_hears_of_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::<Faults>::default();
    let engine = engine_with(&app.app, &faults);
    let document = "subscription { ticks(latest: true) { ... on TickSnapshot { newest } ... on Tick { number } } }";
    let mut first = Follower::start(&engine, Some(someone(1, Role::Partner)), document, &json!({}));
    assert_eq!(first.snapshot().await, 0);
    subscribed(&engine, 1).await;
    let closed = faults.gate.write().await;
    let mut late = Follower::start(&engine, Some(someone(2, Role::Partner)), document, &json!({}));
    until(|| async { faults.read.load(Ordering::SeqCst) == 2 }).await;
    tick(&app.app, [1]).await;
    assert_eq!(first.tick().await, 1);
    drop(closed);
    // the snapshot was read before it happened, and may be overtaken by it
    while late.item().await["number"] != 1 {}
}

async fn who_enters_while_the_bus_is_silent_misses_nothing(shape: Shape) {
    let apart = Apart::build(shape).await;
    let faults = Arc::<Faults>::default();
    let engine = engine_with(&apart.far, &faults);
    let closed = faults.gate.write().await;
    let mut follower = follow(&engine, &json!({}));
    until(|| async { faults.read.load(Ordering::SeqCst) == 1 }).await;
    apart.tick([1]).await;
    let head = relay::head(apart.far.db.reader()).await.unwrap().position;
    apart.far.bus.behind(TOPIC, head);
    until(|| async { engine.counts().pending == 0 }).await;
    drop(closed);
    assert_eq!(follower.snapshot().await, 0, "read before it happened");
    follower.ticks([1]).await;
}

async fn a_required_cursor_does_not_keep_answers_apart(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    tick(&app.app, [1]).await;
    let mut before = follow(&engine, &json!({}));
    assert_eq!(before.snapshot().await, 1);
    all_published(&app.app).await;
    tick(&app.app, [2]).await;
    before.ticks([2]).await;
    let document = "subscription($after: EventCursor!) { ticksAfter(after: $after) { __typename ... on Tick { number } ... on StreamReset { reason } } }";
    let after = json!({ "after": before.cursor.unwrap().encode() });
    drop(before);
    subscribed(&engine, 0).await;
    let mut followers =
        [1, 2].map(|number| Follower::start(&engine, Some(someone(number, Role::Partner)), document, &after));
    subscribed(&engine, 2).await;
    let executions = engine.counts().executions;
    tick(&app.app, 3..=4).await;
    for follower in &mut followers {
        follower.ticks(3..=4).await;
    }
    assert_eq!(engine.counts().executions, executions + 2, "once for both");
}

async fn an_end_is_for_those_who_stand_before_it(shape: Shape) {
    let apart = Apart::build(shape).await;
    let engine = engine(&apart.far);
    let document = "subscription { ticks(last: 2) { ... on TickSnapshot { newest } ... on Tick { number } } }";
    let start = |number| Follower::start(&engine, Some(someone(number, Role::Partner)), document, &json!({}));
    let mut early = start(1);
    assert_eq!(early.snapshot().await, 0);
    subscribed(&engine, 1).await;
    apart.tick(1..=3).await;
    let mut late = start(2);
    assert_eq!(late.snapshot().await, 3);
    subscribed(&engine, 2).await;
    assert_eq!(engine.counts().groups, 1);
    for message in apart.messages(0).await {
        apart.far.bus.publish(vec![(TOPIC, message)]).await.unwrap();
    }
    early.ticks(1..=2).await;
    assert_eq!(early.next().await, Told::Complete);
    apart.tick([4]).await;
    apart.far.bus.gap();
    late.ticks([4]).await;
}

async fn nothing_is_kept_for_nobody(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let mut only = follow(&engine, &json!({}));
    assert_eq!(only.snapshot().await, 0);
    let begin = json!({ "after": only.cursor.unwrap().encode() });
    subscribed(&engine, 1).await;
    tick(&app.app, 1..=3).await;
    only.ticks(1..=3).await;
    until(|| async { engine.counts().messages == 3 }).await;
    let mut second = follow(&engine, &begin);
    second.ticks(1..=3).await;
    subscribed(&engine, 2).await;
    // by the log, and not by what the group kept
    until(|| async { (engine.counts().messages, engine.counts().executions) == (6, 6) }).await;
    tick(&app.app, 4..=5).await;
    second.ticks(4..=5).await;
    only.ticks(4..=5).await;
}

async fn a_group_whose_task_breaks_goes_on(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::<Faults>::default();
    let engine = engine_with(&app.app, &faults);
    let mut followers = two_followers(&engine).await;
    faults.answers.store(1, Ordering::SeqCst);
    tick(&app.app, [1]).await;
    for follower in &mut followers {
        follower.ticks([1]).await;
    }
    tick(&app.app, 2..=3).await;
    for follower in &mut followers {
        follower.ticks(2..=3).await;
    }
    // one that is alone does not wait for ever either
    faults.answers.store(1, Ordering::SeqCst);
    assert_eq!(follow(&engine, &json!({})).next().await, Told::Ended(Verdict::TryAgain));
}

/// The cursor before `count` ticks, all of which are told of by now, and by nobody kept.
async fn before(app: &TestApp, engine: &Engine, count: u64) -> (i64, Value) {
    let mut first = follow(engine, &json!({}));
    let newest = first.snapshot().await;
    let after = json!({ "after": first.cursor.unwrap().encode() });
    drop(first);
    subscribed(engine, 0).await;
    let from = u64::try_from(newest).unwrap();
    tick(&app.app, from + 1..=from + count).await;
    all_published(&app.app).await;
    (newest, after)
}

async fn a_replay_that_is_read_too_slowly_ends(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    let (_, after) = before(&app, &engine, 300).await;
    let budget = SendQueueBudget { bytes: 2_000, age: Duration::from_millis(100) };
    let mut slow = Follower::start_with(&engine, Some(someone(1, Role::Partner)), TICKS, &after, budget);
    let mut last = 0;
    let end = loop {
        match slow.next().await {
            Told::Item(item) => {
                assert_eq!(item["number"], last + 1);
                last += 1;
            }
            end => break end,
        }
        // each of them is read long before patience ends with it
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(end, Told::Ended(Verdict::TooSlow), "after {last} of 300");
    assert!(last < 300);
    // on a busy machine it may have been too slow for the first already
    let after = slow.cursor.map_or(after, |cursor| json!({ "after": cursor.encode() }));
    follow(&engine, &after).ticks(last + 1..=300).await;
}

async fn a_replay_of_several_pages_has_everything_once_and_in_order(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    for count in [99, 100, 101, 200, 250] {
        let (newest, after) = before(&app, &engine, count).await;
        let last = newest + i64::try_from(count).unwrap();
        let mut late = follow(&engine, &after);
        late.ticks(newest + 1..=last).await;
        subscribed(&engine, 1).await;
        tick(&app.app, [u64::try_from(last).unwrap() + 1]).await;
        late.ticks([last + 1]).await;
        drop(late);
        subscribed(&engine, 0).await;
        all_published(&app.app).await;
    }
}
