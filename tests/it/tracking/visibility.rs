//! Who is shown where a partner is.

use std::time::Duration;

use chrono::TimeDelta;
use domain::id::Kind;
use quick_commerce::tracking::history::sample;
use quick_commerce::tracking::service::list_fixes;
use serde_json::{Value, json};

use super::{follow, location, longitude, on_the_way, own_longitude, report, seen_at, try_report};
use crate::support::actors::{Actor, SET_AVAILABILITY};
use crate::support::crowd::uuid;
use crate::support::story::{
    ASSIGN_ORDER, RELEASE_CLAIM, UPDATE_USER, claim, hand_over, key, ready_order, seller_with_product, step, try_claim,
};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    a_location_is_shown_to_those_whom_it_concerns_while_it_does,
    who_goes_off_duty_is_seen_no_more,
    where_somebody_was_who_is_no_partner_any_more_is_forgotten,
    a_partner_who_lost_an_order_is_not_shown_to_its_customer,
    where_somebody_was_before_they_took_an_order_is_not_shown,
    a_clock_that_is_ahead_shows_nothing_of_before,
}

/// Where the partner with `partner_id` is, as an admin sees it who looks them up by any order.
async fn seen_by_admin(admin: &Actor, order_id: &str) -> Value {
    longitude(&location(admin, order_id).await).clone()
}

async fn a_location_is_shown_to_those_whom_it_concerns_while_it_does(shape: Shape) {
    let app = TestApp::start(shape).await;
    let people = Box::pin(async { tokio::join!(app.customer(), app.customer(), app.partner(), app.partner(), app.admin()) });
    let ((shop, other_shop), (customer, earlier, partner, other_partner, admin)) = tokio::join!(
        async { tokio::join!(seller_with_product(&app, 10, "40.00"), seller_with_product(&app, 10, "40.00")) },
        people
    );
    // what was delivered before concerns nobody any more
    let before = ready_order(&other_shop, &earlier).await;
    claim(&partner, &before).await;
    report(&partner, 77.60).await;
    for viewer in [&earlier, &other_shop.seller, &admin] {
        assert_eq!(seen_by_admin(viewer, &before).await, json!(77.60));
    }
    for status in ["PICKED_UP", "IN_TRANSIT"] {
        step(&partner, &before, status).await;
        assert_eq!(*longitude(&location(&earlier, &before).await), json!(77.60), "{status}");
    }
    hand_over(&partner, &earlier, &before).await;
    for viewer in [&earlier, &other_shop.seller] {
        assert_eq!(location(viewer, &before).await, Value::Null, "the delivery has ended");
    }

    let order = ready_order(&shop, &customer).await;
    try_claim(&partner, &order, false).await.ok("claimOrder");
    assert_eq!(location(&customer, &order).await, Value::Null, "who only looks at an order is not coming");
    try_claim(&other_partner, &order, false).await.refusal("claimOrder");
    let claim_id = claim_of(&partner, &order).await;
    let accept = json!({ "idempotencyKey": key(), "claimId": claim_id });
    partner.mutate(crate::support::story::ACCEPT_CLAIM, accept).await.ok("acceptClaim");
    report(&partner, 77.61).await;
    for viewer in [&customer, &shop.seller, &admin] {
        assert_eq!(*longitude(&location(viewer, &order).await), json!(77.61));
    }
    assert_eq!(own_longitude(&partner).await, json!(77.61));
    // those of the order before still see the partner's name, and nothing else
    for viewer in [&earlier, &other_shop.seller] {
        assert_eq!(location(viewer, &before).await, Value::Null);
    }
    assert_eq!(location(&other_partner, &order).await, Value::Null);
    assert_eq!(location(&app.anonymous(), &order).await, Value::Null);
}

async fn claim_of(partner: &Actor, order_id: &str) -> String {
    let answer = partner.query("query($id: ID!) { order(id: $id) { claim { id } } }", json!({ "id": order_id })).await;
    answer.data()["order"]["claim"]["id"].as_str().unwrap().to_owned()
}

async fn who_goes_off_duty_is_seen_no_more(shape: Shape) {
    let app = TestApp::start(shape).await;
    let people = Box::pin(async { tokio::join!(app.customer(), app.partner(), app.admin()) });
    let (shop, (customer, partner, admin)) = tokio::join!(seller_with_product(&app, 10, "40.00"), people);
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    report(&partner, 77.60).await;
    let late = app.clock.now();
    partner.mutate(SET_AVAILABILITY, json!({ "available": false })).await.ok("setAvailability");
    for viewer in [&customer, &shop.seller, &admin] {
        assert_eq!(location(viewer, &order).await, Value::Null, "what was known is forgotten");
    }
    let mut input = on_the_way(77.61);
    input["recordedAt"] = json!((late - TimeDelta::milliseconds(1)).to_rfc3339());
    try_report(&partner, input).await.ok("reportLocation");
    assert_eq!(location(&customer, &order).await, Value::Null, "what was so before does not come back");

    // what they still carry is followed by those who wait for it
    report(&partner, 77.62).await;
    assert_eq!(*longitude(&location(&customer, &order).await), json!(77.62));
    for status in ["PICKED_UP", "IN_TRANSIT"] {
        step(&partner, &order, status).await;
    }
    hand_over(&partner, &customer, &order).await;
    report(&partner, 77.63).await;
    for viewer in [&customer, &shop.seller, &admin] {
        assert_eq!(location(viewer, &order).await, Value::Null, "and by nobody once it is there");
    }
    partner.mutate(SET_AVAILABILITY, json!({ "available": true })).await.ok("setAvailability");
    assert_eq!(seen_by_admin(&admin, &order).await, json!(77.63));
}

async fn where_somebody_was_who_is_no_partner_any_more_is_forgotten(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    for changes in [
        [json!({ "active": false }), json!({ "active": true })],
        ["CUSTOMER", "PARTNER"].map(|role| json!({ "role": role })),
    ] {
        let partner = app.partner().await;
        report(&partner, 77.60).await;
        let known = async || list_fixes(&app.app, &[uuid(Kind::User, &partner.user_id)]).await[0].is_some();
        assert!(known().await);
        for mut change in changes {
            change["userId"] = json!(partner.user_id);
            admin.mutate(UPDATE_USER, change.clone()).await.ok("updateUser");
            assert!(!known().await, "{change}: what was forgotten does not come back");
        }
    }
}

async fn a_partner_who_lost_an_order_is_not_shown_to_its_customer(shape: Shape) {
    let app = TestApp::start(shape).await;
    let people = Box::pin(async { tokio::join!(app.customer(), app.partner(), app.partner(), app.admin()) });
    let (shop, (customer, partner, next, admin)) = tokio::join!(seller_with_product(&app, 10, "40.00"), people);
    let order = ready_order(&shop, &customer).await;
    let claim_id = claim(&partner, &order).await;
    report(&partner, 77.60).await;
    partner.mutate(RELEASE_CLAIM, json!({ "idempotencyKey": key(), "claimId": claim_id })).await.ok("releaseClaim");
    assert_eq!(location(&customer, &order).await, Value::Null, "nobody carries it");
    claim(&partner, &order).await;
    let assign = json!({ "orderId": order, "partnerId": next.user_id, "idempotencyKey": key() });
    admin.mutate(ASSIGN_ORDER, assign).await.ok("assignOrder");
    report(&next, 77.70).await;
    assert_eq!(*longitude(&location(&customer, &order).await), json!(77.70));
    // nor to whoever carries it now, who reads who had it before
    let had = "query($id: ID!) { order(id: $id) { timeline { nodes { actor { id partner { location { isStale } } } } } } }";
    let seen = next.query(had, json!({ "id": order })).await;
    let nodes = seen.data()["order"]["timeline"]["nodes"].as_array().unwrap();
    let before: Vec<&Value> = nodes.iter().filter(|node| node["actor"]["id"] == partner.user_id.as_str()).collect();
    assert!(!before.is_empty() && before.iter().all(|node| node["actor"]["partner"]["location"].is_null()), "{before:?}");
}

async fn where_somebody_was_before_they_took_an_order_is_not_shown(shape: Shape) {
    let app = TestApp::start(shape).await;
    let people = Box::pin(async { tokio::join!(app.customer(), app.customer(), app.partner(), app.admin()) });
    let (shop, (customer, other_customer, partner, admin)) = tokio::join!(seller_with_product(&app, 10, "40.00"), people);
    let order = ready_order(&shop, &customer).await;
    report(&partner, 77.59).await;
    let (mut updates, _) = follow(&customer, &order).await;
    let at_home = app.clock.now();
    claim(&partner, &order).await;
    let nothing_is_shown = async || {
        for viewer in [&customer, &shop.seller] {
            assert_eq!(location(viewer, &order).await, Value::Null, "they were at home");
            let (_, now) = follow(viewer, &order).await;
            assert_eq!((&now["location"], &now["distanceRemainingKm"]), (&Value::Null, &Value::Null));
            assert!(now["estimatedDeliveryAt"].is_string(), "by the stage: {now}");
        }
    };
    nothing_is_shown().await;
    // and if it is said later
    let mut late = on_the_way(77.591);
    late["recordedAt"] = json!(at_home.to_rfc3339());
    try_report(&partner, late).await.ok("reportLocation");
    nothing_is_shown().await;
    assert_eq!(own_longitude(&partner).await, json!(77.591));
    assert_eq!(seen_by_admin(&admin, &order).await, json!(77.591), "admins see whoever takes orders");
    let assigned = updates.until(|item| item["order"]["status"] == "ASSIGNED").await;
    assert_eq!(assigned["location"], Value::Null, "{assigned}");

    report(&partner, 77.60).await;
    let on_the_way = updates.next().await;
    assert_eq!(*longitude(&on_the_way["location"]), json!(77.60), "nothing was told of before: {on_the_way}");
    for viewer in [&customer, &shop.seller] {
        assert_eq!(*longitude(&location(viewer, &order).await), json!(77.60));
    }
    // whoever waits for another order sees where they were since they took that one
    let next = ready_order(&shop, &other_customer).await;
    claim(&partner, &next).await;
    assert_eq!(location(&other_customer, &next).await, Value::Null);
    let (mut others, now) = follow(&other_customer, &next).await;
    assert_eq!(now["location"], Value::Null);
    assert_eq!(*longitude(&location(&customer, &order).await), json!(77.60));
    assert_eq!(*longitude(&location(&shop.seller, &next).await), json!(77.60), "of the order before");
    report(&partner, 77.61).await;
    for updates in [&mut updates, &mut others] {
        seen_at(updates, 77.61).await;
    }
    assert_eq!(*longitude(&location(&other_customer, &next).await), json!(77.61));
}

async fn a_clock_that_is_ahead_shows_nothing_of_before(shape: Shape) {
    let app = TestApp::start(shape).await;
    let people = Box::pin(async { tokio::join!(app.customer(), app.partner(), app.admin()) });
    let (shop, (customer, partner, admin)) = tokio::join!(seller_with_product(&app, 10, "40.00"), people);
    let order = ready_order(&shop, &customer).await;
    let mut at_home = on_the_way(77.59);
    at_home["recordedAt"] = json!((app.clock.now() + TimeDelta::seconds(8)).to_rfc3339());
    try_report(&partner, at_home).await.ok("reportLocation");
    claim(&partner, &order).await;
    for viewer in [&customer, &shop.seller] {
        assert_eq!(location(viewer, &order).await, Value::Null);
        assert_eq!(follow(viewer, &order).await.1["location"], Value::Null);
    }
    assert_eq!(sample(&app.app).await.unwrap(), 0, "nor is it kept");
    assert_eq!(seen_by_admin(&admin, &order).await, json!(77.59));
    app.clock.advance(Duration::from_secs(9));
    report(&partner, 77.60).await;
    assert_eq!(*longitude(&location(&customer, &order).await), json!(77.60));
}
