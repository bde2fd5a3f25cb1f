//! Webhooks to other systems: what they are told, signatures, what is sent again and when, and where nothing is sent.

mod backlog;
mod keys;
mod meanwhile;
mod names;
mod outages;
pub(crate) mod receiver;
mod resealing;
mod sending;
mod telling;

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::webhook::WEBHOOK_PAUSED;
use entity::event;
use quick_commerce::config::Config;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use self::receiver::{Receiver, Says};
use crate::support::actors::{Actor, Api};
use crate::support::story::text;
use crate::support::wait::until;
use crate::support::{Shape, TestApp};

const CREATE: &str = "mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) {
    endpoint { id url topics active } secret userErrors { code message field } } }";

const UPDATE: &str = "mutation($input: UpdateWebhookEndpointInput!) { updateWebhookEndpoint(input: $input) {
    endpoint { id url topics active } secret userErrors { code message field } } }";

const REDELIVER: &str = "mutation($input: RedeliverWebhookInput!) { redeliverWebhook(input: $input) {
    delivery { id status attempts } userErrors { code message field } } }";

const ENDPOINT: &str = "query($id: ID!, $failedOnly: Boolean) { node(id: $id) { ... on WebhookEndpoint { active
    deliveries(first: 100, failedOnly: $failedOnly) { nodes {
        id eventId topic status attempts lastStatusCode lastError nextAttemptAt createdAt } } } } }";

/// Of the tests' own receivers.
pub(crate) fn nearby(config: &mut Config) {
    config.webhooks.is_http_allowed = true;
    config.webhooks.networks = vec!["127.0.0.0/8".parse().unwrap()];
}

async fn start(shape: Shape) -> TestApp {
    TestApp::start_with(shape, nearby).await
}

/// An endpoint, and what signs.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// When the second attempt is due, and the third as well: the second may have been made before a test has said what becomes of it.
const LATER: Duration = Duration::from_mins(5);

/// Has `receiver` told of `topics`.
pub(crate) async fn endpoint(admin: &Actor, receiver: &Receiver, topics: &[&str]) -> Endpoint {
    let made = admin.mutate(CREATE, json!({ "url": receiver.url(), "topics": topics })).await;
    let payload = made.ok("createWebhookEndpoint");
    Endpoint { id: text(payload, "/endpoint/id"), secret: text(payload, "/secret") }
}

/// What became of what the endpoint was to be told, newest first.
pub(crate) async fn deliveries(admin: &Actor, id: &str) -> Vec<Value> {
    let seen = admin.query(ENDPOINT, json!({ "id": id, "failedOnly": false })).await;
    seen.data()["node"]["deliveries"]["nodes"].as_array().unwrap().clone()
}

/// Waits until the newest delivery to the endpoint was tried so often or, on a busy machine, oftener, and is not on its way; it.
async fn until_tried(api: &Api, admin: &Actor, id: &str, attempts: i64) -> Value {
    // while an attempt goes on, the time of the next is that of this one
    let has_ended = |delivery: &Value| {
        let next = delivery["nextAttemptAt"].as_str().map(|at| at.parse::<DateTime<Utc>>().unwrap());
        next.is_none_or(|next| next > api.app.clock.now())
    };
    let is_tried = |delivery: &Value| delivery["attempts"].as_i64().unwrap() >= attempts;
    until(async || deliveries(admin, id).await.first().is_some_and(|found| is_tried(found) && has_ended(found))).await;
    deliveries(admin, id).await.swap_remove(0)
}

/// Waits until the newest delivery to the endpoint is `status` after so many attempts at least; it.
async fn until_delivery(api: &Api, admin: &Actor, id: &str, status: &str, attempts: i64) -> Value {
    until(async || until_tried(api, admin, id, attempts).await["status"] == status).await;
    deliveries(admin, id).await.swap_remove(0)
}

/// The admin, signed in anew: access tokens do not outlive the days that a test lets pass.
async fn again(api: &Api, admin: &Actor) -> Actor {
    api.login(&admin.email).await
}

/// How often the server paused an endpoint.
async fn paused_events(app: &TestApp) -> u64 {
    event::Entity::find().filter(event::Column::Kind.eq(WEBHOOK_PAUSED)).count(app.app.db.reader()).await.unwrap()
}

/// Why endpoints were paused, as the admin was told, once they were.
async fn told_of_a_pause(admin: &Actor) -> Vec<&'static str> {
    let ask = "{ viewer { notifications(first: 100) { nodes { kind body } } } }";
    let told = async || {
        let seen = admin.query(ask, json!({})).await;
        let nodes = seen.data()["viewer"]["notifications"]["nodes"].as_array().unwrap().clone();
        let of_pauses = nodes.into_iter().filter(|node| node["kind"] == "WEBHOOK_PAUSED");
        of_pauses.map(|node| node["body"].as_str().unwrap().to_owned()).collect::<Vec<String>>()
    };
    until(async || !told().await.is_empty()).await;
    let why = |body: &String| {
        let known = ["has failed for too long", "says that it is gone", "too many messages wait for it"];
        known.into_iter().find(|why| body.contains(why)).unwrap()
    };
    told().await.iter().map(why).collect()
}
