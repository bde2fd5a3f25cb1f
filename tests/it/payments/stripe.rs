//! Stripe, by a server that stands in for its API.

use axum::http::StatusCode;
use serde_json::json;

use super::World;
use super::stand_in::{SECRET_KEY, intent, tell, world};
use crate::support::audit::audit;
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
    assert_eq!(order["payments"][0]["failureReason"], "Amount must be at least 50 paise.");
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
    stripe.will_answer(StatusCode::BAD_REQUEST, refusal("Charge is\u{7} disputed."));
    try_refund(&shop.seller, &payment.id, Some("5")).await.ok("refundPayment");
    until(|| async { stripe.asked("refunds").len() == 1 }).await;
    until(|| async {
        app.clock.advance(std::time::Duration::from_secs(1));
        stripe.asked("refunds").len() == 2
    })
    .await;
    let order = until_money(customer, &id, "/payments/1/refunds/0/status", "FAILED").await;
    let refund = &order["payments"][1]["refunds"][0];
    assert_eq!(refund["failureReason"], "Charge is disputed.");
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
    stripe.refunds_will_be("succeeded");
    try_refund(&shop.seller, &payment.id, None).await.ok("refundPayment");
    until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    audit(&app.app).await;
}
