//! What other systems are told, and how it is signed.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::id::Kind;
use entity::{consumer, skipped_event, webhook_delivery, webhook_endpoint};
use futures_util::future::join_all;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use super::*;
use crate::ratings::rate;
use crate::support::crowd::uuid;
use crate::support::money::{place_card_order, play, start as start_payment};
use crate::support::over_both_shapes;
use crate::support::story::{
    CANCEL_ORDER, adjust_stock, claim, deliver, key, place_order, ready_order, seller_with_product, update_product,
};
use crate::support::wait::until_taken;

over_both_shapes! {
    an_order_is_told_of_from_the_first_payment_to_the_door,
    a_cancellation_and_a_failed_payment_are_told_of,
    stock_is_told_of_as_it_is,
    what_customers_think_of_a_product_is_no_news_of_the_inventory,
    a_secret_that_is_replaced_goes_on_signing_for_a_while,
    each_of_several_secrets_that_are_replaced_signs_until_its_own_end,
    a_paused_endpoint_hears_of_nothing,
    an_endpoint_hears_of_nothing_from_before_it_and_of_nothing_twice,
    no_more_endpoints_are_made_than_may_be,
    only_admins_see_endpoints_and_no_secret_is_shown_twice,
    a_secret_outlives_the_key_that_it_is_stored_under,
}

const ALL: &[&str] = &[
    "ORDER_CREATED",
    "ORDER_CONFIRMED",
    "ORDER_CANCELLED",
    "PAYMENT_INITIATED",
    "PAYMENT_SUCCESS",
    "PAYMENT_FAILED",
    "DELIVERY_ASSIGNED",
    "DELIVERY_IN_TRANSIT",
    "DELIVERY_COMPLETED",
];

/// The types of what was received, sorted.
fn types(receiver: &Receiver) -> Vec<String> {
    let mut types: Vec<String> = receiver.received().iter().map(receiver::Received::r#type).collect();
    types.sort();
    types
}

async fn an_order_is_told_of_from_the_first_payment_to_the_door(shape: Shape) {
    let app = start(shape).await;
    let (admin, receiver) = tokio::join!(app.admin(), Receiver::start(Says::Status(204)));
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let endpoint = endpoint(&admin, &receiver, ALL).await;
    let id = place_card_order(&customer, &shop.product_id, 2).await;
    let payment = start_payment(&customer, &id).await;
    play(&app, &payment, "succeed").await;
    receiver.until(4).await;
    claim(&partner, &id).await;
    deliver(&partner, &customer, &id).await;
    let received = receiver.until(7).await;
    let expected = [
        "delivery.assigned",
        "delivery.completed",
        "delivery.in_transit",
        "order.confirmed",
        "order.created",
        "payment.initiated",
        "payment.success",
    ];
    assert_eq!(types(&receiver), expected);
    let ids: BTreeSet<&str> = received.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(ids.len(), 7, "each is a message of its own");
    for message in &received {
        assert!(message.is_signed_with(&endpoint.secret), "{message:?}");
        assert_eq!(message.signatures.len(), 1);
        let body = message.json();
        assert_eq!(body["data"]["order"]["id"], id, "{body}");
        assert!(body["timestamp"].as_str().unwrap().ends_with('Z'), "{body}");
        // nothing of the person, and nothing that opens the door
        for secret in ["Lake Road", "560001", "12.98", "deliveryCode", "clientSecret", payment.secret.as_str()] {
            assert!(!message.body.contains(secret), "{secret} in {body}");
        }
    }
    let completed = received.iter().find(|message| message.r#type() == "delivery.completed").unwrap().json();
    let order = &completed["data"]["order"];
    assert_eq!((&order["status"], &order["paymentStatus"]), (&json!("DELIVERED"), &json!("PAID")), "{order}");
    assert_eq!((&order["itemCount"], &order["subtotal"]), (&json!(2), &json!("80.00")), "{order}");
    until(async || deliveries(&admin, &endpoint.id).await.iter().all(|delivery| delivery["status"] == "DELIVERED")).await;
    let log = deliveries(&admin, &endpoint.id).await;
    assert_eq!(log.len(), 7);
    assert!(log.iter().all(|delivery| delivery["attempts"] == 1 && delivery["lastStatusCode"] == 204), "{log:?}");
    assert!(log.iter().all(|delivery| delivery["nextAttemptAt"].is_null() && delivery["lastError"].is_null()), "{log:?}");
    let told = completed["data"]["event"]["id"].as_str().unwrap();
    let of_it = log.iter().find(|delivery| delivery["topic"] == "DELIVERY_COMPLETED").unwrap();
    assert_eq!(of_it["eventId"], told, "it is the event of the order's timeline");
}

async fn a_cancellation_and_a_failed_payment_are_told_of(shape: Shape) {
    let app = start(shape).await;
    let (admin, receiver) = tokio::join!(app.admin(), Receiver::start(Says::Status(200)));
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let endpoint = endpoint(&admin, &receiver, &["PAYMENT_FAILED", "ORDER_CANCELLED", "ORDER_STATUS_CHANGED"]).await;
    let id = place_card_order(&customer, &shop.product_id, 1).await;
    play(&app, &start_payment(&customer, &id).await, "decline").await;
    receiver.until(1).await;
    customer.mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": id })).await.ok("cancelOrder");
    receiver.until(3).await;
    // the cancellation is of two topics: one event, two messages
    assert_eq!(types(&receiver), ["order.cancelled", "order.status_changed", "payment.failed"]);
    let log = deliveries(&admin, &endpoint.id).await;
    assert_eq!(log[0]["eventId"], log[1]["eventId"]);
    assert_ne!(log[1]["eventId"], log[2]["eventId"]);
}

async fn stock_is_told_of_as_it_is(shape: Shape) {
    let app = start(shape).await;
    let (admin, receiver) = tokio::join!(app.admin(), Receiver::start(Says::Status(200)));
    let shop = seller_with_product(&app, 10, "40.00").await;
    update_product(&shop.seller, &shop.product_id, json!({ "lowStockThreshold": 5 })).await;
    endpoint(&admin, &receiver, &["INVENTORY_UPDATED", "INVENTORY_LOW_STOCK"]).await;
    adjust_stock(&shop.seller, &shop.product_id, -6).await;
    until(async || types(&receiver).contains(&"inventory.low_stock".to_owned()) && types(&receiver).len() >= 2).await;
    for message in receiver.received() {
        let product = &message.json()["data"]["product"];
        assert_eq!(product["id"], shop.product_id);
        let stock = json!({ "onHand": 4, "reserved": 0, "available": 4, "lowStockThreshold": 5 });
        assert_eq!((&product["stock"], &product["price"]), (&stock, &json!("40.00")), "{product}");
    }
}

async fn what_customers_think_of_a_product_is_no_news_of_the_inventory(shape: Shape) {
    let app = start(shape).await;
    let (admin, receiver) = tokio::join!(app.admin(), Receiver::start(Says::Status(200)));
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    deliver(&partner, &customer, &order).await;
    until_taken(&app.app).await;
    endpoint(&admin, &receiver, &["INVENTORY_UPDATED"]).await;
    rate(&customer, &order, 4).await;
    // what comes after it has come
    adjust_stock(&shop.seller, &shop.product_id, 5).await;
    receiver.until(1).await;
    let told = receiver.received();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].json()["data"]["product"]["stock"]["onHand"], 14);
}

async fn a_secret_that_is_replaced_goes_on_signing_for_a_while(shape: Shape) {
    let app = start(shape).await;
    let (admin, receiver) = tokio::join!(app.admin(), Receiver::start(Says::Status(200)));
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let old = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
    let rotated = admin.mutate(UPDATE, json!({ "endpointId": old.id, "rotateSecret": true })).await;
    let new = text(rotated.ok("updateWebhookEndpoint"), "/secret");
    assert_ne!(new, old.secret);
    place_order(&customer, &shop.product_id, 1).await;
    let first = receiver.until(1).await.remove(0);
    assert!(first.signatures.len() == 2 && first.is_signed_with(&old.secret) && first.is_signed_with(&new), "{first:?}");
    until_delivery(&app, &admin, &old.id, "DELIVERED", 1).await;
    app.clock.advance(Duration::from_hours(25));
    let admin = again(&app, &admin).await;
    let delivery = text(&deliveries(&admin, &old.id).await[0], "/id");
    let redelivered = admin.mutate(REDELIVER, json!({ "deliveryId": delivery })).await;
    assert_eq!(redelivered.ok("redeliverWebhook")["delivery"]["status"], "PENDING");
    let second = receiver.until(2).await.remove(1);
    assert!(second.signatures.len() == 1 && second.is_signed_with(&new), "{second:?}");
    assert_eq!((&second.id, &second.body), (&first.id, &first.body), "a repeat can be told by its id");
    assert!(second.timestamp > first.timestamp);
}

async fn each_of_several_secrets_that_are_replaced_signs_until_its_own_end(shape: Shape) {
    let app = start(shape).await;
    let (mut admin, receiver) = tokio::join!(app.admin(), Receiver::start(Says::Status(200)));
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let first = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
    let rotate = async |admin: &Actor| {
        let rotated = admin.mutate(UPDATE, json!({ "endpointId": first.id, "rotateSecret": true })).await;
        text(rotated.ok("updateWebhookEndpoint"), "/secret")
    };
    let mut secrets = vec![first.secret.clone(), rotate(&admin).await];
    app.clock.advance(Duration::from_hours(13));
    admin = again(&app, &admin).await;
    secrets.push(rotate(&admin).await);
    let signed_with = |message: &receiver::Received| -> Vec<bool> {
        assert!(secrets.iter().filter(|secret| message.is_signed_with(secret)).count() == message.signatures.len());
        secrets.iter().map(|secret| message.is_signed_with(secret)).collect()
    };
    let customer = again(&app, &customer).await;
    place_order(&customer, &shop.product_id, 1).await;
    assert_eq!(signed_with(&receiver.until(1).await[0]), [true, true, true]);
    // the first was replaced 25 hours ago, the second 12
    app.clock.advance(Duration::from_hours(12));
    place_order(&again(&app, &customer).await, &shop.product_id, 1).await;
    assert_eq!(signed_with(&receiver.until(2).await[1]), [false, true, true]);
    admin = again(&app, &admin).await;
    for _ in 0..4 {
        rotate(&admin).await;
    }
    let refused = admin.mutate(UPDATE, json!({ "endpointId": first.id, "rotateSecret": true })).await;
    assert_eq!(refused.user_errors("updateWebhookEndpoint")[0]["field"], json!(["rotateSecret"]));
    app.clock.advance(Duration::from_hours(13));
    rotate(&again(&app, &admin).await).await;
}

async fn a_paused_endpoint_hears_of_nothing(shape: Shape) {
    let app = start(shape).await;
    let (admin, paused, other) =
        tokio::join!(app.admin(), Receiver::start(Says::Status(200)), Receiver::start(Says::Status(200)));
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let endpoint_id = endpoint(&admin, &paused, &["ORDER_CREATED"]).await.id;
    endpoint(&admin, &other, &["ORDER_CREATED"]).await;
    let change = |active: bool| json!({ "endpointId": endpoint_id, "active": active });
    let changed = admin.mutate(UPDATE, change(false)).await;
    assert_eq!(changed.ok("updateWebhookEndpoint")["endpoint"]["active"], false);
    assert_eq!(changed.ok("updateWebhookEndpoint")["secret"], Value::Null, "it was not asked for");
    place_order(&customer, &shop.product_id, 1).await;
    other.until(1).await;
    admin.mutate(UPDATE, change(true)).await.ok("updateWebhookEndpoint");
    let second = place_order(&customer, &shop.product_id, 1).await;
    let received = paused.until(1).await;
    assert_eq!(received[0].json()["data"]["order"]["id"], second, "the first it is never told of");
}

async fn an_endpoint_hears_of_nothing_from_before_it_and_of_nothing_twice(shape: Shape) {
    let app = start(shape).await;
    let (admin, receiver) = tokio::join!(app.admin(), Receiver::start(Says::Status(200)));
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    place_order(&customer, &shop.product_id, 1).await;
    let id = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await.id;
    let second = place_order(&customer, &shop.product_id, 1).await;
    receiver.until(1).await;
    until_taken(&app.app).await;
    // as if the position had been lost
    let back = consumer::Entity::update_many().col_expr(consumer::Column::Position, Expr::value(0_i64));
    back.filter(consumer::Column::Name.eq("webhooks")).exec(app.app.db.writer()).await.unwrap();
    until_taken(&app.app).await;
    assert_eq!(deliveries(&admin, &id).await.len(), 1);
    let orders: Vec<Value> =
        receiver.received().iter().map(|message| message.json()["data"]["order"]["id"].clone()).collect();
    assert_eq!(orders, [second]);
    let aside = skipped_event::Entity::find().count(app.app.db.reader()).await.unwrap();
    assert_eq!(aside, 0, "that they were written down before is no reason to stop");
}

async fn no_more_endpoints_are_made_than_may_be(shape: Shape) {
    const MOST: usize = 100;
    let app = start(shape).await;
    let (admin, receiver) = tokio::join!(app.admin(), Receiver::start(Says::Status(200)));
    endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
    let db = app.app.db.writer();
    let one = webhook_endpoint::Entity::find().one(db).await.unwrap().unwrap();
    let another = |_| webhook_endpoint::Model { id: app.app.ids.uuid(), ..one.clone() }.into_active_model();
    webhook_endpoint::Entity::insert_many((3..MOST).map(another)).exec_without_returning(db).await.unwrap();
    // two more may be
    let make = json!({ "url": receiver.url(), "topics": ["ORDER_CREATED"] });
    let made = join_all((0..6).map(|_| admin.mutate(CREATE, make.clone()))).await;
    let refused: Vec<&Value> = made.iter().flat_map(|answer| answer.user_errors("createWebhookEndpoint")).collect();
    assert!(refused.len() == 4 && refused.iter().all(|refusal| refusal["field"] == json!(["url"])), "{refused:?}");
}

async fn only_admins_see_endpoints_and_no_secret_is_shown_twice(shape: Shape) {
    let app = start(shape).await;
    let (admin, receiver) = tokio::join!(app.admin(), Receiver::start(Says::Status(200)));
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let endpoint = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
    place_order(&customer, &shop.product_id, 1).await;
    until_delivery(&app, &admin, &endpoint.id, "DELIVERED", 1).await;
    let delivery = text(&deliveries(&admin, &endpoint.id).await[0], "/id");
    for id in [&endpoint.id, &delivery] {
        for stranger in [&customer, &shop.seller, &app.anonymous()] {
            let seen = stranger.query("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
            assert_eq!(seen.data()["node"], Value::Null);
        }
        let seen = admin.query("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
        assert_eq!(seen.data()["node"]["id"], id.as_str());
    }
    let desk =
        admin.query("{ admin { webhookEndpoints { nodes { id url deliveries { nodes { id } } } } } }", json!({})).await;
    let found = &desk.data()["admin"]["webhookEndpoints"]["nodes"];
    assert_eq!(found[0]["deliveries"]["nodes"][0]["id"], delivery.as_str(), "{found}");
    let row = webhook_endpoint::Entity::find_by_id(uuid(Kind::WebhookEndpoint, &endpoint.id));
    let row = row.one(app.app.db.reader()).await.unwrap().unwrap();
    assert!(!row.secret.contains(endpoint.secret.trim_start_matches("whsec_")), "it is stored encrypted");
    assert!(!format!("{row:?}").contains(&row.secret) && !format!("{row:?}").contains("hooks?from"));
    let count = webhook_delivery::Entity::find().all(app.app.db.reader()).await.unwrap().len();
    assert_eq!(count, 1, "what nobody is told of is not written down");
}

async fn a_secret_outlives_the_key_that_it_is_stored_under(shape: Shape) {
    let first = TestApp::start_with(shape, nearby).await;
    let (admin, receiver) = tokio::join!(first.admin(), Receiver::start(Says::Status(200)));
    let (shop, customer) = tokio::join!(seller_with_product(&first, 10, "40.00"), first.customer());
    let endpoint = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
    let stored = async |app: &TestApp| {
        let row = webhook_endpoint::Entity::find().one(app.app.db.reader()).await.unwrap().unwrap();
        row.secret
    };
    let before = stored(&first).await;
    // the clean-up of a server with another key encrypts anew; it is asked for here, and runs by itself every hour
    let mut config = first.app.config.clone();
    config.webhooks.key = Some(quick_commerce::config::Secret::new("a key of webhooks, and of nothing else".to_owned()));
    let other = crate::support::app::build(config, first.clock.clone(), 1).await;
    quick_commerce::webhooks::cleaning::sweep(&other).await.unwrap();
    assert_ne!(stored(&first).await, before);
    let row = webhook_endpoint::Entity::find().one(other.db.reader()).await.unwrap().unwrap();
    let opened = quick_commerce::webhooks::secrets::open(&other, row.id, &row.secret).unwrap().unwrap();
    assert_eq!(opened.expose(), endpoint.secret);
    let elsewhere = quick_commerce::webhooks::secrets::open(&other, uuid::Uuid::nil(), &row.secret).unwrap();
    assert!(elsewhere.is_none(), "it is of no use for another endpoint");
    // this server does not have that key: it says so, and does not sign with anything else
    place_order(&customer, &shop.product_id, 1).await;
    let failed = until_delivery(&first, &admin, &endpoint.id, "PENDING", 1).await;
    assert!(failed["lastError"].as_str().unwrap().contains("signing secret"), "{failed}");
    assert!(receiver.received().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_outlives_a_restart_without_any_configured() {
    let first = TestApp::start_with(Shape::Embedded, |config| {
        nearby(config);
        config.jwt_secret = None;
    })
    .await;
    let (admin, receiver) = tokio::join!(first.admin(), Receiver::start(Says::Status(200)));
    let (shop, customer) = tokio::join!(seller_with_product(&first, 10, "40.00"), first.customer());
    let endpoint = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
    let (config, clock) = (first.app.config.clone(), first.clock.clone());
    let database = first.stop().await;
    // other random numbers than those of the first start
    let app = crate::support::app::build(config, clock, 1).await;
    let running = crate::support::app::serve(&app).await;
    let api = Api::new(app, running.addr);
    let customer = api.login(&customer.email).await;
    place_order(&customer, &shop.product_id, 1).await;
    let received = receiver.until(1).await;
    assert!(received[0].is_signed_with(&endpoint.secret));
    running.stop().await;
    drop(database);
}
