//! Products and their stock, live: alerts once each time, updates of what somebody looks at.

use std::time::Duration;

use domain::id::Kind;
use quick_commerce::graphql::build_schema;
use quick_commerce::platform::relay;
use quick_commerce::stream::Engine;
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

use crate::support::actors::Actor;
use crate::support::socket::Subscription;
use crate::support::story::{CANCEL_ORDER, adjust_stock, key, place_order, product, seller_with_product, update_product};
use crate::support::ticks::Follower;
use crate::support::wait::until;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    a_seller_is_told_once_each_time_a_stock_falls_to_its_threshold,
    buyers_at_once_cross_the_threshold_once,
    the_desk_lists_what_is_low_and_nobody_elses,
    a_product_is_shown_at_once_and_again_whenever_it_changes,
    what_is_taken_off_sale_is_told_once_more_and_then_no_more,
    what_was_taken_off_sale_unheard_is_told_to_whoever_starts_anew,
    a_list_of_products_costs_nothing_when_others_change,
}

const ALERTS: &str = "subscription { lowStockAlerts { id available stock { isLow lowStockThreshold } } }";

const UPDATES: &str = "subscription Updates($ids: [ID!]!) { productUpdates(productIds: $ids) {
    id active available inStock price { amount } stock { onHand } } }";

const NAMES: &str = "query Names($id: ID!) { product(id: $id) { sku category { slug } } }";

const IMPORT_PRODUCTS: &str = "mutation Import($input: ImportProductsInput!) { importProducts(input: $input) {
    updated rowErrors { error { message } } userErrors { code message field } } }";

const LOW_STOCK: &str = "query Low($first: Int, $after: String) { seller { lowStock(first: $first, after: $after) {
    totalCount { value } nodes { id stock { isLow } } pageInfo { endCursor hasNextPage } } } }";

/// Long enough for an event that is one too many to come.
const QUIET: Duration = Duration::from_millis(300);

/// The seller's alerts, heard from now on: a subscription without a first picture does not say when it begins.
async fn alerts(seller: &Actor, category: &str) -> Subscription {
    let mut alerts = seller.subscribe(ALERTS, json!({})).await;
    let probe = product(seller, category, 10, "1.00").await;
    loop {
        adjust_stock(seller, &probe, -5).await;
        if alerts.try_next_within(QUIET).await.is_some() {
            break;
        }
        adjust_stock(seller, &probe, 5).await;
    }
    // another word of it may be on its way, which was late: whatever comes after that of another product is of later
    let last = product(seller, category, 10, "1.00").await;
    adjust_stock(seller, &last, -5).await;
    while alerts.next().await["id"] != last {}
    alerts
}

async fn a_seller_is_told_once_each_time_a_stock_falls_to_its_threshold(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 8, "40.00"), app.customer());
    let mut alerts = alerts(&shop.seller, &shop.category_id).await;
    let names = shop.seller.query(NAMES, json!({ "id": shop.product_id })).await;
    let (sku, slug) = (&names.data()["product"]["sku"], &names.data()["product"]["category"]["slug"]);
    let alert = |available: i32, threshold: i32| {
        json!({ "id": shop.product_id, "available": available,
            "stock": { "isLow": true, "lowStockThreshold": threshold } })
    };
    // 8 → 6 → 5: the threshold is 5
    place_order(&customer, &shop.product_id, 2).await;
    let order = place_order(&customer, &shop.product_id, 1).await;
    assert_eq!(alerts.next().await, alert(5, 5));
    // lower still: it has been told; then above by a cancellation, and down again
    adjust_stock(&shop.seller, &shop.product_id, -1).await;
    adjust_stock(&shop.seller, &shop.product_id, 1).await;
    customer.mutate(CANCEL_ORDER, json!({ "orderId": order, "idempotencyKey": key() })).await.ok("cancelOrder");
    adjust_stock(&shop.seller, &shop.product_id, -3).await;
    assert_eq!(alerts.next().await, alert(3, 5));
    // a lower threshold arms it; a higher one crosses it without a piece being moved
    update_product(&shop.seller, &shop.product_id, json!({ "lowStockThreshold": 2 })).await;
    let raised = update_product(&shop.seller, &shop.product_id, json!({ "lowStockThreshold": 3 })).await;
    assert_eq!(raised["product"]["stock"]["isLow"], true);
    assert_eq!(alerts.next().await, alert(3, 3));
    // an import counts like anything else
    let row = |stock: i32| json!({ "sku": sku, "name": "Tea", "description": "Green.", "categorySlug": slug, "price": "40.00", "stock": stock });
    for stock in [9, 2] {
        let input = json!({ "idempotencyKey": key(), "rows": [row(stock)] });
        shop.seller.mutate(IMPORT_PRODUCTS, input).await.ok("importProducts");
    }
    assert_eq!(alerts.next().await, alert(2, 3));
    assert_eq!(alerts.try_next_within(QUIET).await, None, "nothing is told twice");
}

async fn buyers_at_once_cross_the_threshold_once(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 20, "40.00").await;
    let mut alerts = alerts(&shop.seller, &shop.category_id).await;
    let customers = futures_util::future::join_all((0..20).map(|_| app.customer())).await;
    let buying = customers.iter().map(|customer| place_order(customer, &shop.product_id, 1));
    futures_util::future::join_all(buying).await;
    let alert = alerts.next().await;
    assert_eq!(alert["id"], json!(shop.product_id));
    assert_eq!(alerts.try_next_within(QUIET).await, None, "twenty buyers cross a threshold once");
}

async fn the_desk_lists_what_is_low_and_nobody_elses(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, other) = tokio::join!(seller_with_product(&app, 6, "40.00"), seller_with_product(&app, 1, "40.00"));
    let low = product(&shop.seller, &shop.category_id, 5, "1.00").await;
    let page = shop.seller.query(LOW_STOCK, json!({})).await;
    let page = &page.data()["seller"]["lowStock"];
    assert_eq!(
        (&page["totalCount"]["value"], &page["nodes"]),
        (&json!(1), &json!([{ "id": low, "stock": { "isLow": true } }]))
    );
    // page by page, the newest first
    adjust_stock(&shop.seller, &shop.product_id, -1).await;
    let first = shop.seller.query(LOW_STOCK, json!({ "first": 1 })).await;
    let first = &first.data()["seller"]["lowStock"];
    assert_eq!((&first["nodes"][0]["id"], &first["pageInfo"]["hasNextPage"]), (&json!(low), &json!(true)));
    let second = shop.seller.query(LOW_STOCK, json!({ "first": 1, "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!(second.data()["seller"]["lowStock"]["nodes"][0]["id"], json!(shop.product_id));
    adjust_stock(&other.seller, &other.product_id, 50).await;
    let none = other.seller.query(LOW_STOCK, json!({})).await;
    assert_eq!(none.data()["seller"]["lowStock"]["nodes"], json!([]));
}

/// Waits for `expected`. What changed just before the first picture may be told after it once more.
async fn changed(updates: &mut Subscription, expected: &Value) {
    updates.until(|item| item == expected).await;
}

async fn a_product_is_shown_at_once_and_again_whenever_it_changes(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 8, "40.00"), app.customer());
    let milk = product(&shop.seller, &shop.category_id, 3, "30.00").await;
    let nobody = app.anonymous();
    let mut one = nobody.subscribe(UPDATES, json!({ "ids": [shop.product_id] })).await;
    let mut both = nobody.subscribe(UPDATES, json!({ "ids": [milk, shop.product_id] })).await;
    let mut own = shop.seller.subscribe(UPDATES, json!({ "ids": [shop.product_id] })).await;
    let tea = |available: i32, price: &str, on_hand: Option<i32>| {
        json!({ "id": shop.product_id, "active": true, "available": available, "inStock": available > 0,
            "price": { "amount": price }, "stock": on_hand.map(|pieces| json!({ "onHand": pieces })) })
    };
    assert_eq!(one.next().await, tea(8, "40.00", None));
    assert_eq!(both.next().await["id"], json!(milk));
    assert_eq!(both.next().await, tea(8, "40.00", None));
    assert_eq!(own.next().await, tea(8, "40.00", Some(8)));
    place_order(&customer, &shop.product_id, 8).await;
    for (updates, on_hand) in [(&mut one, None), (&mut both, None), (&mut own, Some(0))] {
        changed(updates, &tea(0, "40.00", on_hand)).await;
    }
    update_product(&shop.seller, &shop.product_id, json!({ "price": "38.50" })).await;
    for (updates, on_hand) in [(&mut one, None), (&mut both, None), (&mut own, Some(0))] {
        changed(updates, &tea(0, "38.50", on_hand)).await;
    }
    adjust_stock(&shop.seller, &milk, 1).await;
    both.until(|item| item["available"] == 4).await;
    assert_eq!(one.try_next_within(QUIET).await, None, "who looks at tea does not hear of milk");
}

async fn what_is_taken_off_sale_is_told_once_more_and_then_no_more(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 8, "40.00").await;
    let mut updates = app.anonymous().subscribe(UPDATES, json!({ "ids": [shop.product_id] })).await;
    assert_eq!(updates.next().await["active"], true);
    update_product(&shop.seller, &shop.product_id, json!({ "active": false })).await;
    updates.until(|item| item["active"] == false).await;
    // what its seller does with it then is nobody's business, until it is on sale again
    update_product(&shop.seller, &shop.product_id, json!({ "price": "1.00" })).await;
    update_product(&shop.seller, &shop.product_id, json!({ "active": true })).await;
    let again = updates.next().await;
    assert_eq!((&again["active"], &again["price"]["amount"]), (&json!(true), &json!("1.00")));
    let hidden = seller_with_product(&app, 8, "40.00").await;
    update_product(&hidden.seller, &hidden.product_id, json!({ "active": false })).await;
    let mut updates = app.anonymous().subscribe(UPDATES, json!({ "ids": [hidden.product_id, shop.product_id] })).await;
    assert_eq!(updates.next().await["id"], json!(shop.product_id), "what is not on sale is not shown");
}

async fn what_was_taken_off_sale_unheard_is_told_to_whoever_starts_anew(shape: Shape) {
    let app = TestApp::start_with(shape, |config| config.bus_check = Duration::from_millis(100)).await;
    let shop = seller_with_product(&app, 8, "40.00").await;
    let milk = product(&shop.seller, &shop.category_id, 3, "30.00").await;
    let mut updates = app.anonymous().subscribe(UPDATES, json!({ "ids": [milk, shop.product_id] })).await;
    for _ in 0..2 {
        assert_eq!(updates.next().await["active"], true);
    }
    let row = entity::product::ActiveModel {
        id: Set(crate::support::crowd::uuid(Kind::Product, &milk)),
        is_active: Set(false),
        ..Default::default()
    };
    // as a database is after it was restored: nothing in the log says so
    entity::product::Entity::update(row).exec(app.app.db.writer()).await.unwrap();
    relay::new_epoch(app.app.db.writer(), &app.app.ids).await.unwrap();
    updates.until(|item| item["id"] == json!(milk) && item["active"] == false && item["stock"].is_null()).await;
    assert_eq!(updates.until(|item| item["id"] == json!(shop.product_id)).await["active"], true);
}

async fn a_list_of_products_costs_nothing_when_others_change(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 8, "40.00").await;
    let milk = product(&shop.seller, &shop.category_id, 3, "30.00").await;
    let other = product(&shop.seller, &shop.category_id, 3, "30.00").await;
    let engine = Engine::new(app.app.clone(), build_schema(&app.app));
    let mut list = Follower::start(&engine, None, UPDATES, &json!({ "ids": [milk, shop.product_id] }));
    list.item().await;
    list.item().await;
    until(|| async { engine.counts().subscriptions == 1 }).await;
    for _ in 0..5 {
        adjust_stock(&shop.seller, &other, 1).await;
    }
    adjust_stock(&shop.seller, &milk, 1).await;
    while list.item().await["available"] != 4 {}
    let counts = engine.counts();
    assert!(counts.executions <= 2, "one for its own change, and one for what came just before it: {counts:?}");
}
