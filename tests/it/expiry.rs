//! What a partner does not do in time is undone, by the database's clock, once.

use std::time::Duration;

use domain::id::Kind;
use domain::order::OrderEventType;
use entity::{Text, order, order_event};
use quick_commerce::app::App;
use quick_commerce::config::Config;
use quick_commerce::dispatch::expiry;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use crate::support::actors::{Actor, Api};
use crate::support::audit::audit;
use crate::support::crowd::{at_once, uuid};
use crate::support::redis::Redis;
use crate::support::socket::Subscription;
use crate::support::story::{
    ACCEPT_CLAIM, AVAILABLE_ORDERS, PARTNER, claim, key, order as read_order, place_order, seller_with_product, step, text,
    try_claim, try_step,
};
use crate::support::{Shape, TestApp, TestCluster, over_both_shapes};

over_both_shapes! {
    a_hold_ends_when_its_time_is_up,
    what_has_expired_cannot_be_accepted_before_the_sweep_comes_by,
    an_order_that_is_not_picked_up_in_time_is_offered_again,
    nothing_expires_once_the_goods_are_picked_up,
    all_that_is_due_is_ended_by_one_sweep,
}

/// Access tokens outlive it, which they do not the default.
const PICKUP: Duration = Duration::from_mins(5);

fn shorter(config: &mut Config) {
    config.pickup = PICKUP;
    config.partner_capacity = 100;
}

/// Somebody who sees what is offered, past the snapshot.
async fn onlooker(api: &Api) -> Subscription {
    let mut offers = api.partner().await.subscribe(AVAILABLE_ORDERS, json!({})).await;
    assert_eq!(offers.next().await["__typename"], "AvailableOrdersSnapshot");
    offers
}

async fn offered(offers: &mut Subscription, id: &str) {
    let item = offers.next().await;
    assert_eq!((&item["__typename"], &item["order"]["orderId"]), (&json!("OrderAvailable"), &json!(id)));
}

async fn claimed(offers: &mut Subscription, id: &str) {
    let item = offers.next().await;
    assert_eq!((&item["__typename"], &item["orderId"]), (&json!("OrderUnavailable"), &json!(id)));
}

async fn active(partner: &Actor) -> Value {
    let answer = partner.query(PARTNER, json!({})).await;
    answer.data()["viewer"]["user"]["partner"]["activeDeliveries"].clone()
}

async fn a_hold_ends_when_its_time_is_up(shape: Shape) {
    let app = TestApp::start_with(shape, shorter).await;
    let (shop, customer, anna, boris) =
        tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner(), app.partner());
    let mut offers = onlooker(&app).await;
    let id = place_order(&customer, &shop.product_id, 1).await;
    offered(&mut offers, &id).await;
    try_claim(&anna, &id, false).await.ok("claimOrder");
    claimed(&mut offers, &id).await;

    // half a minute before its time it is still hers
    app.clock.advance(app.app.config.claim_hold.saturating_sub(Duration::from_secs(30)));
    expiry::sweep(&app.app).await.unwrap();
    // also for whoever found it due before she got more time
    expiry::end(&app.app, uuid(Kind::Order, &id)).await.unwrap();
    assert_eq!(read_order(&customer, &id).await["claim"]["status"], "HELD");
    assert_eq!(try_claim(&boris, &id, true).await.user_errors("claimOrder")[0]["reason"], "TAKEN");

    app.clock.advance(Duration::from_secs(30));
    offered(&mut offers, &id).await;
    let order = read_order(&customer, &id).await;
    assert_eq!((&order["status"], &order["claim"]), (&json!("READY"), &Value::Null));
    let last = order["timeline"]["nodes"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["type"], &last["actorRole"]), (&json!("CLAIM_EXPIRED"), &Value::Null), "nobody did it");
    assert_eq!(active(&anna).await, 0);
    claim(&boris, &id).await;
    audit(&app.app).await;
}

async fn what_has_expired_cannot_be_accepted_before_the_sweep_comes_by(shape: Shape) {
    let app = TestApp::start_with(shape, |config| {
        shorter(config);
        config.claim_hold = Duration::from_secs(10);
    })
    .await;
    let (shop, customer, anna) = tokio::join!(seller_with_product(&app, 50, "40.00"), app.customer(), app.partner());
    // the sweep may be faster: either way it is too late
    for _ in 0..24 {
        let id = place_order(&customer, &shop.product_id, 1).await;
        let claim = text(try_claim(&anna, &id, false).await.ok("claimOrder"), "/claim/id");
        app.clock.advance(app.app.config.claim_hold);
        let late = anna.mutate(ACCEPT_CLAIM, json!({ "idempotencyKey": key(), "claimId": claim })).await;
        assert_eq!(late.refusal("acceptClaim"), "CLAIM_LOST");
        assert_eq!(late.user_errors("acceptClaim")[0]["reason"], "EXPIRED");
    }
    audit(&app.app).await;
}

async fn an_order_that_is_not_picked_up_in_time_is_offered_again(shape: Shape) {
    let app = TestApp::start_with(shape, shorter).await;
    let (shop, customer, anna) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let mut offers = onlooker(&app).await;
    let id = place_order(&customer, &shop.product_id, 1).await;
    offered(&mut offers, &id).await;
    claim(&anna, &id).await;
    claimed(&mut offers, &id).await;

    app.clock.advance(PICKUP);
    let late = try_step(&anna, &id, "PICKED_UP").await;
    // by the sweep it is not hers any more; before it, her time is up
    assert!(["CLAIM_LOST", "NOT_FOUND"].contains(&late.refusal("updateOrderStatus")), "{late:?}");
    offered(&mut offers, &id).await;
    assert_eq!(try_step(&anna, &id, "PICKED_UP").await.refusal("updateOrderStatus"), "NOT_FOUND");
    let order = read_order(&customer, &id).await;
    assert_eq!((&order["status"], &order["partner"]), (&json!("READY"), &Value::Null));
    assert_eq!(active(&anna).await, 0);
    claim(&anna, &id).await;
    step(&anna, &id, "PICKED_UP").await;
    audit(&app.app).await;
}

async fn nothing_expires_once_the_goods_are_picked_up(shape: Shape) {
    let app = TestApp::start_with(shape, shorter).await;
    let (shop, customer, anna) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let id = place_order(&customer, &shop.product_id, 1).await;
    claim(&anna, &id).await;
    step(&anna, &id, "PICKED_UP").await;
    app.clock.advance(PICKUP * 2);
    assert_eq!(expiry::sweep(&app.app).await.unwrap().found, 0, "nothing is due");
    let order = read_order(&customer, &id).await;
    assert_eq!((&order["status"], &order["claim"]["status"]), (&json!("PICKED_UP"), &json!("ACCEPTED")));
    step(&anna, &id, "IN_TRANSIT").await;
    audit(&app.app).await;
}

async fn all_that_is_due_is_ended_by_one_sweep(shape: Shape) {
    let app = TestApp::start_with(shape, shorter).await;
    let (shop, customer, anna) = tokio::join!(seller_with_product(&app, 50, "40.00"), app.customer(), app.partner());
    let mut ids = Vec::new();
    for _ in 0..20 {
        let id = place_order(&customer, &shop.product_id, 1).await;
        try_claim(&anna, &id, false).await.ok("claimOrder");
        ids.push(id);
    }
    app.clock.advance(app.app.config.claim_hold);
    // beside the server's own
    let sweeps = (0..4).map(|_| {
        let app = app.app.clone();
        async move { expiry::sweep(&app).await.unwrap() }
    });
    at_once(sweeps).await;
    for id in &ids {
        assert_expired_once(&app.app, id).await;
    }
    assert_eq!(active(&anna).await, 0);
    audit(&app.app).await;
}

async fn assert_expired_once(app: &App, id: &str) {
    let id = uuid(Kind::Order, id);
    let expired = order_event::Entity::find()
        .filter(order_event::Column::OrderId.eq(id))
        .filter(order_event::Column::Type.eq(Text(OrderEventType::ClaimExpired)));
    assert_eq!(expired.all(app.db.reader()).await.unwrap().len(), 1);
    let order = order::Entity::find_by_id(id).one(app.db.reader()).await.unwrap().unwrap();
    assert_eq!(order.claim_id, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_end_a_hold_once() {
    let cluster = TestCluster::start_on(Redis::shared().await, 2, shorter).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (shop, customer, anna) = tokio::join!(seller_with_product(here, 50, "40.00"), here.customer(), here.partner());
    let mut offers = onlooker(there).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        let id = place_order(&customer, &shop.product_id, 1).await;
        offered(&mut offers, &id).await;
        try_claim(&anna, &id, false).await.ok("claimOrder");
        claimed(&mut offers, &id).await;
        ids.push(id);
    }
    cluster.clock.advance(here.app.config.claim_hold);
    for _ in &ids {
        let again = offers.next().await;
        assert_eq!(again["__typename"], "OrderAvailable");
        ids.iter().find(|id| again["order"]["orderId"] == id.as_str()).expect("one of those");
    }
    for id in &ids {
        assert_expired_once(&here.app, id).await;
    }
    audit(&here.app).await;
}
