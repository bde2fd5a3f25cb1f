//! Stripe, by a server that stands in for its API.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::TimeDelta;
use domain::id::Kind;
use domain::order::PaymentStatus;
use entity::{job, order, refund};
use quick_commerce::app::App;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::json;
use uuid::Uuid;

use super::World;
use super::stand_in::{SECRET_KEY, intent, tell, world};
use crate::support::audit::audit;
use crate::support::crowd::uuid;
use crate::support::money::{
    START_PAYMENT, money, payment_row, place_card_order, start, timeline, try_refund, try_start, until_money,
};
use crate::support::story::{CANCEL_ORDER, key};
use crate::support::wait::until;
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    an_order_is_paid_and_refunded_through_stripe,
    what_stripe_refuses_for_good_is_said_and_what_it_cannot_do_now_is_tried_again,
    a_refund_that_fails_later_is_there_to_be_refunded_again,
    what_is_not_stripe_s_own_refusal_ends_no_refund,
    a_refund_of_which_no_webhook_tells_is_looked_up,
}

async fn an_order_is_paid_and_refunded_through_stripe(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 2).await;
    let payment = start(customer, &id).await;
    let row = payment_row(&app.app, &payment.id).await;
    let [(_, idempotency_key, form)] = &stripe.asked("payment_intents")[..] else { panic!("asked once") };
    assert_eq!(*idempotency_key, row.id.to_string());
    let sent = [("amount", "10900"), ("currency", "inr"), ("automatic_payment_methods[enabled]", "true")];
    assert!(sent.iter().all(|(name, value)| form[*name] == *value), "{form:?}");
    assert_eq!(form["metadata[payment_id]"], row.id.to_string());
    assert_eq!(payment.secret, format!("pi_{}_secret_x", row.id));

    let declined = intent(app, &payment.id).await;
    assert_eq!(tell(app, "evt_1", "payment_intent.payment_failed", declined.clone()).await, StatusCode::OK);
    let order = money(customer, &id).await;
    assert_eq!(order["payments"][0]["failureReason"], "Your card has insufficient funds.");
    assert_eq!(tell(app, "evt_2", "payment_intent.processing", declined.clone()).await, StatusCode::OK);
    assert_eq!(tell(app, "evt_3", "payment_intent.succeeded", declined.clone()).await, StatusCode::OK);
    // of another system that shares the account
    let foreign =
        json!({ "id": "pi_foreign", "metadata": { "payment_id": "no uuid" }, "amount_received": 1, "currency": "inr" });
    assert_eq!(tell(app, "evt_4", "payment_intent.succeeded", foreign).await, StatusCode::OK);
    assert_eq!(tell(app, "evt_5", "invoice.paid", json!({})).await, StatusCode::OK);
    let order = money(customer, &id).await;
    assert_eq!((&order["status"], &order["paymentStatus"]), (&json!("READY"), &json!("PAID")));

    try_refund(&shop.seller, &payment.id, Some("9.00")).await.ok("refundPayment");
    until_money(customer, &id, "/paymentStatus", "PARTIALLY_REFUNDED").await;
    let [(_, _, form)] = &stripe.asked("refunds")[..] else { panic!("asked once") };
    let reference = row.provider_ref.unwrap();
    assert_eq!((form["payment_intent"].as_str(), form["amount"].as_str()), (reference.as_str(), "900"));
    customer.mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": id })).await.ok("cancelOrder");
    until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    audit(&app.app).await;
}

async fn what_stripe_refuses_for_good_is_said_and_what_it_cannot_do_now_is_tried_again(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let refusal = |message: &str| json!({ "error": { "type": "invalid_request_error", "message": message } });
    stripe.will_answer(StatusCode::BAD_REQUEST, refusal("Amount must be at least 50 paise."));
    let answer = try_start(customer, &id).await;
    assert_eq!(answer.refusal("startPayment"), "PAYMENT_DECLINED");
    let order = money(customer, &id).await;
    let neutral = "The payment provider did not accept it.";
    assert_eq!(order["payments"][0]["failureReason"], neutral, "what is written to programmers is for the log");
    assert_eq!(timeline(&order), ["PLACED", "PAYMENT_FAILED"]);

    let input = json!({ "idempotencyKey": key(), "orderId": id });
    for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED] {
        stripe.will_answer(status, refusal(&format!("Not now, {SECRET_KEY}.")));
        let answer = customer.mutate(START_PAYMENT, input.clone()).await;
        assert_eq!(answer.code(), "INTERNAL", "{status}");
        assert_eq!(answer.errors()[0]["extensions"]["retryable"], true);
        assert!(!answer.body.to_string().contains(SECRET_KEY));
    }
    let payment = crate::support::money::started(&customer.mutate(START_PAYMENT, input).await);
    let keys: Vec<String> = stripe.asked("payment_intents").into_iter().skip(1).map(|(_, key, _)| key).collect();
    assert!(keys.len() == 4 && keys.iter().all(|key| *key == keys[0]), "one intent, however often: {keys:?}");

    assert_eq!(tell(app, "evt_1", "payment_intent.succeeded", intent(app, &payment.id).await).await, StatusCode::OK);
    // the refund is tried again by itself, under its key, and is then refused for good
    stripe.will_answer(StatusCode::TOO_MANY_REQUESTS, json!({}));
    stripe.will_answer(StatusCode::BAD_REQUEST, refusal("Charge is disputed."));
    try_refund(&shop.seller, &payment.id, Some("5")).await.ok("refundPayment");
    until(|| async { stripe.asked("refunds").len() == 1 }).await;
    until(|| async {
        app.clock.advance(std::time::Duration::from_secs(1));
        stripe.asked("refunds").len() == 2
    })
    .await;
    let order = until_money(customer, &id, "/payments/1/refunds/0/status", "FAILED").await;
    let refund = &order["payments"][1]["refunds"][0];
    assert_eq!(refund["failureReason"], neutral);
    assert_eq!((&order["paymentStatus"], &order["payments"][1]["refunded"]["amount"]), (&json!("PAID"), &json!("0.00")));
    let asked = stripe.asked("refunds");
    assert_eq!(asked[0].1, asked[1].1);
    audit(&app.app).await;
}

async fn a_refund_that_fails_later_is_there_to_be_refunded_again(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    assert_eq!(tell(app, "evt_1", "payment_intent.succeeded", intent(app, &payment.id).await).await, StatusCode::OK);
    stripe.refunds_will_be("pending");
    try_refund(&shop.seller, &payment.id, None).await.ok("refundPayment");
    until(|| async { stripe.asked("refunds").len() == 1 }).await;
    let order = money(customer, &id).await;
    assert_eq!(
        (&order["paymentStatus"], &order["payments"][0]["refunds"][0]["status"]),
        (&json!("PAID"), &json!("PENDING"))
    );
    let offers = async || money(&shop.seller, &id).await["viewerActions"].as_array().unwrap().contains(&json!("REFUND"));
    assert!(!offers().await, "all of it is on its way back");
    let (_, refund_id, form) = stripe.asked("refunds").remove(0);
    let unnamed = json!({ "id": "re_0", "object": "refund", "status": "succeeded", "payment_intent": form["payment_intent"],
        "metadata": null });
    assert_eq!(tell(app, "evt_0", "refund.updated", unnamed).await, StatusCode::OK, "one made by hand is read as well");
    let refund = |status: &str| {
        json!({ "id": "re_1", "object": "refund", "status": status, "payment_intent": form["payment_intent"],
            "failure_reason": "lost_or_stolen_card", "metadata": { "refund_id": refund_id } })
    };
    assert_eq!(tell(app, "evt_2", "refund.updated", refund("succeeded")).await, StatusCode::OK);
    assert_eq!(money(customer, &id).await["paymentStatus"], "REFUNDED");
    assert_eq!(tell(app, "evt_3", "refund.failed", refund("failed")).await, StatusCode::OK);
    // what is said of it before and comes after changes nothing
    assert_eq!(tell(app, "evt_4", "refund.updated", refund("succeeded")).await, StatusCode::OK);
    let order = money(customer, &id).await;
    assert_eq!((&order["paymentStatus"], &order["payments"][0]["refunded"]["amount"]), (&json!("PAID"), &json!("0.00")));
    assert_eq!(order["payments"][0]["refunds"][0]["failureReason"], "lost_or_stolen_card");
    assert!(offers().await);
    let metrics = app.http.get("/metrics").await;
    assert!(metrics.text().contains("quick_commerce_refunds_failed_total 1\n"), "{}", metrics.text());
    stripe.refunds_will_be("succeeded");
    try_refund(&shop.seller, &payment.id, None).await.ok("refundPayment");
    until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    audit(&app.app).await;
}

/// A paid order and its payment.
async fn paid(world: &World) -> (String, String) {
    let World { app, shop, customer } = world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    assert_eq!(tell(app, "evt_1", "payment_intent.succeeded", intent(app, &payment.id).await).await, StatusCode::OK);
    (id, payment.id)
}

/// The only refund there is.
async fn refund_row(app: &App) -> refund::Model {
    refund::Entity::find().one(app.db.reader()).await.unwrap().unwrap()
}

async fn what_is_not_stripe_s_own_refusal_ends_no_refund(shape: Shape) {
    let (world, stripe) = world(shape).await;
    let (id, payment) = paid(&world).await;
    let page = json!("<html><title>Not here</title></html>");
    let of_stripe = |r#type: &str| json!({ "error": { "type": r#type, "message": "No such thing." } });
    // of a proxy, of another API, of Stripe about something else than this refund
    let answers = [
        (StatusCode::FOUND, page.clone()),
        (StatusCode::NOT_FOUND, page.clone()),
        (StatusCode::BAD_REQUEST, json!({ "error": "bad request" })),
        (StatusCode::NOT_FOUND, json!({ "error": { "message": "no route" } })),
        (StatusCode::GONE, of_stripe("invalid_request_error")),
        (StatusCode::UPGRADE_REQUIRED, of_stripe("invalid_request_error")),
    ];
    for (status, body) in &answers {
        stripe.will_answer(*status, body.clone());
    }
    let look_ups = [(StatusCode::NOT_FOUND, of_stripe("invalid_request_error")), (StatusCode::BAD_REQUEST, page)];
    for (status, body) in &look_ups {
        stripe.will_answer_look_up(*status, body.clone());
    }
    try_refund(&world.shop.seller, &payment, None).await.ok("refundPayment");
    until(|| async {
        world.app.clock.advance(Duration::from_secs(2));
        let refund = refund_row(&world.app.app).await;
        assert_ne!(*refund.status, PaymentStatus::Failed, "{:?}", refund.failure_reason);
        *refund.status == PaymentStatus::Refunded
    })
    .await;
    assert_eq!(stripe.asked("refunds").len(), answers.len() + 1);
    assert_eq!(stripe.refunds(), 1);
    assert_eq!(order_row(&world.app.app, &id).await, PaymentStatus::Refunded);
    audit(&world.app.app).await;
}

/// Where the money of an order is, as it is stored: the clock has run away from access tokens.
async fn order_row(app: &App, id: &str) -> PaymentStatus {
    let order = order::Entity::find_by_id(uuid(Kind::Order, id)).one(app.db.reader()).await.unwrap().unwrap();
    *order.payment_status
}

async fn a_refund_of_which_no_webhook_tells_is_looked_up(shape: Shape) {
    let (world, stripe) = world(shape).await;
    stripe.refunds_will_be("pending");
    let (id, payment) = paid(&world).await;
    try_refund(&world.shop.seller, &payment, None).await.ok("refundPayment");
    let refund = refund_row(&world.app.app).await;
    until(|| async { stripe.refunds() == 1 }).await;
    // more often than any failing job is tried
    for look in 0..25 {
        until(|| async { stripe.looked_up() > look }).await;
        until(|| async { pause_of_job(&world.app.app, refund.id).await >= TimeDelta::minutes(5) }).await;
        world.app.clock.advance(Duration::from_hours(6));
    }
    assert_eq!(*refund_row(&world.app.app).await.status, PaymentStatus::Pending);
    stripe.made_refunds_are("succeeded");
    world.app.clock.advance(Duration::from_hours(6));
    until(|| async { *refund_row(&world.app.app).await.status == PaymentStatus::Refunded }).await;
    assert_eq!(stripe.asked("refunds").len(), 1, "asked for once");
    assert_eq!(order_row(&world.app.app, &id).await, PaymentStatus::Refunded);
    audit(&world.app.app).await;
}

/// How long the job of a refund waits from now on; nothing while it is being done.
async fn pause_of_job(app: &App, refund: Uuid) -> TimeDelta {
    let jobs = job::Entity::find().filter(job::Column::Key.eq(refund.to_string()));
    let Some(job) = jobs.one(app.db.reader()).await.unwrap() else { return TimeDelta::zero() };
    assert!(job.died_at.is_none(), "{job:?}");
    job.run_at - app.clock.db_now(app.db.reader()).await.unwrap()
}
