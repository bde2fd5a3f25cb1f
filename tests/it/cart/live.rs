//! Whoever follows a cart is told of what changes in it, and under it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{FIELDS, apply, clear, in_time, kinds, order_of_cart, promo, reprice, set, take_off_sale, try_order};
use crate::support::actors::Actor;
use crate::support::redis::Redis;
use crate::support::socket::Subscription;
use crate::support::story::{
    ADJUST_STOCK, CANCEL_ORDER, adjust_stock, key, order_input, place_order, seller_with_product, text,
};
use crate::support::{Shape, TestApp, TestCluster, over_both_shapes};

over_both_shapes! {
    a_cart_is_told_to_all_devices_of_its_customer,
    what_others_do_to_a_cart_is_told_to_whoever_follows_it,
    a_code_that_ends_is_told,
    a_code_that_begins_or_is_used_up_or_comes_back_is_told,
    an_order_of_the_cart_empties_it_before_everybodys_eyes,
    a_cart_that_looks_as_before_is_not_told_again,
}

/// Follows the cart, past its first picture.
async fn follow(customer: &Actor) -> (Subscription, Value) {
    let mut updates = customer.subscribe(&format!("subscription {{ cartUpdates {{ {FIELDS} }} }}"), json!({})).await;
    let first = updates.next().await;
    (updates, first)
}

/// The next cart that has these problems, and no others.
async fn problems(updates: &mut Subscription, wanted: &[&str]) -> Value {
    updates.until(|cart| kinds(cart) == wanted).await
}

async fn a_cart_is_told_to_all_devices_of_its_customer(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, stranger) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.customer());
    let ((mut one, first), (mut two, _)) = tokio::join!(follow(&customer), follow(&customer));
    assert_eq!(first["lines"], json!([]));
    let (mut theirs, _) = follow(&stranger).await;
    let now = set(&customer, &shop.product_id, 2).await;
    for updates in [&mut one, &mut two] {
        updates.until(|cart| *cart == now).await;
    }
    clear(&customer).await;
    for updates in [&mut one, &mut two] {
        updates.until(|cart| cart["lines"] == json!([])).await;
    }
    // another's cart is told of their own only
    let own = set(&stranger, &shop.product_id, 1).await;
    assert_eq!(theirs.next().await, own);
}

async fn what_others_do_to_a_cart_is_told_to_whoever_follows_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, other) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.customer());
    set(&customer, &shop.product_id, 4).await;
    let (mut updates, _) = follow(&customer).await;
    reprice(&shop.seller, &shop.product_id, "41.00").await;
    let dearer = problems(&mut updates, &["PRICE_CHANGED"]).await;
    assert_eq!(dearer["subtotal"]["amount"], "164.00");
    set(&customer, &shop.product_id, 4).await;
    problems(&mut updates, &[]).await;
    let order = place_order(&other, &shop.product_id, 7).await;
    let short = problems(&mut updates, &["INSUFFICIENT_STOCK"]).await;
    assert_eq!(short["problems"][0]["available"], 3);
    let rest = place_order(&other, &shop.product_id, 3).await;
    problems(&mut updates, &["OUT_OF_STOCK"]).await;
    for order in [order, rest] {
        other.mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": order })).await.ok("cancelOrder");
    }
    problems(&mut updates, &[]).await;
    let damaged = json!({ "idempotencyKey": key(), "productId": shop.product_id, "delta": -10, "reason": "DAMAGED" });
    shop.seller.mutate(ADJUST_STOCK, damaged).await.ok("adjustStock");
    problems(&mut updates, &["OUT_OF_STOCK"]).await;
    take_off_sale(&shop.seller, &shop.product_id).await;
    problems(&mut updates, &["PRODUCT_UNAVAILABLE"]).await;
}

async fn a_code_that_ends_is_told(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.admin());
    let ends = in_time(&app, Duration::from_mins(5)).await;
    let code = promo(&admin, json!({ "amountOff": 5, "endsAt": ends })).await;
    set(&customer, &shop.product_id, 1).await;
    apply(&customer, &code).await;
    let (mut updates, first) = follow(&customer).await;
    assert_eq!((kinds(&first), &first["discount"]["amount"]), (vec![], &json!("5.00")));
    app.clock.advance(Duration::from_mins(5));
    let over = problems(&mut updates, &["PROMO_INVALID"]).await;
    assert_eq!((&over["discount"]["amount"], &over["promoCode"]), (&json!("0.00"), &json!(code)));
}

async fn a_code_that_begins_or_is_used_up_or_comes_back_is_told(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, other, admin) =
        tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.customer(), app.admin());
    let code = promo(&admin, json!({ "amountOff": 5, "maxUses": 1 })).await;
    set(&customer, &shop.product_id, 1).await;
    apply(&customer, &code).await;
    let (mut updates, _) = follow(&customer).await;
    let mut input = order_input(&shop.product_id, 1);
    input["promoCode"] = json!(code);
    let order = text(&try_order(&other, input.clone()).await.ok("placeOrder")["order"], "/id");
    problems(&mut updates, &["PROMO_INVALID"]).await;
    other.mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": order })).await.ok("cancelOrder");
    problems(&mut updates, &[]).await;

    // an order of items that takes the customer's own last use concerns their cart too
    let own = promo(&admin, json!({ "amountOff": 5, "maxUsesPerCustomer": 1 })).await;
    apply(&customer, &own).await;
    updates.until(|cart| cart["promoCode"] == own.as_str()).await;
    input["promoCode"] = json!(own);
    input["idempotencyKey"] = json!(key());
    try_order(&customer, input).await.ok("placeOrder");
    problems(&mut updates, &["PROMO_INVALID"]).await;
}

async fn an_order_of_the_cart_empties_it_before_everybodys_eyes(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    set(&customer, &shop.product_id, 1).await;
    let (mut updates, _) = follow(&customer).await;
    try_order(&customer, order_of_cart()).await.ok("placeOrder");
    updates.until(|cart| cart["lines"] == json!([]) && cart["total"]["amount"] == "0.00").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cart_followed_at_one_instance_hears_what_happens_at_another() {
    let cluster = TestCluster::start(2).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (shop, customer, other, admin) =
        tokio::join!(seller_with_product(here, 5, "40.00"), here.customer(), here.customer(), here.admin());
    let ends = in_time(here, Duration::from_mins(5)).await;
    let code = promo(&admin, json!({ "amountOff": 5, "endsAt": ends })).await;
    set(&customer, &shop.product_id, 2).await;
    let (mut updates, _) = follow(&customer.at(there)).await;
    place_order(&other, &shop.product_id, 5).await;
    problems(&mut updates, &["OUT_OF_STOCK"]).await;
    clear(&customer).await;
    updates.until(|cart| cart["lines"] == json!([])).await;
    let more = json!({ "idempotencyKey": key(), "productId": shop.product_id, "delta": 5, "reason": "RECEIVED" });
    shop.seller.mutate(ADJUST_STOCK, more).await.ok("adjustStock");
    set(&customer, &shop.product_id, 1).await;
    apply(&customer, &code).await;
    updates.until(|cart| cart["discount"]["amount"] == "5.00").await;
    cluster.clock.advance(Duration::from_mins(5));
    problems(&mut updates, &["PROMO_INVALID"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cart_hears_what_happens_while_the_bus_is_away_and_once_it_is_back() {
    let cluster = TestCluster::start_on(Redis::shared().await, 2, |_| {}).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (shop, customer, other) = tokio::join!(seller_with_product(here, 50, "40.00"), here.customer(), here.customer());
    set(&customer, &shop.product_id, 2).await;
    let (mut updates, _) = follow(&customer.at(there)).await;
    for round in 0..3 {
        cluster.redis_network.down();
        let left = 10 - round;
        reprice(&shop.seller, &shop.product_id, &format!("{left}.00")).await;
        updates.until(|cart| cart["subtotal"]["amount"] == format!("{}.00", 2 * left)).await;
        cluster.redis_network.resume();
        reprice(&shop.seller, &shop.product_id, &format!("{left}.50")).await;
        updates.until(|cart| cart["subtotal"]["amount"] == format!("{}.00", 2 * left + 1)).await;
        place_order(&other, &shop.product_id, 1).await;
    }
}

async fn a_cart_that_looks_as_before_is_not_told_again(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    set(&customer, &shop.product_id, 1).await;
    let (mut updates, _) = follow(&customer).await;
    reprice(&shop.seller, &shop.product_id, "41.00").await;
    problems(&mut updates, &["PRICE_CHANGED"]).await;
    // pieces come and go, and the cart can be bought all the same
    for _ in 0..5 {
        adjust_stock(&shop.seller, &shop.product_id, 1).await;
    }
    reprice(&shop.seller, &shop.product_id, "40.00").await;
    let next = updates.next().await;
    assert_eq!(kinds(&next), [""; 0], "nothing came between that says the same: {next}");
}
