//! A socket ends with what it stands on: its token, its session, its user's rights. On every instance, at once.

use std::path::Path;
use std::time::Duration;

use axum::http::HeaderValue;
use domain::id::Kind;
use entity::{session, user};
use futures_util::future::join_all;
use quick_commerce::accounts;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::recovery::{CHANGE_PASSWORD, REQUEST_RESET, RESET};
use crate::support::actors::{Actor, Api, PASSWORD};
use crate::support::app::serve_alone;
use crate::support::crowd::uuid;
use crate::support::feed::{Feed, MY_ORDER_UPDATES};
use crate::support::mail::letter_in;
use crate::support::redis::Redis;
use crate::support::socket::{End, Frame, PROTOCOL, Socket};
use crate::support::story::{UPDATE_USER, by_hand, place_order, seller_with_product, step};
use crate::support::wait::until;
use crate::support::{Shape, TestApp, TestCluster, TestParts, over_both_shapes};

over_both_shapes! {
    whatever_ends_a_session_closes_its_sockets,
    a_token_that_expires_closes_its_socket,
    a_socket_that_has_not_heard_of_its_end_closes_when_something_is_asked,
    who_comes_back_with_a_fresh_token_has_missed_nothing,
    of_two_admins_who_take_each_others_rights_one_stays,
    a_user_has_so_many_sockets_and_no_more,
}

const LOGOUT: &str = "mutation($input: LogoutInput) { logout(input: $input) { sessionsEnded userErrors { code } } }";

const REFRESH: &str = "mutation($input: RefreshTokensInput!) { refreshTokens(input: $input) {
    tokens { accessToken } userErrors { code } } }";

const VIEWER: &str = "{ viewer { user { id } } }";

/// What ends access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    SignedOutHere,
    SignedOutEverywhere,
    TokenUsedAgain,
    Deactivated,
    OtherRole,
    PasswordReset,
    PasswordChanged,
}

impl Way {
    const ALL: [Self; 7] = [
        Self::SignedOutHere,
        Self::SignedOutEverywhere,
        Self::TokenUsedAgain,
        Self::Deactivated,
        Self::OtherRole,
        Self::PasswordReset,
        Self::PasswordChanged,
    ];

    /// Whether the user's other sessions end as well.
    const fn is_for_all(self) -> bool {
        matches!(self, Self::SignedOutEverywhere | Self::Deactivated | Self::OtherRole | Self::PasswordReset)
    }

    /// `elsewhere` is the same person in another session.
    async fn go(self, whose: &Actor, elsewhere: &Actor, admin: &Actor, folder: &Path) {
        let update = async |change: Value| {
            let mut input = json!({ "userId": whose.user_id });
            input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            admin.mutate(UPDATE_USER, input).await.ok("updateUser");
        };
        match self {
            Self::SignedOutHere => assert_eq!(whose.query(LOGOUT, json!({})).await.ok("logout")["sessionsEnded"], 1),
            Self::SignedOutEverywhere => {
                let answer = whose.query(LOGOUT, json!({ "input": { "everywhere": true } })).await;
                assert_eq!(answer.ok("logout")["sessionsEnded"], 2);
            }
            Self::TokenUsedAgain => {
                let input = json!({ "refreshToken": whose.refresh_token });
                whose.mutate(REFRESH, input.clone()).await.ok("refreshTokens");
                assert_eq!(whose.mutate(REFRESH, input).await.refusal("refreshTokens"), "INVALID_TOKEN");
            }
            Self::Deactivated => update(json!({ "active": false })).await,
            Self::OtherRole => update(json!({ "role": "ADMIN" })).await,
            Self::PasswordReset => {
                whose.mutate(REQUEST_RESET, json!({ "email": whose.email })).await.ok("requestPasswordReset");
                let token = letter_in(folder, &whose.email, "password", &[]).await.token();
                let input = json!({ "token": token, "newPassword": "another horse, another battery" });
                whose.mutate(RESET, input).await.ok("resetPassword");
            }
            Self::PasswordChanged => {
                let input = json!({ "currentPassword": PASSWORD, "newPassword": "another horse, another battery" });
                elsewhere.mutate(CHANGE_PASSWORD, input).await.ok("changePassword");
            }
        }
    }
}

/// The same person in a session of its own.
async fn sign_in_again(api: &Api, whose: &Actor) -> Actor {
    let signed_in = accounts::service::issue_token(&api.app, &whose.email).await.unwrap();
    let mut again = whose.at(api).with_token(signed_in.tokens.access.expose());
    again.refresh_token = Some(signed_in.tokens.refresh.expose().to_owned());
    again
}

/// Fails unless the socket is closed because its client may not have it any more.
async fn assert_closed(mut socket: Socket, why: &str) {
    match socket.next().await {
        Frame::Closed(4403, reason) => assert_eq!(reason, "Forbidden"),
        other => panic!("{why}: 4403 was expected, not {other:?}"),
    }
}

/// Fails unless the socket answers whoever it belongs to; an empty id is nobody's.
async fn assert_open(socket: &mut Socket, user_id: &str, why: &str) {
    socket.subscribe("who", VIEWER, &json!({})).await;
    let answer = socket.next().await;
    let expected = if user_id.is_empty() { Value::Null } else { json!({ "user": { "id": user_id } }) };
    let Frame::Message(message) = &answer else { panic!("{why}: an answer was expected, not {answer:?}") };
    assert_eq!(message["payload"]["data"]["viewer"], expected, "{why}: {message}");
    assert_eq!(socket.next().await, Frame::Message(json!({ "id": "who", "type": "complete" })), "{why}");
}

/// Everybody has sockets `there`, access ends `here` in every way at once, and only theirs close whose access it was.
async fn every_way_closes(here: &Api, there: &Api, admin: &Actor, bystander: &Actor) {
    let mut others = [bystander.at(there).socket().await, there.anonymous().socket().await];
    let ways = Way::ALL.into_iter().map(async |way| {
        let why = format!("{way:?}");
        let victim = here.customer().await;
        let elsewhere = sign_in_again(there, &victim).await;
        let sockets = [victim.socket().await, victim.at(there).socket().await, victim.at(there).socket().await];
        let mut other = elsewhere.socket().await;
        way.go(&victim, &elsewhere, admin, &here.app.config.mail.folder).await;
        for socket in sockets {
            assert_closed(socket, &why).await;
        }
        if way.is_for_all() {
            assert_closed(other, &why).await;
        } else {
            assert_open(&mut other, &victim.user_id, &why).await;
        }
    });
    join_all(ways).await;
    for (socket, whose) in others.iter_mut().zip([&bystander.user_id, ""]) {
        assert_open(socket, whose, "access of others ended").await;
    }
}

async fn whatever_ends_a_session_closes_its_sockets(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (admin, bystander) = tokio::join!(app.admin(), app.customer());
    Box::pin(every_way_closes(&app, &app, &admin, &bystander)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_at_one_instance_closes_its_sockets_at_the_other() {
    let cluster = TestCluster::start(2).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (admin, bystander) = tokio::join!(here.admin(), here.customer());
    Box::pin(every_way_closes(here, there, &admin, &bystander)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_close_while_redis_is_away() {
    let mut redis = Redis::private().await;
    let cluster = TestCluster::start_on(&redis, 2, |_| {}).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (admin, bystander) = tokio::join!(here.admin(), here.customer());
    until(async || there.app.bus.is_live()).await;
    redis.kill();
    until(async || !there.app.bus.is_live()).await;
    Box::pin(every_way_closes(here, there, &admin, &bystander)).await;
    redis.start_again();
    until(async || there.app.bus.is_live()).await;
    Box::pin(every_way_closes(here, there, &admin, &bystander)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_close_while_redis_does_not_answer() {
    let cluster = TestCluster::start(2).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (admin, bystander) = tokio::join!(here.admin(), here.customer());
    cluster.redis_network.pause();
    Box::pin(every_way_closes(here, there, &admin, &bystander)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_leaves_the_work_to_others_closes_its_sockets_too() {
    let parts = TestParts::build(Shape::Embedded).await;
    let (api, running) = serve_alone(&parts.app).await;
    let customer = api.customer().await;
    let socket = customer.socket().await;
    customer.query(LOGOUT, json!({})).await.ok("logout");
    // nobody relays
    assert_closed(socket, "without work").await;
    running.stop().await;
}

async fn a_token_that_expires_closes_its_socket(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let (mut socket, mut public) = (customer.socket().await, app.anonymous().socket().await);
    let lifetime = app.app.config.access_token;
    app.clock.advance(lifetime / 2);
    let fresh = sign_in_again(&app, &customer).await;
    let mut other = fresh.socket().await;
    assert_open(&mut socket, &customer.user_id, "half its time is left").await;
    app.clock.advance(lifetime / 2);
    assert_closed(socket, "the token expired").await;
    assert_open(&mut other, &customer.user_id, "the other token is good").await;
    assert_open(&mut public, "", "there is no token").await;
}

async fn a_socket_that_has_not_heard_of_its_end_closes_when_something_is_asked(shape: Shape) {
    let app = TestApp::start(shape).await;
    for document in [VIEWER, "subscription { myOrderUpdates { __typename } }"] {
        let customer = app.customer().await;
        let mut socket = customer.socket().await;
        assert_open(&mut socket, &customer.user_id, "nothing has happened").await;
        // no word of it goes round
        let end = session::Entity::update_many().col_expr(session::Column::EndedAt, Expr::value(app.clock.now()));
        let end = end.filter(session::Column::UserId.eq(uuid(Kind::User, &customer.user_id)));
        assert!(end.exec(app.app.db.writer()).await.unwrap().rows_affected > 0);
        // what was known of them is known for a second, and that has passed
        app.app.actors.forget_all();
        socket.subscribe("1", document, &json!({})).await;
        assert_closed(socket, document).await;
    }
}

/// How a feed ends that its client has read to its end.
async fn ended(feed: &mut Feed) -> End {
    tokio::time::timeout(Duration::from_secs(20), feed.end()).await.expect("the feed ends in time")
}

async fn who_comes_back_with_a_fresh_token_has_missed_nothing(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.admin());
    by_hand(&app, &shop.seller).await;
    place_order(&customer, &shop.product_id, 1).await;
    let mut feed = Feed::follow(&customer, MY_ORDER_UPDATES, json!({})).await;
    feed.snapshot(1).await;
    // a snapshot may show what comes after its cursor, and who resumes there is told twice: from here on nothing may be
    let order = place_order(&customer, &shop.product_id, 1).await;
    while feed.versions.get(&order) != Some(&2) {
        feed.next().await;
    }

    let mut present = customer.clone();
    for (way, status) in [(Way::SignedOutHere, "PREPARING"), (Way::TokenUsedAgain, "READY"), (Way::OtherRole, "CANCELLED")] {
        way.go(&present, &present, &admin, &app.app.config.mail.folder).await;
        assert_eq!(ended(&mut feed).await, End::Closed(4403, "Forbidden".to_owned()), "{way:?}");
        if way == Way::OtherRole {
            // a customer's feed again
            let back = json!({ "userId": customer.user_id, "role": "CUSTOMER" });
            admin.mutate(UPDATE_USER, back).await.ok("updateUser");
            step(&admin, &order, status).await;
        } else {
            step(&shop.seller, &order, status).await;
        }
        let another = place_order(&sign_in_again(&app, &customer).await, &shop.product_id, 1).await;
        present = sign_in_again(&app, &customer).await;
        feed = feed.resume(&present, MY_ORDER_UPDATES, json!({})).await;
        let mut has_status = false;
        while !has_status || !feed.versions.contains_key(&another) {
            let missed = feed.next().await;
            assert_eq!(missed["__typename"], "OrderChanged", "{way:?}: nothing begins anew");
            has_status |= missed["order"]["id"] == order.as_str() && missed["order"]["status"] == status;
        }
    }

    app.clock.advance(app.app.config.access_token);
    assert_eq!(ended(&mut feed).await, End::Closed(4403, "Forbidden".to_owned()));
    let present = sign_in_again(&app, &customer).await;
    let newest = place_order(&present, &shop.product_id, 1).await;
    let mut feed = feed.resume(&present, MY_ORDER_UPDATES, json!({})).await;
    while !feed.versions.contains_key(&newest) {
        assert_eq!(feed.next().await["__typename"], "OrderChanged", "nothing begins anew");
    }
}

async fn of_two_admins_who_take_each_others_rights_one_stays(shape: Shape) {
    let app = TestApp::start(shape).await;
    for _ in 0..4 {
        let (one, two) = tokio::join!(app.admin(), app.admin());
        let demote = async |who: &Actor, whom: &Actor| {
            who.mutate(UPDATE_USER, json!({ "userId": whom.user_id, "role": "CUSTOMER" })).await
        };
        let (first, second) = tokio::join!(demote(&one, &two), demote(&two, &one));
        let late: Vec<_> = [&first, &second].into_iter().filter(|answer| !answer.errors().is_empty()).collect();
        assert_eq!(late.len(), 1, "{first:?} and {second:?}");
        // signed out before they asked, or while they did
        assert!(["INVALID_TOKEN", "FORBIDDEN"].contains(&late[0].code()), "{late:?}");
        let left = user::Entity::find().filter(user::Column::Email.is_in([&one.email, &two.email]));
        let left = left.filter(user::Column::Role.eq("ADMIN")).count(app.app.db.reader()).await.unwrap();
        assert_eq!(left, 1);
    }
}

/// Whether another socket of theirs is taken; one that is not is told to come back later.
async fn is_taken(actor: &Actor, app: &TestApp) -> Option<Socket> {
    let mut socket = Socket::open(app.addr, PROTOCOL).await.unwrap();
    let token = actor.token.as_deref().unwrap();
    socket.send(&json!({ "type": "connection_init", "payload": { "Authorization": token } })).await;
    match socket.next().await {
        Frame::Message(ack) if ack["type"] == "connection_ack" => Some(socket),
        Frame::Closed(1013, _) => None,
        other => panic!("an acknowledgement, or 1013, was expected, not {other:?}"),
    }
}

async fn a_user_has_so_many_sockets_and_no_more(shape: Shape) {
    let app = TestApp::start_with(shape, |config| config.sockets_per_user = 2).await;
    let (customer, other) = tokio::join!(app.customer(), app.customer());
    let elsewhere = sign_in_again(&app, &customer).await;
    let (first, mut second) = (customer.socket().await, elsewhere.socket().await);
    assert!(is_taken(&customer, &app).await.is_none() && is_taken(&elsewhere, &app).await.is_none());
    let _others = [other.socket().await, app.anonymous().socket().await];
    assert_open(&mut second, &customer.user_id, "those that were there stay").await;
    drop(first);
    // the server sees that by itself
    until(async || is_taken(&customer, &app).await.is_some()).await;
}

/// A handshake in which a proxy says whom it speaks for.
async fn connect(app: &TestApp, forwarded_for: &'static str) -> Result<impl Sized, u16> {
    let mut request = format!("ws://{}/graphql", app.addr).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
    request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static(forwarded_for));
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(refusal)) => Err(refusal.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_so_many_sockets_and_no_more() {
    let app = TestApp::start_with(Shape::Embedded, |config| config.sockets_per_address = 1).await;
    let _first = connect(&app, "198.51.100.1").await.unwrap();
    assert_eq!(connect(&app, "198.51.100.2").await.err(), Some(429), "nobody is believed");

    let app = TestApp::start_with(Shape::Embedded, |config| {
        config.sockets_per_address = 1;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let _first = connect(&app, "198.51.100.1").await.unwrap();
    let second = connect(&app, "198.51.100.1, 198.51.100.2").await.unwrap();
    assert_eq!(connect(&app, "198.51.100.3, 198.51.100.2").await.err(), Some(429));
    drop(second);
    until(async || connect(&app, "198.51.100.2").await.is_ok()).await;
}
