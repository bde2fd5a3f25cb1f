//! What people are told of: once in the app, and by mail and text message.

mod batches;
mod silence;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use domain::id::Kind;
use domain::webhook::{PauseReason, WEBHOOK_PAUSED, WebhookPaused};
use entity::{event, job, notification, user};
use quick_commerce::app::App;
use quick_commerce::config::{Config, Secret, SmsSettings};
use quick_commerce::notifications::event::NOTIFICATION_SENT;
use quick_commerce::notifications::reactions::Notifier;
use quick_commerce::notifications::{pruning, sending};
use quick_commerce::platform::consumers::{Consumers, Read};
use quick_commerce::platform::jobs::Failure;
use quick_commerce::platform::outbox::{self, NewEvent};
use quick_commerce::platform::sms::{Sms, TextMessage};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use crate::chat::say;
use crate::support::actors::Actor;
use crate::support::crowd::uuid;
use crate::support::money::{place_card_order, play, start, until_money};
use crate::support::smtp::{Mood, SmtpServer};
use crate::support::story::{
    ASSIGN_ORDER, CANCEL_ORDER, Shop, adjust_stock, by_hand, claim, deliver, key, place_order, ready_order,
    seller_with_product, step, try_claim,
};
use crate::support::wait::{until, until_quiet};
use crate::support::{Shape, TestApp, TestCluster, over_both_shapes};

over_both_shapes! {
    everybody_is_told_of_an_order_what_concerns_them,
    nobody_is_told_what_they_did_themselves,
    whoever_loses_an_order_is_told,
    a_customer_is_told_of_the_money,
    a_store_is_told_of_low_stock,
    a_chat_is_told_of_once_until_it_is_looked_at,
    admins_are_told_of_a_paused_webhook,
    notifications_are_read_in_pages_and_marked,
    whoever_follows_hears_of_each_and_how_many_are_unread,
    an_event_is_told_once_however_often_it_is_taken,
    old_notifications_are_forgotten,
    what_is_urgent_is_sent_to_telephones_through_the_provider,
    a_text_message_that_comes_too_late_is_not_sent,
    a_mail_server_receives_what_is_worth_a_mail_once_it_is_there,
}

const NOTIFICATIONS: &str = "query($unread: Boolean, $first: Int, $after: String) { viewer {
    notifications(unreadOnly: $unread, first: $first, after: $after) {
        nodes { id kind title body readAt createdAt order { id number } } unreadCount { value precision }
        pageInfo { hasNextPage endCursor } } } }";

const MARK: &str = "mutation($input: MarkNotificationsReadInput!) { markNotificationsRead(input: $input) {
    marked userErrors { code message field } } }";

const FOLLOW: &str = "subscription($after: EventCursor) { notifications(after: $after) { __typename
    ... on NotificationSnapshot { cursor unread } ... on NotificationSent { cursor unread notification { id kind } }
    ... on NotificationsRead { cursor unread } ... on StreamReset { cursor reason } } }";

/// What somebody has been told of, once everybody has been told, oldest first.
pub(crate) async fn told(app: &TestApp, who: &Actor) -> Vec<Value> {
    until_quiet(&app.app).await;
    let answer = who.query(NOTIFICATIONS, json!({ "first": 100 })).await;
    let mut nodes = answer.data()["viewer"]["notifications"]["nodes"].as_array().unwrap().clone();
    nodes.reverse();
    nodes
}

/// The kinds of what somebody has been told of, oldest first.
async fn kinds(app: &TestApp, who: &Actor) -> Vec<String> {
    told(app, who).await.iter().map(|node| node["kind"].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn mark(who: &Actor, input: Value) -> Value {
    who.mutate(MARK, input).await.ok("markNotificationsRead")["marked"].clone()
}

async fn scene(shape: Shape) -> (TestApp, Shop, Actor, Actor) {
    scene_with(shape, |_| {}).await
}

/// A shop, a customer and a partner, whose tokens outlive a claim, and a server that looks at what follows.
pub(crate) async fn scene_with(shape: Shape, change: impl FnOnce(&mut Config)) -> (TestApp, Shop, Actor, Actor) {
    let app = TestApp::start_with(shape, |config| {
        config.access_token = Duration::from_hours(24);
        change(config);
    })
    .await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.partner());
    // what is past when a consumer first looks is told to nobody
    let has_begun = || async {
        let lags = quick_commerce::platform::consumers::lags(app.app.db.reader()).await.unwrap();
        lags.iter().any(|(name, _)| name == "notifications")
    };
    until(has_begun).await;
    (app, shop, customer, partner)
}

async fn everybody_is_told_of_an_order_what_concerns_them(shape: Shape) {
    let (app, shop, customer, partner) = scene(shape).await;
    by_hand(&app, &shop.seller).await;
    let order = place_order(&customer, &shop.product_id, 2).await;
    for status in ["PREPARING", "READY"] {
        step(&shop.seller, &order, status).await;
    }
    claim(&partner, &order).await;
    deliver(&partner, &customer, &order).await;
    assert_eq!(
        kinds(&app, &customer).await,
        ["ORDER_CONFIRMED", "ORDER_READY", "ORDER_ASSIGNED", "ORDER_PICKED_UP", "DELIVERY_IN_TRANSIT", "ORDER_DELIVERED"]
    );
    assert_eq!(kinds(&app, &shop.seller).await, ["ORDER_PLACED"]);
    assert_eq!(kinds(&app, &partner).await, [] as [&str; 0], "the partner knows what they did");
    for (who, count) in [(&customer, 6), (&shop.seller, 1)] {
        let told = told(&app, who).await;
        assert_eq!(told.len(), count);
        for node in told {
            assert_eq!(node["order"]["id"], order.as_str());
            let number = node["order"]["number"].as_str().unwrap();
            assert!(node["title"].as_str().unwrap().contains(number), "{node}");
            assert!(node["readAt"].is_null() && !node["body"].as_str().unwrap().is_empty(), "{node}");
        }
    }
    let stranger = app.customer().await;
    let node = "query($id: ID!) { node(id: $id) { ... on Notification { kind } } }";
    let id = told(&app, &customer).await[0]["id"].clone();
    assert_eq!(customer.query(node, json!({ "id": id })).await.data()["node"]["kind"], "ORDER_CONFIRMED");
    for other in [&stranger, &app.admin().await, &app.anonymous()] {
        assert_eq!(other.query(node, json!({ "id": id })).await.data()["node"], Value::Null);
    }
}

async fn nobody_is_told_what_they_did_themselves(shape: Shape) {
    let (app, shop, customer, _) = scene(shape).await;
    let cancel = |order: &str| json!({ "idempotencyKey": key(), "orderId": order, "reason": "A test." });
    let mine = place_order(&customer, &shop.product_id, 1).await;
    customer.mutate(CANCEL_ORDER, cancel(&mine)).await.ok("cancelOrder");
    let theirs = place_order(&customer, &shop.product_id, 1).await;
    shop.seller.mutate(CANCEL_ORDER, cancel(&theirs)).await.ok("cancelOrder");
    let of = async |who: &Actor| -> Vec<String> {
        let told = told(&app, who).await;
        let cancelled = told.iter().filter(|node| node["kind"] == "ORDER_CANCELLED");
        cancelled.map(|node| node["order"]["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of(&customer).await, [theirs]);
    assert_eq!(of(&shop.seller).await, [mine]);
}

async fn whoever_loses_an_order_is_told(shape: Shape) {
    let (app, shop, customer, partner) = scene(shape).await;
    let (other, admin) = tokio::join!(app.partner(), app.admin());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let assign = json!({ "idempotencyKey": key(), "orderId": order, "partnerId": other.user_id });
    admin.mutate(ASSIGN_ORDER, assign).await.ok("assignOrder");
    assert_eq!(kinds(&app, &other).await, ["DELIVERY_ASSIGNED"]);
    let lost = told(&app, &partner).await;
    assert_eq!((&lost[0]["kind"], lost.len()), (&json!("DELIVERY_WITHDRAWN"), 1));
    assert_eq!(lost[0]["order"], Value::Null, "it is theirs no more");
    app.clock.advance(app.app.config.pickup);
    until(|| async { crate::support::story::order(&customer, &order).await["status"] == "READY" }).await;
    assert_eq!(kinds(&app, &other).await, ["DELIVERY_ASSIGNED", "DELIVERY_WITHDRAWN"], "the time has run out");
    claim(&partner, &order).await;
    let cancel = json!({ "idempotencyKey": key(), "orderId": order, "reason": "A test." });
    admin.mutate(CANCEL_ORDER, cancel).await.ok("cancelOrder");
    assert_eq!(kinds(&app, &partner).await, ["DELIVERY_WITHDRAWN", "DELIVERY_WITHDRAWN"]);
    assert_eq!(kinds(&app, &customer).await.last().unwrap(), "ORDER_CANCELLED");
    // who only looked at an order has lost nothing
    let looked_at = ready_order(&shop, &customer).await;
    try_claim(&other, &looked_at, false).await.ok("claimOrder");
    admin
        .mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": looked_at, "reason": "A test." }))
        .await
        .ok("cancelOrder");
    assert_eq!(kinds(&app, &other).await, ["DELIVERY_ASSIGNED", "DELIVERY_WITHDRAWN"]);
    // all of it in one batch: each is told of the end that was theirs
    let told_before = [kinds(&app, &partner).await, kinds(&app, &other).await];
    notification::Entity::delete_many().exec(app.app.db.writer()).await.unwrap();
    let back = entity::consumer::Entity::update_many().col_expr(entity::consumer::Column::Position, Expr::value(0_i64));
    back.filter(entity::consumer::Column::Name.eq("notifications")).exec(app.app.db.writer()).await.unwrap();
    assert_eq!([kinds(&app, &partner).await, kinds(&app, &other).await], told_before);
}

async fn a_customer_is_told_of_the_money(shape: Shape) {
    let (app, shop, customer, _) = scene(shape).await;
    let order = place_card_order(&customer, &shop.product_id, 1).await;
    let declined = start(&customer, &order).await;
    play(&app, &declined, "decline").await;
    until_money(&customer, &order, "/paymentStatus", "FAILED").await;
    play(&app, &start(&customer, &order).await, "succeed").await;
    until_money(&customer, &order, "/paymentStatus", "PAID").await;
    let cancel = json!({ "idempotencyKey": key(), "orderId": order, "reason": "A test." });
    customer.mutate(CANCEL_ORDER, cancel).await.ok("cancelOrder");
    until_money(&customer, &order, "/paymentStatus", "REFUNDED").await;
    let told = kinds(&app, &customer).await;
    let money: Vec<&String> = told.iter().filter(|kind| kind.starts_with("PAYMENT")).collect();
    assert_eq!(money, ["PAYMENT_FAILED", "PAYMENT_SUCCEEDED", "PAYMENT_REFUNDED"]);
}

async fn a_store_is_told_of_low_stock(shape: Shape) {
    let (app, shop, ..) = scene(shape).await;
    let admin = app.admin().await;
    for delta in [-95, 95, -96] {
        adjust_stock(&admin, &shop.product_id, delta).await;
        // what falls in one batch is told at once
        until_quiet(&app.app).await;
    }
    for delta in [96, -97] {
        adjust_stock(&shop.seller, &shop.product_id, delta).await;
    }
    let told = told(&app, &shop.seller).await;
    assert_eq!(told.iter().map(|node| &node["kind"]).collect::<Vec<_>>(), ["LOW_STOCK", "LOW_STOCK"]);
    assert!(told[1]["body"].as_str().unwrap().contains("4 left") && told[1]["order"].is_null(), "{told:?}");
}

async fn a_chat_is_told_of_once_until_it_is_looked_at(shape: Shape) {
    const SECRET: &str = "The key is under the mat.";
    let (app, shop, customer, partner) = scene(shape).await;
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let of_chat = async |who: &Actor| {
        let told = told(&app, who).await;
        told.into_iter().filter(|node| node["kind"] == "CHAT_MESSAGE").collect::<Vec<_>>()
    };
    say(&customer, &order, SECRET).await;
    say(&customer, &order, "Hello?").await;
    for (who, count) in [(&customer, 0), (&partner, 1), (&shop.seller, 1)] {
        let told = of_chat(who).await;
        assert_eq!(told.len(), count, "{told:?}");
        assert!(told.iter().all(|node| !node.to_string().contains(SECRET)), "{told:?}");
    }
    mark(&partner, json!({ "ids": [of_chat(&partner).await[0]["id"]] })).await;
    say(&customer, &order, "Hello!").await;
    assert_eq!((of_chat(&partner).await.len(), of_chat(&shop.seller).await.len()), (2, 1));
    say(&partner, &order, "Hello.").await;
    assert_eq!((of_chat(&customer).await.len(), of_chat(&partner).await.len()), (1, 2));
    let mailed = notification::Entity::find().filter(notification::Column::Body.contains(SECRET));
    assert_eq!(mailed.count(app.app.db.reader()).await.unwrap(), 0);
}

/// Logs an event as its slice would.
async fn log(app: &App, kind: &'static str, payload: Value) {
    let (tx, at) = (app.db.begin().await.unwrap(), app.clock.db_now(app.db.reader()).await.unwrap());
    let topics = [domain::event::Topic::Platform];
    outbox::append(&tx, &NewEvent { id: app.ids.uuid(), kind, topics: &topics, payload: &payload, at }).await.unwrap();
    tx.commit().await.unwrap();
}

async fn admins_are_told_of_a_paused_webhook(shape: Shape) {
    let (app, shop, ..) = scene(shape).await;
    let (one, other) = tokio::join!(app.admin(), app.admin());
    let (endpoint, reason) = (uuid::Uuid::from_u128(7), PauseReason::Failing);
    let paused = WebhookPaused { endpoint, reason, failing_since: None };
    log(&app.app, WEBHOOK_PAUSED, serde_json::to_value(paused).unwrap()).await;
    log(&app.app, WEBHOOK_PAUSED, json!("something else")).await;
    for admin in [&one, &other] {
        assert_eq!(kinds(&app, admin).await, ["WEBHOOK_PAUSED"]);
    }
    assert_eq!(kinds(&app, &shop.seller).await, [] as [&str; 0]);
}

async fn notifications_are_read_in_pages_and_marked(shape: Shape) {
    let (app, shop, customer, _) = scene(shape).await;
    for _ in 0..3 {
        place_order(&customer, &shop.product_id, 1).await;
    }
    let all: Vec<Value> = told(&app, &customer).await.into_iter().map(|node| node["id"].clone()).collect();
    assert_eq!(all.len(), 6, "each order was confirmed, and packed");
    let page = async |unread: bool, first: i32, after: Value| {
        let variables = json!({ "unread": unread, "first": first, "after": after });
        customer.query(NOTIFICATIONS, variables).await.data()["viewer"]["notifications"].clone()
    };
    let ids =
        |page: &Value| -> Vec<Value> { page["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect() };
    let first = page(false, 4, Value::Null).await;
    let second = page(false, 4, first["pageInfo"]["endCursor"].clone()).await;
    let mut seen = [ids(&first), ids(&second)].concat();
    seen.reverse();
    assert_eq!(seen, all, "newest first");
    assert_eq!(first["unreadCount"], json!({ "value": 6, "precision": "EXACT" }));

    let stranger = app.customer().await;
    let refused = stranger.mutate(MARK, json!({ "ids": [all[0]] })).await;
    let refusal = &refused.user_errors("markNotificationsRead")[0];
    assert_eq!((&refusal["code"], &refusal["field"]), (&json!("NOT_FOUND"), &json!(["ids", "0"])));
    let some = json!({ "ids": [all[1], "ntf_7zzzzzzzzzzzzzzzzzzzzzzzzy"] });
    assert_eq!(customer.mutate(MARK, some).await.refusal("markNotificationsRead"), "NOT_FOUND");
    assert_eq!(page(true, 10, Value::Null).await["unreadCount"]["value"], 6, "all or nothing");
    for wrong in [json!({}), json!({ "ids": [all[0]], "all": true }), json!({ "all": false })] {
        assert_eq!(customer.mutate(MARK, wrong).await.refusal("markNotificationsRead"), "INVALID_INPUT");
    }

    assert_eq!(mark(&customer, json!({ "ids": [all[1], all[3], all[1]] })).await, 2);
    assert_eq!(mark(&customer, json!({ "ids": [all[1]] })).await, 0, "once and for good");
    let unread = page(true, 10, Value::Null).await;
    assert_eq!((ids(&unread).len(), &unread["unreadCount"]["value"]), (4, &json!(4)));
    assert!(!ids(&unread).contains(&all[1]));
    assert_eq!(mark(&customer, json!({ "all": true })).await, 4);
    assert_eq!(page(true, 10, Value::Null).await["nodes"], json!([]));
    assert_eq!(ids(&page(false, 10, Value::Null).await).len(), 6);
}

async fn whoever_follows_hears_of_each_and_how_many_are_unread(shape: Shape) {
    let (app, shop, customer, _) = scene(shape).await;
    let mut phone = customer.subscribe(FOLLOW, json!({})).await;
    let first = phone.next().await;
    assert_eq!((&first["__typename"], &first["unread"]), (&json!("NotificationSnapshot"), &json!(0)));
    place_order(&customer, &shop.product_id, 1).await;
    for kind in ["ORDER_CONFIRMED", "ORDER_READY"] {
        let heard = phone.next().await;
        assert_eq!((&heard["__typename"], &heard["notification"]["kind"]), (&json!("NotificationSent"), &json!(kind)));
        // both may be there when the first is told
        assert!(heard["unread"] == 1 || heard["unread"] == 2, "{heard}");
    }
    let mut tablet = customer.subscribe(FOLLOW, json!({})).await;
    let cursor = tablet.next().await["cursor"].clone();
    mark(&customer, json!({ "all": true })).await;
    for device in [&mut phone, &mut tablet] {
        let heard = device.next().await;
        assert_eq!((&heard["__typename"], &heard["unread"]), (&json!("NotificationsRead"), &json!(0)));
    }
    drop(tablet);
    place_order(&customer, &shop.product_id, 1).await;
    until_quiet(&app.app).await;
    let mut tablet = customer.subscribe(FOLLOW, json!({ "after": cursor })).await;
    assert_eq!(tablet.next().await["__typename"], "NotificationsRead");
    for kind in ["ORDER_CONFIRMED", "ORDER_READY"] {
        assert_eq!(tablet.next().await["notification"]["kind"], kind);
    }
    let mut stranger = app.customer().await.subscribe(FOLLOW, json!({ "after": cursor })).await;
    assert_eq!(stranger.next().await["reason"], "SERVER", "a cursor is of its own inbox");
    assert_eq!(stranger.next().await["unread"], 0);
}

async fn an_event_is_told_once_however_often_it_is_taken(shape: Shape) {
    let (app, shop, customer, _) = scene(shape).await;
    place_order(&customer, &shop.product_id, 1).await;
    let before: BTreeSet<String> = told(&app, &customer).await.iter().map(ToString::to_string).collect();
    let sent = || event::Entity::find().filter(event::Column::Kind.eq(NOTIFICATION_SENT)).count(app.app.db.reader());
    let sent_before = sent().await.unwrap();
    // as if the position had been lost
    let back = entity::consumer::Entity::update_many().col_expr(entity::consumer::Column::Position, Expr::value(0));
    back.exec(app.app.db.writer()).await.unwrap();
    let reader = Consumers::default().with(Notifier(app.app.clone()));
    let reader = reader.readers(&app.app.db, &app.app.clock, &app.app.ids).remove(0);
    while reader.step(10).await.unwrap() != Read::Nothing {}
    let after: BTreeSet<String> = told(&app, &customer).await.iter().map(ToString::to_string).collect();
    assert_eq!((before.len(), &after), (2, &before));
    assert_eq!(sent().await.unwrap(), sent_before, "nor do their devices hear of it again");
}

async fn old_notifications_are_forgotten(shape: Shape) {
    let (app, shop, customer, _) = scene(shape).await;
    place_order(&customer, &shop.product_id, 1).await;
    assert_eq!(told(&app, &customer).await.len(), 2);
    app.clock.advance(app.app.config.notification_retention.saturating_sub(Duration::from_hours(1)));
    pruning::sweep(&app.app).await.unwrap();
    assert_eq!(notification::Entity::find().count(app.app.db.reader()).await.unwrap(), 3);
    app.clock.advance(Duration::from_hours(2));
    pruning::sweep(&app.app).await.unwrap();
    assert_eq!(notification::Entity::find().count(app.app.db.reader()).await.unwrap(), 0);
}

/// A request to a provider of text messages, and how it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) answer: StatusCode,
}

impl Heard {
    fn is_of_the_way(&self) -> bool {
        self.body["messages"][0]["content"].as_str().unwrap().contains("on its way")
    }
}

/// A provider of text messages: what it was sent, and what it answers.
#[derive(Debug, Clone)]
struct Desk {
    heard: Arc<Mutex<Vec<Heard>>>,
    answer: Arc<Mutex<StatusCode>>,
}

async fn take(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let answer = *desk.answer.lock().unwrap();
    desk.heard.lock().unwrap().push(Heard { headers, body: serde_json::from_slice(&body).unwrap(), answer });
    answer
}

/// The same, on a free port; gone with this value.
#[derive(Debug)]
pub(crate) struct Provider {
    desk: Desk,
    pub(crate) url: String,
    _serving: AbortOnDropHandle<()>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let desk = Desk { heard: Arc::default(), answer: Arc::new(Mutex::new(StatusCode::OK)) };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/messages", listener.local_addr().unwrap());
        let router = Router::new().route("/messages", post(take)).with_state(desk.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { desk, url, _serving: AbortOnDropHandle::new(serving) }
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.desk.heard.lock().unwrap().clone()
    }

    pub(crate) fn answer(&self, status: u16) {
        *self.desk.answer.lock().unwrap() = StatusCode::from_u16(status).unwrap();
    }
}

/// Gives somebody a telephone number, as registering with one does.
pub(crate) async fn give_phone(app: &App, who: &Actor, phone: &str) {
    let update = user::Entity::update_many().col_expr(user::Column::Phone, Expr::value(phone));
    update.filter(user::Column::Id.eq(uuid(Kind::User, &who.user_id))).exec(app.db.writer()).await.unwrap();
}

async fn what_is_urgent_is_sent_to_telephones_through_the_provider(shape: Shape) {
    let provider = Provider::start().await;
    let url = provider.url.clone();
    let app = TestApp::start_with(shape, |config| {
        let body = json!({ "messages": [{ "number": "{to}", "content": "{text}" }], "reference": "{id}" });
        config.sms = Some(SmsSettings { url: Secret::new(url), token: Some(Secret::new("tiger".to_owned())), body });
    })
    .await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.partner());
    let unreachable = app.customer().await;
    give_phone(&app.app, &customer, "+918055501234").await;
    for buyer in [&customer, &unreachable] {
        let order = ready_order(&shop, buyer).await;
        claim(&partner, &order).await;
        deliver(&partner, buyer, &order).await;
    }
    until_quiet(&app.app).await;
    let heard = provider.heard();
    assert_eq!(heard.len(), 1, "one of them has a telephone: {heard:?}");
    let Heard { headers, body, .. } = &heard[0];
    assert_eq!(headers["authorization"], "Bearer tiger");
    assert_eq!(headers["idempotency-key"].to_str().unwrap(), body["reference"]);
    assert_eq!(body["messages"][0]["number"], "+918055501234");
    let text = body["messages"][0]["content"].as_str().unwrap();
    assert!(text.contains("is on its way"), "{text}");

    // what the provider cannot take now is tried again, and what it never will is given up
    provider.answer(503);
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    for status in ["PICKED_UP", "IN_TRANSIT"] {
        step(&partner, &order, status).await;
    }
    let of_sms = || job::Entity::find().filter(job::Column::Kind.eq(sending::SMS));
    until(|| async {
        let waiting = of_sms().one(app.app.db.reader()).await.unwrap();
        waiting.is_some_and(|job| job.last_error.is_some())
    })
    .await;
    let failed = of_sms().one(app.app.db.reader()).await.unwrap().unwrap();
    let error = failed.last_error.unwrap();
    assert!(error.contains("503") && !error.contains("+91") && !error.contains("tiger"), "{error}");
    let other = Provider::start().await;
    let settings = SmsSettings { url: Secret::new(other.url.clone()), token: None, body: json!("{to} {text}") };
    let sms = Sms::new(app.app.http.clone(), Some(settings));
    let (id, to, text) = (uuid::Uuid::from_u128(7), "+918055501234".to_owned(), "A test.".to_owned());
    let message = TextMessage { id, to, text };
    for (status, is_final) in [(400, true), (404, true), (401, false), (429, false), (500, false)] {
        other.answer(status);
        let failure = sms.send(&message).await.unwrap_err();
        assert_eq!(matches!(failure, Failure::Final(_)), is_final, "{status}: {failure:?}");
    }
    assert_eq!(other.heard()[0].body, "+918055501234 A test.");
    provider.answer(202);
    app.clock.advance(Duration::from_mins(20));
    until_quiet(&app.app).await;
    let heard = provider.heard();
    let taken = heard.iter().filter(|one| one.answer == StatusCode::ACCEPTED && one.is_of_the_way());
    assert_eq!(taken.count(), 1, "{heard:?}");
}

async fn a_text_message_that_comes_too_late_is_not_sent(shape: Shape) {
    let provider = Provider::start().await;
    let url = provider.url.clone();
    provider.answer(500);
    let app = TestApp::start_with(shape, |config| {
        let body = json!({ "to": "{to}", "text": "{text}" });
        config.sms = Some(SmsSettings { url: Secret::new(url), token: None, body });
    })
    .await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.partner());
    give_phone(&app.app, &customer, "+918055501234").await;
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    for status in ["PICKED_UP", "IN_TRANSIT"] {
        step(&partner, &order, status).await;
    }
    until(|| async { !provider.heard().is_empty() }).await;
    // the provider goes on to refuse it: were it sent, it would wait
    app.clock.advance(Duration::from_mins(31));
    until_quiet(&app.app).await;
    let dead = job::Entity::find().filter(job::Column::Kind.eq(sending::SMS));
    assert_eq!(dead.count(app.app.db.reader()).await.unwrap(), 0);
}

async fn a_mail_server_receives_what_is_worth_a_mail_once_it_is_there(shape: Shape) {
    let server = SmtpServer::start().await;
    server.set(Mood::Refuses(450));
    let url = server.url();
    let app = TestApp::start_with(shape, |config| {
        config.mail.smtp_url = Some(Secret::new(url));
        config.mail.from = "Shop <no-reply@shop.example>".parse().unwrap();
    })
    .await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.partner());
    for who in [&customer, &shop.seller] {
        who.prove_address().await;
    }
    let order = ready_order(&shop, &customer).await;
    until(|| async { server.refused() > 0 }).await;
    server.set(Mood::Open);
    // past the pause of what was refused, and within the lease of what is being sent, which would be sent twice
    app.clock.advance(Duration::from_secs(30));
    claim(&partner, &order).await;
    deliver(&partner, &customer, &order).await;
    adjust_stock(&app.admin().await, &shop.product_id, -95).await;
    until_quiet(&app.app).await;
    let rows = notification::Entity::find().all(app.app.db.reader()).await.unwrap();
    let mailed: Vec<_> = rows.iter().filter(|row| row.kind.is_mailed()).collect();
    assert_eq!(mailed.len(), 3, "confirmed, delivered, and low stock: {rows:?}");
    let ours = |letter: &&crate::support::mail::Letter| rows.iter().any(|row| letter.id.contains(&row.id.to_string()));
    let letters = server.letters();
    let letters: Vec<_> = letters.iter().filter(ours).collect();
    assert_eq!(letters.len(), 3);
    for row in mailed {
        let letter = letters.iter().find(|letter| letter.id == format!("<{}@shop.example>", row.id)).unwrap();
        let to = if row.user_id == uuid(Kind::User, &customer.user_id) { &customer.email } else { &shop.seller.email };
        assert_eq!((&letter.to, &letter.subject), (to, &row.title));
        assert!(letter.text.contains(&row.body) && letter.text.contains("<h1"), "{}", letter.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_die_tell_everybody_everything_once() {
    let mut cluster = TestCluster::start(2).await;
    let (shop, customer) = tokio::join!(seller_with_product(&cluster[0], 1_000, "40.00"), cluster[0].customer());
    let mut orders = BTreeSet::new();
    for round in 0..6 {
        let (dies, stays) = (round % 2, (round + 1) % 2);
        let buyer = customer.at(&cluster[stays]);
        for _ in 0..5 {
            orders.insert(place_order(&buyer, &shop.product_id, 1).await);
        }
        cluster.kill(dies);
        orders.insert(place_order(&buyer, &shop.product_id, 1).await);
        cluster.start_again(dies).await;
        // whoever died gives back what it had taken
        cluster.clock.advance(Duration::from_mins(2));
    }
    let app = cluster[0].app.clone();
    until_quiet(&app).await;
    let mut told: Vec<(String, String)> = Vec::new();
    for row in notification::Entity::find().all(app.db.reader()).await.unwrap() {
        let order = domain::id::encode(Kind::Order, row.order_id.unwrap());
        told.push((order, row.kind.to_string()));
    }
    told.sort();
    let kinds = ["ORDER_CONFIRMED", "ORDER_PLACED", "ORDER_READY"];
    let expected: Vec<(String, String)> =
        orders.iter().flat_map(|order| kinds.map(|kind| (order.clone(), kind.to_owned()))).collect();
    assert_eq!(told, expected, "nothing is lost, and nothing doubled");
    let heard = customer.at(&cluster[0]).query(NOTIFICATIONS, json!({ "first": 1 })).await;
    assert_eq!(heard.data()["viewer"]["notifications"]["unreadCount"]["value"], 2 * orders.len());
}
