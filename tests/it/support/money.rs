//! Paying: by the sandbox, which calls back over real HTTP, and by webhooks that a test makes itself.

use axum::http::{Method, StatusCode};
use domain::id::Kind;
use domain::order::PaymentStatus;
use entity::{Text, order, payment};
use quick_commerce::app::App;
use quick_commerce::payments::sandbox;
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};

use super::actors::{Actor, Api};
use super::crowd::uuid;
use super::http::{Answer, HttpAnswer};
use super::story::{PLACE_ORDER, key, order_input, text};
use super::wait::until;

pub(crate) const START_PAYMENT: &str = "mutation StartPayment($input: StartPaymentInput!) { startPayment(input: $input) {
    payment { id provider status amount { amount currency } clientSecret failureReason } order { id status paymentStatus }
    userErrors { code message field } } }";

pub(crate) const REFUND_PAYMENT: &str =
    "mutation RefundPayment($input: RefundPaymentInput!) { refundPayment(input: $input) {
    payment { id status refunded { amount } refunds { id amount { amount } reason status failureReason } }
    order { id status paymentStatus } userErrors { code message field } } }";

pub(crate) const MONEY: &str = "query Money($id: ID!) { order(id: $id) { id version status paymentStatus viewerActions
    payments { id provider status amount { amount } refunded { amount } clientSecret failureReason
        refunds { id amount { amount } reason status failureReason } }
    timeline(first: 50) { nodes { type note actorRole } } } }";

/// A payment that a customer has started.
#[derive(Debug, Clone)]
pub(crate) struct Started {
    /// `pay_…`
    pub(crate) id: String,
    /// Opens its page at the sandbox.
    pub(crate) secret: String,
}

/// Places an order that is to be paid by card; its id.
pub(crate) async fn place_card_order(customer: &Actor, product_id: &str, quantity: i32) -> String {
    let mut input = order_input(product_id, quantity);
    input["paymentMethod"] = json!("CARD");
    let answer = customer.mutate(PLACE_ORDER, input).await;
    let payload = answer.ok("placeOrder");
    assert_eq!(payload["order"]["status"], "PENDING");
    text(payload, "/order/id")
}

/// Starts a payment, whatever comes of it.
pub(crate) async fn try_start(customer: &Actor, order_id: &str) -> Answer {
    customer.mutate(START_PAYMENT, json!({ "idempotencyKey": key(), "orderId": order_id })).await
}

/// Starts a payment.
pub(crate) async fn start(customer: &Actor, order_id: &str) -> Started {
    started(&try_start(customer, order_id).await)
}

/// What `startPayment` answered.
pub(crate) fn started(answer: &Answer) -> Started {
    let payload = answer.ok("startPayment");
    Started { id: text(payload, "/payment/id"), secret: text(payload, "/payment/clientSecret") }
}

/// Plays the customer at the sandbox, whatever comes of it.
pub(crate) async fn try_play(api: &Api, payment: &Started, outcome: &str) -> HttpAnswer {
    let path = format!("/sandbox/payments/{}", payment.secret);
    let headers = [("content-type", "application/json")];
    api.http.send(Method::POST, &path, &headers, json!({ "outcome": outcome }).to_string()).await.unwrap()
}

/// Plays the customer at the sandbox.
pub(crate) async fn play(api: &Api, payment: &Started, outcome: &str) {
    let answer = try_play(api, payment, outcome).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

/// Gives money back, whatever comes of it. Without an `amount`: all that is left.
pub(crate) async fn try_refund(actor: &Actor, payment_id: &str, amount: Option<&str>) -> Answer {
    let input = json!({ "idempotencyKey": key(), "paymentId": payment_id, "amount": amount, "reason": "Soggy." });
    actor.mutate(REFUND_PAYMENT, input).await
}

/// The order with its money, as `viewer` sees it.
pub(crate) async fn money(viewer: &Actor, order_id: &str) -> Value {
    viewer.query(MONEY, json!({ "id": order_id })).await.data()["order"].clone()
}

/// Waits until the value at `pointer` of the order with its money is `expected`, and says what else is.
pub(crate) async fn until_money(viewer: &Actor, order_id: &str, pointer: &str, expected: &str) -> Value {
    until(|| async { money(viewer, order_id).await.pointer(pointer).is_some_and(|found| found == expected) }).await;
    money(viewer, order_id).await
}

/// The types of the order's timeline.
pub(crate) fn timeline(order: &Value) -> Vec<&str> {
    order["timeline"]["nodes"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// What the sandbox would say of `payment`: `payment.succeeded` or `payment.failed`.
pub(crate) async fn sandbox_event(app: &App, id: &str, r#type: &str, payment: &Started) -> Value {
    let row = payment_row(app, &payment.id).await;
    json!({
        "id": id, "type": r#type, "intent": row.provider_ref, "payment": row.id, "amount": row.amount_minor,
        "currency": "INR", "reason": null,
    })
}

/// The payment as it is stored.
pub(crate) async fn payment_row(app: &App, id: &str) -> payment::Model {
    payment::Entity::find_by_id(uuid(Kind::Payment, id)).one(app.db.reader()).await.unwrap().unwrap()
}

/// Sends a webhook with `body` under `signature`, if there is one.
pub(crate) async fn webhook(api: &Api, provider: &str, signature: Option<&str>, body: &str) -> HttpAnswer {
    let header = format!("{provider}-signature");
    let headers: Vec<(&str, &str)> = signature.map(|signature| (header.as_str(), signature)).into_iter().collect();
    let path = format!("/webhooks/payments/{provider}");
    api.http.send(Method::POST, &path, &headers, body.to_owned()).await.unwrap()
}

/// Sends `event` as the sandbox does, signed.
pub(crate) async fn tell(api: &Api, event: &Value) -> HttpAnswer {
    let body = event.to_string();
    webhook(api, "sandbox", Some(&sandbox::signed(&api.app, body.as_bytes())), &body).await
}

/// Writes down that the order was paid in cash, whatever it cost; the payment's id.
pub(crate) async fn paid_in_cash(app: &App, order_id: &str, amount_minor: i64) -> String {
    let id = uuid(Kind::Order, order_id);
    let order = order::Entity::find_by_id(id).one(app.db.reader()).await.unwrap().unwrap();
    let now = app.clock.db_now(app.db.reader()).await.unwrap();
    let row = payment::Model {
        id: app.ids.uuid(),
        order_id: order.id,
        provider: "cash".to_owned(),
        status: Text(PaymentStatus::Paid),
        currency: order.currency,
        amount_minor,
        refunded_minor: 0,
        provider_ref: None,
        client_secret: None,
        failure_reason: None,
        broken: 0,
        called_off_at: None,
        created_at: now,
        updated_at: now,
        paid_at: Some(now),
    };
    let id = domain::id::encode(Kind::Payment, row.id);
    payment::Entity::insert(row.into_active_model()).exec_without_returning(app.db.writer()).await.unwrap();
    id
}
