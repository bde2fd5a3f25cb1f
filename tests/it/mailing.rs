//! Whom mails and text messages reach, and whom they do not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use domain::id::Kind;
use domain::notification::NotificationKind;
use entity::{Text, job, notification};
use quick_commerce::accounts::service::mailing;
use quick_commerce::config::{Secret, SmsSettings};
use quick_commerce::notifications::sending;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use crate::notifications::{Provider, give_phone, scene_with, told};
use crate::recovery::{REQUEST_RESET, VERIFY};
use crate::support::actors::Actor;
use crate::support::crowd::uuid;
use crate::support::mail::{letter_in, letters_in};
use crate::support::smtp::{Mood, SmtpServer};
use crate::support::story::{
    ASSIGN_ORDER, CANCEL_ORDER, PLACE_ORDER, SAVE_CATEGORY, Shop, UPDATE_USER, claim, deliver, key, order_input,
    place_order, ready_order, step,
};
use crate::support::wait::{until, until_quiet};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    nobody_is_mailed_at_an_address_that_is_not_proven,
    nobody_who_is_deactivated_is_mailed_or_texted,
    so_many_text_messages_an_hour_go_to_one_user_and_to_one_number,
    a_text_message_that_could_not_be_sent_does_not_count,
    a_provider_that_says_nothing_holds_up_no_reset,
    mails_are_tried_for_longer_than_other_work,
    what_runs_low_at_once_is_mailed_as_one_and_not_to_who_did_it,
}

const IMPORT: &str = "mutation($input: ImportProductsInput!) { importProducts(input: $input) {
    rowErrors { row error { code } } userErrors { code message field } } }";

const BY_SKU: &str = "query($sku: String) { product(sku: $sku) { id } }";

/// A provider of text messages at `url`.
fn provider(url: String) -> SmsSettings {
    SmsSettings { url: Secret::new(url), token: None, body: json!({ "to": "{to}", "text": "{text}" }) }
}

/// A server that lets everybody in and says nothing; gone with this value.
#[derive(Debug)]
struct Silent {
    url: String,
    guests: Arc<Mutex<Vec<TcpStream>>>,
    _accepting: AbortOnDropHandle<()>,
}

impl Silent {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/messages", listener.local_addr().unwrap());
        let guests: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let all = Arc::clone(&guests);
        let accepting = tokio::spawn(async move {
            while let Ok((guest, _)) = listener.accept().await {
                all.lock().unwrap().push(guest);
            }
        });
        Self { url, guests, _accepting: AbortOnDropHandle::new(accepting) }
    }

    fn guests(&self) -> usize {
        self.guests.lock().unwrap().len()
    }
}

/// What somebody was mailed besides what is about their account, once nothing is to be sent any more.
async fn mailed(app: &TestApp, who: &Actor) -> Vec<String> {
    until_quiet(&app.app).await;
    let letters = letters_in(&app.app.config.mail.folder).into_iter().filter(|letter| letter.to == who.email);
    letters.map(|letter| letter.subject).filter(|subject| !subject.contains("your e-mail address")).collect()
}

async fn nobody_is_mailed_at_an_address_that_is_not_proven(shape: Shape) {
    let (app, shop, stranger, _) = scene_with(shape, |_| {}).await;
    place_order(&stranger, &shop.product_id, 1).await;
    assert_eq!(mailed(&app, &stranger).await, [] as [&str; 0]);
    let told = told(&app, &stranger).await;
    assert!(told.iter().any(|node| node["kind"] == "ORDER_CONFIRMED"), "they are told in the app: {told:?}");
    let letter = letter_in(&app.app.config.mail.folder, &stranger.email, "Confirm", &[]).await;
    app.anonymous().mutate(VERIFY, json!({ "token": letter.token() })).await.ok("verifyEmail");
    place_order(&stranger, &shop.product_id, 1).await;
    let mailed = mailed(&app, &stranger).await;
    assert!(matches!(&mailed[..], [subject] if subject.contains("is confirmed")), "{mailed:?}");
}

/// Brings a new order of `customer` to their door, of which telephones are told on the way.
async fn bring(app: &TestApp, shop: &Shop, customer: &Actor, partner: &Actor) {
    let order = ready_order(shop, customer).await;
    claim(partner, &order).await;
    deliver(partner, customer, &order).await;
    until_quiet(&app.app).await;
}

async fn so_many_text_messages_an_hour_go_to_one_user_and_to_one_number(shape: Shape) {
    const ONE: &str = "+918055501234";
    const OTHER: &str = "+918055504321";
    let phones = Provider::start().await;
    let (app, shop, customer, partner) = scene_with(shape, |config| {
        config.sms = Some(provider(phones.url.clone()));
        config.texts_per_hour = 2;
    })
    .await;
    let (neighbour, stranger) = tokio::join!(app.customer(), app.customer());
    let texts = || phones.heard().iter().map(|heard| heard.body["to"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    give_phone(&app.app, &customer, ONE).await;
    for _ in 0..3 {
        bring(&app, &shop, &customer, &partner).await;
    }
    assert_eq!(texts(), [ONE, ONE]);
    // whoever else names that number, and whatever else they name
    give_phone(&app.app, &neighbour, ONE).await;
    give_phone(&app.app, &customer, OTHER).await;
    for who in [&neighbour, &customer] {
        bring(&app, &shop, who, &partner).await;
    }
    assert_eq!(texts(), [ONE, ONE]);
    give_phone(&app.app, &stranger, OTHER).await;
    bring(&app, &shop, &stranger, &partner).await;
    assert_eq!(texts(), [ONE, ONE, OTHER]);
    assert!(told(&app, &customer).await.iter().filter(|node| node["kind"] == "DELIVERY_IN_TRANSIT").count() == 4);
    let metrics = app.http.get("/metrics").await;
    assert!(metrics.text().contains("quick_commerce_refused_total{reason=\"text_messages\"} 3\n"), "{}", metrics.text());
    app.clock.advance(Duration::from_hours(1));
    bring(&app, &shop, &customer, &partner).await;
    assert_eq!(texts(), [ONE, ONE, OTHER, OTHER]);
}

async fn a_text_message_that_could_not_be_sent_does_not_count(shape: Shape) {
    let phones = Provider::start().await;
    phones.answer(503);
    let (app, shop, customer, partner) = scene_with(shape, |config| {
        config.sms = Some(provider(phones.url.clone()));
        config.texts_per_hour = 1;
    })
    .await;
    give_phone(&app.app, &customer, "+918055501234").await;
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    deliver(&partner, &customer, &order).await;
    for tried in 1..=2 {
        until(async || phones.heard().len() >= tried).await;
        app.clock.advance(Duration::from_mins(1));
    }
    phones.answer(202);
    app.clock.advance(Duration::from_mins(1));
    until_quiet(&app.app).await;
    assert_eq!(phones.heard().last().unwrap().answer, StatusCode::ACCEPTED);
    // and that one counts
    let sent = phones.heard().len();
    bring(&app, &shop, &customer, &partner).await;
    assert_eq!(phones.heard().len(), sent);
}

async fn a_provider_that_says_nothing_holds_up_no_reset(shape: Shape) {
    // more than any worker has hands, twice over: those behind them would wait until two of them were given up
    const TEXTS: u64 = 24;
    let silent = Silent::start().await;
    let (app, shop, customer, partner) = scene_with(shape, |config| {
        config.sms = Some(provider(silent.url.clone()));
        config.partner_capacity = 100;
    })
    .await;
    let admin = app.admin().await;
    give_phone(&app.app, &partner, "+918055501234").await;
    for _ in 0..TEXTS {
        let order = ready_order(&shop, &customer).await;
        let assign = json!({ "idempotencyKey": key(), "orderId": order, "partnerId": partner.user_id });
        admin.mutate(ASSIGN_ORDER, assign).await.ok("assignOrder");
    }
    let waiting = || job::Entity::find().filter(job::Column::Kind.eq(sending::SMS)).count(app.app.db.reader());
    until(async || waiting().await.unwrap() == TEXTS && silent.guests() > 1).await;
    app.anonymous().mutate(REQUEST_RESET, json!({ "email": customer.email })).await.ok("requestPasswordReset");
    letter_in(&app.app.config.mail.folder, &customer.email, "password", &[]).await;
}

async fn mails_are_tried_for_longer_than_other_work(shape: Shape) {
    /// More than other work is tried, and about half of what mails are.
    const TRIED: i32 = 30;
    let server = SmtpServer::start().await;
    server.set(Mood::Refuses(450));
    let (app, shop, customer, _) = scene_with(shape, |config| config.mail.smtp_url = Some(Secret::new(server.url()))).await;
    customer.prove_address().await;
    place_order(&customer, &shop.product_id, 1).await;
    app.anonymous().mutate(REQUEST_RESET, json!({ "email": customer.email })).await.ok("requestPasswordReset");
    let db = || app.app.db.writer();
    for kind in [mailing::EMAIL_VERIFICATION, mailing::PASSWORD_RESET, sending::EMAIL] {
        let of_kind = job::Column::Kind.eq(kind);
        let jobs = async || job::Entity::find().filter(of_kind.clone()).all(db()).await.unwrap();
        until(async || jobs().await.iter().any(|job| job.ended_attempts > 0)).await;
        // as after most of a day
        let tried = job::Entity::update_many()
            .col_expr(job::Column::Attempts, Expr::value(TRIED))
            .col_expr(job::Column::EndedAttempts, Expr::value(TRIED))
            .col_expr(job::Column::RunAt, Expr::value(app.clock.now()));
        tried.filter(of_kind.clone()).exec(db()).await.unwrap();
        until(async || jobs().await.iter().any(|job| job.ended_attempts > TRIED)).await;
        assert!(jobs().await.iter().all(|job| job.died_at.is_none()), "{kind}: it was given up");
    }
    server.set(Mood::Open);
    app.clock.advance(Duration::from_hours(2));
    until_quiet(&app.app).await;
    let subjects: Vec<String> =
        server.letters().into_iter().filter(|letter| letter.to == customer.email).map(|letter| letter.subject).collect();
    for word in ["password", "is confirmed"] {
        assert!(subjects.iter().any(|subject| subject.contains(word)), "{subjects:?}");
    }
}

async fn what_runs_low_at_once_is_mailed_as_one_and_not_to_who_did_it(shape: Shape) {
    let (app, shop, customer, _) = scene_with(shape, |_| {}).await;
    shop.seller.prove_address().await;
    let admin = app.admin().await;
    let slug = json!({ "slug": "dairy", "name": "Dairy" });
    admin.mutate(SAVE_CATEGORY, slug).await.ok("saveCategory");
    let import = async |stock: i32| {
        let row = |number: i32| {
            json!({ "sku": format!("LOW-{number}"), "name": format!("Cheese {number}"), "description": "", "stock": stock,
                "categorySlug": "dairy", "price": "20" })
        };
        let rows: Vec<Value> = (1..=7).map(row).collect();
        let input = json!({ "idempotencyKey": key(), "rows": rows });
        shop.seller.mutate(IMPORT, input).await.ok("importProducts");
    };
    for stock in [10, 2, 10] {
        import(stock).await;
    }
    assert_eq!(mailed(&app, &shop.seller).await, [] as [&str; 0], "who counted them knows");
    let mut items = Vec::new();
    for number in 1..=7 {
        let found = customer.query(BY_SKU, json!({ "sku": format!("LOW-{number}") })).await;
        items.push(json!({ "productId": found.data()["product"]["id"], "quantity": 8 }));
    }
    let mut input = order_input(&shop.product_id, 1);
    input["items"] = json!(items);
    customer.mutate(PLACE_ORDER, input).await.ok("placeOrder");
    assert_eq!(mailed(&app, &shop.seller).await, ["7 products are running low"]);
    let told = told(&app, &shop.seller).await;
    let low: Vec<&Value> = told.iter().filter(|node| node["kind"] == "LOW_STOCK").collect();
    let body = low[0]["body"].as_str().unwrap();
    assert!(low.len() == 1 && body.matches("): 2 left").count() == 5 && body.contains("And 2 more"), "{low:?}");
}

async fn nobody_who_is_deactivated_is_mailed_or_texted(shape: Shape) {
    const STAYS: &str = "+918055501234";
    let phones = Provider::start().await;
    let (app, shop, stays, partner) = scene_with(shape, |config| config.sms = Some(provider(phones.url.clone()))).await;
    let (goes, admin) = tokio::join!(app.customer(), app.admin());
    give_phone(&app.app, &stays, STAYS).await;
    give_phone(&app.app, &goes, "+918055504321").await;
    let mut on_the_way = Vec::new();
    let mut called_off = Vec::new();
    for who in [&stays, &goes] {
        who.prove_address().await;
        called_off.push(place_order(who, &shop.product_id, 1).await);
        let order = ready_order(&shop, who).await;
        claim(&partner, &order).await;
        on_the_way.push(order);
    }
    let before = mailed(&app, &goes).await;
    assert_eq!((before.len(), phones.heard().len()), (2, 0), "their orders were confirmed: {before:?}");
    admin.mutate(UPDATE_USER, json!({ "userId": goes.user_id, "active": false })).await.ok("updateUser");
    for order in &called_off {
        let cancel = json!({ "idempotencyKey": key(), "orderId": order, "reason": "A test." });
        admin.mutate(CANCEL_ORDER, cancel).await.ok("cancelOrder");
    }
    for order in &on_the_way {
        for status in ["PICKED_UP", "IN_TRANSIT", "FAILED"] {
            step(&partner, order, status).await;
        }
    }
    assert_eq!(mailed(&app, &stays).await.len(), 4, "that one was called off, and the other could not be delivered");
    assert_eq!(mailed(&app, &goes).await, before);
    let texted: Vec<Value> = phones.heard().into_iter().map(|heard| heard.body["to"].clone()).collect();
    assert_eq!(texted, [STAYS; 2]);
    // but it is in their list, should they come back
    let listed = notification::Entity::find()
        .filter(notification::Column::UserId.eq(uuid(Kind::User, &goes.user_id)))
        .filter(notification::Column::Kind.eq(Text(NotificationKind::OrderFailed)));
    assert_eq!(listed.count(app.app.db.reader()).await.unwrap(), 1);
}
