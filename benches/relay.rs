//! How many events a second one relay numbers and publishes, beside how many those who cause them write down: it is
//! the one part of the log of which there is only one at a time.
//!
//! `cargo bench --bench relay -- postgres://… redis://…` with an empty database; without addresses, SQLite in a temporary file and the bus
//! within the process. Each event is of five topics and as long as an order's. First the writers write all of them down, each event in a
//! transaction of its own, and nobody relays; then the relay has all of them, and nobody writes. Prints a table; judges nothing.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use domain::event::Topic;
use futures_util::future::try_join_all;
use quick_commerce::app::App;
use quick_commerce::platform::outbox::{self, NewEvent};
use quick_commerce::platform::relay;
use serde_json::json;
use support::{Outcome, broken};

const EVENTS: u32 = 20_000;
const WRITERS: usize = 8;
/// Characters of what an event says: about as many as of an order with three products.
const LENGTH: usize = 700;
const RUNS: usize = 3;

fn main() -> Outcome {
    support::run("relay", measure)
}

async fn measure(app: &App) -> Outcome {
    println!("{EVENTS} events of five topics, written down by {WRITERS}, in {:?}\n", app.db.backend());
    println!("| run | written down a second | relayed a second | ratio |\n|---|---|---|---|");
    for run in 1..=RUNS {
        let began = Instant::now();
        let left = AtomicU32::new(EVENTS);
        try_join_all((0..WRITERS).map(|_| write(app, &left))).await?;
        let written = f64::from(EVENTS) / began.elapsed().as_secs_f64();
        let (relay, began) = (app.relay(), Instant::now());
        loop {
            relay.step().await.map_err(|error| broken(&error))?;
            if relay::outbox(app.db.reader()).await.map_err(|error| broken(&error))?.depth == 0 {
                break;
            }
        }
        let relayed = f64::from(EVENTS) / began.elapsed().as_secs_f64();
        println!("| {run} | {written:.0} | {relayed:.0} | {:.2} |", relayed / written);
    }
    Ok(())
}

/// Writes events down for as long as some are `left`.
async fn write(app: &App, left: &AtomicU32) -> Outcome {
    let payload = json!({ "order": "x".repeat(LENGTH) });
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let [order, customer, seller] = [(); 3].map(|()| app.ids.uuid());
        let topics =
            [Topic::Order(order), Topic::Customer(customer), Topic::Seller(seller), Topic::Platform, Topic::Available];
        let tx = app.db.begin().await.map_err(|error| broken(&error))?;
        let at = app.clock.now();
        let event = NewEvent { id: app.ids.uuid(), kind: "order.changed", topics: &topics, payload: &payload, at };
        outbox::append(&tx, &event).await.map_err(|error| broken(&error))?;
        tx.commit().await.map_err(|error| broken(&error))?;
    }
    Ok(())
}
