use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::event::Topic;
use sea_orm::IntoActiveModel as _;

use super::*;
use crate::app::App;
use crate::platform::jobs::tests::app;
use crate::platform::jobs::{Handlers, Worker};
use crate::platform::outbox::{self, NewEvent};

/// Logs an event for each of `numbers`, and has the relay give them positions.
async fn log(app: &App, numbers: impl IntoIterator<Item = u32>) {
    let tx = app.db.begin().await.unwrap();
    for number in numbers {
        let (id, at) = (app.ids.uuid(), app.clock.now());
        let event = NewEvent { id, kind: "test", topics: &[Topic::Platform], payload: &number, at };
        outbox::append(&tx, &event).await.unwrap();
    }
    tx.commit().await.unwrap();
    app.relay().step().await.unwrap();
}

/// Writes down what it is given, and has a job done for each; refuses what is divisible by ten as long as it is told to, and
/// breaks over what is divisible by a hundred.
#[derive(Clone)]
struct Scribe {
    start: Start,
    written: Arc<Mutex<Vec<u64>>>,
    refuses: Arc<AtomicBool>,
}

impl Scribe {
    fn new(start: Start) -> Self {
        Self { start, written: Arc::default(), refuses: Arc::default() }
    }

    fn written(&self) -> Vec<u64> {
        std::mem::take(&mut self.written.lock().unwrap())
    }
}

impl Reaction for Scribe {
    fn name(&self) -> &'static str {
        "scribe"
    }

    fn start(&self) -> Start {
        self.start
    }

    fn react<'a>(&'a self, tx: &'a Tx, events: &'a [Message]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for event in events {
                let number = event.payload.as_u64().unwrap();
                let (id, at, key) = (event.event_id, event.at, number.to_string());
                jobs::enqueue(tx, NewJob { id, kind: "written", key, payload: &number, run_at: at, at }).await?;
                assert!(!number.is_multiple_of(100) || !self.refuses.load(Ordering::Relaxed), "broken");
                if number.is_multiple_of(10) && self.refuses.load(Ordering::Relaxed) {
                    return Err(Error::from(sea_orm::DbErr::Custom("not this one".to_owned())));
                }
                self.written.lock().unwrap().push(number);
            }
            Ok(())
        })
    }
}

fn reader(app: &App, scribe: &Scribe) -> Reader {
    Consumers::default().with(scribe.clone()).readers(&app.db, &app.clock, &app.ids).remove(0)
}

/// Does the jobs of what `scribe` has set aside.
fn taker(app: &App, scribe: &Scribe) -> Worker {
    let (db, known) = (app.db.clone(), Consumers::default().with(scribe.clone()));
    app.worker(Handlers::default().with(SKIPPED, move |job| {
        let (db, known) = (db.clone(), known.clone());
        async move { known.take_skipped(&db, &job).await }
    }))
}

async fn waiting(app: &App) -> u64 {
    jobs::backlog(app.db.reader()).await.unwrap().waiting
}

#[tokio::test]
async fn every_event_is_taken_once_in_its_order() {
    let (app, _folder) = app("consumers-order").await;
    log(&app, 1..=3).await;
    let scribe = Scribe::new(Start::Oldest);
    assert_eq!(reader(&app, &scribe).step(2).await.unwrap(), Read::Events(2));
    assert_eq!(lags(app.db.reader()).await.unwrap(), [("scribe".to_owned(), 1)]);
    // another instance goes on where the first one was
    let other = reader(&app, &scribe);
    assert_eq!(other.step(2).await.unwrap(), Read::Events(1));
    assert_eq!(other.step(2).await.unwrap(), Read::Nothing);
    assert_eq!((scribe.written(), waiting(&app).await), (vec![1, 2, 3], 3));
}

#[tokio::test]
async fn a_new_consumer_may_begin_with_what_comes() {
    let (app, _folder) = app("consumers-next").await;
    log(&app, 1..=3).await;
    let scribe = Scribe::new(Start::Next);
    assert_eq!(reader(&app, &scribe).step(9).await.unwrap(), Read::Nothing);
    log(&app, 4..=5).await;
    assert_eq!(reader(&app, &scribe).step(9).await.unwrap(), Read::Events(2));
    assert_eq!(scribe.written(), [4, 5]);
}

#[tokio::test]
async fn what_fails_leaves_nothing_behind_and_is_taken_again() {
    let (app, _folder) = app("consumers-again").await;
    log(&app, 9..=11).await;
    let scribe = Scribe::new(Start::Oldest);
    scribe.refuses.store(true, Ordering::Relaxed);
    reader(&app, &scribe).step(9).await.unwrap_err();
    assert_eq!(waiting(&app).await, 0, "the job of the first was rolled back");
    scribe.refuses.store(false, Ordering::Relaxed);
    scribe.written();
    assert_eq!(reader(&app, &scribe).step(9).await.unwrap(), Read::Events(3));
    assert_eq!((scribe.written(), waiting(&app).await), (vec![9, 10, 11], 3));
}

#[tokio::test]
async fn an_event_that_cannot_be_taken_keeps_no_other_waiting_and_is_not_lost() {
    let (app, _folder) = app("consumers-poison").await;
    log(&app, [99, 100, 110, 111]).await;
    let scribe = Scribe::new(Start::Oldest);
    scribe.refuses.store(true, Ordering::Relaxed);
    let (reader, mut trouble) = (reader(&app, &scribe), Trouble::default());
    while reader.turn(&mut trouble).await != POLL {}
    let written = scribe.written();
    assert!(!written.contains(&100) && !written.contains(&110) && written.ends_with(&[111]), "{written:?}");

    let worker = taker(&app, &scribe);
    assert_eq!(worker.sweep().await.unwrap(), 2, "they are tried");
    assert!(scribe.written().is_empty(), "and refused again");
    scribe.refuses.store(false, Ordering::Relaxed);
    let tx = app.db.begin().await.unwrap();
    entity::job::Entity::update_many()
        .col_expr(entity::job::Column::RunAt, Expr::value(app.clock.now()))
        .exec(&*tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    worker.sweep().await.unwrap();
    let mut written = scribe.written();
    written.sort_unstable();
    assert_eq!(written, [100, 110]);
    assert_eq!(skipped::Entity::find().all(app.db.reader()).await.unwrap(), []);
}

#[tokio::test]
async fn those_before_and_after_an_event_that_cannot_be_taken_wait_for_its_own_attempts_alone() {
    let (app, _folder) = app("consumers-pauses").await;
    log(&app, (1..=9).chain(11..=20).chain(21..=29)).await;
    let scribe = Scribe::new(Start::Oldest);
    scribe.refuses.store(true, Ordering::Relaxed);
    let (reader, mut trouble, mut pauses) = (reader(&app, &scribe), Trouble::default(), 0);
    loop {
        match reader.turn(&mut trouble).await {
            PAUSE => pauses += 1,
            POLL => break,
            pause => assert_eq!(pause, Duration::ZERO),
        }
    }
    // after the batch, and between its attempts
    assert_eq!(pauses, ATTEMPTS);
    let written = scribe.written();
    assert!(written.ends_with(&(21..=29).collect::<Vec<_>>()), "{written:?}");
}

#[tokio::test]
async fn nothing_is_set_aside_where_another_instance_has_come_further() {
    let (app, _folder) = app("consumers-further").await;
    log(&app, 1..=2).await;
    let scribe = Scribe::new(Start::Oldest);
    let (one, other) = (reader(&app, &scribe), reader(&app, &scribe));
    assert_eq!(other.step(1).await.unwrap(), Read::Events(1));
    assert!(one.skip(0).await, "it is not in the way any more");
    assert_eq!(skipped::Entity::find().all(app.db.reader()).await.unwrap(), []);
    assert_eq!(one.step(9).await.unwrap(), Read::Events(1));
}

#[tokio::test]
async fn an_event_set_aside_is_taken_once_however_often_its_job_is_done() {
    let (app, _folder) = app("consumers-once").await;
    log(&app, [10]).await;
    let scribe = Scribe::new(Start::Oldest);
    let reader = reader(&app, &scribe);
    reader.begin(0).await.unwrap();
    assert!(reader.skip(0).await);
    let consumers = Consumers::default().with(scribe.clone());
    let job = entity::job::Entity::find().one(app.db.reader()).await.unwrap().unwrap();
    for _ in 0..2 {
        let handled = Arc::new(Mutex::new(Vec::new()));
        let (db, known, outcome) = (app.db.clone(), consumers.clone(), Arc::clone(&handled));
        let handlers = Handlers::default().with(SKIPPED, move |job| {
            let (db, known, outcome) = (db.clone(), known.clone(), Arc::clone(&outcome));
            async move {
                // by two at once, each of which finds it
                let (one, two) = tokio::join!(known.take_skipped(&db, &job), known.take_skipped(&db, &job));
                outcome.lock().unwrap().extend([one.clone(), two]);
                one
            }
        });
        app.worker(handlers).sweep().await.unwrap();
        assert_eq!(*handled.lock().unwrap(), [Ok(()), Ok(())]);
        // as though its worker had died before the end was written down
        let again = job.clone().into_active_model();
        entity::job::Entity::insert(again).exec_without_returning(app.db.writer()).await.unwrap();
    }
    assert_eq!(scribe.written(), [10]);
}

#[tokio::test]
async fn an_event_set_aside_can_be_taken_when_the_log_has_it_no_more() {
    let (app, _folder) = app("consumers-late").await;
    log(&app, [10]).await;
    let logged = event::Entity::find().one(app.db.reader()).await.unwrap().unwrap();
    let scribe = Scribe::new(Start::Oldest);
    let reader = reader(&app, &scribe);
    reader.begin(0).await.unwrap();
    assert!(reader.skip(0).await);
    assert_eq!(age(&app, 49).await, 0, "the log is cleared");
    let untaken = async || {
        let select = select_untaken(scribe.name(), &logged.kind, ["order", "id"], app.db.backend());
        app.db.reader().query_all(&select).await.unwrap().len()
    };
    assert_eq!(untaken().await, 1, "sums are corrected by it all the same");
    taker(&app, &scribe).sweep().await.unwrap();
    assert_eq!(scribe.written(), [10]);
    assert_eq!((untaken().await, waiting(&app).await), (0, 1), "what it led to waits, and nothing else");
}

/// Lets all events be so many hours old, and clears up; how many are left.
async fn age(app: &App, hours: i64) -> usize {
    let at = app.clock.now() - chrono::TimeDelta::hours(hours);
    event::Entity::update_many().col_expr(event::Column::At, Expr::value(at)).exec(app.db.writer()).await.unwrap();
    app.retention().sweep().await.unwrap();
    event::Entity::find().all(app.db.reader()).await.unwrap().len()
}

#[tokio::test]
async fn events_are_kept_until_they_are_published() {
    let (app, _folder) = app("consumers-unpublished").await;
    log(&app, 1..=4).await;
    let published = entity::relay::Entity::update_many().col_expr(entity::relay::Column::Published, Expr::value(2));
    published.exec(app.db.writer()).await.unwrap();
    assert_eq!(age(&app, 24 * 10).await, 2, "however old they are");
}

#[tokio::test]
async fn events_are_kept_for_a_consumer_that_has_not_taken_them() {
    let (app, _folder) = app("consumers-kept").await;
    log(&app, 1..=4).await;
    let scribe = Scribe::new(Start::Oldest);
    reader(&app, &scribe).step(2).await.unwrap();
    assert_eq!(age(&app, 49).await, 2, "what was taken goes after its time");
    assert_eq!(age(&app, 24 * 10).await, 0, "the rest goes in the end");
}
