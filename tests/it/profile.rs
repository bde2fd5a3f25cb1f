//! What people say about themselves, and how a store packs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::actors::Actor;
use crate::support::story::{order, place_order, seller_with_product, text};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    each_role_says_what_it_has_to_say,
    a_field_of_another_role_is_refused,
    what_a_store_changes_holds_for_the_next_order,
    how_a_store_packs_is_for_itself_and_admins,
    admins_see_a_partner_change_vehicles,
}

const UPDATE_PROFILE: &str = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) {
    user { name phone partner { vehicle vehicleNumber } } userErrors { code field } } }";

const STORE: &str = "{ seller { seller { storeName preparation location { latitude longitude } } } }";

async fn update(actor: &Actor, input: Value) -> Value {
    actor.mutate(UPDATE_PROFILE, input).await.ok("updateProfile")["user"].clone()
}

async fn each_role_says_what_it_has_to_say(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (customer, partner, seller, admin) = tokio::join!(app.customer(), app.partner(), app.seller(), app.admin());
    for actor in [&customer, &partner, &seller, &admin] {
        let user = update(actor, json!({ "name": "  New Name ", "phone": "+91 (80) 1234-5678" })).await;
        assert_eq!((&user["name"], &user["phone"]), (&json!("New Name"), &json!("+918012345678")));
        assert_eq!(update(actor, json!({})).await, user, "what is absent stays");
        assert_eq!(update(actor, json!({ "name": null, "phone": null })).await["phone"], Value::Null, "null removes it");
    }
    let user = update(&partner, json!({ "vehicle": "VAN", "vehicleNumber": "KA 05 ZZ 1" })).await;
    assert_eq!(user["partner"], json!({ "vehicle": "VAN", "vehicleNumber": "KA 05 ZZ 1" }));
    let user = update(&partner, json!({ "vehicleNumber": "" })).await;
    assert_eq!(user["partner"], json!({ "vehicle": "VAN", "vehicleNumber": null }));
    update(&seller, json!({ "storeName": "Other Store", "location": { "latitude": 1.5, "longitude": -2.5 } })).await;
    let store = json!({ "storeName": "Other Store", "preparation": "AUTOMATIC",
        "location": { "latitude": 1.5, "longitude": -2.5 } });
    assert_eq!(seller.query(STORE, Value::Null).await.data()["seller"]["seller"], store);
    let other = app.seller().await;
    let stores = other.query(STORE, Value::Null).await;
    assert_eq!(stores.data()["seller"]["seller"]["storeName"], "Corner Store", "nobody else's was touched");
}

async fn a_field_of_another_role_is_refused(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (customer, partner, seller, admin) = tokio::join!(app.customer(), app.partner(), app.seller(), app.admin());
    let fields = BTreeMap::from([
        ("vehicle", (json!("VAN"), "partner")),
        ("vehicleNumber", (json!("KA 05 ZZ 1"), "partner")),
        ("storeName", (json!("Mine"), "seller")),
        ("preparation", (json!("MANUAL"), "seller")),
        ("location", (json!({ "latitude": 1, "longitude": 1 }), "seller")),
    ]);
    for (role, actor) in [("customer", customer), ("partner", partner), ("seller", seller), ("admin", admin)] {
        let before = update(&actor, json!({})).await;
        for (field, (value, of)) in &fields {
            if role == *of {
                continue;
            }
            let answer = actor.mutate(UPDATE_PROFILE, json!({ "name": "Half Done", *field: value })).await;
            let refusal = json!({ "code": "INVALID_INPUT", "field": [field] });
            assert_eq!(answer.user_errors("updateProfile"), [refusal], "{field} of a {role}");
        }
        assert_eq!(update(&actor, json!({ "vehicle": null, "storeName": null })).await, before, "{role}");
        if role != "partner" {
            assert_eq!(update(&actor, json!({ "vehicleNumber": null })).await, before, "there is none to remove");
        }
    }
}

async fn what_a_store_changes_holds_for_the_next_order(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let see = async |id: &str| {
        let ask = "query($id: ID!) { order(id: $id) { status version seller { storeName } } }";
        customer.query(ask, json!({ "id": id })).await.data()["order"].clone()
    };
    let before = place_order(&customer, &shop.product_id, 1).await;
    assert_eq!(order(&customer, &before).await["status"], "READY");
    update(&shop.seller, json!({ "preparation": "MANUAL" })).await;
    let as_it_was = see(&before).await;
    let next = place_order(&customer, &shop.product_id, 1).await;
    assert_eq!(see(&next).await["status"], "CONFIRMED", "it waits for the store");
    assert_eq!(see(&before).await, as_it_was);
    update(&shop.seller, json!({ "preparation": "AUTOMATIC" })).await;
    assert_eq!(see(&next).await["status"], "CONFIRMED", "what waits still waits");
    let third = place_order(&customer, &shop.product_id, 1).await;
    assert_eq!(see(&third).await["status"], "READY");

    // an order keeps the place that it is picked up at
    let distance = "{ partner { availableOrders { nodes { orderId storeName pickup { latitude } } } } }";
    update(&shop.seller, json!({ "storeName": "Moved Store", "location": { "latitude": 13, "longitude": 77.6 } })).await;
    let fourth = place_order(&customer, &shop.product_id, 1).await;
    let offers = app.partner().await.query(distance, Value::Null).await;
    let offers = offers.data()["partner"]["availableOrders"]["nodes"].as_array().unwrap().clone();
    for (id, name, latitude) in [(&third, "Corner Store", 12.9716), (&fourth, "Moved Store", 13.0)] {
        let offer = offers.iter().find(|offer| text(offer, "/orderId") == **id).unwrap();
        assert_eq!((&offer["storeName"], &offer["pickup"]["latitude"]), (&json!(name), &json!(latitude)));
    }
}

async fn how_a_store_packs_is_for_itself_and_admins(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 10, "40.00").await;
    let (customer, partner, other, admin) = tokio::join!(app.customer(), app.partner(), app.seller(), app.admin());
    let ask = "query($id: ID!) { product(id: $id) { seller { storeName preparation } } }";
    let preparation = async |viewer: &Actor| {
        let answer = viewer.query(ask, json!({ "id": shop.product_id })).await;
        answer.data()["product"]["seller"]["preparation"].clone()
    };
    for viewer in [&app.anonymous(), &customer, &partner, &other] {
        assert_eq!(preparation(viewer).await, Value::Null, "{}", viewer.email);
    }
    for viewer in [&shop.seller, &admin] {
        assert_eq!(preparation(viewer).await, "AUTOMATIC");
    }
}

async fn admins_see_a_partner_change_vehicles(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (partner, admin) = tokio::join!(app.partner(), app.admin());
    let follow = "subscription { adminUpdates { __typename ... on PartnerChanged { partner { partner { vehicle } } } } }";
    let mut updates = admin.subscribe(follow, Value::Null).await;
    assert_eq!(updates.next().await["__typename"], "AdminSnapshot");
    update(&partner, json!({ "vehicle": "CAR" })).await;
    // going online may be told first
    updates.until(|item| item["partner"]["partner"]["vehicle"] == "CAR").await;
}
