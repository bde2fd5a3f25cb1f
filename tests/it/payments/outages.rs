//! A provider that breaks, answers nothing, or whose webhooks are lost.

use std::time::Duration;

use axum::http::StatusCode;
use domain::id::Kind;
use domain::order::OrderStatus;
use entity::{job, order, payment};
use quick_commerce::platform::jobs;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, DbBackend, EntityTrait as _, QueryFilter as _, Statement};
use serde_json::json;

use super::stand_in::{StandIn, intent, pay_at, tell, world};
use super::{WINDOW, World};
use crate::support::actors::{Actor, Api};
use crate::support::audit::audit;
use crate::support::crowd::uuid;
use crate::support::money::{
    START_PAYMENT, Started, money, payment_row, place_card_order, start, started, timeline, try_refund, try_start,
    until_money,
};
use crate::support::redis::Redis;
use crate::support::story::{CANCEL_ORDER, Shop, key, seller_with_product};
use crate::support::wait::until;
use crate::support::{Shape, TestCluster, TestParts, over_both_shapes};

over_both_shapes! {
    a_payment_at_which_stripe_broke_is_gone_on_with_under_another_key,
    what_was_called_off_at_stripe_is_not_called_off_again,
    an_order_of_whose_success_nobody_told_is_confirmed_when_its_time_is_up,
    an_order_about_which_stripe_cannot_be_asked_is_called_off_after_a_while,
    what_stripe_says_of_a_payment_that_it_does_not_call_off_decides,
    what_was_declined_or_called_off_is_declined_again,
    a_start_beside_another_hears_what_that_one_hears,
    a_refund_at_which_stripe_broke_is_made_once,
    a_refund_that_stripe_may_be_at_is_asked_for_under_its_key,
    a_refund_that_was_made_where_stripe_broke_has_not_failed,
    what_is_called_off_is_called_off_at_stripe,
    a_success_that_nobody_told_of_is_found_and_goes_back,
    a_payment_whose_name_was_lost_is_refunded,
    a_failed_refund_of_a_cancelled_order_is_in_its_timeline,
}

/// Starts a payment of a new order and has it succeed.
async fn paid(api: &Api, shop: &Shop, customer: &Actor) -> (String, Started) {
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    let event = format!("evt_{}", payment.id);
    assert_eq!(tell(api, &event, "payment_intent.succeeded", intent(api, &payment.id).await).await, StatusCode::OK);
    (id, payment)
}

async fn cancel(customer: &Actor, order_id: &str) {
    customer.mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": order_id })).await.ok("cancelOrder");
}

async fn a_payment_at_which_stripe_broke_is_gone_on_with_under_another_key(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    // more often than an order may have payments, under one key of the client's and under many
    let input = json!({ "idempotencyKey": key(), "orderId": id });
    let times = 25;
    for time in 0..times {
        let status = if time % 2 == 0 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_GATEWAY };
        stripe.will_answer(status, json!({}));
        let answer =
            if time % 3 == 0 { customer.mutate(START_PAYMENT, input.clone()).await } else { try_start(customer, &id).await };
        assert_eq!((answer.code(), &answer.errors()[0]["extensions"]["retryable"]), ("INTERNAL", &json!(true)));
    }
    let payment = started(&customer.mutate(START_PAYMENT, input.clone()).await);
    assert_eq!(started(&customer.mutate(START_PAYMENT, input).await).id, payment.id);
    let order = money(customer, &id).await;
    assert_eq!(order["payments"].as_array().unwrap().len(), 1);
    assert_eq!((timeline(&order), &order["version"]), (vec!["PLACED"], &json!(1)), "nothing happened to the order");
    let keys: Vec<String> = stripe.asked("payment_intents").into_iter().map(|(_, key, _)| key).collect();
    let ours = payment_row(&app.app, &payment.id).await.id;
    let expected = (0..=times).map(|time| if time == 0 { ours.to_string() } else { format!("{ours}-{time}") });
    assert_eq!(keys, expected.collect::<Vec<_>>(), "under a key that it has answered it would break again");
    assert_eq!(tell(app, "evt", "payment_intent.succeeded", intent(app, &payment.id).await).await, StatusCode::OK);
    assert_eq!(money(customer, &id).await["status"], "READY");
    audit(&app.app).await;
}

async fn what_was_declined_or_called_off_is_declined_again(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let input = json!({ "idempotencyKey": key(), "orderId": id });
    stripe.will_answer(
        StatusCode::PAYMENT_REQUIRED,
        json!({ "error": { "type": "card_error", "message": "Not\u{0} this one." } }),
    );
    for _ in 0..2 {
        let answer = customer.mutate(START_PAYMENT, input.clone()).await;
        assert_eq!(answer.refusal("startPayment"), "PAYMENT_DECLINED");
        let message = answer.user_errors("startPayment")[0]["message"].clone();
        assert_eq!(message, "The payment was declined: Not this one.");
    }
    let input = json!({ "idempotencyKey": key(), "orderId": id });
    started(&customer.mutate(START_PAYMENT, input.clone()).await);
    cancel(customer, &id).await;
    let answer = customer.mutate(START_PAYMENT, input).await;
    assert_eq!(answer.refusal("startPayment"), "PAYMENT_DECLINED", "{}", answer.body);
    audit(&app.app).await;
}

async fn a_start_beside_another_hears_what_that_one_hears(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let busy = json!({ "error": { "type": "idempotency_error", "code": "idempotency_key_in_use", "message": "There is another request." } });
    stripe.will_answer(StatusCode::CONFLICT, busy);
    let payment = start(customer, &id).await;
    let keys: Vec<String> = stripe.asked("payment_intents").into_iter().map(|(_, key, _)| key).collect();
    assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");
    assert_eq!(start(customer, &id).await.secret, payment.secret);
    audit(&app.app).await;
}

async fn a_refund_at_which_stripe_broke_is_made_once(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    for is_made in [true, false] {
        let (id, payment) = paid(app, shop, customer).await;
        let (asked, made) = (stripe.asked("refunds").len(), stripe.refunds());
        let broken = StatusCode::INTERNAL_SERVER_ERROR;
        if is_made {
            stripe.will_do_and_answer(broken, json!({}));
        } else {
            stripe.will_answer(broken, json!({}));
        }
        try_refund(&shop.seller, &payment.id, Some("5")).await.ok("refundPayment");
        until(|| async {
            app.clock.advance(Duration::from_millis(50));
            money(customer, &id).await["payments"][0]["refunds"][0]["status"] == "REFUNDED"
        })
        .await;
        let keys: Vec<String> = stripe.asked("refunds").into_iter().skip(asked).map(|(_, key, _)| key).collect();
        if is_made {
            assert_eq!(keys.len(), 1, "it was found");
        } else {
            let other = format!("{}-1", keys[0]);
            assert_eq!(keys[1..], [keys[0].clone(), other], "that it broke is said again under the first key, and for good");
        }
        assert_eq!(stripe.refunds(), made + 1);
    }
    audit(&app.app).await;
}

async fn a_refund_that_stripe_may_be_at_is_asked_for_under_its_key(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let (id, payment) = paid(app, shop, customer).await;
    // its list does not have it yet, and cannot be asked in between
    let none_yet = json!({ "object": "list", "has_more": false, "data": [] });
    stripe.will_answer_look_up(StatusCode::OK, none_yet.clone());
    stripe.will_do_behind(StatusCode::BAD_GATEWAY);
    stripe.will_answer_look_up(StatusCode::SERVICE_UNAVAILABLE, json!({}));
    stripe.will_answer_look_up(StatusCode::OK, none_yet);
    try_refund(&shop.seller, &payment.id, Some("5")).await.ok("refundPayment");
    until(|| async {
        app.clock.advance(Duration::from_millis(50));
        money(customer, &id).await["payments"][0]["refunds"][0]["status"] == "REFUNDED"
    })
    .await;
    let keys: Vec<String> = stripe.asked("refunds").into_iter().map(|(_, key, _)| key).collect();
    assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");
    assert_eq!((stripe.refunds(), stripe.planned_look_ups()), (1, 0));
    audit(&app.app).await;
}

async fn a_refund_that_was_made_where_stripe_broke_has_not_failed(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let (id, payment) = paid(app, shop, customer).await;
    // it broke, says so again, and is made behind the last look at the list: of the whole there is then nothing left to refund
    for _ in 0..3 {
        stripe.will_answer_look_up(StatusCode::OK, json!({ "object": "list", "has_more": false, "data": [] }));
    }
    stripe.will_answer(StatusCode::INTERNAL_SERVER_ERROR, json!({}));
    let refusal = json!({ "error": { "type": "invalid_request_error", "code": "charge_already_refunded",
        "message": "Charge has already been refunded." } });
    stripe.will_do_and_answer(StatusCode::BAD_REQUEST, refusal);
    try_refund(&shop.seller, &payment.id, None).await.ok("refundPayment");
    until(|| async {
        app.clock.advance(Duration::from_millis(50));
        money(customer, &id).await["payments"][0]["refunds"][0]["status"] != "PENDING"
    })
    .await;
    assert_eq!(money(customer, &id).await["payments"][0]["refunds"][0]["status"], "REFUNDED");
    let keys: Vec<String> = stripe.asked("refunds").into_iter().map(|(_, key, _)| key).collect();
    assert_eq!(keys, [keys[0].clone(), keys[0].clone(), format!("{}-1", keys[0])]);
    assert_eq!((stripe.refunds(), stripe.planned_look_ups()), (1, 0));
    audit(&app.app).await;
}

async fn what_is_called_off_is_called_off_at_stripe(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    let path = format!("payment_intents/{}/cancel", payment_row(&app.app, &payment.id).await.provider_ref.unwrap());
    stripe.will_answer(StatusCode::INTERNAL_SERVER_ERROR, json!({}));
    cancel(customer, &id).await;
    until(|| async {
        app.clock.advance(Duration::from_millis(50));
        stripe.asked(&path).len() == 2
    })
    .await;
    let asked = stripe.asked(&path);
    assert_ne!(asked[0].1, asked[1].1, "under the first key it would break again");
    assert!(asked.iter().all(|(_, _, form)| form.is_empty()), "{asked:?}");
    audit(&app.app).await;
}

async fn a_success_that_nobody_told_of_is_found_and_goes_back(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    let mut paid = intent(app, &payment.id).await;
    paid["status"] = json!("succeeded");
    stripe.intents_are(paid.clone());
    let refusal = json!({ "error": { "type": "invalid_request_error", "message": "It has succeeded." } });
    stripe.will_answer(StatusCode::BAD_REQUEST, refusal);
    cancel(customer, &id).await;
    until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    // the webhook comes after all
    assert_eq!(tell(app, "evt_1", "payment_intent.succeeded", paid).await, StatusCode::OK);
    let order = money(customer, &id).await;
    assert_eq!(timeline(&order), ["PLACED", "CANCELLED", "PAYMENT_SUCCEEDED", "REFUNDED"]);
    assert_eq!(stripe.refunds(), 1);
    audit(&app.app).await;
}

async fn a_payment_whose_name_was_lost_is_refunded(shape: Shape) {
    let (world, _) = world(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    let told = intent(app, &payment.id).await;
    // as it is after a crash between the provider's answer and our writing it down
    let forgotten = payment::Entity::update_many().col_expr(payment::Column::ProviderRef, Expr::value(None::<String>));
    forgotten.exec(app.app.db.writer()).await.unwrap();
    assert_eq!(tell(app, "evt_1", "payment_intent.succeeded", told).await, StatusCode::OK);
    cancel(customer, &id).await;
    until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    audit(&app.app).await;
}

async fn a_failed_refund_of_a_cancelled_order_is_in_its_timeline(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let (id, payment) = paid(app, shop, customer).await;
    let refusal = json!({ "error": { "type": "invalid_request_error", "message": "Charge is disputed." } });
    stripe.will_answer(StatusCode::BAD_REQUEST, refusal);
    cancel(customer, &id).await;
    let order = until_money(customer, &id, "/payments/0/refunds/0/status", "FAILED").await;
    let last = order["timeline"]["nodes"].as_array().unwrap().last().unwrap();
    let note = "A refund failed: The payment provider did not accept it.";
    assert_eq!((&last["type"], &last["note"]), (&json!("PAYMENT_FAILED"), &json!(note)));
    assert_eq!((&order["status"], &order["paymentStatus"]), (&json!("CANCELLED"), &json!("PAID")));
    audit(&app.app).await;
    // somebody sees to it
    try_refund(&shop.seller, &payment.id, None).await.ok("refundPayment");
    until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    audit(&app.app).await;
}

/// Waits until nothing is to be done any more.
async fn until_idle(api: &Api) {
    until(|| async { jobs::backlog(api.app.db.reader()).await.unwrap().waiting == 0 }).await;
}

async fn what_was_called_off_at_stripe_is_not_called_off_again(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let mut paths = Vec::new();
    for number in 0..4 {
        let payment = start(customer, &id).await;
        paths.push(format!("payment_intents/{}/cancel", payment_row(&app.app, &payment.id).await.provider_ref.unwrap()));
        let declined = intent(app, &payment.id).await;
        assert_eq!(tell(app, &format!("evt_{number}"), "payment_intent.payment_failed", declined).await, StatusCode::OK);
        until_idle(app).await;
    }
    cancel(customer, &id).await;
    until_idle(app).await;
    for path in &paths {
        assert_eq!(stripe.asked(path).len(), 1, "{path}");
    }
    audit(&app.app).await;
}

/// The order as it is stored: the clock runs away from access tokens.
async fn order_row(api: &Api, id: &str) -> order::Model {
    order::Entity::find_by_id(uuid(Kind::Order, id)).one(api.app.db.reader()).await.unwrap().unwrap()
}

async fn an_order_of_whose_success_nobody_told_is_confirmed_when_its_time_is_up(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 2).await;
    let payment = start(customer, &id).await;
    let mut paid = intent(app, &payment.id).await;
    paid["status"] = json!("succeeded");
    stripe.intents_are(paid.clone());
    app.clock.advance(WINDOW);
    let order = until_money(customer, &id, "/status", "READY").await;
    assert_eq!(timeline(&order), ["PLACED", "PAYMENT_SUCCEEDED", "CONFIRMED", "PREPARING", "READY"]);
    // the webhook comes after all
    assert_eq!(tell(app, "evt_1", "payment_intent.succeeded", paid).await, StatusCode::OK);
    assert_eq!(money(customer, &id).await["version"], order["version"]);
    assert_eq!(world.stock().await, (98, 98, 0));
    audit(&app.app).await;
}

async fn an_order_about_which_stripe_cannot_be_asked_is_called_off_after_a_while(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let (asked, unasked) =
        (place_card_order(customer, &shop.product_id, 2).await, place_card_order(customer, &shop.product_id, 3).await);
    start(customer, &asked).await;
    for _ in 0..100 {
        stripe.will_answer_look_up(StatusCode::SERVICE_UNAVAILABLE, json!({}));
    }
    app.clock.advance(WINDOW);
    until(|| async { stripe.planned_look_ups() < 100 }).await;
    until(|| async { *order_row(app, &unasked).await.status == OrderStatus::Cancelled }).await;
    let waiting = order_row(app, &asked).await;
    assert_eq!((*waiting.status, waiting.version), (OrderStatus::Pending, 1), "it is given more time");
    assert_eq!(world.stock().await, (98, 100, 2));
    assert_eq!(try_start(customer, &asked).await.refusal("startPayment"), "PAYMENT_NOT_ALLOWED", "but not the customer");
    app.clock.advance(Duration::from_mins(11));
    until(|| async { *order_row(app, &asked).await.status == OrderStatus::Cancelled }).await;
    assert!(stripe.planned_look_ups() > 0, "it still cannot be asked");
    audit(&app.app).await;
}

async fn what_stripe_says_of_a_payment_that_it_does_not_call_off_decides(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let refusal = || json!({ "error": { "type": "invalid_request_error", "message": "Not in this state." } });
    let job_of = async |payment: &Started| {
        let key = payment_row(&app.app, &payment.id).await.id.to_string();
        let job = job::Entity::find().filter(job::Column::Kind.eq("payments.cancel")).filter(job::Column::Key.eq(key));
        job.one(app.app.db.reader()).await.unwrap()
    };
    // about to succeed or to fail: it is asked again, until that is known
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    let mut told = intent(app, &payment.id).await;
    told["status"] = json!("processing");
    stripe.intents_are(told.clone());
    stripe.will_answer(StatusCode::BAD_REQUEST, refusal());
    cancel(customer, &id).await;
    until(|| async { job_of(&payment).await.is_some_and(|job| job.last_error.is_some()) }).await;
    let job = job_of(&payment).await.unwrap();
    assert!(job.died_at.is_none() && job.last_error.unwrap().starts_with("it is about to succeed or to fail"));
    told["status"] = json!("succeeded");
    stripe.intents_are(told.clone());
    stripe.will_answer(StatusCode::BAD_REQUEST, refusal());
    app.clock.advance(Duration::from_secs(3));
    until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    // in a state of which nobody here knows: a person is to look
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    told["status"] = json!("requires_magic");
    stripe.intents_are(told);
    stripe.will_answer(StatusCode::BAD_REQUEST, refusal());
    cancel(customer, &id).await;
    until(|| async { job_of(&payment).await.is_some_and(|job| job.died_at.is_some()) }).await;
    assert!(job_of(&payment).await.unwrap().last_error.unwrap().starts_with("it is requires_magic"));
    audit(&app.app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_has_a_commit_on_the_disk_before_it_is_acknowledged() {
    let parts = TestParts::build(Shape::Embedded).await;
    let db = parts.app.db.writer();
    let setting = db.query_one_raw(Statement::from_string(DbBackend::Sqlite, "PRAGMA synchronous")).await.unwrap().unwrap();
    assert_eq!(setting.try_get_by_index::<i32>(0).unwrap(), 2, "FULL");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_the_provider_s_refund_and_ours_refunds_once() {
    let (stripe, api_url) = StandIn::start().await;
    let mut cluster = TestCluster::start_on(Redis::shared().await, 1, pay_at(api_url)).await;
    let here = cluster[0].clone();
    let (shop, customer) = tokio::join!(seller_with_product(&here, 100, "40.00"), here.customer());
    let (id, payment) = paid(&here, &shop, &customer).await;
    stripe.will_do_and_hang();
    try_refund(&shop.seller, &payment.id, Some("5")).await.ok("refundPayment");
    until(|| async { stripe.refunds() == 1 }).await;
    cluster.kill(0);
    cluster.start_again(0).await;
    let (there, customer) = (cluster[0].clone(), customer.at(&cluster[0]));
    assert_eq!(money(&customer, &id).await["payments"][0]["refunds"][0]["status"], "PENDING");
    // the lease of the dead one's job ends
    cluster.clock.advance(Duration::from_mins(1));
    until_money(&customer, &id, "/payments/0/refunds/0/status", "REFUNDED").await;
    assert_eq!((stripe.refunds(), stripe.asked("refunds").len()), (1, 1), "it was found there");
    audit(&there.app).await;
}
