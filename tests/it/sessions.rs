//! Signing up, in and out, over the API.

use std::time::Duration;

use axum::http::StatusCode;
use entity::user;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use crate::support::actors::{Actor, PASSWORD, email};
use crate::support::http::{Answer, HttpAnswer};
use crate::support::socket::Frame;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    what_a_socket_asks_after_its_session_ended_is_not_answered,
    an_unknown_address_and_a_wrong_password_are_answered_alike,
    whoever_has_an_address_that_is_not_taken_any_more_signs_in,
    a_refresh_token_works_once,
    a_refresh_token_that_is_used_again_ends_its_session,
    of_two_refreshes_with_one_token_at_most_one_gets_tokens,
    who_signs_out_here_stays_signed_in_elsewhere,
    who_signs_out_everywhere_is_signed_out_everywhere,
    an_access_token_wears_out_and_the_session_goes_on,
    nobody_registers_as_an_admin,
    of_two_registrations_of_one_address_one_is_an_account,
}

const LOGIN: &str = "mutation($input: LoginInput!) { login(input: $input) {
    tokens { accessToken } user { id } userErrors { code message field } } }";

const REFRESH: &str = "mutation($input: RefreshTokensInput!) { refreshTokens(input: $input) {
    tokens { accessToken refreshToken } user { id } userErrors { code field } } }";

const LOGOUT: &str = "mutation($input: LogoutInput) { logout(input: $input) { sessionsEnded userErrors { code } } }";

const REGISTER: &str = "mutation($input: RegisterInput!) { register(input: $input) {
    tokens { accessToken } user { id role email } userErrors { code field } } }";

const VIEWER: &str = "{ viewer { user { id } } }";

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.anonymous().mutate(REFRESH, json!({ "refreshToken": token })).await
}

/// The access and refresh tokens of a refresh that was granted.
fn tokens(answer: &Answer) -> (String, String) {
    let tokens = &answer.ok("refreshTokens")["tokens"];
    ["accessToken", "refreshToken"].map(|name| tokens[name].as_str().unwrap().to_owned()).into()
}

fn assert_token_refused(answer: &Answer) {
    assert_eq!(*answer.user_errors("refreshTokens"), [json!({ "code": "INVALID_TOKEN", "field": ["refreshToken"] })]);
    assert_eq!(answer.data()["refreshTokens"]["tokens"], Value::Null);
}

async fn assert_signed_in(actor: &Actor) {
    let answer = actor.query(VIEWER, Value::Null).await;
    assert_eq!(answer.data()["viewer"]["user"]["id"], actor.user_id.as_str());
}

async fn assert_signed_out(actor: &Actor) {
    let answer = actor.query(VIEWER, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "INVALID_TOKEN"));
}

async fn raw_login(app: &TestApp, email: &str, password: &str) -> HttpAnswer {
    let variables = json!({ "input": { "email": email, "password": password } });
    let body = json!({ "query": LOGIN, "variables": variables }).to_string();
    let headers = [("content-type", "application/json")];
    app.http.send(axum::http::Method::POST, "/graphql", &headers, body).await.unwrap()
}

async fn an_unknown_address_and_a_wrong_password_are_answered_alike(shape: Shape) {
    let app = TestApp::start(shape).await;
    let known = app.customer().await.email;
    let wrong = raw_login(&app, &known, "not the password").await;
    // all but the moment at which a budget is whole again
    let told = |answer: &HttpAnswer| {
        let mut body = answer.json();
        body["extensions"]["cost"]["resetAt"].take();
        (answer.status, body)
    };
    assert_eq!(wrong.json()["data"]["login"]["userErrors"][0]["code"], "INVALID_CREDENTIALS");
    for (email, password) in [("nobody@test.example", PASSWORD), ("not an address", PASSWORD), ("\0", "\0"), (&*known, "")] {
        let mut other = raw_login(&app, email, password).await;
        assert_eq!(told(&other), told(&wrong), "{email:?}");
        for name in ["x-request-id", "date", "content-length"] {
            other.headers.insert(name, wrong.headers[name].clone());
        }
        assert_eq!(other.headers, wrong.headers, "{email:?}");
    }
    let right = raw_login(&app, &known.to_uppercase(), PASSWORD).await;
    assert!(right.json()["data"]["login"]["tokens"].is_object(), "the letter case of an address says nothing");
}

async fn whoever_has_an_address_that_is_not_taken_any_more_signs_in(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let old = "a..b@test.example";
    let rename = user::Entity::update_many().col_expr(user::Column::Email, Expr::value(old));
    let rename = rename.filter(user::Column::Id.eq(customer.principal().await.user));
    assert_eq!(rename.exec(app.app.db.writer()).await.unwrap().rows_affected, 1);
    assert_eq!(raw_login(&app, "A..B@test.example", PASSWORD).await.json()["data"]["login"]["userErrors"], json!([]));
    let input = json!({ "email": old, "password": PASSWORD, "name": "Another" });
    assert_eq!(app.anonymous().mutate(REGISTER, input).await.refusal("register"), "INVALID_INPUT");
}

async fn a_refresh_token_works_once(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let mut token = customer.refresh_token.clone().unwrap();
    for _ in 0..3 {
        let (access, next) = tokens(&refresh(&app, &token).await);
        assert_ne!(next, token);
        assert_signed_in(&customer.with_token(&access)).await;
        token = next;
    }
    for malformed in ["", " ", "\0", "e30", &"x".repeat(100_000), customer.token.as_deref().unwrap()] {
        assert_token_refused(&refresh(&app, malformed).await);
    }
    tokens(&refresh(&app, &token).await);
}

async fn a_refresh_token_that_is_used_again_ends_its_session(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let elsewhere = app.login(&customer.email).await;
    let used = customer.refresh_token.clone().unwrap();
    let (access, newest) = tokens(&refresh(&app, &used).await);
    assert_token_refused(&refresh(&app, &used).await);
    assert_signed_out(&customer).await;
    assert_signed_out(&customer.with_token(&access)).await;
    assert_token_refused(&refresh(&app, &newest).await);
    assert_signed_in(&elsewhere).await;
}

async fn of_two_refreshes_with_one_token_at_most_one_gets_tokens(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let token = customer.refresh_token.as_deref().unwrap();
    let (first, second) = tokio::join!(refresh(&app, token), refresh(&app, token));
    let granted: Vec<bool> = [&first, &second].map(|answer| answer.user_errors("refreshTokens").is_empty()).into();
    assert_eq!(granted.iter().filter(|granted| **granted).count(), 1, "{first:?} and {second:?}");
    // one of the two may be a thief: both have to sign in again
    assert_signed_out(&customer).await;
    let winner = if granted[0] { &first } else { &second };
    assert_signed_out(&customer.with_token(&tokens(winner).0)).await;
    assert_token_refused(&refresh(&app, &tokens(winner).1).await);
}

async fn who_signs_out_here_stays_signed_in_elsewhere(shape: Shape) {
    let app = TestApp::start(shape).await;
    let here = app.customer().await;
    let elsewhere = app.login(&here.email).await;
    let answer = here.query(LOGOUT, json!({})).await;
    assert_eq!(answer.ok("logout")["sessionsEnded"], 1);
    assert_signed_out(&here).await;
    assert_token_refused(&refresh(&app, here.refresh_token.as_deref().unwrap()).await);
    assert_signed_in(&elsewhere).await;
    tokens(&refresh(&app, elsewhere.refresh_token.as_deref().unwrap()).await);
}

async fn who_signs_out_everywhere_is_signed_out_everywhere(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (here, somebody_else) = tokio::join!(app.customer(), app.customer());
    let (there, gone) = tokio::join!(app.login(&here.email), app.login(&here.email));
    gone.query(LOGOUT, json!({ "input": {} })).await.ok("logout");
    let answer = here.query(LOGOUT, json!({ "input": { "everywhere": true } })).await;
    assert_eq!(answer.ok("logout")["sessionsEnded"], 2, "one was ended before");
    for session in [&here, &there, &gone] {
        assert_signed_out(session).await;
        assert_token_refused(&refresh(&app, session.refresh_token.as_deref().unwrap()).await);
    }
    assert_signed_in(&somebody_else).await;
    assert_signed_in(&app.login(&here.email).await).await;
}

async fn what_a_socket_asks_after_its_session_ended_is_not_answered(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let mut socket = customer.socket().await;
    socket.subscribe("before", VIEWER, &json!({})).await;
    let before = format!("{:?}", socket.next().await);
    assert!(before.contains(&customer.user_id), "{before}");
    customer.query(LOGOUT, json!({ "input": {} })).await.ok("logout");
    socket.subscribe("after", VIEWER, &json!({})).await;
    loop {
        match socket.next().await {
            // the end of an answer, which says nothing
            Frame::Message(message) if message["id"] == "before" || message["type"] == "complete" => {}
            // asked before the socket was closed
            Frame::Message(message) => assert!(message.to_string().contains("INVALID_TOKEN"), "{message}"),
            Frame::Closed(code, reason) => break assert_eq!((code, reason.as_str()), (4403, "Forbidden")),
        }
    }
}

async fn an_access_token_wears_out_and_the_session_goes_on(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    app.clock.advance(app.app.config.access_token + Duration::from_secs(1));
    assert_signed_out(&customer).await;
    let (access, next) = tokens(&refresh(&app, customer.refresh_token.as_deref().unwrap()).await);
    assert_signed_in(&customer.with_token(&access)).await;
    app.clock.advance(app.app.config.refresh_token + Duration::from_secs(1));
    assert_token_refused(&refresh(&app, &next).await);
}

async fn nobody_registers_as_an_admin(shape: Shape) {
    let app = TestApp::start(shape).await;
    let somebody = app.anonymous();
    let input = |more: Value| {
        let mut input = json!({ "email": email("new"), "password": PASSWORD, "name": "New" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let partner = json!({ "vehicle": "VAN" });
    let seller = json!({ "storeName": "Store", "location": { "latitude": 0, "longitude": 0 } });
    for (more, role) in [
        (json!({}), "CUSTOMER"),
        (json!({ "partner": null, "seller": null }), "CUSTOMER"),
        (json!({ "partner": partner }), "PARTNER"),
        (json!({ "seller": seller }), "SELLER"),
    ] {
        let answer = somebody.mutate(REGISTER, input(more)).await;
        assert_eq!(answer.ok("register")["user"]["role"], role);
    }
    for more in [json!({ "role": "ADMIN" }), json!({ "isAdmin": true }), json!({ "admin": {} })] {
        let answer = somebody.mutate(REGISTER, input(more)).await;
        assert!(["VALIDATION_FAILED", "BAD_ARGUMENT"].contains(&answer.code()), "{answer:?}");
    }
    let answer = somebody.mutate(REGISTER, input(json!({ "partner": partner, "seller": seller }))).await;
    assert_eq!(answer.refusal("register"), "INVALID_INPUT");
    let admins = "{ admin { users(role: ADMIN) { nodes { id } } users_: users { totalCount { value } } } }";
    let admin = app.admin().await;
    let answer = admin.query(admins, Value::Null).await;
    assert_eq!(answer.data()["admin"]["users"]["nodes"], json!([{ "id": admin.user_id }]));
    assert_eq!(answer.data()["admin"]["users_"]["totalCount"]["value"], 5, "what was refused made no account");
}

async fn of_two_registrations_of_one_address_one_is_an_account(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (somebody, address) = (app.anonymous(), email("twin"));
    let register = async |address: &str| {
        somebody.mutate(REGISTER, json!({ "email": address, "password": PASSWORD, "name": "Twin" })).await
    };
    let shouted = format!("  {}", address.to_uppercase());
    let (first, second) = tokio::join!(register(&address), register(&shouted));
    let refusals: Vec<&Value> = [&first, &second].iter().flat_map(|answer| answer.user_errors("register")).collect();
    assert_eq!(refusals, [&json!({ "code": "EMAIL_TAKEN", "field": ["email"] })], "{first:?} and {second:?}");
    let made = [&first, &second].into_iter().find(|answer| answer.user_errors("register").is_empty()).unwrap();
    assert_eq!(made.data()["register"]["user"]["email"], address.as_str());
    assert_signed_in(&app.login(&address).await).await;
}
