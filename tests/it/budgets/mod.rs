//! What the operations of a client may cost, over every transport and on every instance, and how often anybody may try to
//! sign in.

mod asking;
mod attempts;
mod instances;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use futures_util::future::join_all;
use quick_commerce::app::App;
use quick_commerce::config::{Budget, Config};
use quick_commerce::graphql::budget::Purse;
use quick_commerce::graphql::build_schema;
use quick_commerce::graphql::context::Viewer;
use quick_commerce::platform::limits::Principal;
use serde_json::{Value, json};

use crate::support::actors::{Actor, Api};
use crate::support::events::{Ask, Event};
use crate::support::feed::MY_ORDER_UPDATES;
use crate::support::http::{Answer, HttpAnswer};
use crate::support::socket::{Frame, Socket};
use crate::support::story::{by_hand, place_order, seller_with_product, step};
use crate::support::wait::until;
use crate::support::{Shape, TestApp, TestParts, over_both_shapes};

over_both_shapes! {
    every_answer_says_what_it_cost_and_what_is_left,
    what_was_not_used_is_given_back_up_to_the_limit,
    every_transport_is_paid_from_one_budget,
    what_is_refused_has_not_happened_and_may_be_asked_again_in_time,
    many_at_once_never_get_more_than_there_is,
    an_operation_that_can_never_be_paid_is_refused_plainly,
    a_document_that_is_refused_costs_something,
    a_subscription_is_paid_for_once,
    lists_in_a_first_picture_are_paid_for_at_their_longest,
    open_subscriptions_are_counted_over_all_connections,
    whoever_comes_back_with_many_subscriptions_gets_them_all,
    those_who_are_not_signed_in_have_the_budget_of_their_address,
    without_a_limit_nothing_is_refused,
    what_is_refused_is_counted_by_its_reason,
    budgets_cost_no_statement,
}

/// Costs fifty points, and uses all of them.
fn fifty() -> String {
    aliases(50)
}

fn aliases(count: usize) -> String {
    let fields: Vec<String> = (0..count).map(|number| format!("a{number}: version")).collect();
    format!("{{ {} }}", fields.join(" "))
}

/// A bucket that fills so slowly that nothing comes back in a test.
const fn slow(points: u32) -> Budget {
    Budget { points, per_second: 1 }
}

async fn with_user_budget(shape: Shape, points: u32) -> TestApp {
    TestApp::start_with(shape, |config| config.budgets.user = slow(points)).await
}

fn cost(body: &Value) -> &Value {
    &body["extensions"]["cost"]
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("a number was expected: {value}"))
}

/// `document` over HTTP, of `actor`, with more headers.
async fn send(api: &Api, actor: &Actor, document: &str, more: &[(&str, &str)]) -> HttpAnswer {
    let bearer = actor.token.as_deref().map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    headers.extend(more);
    api.http.send(Method::POST, "/graphql", &headers, json!({ "query": document }).to_string()).await.unwrap()
}

/// Whether `answer` is one; if not, it must say that there was too much at once.
fn is_paid(answer: &Answer) -> bool {
    if answer.errors().is_empty() {
        return true;
    }
    let extensions = &answer.errors()[0]["extensions"];
    assert_eq!((&extensions["code"], &extensions["retryable"]), (&json!("RATE_LIMITED"), &json!(true)), "{}", answer.body);
    assert!(number(&extensions["retryAfterMs"]) > 0 && extensions["requestId"].is_string(), "{}", answer.body);
    assert_eq!(answer.body.get("data"), None, "{}", answer.body);
    false
}

async fn every_answer_says_what_it_cost_and_what_is_left(shape: Shape) {
    let app = with_user_budget(shape, 1_000).await;
    let customer = app.customer().await;
    let document = "{ version viewer { user { id name } rateLimit { limit remaining cost resetAt } } }";
    let answer = customer.query(document, json!({})).await;
    let (told, limit) = (cost(&answer.body), &answer.data()["viewer"]["rateLimit"]);
    assert_eq!((&told["requested"], &told["actual"], &told["limit"]), (&json!(10), &json!(10), &json!(1_000)));
    assert_eq!((&limit["cost"], &limit["limit"], &limit["remaining"]), (&json!(10), &json!(1_000), &told["remaining"]));
    assert_eq!(told["remaining"], 990);
    for at in [&told["resetAt"], &limit["resetAt"]] {
        let at: chrono::DateTime<chrono::Utc> = at.as_str().unwrap().parse().unwrap();
        assert!(at > app.clock.now(), "{at}");
    }
    // those of others are theirs
    assert_eq!(cost(&app.customer().await.query("{ version }", json!({})).await.body)["remaining"], 999);
    assert_eq!(app.anonymous().query("{ viewer { rateLimit { cost } } }", json!({})).await.data()["viewer"], Value::Null);
    // over a WebSocket and as events, what is said is the same
    let mut socket = customer.socket().await;
    socket.subscribe("1", "{ version }", &json!({})).await;
    let Frame::Message(message) = socket.next().await else { panic!() };
    assert_eq!((&cost(&message["payload"])["requested"], &cost(&message["payload"])["limit"]), (&json!(1), &json!(1_000)));
    let mut events = Ask::new(app.addr, customer.token.as_deref(), "{ version }", json!({})).open().await;
    let Event::Next(_, result) = events.next().await else { panic!() };
    assert_eq!((&cost(&result)["requested"], &cost(&result)["actual"]), (&json!(1), &json!(1)));
}

async fn what_was_not_used_is_given_back_up_to_the_limit(shape: Shape) {
    let app = with_user_budget(shape, 1_000).await;
    let customer = app.customer().await;
    let document = "{ products(first: 100) { nodes { id name } } }";
    let answer = customer.query(document, json!({})).await;
    assert_eq!(cost(&answer.body)["requested"], 301);
    // the connection and its list: there are no products
    assert_eq!(cost(&answer.body)["actual"], 2);
    // far more than there is, were it not given back
    for answer in join_all((0..30).map(|_| customer.query(document, json!({})))).await {
        if is_paid(&answer) {
            assert!(number(&cost(&answer.body)["remaining"]) <= 1_000, "{}", answer.body);
        }
    }
    for _ in 0..10 {
        let answer = customer.query(document, json!({})).await;
        assert!(is_paid(&answer) && number(&cost(&answer.body)["remaining"]) >= 850, "{}", answer.body);
    }
}

/// The first message about `id`.
async fn ask(socket: &mut Socket, id: &str, document: &str) -> Value {
    socket.subscribe(id, document, &json!({})).await;
    let Frame::Message(message) = socket.next().await else { panic!("the socket was closed") };
    assert_eq!(message["id"], id);
    message
}

async fn every_transport_is_paid_from_one_budget(shape: Shape) {
    let app = with_user_budget(shape, 170).await;
    let customer = app.customer().await;
    let (token, fifty) = (customer.token.as_deref(), fifty());
    let mut socket = customer.socket().await;
    assert!(is_paid(&customer.query(&fifty, json!({})).await));
    assert_eq!(ask(&mut socket, "1", &fifty).await["type"], "next");
    let Frame::Message(complete) = socket.next().await else { panic!() };
    assert_eq!(complete["type"], "complete");
    let mut events = Ask::new(app.addr, token, &fifty, json!({})).open().await;
    assert!(matches!(events.next().await, Event::Next(_, result) if result["data"]["a0"].is_string()));

    // less is left than this costs, everywhere
    assert!(!is_paid(&customer.query(&fifty, json!({})).await));
    let refused = ask(&mut socket, "2", &fifty).await;
    assert_eq!(refused["type"], "error", "{refused}");
    let extensions = &refused["payload"][0]["extensions"];
    assert_eq!((&extensions["code"], &extensions["cost"]["requested"]), (&json!("RATE_LIMITED"), &json!(50)), "{refused}");
    assert!(number(&extensions["retryAfterMs"]) > 0 && number(&extensions["cost"]["remaining"]) < 50, "{refused}");
    let mut events = Ask::new(app.addr, token, &fifty, json!({})).open().await;
    let (_, result) = events.result().await;
    assert_eq!(result["errors"][0]["extensions"]["code"], "RATE_LIMITED", "{result}");
    assert_eq!((events.next().await, events.next().await), (Event::Complete, Event::Gone));
    let of_order = MY_ORDER_UPDATES.replace("id version status", &"id version status ".repeat(10));
    let mut events = Ask::new(app.addr, token, &of_order, json!({})).open().await;
    assert_eq!(events.result().await.1["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    assert_eq!(ask(&mut socket, "3", &of_order).await["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    // the socket is as good as before
    assert_eq!(ask(&mut socket, "4", "{ version }").await["type"], "next");

    // as each kind of client expects it: who reads JSON takes any other status than 200 for a broken connection
    for (accept, status) in
        [("application/json", StatusCode::OK), ("application/graphql-response+json", StatusCode::TOO_MANY_REQUESTS)]
    {
        let answer = send(&app, &customer, &fifty, &[("accept", accept)]).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
        assert!(answer.header("content-type").starts_with(accept), "{}", answer.header("content-type"));
        assert_eq!(cost(&answer.json())["actual"], 0);
    }
}

async fn what_is_refused_has_not_happened_and_may_be_asked_again_in_time(shape: Shape) {
    const RENAME: &str =
        "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { name } userErrors { code } } }";
    let app = with_user_budget(shape, 50).await;
    let customer = app.customer().await;
    assert!(is_paid(&customer.query(&fifty(), json!({})).await));
    let refused = customer.mutate(RENAME, json!({ "name": "Changed" })).await;
    assert!(!is_paid(&refused));
    let wait = number(&refused.errors()[0]["extensions"]["retryAfterMs"]);
    let name = "{ viewer { user { name } } }";
    app.clock.advance(Duration::from_secs(3));
    assert_eq!(customer.query(name, json!({})).await.data()["viewer"]["user"]["name"], "Test customer");
    app.clock.advance(Duration::from_millis(wait) + Duration::from_secs(3));
    assert_eq!(customer.mutate(RENAME, json!({ "name": "Changed" })).await.ok("updateProfile")["user"]["name"], "Changed");
}

async fn many_at_once_never_get_more_than_there_is(shape: Shape) {
    let app = with_user_budget(shape, 501).await;
    let customer = app.customer().await;
    let fifty = fifty();
    let answers = join_all((0..40).map(|_| customer.query(&fifty, json!({})))).await;
    assert_eq!(answers.iter().filter(|answer| is_paid(answer)).count(), 10);
}

async fn an_operation_that_can_never_be_paid_is_refused_plainly(shape: Shape) {
    let app = with_user_budget(shape, 40).await;
    let customer = app.customer().await;
    let answer = customer.query(&fifty(), json!({})).await;
    let extensions = &answer.errors()[0]["extensions"];
    assert_eq!((answer.code(), &extensions["retryable"]), ("QUERY_TOO_COMPLEX", &json!(false)), "{}", answer.body);
    assert_eq!(extensions.get("retryAfterMs"), None);
    assert!(answer.errors()[0]["message"].as_str().unwrap().contains("50"), "it says what it costs: {}", answer.body);
    let left = number(&cost(&customer.query("{ version }", json!({})).await.body)["remaining"]);
    // a point comes back each second
    assert!((38..=39).contains(&left), "it costs what every refusal does: {left}");
}

async fn a_document_that_is_refused_costs_something(shape: Shape) {
    let app = with_user_budget(shape, 4).await;
    let customer = app.customer().await;
    for (document, code) in [
        ("{ version", "PARSE_FAILED"),
        ("{ nothing }", "VALIDATION_FAILED"),
        ("query($of: Int!) { version }", "VALIDATION_FAILED"),
        ("subscription { nothing }", "SUBSCRIPTION_NEEDS_WEBSOCKET"),
    ] {
        let answer = customer.query(document, json!({})).await;
        assert_eq!((answer.code(), &cost(&answer.body)["actual"]), (code, &json!(1)), "{}", answer.body);
    }
    // a point comes back each second, and one is asked for more often
    let mut more = 0;
    while is_paid(&customer.query("{ version", json!({})).await) {
        more += 1;
        assert!(more < 100, "it costs nothing");
    }
}

async fn a_subscription_is_paid_for_once(shape: Shape) {
    let app = with_user_budget(shape, 10_000).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    by_hand(&app, &shop.seller).await;
    let order = place_order(&customer, &shop.product_id, 1).await;
    let left = async || number(&cost(&customer.query("{ version }", json!({})).await.body)["remaining"]);
    let mut socket = customer.socket().await;
    let before = left().await;
    let first = ask(&mut socket, "1", MY_ORDER_UPDATES).await;
    let price = number(&cost(&first["payload"])["requested"]);
    assert!(price > 10 && price < 40, "the price of one item: {first}");
    for status in ["PREPARING", "READY"] {
        step(&shop.seller, &order, status).await;
        let Frame::Message(message) = socket.next().await else { panic!() };
        assert_eq!(message["payload"].get("extensions"), None, "what many are sent says nothing of one: {message}");
    }
    assert!(left().await >= before - price - 1);
}

async fn lists_in_a_first_picture_are_paid_for_at_their_longest(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let order = place_order(&customer, &shop.product_id, 1).await;
    let price = async |actor: &Actor, document: &str| {
        number(&cost(&ask(&mut actor.socket().await, "1", document).await["payload"])["requested"])
    };
    let one = "subscription { availableOrders { ... on AvailableOrdersSnapshot { cursor more } } }";
    assert_eq!(price(&partner, one).await, 3);
    let all =
        "subscription { availableOrders { ... on AvailableOrdersSnapshot { cursor orders { number payout { amount } } }
        ... on OrderAvailable { order { number } } } }";
    assert_eq!(price(&partner, all).await, 3 + 100 * 3 + 2, "a hundred orders of three fields, and one of an event");
    let chat =
        format!("subscription {{ chatMessages(orderId: \"{order}\") {{ ... on ChatSnapshot {{ messages {{ body }} }} }} }}");
    assert_eq!(price(&customer, &chat).await, 2 + 100);
}

async fn open_subscriptions_are_counted_over_all_connections(shape: Shape) {
    let app = TestApp::start_with(shape, |config| config.budgets.subscriptions_per_user = 2).await;
    let (customer, other) = tokio::join!(app.customer(), app.customer());
    let mut first = customer.socket().await;
    assert_eq!(ask(&mut first, "1", MY_ORDER_UPDATES).await["type"], "next");
    let stream = || Ask::new(app.addr, customer.token.as_deref(), MY_ORDER_UPDATES, json!({}));
    let mut events = stream().open().await;
    assert!(matches!(events.next().await, Event::Next(_, _)));
    let mut second = customer.socket().await;
    let refused = ask(&mut second, "1", MY_ORDER_UPDATES).await;
    let extensions = &refused["payload"][0]["extensions"];
    assert_eq!((&extensions["code"], &extensions["retryable"]), (&json!("TOO_MANY_SUBSCRIPTIONS"), &json!(true)));
    assert!(number(&extensions["retryAfterMs"]) > 0, "{refused}");
    assert_eq!((&extensions["cost"]["requested"], &extensions["cost"]["actual"]), (&json!(1), &json!(1)), "{refused}");
    assert_eq!(stream().open().await.result().await.1["errors"][0]["extensions"]["code"], "TOO_MANY_SUBSCRIPTIONS");
    // queries are none, and others have places of their own
    assert_eq!(ask(&mut second, "2", "{ version }").await["type"], "next");
    assert_eq!(ask(&mut other.socket().await, "1", MY_ORDER_UPDATES).await["type"], "next");
    // each of the two is free again: the one whose stream is gone, and the one that its client completes
    drop(events);
    until(async || {
        let mut socket = customer.socket().await;
        ask(&mut socket, "1", MY_ORDER_UPDATES).await["type"] == "next"
    })
    .await;
    first.send(&json!({ "id": "1", "type": "complete" })).await;
    let mut kept = customer.socket().await;
    until_taken(&mut kept).await;
}

/// Subscribes until there is a place.
async fn until_taken(socket: &mut Socket) {
    let socket = tokio::sync::Mutex::new(socket);
    until(async || ask(&mut **socket.lock().await, "again", MY_ORDER_UPDATES).await["type"] == "next").await;
}

async fn whoever_comes_back_with_many_subscriptions_gets_them_all(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    for _ in 0..3 {
        let mut socket = customer.socket().await;
        for id in 0..100 {
            socket.subscribe(&id.to_string(), MY_ORDER_UPDATES, &json!({})).await;
        }
        for _ in 0..100 {
            let Frame::Message(message) = socket.next().await else { panic!() };
            assert_eq!(message["type"], "next", "{message}");
        }
    }
}

async fn those_who_are_not_signed_in_have_the_budget_of_their_address(shape: Shape) {
    let fifty = fifty();
    let change = |config: &mut Config| config.budgets.address = slow(60);
    // nobody is believed whom the operator does not trust
    let app = TestApp::start_with(shape, change).await;
    let forwarded = |address: &'static str| [("x-forwarded-for", address)];
    let code = async |app: &TestApp, headers: &[(&str, &str)]| {
        let answer = send(app, &app.anonymous(), &fifty, headers).await.json();
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(code(&app, &forwarded("198.51.100.1")).await, "");
    for header in ["x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip", "cf-connecting-ip"] {
        assert_eq!(code(&app, &[(header, "198.51.100.2")]).await, "RATE_LIMITED", "{header}");
    }

    let app = TestApp::start_with(shape, |config| {
        change(config);
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    assert_eq!(code(&app, &forwarded("198.51.100.1")).await, "");
    assert_eq!(code(&app, &forwarded("198.51.100.1")).await, "RATE_LIMITED");
    assert_eq!(code(&app, &forwarded("203.0.113.66, 198.51.100.1")).await, "RATE_LIMITED", "the client wrote the first");
    let lines = [("x-forwarded-for", "203.0.113.66"), ("x-forwarded-for", "198.51.100.1")];
    assert_eq!(code(&app, &lines).await, "RATE_LIMITED", "of several lines, the last");
    assert_eq!(code(&app, &forwarded("198.51.100.2")).await, "");
    assert_eq!(code(&app, &[("x-real-ip", "198.51.100.3"), ("x-forwarded-for", "198.51.100.2")]).await, "RATE_LIMITED");
    assert_eq!(code(&app, &forwarded("2001:db8::1")).await, "");
    assert_eq!(code(&app, &forwarded("2001:db8::2:1")).await, "RATE_LIMITED", "a network is one client");
    assert_eq!(code(&app, &forwarded("2001:db8:0:1::1")).await, "");
}

async fn without_a_limit_nothing_is_refused(shape: Shape) {
    let app = TestApp::start_with(shape, |config| {
        (config.budgets.user, config.budgets.address) = (slow(0), slow(0));
        (config.budgets.subscriptions_per_user, config.budgets.subscriptions_per_address) = (0, 0);
    })
    .await;
    let customer = app.customer().await;
    let answer = customer.query("{ viewer { rateLimit { limit remaining cost } } }", json!({})).await;
    assert_eq!(answer.data()["viewer"]["rateLimit"], json!({ "limit": 0, "remaining": 0, "cost": 5 }));
    assert_eq!(*cost(&answer.body), json!({ "requested": 5, "actual": 5 }));
    assert!(join_all((0..20).map(|_| customer.query("{ version }", json!({})))).await.iter().all(is_paid));
}

async fn what_is_refused_is_counted_by_its_reason(shape: Shape) {
    let app = with_user_budget(shape, 40).await;
    let customer = app.customer().await;
    customer.query(&fifty(), json!({})).await;
    for _ in 0..2 {
        customer.query(&aliases(30), json!({})).await;
    }
    let metrics = app.http.get("/metrics").await;
    for line in [r#"refused_total{reason="too_costly"} 1"#, r#"refused_total{reason="budget"} 1"#, "limits_alone_total 0"] {
        assert!(metrics.text().contains(&format!("quick_commerce_{line}\n")), "{line} in {}", metrics.text());
    }
}

async fn budgets_cost_no_statement(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let app: &App = &parts.app;
    let schema = build_schema(app);
    let ask = async || {
        let purse = Purse::new(Principal::address([192, 0, 2, 1].into()));
        let request = async_graphql::Request::new("{ version }").data(Viewer(None)).data(purse);
        let response = schema.execute(request).await;
        assert!(response.is_ok() && response.extensions.contains_key("cost"), "{response:?}");
    };
    let before = app.db.statements();
    for _ in 0..10 {
        ask().await;
    }
    assert_eq!(app.db.statements(), before);
}
