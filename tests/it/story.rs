//! One order from the shelf to the door, seen by everyone who takes part in it.

use serde_json::{Value, json};

use crate::support::story::{
    AVAILABLE_ORDERS, ORDER_UPDATES, PLACE_ORDER, PRODUCT, by_hand, claim, deliver, order, order_input, pack, place_order,
    ready_order, seller_with_product, step, text, try_claim, try_place_order, try_step,
};
use crate::support::{Shape, TestApp, TestCluster, over_both_shapes};

over_both_shapes! {
    an_order_goes_from_the_shelf_to_the_door,
    an_order_placed_twice_with_one_key_is_one_order,
    what_is_not_in_stock_cannot_be_ordered,
    a_claimed_order_cannot_be_claimed_twice,
    a_stranger_does_not_see_an_order,
}

/// The versions that a subscription tells of until the order is delivered; each change is one more than the one before.
fn assert_contiguous(items: &[Value]) {
    let versions: Vec<i64> = items.iter().map(|item| item["order"]["version"].as_i64().unwrap()).collect();
    assert!(versions.windows(2).all(|pair| pair[1] == pair[0] + 1), "versions with a gap: {versions:?}");
}

async fn an_order_goes_from_the_shelf_to_the_door(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let mut available = partner.subscribe(AVAILABLE_ORDERS, json!({})).await;
    assert_eq!(available.next().await["__typename"], "AvailableOrdersSnapshot");

    by_hand(&app, &shop.seller).await;
    let id = place_order(&customer, &shop.product_id, 2).await;
    let mut updates = customer.subscribe(ORDER_UPDATES, json!({ "orderId": id })).await;
    let mut items = vec![updates.next().await];
    assert_eq!(items[0]["__typename"], "OrderSnapshot");
    pack(&shop.seller, &id).await;
    let offered = available.until(|item| item["__typename"] == "OrderAvailable").await;
    assert_eq!(offered["order"]["orderId"], id.as_str());
    claim(&partner, &id).await;
    let gone = available.until(|item| item["__typename"] == "OrderUnavailable").await;
    assert_eq!((&gone["orderId"], &gone["reason"]), (&json!(id), &json!("CLAIMED")));
    deliver(&partner, &customer, &id).await;

    while items.last().is_none_or(|item| item["order"]["status"] != "DELIVERED") {
        items.push(updates.next().await);
    }
    assert_contiguous(&items);
    let product = shop.seller.query(PRODUCT, json!({ "id": shop.product_id })).await;
    assert_eq!(product.data()["product"]["available"], 8);
}

async fn an_order_placed_twice_with_one_key_is_one_order(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let input = order_input(&shop.product_id, 3);
    let (first, second) =
        tokio::join!(customer.mutate(PLACE_ORDER, input.clone()), customer.mutate(PLACE_ORDER, input.clone()));
    assert_eq!(text(first.ok("placeOrder"), "/order/id"), text(second.ok("placeOrder"), "/order/id"));
    let product = shop.seller.query(PRODUCT, json!({ "id": shop.product_id })).await;
    assert_eq!(product.data()["product"]["available"], 7, "the goods are taken once");
}

async fn what_is_not_in_stock_cannot_be_ordered(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 1, "40.00"), app.customer());
    let answer = try_place_order(&customer, &shop.product_id, 2).await;
    assert_eq!(answer.refusal("placeOrder"), "INSUFFICIENT_STOCK");
    assert_eq!(answer.user_errors("placeOrder")[0]["available"], 1);
}

async fn a_claimed_order_cannot_be_claimed_twice(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, anna, boris) =
        tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner(), app.partner());
    let id = ready_order(&shop, &customer).await;
    let (first, second) = tokio::join!(try_claim(&anna, &id, true), try_claim(&boris, &id, true));
    let lost: Vec<&Value> = [&first, &second].iter().flat_map(|answer| answer.user_errors("claimOrder")).collect();
    assert_eq!(lost.len(), 1, "{first:?} and {second:?}");
    assert_eq!((&lost[0]["code"], &lost[0]["reason"]), (&json!("CLAIM_LOST"), &json!("TAKEN")));
}

async fn a_stranger_does_not_see_an_order(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, stranger) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.customer());
    let id = place_order(&customer, &shop.product_id, 1).await;
    assert_eq!(order(&stranger, &id).await, Value::Null);
    assert_eq!(try_step(&stranger, &id, "CANCELLED").await.refusal("updateOrderStatus"), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_at_one_instance_is_told_at_the_other() {
    let cluster = TestCluster::start(2).await;
    let (shop, customer) = tokio::join!(seller_with_product(&cluster[0], 10, "40.00"), cluster[0].customer());
    by_hand(&cluster[0], &shop.seller).await;
    let id = place_order(&customer, &shop.product_id, 1).await;
    let mut updates = customer.at(&cluster[1]).subscribe(ORDER_UPDATES, json!({ "orderId": id })).await;
    let mut items = vec![updates.next().await];
    step(&shop.seller, &id, "PREPARING").await;
    items.push(updates.next().await);
    // without Redis it takes a poll of the log, or a reconnect; nothing is missing after
    cluster.redis_network.cut();
    step(&shop.seller, &id, "READY").await;
    items.push(updates.next().await);
    assert_contiguous(&items);
}
