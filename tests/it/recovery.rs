//! Forgotten passwords, other passwords, addresses that are proven, and accounts that admins make.

use std::time::Duration;

use entity::{job, mailed_token, session};
use quick_commerce::accounts::service::{self, mailing};
use quick_commerce::app::App;
use quick_commerce::config::Secret;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _};
use serde_json::{Value, json};

use crate::support::actors::{Actor, PASSWORD, email};
use crate::support::crowd::{self, customers};
use crate::support::http::Answer;
use crate::support::mail::{Letter, letter_in, letters_in};
use crate::support::smtp::{Mood, SmtpServer};
use crate::support::story::{UPDATE_USER, category, product};
use crate::support::wait::{until, until_locks_are_waited_for};
use crate::support::{Shape, TestApp, TestParts, over_both_shapes};

over_both_shapes! {
    who_forgot_their_password_chooses_another_by_mail,
    nobody_learns_from_a_reset_who_has_an_account,
    a_reset_takes_as_many_statements_for_nobody_as_for_somebody,
    of_several_resets_with_one_token_one_gets_in,
    a_reset_makes_the_other_mails_useless,
    a_mailed_link_wears_out,
    a_token_of_one_kind_is_none_of_the_other,
    whoever_is_deactivated_resets_nothing,
    what_is_of_no_use_any_more_is_not_mailed,
    a_changed_password_ends_the_other_sessions_and_keeps_this_one,
    a_password_is_changed_only_by_who_knows_it,
    of_a_reset_and_a_change_at_once_one_is_done,
    of_two_changes_at_once_one_is_done,
    a_token_that_is_made_while_the_password_changes_does_not_outlive_it,
    a_new_account_is_asked_to_prove_its_address,
    a_proof_of_the_address_can_be_asked_for_again,
    an_admin_makes_accounts_of_every_role,
    mails_reach_people_over_a_mail_server,
}

const OTHER: &str = "another horse, another battery";
const THIRD: &str = "a third horse, a third battery";

pub(crate) const REQUEST_RESET: &str = "mutation($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input) { userErrors { code field } } }";

pub(crate) const RESET: &str = "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) {
    tokens { accessToken refreshToken } user { id email emailVerified } userErrors { code field } } }";

pub(crate) const CHANGE_PASSWORD: &str = "mutation($input: ChangePasswordInput!) { changePassword(input: $input) {
    tokens { accessToken refreshToken } user { id } userErrors { code field } } }";

pub(crate) const REQUEST_PROOF: &str = "mutation { requestEmailVerification { userErrors { code field } } }";

pub(crate) const VERIFY: &str = "mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) {
    user { id email emailVerified } userErrors { code field } } }";

const CREATE_USER: &str = "mutation($input: CreateUserInput!) { createUser(input: $input) {
    user { id role email emailVerified partner { vehicle available capacity } } userErrors { code field } } }";

const LOGIN: &str = "mutation($input: LoginInput!) { login(input: $input) { user { id } userErrors { code } } }";

const REFRESH: &str = "mutation($input: RefreshTokensInput!) { refreshTokens(input: $input) {
    tokens { refreshToken } userErrors { code } } }";

const VIEWER: &str = "{ viewer { user { id emailVerified } } }";

/// What `answer` was refused with, and where.
fn refused(answer: &Answer, field: &str) -> (String, String) {
    let [refusal] = answer.user_errors(field) else { panic!("one refusal was expected: {}", answer.body) };
    (refusal["code"].as_str().unwrap().to_owned(), refusal["field"][0].as_str().unwrap().to_owned())
}

fn is(code: &str, field: &str) -> (String, String) {
    (code.to_owned(), field.to_owned())
}

async fn logs_in(app: &TestApp, email: &str, password: &str) -> bool {
    let answer = app.anonymous().mutate(LOGIN, json!({ "email": email, "password": password })).await;
    answer.user_errors("login").is_empty()
}

async fn is_signed_in(actor: &Actor) -> bool {
    actor.query(VIEWER, Value::Null).await.errors().is_empty()
}

fn all_letters(app: &TestApp) -> Vec<Letter> {
    letters_in(&app.app.config.mail.folder)
}

/// The token of a mail that is asked for now.
async fn reset_token(app: &TestApp, email: &str) -> String {
    let before = all_letters(app);
    app.anonymous().mutate(REQUEST_RESET, json!({ "email": email })).await.ok("requestPasswordReset");
    letter_in(&app.app.config.mail.folder, email, "password", &before).await.token()
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    app.anonymous().mutate(RESET, json!({ "token": token, "newPassword": password })).await
}

async fn change(actor: &Actor, current: &str, new: &str) -> Answer {
    actor.mutate(CHANGE_PASSWORD, json!({ "currentPassword": current, "newPassword": new })).await
}

/// Waits until nothing is to be mailed any more.
async fn nothing_to_mail(app: &TestApp) {
    let waiting = || job::Entity::find().filter(job::Column::Kind.starts_with("accounts."));
    until(async || waiting().count(app.app.db.reader()).await.unwrap() == 0).await;
}

async fn who_forgot_their_password_chooses_another_by_mail(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let elsewhere = app.login(&customer.email).await;
    let before = all_letters(&app);
    let shouted = json!({ "email": customer.email.to_uppercase() });
    app.anonymous().mutate(REQUEST_RESET, shouted).await.ok("requestPasswordReset");
    let token = letter_in(&app.app.config.mail.folder, &customer.email, "password", &before).await.token();
    assert_eq!(token.len(), 64, "256 bits");
    let rows = mailed_token::Entity::find().all(app.app.db.reader()).await.unwrap();
    assert!(rows.iter().all(|row| !row.token_hash.contains(&token)), "only its hash is kept");

    // a weak one does not use the token up
    for (weak, email) in [("short", false), ("password123", false), ("", true)] {
        let weak = if email { customer.email.as_str() } else { weak };
        assert_eq!(refused(&reset(&app, &token, weak).await, "resetPassword"), is("WEAK_PASSWORD", "newPassword"));
    }
    assert!(is_signed_in(&customer).await);
    let answer = reset(&app, &token, OTHER).await;
    let payload = answer.ok("resetPassword");
    let user = json!({ "id": customer.user_id, "email": customer.email, "emailVerified": true });
    assert_eq!(payload["user"], user, "the mail was theirs to read");
    let again = customer.with_token(payload["tokens"]["accessToken"].as_str().unwrap());
    assert!(is_signed_in(&again).await);
    assert!(!is_signed_in(&customer).await && !is_signed_in(&elsewhere).await, "every session of before has ended");
    let refresh = app.anonymous().mutate(REFRESH, json!({ "refreshToken": customer.refresh_token })).await;
    assert_eq!(refresh.refusal("refreshTokens"), "INVALID_TOKEN");
    assert!(!logs_in(&app, &customer.email, PASSWORD).await && logs_in(&app, &customer.email, OTHER).await);

    assert_eq!(refused(&reset(&app, &token, THIRD).await, "resetPassword"), is("INVALID_TOKEN", "token"), "it works once");
    assert!(logs_in(&app, &customer.email, OTHER).await);
}

async fn nobody_learns_from_a_reset_who_has_an_account(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (known, gone, admin) = tokio::join!(app.customer(), app.customer(), app.admin());
    admin.mutate(UPDATE_USER, json!({ "userId": gone.user_id, "active": false })).await.ok("updateUser");
    nothing_to_mail(&app).await;
    let before = all_letters(&app).len();
    let ask = async |email: &str| app.anonymous().mutate(REQUEST_RESET, json!({ "email": email })).await;
    // all but the moment at which a budget is whole again
    let told = async |email: &str| {
        let mut answer = ask(email).await.body;
        answer["extensions"]["cost"]["resetAt"].take();
        answer
    };
    let answer = told(&known.email).await;
    for unknown in ["nobody@test.example", &gone.email] {
        assert_eq!(told(unknown).await, answer, "{unknown}");
    }
    nothing_to_mail(&app).await;
    let letters = all_letters(&app);
    assert_eq!(letters.len(), before + 1);
    assert!(letters.iter().all(|letter| letter.to != "nobody@test.example"));
    assert_eq!(refused(&ask("no address").await, "requestPasswordReset"), is("INVALID_INPUT", "email"));
}

/// Asks for a reset within the process.
async fn ask(app: &App, email: &str) {
    service::request_password_reset(app, None, email).await.unwrap();
}

async fn a_reset_takes_as_many_statements_for_nobody_as_for_somebody(shape: Shape) {
    // nothing runs that would take the jobs
    let parts = TestParts::build(shape).await;
    let app = &parts.app;
    let known = crowd::email(&customers(app, 1).await[0]);
    let mut taken = Vec::new();
    for email in [known.as_str(), "nobody@test.example"] {
        let mut of_one = Vec::new();
        for _ in 0..3 {
            let before = app.db.statements();
            ask(app, email).await;
            of_one.push(app.db.statements() - before);
        }
        let jobs = job::Entity::find().filter(job::Column::Kind.eq(mailing::PASSWORD_RESET));
        taken.push((of_one, jobs.count(app.db.reader()).await.unwrap()));
    }
    let [(of_somebody, 1), (of_nobody, 2)] = &taken[..] else { panic!("a job for each address: {taken:?}") };
    assert_eq!(of_somebody, of_nobody);
    let rows = job::Entity::find().all(app.db.reader()).await.unwrap();
    assert!(rows.iter().all(|row| !format!("{row:?}").contains('@')), "no address is in the table: {rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_at_once_wait_for_each_other_whether_or_not_there_is_an_account() {
    let parts = TestParts::build(Shape::Production).await;
    let app = &parts.app;
    let known = crowd::email(&customers(app, 1).await[0]);
    let both = [known, "nobody@test.example".to_owned()];
    for email in &both {
        ask(app, email).await;
    }
    // as if those had not committed yet
    let tx = app.db.begin().await.unwrap();
    assert_eq!(job::Entity::find().lock_exclusive().all(&*tx).await.unwrap().len(), 2);
    let later = both.map(|email| {
        let app = app.clone();
        tokio::spawn(async move { ask(&app, &email).await })
    });
    until_locks_are_waited_for(app, 2).await;
    assert!(later.iter().all(|one| !one.is_finished()));
    drop(tx);
    for one in later {
        one.await.unwrap();
    }
}

async fn of_several_resets_with_one_token_one_gets_in(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let token = reset_token(&app, &customer.email).await;
    let passwords: Vec<String> = (0..4).map(|number| format!("horse number {number}, battery")).collect();
    let answers = futures_util::future::join_all(passwords.iter().map(|password| reset(&app, &token, password))).await;
    let mut winners = Vec::new();
    for (answer, password) in answers.iter().zip(&passwords) {
        if answer.user_errors("resetPassword").is_empty() {
            winners.push(password);
        } else {
            assert_eq!(refused(answer, "resetPassword"), is("INVALID_TOKEN", "token"));
        }
    }
    assert_eq!(winners.len(), 1, "{answers:?}");
    for password in &passwords {
        assert_eq!(logs_in(&app, &customer.email, password).await, password == winners[0]);
    }
}

async fn a_reset_makes_the_other_mails_useless(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let (first, second) = (reset_token(&app, &customer.email).await, reset_token(&app, &customer.email).await);
    let third = reset_token(&app, &customer.email).await;
    assert_ne!(first, second);
    // whoever asked twice may open either
    reset(&app, &first, OTHER).await.ok("resetPassword");
    assert_eq!(refused(&reset(&app, &second, THIRD).await, "resetPassword"), is("INVALID_TOKEN", "token"));
    assert_eq!(refused(&reset(&app, &third, THIRD).await, "resetPassword"), is("INVALID_TOKEN", "token"));
    assert!(logs_in(&app, &customer.email, OTHER).await);
}

async fn a_mailed_link_wears_out(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let token = reset_token(&app, &customer.email).await;
    let proof = letter_in(&app.app.config.mail.folder, &customer.email, "Confirm", &[]).await.token();
    app.clock.advance(app.app.config.mail.password_reset);
    assert_eq!(refused(&reset(&app, &token, OTHER).await, "resetPassword"), is("INVALID_TOKEN", "token"));
    app.clock.advance(app.app.config.mail.email_verification);
    let answer = app.anonymous().mutate(VERIFY, json!({ "token": proof })).await;
    assert_eq!(refused(&answer, "verifyEmail"), is("INVALID_TOKEN", "token"));
    assert!(logs_in(&app, &customer.email, PASSWORD).await);
}

async fn a_token_of_one_kind_is_none_of_the_other(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let proof = letter_in(&app.app.config.mail.folder, &customer.email, "Confirm", &[]).await.token();
    let token = reset_token(&app, &customer.email).await;
    assert_eq!(refused(&reset(&app, &proof, OTHER).await, "resetPassword"), is("INVALID_TOKEN", "token"));
    let answer = app.anonymous().mutate(VERIFY, json!({ "token": token })).await;
    assert_eq!(refused(&answer, "verifyEmail"), is("INVALID_TOKEN", "token"));
    reset(&app, &token, OTHER).await.ok("resetPassword");
}

async fn whoever_is_deactivated_resets_nothing(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (customer, admin) = tokio::join!(app.customer(), app.admin());
    let token = reset_token(&app, &customer.email).await;
    admin.mutate(UPDATE_USER, json!({ "userId": customer.user_id, "active": false })).await.ok("updateUser");
    assert_eq!(refused(&reset(&app, &token, OTHER).await, "resetPassword"), is("INVALID_TOKEN", "token"));
    admin.mutate(UPDATE_USER, json!({ "userId": customer.user_id, "active": true })).await.ok("updateUser");
    assert!(logs_in(&app, &customer.email, PASSWORD).await);
}

async fn what_is_of_no_use_any_more_is_not_mailed(shape: Shape) {
    let server = SmtpServer::start().await;
    server.set(Mood::Refuses(450));
    let app = TestApp::start_with(shape, |config| config.mail.smtp_url = Some(Secret::new(server.url()))).await;
    let (proven, deactivated, admin) = tokio::join!(app.customer(), app.customer(), app.admin());
    app.anonymous().mutate(REQUEST_RESET, json!({ "email": deactivated.email })).await.ok("requestPasswordReset");
    // the proofs of the three, and that
    until(async || server.refused() >= 4).await;
    admin.mutate(UPDATE_USER, json!({ "userId": deactivated.user_id, "active": false })).await.ok("updateUser");
    for who in [&proven, &admin] {
        who.prove_address().await;
    }
    // the server still takes none: nothing is left to be sent because nobody is to have it
    app.clock.advance(Duration::from_mins(1));
    nothing_to_mail(&app).await;
    assert!(server.letters().is_empty());
}

async fn a_changed_password_ends_the_other_sessions_and_keeps_this_one(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let elsewhere = app.login(&customer.email).await;
    let mailed = reset_token(&app, &customer.email).await;
    let answer = change(&customer, PASSWORD, OTHER).await;
    let tokens = &answer.ok("changePassword")["tokens"];
    assert!(is_signed_in(&customer).await, "the access token of before is of the session that stays");
    assert!(is_signed_in(&customer.with_token(tokens["accessToken"].as_str().unwrap())).await);
    assert!(!is_signed_in(&elsewhere).await);
    assert!(!logs_in(&app, &customer.email, PASSWORD).await && logs_in(&app, &customer.email, OTHER).await);
    assert_eq!(refused(&reset(&app, &mailed, THIRD).await, "resetPassword"), is("INVALID_TOKEN", "token"));
    customer.mutate(REFRESH, json!({ "refreshToken": tokens["refreshToken"] })).await.ok("refreshTokens");
    // whoever has stolen the one of before ends the session with it, and gets nothing
    let stolen = customer.mutate(REFRESH, json!({ "refreshToken": customer.refresh_token })).await;
    assert_eq!(stolen.refusal("refreshTokens"), "INVALID_TOKEN");
}

async fn a_password_is_changed_only_by_who_knows_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let answer = change(&customer, "not the password", OTHER).await;
    assert_eq!(refused(&answer, "changePassword"), is("INVALID_CREDENTIALS", "currentPassword"));
    assert_eq!(answer.data()["changePassword"]["tokens"], Value::Null);
    for weak in ["short", &customer.email, "password123"] {
        let answer = change(&customer, PASSWORD, weak).await;
        assert_eq!(refused(&answer, "changePassword"), is("WEAK_PASSWORD", "newPassword"), "{weak}");
    }
    assert!(logs_in(&app, &customer.email, PASSWORD).await && is_signed_in(&customer).await);
}

async fn of_a_reset_and_a_change_at_once_one_is_done(shape: Shape) {
    let app = TestApp::start(shape).await;
    for _ in 0..3 {
        let customer = app.customer().await;
        let token = reset_token(&app, &customer.email).await;
        let (reset, changed) = tokio::join!(reset(&app, &token, OTHER), change(&customer, PASSWORD, THIRD));
        // the change came too late even for its session, if the reset was first
        let is_changed = changed.errors().is_empty() && changed.user_errors("changePassword").is_empty();
        let is_reset = reset.user_errors("resetPassword").is_empty();
        assert!(is_reset != is_changed, "{} {}", reset.body, changed.body);
        assert_eq!(logs_in(&app, &customer.email, OTHER).await, is_reset);
        assert_eq!(logs_in(&app, &customer.email, THIRD).await, is_changed);
        assert!(!logs_in(&app, &customer.email, PASSWORD).await);
    }
}

async fn a_token_that_is_made_while_the_password_changes_does_not_outlive_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let refresh = async |token: &Value| customer.mutate(REFRESH, json!({ "refreshToken": token })).await;
    let before = json!(customer.refresh_token);
    // over SQLite one writer comes after the other; over PostgreSQL both are held up at the session, the refresh first
    let held = if shape == Shape::Production {
        let tx = app.app.db.begin().await.unwrap();
        let session = session::Entity::find_by_id(customer.principal().await.session);
        session.lock_exclusive().one(&*tx).await.unwrap().unwrap();
        Some(tx)
    } else {
        None
    };
    let is_held = held.is_some();
    let changed = async {
        if is_held {
            until_locks_are_waited_for(&app.app, 1).await;
        }
        change(&customer, PASSWORD, OTHER).await
    };
    let release = async {
        if let Some(tx) = held {
            until_locks_are_waited_for(&app.app, 2).await;
            tx.commit().await.unwrap();
        }
    };
    let (refreshed, changed, ()) = tokio::join!(refresh(&before), changed, release);
    // if the refresh came after the change, it ended the session: it used a token that was used up
    let made = &refreshed.data()["refreshTokens"]["tokens"]["refreshToken"];
    if made.is_string() {
        assert_eq!(refresh(made).await.refusal("refreshTokens"), "INVALID_TOKEN", "it is of before the change");
    }
    changed.ok("changePassword");
    assert!(logs_in(&app, &customer.email, OTHER).await && !logs_in(&app, &customer.email, PASSWORD).await);
}

async fn of_two_changes_at_once_one_is_done(shape: Shape) {
    let app = TestApp::start(shape).await;
    let is_done = |answer: &Answer| answer.errors().is_empty() && answer.user_errors("changePassword").is_empty();
    // also of two by the same session, which the first of them does not end
    let same = app.customer().await;
    let (one, two) = tokio::join!(change(&same, PASSWORD, OTHER), change(&same, PASSWORD, THIRD));
    assert!(is_done(&one) != is_done(&two), "{} {}", one.body, two.body);
    assert_eq!(logs_in(&app, &same.email, OTHER).await, is_done(&one));
    let customer = app.customer().await;
    let elsewhere = app.login(&customer.email).await;
    let (one, two) = tokio::join!(change(&customer, PASSWORD, OTHER), change(&elsewhere, PASSWORD, THIRD));
    assert!(is_done(&one) != is_done(&two), "{} {}", one.body, two.body);
    assert_eq!(logs_in(&app, &customer.email, OTHER).await, is_done(&one));
    assert_eq!(logs_in(&app, &customer.email, THIRD).await, is_done(&two));
    assert_eq!(is_signed_in(&customer).await, is_done(&one), "who changed it stays, and nobody else");
    assert_eq!(is_signed_in(&elsewhere).await, is_done(&two));
}

async fn a_new_account_is_asked_to_prove_its_address(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let letter = letter_in(&app.app.config.mail.folder, &customer.email, "Confirm", &[]).await;
    assert!(letter.text.contains("http://localhost:8080/verify-email#token="), "{}", letter.text);
    assert_eq!(customer.query(VIEWER, Value::Null).await.data()["viewer"]["user"]["emailVerified"], false);
    let verify = async |actor: &Actor| actor.mutate(VERIFY, json!({ "token": letter.token() })).await;
    let nobody = app.anonymous();
    let (one, two) = tokio::join!(verify(&nobody), verify(&nobody));
    let done = [&one, &two].into_iter().filter(|answer| answer.user_errors("verifyEmail").is_empty()).count();
    assert_eq!(done, 1, "{} {}", one.body, two.body);
    let winner = if one.user_errors("verifyEmail").is_empty() { &one } else { &two };
    let user = &winner.ok("verifyEmail")["user"];
    assert_eq!(*user, json!({ "id": customer.user_id, "email": null, "emailVerified": true }), "a link signs nobody in");
    assert_eq!(customer.query(VIEWER, Value::Null).await.data()["viewer"]["user"]["emailVerified"], true);
    assert_eq!(refused(&verify(&customer).await, "verifyEmail"), is("INVALID_TOKEN", "token"));
}

async fn a_proof_of_the_address_can_be_asked_for_again(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let folder = &app.app.config.mail.folder;
    let first = letter_in(folder, &customer.email, "Confirm", &[]).await.token();
    app.clock.advance(app.app.config.mail.email_verification);
    let customer = app.login(&customer.email).await;
    let request = async || {
        customer.query(REQUEST_PROOF, Value::Null).await.ok("requestEmailVerification");
    };
    let verify = async |token: &str| app.anonymous().mutate(VERIFY, json!({ "token": token })).await;
    let before = all_letters(&app);
    request().await;
    let second = letter_in(folder, &customer.email, "Confirm", &before).await.token();
    assert_eq!(refused(&verify(&first).await, "verifyEmail"), is("INVALID_TOKEN", "token"));
    verify(&second).await.ok("verifyEmail");
    assert_eq!(customer.query(VIEWER, Value::Null).await.data()["viewer"]["user"]["emailVerified"], true);
    let before = all_letters(&app).len();
    request().await;
    nothing_to_mail(&app).await;
    assert_eq!(all_letters(&app).len(), before, "there is nothing left to prove");
}

async fn an_admin_makes_accounts_of_every_role(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let input = |role: &str| json!({ "email": email("made"), "password": PASSWORD, "name": "Made", "role": role });
    let store = json!({ "storeName": "Made Store", "location": { "latitude": 12.97, "longitude": 77.59 } });
    for role in ["CUSTOMER", "PARTNER", "SELLER", "ADMIN"] {
        let mut input = input(role);
        if role == "SELLER" {
            input["seller"] = store.clone();
        }
        let answer = admin.mutate(CREATE_USER, input.clone()).await;
        let user = &answer.ok("createUser")["user"];
        assert_eq!((&user["role"], &user["email"], &user["emailVerified"]), (&json!(role), &input["email"], &json!(false)));
        let partner = json!({ "vehicle": "ON_FOOT", "available": false, "capacity": 2 });
        assert_eq!(user["partner"], if role == "PARTNER" { partner } else { Value::Null });
        let made = app.login(input["email"].as_str().unwrap()).await;
        match role {
            "PARTNER" => {
                let online = json!({ "available": true });
                made.mutate(crate::support::actors::SET_AVAILABILITY, online).await.ok("setAvailability");
            }
            "SELLER" => drop(product(&made, &category(&admin).await, 1, "10.00").await),
            "ADMIN" => drop(made.query("{ admin { liveStats { at } } }", Value::Null).await.data()),
            _ => {}
        }
        letter_in(&app.app.config.mail.folder, input["email"].as_str().unwrap(), "Confirm", &[]).await;
    }
    let with = |role: &str, field: &str, value: Value| {
        let mut input = input(role);
        input[field] = value;
        input
    };
    let refusals = [
        (input("SELLER"), is("INVALID_INPUT", "seller")),
        (with("CUSTOMER", "seller", store.clone()), is("INVALID_INPUT", "seller")),
        (with("ADMIN", "partner", json!({ "vehicle": "VAN" })), is("INVALID_INPUT", "partner")),
        (with("CUSTOMER", "email", json!(admin.email.to_uppercase())), is("EMAIL_TAKEN", "email")),
        (with("CUSTOMER", "password", json!("short")), is("WEAK_PASSWORD", "password")),
    ];
    for (input, refusal) in refusals {
        assert_eq!(refused(&admin.mutate(CREATE_USER, input).await, "createUser"), refusal);
    }
    let van = with("PARTNER", "partner", json!({ "vehicle": "VAN" }));
    let answer = admin.mutate(CREATE_USER, van).await;
    assert_eq!(answer.ok("createUser")["user"]["partner"]["vehicle"], "VAN");
}

async fn mails_reach_people_over_a_mail_server(shape: Shape) {
    let server = SmtpServer::start().await;
    let app = TestApp::start_with(shape, |config| {
        config.mail.smtp_url = Some(Secret::new(server.url()));
        "https://shop.example".clone_into(&mut config.public_url);
    })
    .await;
    server.set(Mood::Refuses(450));
    let customer = app.customer().await;
    until(async || server.refused() > 0).await;
    server.set(Mood::Open);
    app.clock.advance(Duration::from_hours(1));
    let letter = server.letter_to(&customer.email).await;
    assert!(letter.text.contains("https://shop.example/verify-email#token="), "{}", letter.text);
    app.anonymous().mutate(VERIFY, json!({ "token": letter.token() })).await.ok("verifyEmail");
    app.anonymous().mutate(REQUEST_RESET, json!({ "email": customer.email })).await.ok("requestPasswordReset");
    until(async || server.letters().iter().any(|letter| letter.subject.contains("password"))).await;
    let letter = server.letters().into_iter().find(|letter| letter.subject.contains("password")).unwrap();
    assert_eq!(letter.to, customer.email);
    reset(&app, &letter.token(), OTHER).await.ok("resetPassword");
    assert!(all_letters(&app).is_empty());
}
