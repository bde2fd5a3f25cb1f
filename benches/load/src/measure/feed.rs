//! One feed with many subscribers: memory, throughput, and what a message costs, for the server and for the broadcaster.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use rustix::process::Signal;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::{Bench, complain, memory, say};
use crate::api::{Api, Metrics, People};
use crate::clock::now_us;
use crate::crowd::{Crowd, Seen};
use crate::process::Guarded;
use crate::report::{Bare, Delivery, Executions, Feed};
use crate::server::Server;
use crate::stats::{each, per_second};
use crate::{Outcome, proc_fs};

/// Orders placed at once.
const PLACERS: usize = 8;

/// Fewest and most orders of a row.
const EVENTS: (usize, usize) = (20, 2000);

/// Most orders that are placed without subscribers, to know what an order costs by itself.
const MOST_ALONE: usize = 300;

/// Measures the feed with `sockets` subscribers.
///
/// # Errors
/// When a server or the crowd fails.
pub(super) async fn measure(bench: &Bench, sockets: usize) -> Outcome<Feed> {
    say(&format!("{sockets} sockets: the server"));
    let site = bench.program.embedded()?;
    let people = site.people().await?;
    let server = site.start()?;
    let api = Api::new(server.addr());
    bench.warm_up(&[&server], &api, &people, sockets).await?;
    let before = memory(&[&server]).await?;
    let (mut crowd, opened) = bench.open(&[&server], &people, sockets).await?;
    let memory_each = each_socket(before, memory(&[&server]).await?, opened.open);

    let events = (bench.options.messages / sockets.max(1)).clamp(EVENTS.0, EVENTS.1);
    let metrics = api.metrics().await?;
    let profile = profile(bench, &server, sockets)?;
    let run = Run::begin(&mut crowd, &server).await?;
    place(&api, &people, events).await?;
    let (mut delivery, sample) = run.end(&mut crowd, &server, events, opened.open).await?;
    drop(profile);
    let executions = executions(&metrics, &api.metrics().await?);
    drop(crowd);
    wait_for_silence(&api).await?;

    let order_us = cost_of_an_order(&api, &people, &server, events.min(MOST_ALONE)).await?;
    delivery.own_us_each = delivery.cpu_us_each - each(order_us * count(events), delivery.messages);
    drop(server);

    say(&format!("{sockets} sockets: the broadcaster"));
    let bare = bare(bench, sockets, events, &sample, delivery.events_per_second).await?;
    Ok(Feed {
        sockets: opened.open,
        failed: opened.failed,
        message_bytes: sample.len(),
        memory_each,
        delivery,
        order_us,
        executions,
        ratio: each(delivery.own_us_each, 1) / bare.same_rate.cpu_us_each,
        bare,
    })
}

/// The same sockets, payload and number of events at the broadcaster: at the server's rate, then as fast as it can.
async fn bare(bench: &Bench, sockets: usize, events: usize, payload: &str, rate: f64) -> Outcome<Bare> {
    let server = Server::broadcaster()?;
    let api = Api::new(server.addr());
    let nobody = People::nobody();
    drop(bench.open(&[&server], &nobody, super::WARM_UP.min(sockets)).await?);
    let before = memory(&[&server]).await?;
    let (mut crowd, opened) = bench.open(&[&server], &nobody, sockets).await?;
    let memory_each = each_socket(before, memory(&[&server]).await?, opened.open);
    let pause = Duration::from_secs_f64(if rate > 0.0 { 1.0 / rate } else { 0.0 });
    let mut deliveries = Vec::new();
    for pause in [pause, Duration::ZERO] {
        let run = Run::begin(&mut crowd, &server).await?;
        publish(&api, payload, events, pause).await?;
        let (delivery, _) = run.end(&mut crowd, &server, events, opened.open).await?;
        deliveries.push(delivery);
    }
    match deliveries[..] {
        [same_rate, flat_out] => Ok(Bare { memory_each, same_rate, flat_out }),
        _ => Err("two runs are two deliveries".into()),
    }
}

/// What was used before events were caused.
struct Run {
    /// Processor time of the server, in microseconds.
    server: u64,
    /// Processor time of the clients, in microseconds.
    crowd: u64,
    /// The time, in microseconds since 1970.
    begin: i64,
}

impl Run {
    async fn begin(crowd: &mut Crowd, server: &Server) -> Outcome<Self> {
        crowd.begin(false).await?;
        Ok(Self { server: proc_fs::cpu_us(server.pid())?, crowd: crowd.cpu_us()?, begin: now_us() })
    }

    /// Waits until `sockets` have all of the `events`, which were caused by now.
    async fn end(self, crowd: &mut Crowd, server: &Server, events: usize, sockets: u64) -> Outcome<(Delivery, String)> {
        let caused_us = now_us() - self.begin;
        let seen = crowd.seen(u32::try_from(events)?).await?;
        let cpu_us = proc_fs::cpu_us(server.pid())? - self.server;
        let crowd_us = crowd.cpu_us()? - self.crowd;
        complain(&seen, events, usize::try_from(sockets)?);
        let Seen { messages, last_us, sample, .. } = seen;
        let cpu_us_each = each(count_u64(cpu_us), messages);
        let delivery = Delivery {
            events: events as u64,
            messages,
            expected: sockets * events as u64,
            microseconds: last_us - self.begin,
            events_per_second: per_second(events as u64, caused_us),
            messages_per_second: per_second(messages, last_us - self.begin),
            cpu_us_each,
            own_us_each: cpu_us_each,
            client_us_each: each(count_u64(crowd_us), messages),
        };
        Ok((delivery, sample.ok_or("no event arrived")?))
    }
}

/// Places `events` orders as fast as the server takes them.
async fn place(api: &Api, people: &People, events: usize) -> Outcome {
    let people = Arc::new(people.clone());
    let mut placers = JoinSet::new();
    for number in 0..PLACERS {
        let (api, people) = (api.clone(), Arc::clone(&people));
        let share = events / PLACERS + usize::from(number < events % PLACERS);
        placers.spawn(async move {
            for _ in 0..share {
                api.offer(&people).await?;
            }
            Outcome::Ok(())
        });
    }
    while let Some(done) = placers.join_next().await {
        done??;
    }
    Ok(())
}

/// Has the broadcaster send `payload` so many times, with a pause after each.
async fn publish(api: &Api, payload: &str, events: usize, pause: Duration) -> Outcome {
    let mut ticks = interval(pause.max(Duration::from_nanos(1)));
    // what came late is not made up for: the server was not asked to either
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..events {
        if !pause.is_zero() {
            ticks.tick().await;
        }
        api.send(Method::POST, "/publish", None, payload.to_owned()).await?;
    }
    Ok(())
}

/// Processor time of the server for an order that nobody hears of, in microseconds.
async fn cost_of_an_order(api: &Api, people: &People, server: &Server, orders: usize) -> Outcome<f64> {
    let before = proc_fs::cpu_us(server.pid())?;
    place(api, people, orders).await?;
    Ok(each(count_u64(proc_fs::cpu_us(server.pid())? - before), orders as u64))
}

/// Waits, for a while, until the server has noticed that all sockets have gone.
async fn wait_for_silence(api: &Api) -> Outcome {
    for _ in 0..100 {
        if api.metrics().await?.sum("quick_commerce_websocket_connections").is_none_or(|sockets| sockets < 1.0) {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// What the server says that it executed between `before` and `after`.
fn executions(before: &Metrics, after: &Metrics) -> Option<Executions> {
    let grown = |name: &str| Some(after.sum(name)? - before.sum(name)?);
    Some(Executions {
        events: grown("quick_commerce_stream_events_total")?,
        done: grown("quick_commerce_stream_executions_total")?,
        messages: grown("quick_commerce_stream_messages_total")?,
        groups: after.sum("quick_commerce_stream_groups")?,
        subscriptions: after.sum("quick_commerce_stream_subscriptions")?,
    })
}

/// Begins to record a profile of `server`, if that is wanted; it is written when this is dropped.
fn profile(bench: &Bench, server: &Server, sockets: usize) -> Outcome<Option<Guarded>> {
    let Some(folder) = &bench.options.perf else { return Ok(None) };
    std::fs::create_dir_all(folder)?;
    let file = folder.join(format!("{sockets}-sockets.data"));
    let mut perf = Command::new("perf");
    perf.args(["record", "--quiet", "--freq", "499", "-g", "--pid", &server.pid().to_string(), "--output"]).arg(file);
    Guarded::spawn(&mut perf, Signal::INT).map(Some)
}

/// Bytes for each of `sockets`, between `before` and `after`.
fn each_socket(before: u64, after: u64, sockets: u64) -> f64 {
    each(count_u64(after.saturating_sub(before)), sockets)
}

#[expect(clippy::cast_precision_loss, reason = "what is counted here is far below 2^53")]
const fn count(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "what is counted here is far below 2^53")]
pub(super) const fn count_u64(number: u64) -> f64 {
    number as f64
}
