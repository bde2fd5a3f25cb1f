use std::sync::Mutex;

use super::*;
use crate::app::{Ambient, App};
use crate::config::Config;
use crate::platform::clock::Clock;
use crate::platform::ids::Entropy;

/// A folder that goes when this does.
pub(crate) struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An application over a database of its own, in a folder that `name` is in the name of.
pub(crate) async fn app(name: &str) -> (App, Folder) {
    let folder = Folder(std::env::temp_dir().join(format!("qc-jobs-{name}-{}", std::process::id())));
    let url = format!("sqlite://{}/test.db", folder.0.display());
    let config = Config::load(None, |setting| (setting == "DATABASE_URL").then(|| url.clone())).unwrap();
    let ambient = Ambient { clock: Clock::system(), entropy: Entropy::seeded(7), ..Ambient::default() };
    let app = App::build(config, ambient).await.unwrap();
    app.migrate().await.unwrap();
    (app, folder)
}

async fn write(app: &App, key: &str, number: i32) {
    let tx = app.db.begin().await.unwrap();
    let at = app.clock.now();
    let job = NewJob { id: app.ids.uuid(), kind: "test", key: key.to_owned(), payload: &number, run_at: at, at };
    enqueue(&tx, job).await.unwrap();
    tx.commit().await.unwrap();
}

fn worker(app: &App, handlers: Handlers) -> Worker {
    Worker::new(app.db.clone(), app.clock.clone(), app.ids.clone(), handlers, app.jobs.clone())
}

#[tokio::test]
async fn a_job_is_done_once_and_is_gone() {
    let (app, _folder) = app("once").await;
    let done = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&done);
    let handlers = Handlers::default().with("test", move |job| {
        let heard = Arc::clone(&heard);
        async move {
            heard.lock().unwrap().push((job.key.clone(), job.payload::<i32>()?));
            Ok(())
        }
    });
    write(&app, "a", 0).await;
    // one of a key at a time: the later one
    write(&app, "a", 1).await;
    write(&app, "b", 3).await;
    let worker = worker(&app, handlers);
    assert_eq!(worker.sweep().await.unwrap(), 2);
    assert_eq!(*done.lock().unwrap(), [("a".to_owned(), 1), ("b".to_owned(), 3)]);
    assert_eq!(backlog(app.db.reader()).await.unwrap(), Backlog { waiting: 0, dead: 0 });
    write(&app, "a", 4).await;
    assert_eq!(worker.sweep().await.unwrap(), 1, "the key is free again");
    assert_eq!((app.jobs.done(), app.jobs.failed()), (3, 0));
}

#[tokio::test]
async fn what_is_asked_for_while_it_is_done_is_done_again() {
    let (app, _folder) = app("again").await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (heard, during) = (Arc::clone(&seen), app.clone());
    let handlers = Handlers::default().with("test", move |job| {
        let (heard, app) = (Arc::clone(&heard), during.clone());
        async move {
            let number = job.payload::<i32>()?;
            heard.lock().unwrap().push(number);
            if number == 1 {
                write(&app, "a", 2).await;
            }
            Ok(())
        }
    });
    write(&app, "a", 1).await;
    assert_eq!(worker(&app, handlers).sweep().await.unwrap(), 2);
    assert_eq!(*seen.lock().unwrap(), [1, 2]);
    assert_eq!(backlog(app.db.reader()).await.unwrap(), Backlog { waiting: 0, dead: 0 });
}

#[tokio::test]
async fn what_was_given_up_is_done_when_somebody_says_so() {
    let (app, _folder) = app("revived").await;
    let mended = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let handlers = Handlers::default().with("test", move |_| {
        let outcome = if is_mended.load(Ordering::Relaxed) { Ok(()) } else { Err(Failure::Final("broken".to_owned())) };
        async move { outcome }
    });
    let worker = worker(&app, handlers);
    for (key, number) in [("a", 1), ("b", 2), ("c", 3)] {
        write(&app, key, number).await;
    }
    assert_eq!(worker.sweep().await.unwrap(), 3);
    let keys: Vec<String> = list_dead(app.db.reader()).await.unwrap().into_iter().map(|job| job.key).collect();
    assert_eq!((keys.len(), worker.sweep().await.unwrap()), (3, 0));
    mended.store(true, Ordering::Relaxed);
    // by asking for it anew
    write(&app, "a", 1).await;
    assert_eq!(worker.sweep().await.unwrap(), 1);
    let revived = async |kind| {
        let tx = app.db.begin().await.unwrap();
        let revived = revive(&tx, Dead { id: None, kind }, app.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        revived
    };
    assert_eq!((revived(Some("another")).await, worker.sweep().await.unwrap()), (0, 0));
    assert_eq!((revived(Some("test")).await, worker.sweep().await.unwrap()), (2, 2));
    assert_eq!(backlog(app.db.reader()).await.unwrap(), Backlog { waiting: 0, dead: 0 });
    assert_eq!(revived(None).await, 0);
}

#[tokio::test]
async fn what_fails_may_come_back_with_another_payload() {
    let (app, _folder) = app("payload").await;
    let handlers = Handlers::default().with("test", async |job| match job.payload::<i32>()? {
        0 => Err(Failure::again_with("once more".to_owned(), &1)),
        _ => Ok(()),
    });
    let worker = worker(&app, handlers);
    write(&app, "a", 0).await;
    assert_eq!(worker.sweep().await.unwrap(), 1);
    app.clock.advance(std::time::Duration::from_secs(2));
    assert_eq!(worker.sweep().await.unwrap(), 1);
    assert_eq!(backlog(app.db.reader()).await.unwrap(), Backlog { waiting: 0, dead: 0 });
}

#[tokio::test]
async fn what_waits_for_others_is_looked_at_as_often_as_it_takes() {
    let (app, _folder) = app("waits").await;
    let handlers = Handlers::default().with("test", async |job| {
        assert_eq!(job.attempt, 1, "it did not fail");
        match job.payload::<i32>()? {
            number if number <= 2 * Schedule::USUAL.attempts => {
                Err(Failure::later("not yet".to_owned(), &(number + 1), chrono::TimeDelta::hours(1)))
            }
            _ => Ok(()),
        }
    });
    let worker = worker(&app, handlers);
    write(&app, "a", 1).await;
    for _ in 1..=2 * Schedule::USUAL.attempts {
        assert_eq!(worker.sweep().await.unwrap(), 1);
        app.clock.advance(std::time::Duration::from_mins(59));
        assert_eq!(worker.sweep().await.unwrap(), 0, "it is not due yet");
        assert_eq!(backlog(app.db.reader()).await.unwrap(), Backlog { waiting: 1, dead: 0 });
        app.clock.advance(std::time::Duration::from_mins(2));
    }
    assert_eq!(worker.sweep().await.unwrap(), 1);
    assert_eq!(backlog(app.db.reader()).await.unwrap(), Backlog { waiting: 0, dead: 0 });
    assert_eq!((app.jobs.done(), app.jobs.failed()), (1, 0));
}

#[tokio::test]
async fn what_fails_comes_back_later_until_it_is_given_up() {
    let (app, _folder) = app("fails").await;
    let handlers = Handlers::default().with("test", async |_| Err(Failure::Again("no".to_owned())));
    let worker = worker(&app, handlers);
    write(&app, "a", 1).await;
    for attempt in 1..=Schedule::USUAL.attempts {
        assert_eq!(worker.sweep().await.unwrap(), 1, "attempt {attempt}");
        assert_eq!(worker.sweep().await.unwrap(), 0, "not at once again");
        app.clock.advance(std::time::Duration::from_mins(30));
    }
    assert_eq!(worker.sweep().await.unwrap(), 0);
    assert_eq!(backlog(app.db.reader()).await.unwrap(), Backlog { waiting: 0, dead: 1 });
    let dead = job::Entity::find().one(app.db.reader()).await.unwrap().unwrap();
    assert_eq!((dead.attempts, dead.last_error.as_deref()), (Schedule::USUAL.attempts, Some("no")));
}

#[tokio::test]
async fn what_never_will_be_done_is_given_up_at_once_and_a_panic_is_a_failure() {
    let (app, _folder) = app("final").await;
    let handlers = Handlers::default().with("test", async |job| match job.payload::<i32>()? {
        0 => panic!("broken"),
        _ => Err(Failure::Final("never".to_owned())),
    });
    write(&app, "panics", 0).await;
    write(&app, "never", 1).await;
    assert_eq!(worker(&app, handlers).sweep().await.unwrap(), 2);
    assert_eq!(backlog(app.db.reader()).await.unwrap(), Backlog { waiting: 1, dead: 1 });
}

#[tokio::test]
async fn jobs_of_a_kind_that_nobody_here_knows_are_left_alone() {
    let (app, _folder) = app("unknown").await;
    write(&app, "a", 1).await;
    assert_eq!(worker(&app, Handlers::default()).sweep().await.unwrap(), 0);
    assert_eq!(backlog(app.db.reader()).await.unwrap().waiting, 1);
}

/// Has a worker take the only job, and die in the middle of it: the future is dropped once the job is taken.
async fn die_in_the_middle(app: &App) {
    let find = async || job::Entity::find().one(app.db.reader()).await.unwrap().unwrap();
    let before = find().await.attempts;
    let stuck = worker(app, Handlers::default().with("test", async |_| std::future::pending().await));
    let mut dying = Box::pin(stuck.sweep());
    let taken = async {
        while find().await.attempts == before {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = &mut dying => unreachable!("it never ends"),
        () = taken => {}
    }
}

#[tokio::test]
async fn the_job_of_a_worker_that_died_is_taken_over_when_its_lease_ends() {
    let (app, _folder) = app("lease").await;
    write(&app, "a", 1).await;
    die_in_the_middle(&app).await;
    let heir = worker(&app, Handlers::default().with("test", async |_| Ok(())));
    assert_eq!(heir.sweep().await.unwrap(), 0, "the lease lasts");
    app.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(heir.sweep().await.unwrap(), 1);
    assert_eq!(backlog(app.db.reader()).await.unwrap().waiting, 0);
}

#[tokio::test]
async fn an_attempt_in_which_the_worker_died_is_not_counted() {
    const TWICE: Schedule = Schedule { attempts: 2, pause: |attempt| chrono::TimeDelta::minutes(attempt.into()) };
    let (app, _folder) = app("uncounted").await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&seen);
    let failing = worker(
        &app,
        Handlers::default().with_schedule("test", TWICE, move |job| {
            heard.lock().unwrap().push(job.attempt);
            async { Err(Failure::Again("no".to_owned())) }
        }),
    );
    write(&app, "a", 1).await;
    for is_last in [false, true] {
        for _ in 0..2 {
            die_in_the_middle(&app).await;
            app.clock.advance(std::time::Duration::from_mins(2));
        }
        assert_eq!(backlog(app.db.reader()).await.unwrap(), Backlog { waiting: 1, dead: 0 });
        assert_eq!(failing.sweep().await.unwrap(), 1);
        assert_eq!(backlog(app.db.reader()).await.unwrap().dead, u64::from(is_last));
        app.clock.advance(std::time::Duration::from_mins(2));
    }
    assert_eq!(*seen.lock().unwrap(), [1, 2]);
}

#[tokio::test]
async fn what_kills_every_worker_that_tries_it_is_given_up() {
    let (app, _folder) = app("poison").await;
    write(&app, "a", 1).await;
    let heir = worker(&app, Handlers::default().with("test", async |_| Ok(())));
    // as often as it is tried at all, and five times more
    for _ in 0..Schedule::USUAL.attempts + 5 {
        assert_eq!(backlog(app.db.reader()).await.unwrap(), Backlog { waiting: 1, dead: 0 });
        die_in_the_middle(&app).await;
        app.clock.advance(std::time::Duration::from_mins(2));
    }
    assert_eq!((heir.sweep().await.unwrap(), app.jobs.done()), (1, 0), "it is not tried again");
    assert_eq!(backlog(app.db.reader()).await.unwrap(), Backlog { waiting: 0, dead: 1 });
    let dead = list_dead(app.db.reader()).await.unwrap().swap_remove(0);
    assert!(dead.last_error.unwrap().contains("died"));
}

#[tokio::test]
async fn what_stands_behind_many_of_a_group_without_a_hand_left_is_done() {
    let (app, _folder) = app("behind").await;
    let is_done = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&is_done);
    let handlers = Handlers::default().with("test", move |job| {
        let told = Arc::clone(&told);
        async move {
            if job.payload::<i32>()? == 0 {
                std::future::pending::<()>().await;
            }
            told.notify_one();
            Ok(())
        }
    });
    let hands = Hands { all: 2, of_group: 1, shared: 0 };
    let (tx, at) = (app.db.begin().await.unwrap(), app.clock.now());
    let new =
        |key: &str, payload, run_at| NewJob { id: app.ids.uuid(), kind: "test", key: key.to_owned(), payload, run_at, at };
    let silent = (0..600).map(|number| new(&number.to_string(), &0, at - chrono::TimeDelta::seconds(1)));
    enqueue_all(&tx, Some("silent"), silent).await.unwrap();
    enqueue_all(&tx, Some("other"), [new("other", &1, at)]).await.unwrap();
    tx.commit().await.unwrap();
    let working = tokio::spawn(worker(&app, handlers).with_hands(hands).run(tokio_util::sync::CancellationToken::new()));
    let done = tokio::time::timeout(Duration::from_secs(20), is_done.notified()).await;
    working.abort();
    done.expect("the other's turn comes");
}
