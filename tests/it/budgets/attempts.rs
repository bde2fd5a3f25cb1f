//! How often anybody may try to sign in or up, and what they learn by it.

use std::time::Duration;

use axum::http::Method;
use futures_util::future::join_all;
use quick_commerce::config::{Attempts, Config};
use serde_json::{Value, json};

use crate::recovery::{CHANGE_PASSWORD, REQUEST_PROOF, REQUEST_RESET, RESET};
use crate::support::actors::{Api, PASSWORD, email};
use crate::support::http::Answer;
use crate::support::redis::Redis;
use crate::support::{Shape, TestApp, TestCluster, over_both_shapes};

over_both_shapes! {
    after_some_failures_the_right_password_has_to_wait_as_well,
    an_account_that_does_not_exist_is_throttled_like_one_that_does,
    of_many_attempts_at_once_no_more_are_made_than_may_be,
    one_account_is_one_however_it_is_written,
    an_address_has_so_many_attempts_at_all_accounts_together,
    who_signs_in_all_day_is_not_kept_out,
    registrations_are_throttled_by_address_also_when_they_succeed,
    an_attempt_over_a_websocket_is_one_too,
    without_a_limit_every_attempt_is_made,
    what_is_mailed_and_shown_for_a_password_is_throttled_as_well,
    whoever_polls_an_account_keeps_themselves_out_and_not_its_owner,
    an_owner_at_their_address_signs_in_while_strangers_guess,
    an_owner_at_their_address_is_not_held_up_by_who_shares_it,
    guesses_at_the_owners_address_wait_as_well,
}

const LOGIN: &str = "mutation($input: LoginInput!) { login(input: $input) { tokens { accessToken } userErrors { code } } }";

const REGISTER: &str =
    "mutation($input: RegisterInput!) { register(input: $input) { tokens { accessToken } userErrors { code } } }";

pub(super) async fn login(api: &Api, email: &str, password: &str) -> Answer {
    api.anonymous().mutate(LOGIN, json!({ "email": email, "password": password })).await
}

async fn register(api: &Api, email: &str) -> Answer {
    api.anonymous().mutate(REGISTER, json!({ "email": email, "password": PASSWORD, "name": "Test" })).await
}

/// Signs in from `address`, as a proxy says that is trusted.
async fn login_from(app: &TestApp, address: &str, email: &str, password: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
    let body = json!({ "query": LOGIN, "variables": { "input": { "email": email, "password": password } } });
    let answer = app.http.send(Method::POST, "/graphql", &headers, body.to_string()).await.unwrap();
    Answer { status: answer.status, body: answer.json() }
}

/// Behind a proxy, so that there are several addresses.
async fn start_behind_a_proxy(shape: Shape, per_account: u32, per_address: u32) -> TestApp {
    TestApp::start_with(shape, |config| {
        config.attempts = attempts(per_account, per_address);
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await
}

const HOME: &str = "198.51.100.1";

async fn whoever_polls_an_account_keeps_themselves_out_and_not_its_owner(shape: Shape) {
    let app = start_behind_a_proxy(shape, 2, 5).await;
    let customer = app.customer().await;
    let stranger = "203.0.113.1";
    let guess = || login_from(&app, stranger, &customer.email, "wrong password");
    assert!(is_wrong(&guess().await) && is_wrong(&guess().await));
    // too early, all at once: they are counted for the address, and for nobody else
    for answer in join_all((0..20).map(|_| guess())).await {
        wait(&answer);
    }
    // so it waits, whatever it tries
    wait(&login_from(&app, stranger, &app.customer().await.email, PASSWORD).await);
    // of the account no more were counted than were made
    let elsewhere = login_from(&app, "203.0.113.2", &customer.email, PASSWORD).await;
    assert!(wait(&elsewhere) <= 60_000);
    app.clock.advance(Duration::from_mins(1));
    login_from(&app, "203.0.113.2", &customer.email, PASSWORD).await.ok("login");
}

async fn an_owner_at_their_address_signs_in_while_strangers_guess(shape: Shape) {
    let app = start_behind_a_proxy(shape, 2, 0).await;
    let customer = app.customer().await;
    login_from(&app, HOME, &customer.email, PASSWORD).await.ok("login");
    let strangers: Vec<String> = (0..20).map(|number| format!("203.0.113.{number}")).collect();
    let guesses = join_all(strangers.iter().map(|address| login_from(&app, address, &customer.email, "wrong password")));
    let owner = join_all((0..4).map(|_| login_from(&app, HOME, &customer.email, PASSWORD)));
    let (guesses, owner) = tokio::join!(guesses, owner);
    assert_eq!(guesses.iter().filter(|answer| is_wrong(answer)).count(), 2);
    // of their own two at once; those that succeed make room for others
    let (signed_in, early): (Vec<_>, Vec<_>) = owner.iter().partition(|answer| answer.errors().is_empty());
    assert!(signed_in.len() >= 2 && early.into_iter().all(|answer| wait(answer) > 0));
    // elsewhere it has to wait, here it has not
    wait(&login_from(&app, "203.0.113.99", &customer.email, PASSWORD).await);
    app.clock.advance(Duration::from_mins(1));
    for address in &strangers {
        login_from(&app, address, &customer.email, "wrong password").await;
        login_from(&app, HOME, &customer.email, PASSWORD).await.ok("login");
    }
    let owner = login_from(&app, "203.0.113.99", &customer.email, PASSWORD).await;
    assert!(wait(&owner) > 0, "and signing in at home does not give strangers more guesses");
}

async fn an_owner_at_their_address_is_not_held_up_by_who_shares_it(shape: Shape) {
    let app = start_behind_a_proxy(shape, 3, 4).await;
    let customer = app.customer().await;
    login_from(&app, HOME, &customer.email, PASSWORD).await.ok("login");
    for number in 0..8 {
        login_from(&app, HOME, &email(&format!("guess-{number}")), "wrong password").await;
    }
    wait(&login_from(&app, HOME, &app.customer().await.email, PASSWORD).await);
    login_from(&app, HOME, &customer.email, PASSWORD).await.ok("login");
}

async fn guesses_at_the_owners_address_wait_as_well(shape: Shape) {
    let app = start_behind_a_proxy(shape, 3, 0).await;
    let customer = app.customer().await;
    login_from(&app, HOME, &customer.email, PASSWORD).await.ok("login");
    let answers = join_all((0..20).map(|_| login_from(&app, HOME, &customer.email, "wrong password"))).await;
    assert_eq!(answers.iter().filter(|answer| is_wrong(answer)).count(), 3);
    wait(&login_from(&app, HOME, &customer.email, PASSWORD).await);
    // which says nothing of other addresses
    login_from(&app, "203.0.113.1", &customer.email, PASSWORD).await.ok("login");
}

const fn attempts(per_account: u32, per_address: u32) -> Attempts {
    // long enough to be over by no accident
    Attempts { per_account, per_address, delay: Duration::from_mins(1), max_delay: Duration::from_mins(10) }
}

async fn start(shape: Shape, per_account: u32, per_address: u32) -> TestApp {
    TestApp::start_with(shape, |config| config.attempts = attempts(per_account, per_address)).await
}

/// The milliseconds that a refusal says to wait. Fails the test when it is none.
fn wait(answer: &Answer) -> u64 {
    assert_eq!(answer.code(), "RATE_LIMITED", "{}", answer.body);
    let extensions = &answer.errors()[0]["extensions"];
    assert_eq!(extensions["retryable"], true);
    extensions["retryAfterMs"].as_u64().unwrap()
}

fn is_wrong(answer: &Answer) -> bool {
    answer.errors().is_empty() && answer.refusal("login") == "INVALID_CREDENTIALS"
}

async fn after_some_failures_the_right_password_has_to_wait_as_well(shape: Shape) {
    let app = start(shape, 3, 0).await;
    let customer = app.customer().await;
    for _ in 0..3 {
        assert!(is_wrong(&login(&app, &customer.email, "wrong password").await));
    }
    let mut last = 0;
    for most in [60_000, 120_000, 240_000] {
        let refused = wait(&login(&app, &customer.email, PASSWORD).await);
        assert!(refused > last && refused <= most, "{refused}");
        last = most;
        app.clock.advance(Duration::from_millis(refused));
        assert!(is_wrong(&login(&app, &customer.email, "wrong password").await));
    }
    let refused = wait(&login(&app, &customer.email, PASSWORD).await);
    app.clock.advance(Duration::from_millis(refused));
    login(&app, &customer.email, PASSWORD).await.ok("login");
    // who got in has all attempts again
    for _ in 0..3 {
        assert!(is_wrong(&login(&app, &customer.email, "wrong password").await));
    }
    wait(&login(&app, &customer.email, PASSWORD).await);
}

async fn an_account_that_does_not_exist_is_throttled_like_one_that_does(shape: Shape) {
    let app = start(shape, 2, 0).await;
    let customer = app.customer().await;
    let mut told = Vec::new();
    for address in [customer.email.clone(), email("nobody"), "not an address".to_owned()] {
        let mut answers = Vec::new();
        for _ in 0..4 {
            let mut body = login(&app, &address, "wrong password").await.body;
            if let Some(error) = body.get_mut("errors").and_then(|errors| errors.get_mut(0)) {
                let wait = error["extensions"]["retryAfterMs"].as_u64().unwrap();
                assert!(wait <= 60_000, "{wait}");
                // what differs because time passes, and from request to request
                error["extensions"]["retryAfterMs"] = json!("soon");
                error["extensions"]["requestId"] = Value::Null;
                error["message"] = Value::Null;
            }
            body["extensions"] = Value::Null;
            answers.push(body);
        }
        told.push(answers);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
    assert_eq!(told[0][3]["errors"][0]["extensions"]["code"], "RATE_LIMITED");
}

async fn of_many_attempts_at_once_no_more_are_made_than_may_be(shape: Shape) {
    let app = start(shape, 3, 0).await;
    let customer = app.customer().await;
    let answers = join_all((0..20).map(|_| login(&app, &customer.email, "wrong password"))).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| is_wrong(answer));
    assert_eq!((made.len(), refused.len()), (3, 17));
    assert!(refused.into_iter().all(|answer| wait(answer) > 0));
}

async fn one_account_is_one_however_it_is_written(shape: Shape) {
    let app = start(shape, 2, 0).await;
    let customer = app.customer().await;
    for address in [customer.email.to_uppercase(), format!("  {}", customer.email)] {
        assert!(is_wrong(&login(&app, &address, "wrong password").await));
    }
    wait(&login(&app, &customer.email, PASSWORD).await);
    login(&app, &app.customer().await.email, PASSWORD).await.ok("login");
}

async fn an_address_has_so_many_attempts_at_all_accounts_together(shape: Shape) {
    let app = start(shape, 0, 4).await;
    let (one, other) = (app.customer().await, app.customer().await);
    for number in 0..4 {
        assert!(is_wrong(&login(&app, &format!("guess-{number}@test.example"), "wrong password").await));
        if number < 3 {
            // an account of one's own does not make up for it
            login(&app, &one.email, PASSWORD).await.ok("login");
        }
    }
    wait(&login(&app, &other.email, PASSWORD).await);
    wait(&login(&app, &one.email, PASSWORD).await);
}

async fn who_signs_in_all_day_is_not_kept_out(shape: Shape) {
    let app = start(shape, 2, 3).await;
    let customer = app.customer().await;
    for _ in 0..12 {
        login(&app, &customer.email, PASSWORD).await.ok("login");
    }
}

async fn registrations_are_throttled_by_address_also_when_they_succeed(shape: Shape) {
    let app = start(shape, 2, 5).await;
    let taken = email("taken");
    register(&app, &taken).await.ok("register");
    // a form that is filled in wrong is no attempt
    for _ in 0..6 {
        let wrong = json!({ "email": taken, "password": "short", "name": "Test" });
        assert_eq!(app.anonymous().mutate(REGISTER, wrong).await.refusal("register"), "WEAK_PASSWORD");
    }
    assert_eq!(register(&app, &taken).await.refusal("register"), "EMAIL_TAKEN");
    wait(&register(&app, &taken).await);
    // that came too early for the account, and was one of the address's
    for _ in 0..2 {
        register(&app, &email("new")).await.ok("register");
    }
    let refused = wait(&register(&app, &email("new")).await);
    // signing in is another thing
    login(&app, &taken, PASSWORD).await.ok("login");
    app.clock.advance(Duration::from_millis(refused));
    register(&app, &email("new")).await.ok("register");
}

async fn an_attempt_over_a_websocket_is_one_too(shape: Shape) {
    let app = start(shape, 0, 2).await;
    let mut socket = app.anonymous().socket().await;
    for number in 0..2 {
        let input = json!({ "input": { "email": email("nobody"), "password": "wrong password" } });
        socket.subscribe(&number.to_string(), LOGIN, &input).await;
        for _ in ["next", "complete"] {
            socket.next().await;
        }
    }
    wait(&login(&app, &email("nobody"), PASSWORD).await);
}

async fn without_a_limit_every_attempt_is_made(shape: Shape) {
    let app = start(shape, 0, 0).await;
    for _ in 0..12 {
        assert!(is_wrong(&login(&app, "nobody@test.example", "wrong password").await));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_count_attempts_together_and_alone_while_redis_is_away() {
    let change = |config: &mut Config| config.attempts = attempts(3, 0);
    let cluster = TestCluster::start_on(Redis::shared().await, 2, change).await;
    let customer = cluster[0].customer().await;
    let tries = (0..20).map(|number| login(&cluster[number % 2], &customer.email, "wrong password"));
    assert_eq!(join_all(tries).await.iter().filter(|answer| is_wrong(answer)).count(), 3);
    cluster.redis_network.down();
    let tries = (0..20).map(|_| login(&cluster[0], &customer.email, "wrong password"));
    assert_eq!(join_all(tries).await.iter().filter(|answer| is_wrong(answer)).count(), 3, "it cannot be had for nothing");
}

async fn what_is_mailed_and_shown_for_a_password_is_throttled_as_well(shape: Shape) {
    let app = start(shape, 2, 0).await;
    let customer = app.customer().await;
    let nobody = app.api.anonymous();
    for email in [customer.email.clone(), email("nobody")] {
        for _ in 0..2 {
            nobody.mutate(REQUEST_RESET, json!({ "email": email })).await.ok("requestPasswordReset");
        }
        wait(&nobody.mutate(REQUEST_RESET, json!({ "email": email })).await);
    }
    // a mail is a mail
    wait(&customer.query(REQUEST_PROOF, Value::Null).await);
    let change = |current: &str| json!({ "currentPassword": current, "newPassword": "another horse, another battery" });
    for _ in 0..2 {
        let wrong = customer.mutate(CHANGE_PASSWORD, change("not this one either")).await;
        assert_eq!(wrong.refusal("changePassword"), "INVALID_CREDENTIALS");
    }
    wait(&customer.mutate(CHANGE_PASSWORD, change(PASSWORD)).await);
    // it is the same secret, by whichever way it is guessed
    wait(&login(&app.api, &customer.email, PASSWORD).await);

    let app = start(shape, 0, 3).await;
    let guess = json!({ "token": "a guess", "newPassword": "another horse, another battery" });
    for _ in 0..3 {
        let wrong = app.api.anonymous().mutate(RESET, guess.clone()).await;
        assert_eq!(wrong.refusal("resetPassword"), "INVALID_TOKEN");
    }
    wait(&app.api.anonymous().mutate(RESET, guess).await);
}
