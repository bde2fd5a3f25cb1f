//! Stripe, by a server that stands in for its API and checks what it is sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use quick_commerce::config::{ProviderName, Secret, Stripe};
use quick_commerce::payments::signature;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{World, shorter};
use crate::support::audit::audit;
use crate::support::money::{
    START_PAYMENT, money, payment_row, place_card_order, start, timeline, try_refund, try_start, until_money, webhook,
};
use crate::support::story::{CANCEL_ORDER, key};
use crate::support::wait::until;
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    an_order_is_paid_and_refunded_through_stripe,
    what_stripe_refuses_for_good_is_said_and_what_it_cannot_do_now_is_tried_again,
    a_refund_that_fails_later_is_there_to_be_refunded_again,
}

const SECRET_KEY: &str = "sk_test_of_the_stand_in";
const WEBHOOK_SECRET: &str = "whsec_of_the_stand_in";

/// A request as it came in: path, idempotency key, form.
type Asked = (String, String, BTreeMap<String, String>);

/// Stands in for Stripe's API.
#[derive(Debug, Clone, Default)]
struct StandIn {
    asked: Arc<Mutex<Vec<Asked>>>,
    /// What it answers next in place of what it was asked.
    answers: Arc<Mutex<Vec<(StatusCode, Value)>>>,
    /// Status of a new refund.
    refund_status: Arc<Mutex<String>>,
}

impl StandIn {
    async fn start() -> (Self, String) {
        let stand_in = Self { refund_status: Arc::new(Mutex::new("succeeded".to_owned())), ..Self::default() };
        let router = Router::new().route("/v1/{*path}", post(answer)).with_state(stand_in.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (stand_in, url)
    }

    fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|(asked, ..)| asked == path).cloned().collect()
    }

    fn will_answer(&self, status: StatusCode, body: Value) {
        self.answers.lock().unwrap().push((status, body));
    }
}

async fn answer(State(stand_in): State<StandIn>, Path(path): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    assert_eq!(header("authorization"), format!("Bearer {SECRET_KEY}"));
    assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(header("stripe-version"), "2024-12-18.acacia");
    let key = header("idempotency-key");
    assert!(!key.is_empty(), "a POST without a key may happen twice");
    let form: BTreeMap<String, String> = serde_urlencoded::from_bytes(&body).unwrap();
    stand_in.asked.lock().unwrap().push((path.clone(), key.clone(), form.clone()));
    let planned = stand_in.answers.lock().unwrap().pop();
    if let Some((status, body)) = planned {
        return (status, body.to_string()).into_response();
    }
    let answer = match path.as_str() {
        "payment_intents" => json!({ "id": format!("pi_{key}"), "client_secret": format!("pi_{key}_secret_x"),
            "object": "payment_intent", "status": "requires_payment_method", "last_payment_error": null }),
        "refunds" => json!({ "id": format!("re_{key}"), "object": "refund", "payment_intent": form["payment_intent"],
            "status": *stand_in.refund_status.lock().unwrap(), "failure_reason": null }),
        _ => json!({ "id": path.split('/').nth(1), "object": "payment_intent", "status": "canceled" }),
    };
    answer.to_string().into_response()
}

async fn world(shape: Shape) -> (World, StandIn) {
    let (stand_in, api_url) = StandIn::start().await;
    let secret = |text: &str| Secret::new(text.to_owned());
    let account = Stripe { secret_key: secret(SECRET_KEY), webhook_secret: secret(WEBHOOK_SECRET), api_url };
    let world = World::with(shape, |config| {
        shorter(config);
        config.payments.provider = Some(ProviderName::Stripe);
        config.payments.stripe = Some(account);
    })
    .await;
    (world, stand_in)
}

/// Sends a webhook as Stripe does; its answer's status.
async fn tell(world: &World, id: &str, r#type: &str, object: Value) -> StatusCode {
    let event = json!({ "id": id, "object": "event", "api_version": "2024-12-18.acacia", "type": r#type,
        "data": { "object": object } });
    let body = event.to_string();
    let signature = signature::sign(WEBHOOK_SECRET.as_bytes(), body.as_bytes(), world.app.app.clock.now());
    webhook(&world.app, "stripe", Some(&signature), &body).await.status
}

/// A payment intent as Stripe's webhooks have it.
async fn intent(world: &World, payment_id: &str) -> Value {
    let row = payment_row(&world.app.app, payment_id).await;
    json!({ "id": row.provider_ref, "object": "payment_intent", "amount": row.amount_minor,
        "amount_received": row.amount_minor, "currency": "inr", "metadata": { "payment_id": row.id },
        "last_payment_error": { "message": "Your card has insufficient funds." } })
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

    let declined = intent(&world, &payment.id).await;
    assert_eq!(tell(&world, "evt_1", "payment_intent.payment_failed", declined.clone()).await, StatusCode::OK);
    let order = money(customer, &id).await;
    assert_eq!(order["payments"][0]["failureReason"], "Your card has insufficient funds.");
    assert_eq!(tell(&world, "evt_2", "payment_intent.processing", declined.clone()).await, StatusCode::OK);
    assert_eq!(tell(&world, "evt_3", "payment_intent.succeeded", declined.clone()).await, StatusCode::OK);
    // of another system that shares the account
    let foreign =
        json!({ "id": "pi_foreign", "metadata": { "payment_id": "no uuid" }, "amount_received": 1, "currency": "inr" });
    assert_eq!(tell(&world, "evt_4", "payment_intent.succeeded", foreign).await, StatusCode::OK);
    assert_eq!(tell(&world, "evt_5", "invoice.paid", json!({})).await, StatusCode::OK);
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
    for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY, StatusCode::UNAUTHORIZED] {
        stripe.will_answer(status, refusal(&format!("Not now, {SECRET_KEY}.")));
        let answer = customer.mutate(START_PAYMENT, input.clone()).await;
        assert_eq!(answer.code(), "INTERNAL", "{status}");
        assert_eq!(answer.errors()[0]["extensions"]["retryable"], true);
        assert!(!answer.body.to_string().contains(SECRET_KEY));
    }
    let payment = crate::support::money::started(&customer.mutate(START_PAYMENT, input).await);
    let keys: Vec<String> = stripe.asked("payment_intents").into_iter().skip(1).map(|(_, key, _)| key).collect();
    assert!(keys.len() == 4 && keys.iter().all(|key| *key == keys[0]), "one intent, however often: {keys:?}");

    assert_eq!(tell(&world, "evt_1", "payment_intent.succeeded", intent(&world, &payment.id).await).await, StatusCode::OK);
    // the refund is tried again by itself, under its key, and is then refused for good
    stripe.will_answer(StatusCode::BAD_REQUEST, refusal("Charge is disputed."));
    stripe.will_answer(StatusCode::INTERNAL_SERVER_ERROR, json!({}));
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
    assert_eq!(tell(&world, "evt_1", "payment_intent.succeeded", intent(&world, &payment.id).await).await, StatusCode::OK);
    "pending".clone_into(&mut stripe.refund_status.lock().unwrap());
    try_refund(&shop.seller, &payment.id, None).await.ok("refundPayment");
    until(|| async { stripe.asked("refunds").len() == 1 }).await;
    let order = money(customer, &id).await;
    assert_eq!(
        (&order["paymentStatus"], &order["payments"][0]["refunds"][0]["status"]),
        (&json!("PAID"), &json!("PENDING"))
    );
    let (_, refund_id, form) = stripe.asked("refunds").remove(0);
    let refund = |status: &str| {
        json!({ "id": "re_1", "object": "refund", "status": status, "payment_intent": form["payment_intent"],
            "failure_reason": "lost_or_stolen_card", "metadata": { "refund_id": refund_id } })
    };
    assert_eq!(tell(&world, "evt_2", "refund.updated", refund("succeeded")).await, StatusCode::OK);
    assert_eq!(money(customer, &id).await["paymentStatus"], "REFUNDED");
    assert_eq!(tell(&world, "evt_3", "refund.failed", refund("failed")).await, StatusCode::OK);
    // what is said of it before and comes after changes nothing
    assert_eq!(tell(&world, "evt_4", "refund.updated", refund("succeeded")).await, StatusCode::OK);
    let order = money(customer, &id).await;
    assert_eq!((&order["paymentStatus"], &order["payments"][0]["refunded"]["amount"]), (&json!("PAID"), &json!("0.00")));
    assert_eq!(order["payments"][0]["refunds"][0]["failureReason"], "lost_or_stolen_card");
    "succeeded".clone_into(&mut stripe.refund_status.lock().unwrap());
    try_refund(&shop.seller, &payment.id, None).await.ok("refundPayment");
    until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    audit(&app.app).await;
}
