//! What the database is asked about who asks: nothing of whoever asks too much, and not again and again of whoever asks often.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::http::{Method, StatusCode};
use quick_commerce::config::Config;
use serde_json::{Value, json};

use super::{ask, cost, fifty, is_paid, number, slow, with_user_budget};
use crate::support::actors::{Actor, Api};
use crate::support::events::Ask;
use crate::support::feed::MY_ORDER_UPDATES;
use crate::support::http::HttpAnswer;
use crate::support::redis::Redis;
use crate::support::story::UPDATE_USER;
use crate::support::wait::until;
use crate::support::{Shape, TestApp, TestCluster, over_both_shapes};
use crate::tracking::REPORT_LOCATION;

over_both_shapes! {
    what_is_refused_asks_the_database_nothing,
    tokens_that_are_not_valid_are_paid_by_the_address,
    a_token_that_was_good_once_is_not_paid_by_its_user,
    a_connection_with_an_invalid_token_is_paid_by_the_address,
    whoever_asks_many_times_a_second_is_looked_up_once,
    whoever_is_signed_out_is_nobody_for_the_next_request,
    a_key_costs_its_own_budget_from_the_first_time_on,
}

const CREATE_KEY: &str =
    "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret apiKey { id } userErrors { code } } }";

const REVOKE_KEY: &str = "mutation($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { userErrors { code } } }";

const LOGOUT: &str = "mutation($input: LogoutInput) { logout(input: $input) { sessionsEnded userErrors { code } } }";

/// Who asks with a new key of `admin`, and its id.
async fn key(admin: &Actor) -> (Actor, String) {
    let input = json!({ "name": "A program", "scopes": ["ORDERS_READ"] });
    let answer = admin.mutate(CREATE_KEY, input).await;
    let made = answer.ok("createApiKey");
    (admin.with_token(made["secret"].as_str().unwrap()), made["apiKey"]["id"].as_str().unwrap().to_owned())
}

/// Counts statements of `api` that ask who somebody is.
fn count_questions(api: &Api) -> Arc<AtomicU64> {
    let questions = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&questions);
    api.app.db.on_statement(move |statement| {
        let sql = &statement.sql;
        let of_session = sql.starts_with("SELECT") && sql.contains("\"sessions\"") && sql.contains("\"role\"");
        let of_key = sql.starts_with("SELECT") && sql.contains("\"api_keys\"") && sql.contains("\"secret_hash\" =");
        if of_session || of_key {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    questions
}

async fn what_is_refused_asks_the_database_nothing(shape: Shape) {
    let app = with_user_budget(shape, 60).await;
    let (customer, admin) = tokio::join!(app.customer(), app.admin());
    let (program, _) = key(&admin).await;
    let mut socket = customer.socket().await;
    let questions = count_questions(&app);
    let fifty = fifty();
    for actor in [&customer, &program] {
        assert!(is_paid(&actor.query(&fifty, json!({})).await));
    }
    assert!(questions.load(Ordering::SeqCst) >= 1, "they are counted");
    let before = questions.load(Ordering::SeqCst);
    for _ in 0..5 {
        // so that it would have to be asked again
        app.app.actors.forget_all();
        for actor in [&customer, &program] {
            assert!(!is_paid(&actor.query(&fifty, json!({})).await));
        }
        assert_eq!(ask(&mut socket, "1", &fifty).await["payload"][0]["extensions"]["code"], "RATE_LIMITED");
        let mut events = Ask::new(app.addr, customer.token.as_deref(), &fifty, json!({})).open().await;
        assert_eq!(events.result().await.1["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    }
    assert_eq!(questions.load(Ordering::SeqCst), before);
}

/// `{ version }` of whoever shows `token` at `from`.
async fn show(app: &TestApp, token: &str, from: &str) -> HttpAnswer {
    let bearer = format!("Bearer {token}");
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str()), ("x-forwarded-for", from)];
    app.http.send(Method::POST, "/graphql", &headers, json!({ "query": "{ version }" }).to_string()).await.unwrap()
}

fn code(answer: &HttpAnswer) -> String {
    answer.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
}

async fn behind_a_proxy(shape: Shape, points: u32) -> TestApp {
    let change = |config: &mut Config| {
        config.budgets.address = slow(points);
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    };
    TestApp::start_with(shape, change).await
}

async fn tokens_that_are_not_valid_are_paid_by_the_address(shape: Shape) {
    let app = behind_a_proxy(shape, 100).await;
    let customer = app.customer().await;
    let unknown_key = format!("qck_00000000_{}", "0".repeat(64));
    let mine = customer.token.clone().unwrap();
    let (head, signature) = mine.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for (place, token) in ["nonsense", &unknown_key, &forged].into_iter().enumerate() {
        let from = format!("198.51.100.{place}");
        let mut refused = 0;
        // what comes back in the meantime is a point a second
        let answer = loop {
            let answer = show(&app, token, &from).await;
            if code(&answer) != "INVALID_TOKEN" {
                break answer;
            }
            refused += 1;
            assert!(refused < 1_000, "{token}: for ever");
        };
        assert!(refused >= 100, "{token}: {refused}");
        let body = answer.json();
        // a key may be one, so it is the operation that is refused, and JSON wants 200 then
        let status = if token == unknown_key { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!((answer.status, code(&answer).as_str()), (status, "RATE_LIMITED"), "{body}");
        assert!(number(&body["errors"][0]["extensions"]["retryAfterMs"]) > 0 && body.get("data").is_none(), "{body}");
        assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
        // others there, who are somebody, have budgets of their own
        assert_eq!(show(&app, &mine, &from).await.status, StatusCode::OK);
    }
    let answer = show(&app, "nonsense", "198.51.100.99").await;
    assert_eq!((answer.status, code(&answer).as_str()), (StatusCode::UNAUTHORIZED, "INVALID_TOKEN"));
}

async fn a_token_that_was_good_once_is_not_paid_by_its_user(shape: Shape) {
    let app = TestApp::start_with(shape, |config| {
        config.budgets.user = slow(1_000);
        config.budgets.address = slow(20_000);
    })
    .await;
    let here = app.customer().await;
    let there = app.login(&here.email).await;
    here.mutate(LOGOUT, json!({})).await.ok("logout");
    let left = async || number(&cost(&there.query("{ version }", json!({})).await.body)["remaining"]);
    let before = left().await;
    let nobody = app.anonymous();
    let left_to_address = async || number(&cost(&nobody.query("{ version }", json!({})).await.body)["remaining"]);
    let of_address = left_to_address().await;
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(here.query("{ version }", json!({})).await.code(), "INVALID_TOKEN");
    }
    let back = began.elapsed().as_secs() + 1;
    assert!(left_to_address().await <= of_address - 101 + back, "each was a point of the address");
    assert!(left().await >= before - 1, "and none of the user");
}

async fn a_connection_with_an_invalid_token_is_paid_by_the_address(shape: Shape) {
    let app = TestApp::start_with(shape, |config| config.budgets.address = slow(200)).await;
    let subscribe = async || {
        let headers =
            [("content-type", "application/json"), ("accept", "text/event-stream"), ("authorization", "Bearer nonsense")];
        let body = json!({ "query": MY_ORDER_UPDATES }).to_string();
        app.http.send(Method::POST, "/graphql", &headers, body).await.unwrap()
    };
    let first = subscribe().await;
    assert_eq!((first.status, code(&first).as_str()), (StatusCode::UNAUTHORIZED, "INVALID_TOKEN"));
    let mut refused = 1;
    // what comes back in the meantime is a point a second
    let last = loop {
        let answer = subscribe().await;
        if code(&answer) != "INVALID_TOKEN" {
            break answer;
        }
        refused += 1;
        assert!(refused < 2_000, "for ever");
    };
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
}

async fn whoever_asks_many_times_a_second_is_looked_up_once(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (partner, admin) = tokio::join!(app.partner(), app.admin());
    let (program, _) = key(&admin).await;
    let mut socket = partner.socket().await;
    let questions = count_questions(&app);
    let began = Instant::now();
    for place in 0..100 {
        let input = json!({ "point": { "latitude": 12.97, "longitude": 77.0 + f64::from(place) / 1_000.0 } });
        partner.mutate(REPORT_LOCATION, input.clone()).await.ok("reportLocation");
        let id = place.to_string();
        socket.subscribe(&id, REPORT_LOCATION, &json!({ "input": input })).await;
        for _ in ["next", "complete"] {
            socket.next().await;
        }
        program.query("{ version }", json!({})).await.data();
    }
    // the session and the key, each once a second, and the key once more before anybody knew whose it is
    let most = 2 * (began.elapsed().as_secs() + 1) + 1;
    let asked = questions.load(Ordering::SeqCst);
    assert!((2..=most).contains(&asked), "{asked} of 300, where {most} may be");
}

async fn whoever_is_signed_out_is_nobody_for_the_next_request(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let is_somebody = async |who: &Actor| is_paid_or_invalid(&who.query("{ version }", json!({})).await.body);
    for _ in 0..10 {
        let customer = app.customer().await;
        let again = app.login(&customer.email).await;
        assert!(is_somebody(&customer).await && is_somebody(&again).await);
        customer.mutate(LOGOUT, json!({})).await.ok("logout");
        assert!(!is_somebody(&customer).await && is_somebody(&again).await);
        admin.mutate(UPDATE_USER, json!({ "userId": again.user_id, "active": false })).await.ok("updateUser");
        assert!(!is_somebody(&again).await);
        let (program, id) = key(&admin).await;
        assert!(is_somebody(&program).await && is_somebody(&program).await);
        admin.mutate(REVOKE_KEY, json!({ "apiKeyId": id })).await.ok("revokeApiKey");
        assert!(!is_somebody(&program).await);
    }
}

/// Whether it is an answer; if not, nobody asked for it.
fn is_paid_or_invalid(body: &Value) -> bool {
    let code = &body["errors"][0]["extensions"]["code"];
    assert!(code.is_null() || code == "INVALID_TOKEN", "{body}");
    code.is_null()
}

async fn a_key_costs_its_own_budget_from_the_first_time_on(shape: Shape) {
    let app = with_user_budget(shape, 1_000).await;
    let admin = app.admin().await;
    let (program, _) = key(&admin).await;
    let nobody = app.anonymous();
    let of_address = async || number(&cost(&nobody.query("{ version }", json!({})).await.body)["remaining"]);
    let before = of_address().await;
    for left in [999, 998, 997] {
        let answer = program.query("{ version }", json!({})).await;
        let told = number(&cost(&answer.body)["remaining"]);
        assert!((left..=1_000).contains(&told), "{}", answer.body);
        assert_eq!((&cost(&answer.body)["requested"], &cost(&answer.body)["actual"]), (&json!(1), &json!(1)));
    }
    assert!(of_address().await >= before - 1, "the address has back what it paid");
    let answer = program.query("{ products { nodes { id } } }", json!({})).await;
    assert_eq!((answer.code(), number(&cost(&answer.body)["actual"])), ("FORBIDDEN", 1), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_signed_out_elsewhere_is_nobody_here_soon() {
    let cluster = TestCluster::start_on(Redis::shared().await, 2, |_| {}).await;
    for _ in 0..3 {
        let here = cluster[0].customer().await;
        let there = here.at(&cluster[1]);
        there.query("{ version }", json!({})).await.data();
        here.mutate(LOGOUT, json!({})).await.ok("logout");
        // it is never asked so seldom that what is known would be over by itself
        until(async || !is_paid_or_invalid(&there.query("{ version }", json!({})).await.body)).await;
    }
    // also when nothing is heard: what is known is known for a second
    let here = cluster[0].customer().await;
    let there = here.at(&cluster[1]);
    there.query("{ version }", json!({})).await.data();
    cluster.redis_network.down();
    here.mutate(LOGOUT, json!({})).await.ok("logout");
    until(async || !is_paid_or_invalid(&there.query("{ version }", json!({})).await.body)).await;
}
