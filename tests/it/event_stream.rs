//! Subscriptions as server-sent events: what comes, how it goes on, and with what it ends.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use quick_commerce::accounts;
use quick_commerce::graphql::scalars::EventCursor;
use serde_json::{Value, json};

use crate::live::all_published;
use crate::support::actors::Actor;
use crate::support::events::{Ask, Event, EventSource};
use crate::support::feed::MY_ORDER_UPDATES;
use crate::support::proxy::Proxy;
use crate::support::story::{ORDER_UPDATES, by_hand, claim, place_order, ready_order, seller_with_product, step};
use crate::support::wait::until;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    every_operation_has_its_events,
    a_stream_goes_on_after_its_last_event,
    over_a_network_that_breaks_nothing_is_missed_and_nothing_comes_twice,
    who_has_no_room_is_brought_up_from_the_log,
    a_cursor_of_another_stream_begins_anew,
    a_stream_that_comes_to_its_end_is_complete,
    a_stream_ends_with_its_session_and_goes_on_with_another,
    a_user_has_so_many_connections_and_no_more,
    a_server_that_stops_ends_its_streams,
}

const LOGOUT: &str = "mutation($input: LogoutInput) { logout(input: $input) { sessionsEnded userErrors { code } } }";

const VIEWER: &str = "{ viewer { user { id } } }";

/// `document` of `actor` by GET.
fn ask(app: &TestApp, actor: &Actor, document: &str, variables: Value) -> Ask {
    Ask::new(app.addr, actor.token.as_deref(), document, variables)
}

/// The same person with a session of its own.
async fn sign_in_again(app: &TestApp, actor: &Actor) -> Actor {
    let signed_in = accounts::service::issue_token(&app.app, &actor.email).await.unwrap();
    actor.with_token(signed_in.tokens.access.expose())
}

/// The order that `item` tells of, and its version then.
fn version(item: &Value) -> (String, i64) {
    (item["order"]["id"].as_str().unwrap().to_owned(), item["order"]["version"].as_i64().unwrap())
}

/// How many event streams the server has open.
async fn streams(app: &TestApp) -> i64 {
    let metrics = app.http.get("/metrics").await;
    let line = metrics.text().lines().find_map(|line| line.strip_prefix("quick_commerce_event_streams "));
    line.unwrap().parse().unwrap()
}

async fn every_operation_has_its_events(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let viewer = json!({ "data": { "viewer": { "user": { "id": customer.user_id } } } });
    let logout = json!({ "data": { "logout": { "sessionsEnded": 1, "userErrors": [] } } });
    for (ask, expected) in [
        (ask(&app, &customer, VIEWER, json!({})), &viewer),
        (ask(&app, &customer, VIEWER, json!({})).by_post(), &viewer),
        (ask(&app, &app.anonymous(), VIEWER, json!({})), &json!({ "data": { "viewer": null } })),
        (ask(&app, &customer, LOGOUT, json!({})).by_post(), &logout),
    ] {
        let mut events = ask.open().await;
        let Event::Next(None, mut result) = events.next().await else { panic!("no result of {expected}") };
        assert!(result.as_object_mut().unwrap().remove("extensions").is_some(), "it says what it cost");
        assert_eq!(result, *expected);
        assert_eq!((events.next().await, events.next().await), (Event::Complete, Event::Gone));
    }
    // neither by GET nor with a token that stands for nobody
    let mutation = ask(&app, &app.anonymous(), LOGOUT, json!({})).try_open().await.unwrap();
    assert_eq!(
        (mutation.status, &mutation.headers[header::ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap())
    );
    let ended = ask(&app, &customer, MY_ORDER_UPDATES, json!({})).try_open().await.unwrap();
    assert_eq!(ended.status, StatusCode::UNAUTHORIZED);
    // what a resolver refuses is told like what the validation refuses
    for document in [MY_ORDER_UPDATES, "subscription { nothing }"] {
        let mut refused = ask(&app, &app.anonymous(), document, json!({})).open().await;
        let (id, result) = refused.result().await;
        assert!(id.is_none() && result["data"].is_null(), "{result}");
        assert!(result["errors"][0]["extensions"]["requestId"].is_string(), "{result}");
        assert_eq!((refused.next().await, refused.next().await), (Event::Complete, Event::Gone), "{document}");
    }
    until(async || streams(&app).await == 0).await;
}

async fn a_stream_goes_on_after_its_last_event(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    by_hand(&app, &shop.seller).await;
    let order = place_order(&customer, &shop.product_id, 1).await;
    all_published(&app.app).await;
    let from_the_start = ask(&app, &customer, MY_ORDER_UPDATES, json!({}));
    let mut events = from_the_start.open().await;
    let first = events.item().await;
    assert_eq!(first["__typename"], "OrderSnapshot");
    step(&shop.seller, &order, "PREPARING").await;
    let second = events.item().await;
    assert_eq!((&second["__typename"], version(&second).1), (&json!("OrderChanged"), version(&first).1 + 1));
    drop(events);
    until(async || streams(&app).await == 0).await;

    step(&shop.seller, &order, "READY").await;
    let cursor = |item: &Value| item["cursor"].as_str().unwrap().to_owned();
    // a client that comes back by itself asks by the same address, with a variable that is out of date
    let by_variable = ask(&app, &customer, MY_ORDER_UPDATES, json!({ "after": cursor(&first) }));
    for ask in [by_variable.clone(), by_variable.by_post(), from_the_start.clone()] {
        let mut events = ask.after(&cursor(&second)).open().await;
        let third = events.item().await;
        assert_eq!((version(&third).1, &third["event"]["status"]), (version(&second).1 + 1, &json!("READY")));
    }
    let mut events = ask(&app, &customer, MY_ORDER_UPDATES, json!({ "after": cursor(&first) })).open().await;
    assert_eq!(events.item().await, second, "without the header, the variable counts");

    let malformed = from_the_start.after("not a cursor").try_open().await.unwrap();
    assert_eq!(malformed.status, StatusCode::BAD_REQUEST);
}

async fn over_a_network_that_breaks_nothing_is_missed_and_nothing_comes_twice(shape: Shape) {
    let app = TestApp::start(shape).await;
    let network = Proxy::start(app.addr).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    let mut ask = ask(&app, &customer, MY_ORDER_UPDATES, json!({}));
    ask.addr = network.addr;
    place_order(&customer, &shop.product_id, 1).await;
    // what a snapshot shows and has no position yet would come again to whoever comes back to it
    all_published(&app.app).await;
    let mut source = EventSource::new(ask);
    let first = source.item().await;
    let mut versions = BTreeMap::from([version(&first)]);
    let mut is_told = async |source: &mut EventSource, order: &str, until: i64| {
        while versions.get(order).is_none_or(|version| *version < until) {
            let item = source.item().await;
            assert_eq!(item["__typename"], "OrderChanged", "{item}");
            let (order, version) = version(&item);
            let before = versions.insert(order, version).unwrap_or_default();
            assert_eq!(version, before + 1, "{item}");
        }
    };
    for round in 0..5 {
        // placed, confirmed, preparing and ready while it is away, with the answer in the middle of being sent, or after
        match round % 3 {
            0 => network.cut(),
            1 => network.down(),
            _ => {}
        }
        let order = ready_order(&shop, &customer).await;
        network.cut();
        network.resume();
        is_told(&mut source, &order, 2).await;
        network.cut();
        let partner = app.partner().await;
        claim(&partner, &order).await;
        is_told(&mut source, &order, 5).await;
        step(&partner, &order, "PICKED_UP").await;
        is_told(&mut source, &order, 6).await;
    }
    assert!(source.connections > 5, "it was cut off again and again");
}

async fn who_has_no_room_is_brought_up_from_the_log(shape: Shape) {
    let app = TestApp::start_with(shape, |config| config.send_queue.bytes = 1).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let first = place_order(&customer, &shop.product_id, 1).await;
    let mut events = ask(&app, &customer, MY_ORDER_UPDATES, json!({})).open().await;
    assert_eq!(version(&events.item().await).0, first);
    for _ in 0..3 {
        let order = ready_order(&shop, &customer).await;
        for expected in 1..=4 {
            assert_eq!(version(&events.item().await), (order.clone(), expected));
        }
    }
}

async fn a_cursor_of_another_stream_begins_anew(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let order = place_order(&customer, &shop.product_id, 1).await;
    let foreign = EventCursor { epoch: 1, stream: 2, position: 3, doubt: None, is_partial: false }.encode();
    let mut events = ask(&app, &customer, MY_ORDER_UPDATES, json!({})).after(&foreign).open().await;
    let reset = events.item().await;
    assert_eq!((&reset["__typename"], &reset["reason"]), (&json!("StreamReset"), &json!("SERVER")));
    let snapshot = events.item().await;
    assert_eq!((&snapshot["__typename"], version(&snapshot).0), (&json!("OrderSnapshot"), order));
}

async fn a_stream_that_comes_to_its_end_is_complete(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let (partner, admin) = tokio::join!(app.partner(), app.admin());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let mut events = ask(&app, &partner, ORDER_UPDATES, json!({ "orderId": order })).open().await;
    assert_eq!(events.item().await["__typename"], "OrderSnapshot");
    // not theirs any more
    step(&admin, &order, "CANCELLED").await;
    let last = loop {
        match events.next().await {
            Event::Next(..) => {}
            last => break last,
        }
    };
    assert_eq!((last, events.next().await), (Event::Complete, Event::Gone));
}

async fn a_stream_ends_with_its_session_and_goes_on_with_another(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    by_hand(&app, &shop.seller).await;
    let order = place_order(&customer, &shop.product_id, 1).await;
    all_published(&app.app).await;
    let mut present = customer.clone();
    let mut events = ask(&app, &present, MY_ORDER_UPDATES, json!({})).open().await;
    let mut last = events.item().await;
    for (is_expiry, status) in [(false, "PREPARING"), (true, "READY")] {
        if is_expiry {
            app.clock.advance(app.app.config.access_token + Duration::from_secs(1));
        } else {
            present.mutate(LOGOUT, json!({})).await.ok("logout");
        }
        assert_eq!(events.next().await, Event::Gone, "without a word, so that the client comes back");
        let again = ask(&app, &present, MY_ORDER_UPDATES, json!({})).try_open().await.unwrap();
        assert_eq!(again.status, StatusCode::UNAUTHORIZED);

        step(&sign_in_again(&app, &shop.seller).await, &order, status).await;
        present = sign_in_again(&app, &customer).await;
        let back = ask(&app, &present, MY_ORDER_UPDATES, json!({})).after(last["cursor"].as_str().unwrap());
        events = back.open().await;
        let missed = events.item().await;
        assert_eq!((&missed["order"]["status"], version(&missed).1), (&json!(status), version(&last).1 + 1));
        last = missed;
    }
}

async fn a_user_has_so_many_connections_and_no_more(shape: Shape) {
    let app = TestApp::start_with(shape, |config| config.sockets_per_user = 2).await;
    let (customer, other) = tokio::join!(app.customer(), app.customer());
    let _socket = customer.socket().await;
    let stream = ask(&app, &customer, MY_ORDER_UPDATES, json!({})).open().await;
    let refused = ask(&app, &customer, MY_ORDER_UPDATES, json!({})).try_open().await.unwrap();
    assert_eq!(
        (refused.status, &refused.headers[header::RETRY_AFTER]),
        (StatusCode::TOO_MANY_REQUESTS, &"10".parse().unwrap())
    );
    let token = format!("Bearer {}", customer.token.as_deref().unwrap());
    let headers = [("accept", "text/event-stream"), ("authorization", &*token)];
    let path = "/graphql?query=subscription%7BmyOrderUpdates%7B__typename%7D%7D";
    let refused = app.http.send(Method::GET, path, &headers, Body::empty()).await.unwrap();
    assert_eq!(refused.json()["errors"][0]["extensions"]["code"], "TOO_MANY_SOCKETS");

    // what ends by itself needs no place
    ask(&app, &customer, VIEWER, json!({})).open().await;
    ask(&app, &other, MY_ORDER_UPDATES, json!({})).open().await;
    drop(stream);
    let again = ask(&app, &customer, MY_ORDER_UPDATES, json!({}));
    until(async || again.try_open().await.unwrap().status == StatusCode::OK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_so_many_connections_and_no_more() {
    let app = TestApp::start_with(Shape::Embedded, |config| config.sockets_per_address = 1).await;
    let customer = app.customer().await;
    let subscription = ask(&app, &customer, MY_ORDER_UPDATES, json!({}));
    let _stream = subscription.open().await;
    assert_eq!(subscription.try_open().await.unwrap().status, StatusCode::TOO_MANY_REQUESTS);
}

async fn a_server_that_stops_ends_its_streams(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    place_order(&customer, &shop.product_id, 1).await;
    let mut events = ask(&app, &customer, MY_ORDER_UPDATES, json!({})).open().await;
    events.item().await;
    let (_database, last) = tokio::join!(app.stop(), events.next());
    assert_eq!(last, Event::Gone, "without a word, so that the client goes elsewhere");
}
