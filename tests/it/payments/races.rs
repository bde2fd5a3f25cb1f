//! What happens at the same moment.

use std::time::Duration;

use domain::id::Kind;
use domain::order::OrderStatus;
use entity::{job, order, payment, stock};
use quick_commerce::app::App;
use quick_commerce::orders::service::paying::{StartPayment, expiry, start_payment};
use quick_commerce::platform::sweep::OVERDUE;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::json;
use uuid::Uuid;

use super::{WINDOW, World};
use crate::support::actors::Api;
use crate::support::audit::audit;
use crate::support::crowd::{at_once, uuid};
use crate::support::money::{
    Started, money, payment_row, place_card_order, play, sandbox_event, start, tell, timeline, try_play, try_refund,
    try_start, until_money,
};
use crate::support::redis::Redis;
use crate::support::story::{CANCEL_ORDER, PRODUCT, key, product, seller_with_product};
use crate::support::wait::until;
use crate::support::{Shape, TestCluster, TestParts, over_both_shapes};

over_both_shapes! {
    two_webhooks_at_once_have_one_effect,
    a_success_that_races_the_end_of_its_time_confirms_or_goes_back,
    a_success_that_races_a_cancellation_goes_back,
    two_payments_of_an_order_that_both_succeed_cost_once,
    payments_started_at_once_are_one,
    a_start_that_broke_off_in_between_is_gone_on_with,
    refunds_at_once_never_exceed_what_was_paid,
    an_order_that_cannot_be_called_off_keeps_no_other_waiting,
    the_last_payment_is_the_last_by_the_database_s_clock,
}

/// How often a race is run: whoever wins, it must hold.
const RUNS: usize = 8;

async fn two_webhooks_at_once_have_one_effect(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    for run in 0..RUNS {
        let id = place_card_order(customer, &shop.product_id, 1).await;
        let payment = start(customer, &id).await;
        // the same event, and the same news under another id
        let events = [0, 0, 1, 0].map(|number| format!("evt_{run}_{number}"));
        let mut sent = Vec::new();
        for event in &events {
            let event = sandbox_event(&app.app, event, "payment.succeeded", &payment).await;
            let api = app.api.clone();
            sent.push(async move { tell(&api, &event).await.status });
        }
        assert!(at_once(sent).await.iter().all(axum::http::StatusCode::is_success));
        let order = money(customer, &id).await;
        assert_eq!(timeline(&order), ["PLACED", "PAYMENT_SUCCEEDED", "CONFIRMED", "PREPARING", "READY"]);
    }
    audit(&app.app).await;
}

async fn a_success_that_races_the_end_of_its_time_confirms_or_goes_back(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let mut orders = Vec::new();
    for run in 0..RUNS {
        let id = place_card_order(customer, &shop.product_id, 1).await;
        let payment = start(customer, &id).await;
        play(app, &payment, "late").await;
        orders.push((id, sandbox_event(&app.app, &format!("evt_{run}"), "payment.succeeded", &payment).await));
    }
    app.clock.advance(WINDOW);
    let told = orders.iter().map(|(_, event)| {
        let (api, event) = (app.api.clone(), event.clone());
        async move {
            tell(&api, &event).await;
        }
    });
    let told: Vec<_> = told.collect();
    let swept = app.app.clone();
    let sweep = tokio::spawn(async move { expiry::sweep(&swept).await.unwrap() });
    at_once(told).await;
    sweep.await.unwrap();
    for (id, _) in &orders {
        let order = money(customer, id).await;
        let timeline = timeline(&order);
        if order["status"] == "READY" {
            assert_eq!(timeline[1], "PAYMENT_SUCCEEDED");
            assert_eq!(order["paymentStatus"], "PAID");
        } else {
            assert_eq!(timeline[..3], ["PLACED", "CANCELLED", "PAYMENT_SUCCEEDED"], "{order}");
            until_money(customer, id, "/paymentStatus", "REFUNDED").await;
        }
    }
    audit(&app.app).await;
}

async fn a_success_that_races_a_cancellation_goes_back(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    for _ in 0..RUNS {
        let id = place_card_order(customer, &shop.product_id, 1).await;
        let payment = start(customer, &id).await;
        let input = json!({ "idempotencyKey": key(), "orderId": id });
        let (played, ()) = tokio::join!(try_play(app, &payment, "succeed"), async {
            customer.mutate(CANCEL_ORDER, input).await.ok("cancelOrder");
        });
        let order = until_money(customer, &id, "/status", "CANCELLED").await;
        assert_eq!(order["payments"].as_array().unwrap().len(), 1);
        if played.status.is_success() {
            until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
        } else {
            // the cancellation has called it off at the provider before
            assert!(played.text().contains("It is too late"), "{}", played.text());
            assert!(!["PAID", "REFUNDED"].contains(&order["paymentStatus"].as_str().unwrap()), "{order}");
        }
    }
    assert_eq!(world.stock().await, (100, 100, 0));
    audit(&app.app).await;
}

async fn two_payments_of_an_order_that_both_succeed_cost_once(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let first = start(customer, &id).await;
    let failed = sandbox_event(&app.app, "evt_0", "payment.failed", &first).await;
    tell(app, &failed).await;
    // it goes on at the provider before it could be called off there
    play(app, &first, "late").await;
    let second = start(customer, &id).await;
    play(app, &second, "succeed").await;
    until_money(customer, &id, "/paymentStatus", "PAID").await;
    app.clock.advance(app.app.config.payments.sandbox_late);
    let order = until_money(customer, &id, "/payments/0/status", "REFUNDED").await;
    assert_eq!((&order["paymentStatus"], &order["payments"][1]["status"]), (&json!("PAID"), &json!("PAID")));
    assert_eq!(order["status"], "READY");
    audit(&app.app).await;
}

async fn payments_started_at_once_are_one(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    for _ in 0..RUNS {
        let id = place_card_order(customer, &shop.product_id, 1).await;
        let starts = (0..4).map(|_| {
            let (customer, id) = (customer.clone(), id.clone());
            async move { crate::support::money::started(&try_start(&customer, &id).await) }
        });
        let started: Vec<Started> = at_once(starts).await;
        assert!(started.iter().all(|one| (&one.id, &one.secret) == (&started[0].id, &started[0].secret)), "{started:?}");
        let count = payment::Entity::find().filter(payment::Column::OrderId.eq(uuid(Kind::Order, &id)));
        assert_eq!(count.count(app.app.db.reader()).await.unwrap(), 1);
    }
    audit(&app.app).await;
}

async fn a_start_that_broke_off_in_between_is_gone_on_with(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let actor = customer.principal().await;
    let ask = StartPayment { order: uuid(Kind::Order, &id), provider: None };
    let first = start_payment(&app.app, actor, "one-key", ask.clone()).await.unwrap().payment;
    // as it is after a crash between the provider's answer and our writing it down
    let forgotten = payment::Entity::update_many()
        .col_expr(payment::Column::ProviderRef, Expr::value(None::<String>))
        .col_expr(payment::Column::ClientSecret, Expr::value(None::<String>));
    forgotten.exec(app.app.db.writer()).await.unwrap();
    let again = start_payment(&app.app, actor, "one-key", ask).await.unwrap().payment;
    assert_eq!((again.id, &again.provider_ref), (first.id, &first.provider_ref), "the provider knew it");
    assert_eq!(again.client_secret, first.client_secret);
    play(app, &Started { id: String::new(), secret: again.client_secret.unwrap() }, "succeed").await;
    until_money(customer, &id, "/status", "READY").await;
    audit(&app.app).await;
}

async fn the_last_payment_is_the_last_by_the_database_s_clock(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let first = start(customer, &id).await;
    tell(app, &sandbox_event(&app.app, "evt_0", "payment.failed", &first).await).await;
    app.clock.advance(Duration::from_secs(1));
    let second = start(customer, &id).await;
    // by an instance whose clock is behind
    let early = Uuid::from_u128(1);
    let renamed = payment::Entity::update_many()
        .col_expr(payment::Column::Id, Expr::value(early))
        .filter(payment::Column::Id.eq(uuid(Kind::Payment, &second.id)));
    renamed.exec(app.app.db.writer()).await.unwrap();
    let order = money(customer, &id).await;
    assert_eq!((&order["payments"][0]["id"], &order["payments"][0]["status"]), (&json!(first.id), &json!("FAILED")));
    customer.mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": id })).await.ok("cancelOrder");
    assert_eq!(money(customer, &id).await["payments"][1]["status"], "FAILED");
    // both are called off where they were made
    for payment in [&first, &second] {
        until(|| async { try_play(app, payment, "succeed").await.status == axum::http::StatusCode::CONFLICT }).await;
    }
    audit(&app.app).await;
}

/// Has so many pieces reserved, whatever orders say.
async fn reserve(app: &App, product: &str, pieces: i32) {
    let update = stock::Entity::update_many().col_expr(stock::Column::Reserved, Expr::value(pieces));
    update.filter(stock::Column::ProductId.eq(uuid(Kind::Product, product))).exec(app.db.writer()).await.unwrap();
}

async fn an_order_that_cannot_be_called_off_keeps_no_other_waiting(shape: Shape) {
    // nothing runs beside the sweep of the test
    let parts = TestParts::build(shape).await;
    let app = &parts.app;
    let (product_id, order_id) = {
        let served = crate::support::app::serve(app).await;
        let api = Api::new(app.clone(), served.addr);
        let (shop, customer) = tokio::join!(seller_with_product(&api, 100, "40.00"), api.customer());
        let made = (shop.product_id.clone(), place_card_order(&customer, &shop.product_id, 3).await);
        let other = product(&shop.seller, &shop.category_id, 10, "1.00").await;
        place_card_order(&customer, &other, 1).await;
        served.stop().await;
        made
    };
    // as no code of ours leaves it: what was promised to the first order is not reserved
    reserve(app, &product_id, 0).await;
    parts.clock.advance(app.config.payments.window);
    let swept = expiry::sweep(app).await.unwrap();
    assert_eq!((swept.found, swept.ended), (2, 2), "one is called off, the other set aside");
    let again = expiry::sweep(app).await.unwrap();
    assert_eq!((again.found, again.ended), (0, 0), "and in no sweep's way");
    let stuck = async || {
        let order = order::Entity::find_by_id(uuid(Kind::Order, &order_id)).one(app.db.reader()).await.unwrap().unwrap();
        *order.status
    };
    assert_eq!(stuck().await, OrderStatus::Pending);
    let [waiting] = job::Entity::find().all(app.db.reader()).await.unwrap().try_into().unwrap();
    assert_eq!(waiting.kind, OVERDUE, "it is a job, which is tried again, and which an admin sees when it is given up");
    let served = crate::support::app::serve(app).await;
    let tried = async || job::Entity::find_by_id(waiting.id).one(app.db.reader()).await.unwrap().unwrap();
    until(async || tried().await.last_error.is_some()).await;
    assert_eq!(stuck().await, OrderStatus::Pending);
    // somebody mends it
    reserve(app, &product_id, 3).await;
    parts.clock.advance(Duration::from_mins(5));
    until(async || stuck().await == OrderStatus::Cancelled).await;
    until(async || job::Entity::find().count(app.db.reader()).await.unwrap() == 0).await;
    served.stop().await;
    audit(app).await;
}

async fn refunds_at_once_never_exceed_what_was_paid(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 2).await;
    let payment = start(customer, &id).await;
    play(app, &payment, "succeed").await;
    until_money(customer, &id, "/status", "READY").await;
    // 2 × 40.00, tax and the fee: 109.00 in all
    let refunds = (0..8).map(|_| {
        let (seller, payment) = (shop.seller.clone(), payment.id.clone());
        async move { try_refund(&seller, &payment, Some("30.00")).await }
    });
    let answers = at_once(refunds).await;
    let refused = answers.iter().filter(|answer| !answer.user_errors("refundPayment").is_empty());
    for answer in refused.clone() {
        assert_eq!(answer.refusal("refundPayment"), "REFUND_TOO_LARGE");
        assert_eq!(answer.user_errors("refundPayment")[0]["field"], json!(["amount"]));
    }
    assert_eq!(answers.len() - refused.count(), 3, "three thirties are in 109");
    until(|| async {
        let order = money(customer, &id).await;
        order["payments"][0]["refunds"].as_array().unwrap().iter().all(|refund| refund["status"] == "REFUNDED")
    })
    .await;
    let order = money(customer, &id).await;
    assert_eq!(order["paymentStatus"], "PARTIALLY_REFUNDED");
    assert_eq!(payment_row(&app.app, &payment.id).await.refunded_minor, 9_000);
    audit(&app.app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_call_unpaid_orders_off_once_and_do_a_dead_one_s_jobs() {
    let cluster = TestCluster::start_on(Redis::shared().await, 2, |config| config.payments.window = WINDOW).await;
    let mut cluster = cluster;
    let here = cluster[0].clone();
    let (shop, customer) = tokio::join!(seller_with_product(&here, 100, "40.00"), here.customer());
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(place_card_order(&customer, &shop.product_id, 1).await);
    }
    let paid = place_card_order(&customer, &shop.product_id, 1).await;
    let payment = start(&customer, &paid).await;
    play(&here, &payment, "late").await;
    cluster.kill(0);
    let there = cluster[1].clone();
    let (seller, customer) = (shop.seller.at(&there), customer.at(&there));
    cluster.clock.advance(Duration::from_mins(1));
    until_money(&customer, &paid, "/status", "READY").await;
    cluster.clock.advance(WINDOW);
    for id in &ids {
        until_money(&customer, id, "/status", "CANCELLED").await;
    }
    let product = seller.query(PRODUCT, json!({ "id": shop.product_id })).await;
    assert_eq!(product.data()["product"]["stock"], json!({ "onHand": 99, "reserved": 0 }));
    let cancelled = order::Entity::find().all(there.app.db.reader()).await.unwrap();
    assert!(cancelled.iter().all(|order| order.payment_due_at.is_none()));
    audit(&there.app).await;
}
