//! Operations: how they begin, what they are told, and how they end.

use serde_json::{Value, json};

use super::{assert_quiet, close, closed, message};
use crate::support::actors::{Actor, SET_AVAILABILITY};
use crate::support::feed::MY_ORDER_UPDATES;
use crate::support::socket::Socket;
use crate::support::story::{AVAILABLE_ORDERS, place_order, seller_with_product};
use crate::support::wait::until;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    queries_and_mutations_have_one_result_and_an_end,
    what_is_refused_is_an_error_and_nothing_more,
    a_subscription_that_is_not_for_its_client_says_so_and_ends,
    a_socket_without_a_token_may_do_what_is_public_and_no_more,
    a_subscription_in_a_fragment_is_one,
    what_fails_in_its_execution_is_a_result,
    an_id_that_is_in_use_is_not_given_twice,
    an_id_may_be_used_again_once_its_operation_is_over,
    an_operation_that_its_client_completes_is_silent_at_once,
    a_socket_has_room_for_a_hundred_operations,
    long_ids_take_up_the_room_of_a_socket,
    the_ids_of_two_sockets_have_nothing_to_do_with_each_other,
}

async fn queries_and_mutations_have_one_result_and_an_end(shape: Shape) {
    let app = TestApp::start(shape).await;
    let partner = app.partner_off_duty().await;
    let mut socket = partner.socket().await;
    for id in ["1", "ünïcode 🛵", "a \"quoted\" \\ id", "\u{0}\n", " ", &"long".repeat(1000)] {
        socket.subscribe(id, "query A { version } query B { __typename }", &Value::Null).await;
        assert_eq!(message(&mut socket).await["type"], "error", "one of two must be named");
        let both = "query A { version } query B { __typename }";
        let payload = json!({ "query": both, "operationName": "B", "extensions": { "unknown": 1 } });
        socket.send(&json!({ "id": id, "type": "subscribe", "payload": payload })).await;
        let mut result = message(&mut socket).await;
        assert!(result["payload"].as_object_mut().unwrap().remove("extensions").is_some(), "it says what it cost");
        let data = json!({ "data": { "__typename": "Query" } });
        assert_eq!(result, json!({ "id": id, "type": "next", "payload": data }));
        assert_eq!(message(&mut socket).await, json!({ "id": id, "type": "complete" }));
    }
    socket.subscribe("1", SET_AVAILABILITY, &json!({ "input": { "available": true } })).await;
    let result = message(&mut socket).await;
    assert_eq!(result["payload"]["data"]["setAvailability"]["user"]["id"], partner.user_id.as_str(), "{result}");
    assert_eq!(message(&mut socket).await, json!({ "id": "1", "type": "complete" }));
    assert_quiet(&mut socket).await;
}

async fn what_is_refused_is_an_error_and_nothing_more(shape: Shape) {
    let app = TestApp::start(shape).await;
    let mut socket = app.customer().await.socket().await;
    for (code, query, variables) in [
        ("PARSE_FAILED", "", Value::Null),
        ("PARSE_FAILED", "{", Value::Null),
        ("PARSE_FAILED", "subscription { ", Value::Null),
        ("VALIDATION_FAILED", "{ wrong }", Value::Null),
        ("VALIDATION_FAILED", "mutation { wrong }", Value::Null),
        ("VALIDATION_FAILED", "subscription { wrong }", Value::Null),
    ] {
        socket.subscribe("1", query, &variables).await;
        let refusal = message(&mut socket).await;
        assert_eq!((&refusal["id"], &refusal["type"]), (&json!("1"), &json!("error")), "{query}: {refusal}");
        let errors = refusal["payload"].as_array().unwrap();
        assert_eq!(errors[0]["extensions"]["code"], code, "{query}: {refusal}");
        assert!(errors.iter().all(|error| error["message"].is_string() && error["extensions"]["requestId"].is_string()));
        assert_quiet(&mut socket).await;
    }
    let payload = json!({ "query": "{ version }", "operationName": "Unknown" });
    socket.send(&json!({ "id": "1", "type": "subscribe", "payload": payload })).await;
    assert_eq!(message(&mut socket).await["type"], "error");
    assert_quiet(&mut socket).await;
}

async fn a_subscription_that_is_not_for_its_client_says_so_and_ends(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (nobody, customer) = (app.anonymous(), app.customer().await);
    let no_order = "subscription { orderUpdates(orderId: \"nonsense\") { __typename } }";
    for (actor, query, code) in [
        (&nobody, AVAILABLE_ORDERS, "UNAUTHENTICATED"),
        (&customer, AVAILABLE_ORDERS, "FORBIDDEN"),
        (&customer, no_order, "INVALID_ID"),
    ] {
        let mut socket = actor.socket().await;
        socket.subscribe("1", query, &Value::Null).await;
        let refusal = message(&mut socket).await;
        assert!(refusal.to_string().contains(code), "{refusal}");
        assert_eq!(refusal["type"], "error", "{refusal}");
        assert_quiet(&mut socket).await;
    }
}

async fn a_socket_without_a_token_may_do_what_is_public_and_no_more(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (customer, shop) = tokio::join!(app.customer(), seller_with_product(&app, 10, "40.00"));
    let order = place_order(&customer, &shop.product_id, 1).await;
    let mut socket = app.anonymous().socket().await;
    let steps = "mutation($id: ID!) { updateOrderStatus(input: { orderId: $id, status: CANCELLED, idempotencyKey: \"one\" }) { order { id } } }";
    let one = "query($id: ID!) { order(id: $id) { id status } }";
    for (query, variables, code) in [
        ("{ partner { claims { nodes { id } } } }", json!({}), "UNAUTHENTICATED"),
        ("{ admin { liveStats { at } } }", json!({}), "UNAUTHENTICATED"),
        (SET_AVAILABILITY, json!({ "input": { "available": true } }), "UNAUTHENTICATED"),
        (steps, json!({ "id": order }), "UNAUTHENTICATED"),
    ] {
        socket.subscribe("1", query, &variables).await;
        let result = message(&mut socket).await;
        assert_eq!(result["payload"]["errors"][0]["extensions"]["code"], code, "{query}: {result}");
        assert_eq!(message(&mut socket).await, json!({ "id": "1", "type": "complete" }), "{query}");
    }
    let public = "query($id: ID!) { products { nodes { id } } viewer { user { id } } order(id: $id) { id } }";
    socket.subscribe("1", public, &json!({ "id": order })).await;
    let result = message(&mut socket).await;
    let data = json!({ "products": { "nodes": [{ "id": shop.product_id }] }, "viewer": null, "order": null });
    assert_eq!(result["payload"]["data"], data, "{result}");
    let status = customer.query(one, json!({ "id": order })).await;
    assert_ne!(status.data()["order"]["status"], "CANCELLED", "it was not touched");
}

async fn a_subscription_in_a_fragment_is_one(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (customer, shop) = tokio::join!(app.customer(), seller_with_product(&app, 10, "40.00"));
    let order = place_order(&customer, &shop.product_id, 1).await;
    for query in [
        "subscription { ...F } fragment F on Subscription { myOrderUpdates { ... on OrderSnapshot { order { id } } } }",
        "subscription { ... { myOrderUpdates { ... on OrderSnapshot { order { id } } } } }",
        "subscription { ... on Subscription { myOrderUpdates { ... on OrderSnapshot { order { id } } } } }",
    ] {
        let mut socket = customer.socket().await;
        socket.subscribe("1", query, &Value::Null).await;
        assert_eq!(message(&mut socket).await["payload"]["data"]["myOrderUpdates"]["order"]["id"], order, "{query}");
    }
}

async fn what_fails_in_its_execution_is_a_result(shape: Shape) {
    let app = TestApp::start(shape).await;
    let mut socket = app.anonymous().socket().await;
    socket.subscribe("1", "{ version order(id: \"nonsense\") { id } }", &Value::Null).await;
    let result = message(&mut socket).await;
    assert_eq!(result["type"], "next");
    assert_eq!(result["payload"]["data"], json!({ "version": env!("CARGO_PKG_VERSION"), "order": null }));
    assert!(result["payload"]["errors"][0]["extensions"]["code"].is_string(), "{result}");
    assert_eq!(message(&mut socket).await, json!({ "id": "1", "type": "complete" }));
}

async fn an_id_that_is_in_use_is_not_given_twice(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    for second in [MY_ORDER_UPDATES, "{ version }", "{"] {
        let mut socket = customer.socket().await;
        // at once: the first has hardly begun
        socket.subscribe("an id", MY_ORDER_UPDATES, &Value::Null).await;
        socket.subscribe("an id", second, &Value::Null).await;
        assert_eq!(closed(&mut socket).await, close(4409, "Subscriber for an id already exists"), "{second}");
    }
    let mut socket = customer.socket().await;
    let id = "🛵".repeat(1000);
    for _ in 0..2 {
        socket.subscribe(&id, MY_ORDER_UPDATES, &Value::Null).await;
    }
    let cut = format!("Subscriber for {}", "🛵".repeat(27));
    assert_eq!(closed(&mut socket).await, close(4409, &cut), "a reason has 123 bytes at the most");
}

async fn an_id_may_be_used_again_once_its_operation_is_over(shape: Shape) {
    let app = TestApp::start(shape).await;
    let mut socket = app.customer().await.socket().await;
    for _ in 0..3 {
        socket.subscribe("1", "{ version }", &Value::Null).await;
        assert_eq!(message(&mut socket).await["type"], "next");
        assert_eq!(message(&mut socket).await["type"], "complete");
        socket.subscribe("1", "{ wrong }", &Value::Null).await;
        assert_eq!(message(&mut socket).await["type"], "error");
        socket.subscribe("1", MY_ORDER_UPDATES, &Value::Null).await;
        assert_eq!(message(&mut socket).await["type"], "next");
        socket.send(&json!({ "id": "1", "type": "complete" })).await;
    }
    // of what is over, and of what never was
    for id in ["1", "never"] {
        socket.send(&json!({ "id": id, "type": "complete" })).await;
    }
    assert_quiet(&mut socket).await;
}

/// Follows the orders of a customer who has none, and hears the first word of each subscription: that it has begun.
async fn follow(customer: &Actor, ids: &[&str]) -> Socket {
    let mut socket = customer.socket().await;
    for id in ids {
        socket.subscribe(id, MY_ORDER_UPDATES, &Value::Null).await;
    }
    let mut begun = Vec::new();
    for _ in ids {
        let first = message(&mut socket).await;
        assert_eq!(first["type"], "next", "{first}");
        begun.push(first["id"].as_str().unwrap().to_owned());
    }
    assert!(ids.iter().all(|id| begun.iter().any(|begun| begun == id)), "{begun:?}");
    socket
}

async fn an_operation_that_its_client_completes_is_silent_at_once(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (customer, shop) = tokio::join!(app.customer(), seller_with_product(&app, 10, "40.00"));
    let mut socket = follow(&customer, &["stays", "goes"]).await;
    place_order(&customer, &shop.product_id, 1).await;
    let mut heard = Vec::new();
    while !["stays", "goes"].iter().all(|id| heard.contains(&json!(id))) {
        heard.push(message(&mut socket).await["id"].clone());
    }
    socket.send(&json!({ "id": "goes", "type": "complete" })).await;
    let order = place_order(&customer, &shop.product_id, 1).await;
    loop {
        // what was on its way may still come, but nothing that happened since, and no end
        let next = message(&mut socket).await;
        assert_eq!(next["type"], "next", "{next}");
        if next.to_string().contains(&order) {
            assert_eq!(next["id"], "stays");
            break;
        }
    }
    socket.send(&json!({ "id": "stays", "type": "complete" })).await;
    until(async || {
        let metrics = app.http.get("/metrics").await;
        let text = metrics.text();
        text.contains("quick_commerce_stream_subscriptions 0\n") && text.contains("quick_commerce_stream_groups 0\n")
    })
    .await;
}

async fn a_socket_has_room_for_a_hundred_operations(shape: Shape) {
    let app = TestApp::start(shape).await;
    let ids: Vec<String> = (0..100).map(|id| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut socket = follow(&app.customer().await, &ids).await;
    for query in ["{ version }", MY_ORDER_UPDATES] {
        socket.subscribe("one more", query, &Value::Null).await;
        let refusal = message(&mut socket).await;
        assert_eq!((&refusal["id"], &refusal["type"]), (&json!("one more"), &json!("error")), "{refusal}");
        let extensions = &refusal["payload"][0]["extensions"];
        assert_eq!((&extensions["code"], &extensions["retryable"]), (&json!("TOO_MANY_OPERATIONS"), &json!(true)));
        assert!(extensions["requestId"].is_string());
        assert_quiet(&mut socket).await;
    }
    socket.send(&json!({ "id": "7", "type": "complete" })).await;
    socket.subscribe("one more", "{ version }", &Value::Null).await;
    assert_eq!(message(&mut socket).await["type"], "next");
    assert_eq!(message(&mut socket).await, json!({ "id": "one more", "type": "complete" }));
}

async fn long_ids_take_up_the_room_of_a_socket(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    fill_with_ids(&customer, |id| id.to_string().repeat(250_000)).await;
    // what is kept of these is six times as long
    fill_with_ids(&customer, |id| format!("{id}{}", "\u{1}".repeat(42_000))).await;
}

async fn fill_with_ids(customer: &Actor, id: impl Fn(u8) -> String) {
    let ids: Vec<String> = (0..8).map(&id).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut socket = follow(customer, &ids).await;
    let one_more = id(8);
    socket.subscribe(&one_more, MY_ORDER_UPDATES, &Value::Null).await;
    let refusal = message(&mut socket).await;
    assert_eq!((refusal["id"] == one_more, &refusal["type"]), (true, &json!("error")));
    assert_eq!(refusal["payload"][0]["extensions"]["code"], "TOO_MANY_OPERATIONS");
    socket.send(&json!({ "id": ids[0], "type": "complete" })).await;
    socket.subscribe(&one_more, "{ version }", &Value::Null).await;
    assert_eq!(message(&mut socket).await["type"], "next");
}

async fn the_ids_of_two_sockets_have_nothing_to_do_with_each_other(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (anna, boris) = tokio::join!(app.customer(), app.customer());
    let shop = seller_with_product(&app, 10, "40.00").await;
    let (mut annas, mut boriss) = (follow(&anna, &["1"]).await, follow(&boris, &["1"]).await);
    boriss.send(&json!({ "id": "1", "type": "complete" })).await;
    let order = place_order(&anna, &shop.product_id, 1).await;
    let heard = message(&mut annas).await;
    assert!(heard["id"] == "1" && heard.to_string().contains(&order), "{heard}");
    assert_quiet(&mut boriss).await;
}
