//! What waits for endpoints that are slow, or fail: how much of it, what need not wait, and when it is too much.

use std::time::Duration;

use chrono::TimeDelta;
use entity::webhook_endpoint;
use sea_orm::sea_query::Expr;

use super::*;
use crate::support::over_both_shapes;
use crate::support::story::{place_order, seller_with_product, update_product};

over_both_shapes! {
    an_endpoint_that_works_is_not_paused_whatever_waits_for_it,
    what_waits_for_an_endpoint_that_fails_pauses_it_after_a_day_and_not_before,
    what_waits_for_an_endpoint_that_was_not_tried_for_days_does_not_pause_it,
    changes_of_the_inventory_hold_up_no_orders,
}

async fn start_bounded(shape: Shape, max_waiting: u64) -> TestApp {
    TestApp::start_with(shape, |config| {
        nearby(config);
        config.webhooks.max_waiting = max_waiting;
        config.webhooks.pause = Duration::from_hours(24 * 365);
    })
    .await
}

/// How many deliveries of `topic` there are of each kind: those that wait, got through, and were given up.
async fn counts(admin: &Actor, id: &str, topic: &str) -> [usize; 3] {
    let log = deliveries(admin, id).await;
    let of_topic =
        |status: &str| log.iter().filter(|delivery| delivery["topic"] == topic && delivery["status"] == status).count();
    ["PENDING", "DELIVERED", "FAILED"].map(of_topic)
}

async fn is_active(admin: &Actor, id: &str) -> bool {
    admin.query(ENDPOINT, json!({ "id": id })).await.data()["node"]["active"] == true
}

/// A delivery that never was sent, for what waited already.
async fn turned_away(admin: &Actor, id: &str) -> Value {
    let log = deliveries(admin, id).await;
    let found = log.into_iter().find(|delivery| delivery["status"] == "FAILED" && delivery["attempts"] == 0);
    let found = found.expect("it is in the log");
    assert!(found["lastError"].as_str().unwrap().contains("too many messages wait"), "{found}");
    found
}

async fn an_endpoint_that_works_is_not_paused_whatever_waits_for_it(shape: Shape) {
    let app = start_bounded(shape, 3).await;
    let receiver = Receiver::start(Says::Nothing).await;
    let (admin, shop, customer) = tokio::join!(app.admin(), seller_with_product(&app, 10, "40.00"), app.customer());
    let id = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await.id;
    // it is slow, and more comes than may wait for it
    for _ in 0..5 {
        place_order(&customer, &shop.product_id, 1).await;
    }
    until(async || counts(&admin, &id, "ORDER_CREATED").await == [3, 0, 2]).await;
    assert!(is_active(&admin, &id).await && paused_events(&app).await == 0);
    let late = turned_away(&admin, &id).await;
    receiver.says(Says::Status(200));
    receiver.go_on();
    until(async || counts(&admin, &id, "ORDER_CREATED").await == [0, 3, 2]).await;
    // nothing is lost, and there is room again
    admin.mutate(REDELIVER, json!({ "deliveryId": late["id"] })).await.ok("redeliverWebhook");
    place_order(&customer, &shop.product_id, 1).await;
    until(async || counts(&admin, &id, "ORDER_CREATED").await == [0, 5, 1]).await;
    assert!(is_active(&admin, &id).await && paused_events(&app).await == 0);
}

async fn what_waits_for_an_endpoint_that_fails_pauses_it_after_a_day_and_not_before(shape: Shape) {
    let app = start_bounded(shape, 3).await;
    let receiver = Receiver::start(Says::Status(500)).await;
    let (admin, shop, customer) = tokio::join!(app.admin(), seller_with_product(&app, 10, "40.00"), app.customer());
    let id = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await.id;
    let order = async || place_order(&again(&app, &customer).await, &shop.product_id, 1).await;
    // for how long it has failed
    let failing = async || {
        let row = webhook_endpoint::Entity::find().one(app.app.db.reader()).await.unwrap().unwrap();
        row.failing_since.zip(row.last_failed_at).map(|(since, last)| last - since)
    };
    for _ in 0..3 {
        order().await;
    }
    until(async || failing().await.is_some()).await;
    app.clock.advance(Duration::from_hours(23));
    until(async || failing().await >= Some(TimeDelta::hours(23))).await;
    order().await;
    let admin = again(&app, &admin).await;
    until(async || counts(&admin, &id, "ORDER_CREATED").await == [3, 0, 1]).await;
    turned_away(&admin, &id).await;
    assert!(is_active(&admin, &id).await && paused_events(&app).await == 0, "not within a day");
    app.clock.advance(Duration::from_hours(2));
    until(async || failing().await >= Some(TimeDelta::hours(25))).await;
    let admin = again(&app, &admin).await;
    assert!(is_active(&admin, &id).await && paused_events(&app).await == 0, "not while so many may wait");
    order().await;
    until(async || paused_events(&app).await == 1).await;
    assert_eq!(told_of_a_pause(&admin).await, ["too many messages wait for it"]);
    assert!(!is_active(&admin, &id).await);
    assert_eq!(counts(&admin, &id, "ORDER_CREATED").await, [0, 0, 5], "the one that was too much is in the log, too");
    receiver.says(Says::Status(200));
    admin.mutate(UPDATE, json!({ "endpointId": id, "active": true })).await.ok("updateWebhookEndpoint");
    for delivery in deliveries(&admin, &id).await {
        admin.mutate(REDELIVER, json!({ "deliveryId": delivery["id"] })).await.ok("redeliverWebhook");
    }
    until(async || counts(&admin, &id, "ORDER_CREATED").await == [0, 5, 0]).await;
}

async fn what_waits_for_an_endpoint_that_was_not_tried_for_days_does_not_pause_it(shape: Shape) {
    let app = start_bounded(shape, 1).await;
    let receiver = Receiver::start(Says::Nothing).await;
    let (admin, shop, customer) = tokio::join!(app.admin(), seller_with_product(&app, 10, "40.00"), app.customer());
    let id = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await.id;
    place_order(&customer, &shop.product_id, 1).await;
    receiver.until(1).await;
    // it failed for days, and the last time was so long ago
    for (hours, turned_away) in [(40, 1), (1, 2)] {
        let ago = |hours| Expr::value(app.clock.now() - TimeDelta::hours(hours));
        let failed = webhook_endpoint::Entity::update_many()
            .col_expr(webhook_endpoint::Column::FailingSince, ago(96))
            .col_expr(webhook_endpoint::Column::LastFailedAt, ago(hours));
        failed.exec(app.app.db.writer()).await.unwrap();
        place_order(&customer, &shop.product_id, 1).await;
        until(async || counts(&admin, &id, "ORDER_CREATED").await[2] >= turned_away).await;
        assert_eq!(is_active(&admin, &id).await, hours > 36, "{hours} hours ago");
    }
}

async fn changes_of_the_inventory_hold_up_no_orders(shape: Shape) {
    let app = start_bounded(shape, 16).await;
    let receiver = Receiver::start(Says::Nothing).await;
    let (admin, shop, customer) = tokio::join!(app.admin(), seller_with_product(&app, 10, "40.00"), app.customer());
    let id = endpoint(&admin, &receiver, &["INVENTORY_UPDATED", "ORDER_CREATED"]).await.id;
    for place in 0..20 {
        update_product(&shop.seller, &shop.product_id, json!({ "name": format!("Bread {place}") })).await;
    }
    // they may take half of the room
    until(async || counts(&admin, &id, "INVENTORY_UPDATED").await.iter().sum::<usize>() >= 20).await;
    assert_eq!(counts(&admin, &id, "INVENTORY_UPDATED").await[0], 8);
    until(async || receiver.open() == 4).await;
    // and all four hands that are for them
    for _ in 0..2 {
        place_order(&customer, &shop.product_id, 1).await;
    }
    until(async || receiver.open() == 6).await;
    let created = receiver.received().iter().filter(|message| message.r#type() == "order.created").count();
    assert_eq!((created, counts(&admin, &id, "ORDER_CREATED").await), (2, [2, 0, 0]));
    assert!(is_active(&admin, &id).await);
}
