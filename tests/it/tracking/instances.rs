//! Where partners are, over several instances and a bus that fails.

use std::time::Duration;

use chrono::TimeDelta;
use domain::event::Topic;
use domain::id::{Kind, decode};
use quick_commerce::platform::bus::Bus;
use quick_commerce::platform::clock::Clock;
use quick_commerce::platform::newest::Newest;
use serde_json::json;
use uuid::Uuid;

use super::{follow, location, longitude, on_the_way, own_longitude, report, seen_at, try_report};
use crate::support::redis::Redis;
use crate::support::story::{claim, hand_over, ready_order, seller_with_product, step};
use crate::support::wait::until;
use crate::support::{TestCluster, actors::SET_AVAILABILITY, socket::End};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_followed_at_one_instance_hears_of_a_partner_at_another() {
    let cluster = TestCluster::start(2).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (shop, customer, partner) = tokio::join!(seller_with_product(here, 5, "40.00"), here.customer(), here.partner());
    let order = ready_order(&shop, &customer).await;
    let (mut updates, _) = follow(&customer.at(there), &order).await;
    claim(&partner, &order).await;
    updates.until(|item| item["order"]["status"] == "ASSIGNED").await;
    for at in [77.60, 77.61, 77.62] {
        report(&partner, at).await;
        seen_at(&mut updates, at).await;
        assert_eq!(own_longitude(&partner.at(there)).await, json!(at));
    }
    // what comes late at another instance does not turn it back
    let mut late = on_the_way(77.50);
    late["recordedAt"] = json!((cluster.clock.now() - TimeDelta::minutes(1)).to_rfc3339());
    try_report(&partner.at(there), late).await.ok("reportLocation");
    assert_eq!(*longitude(&location(&customer, &order).await), json!(77.62));
    partner.at(there).mutate(SET_AVAILABILITY, json!({ "available": false })).await.ok("setAvailability");
    updates.until(|item| item["location"].is_null()).await;
    report(&partner, 77.63).await;
    seen_at(&mut updates, 77.63).await;
    for status in ["PICKED_UP", "IN_TRANSIT"] {
        step(&partner, &order, status).await;
    }
    hand_over(&partner, &customer, &order).await;
    let (items, end) = updates.end().await;
    assert_eq!((&items.last().unwrap()["order"]["status"], end), (&json!("DELIVERED"), End::Complete));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_that_the_bus_lost_is_made_good() {
    let cluster = TestCluster::start(1).await;
    let here = &cluster[0];
    let (shop, customer, partner) = tokio::join!(seller_with_product(here, 5, "40.00"), here.customer(), here.partner());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let (mut updates, _) = follow(&customer, &order).await;
    report(&partner, 77.60).await;
    seen_at(&mut updates, 77.60).await;
    // a value that nobody was told of
    let mut redis = Redis::shared().await.connect().await;
    let topic = Topic::Location(decode(Kind::User, &partner.user_id).unwrap());
    let key = format!("{}:newest:{topic}", here.app.config.redis_prefix);
    let value: String = redis::cmd("GET").arg(&key).query_async(&mut redis).await.unwrap();
    let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut redis).await.unwrap();
    assert!(left > 0, "what is personal does not stay");
    let at = cluster.clock.now();
    let mut fix: serde_json::Value = serde_json::from_str(value.split_once(' ').unwrap().1).unwrap();
    (fix["recorded_at"], fix["point"]["longitude"]) = (json!(at), json!(77.8));
    let lost = format!("{} {fix}", at.timestamp_micros());
    redis::cmd("SET").arg(&key).arg(lost).arg("KEEPTTL").query_async::<()>(&mut redis).await.unwrap();
    seen_at(&mut updates, 77.8).await;
}

/// Redis takes what is written again when it is told to, so that the value is kept later than it was said: it is of when it was
/// kept, since that is one clock's word for every instance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_time_is_of_when_redis_took_it() {
    let redis = Redis::private().await;
    let mut connection = redis.connect().await;
    let clock = Clock::system();
    clock.advance(Duration::from_hours(1));
    let bus = Bus::redis(&redis.url(), "times").await.unwrap();
    let newest = Newest::new(bus, clock.clone(), Duration::from_mins(1));
    let topic = Topic::Location(Uuid::from_u128(7));
    let pause = redis::cmd("CLIENT").arg("PAUSE").arg(60_000).arg("WRITE").to_owned();
    pause.query_async::<()>(&mut connection).await.unwrap();
    let put = tokio::spawn({
        let newest = newest.clone();
        async move { newest.put(topic, None, "here".to_owned()).await }
    });
    until(|| async {
        let clients: String = redis::cmd("INFO").arg("clients").query_async(&mut connection.clone()).await.unwrap();
        !clients.contains("blocked_clients:0")
    })
    .await;
    let asked = clock.now();
    redis::cmd("CLIENT").arg("UNPAUSE").query_async::<()>(&mut connection).await.unwrap();
    assert!(put.await.unwrap().unwrap());
    let (at, value) = newest.list(&[topic]).await.unwrap().remove(0).unwrap();
    assert!((asked..=clock.now()).contains(&at) && value == "here", "{asked} {at}");
    assert!(!newest.put(topic, Some(asked), "there".to_owned()).await.unwrap(), "which was before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_goes_on_while_the_bus_is_away_and_once_it_is_back() {
    let cluster = TestCluster::start_on(Redis::shared().await, 2, |_| {}).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (shop, customer, partner) = tokio::join!(seller_with_product(here, 5, "40.00"), here.customer(), here.partner());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let (mut updates, _) = follow(&customer.at(there), &order).await;
    for (at, status) in [(77.60, "PICKED_UP"), (77.61, "IN_TRANSIT")] {
        report(&partner, at).await;
        seen_at(&mut updates, at).await;
        cluster.redis_network.down();
        assert_eq!(try_report(&partner, on_the_way(77.0)).await.code(), "INTERNAL", "nobody pretends to know it");
        step(&partner, &order, status).await;
        let item = updates.until(|item| item["order"]["status"] == status).await;
        assert!(item["location"].is_null(), "what cannot be asked is not known: {item}");
        cluster.redis_network.resume();
        until(|| async { try_report(&partner, on_the_way(at + 0.005)).await.errors().is_empty() }).await;
        seen_at(&mut updates, at + 0.005).await;
    }
    hand_over(&partner, &customer, &order).await;
    let (_, end) = updates.end().await;
    assert_eq!(end, End::Complete);
}
