//! From commit to receipt, at a moderate rate, while other requests are answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::{Bench, complain, say};
use crate::Outcome;
use crate::api::{Api, People};
use crate::clock::now_us;
use crate::report::Latency;
use crate::server::Server;
use crate::stats::{Delays, per_second};

/// Clients that send other requests.
const WORKERS: u32 = 4;

/// Measures with subscribers and orders at one embedded instance.
///
/// # Errors
/// When a server or the crowd fails.
pub(super) async fn on_one(bench: &Bench) -> Outcome<Latency> {
    say("latency on one instance");
    let site = bench.program.embedded()?;
    let people = site.people().await?;
    let server = site.start()?;
    measure(bench, "one instance, SQLite", people, &server, &server).await
}

/// Measures with orders at one instance, and all subscribers at another.
///
/// # Errors
/// When a server, a database or the crowd fails.
pub(super) async fn across(bench: &Bench) -> Outcome<Latency> {
    say("latency across two instances");
    let site = bench.shared()?;
    let people = site.people().await?;
    let (orders, subscribers) = (site.start()?, site.start()?);
    measure(bench, "two instances, PostgreSQL and Redis", people, &orders, &subscribers).await
}

async fn measure(
    bench: &Bench,
    shape: &'static str,
    people: People,
    orders: &Server,
    subscribers: &Server,
) -> Outcome<Latency> {
    let options = &bench.options;
    let api = Api::new(orders.addr());
    let people = Arc::new(people);
    let sockets = options.latency_sockets.min(bench.machine.room());
    bench.warm_up(&[subscribers], &api, &people, sockets).await?;
    let (mut crowd, opened) = bench.open(&[subscribers], &people, sockets).await?;
    crowd.begin(true).await?;

    let (done, begun_us) = (Answers::default(), now_us());
    let other = other_work(&[api.clone(), api.at(subscribers.addr())], &people, options.work, &done);
    let answered = place(&api, &people, options.rate, options.rate * options.seconds).await?;
    let work_per_second = per_second(done.count() as u64, now_us() - begun_us);
    let seen = crowd.seen(u32::try_from(answered.len())?).await?;
    drop(other);
    complain(&seen, answered.len(), usize::try_from(opened.open)?);

    let (mut from_commit, mut from_answer) = (Vec::new(), Vec::new());
    for event in seen.events {
        from_commit.extend_from_slice(&event.delays);
        if let Some(answered_us) = answered.get(&event.order) {
            from_answer.extend(event.delays.iter().map(|delay| event.at_us + delay - answered_us));
        }
    }
    Ok(Latency {
        shape,
        sockets: opened.open,
        failed: opened.failed,
        orders_per_second: options.rate,
        work_per_second,
        expected: opened.open * answered.len() as u64,
        from_commit: Delays::of(from_commit),
        from_answer: Delays::of(from_answer),
    })
}

/// Places `count` orders at `rate` a second, however long each takes; when each was answered, by its id.
async fn place(api: &Api, people: &Arc<People>, rate: u32, count: u32) -> Outcome<HashMap<String, i64>> {
    let mut ticks = interval(Duration::from_secs(1) / rate.max(1));
    let mut placing = JoinSet::new();
    for _ in 0..count {
        ticks.tick().await;
        let (api, people) = (api.clone(), Arc::clone(people));
        placing.spawn(async move {
            let id = api.offer(&people).await?;
            Outcome::Ok((id, now_us()))
        });
    }
    let mut answered = HashMap::new();
    while let Some(placed) = placing.join_next().await {
        let (id, at_us) = placed??;
        answered.insert(id, at_us);
    }
    Ok(answered)
}

/// When requests were sent that were answered, and how long that took, in microseconds; a clone is another handle to the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers(Arc<Mutex<Vec<(i64, i64)>>>);

impl Answers {
    fn note(&self, sent_us: i64) {
        self.answers().push((sent_us, now_us() - sent_us));
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.answers().len()
    }

    /// How long those took that were sent before `until_us`. None are kept.
    pub(super) fn take(&self, until_us: i64) -> Vec<i64> {
        let answers = std::mem::take(&mut *self.answers());
        answers.into_iter().filter(|(sent_us, _)| *sent_us < until_us).map(|(_, took_us)| took_us).collect()
    }

    fn answers(&self) -> MutexGuard<'_, Vec<(i64, i64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends `rate` other requests a second to `apis` in turn, until what is returned is dropped; those answered are in `done`.
pub(super) fn other_work(apis: &[Api], people: &Arc<People>, rate: u32, done: &Answers) -> JoinSet<Outcome> {
    let mut workers = JoinSet::new();
    if rate == 0 {
        return workers;
    }
    for (number, api) in (0..WORKERS).zip(apis.iter().cycle().cloned()) {
        let (people, done) = (Arc::clone(people), done.clone());
        workers.spawn(async move {
            let mut ticks = interval(Duration::from_secs(1) * WORKERS / rate);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for turn in number as usize.. {
                ticks.tick().await;
                let sent_us = now_us();
                if let Err(error) = api.other_work(&people, turn).await {
                    say(&format!("other work: {error}"));
                    return Err(error);
                }
                done.note(sent_us);
            }
            Ok(())
        });
    }
    workers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_belongs_to_when_it_was_sent_and_not_to_when_it_was_answered() {
        let answers = Answers::default();
        answers.note(100);
        answers.note(200);
        assert_eq!(answers.count(), 2);
        let took = answers.take(200);
        assert!(matches!(took[..], [took] if took > 200), "{took:?}");
        assert_eq!(answers.count(), 0);
    }
}
