//! The catalogue is read from memory by those who look round, and never shows what is long gone.

use std::time::Instant;

use quick_commerce::platform::cache::MAX_AGE;
use serde_json::{Value, json};

use crate::support::actors::Actor;
use crate::support::cluster::TestCluster;
use crate::support::story::{PLACE_ORDER, adjust_stock, order_input, place_order, seller_with_product, update_product};
use crate::support::wait::until;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    those_who_look_round_are_answered_from_memory,
    what_an_instance_changed_it_shows_at_once,
}

const BROWSE: &str = "query Browse($id: ID!) { categories { slug productCount { value } } product(id: $id) {
    name available price { amount } category { name } } products(sort: NAME) { totalCount { value } nodes { name available } } }";

async fn browse(actor: &Actor, product: &str) -> Value {
    actor.query(BROWSE, json!({ "id": product })).await.data().clone()
}

async fn those_who_look_round_are_answered_from_memory(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let nobody = app.anonymous();
    // an entry lasts a second, and the machine may be busy: one of these meets what the one before it read
    until(|| async {
        let shown = browse(&nobody, &shop.product_id).await;
        let hits = app.app.cache.counts().hits;
        assert_eq!(browse(&customer, &shop.product_id).await, shown);
        app.app.cache.counts().hits >= hits + 4
    })
    .await;
    // those who run the shop are not
    let before = app.app.cache.counts();
    browse(&shop.seller, &shop.product_id).await;
    let after = app.app.cache.counts();
    assert_eq!((before.hits, before.misses), (after.hits, after.misses));
    let metrics = app.http.get("/metrics").await;
    assert!(metrics.text().contains("quick_commerce_cache_reads_total{answer=\"hit\"}"), "{}", metrics.text());
}

async fn what_an_instance_changed_it_shows_at_once(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    let nobody = app.anonymous();
    for round in 1..=20 {
        place_order(&customer, &shop.product_id, 1).await;
        let shown = browse(&nobody, &shop.product_id).await;
        assert_eq!(shown["product"]["available"], 100 - round);
        assert_eq!(shown["products"]["nodes"][0]["available"], 100 - round);
        let price = format!("{}.00", 40 + round);
        update_product(&shop.seller, &shop.product_id, json!({ "price": price })).await;
        assert_eq!(browse(&nobody, &shop.product_id).await["product"]["price"]["amount"], json!(price));
    }
    update_product(&shop.seller, &shop.product_id, json!({ "active": false })).await;
    let shown = browse(&nobody, &shop.product_id).await;
    assert_eq!((&shown["product"], &shown["products"]["totalCount"]["value"]), (&Value::Null, &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_instance_hears_of_a_change_and_sells_by_the_stock_alone() {
    let cluster = TestCluster::start(2).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (shop, customer) = tokio::join!(seller_with_product(here, 5, "40.00"), there.customer());
    let nobody = there.anonymous();
    browse(&nobody, &shop.product_id).await;
    adjust_stock(&shop.seller, &shop.product_id, -5).await;
    // whatever is shown there at this moment, there is nothing to sell
    let refused = customer.mutate(PLACE_ORDER, order_input(&shop.product_id, 1)).await;
    assert_eq!(refused.data()["placeOrder"]["userErrors"][0]["code"], "INSUFFICIENT_STOCK");
    until(|| async { browse(&nobody, &shop.product_id).await["product"]["available"] == 0 }).await;
    update_product(&shop.seller, &shop.product_id, json!({ "price": "39.00" })).await;
    until(|| async { browse(&nobody, &shop.product_id).await["product"]["price"]["amount"] == "39.00" }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_bus_does_not_bring_shows_by_its_age() {
    let cluster = TestCluster::start(2).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let shop = seller_with_product(here, 5, "40.00").await;
    let nobody = there.anonymous();
    cluster.redis_network.down();
    for round in 1..=5 {
        // the other instance has just read it
        browse(&nobody, &shop.product_id).await;
        let price = format!("{}.00", 40 + round);
        update_product(&shop.seller, &shop.product_id, json!({ "price": price })).await;
        let acknowledged = Instant::now();
        // asked at any time: whatever was asked later than the bound is answered with what is new
        loop {
            let is_late = acknowledged.elapsed() >= MAX_AGE;
            let shown = browse(&nobody, &shop.product_id).await;
            let is_new = shown["product"]["price"]["amount"] == json!(price);
            assert!(is_new || !is_late, "round {round}: {shown}");
            if is_new && is_late {
                break;
            }
        }
    }
}
