//! What is sent again, when, and where nothing is sent.

use chrono::TimeDelta;
use entity::job;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::json;

use super::*;
use crate::support::over_both_shapes;
use crate::support::story::{place_order, seller_with_product};
use crate::support::wait::until_quiet;

over_both_shapes! {
    what_is_not_taken_is_sent_again_with_the_same_id,
    an_endpoint_says_when_to_come_again,
    a_message_is_given_up_in_the_end_and_can_be_sent_again,
    an_endpoint_that_is_gone_is_paused,
    an_endpoint_to_which_nothing_gets_through_for_days_is_paused,
    an_endpoint_that_was_seldom_tried_is_not_paused_for_the_days_between,
    what_waits_for_an_endpoint_that_is_paused_is_given_up_and_can_be_sent_again,
    a_message_without_a_job_is_said_to_have_failed,
    redirects_are_not_followed_and_long_answers_not_read,
    private_addresses_are_not_sent_to,
    what_may_not_be_sent_to_any_more_is_not,
    a_slow_endpoint_holds_up_nobody_else,
    many_silent_endpoints_hold_up_nobody_else,
    what_has_ended_long_ago_is_forgotten,
}

/// An endpoint that was told of an order, and the admin.
async fn one_order(app: &TestApp, receiver: &Receiver) -> (Actor, String) {
    let (admin, shop, customer) = tokio::join!(app.admin(), seller_with_product(app, 10, "40.00"), app.customer());
    let id = endpoint(&admin, receiver, &["ORDER_CREATED"]).await.id;
    place_order(&customer, &shop.product_id, 1).await;
    (admin, id)
}

async fn what_is_not_taken_is_sent_again_with_the_same_id(shape: Shape) {
    let app = start(shape).await;
    let receiver = Receiver::start(Says::Status(500)).await;
    let (admin, id) = one_order(&app, &receiver).await;
    let failed = until_delivery(&app, &admin, &id, "PENDING", 1).await;
    assert_eq!((&failed["lastStatusCode"], &failed["lastError"]), (&json!(500), &json!("it answered 500")));
    assert!(failed["nextAttemptAt"].is_string());
    receiver.says(Says::Status(200));
    app.clock.advance(LATER);
    let delivered = until_delivery(&app, &admin, &id, "DELIVERED", 2).await;
    assert_eq!((&delivered["lastStatusCode"], &delivered["lastError"]), (&json!(200), &Value::Null));
    let received = receiver.received();
    assert!(received.len() >= 2);
    assert!(received.iter().all(|again| (&again.id, &again.body) == (&received[0].id, &received[0].body)));
}

async fn an_endpoint_says_when_to_come_again(shape: Shape) {
    let app = start(shape).await;
    let receiver = Receiver::start(Says::Later(429, "7200")).await;
    let (admin, id) = one_order(&app, &receiver).await;
    let failed = until_delivery(&app, &admin, &id, "PENDING", 1).await;
    let time = |name: &str| failed[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!(time("nextAttemptAt") - time("createdAt") >= TimeDelta::hours(2), "{failed}");
    receiver.says(Says::Later(503, "7200"));
    app.clock.advance(Duration::from_mins(121));
    let admin = again(&app, &admin).await;
    let failed = until_delivery(&app, &admin, &id, "PENDING", 2).await;
    let next = failed["nextAttemptAt"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!(next - app.clock.now() > TimeDelta::hours(1), "{failed}");
    // of a refusal that has nothing to do with haste it is not heard
    receiver.says(Says::Later(400, "7200"));
    app.clock.advance(Duration::from_mins(121));
    let admin = again(&app, &admin).await;
    let failed = until_delivery(&app, &admin, &id, "PENDING", 3).await;
    let next = failed["nextAttemptAt"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!(next - app.clock.now() < TimeDelta::hours(1), "{failed}");
}

async fn a_message_is_given_up_in_the_end_and_can_be_sent_again(shape: Shape) {
    let app = TestApp::start_with(shape, |config| {
        nearby(config);
        config.webhooks.pause = Duration::from_hours(24 * 365);
    })
    .await;
    let receiver = Receiver::start(Says::Status(503)).await;
    let (mut admin, id) = one_order(&app, &receiver).await;
    let mut attempts = 1;
    let given_up = loop {
        let delivery = until_tried(&app, &admin, &id, attempts).await;
        attempts = delivery["attempts"].as_i64().unwrap() + 1;
        if delivery["status"] == "FAILED" {
            break delivery;
        }
        app.clock.advance(Duration::from_hours(16));
        admin = again(&app, &admin).await;
    };
    assert_eq!(given_up["attempts"], 11);
    assert_eq!((&given_up["nextAttemptAt"], &given_up["lastStatusCode"]), (&Value::Null, &json!(503)));
    let failed = admin.query(ENDPOINT, json!({ "id": id, "failedOnly": true })).await;
    assert_eq!(failed.data()["node"]["deliveries"]["nodes"][0]["id"], given_up["id"]);
    receiver.says(Says::Status(200));
    admin.mutate(REDELIVER, json!({ "deliveryId": given_up["id"] })).await.ok("redeliverWebhook");
    until_delivery(&app, &admin, &id, "DELIVERED", 12).await;
    let failed = admin.query(ENDPOINT, json!({ "id": id, "failedOnly": true })).await;
    assert_eq!(failed.data()["node"]["deliveries"]["nodes"], json!([]));
    let received = receiver.received();
    assert!(received.len() >= 12 && received.iter().all(|message| message.id == received[0].id));
}

async fn an_endpoint_that_is_gone_is_paused(shape: Shape) {
    let app = start(shape).await;
    let receiver = Receiver::start(Says::Status(410)).await;
    let (admin, id) = one_order(&app, &receiver).await;
    let failed = until_delivery(&app, &admin, &id, "FAILED", 1).await;
    assert_eq!(failed["lastStatusCode"], 410);
    let seen = admin.query(ENDPOINT, json!({ "id": id })).await;
    assert_eq!(seen.data()["node"]["active"], false);
    assert_eq!(paused_events(&app).await, 1);
    let log = "{ admin { auditLog(first: 1) { nodes { action actor { id } targetId after } } } }";
    let log = admin.query(log, Value::Null).await;
    let entry = &log.data()["admin"]["auditLog"]["nodes"][0];
    assert_eq!((&entry["action"], &entry["actor"], &entry["targetId"]), (&json!("webhook.pause"), &Value::Null, &json!(id)));
    assert!(entry["after"].as_str().unwrap().contains("\"active\":false"), "{entry}");
    let refused = admin.mutate(REDELIVER, json!({ "deliveryId": failed["id"] })).await;
    assert_eq!(refused.user_errors("redeliverWebhook")[0]["field"], json!(["deliveryId"]));
}

async fn an_endpoint_to_which_nothing_gets_through_for_days_is_paused(shape: Shape) {
    let app = start(shape).await;
    let receiver = Receiver::start(Says::Status(500)).await;
    let (mut admin, id) = one_order(&app, &receiver).await;
    let mut attempts = 1;
    for _ in 0..4 {
        attempts = until_tried(&app, &admin, &id, attempts).await["attempts"].as_i64().unwrap() + 1;
        assert_eq!(paused_events(&app).await, 0, "not yet");
        app.clock.advance(Duration::from_hours(30));
        admin = again(&app, &admin).await;
    }
    // five days after the first
    until(async || paused_events(&app).await == 1).await;
    let seen = admin.query(ENDPOINT, json!({ "id": id })).await;
    assert_eq!(seen.data()["node"]["active"], false);
    let given_up = until_delivery(&app, &admin, &id, "FAILED", attempts).await;
    assert_eq!((&given_up["lastError"], &given_up["nextAttemptAt"]), (&json!("it answered 500"), &Value::Null));
    assert_eq!(told_of_a_pause(&admin).await, ["has failed for too long"]);
    app.clock.advance(Duration::from_hours(24));
    until_quiet(&app.app).await;
    assert_eq!(given_up["attempts"], receiver.received().len(), "nothing more was sent");
}

async fn an_endpoint_that_was_seldom_tried_is_not_paused_for_the_days_between(shape: Shape) {
    let app = start(shape).await;
    let receiver = Receiver::start(Says::Status(500)).await;
    let (mut admin, id) = one_order(&app, &receiver).await;
    let mut attempts = 1;
    // nobody tried for four days, twice
    for _ in 0..2 {
        attempts = until_tried(&app, &admin, &id, attempts).await["attempts"].as_i64().unwrap() + 1;
        app.clock.advance(Duration::from_hours(96));
        admin = again(&app, &admin).await;
    }
    attempts = until_tried(&app, &admin, &id, attempts).await["attempts"].as_i64().unwrap() + 1;
    assert_eq!(paused_events(&app).await, 0, "eight days after the first");
    // nor is what failed elsewhere counted
    for _ in 0..3 {
        app.clock.advance(Duration::from_hours(30));
        admin = again(&app, &admin).await;
        attempts = until_tried(&app, &admin, &id, attempts).await["attempts"].as_i64().unwrap() + 1;
    }
    let elsewhere = Receiver::start(Says::Status(500)).await;
    admin.mutate(UPDATE, json!({ "endpointId": id, "url": elsewhere.url() })).await.ok("updateWebhookEndpoint");
    for _ in 0..2 {
        app.clock.advance(Duration::from_hours(30));
        admin = again(&app, &admin).await;
        attempts = until_tried(&app, &admin, &id, attempts).await["attempts"].as_i64().unwrap() + 1;
    }
    assert_eq!(paused_events(&app).await, 0, "six days after the first of those that followed each other");
}

async fn what_waits_for_an_endpoint_that_is_paused_is_given_up_and_can_be_sent_again(shape: Shape) {
    let app = start(shape).await;
    let receiver = Receiver::start(Says::Status(500)).await;
    let (admin, id) = one_order(&app, &receiver).await;
    let waiting = until_delivery(&app, &admin, &id, "PENDING", 1).await;
    let change = |active: bool| json!({ "endpointId": id, "active": active });
    admin.mutate(UPDATE, change(false)).await.ok("updateWebhookEndpoint");
    let given_up = deliveries(&admin, &id).await.swap_remove(0);
    assert_eq!((&given_up["status"], &given_up["lastError"]), (&json!("FAILED"), &json!("the endpoint is paused")));
    receiver.says(Says::Status(200));
    admin.mutate(UPDATE, change(true)).await.ok("updateWebhookEndpoint");
    app.clock.advance(Duration::from_mins(10));
    let before = receiver.received().len();
    // its job is done, and did nothing
    until(async || jobs_of_webhooks(&app).await.is_empty()).await;
    assert_eq!(receiver.received().len(), before, "it is not sent of itself");
    let again = again(&app, &admin).await;
    again.mutate(REDELIVER, json!({ "deliveryId": waiting["id"] })).await.ok("redeliverWebhook");
    until_delivery(&app, &again, &id, "DELIVERED", 2).await;
}

async fn jobs_of_webhooks(app: &TestApp) -> Vec<job::Model> {
    let of_webhooks = job::Entity::find().filter(job::Column::Kind.eq(quick_commerce::webhooks::sending::SEND));
    of_webhooks.all(app.app.db.reader()).await.unwrap()
}

async fn a_message_without_a_job_is_said_to_have_failed(shape: Shape) {
    let app = start(shape).await;
    let receiver = Receiver::start(Says::Status(500)).await;
    let (admin, id) = one_order(&app, &receiver).await;
    let sweep = async || quick_commerce::webhooks::cleaning::sweep(&app.app).await.unwrap();
    until_delivery(&app, &admin, &id, "PENDING", 1).await;
    // its last attempt ended while the database was away: the job was given up, and nobody could write down why
    let died = job::Entity::update_many().col_expr(job::Column::DiedAt, Expr::value(app.clock.now()));
    until(async || {
        let died = died.clone().filter(job::Column::LastError.is_not_null());
        died.exec(app.app.db.writer()).await.unwrap().rows_affected == 1
    })
    .await;
    sweep().await;
    assert_eq!(deliveries(&admin, &id).await[0]["status"], "PENDING", "it is not overdue");
    app.clock.advance(Duration::from_hours(2));
    let admin = again(&app, &admin).await;
    sweep().await;
    let given_up = deliveries(&admin, &id).await.swap_remove(0);
    assert_eq!(given_up["status"], "FAILED", "{given_up}");
    assert!(given_up["lastError"].as_str().unwrap().contains("is not known"), "{given_up}");
    receiver.says(Says::Status(200));
    admin.mutate(REDELIVER, json!({ "deliveryId": given_up["id"] })).await.ok("redeliverWebhook");
    until_delivery(&app, &admin, &id, "DELIVERED", 2).await;
}

async fn redirects_are_not_followed_and_long_answers_not_read(shape: Shape) {
    let app = start(shape).await;
    let elsewhere = Receiver::start(Says::Status(200)).await;
    let receiver = Receiver::start(Says::Moved(elsewhere.addr)).await;
    let (admin, id) = one_order(&app, &receiver).await;
    let failed = until_delivery(&app, &admin, &id, "PENDING", 1).await;
    assert_eq!(failed["lastStatusCode"], 302);
    assert!(elsewhere.received().is_empty());
    receiver.says(Says::Endlessly(200));
    app.clock.advance(LATER);
    until_delivery(&app, &admin, &id, "DELIVERED", 2).await;
}

async fn private_addresses_are_not_sent_to(shape: Shape) {
    let app = TestApp::start_with(shape, |config| config.webhooks.is_http_allowed = true).await;
    let receiver = Receiver::start(Says::Status(200)).await;
    let (admin, shop, customer) = tokio::join!(app.admin(), seller_with_product(&app, 10, "40.00"), app.customer());
    let port = receiver.addr.port();
    let refused = admin.mutate(CREATE, json!({ "url": receiver.url(), "topics": ["ORDER_CREATED"] })).await;
    assert_eq!(refused.user_errors("createWebhookEndpoint")[0]["field"], json!(["url"]));
    // names, and what the system's resolver takes for an address, are found out when they are connected to
    let mut endpoints = Vec::new();
    for host in ["localhost", "127.1", "2130706433"] {
        let input = json!({ "url": format!("http://{host}:{port}/"), "topics": ["ORDER_CREATED"] });
        let made = admin.mutate(CREATE, input).await;
        endpoints.push(text(made.ok("createWebhookEndpoint"), "/endpoint/id"));
    }
    place_order(&customer, &shop.product_id, 1).await;
    for id in endpoints {
        let failed = until_delivery(&app, &admin, &id, "PENDING", 1).await;
        assert!(failed["lastError"].as_str().unwrap().contains("not a public one"), "{failed}");
    }
    assert!(receiver.received().is_empty());
}

async fn what_may_not_be_sent_to_any_more_is_not(shape: Shape) {
    let app = TestApp::start_with(shape, |config| config.webhooks.networks = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let receiver = Receiver::start(Says::Status(200)).await;
    let (admin, shop, customer) = tokio::join!(app.admin(), seller_with_product(&app, 10, "40.00"), app.customer());
    let made = admin.mutate(CREATE, json!({ "url": "https://hooks.example/", "topics": ["ORDER_CREATED"] })).await;
    let id = text(made.ok("createWebhookEndpoint"), "/endpoint/id");
    // one that was made while addresses without TLS were allowed
    let moved = entity::webhook_endpoint::Entity::update_many()
        .col_expr(entity::webhook_endpoint::Column::Url, Expr::value(receiver.url()));
    moved.exec(app.app.db.writer()).await.unwrap();
    place_order(&customer, &shop.product_id, 1).await;
    let failed = until_delivery(&app, &admin, &id, "PENDING", 1).await;
    assert_eq!(failed["lastError"], "webhooks may not go to this address");
    assert!(receiver.received().is_empty());
}

async fn a_slow_endpoint_holds_up_nobody_else(shape: Shape) {
    let app = start(shape).await;
    let (slow, fast) = tokio::join!(Receiver::start(Says::Nothing), Receiver::start(Says::Status(200)));
    let (admin, shop, customer) = tokio::join!(app.admin(), seller_with_product(&app, 100, "40.00"), app.customer());
    let held_up = endpoint(&admin, &slow, &["ORDER_CREATED"]).await;
    endpoint(&admin, &fast, &["ORDER_CREATED"]).await;
    for _ in 0..25 {
        place_order(&customer, &shop.product_id, 1).await;
    }
    fast.until(25).await;
    until(async || slow.open() > 0).await;
    assert!(slow.most_open() <= 4, "{} at once", slow.most_open());
    slow.says(Says::Status(200));
    slow.go_on();
    until(async || {
        let log = deliveries(&admin, &held_up.id).await;
        log.len() == 25 && log.iter().all(|delivery| delivery["status"] == "DELIVERED")
    })
    .await;
}

async fn many_silent_endpoints_hold_up_nobody_else(shape: Shape) {
    const SILENT: usize = 20;
    let app = start(shape).await;
    let (slow, fast) = tokio::join!(Receiver::start(Says::Nothing), Receiver::start(Says::Status(200)));
    let (admin, shop, customer) = tokio::join!(app.admin(), seller_with_product(&app, 100, "40.00"), app.customer());
    for _ in 0..SILENT {
        endpoint(&admin, &slow, &["ORDER_CREATED"]).await;
    }
    // the last one: whatever is due is due for the others before
    endpoint(&admin, &fast, &["ORDER_CREATED"]).await;
    for _ in 0..5 {
        place_order(&customer, &shop.product_id, 1).await;
    }
    fast.until(5).await;
    until(async || slow.open() >= SILENT).await;
    let (received, open) = slow.received_and_open();
    assert_eq!(received, open, "none of the silent ones was given up before that");
    assert!(slow.most_open() <= SILENT + 28, "{} at once", slow.most_open());
}

async fn what_has_ended_long_ago_is_forgotten(shape: Shape) {
    let app = start(shape).await;
    let receiver = Receiver::start(Says::Status(200)).await;
    let (admin, id) = one_order(&app, &receiver).await;
    until_delivery(&app, &admin, &id, "DELIVERED", 1).await;
    quick_commerce::webhooks::cleaning::sweep(&app.app).await.unwrap();
    assert_eq!(deliveries(&admin, &id).await.len(), 1);
    app.clock.advance(Duration::from_hours(31 * 24));
    quick_commerce::webhooks::cleaning::sweep(&app.app).await.unwrap();
    assert!(deliveries(&again(&app, &admin).await, &id).await.is_empty());
}
