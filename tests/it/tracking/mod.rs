//! Where partners are: said many times a second, shown to few, and only while they deliver.

mod history;
mod instances;
mod live;
mod progress;
mod reports;
mod visibility;

use serde_json::{Value, json};

use crate::support::actors::Actor;
use crate::support::http::Answer;
use crate::support::socket::Subscription;

pub(crate) const REPORT_LOCATION: &str = "mutation ReportLocation($input: ReportLocationInput!) {
    reportLocation(input: $input) { userErrors { code message field } } }";

const DELIVERY_TRACKING: &str = "subscription DeliveryTracking($id: ID!) { deliveryTracking(orderId: $id) {
    order { id status version estimatedDeliveryAt partner { id } }
    location { point { latitude longitude } heading speedKmh accuracyM recordedAt isStale }
    estimatedDeliveryAt distanceRemainingKm } }";

const LOCATION: &str = "query Location($id: ID!) { order(id: $id) { partner { partner { location {
    point { latitude longitude } heading speedKmh accuracyM recordedAt isStale } } } } }";

const OWN_LOCATION: &str = "{ viewer { user { partner { location { point { longitude } isStale } } } } }";

/// Between every [`Api::seller`](crate::support::actors::Api::seller) and every address: farther east is nearer to the door.
fn on_the_way(longitude: f64) -> Value {
    json!({ "point": { "latitude": 12.975, "longitude": longitude } })
}

async fn try_report(partner: &Actor, input: Value) -> Answer {
    partner.mutate(REPORT_LOCATION, input).await
}

/// Says where `partner` is now.
pub(crate) async fn report(partner: &Actor, longitude: f64) {
    try_report(partner, on_the_way(longitude)).await.ok("reportLocation");
}

/// Where the partner is who has the order, as `viewer` sees it.
async fn location(viewer: &Actor, order_id: &str) -> Value {
    let answer = viewer.query(LOCATION, json!({ "id": order_id })).await;
    answer.data()["order"]["partner"]["partner"]["location"].clone()
}

/// The longitude of a location; null without one.
fn longitude(location: &Value) -> &Value {
    &location["point"]["longitude"]
}

async fn own_longitude(partner: &Actor) -> Value {
    let answer = partner.query(OWN_LOCATION, json!({})).await;
    answer.data()["viewer"]["user"]["partner"]["location"]["point"]["longitude"].clone()
}

/// Follows a delivery, past its first picture.
async fn follow(viewer: &Actor, order_id: &str) -> (Subscription, Value) {
    let mut updates = viewer.subscribe(DELIVERY_TRACKING, json!({ "id": order_id })).await;
    let first = updates.next().await;
    (updates, first)
}

/// The next item that shows the partner at `at`.
async fn seen_at(updates: &mut Subscription, at: f64) -> Value {
    updates.until(|item| *longitude(&item["location"]) == json!(at)).await
}
