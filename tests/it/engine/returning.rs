//! Who comes back together is told together, and takes turns.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::access::Role;
use entity::event;
use futures_util::future::join_all;
use quick_commerce::app::App;
use quick_commerce::graphql::scalars::EventCursor;
use quick_commerce::stream::Engine;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use super::recovery::subscribed;
use crate::support::ticks::{
    Faults, Follower, OTHER, TICKS, TICKS_OF_BOTH, TOPIC, Told, engine, engine_with, someone, tick_by_turns,
};
use crate::support::wait::{until, until_taken};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    what_many_missed_is_executed_once_for_all_of_them,
    whoever_comes_back_where_nobody_is_misses_nothing,
    what_ended_meanwhile_ends_for_those_who_come_back_and_for_nobody_else,
    whoever_comes_and_goes_misses_nothing,
    what_is_forgotten_while_a_group_goes_back_is_missed_by_those_alone_who_need_it,
    nobody_waits_for_one_who_comes_back_after_the_other,
    those_on_their_way_to_the_present_take_turns,
}

const BOTH: [&str; 2] = [TICKS, TICKS_OF_BOTH];

/// Ticks up to the eighth.
const EIGHT: &str = "subscription($after: EventCursor) { ticks(after: $after, last: 8) {
    __typename
    ... on TickSnapshot { cursor newest }
    ... on Tick { cursor number } } }";

/// Logs the ticks `numbers` so that all who ask for `document` hear of them: on both topics by turns, if they do.
async fn log(app: &App, document: &str, numbers: impl IntoIterator<Item = u64>) {
    let topic = |number| if document == TICKS_OF_BOTH && number % 2 == 0 { OTHER } else { TOPIC };
    tick_by_turns(app, numbers.into_iter().map(|number| (topic(number), number))).await;
}

fn partner(engine: &Engine, number: u128, document: &str, after: Option<EventCursor>) -> Follower {
    let variables = after.map_or_else(|| json!({}), |after| json!({ "after": after.encode() }));
    Follower::start(engine, Some(someone(number, Role::Partner)), document, &variables)
}

/// Where somebody stands who has heard everything up to now, and has gone.
async fn cursor_of_one_who_left(app: &App, engine: &Engine, document: &str) -> EventCursor {
    // what has no position yet is told again
    until_taken(app).await;
    let mut follower = partner(engine, 1, document, None);
    follower.snapshot().await;
    follower.cursor.unwrap()
}

async fn what_many_missed_is_executed_once_for_all_of_them(shape: Shape) {
    for document in BOTH {
        let app = TestApp::start(shape).await;
        let engine = engine(&app.app);
        log(&app.app, document, 1..=5).await;
        let cursor = cursor_of_one_who_left(&app.app, &engine, document).await;
        let mut stays = partner(&engine, 2, document, None);
        assert_eq!(stays.snapshot().await, 5);
        subscribed(&engine, 1).await;
        log(&app.app, document, 6..=10).await;
        // alone it has nothing kept for others; of several topics it is not sure that it was told everything
        stays.ticks(6..=10).await;
        until(|| async { engine.counts().messages == 5 }).await;
        let before = engine.counts();
        let mut back: Vec<Follower> = (10..30).map(|number| partner(&engine, number, document, Some(cursor))).collect();
        for follower in &mut back {
            follower.ticks(6..=10).await;
        }
        if document == TICKS {
            until(|| async { engine.counts().messages - before.messages == 100 }).await;
            assert_eq!(engine.counts().executions - before.executions, 5);
        }
        log(&app.app, document, [11]).await;
        for follower in back.iter_mut().chain([&mut stays]) {
            follower.ticks([11]).await;
        }
    }
}

async fn whoever_comes_back_where_nobody_is_misses_nothing(shape: Shape) {
    for document in BOTH {
        let app = TestApp::start(shape).await;
        let [there, here] = [engine(&app.app), engine(&app.app)];
        log(&app.app, document, 1..=5).await;
        let cursor = cursor_of_one_who_left(&app.app, &there, document).await;
        log(&app.app, document, 6..=10).await;
        let mut back: Vec<Follower> = (10..30).map(|number| partner(&here, number, document, Some(cursor))).collect();
        log(&app.app, document, [11]).await;
        for follower in &mut back {
            follower.ticks(6..=11).await;
        }
        subscribed(&here, 20).await;
        log(&app.app, document, [12]).await;
        for follower in &mut back {
            follower.ticks([12]).await;
        }
    }
}

async fn what_ended_meanwhile_ends_for_those_who_come_back_and_for_nobody_else(shape: Shape) {
    let app = TestApp::start(shape).await;
    let engine = engine(&app.app);
    log(&app.app, EIGHT, 1..=5).await;
    let cursor = cursor_of_one_who_left(&app.app, &engine, EIGHT).await;
    log(&app.app, EIGHT, 6..=8).await;
    let mut begins = partner(&engine, 2, EIGHT, None);
    assert_eq!(begins.snapshot().await, 8);
    subscribed(&engine, 1).await;
    let mut back: Vec<Follower> = (10..30).map(|number| partner(&engine, number, EIGHT, Some(cursor))).collect();
    for follower in &mut back {
        follower.ticks(6..=8).await;
        assert_eq!(follower.next().await, Told::Complete);
    }
    drop(back);
    subscribed(&engine, 1).await;
    log(&app.app, EIGHT, [9]).await;
    begins.ticks([9]).await;
}

/// Follows `document` until the tick `last`, now here, now there, a few ticks at a time.
async fn come_and_go(engines: &[Engine; 2], number: u64, document: &str, last: i64) {
    let (mut after, mut had) = (None, 0);
    for round in 0_u64.. {
        let engine = &engines[usize::from((number + round).is_multiple_of(2))];
        let mut follower = partner(engine, number.into(), document, after);
        if after.is_none() {
            had = follower.snapshot().await;
        }
        for _ in 0..=(number * 7 + round * 5) % 6 {
            if had == last {
                return;
            }
            had += 1;
            follower.ticks([had]).await;
        }
        after = follower.cursor;
        drop(follower);
        if (number + round).is_multiple_of(3) {
            tokio::time::sleep(Duration::from_millis(round % 7)).await;
        }
    }
}

async fn whoever_comes_and_goes_misses_nothing(shape: Shape) {
    const LAST: u16 = 400;
    for document in BOTH {
        let app = TestApp::start(shape).await;
        let engines = [engine(&app.app), engine(&app.app)];
        let mut stays = partner(&engines[0], 99, document, None);
        assert_eq!(stays.snapshot().await, 0);
        let goers = join_all((0..8).map(|number| come_and_go(&engines, number, document, LAST.into())));
        tokio::join!(log(&app.app, document, 1..=LAST.into()), goers, stays.ticks(1..=LAST.into()));
    }
}

/// The engine, one who has had ten ticks, and where one stands who has had five; the group is being told the eleventh.
async fn a_group_that_is_busy(app: &App, faults: &Arc<Faults>) -> (Engine, Follower, EventCursor) {
    let engine = engine_with(app, faults);
    log(app, TICKS, 1..=5).await;
    let cursor = cursor_of_one_who_left(app, &engine, TICKS).await;
    let mut stays = partner(&engine, 2, TICKS, None);
    assert_eq!(stays.snapshot().await, 5);
    subscribed(&engine, 1).await;
    log(app, TICKS, 6..=10).await;
    stays.ticks(6..=10).await;
    (engine, stays, cursor)
}

async fn what_is_forgotten_while_a_group_goes_back_is_missed_by_those_alone_who_need_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::<Faults>::default();
    let (engine, mut stays, cursor) = a_group_that_is_busy(&app.app, &faults).await;
    let held = faults.held.write().await;
    log(&app.app, TICKS, [11]).await;
    until(|| async { faults.begun.load(Ordering::SeqCst) == 6 }).await;
    let mut back = partner(&engine, 3, TICKS, Some(cursor));
    subscribed(&engine, 2).await;
    // the tenth is the last of those that are forgotten
    let tenth = stays.cursor.unwrap().position;
    let forget = event::Entity::delete_many().filter(event::Column::Position.lte(tenth));
    forget.exec(app.app.db.writer()).await.unwrap();
    drop(held);
    stays.ticks([11]).await;
    let Told::Item(item) = back.next().await else { panic!("it is told that it missed something") };
    assert_eq!(item["__typename"], "StreamReset");
    back.snapshot().await;
    subscribed(&engine, 2).await;
    log(&app.app, TICKS, [12]).await;
    for follower in [&mut stays, &mut back] {
        follower.ticks([12]).await;
    }
    assert_eq!(engine.counts().resets, 1);
}

async fn nobody_waits_for_one_who_comes_back_after_the_other(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::<Faults>::default();
    let (engine, mut stays, cursor) = a_group_that_is_busy(&app.app, &faults).await;
    let later = EventCursor { position: cursor.position + 2, ..cursor };
    let held = faults.held.write().await;
    log(&app.app, TICKS, [11]).await;
    until(|| async { faults.begun.load(Ordering::SeqCst) == 6 }).await;
    let mut first = partner(&engine, 3, TICKS, Some(later));
    subscribed(&engine, 2).await;
    // the group tells the first one what it missed, however long that takes: one who missed more reads that alone
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let mut second = partner(&engine, 4, TICKS, Some(cursor));
    until(|| async { faults.begun.load(Ordering::SeqCst) == 7 }).await;
    assert_eq!(engine.counts().subscriptions, 2);
    drop(held);
    first.ticks(8..=11).await;
    second.ticks(6..=11).await;
    stays.ticks([11]).await;
    subscribed(&engine, 3).await;
    log(&app.app, TICKS, [12]).await;
    for follower in [&mut stays, &mut first, &mut second] {
        follower.ticks([12]).await;
    }
}

async fn those_on_their_way_to_the_present_take_turns(shape: Shape) {
    let app = TestApp::start(shape).await;
    let faults = Arc::<Faults>::default();
    let engine = engine_with(&app.app, &faults);
    let turns = (app.app.config.database_connections as usize / 2).max(4);
    let gate = faults.gate.write().await;
    let mut followers: Vec<Follower> = (0..30).map(|number| partner(&engine, number, TICKS, None)).collect();
    let waiting = async |count: usize| until(|| async { engine.counts().waiting == i64::try_from(count).unwrap() }).await;
    waiting(30 - turns).await;
    until(|| async { faults.read.load(Ordering::SeqCst) == turns }).await;
    // what is no subscription has not to wait
    let mut query = partner(&engine, 50, "{ nothing }", None);
    assert_eq!((query.next().await, query.next().await), (Told::Item(Value::Bool(true)), Told::Complete));
    followers.pop();
    waiting(29 - turns).await;
    assert_eq!(faults.read.load(Ordering::SeqCst), turns, "whoever does not wait any more has no turn");
    drop(gate);
    for follower in &mut followers {
        follower.snapshot().await;
    }
    waiting(0).await;
}
