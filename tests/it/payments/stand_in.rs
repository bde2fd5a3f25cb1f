//! A server that stands in for Stripe's API, keeps its books, and checks what it is sent.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use quick_commerce::config::{Config, ProviderName, Secret, Stripe};
use quick_commerce::payments::signature;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{World, shorter};
use crate::support::Shape;
use crate::support::actors::Api;
use crate::support::money::{payment_row, webhook};

pub(super) const SECRET_KEY: &str = "sk_test_of_the_stand_in";
const WEBHOOK_SECRET: &str = "whsec_of_the_stand_in";

/// A request as it came in: path, idempotency key, form.
pub(super) type Asked = (String, String, BTreeMap<String, String>);

/// What becomes of a request.
#[derive(Debug, Clone)]
enum Plan {
    /// This is answered, and nothing is done.
    Answer(StatusCode, Value),
    /// It is done, and this is answered all the same.
    DoAndAnswer(StatusCode, Value),
    /// It is done, and somebody in between answers this.
    DoBehind(StatusCode),
    /// It is done, and never answered.
    DoAndHang,
}

/// Stands in for Stripe's API.
#[derive(Debug, Clone, Default)]
pub(super) struct StandIn(Arc<Books>);

#[derive(Debug, Default)]
struct Books {
    asked: Mutex<Vec<Asked>>,
    /// What becomes of the next requests, in this order.
    plans: Mutex<Vec<Plan>>,
    /// What is answered to the next who look something up, in this order.
    look_ups: Mutex<Vec<(StatusCode, Value)>>,
    /// How often refunds were looked up.
    looked_up: Mutex<usize>,
    /// What was answered to a key is answered to it again, also that something broke.
    answers: Mutex<HashMap<String, (StatusCode, Value)>>,
    refunds: Mutex<Vec<Value>>,
    refund_status: Mutex<Option<String>>,
    /// What is said of every payment that is looked up.
    intent: Mutex<Value>,
}

impl StandIn {
    pub(super) async fn start() -> (Self, String) {
        let stand_in = Self::default();
        let router = Router::new().route("/v1/{*path}", get(look_up).post(answer)).with_state(stand_in.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (stand_in, url)
    }

    /// The requests at `path` that were to do something.
    pub(super) fn asked(&self, path: &str) -> Vec<Asked> {
        self.0.asked.lock().unwrap().iter().filter(|(asked, ..)| asked == path).cloned().collect()
    }

    /// How many refunds it has made.
    pub(super) fn refunds(&self) -> usize {
        self.0.refunds.lock().unwrap().len()
    }

    pub(super) fn will_answer(&self, status: StatusCode, body: Value) {
        self.0.plans.lock().unwrap().push(Plan::Answer(status, body));
    }

    pub(super) fn will_do_and_answer(&self, status: StatusCode, body: Value) {
        self.0.plans.lock().unwrap().push(Plan::DoAndAnswer(status, body));
    }

    pub(super) fn will_do_behind(&self, status: StatusCode) {
        self.0.plans.lock().unwrap().push(Plan::DoBehind(status));
    }

    pub(super) fn will_do_and_hang(&self) {
        self.0.plans.lock().unwrap().push(Plan::DoAndHang);
    }

    pub(super) fn will_answer_look_up(&self, status: StatusCode, body: Value) {
        self.0.look_ups.lock().unwrap().push((status, body));
    }

    /// How many look-ups are yet to be answered as [`StandIn::will_answer_look_up`] said.
    pub(super) fn planned_look_ups(&self) -> usize {
        self.0.look_ups.lock().unwrap().len()
    }

    /// How often refunds were looked up.
    pub(super) fn looked_up(&self) -> usize {
        *self.0.looked_up.lock().unwrap()
    }

    /// What the refunds that it has made are from now on.
    pub(super) fn made_refunds_are(&self, status: &str) {
        for refund in self.0.refunds.lock().unwrap().iter_mut() {
            refund["status"] = json!(status);
        }
    }

    /// What new refunds are.
    pub(super) fn refunds_will_be(&self, status: &str) {
        *self.0.refund_status.lock().unwrap() = Some(status.to_owned());
    }

    /// What is said of every payment that is looked up.
    pub(super) fn intents_are(&self, intent: Value) {
        *self.0.intent.lock().unwrap() = intent;
    }

    fn act(&self, path: &str, key: &str, form: &BTreeMap<String, String>) -> Value {
        match path {
            "payment_intents" => json!({ "id": format!("pi_{key}"), "client_secret": format!("pi_{key}_secret_x"),
                "object": "payment_intent", "status": "requires_payment_method", "last_payment_error": null }),
            "refunds" => {
                let status = self.0.refund_status.lock().unwrap().clone().unwrap_or_else(|| "succeeded".to_owned());
                let refund = json!({ "id": format!("re_{key}"), "object": "refund", "status": status,
                    "payment_intent": form["payment_intent"], "failure_reason": null,
                    "metadata": { "refund_id": form["metadata[refund_id]"] } });
                self.0.refunds.lock().unwrap().push(refund.clone());
                refund
            }
            _ => json!({ "id": path.split('/').nth(1), "object": "payment_intent", "status": "canceled" }),
        }
    }
}

fn check(headers: &HeaderMap) -> impl Fn(&str) -> String {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    assert_eq!(header("authorization"), format!("Bearer {SECRET_KEY}"));
    assert_eq!(header("stripe-version"), "2024-12-18.acacia");
    header
}

async fn look_up(
    State(stand_in): State<StandIn>,
    Path(path): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    assert!(check(&headers)("idempotency-key").is_empty(), "nothing is done");
    let planned =
        Some(&mut *stand_in.0.look_ups.lock().unwrap()).filter(|plans| !plans.is_empty()).map(|plans| plans.remove(0));
    if let Some((status, body)) = planned {
        return (status, body.to_string()).into_response();
    }
    if path != "refunds" {
        return stand_in.0.intent.lock().unwrap().to_string().into_response();
    }
    *stand_in.0.looked_up.lock().unwrap() += 1;
    let mut data = stand_in.0.refunds.lock().unwrap().clone();
    data.retain(|refund| refund["payment_intent"] == query["payment_intent"].as_str());
    // of somebody who uses Stripe's dashboard
    data.push(json!({ "id": "re_by_hand", "status": "succeeded", "metadata": null }));
    json!({ "object": "list", "has_more": false, "data": data }).to_string().into_response()
}

async fn answer(State(stand_in): State<StandIn>, Path(path): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let header = check(&headers);
    assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
    let key = header("idempotency-key");
    assert!(!key.is_empty(), "a POST without a key may happen twice");
    let form: BTreeMap<String, String> = serde_urlencoded::from_bytes(&body).unwrap();
    stand_in.0.asked.lock().unwrap().push((path.clone(), key.clone(), form.clone()));
    let known = stand_in.0.answers.lock().unwrap().get(&key).cloned();
    if let Some((status, body)) = known {
        return (status, [("idempotent-replayed", "true")], body.to_string()).into_response();
    }
    let plan = Some(&mut *stand_in.0.plans.lock().unwrap()).filter(|plans| !plans.is_empty()).map(|plans| plans.remove(0));
    let (status, body) = match plan {
        None => (StatusCode::OK, stand_in.act(&path, &key, &form)),
        Some(Plan::Answer(status, body)) => (status, body),
        Some(Plan::DoAndAnswer(status, body)) => {
            stand_in.act(&path, &key, &form);
            (status, body)
        }
        Some(Plan::DoBehind(status)) => {
            let made = stand_in.act(&path, &key, &form);
            stand_in.0.answers.lock().unwrap().insert(key, (StatusCode::OK, made));
            return (status, "<html>").into_response();
        }
        Some(Plan::DoAndHang) => {
            stand_in.act(&path, &key, &form);
            std::future::pending().await
        }
    };
    // what did not begin to be worked on is not kept
    if status.is_success() || status.is_server_error() {
        stand_in.0.answers.lock().unwrap().insert(key, (status, body.clone()));
    }
    (status, body.to_string()).into_response()
}

/// Pays through the stand-in at `api_url`.
pub(super) fn pay_at(api_url: String) -> impl Fn(&mut Config) {
    let secret = |text: &str| Secret::new(text.to_owned());
    let account = Stripe { secret_key: secret(SECRET_KEY), webhook_secret: secret(WEBHOOK_SECRET), api_url };
    move |config| {
        shorter(config);
        config.payments.provider = Some(ProviderName::Stripe);
        config.payments.stripe = Some(account.clone());
    }
}

pub(super) async fn world(shape: Shape) -> (World, StandIn) {
    let (stand_in, api_url) = StandIn::start().await;
    (World::with(shape, pay_at(api_url)).await, stand_in)
}

/// Sends a webhook as Stripe does; its answer's status.
pub(super) async fn tell(api: &Api, id: &str, r#type: &str, object: Value) -> StatusCode {
    let event = json!({ "id": id, "object": "event", "api_version": "2024-12-18.acacia", "type": r#type,
        "data": { "object": object } });
    let body = event.to_string();
    let signature = signature::sign(WEBHOOK_SECRET.as_bytes(), body.as_bytes(), api.app.clock.now());
    webhook(api, "stripe", Some(&signature), &body).await.status
}

/// A payment intent as Stripe's webhooks have it.
pub(super) async fn intent(api: &Api, payment_id: &str) -> Value {
    let row = payment_row(&api.app, payment_id).await;
    json!({ "id": row.provider_ref, "object": "payment_intent", "amount": row.amount_minor,
        "amount_received": row.amount_minor, "currency": "inr", "metadata": { "payment_id": row.id },
        "last_payment_error": { "type": "card_error", "message": "Your card has insufficient funds." } })
}
