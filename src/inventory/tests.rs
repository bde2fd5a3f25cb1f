//! The inventory over a database file of its own.

use domain::access::Actor;
use domain::error::{Detail, ErrorCode, Rejection};
use domain::id::Kind;
use entity::{product, stock_movement};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

use super::service::{self, Line};
use crate::app::App;
use crate::catalog::tests::{Shop, new_seller};
use crate::graphql::ids;
use crate::platform::db::retry;
use crate::platform::{Error, Result};

async fn sell_once(app: &App, lines: &[Line], actor: Uuid) -> Result<Uuid> {
    let tx = app.db.begin().await?;
    let order = app.ids.uuid();
    service::sell(app, &tx, lines, order, actor, app.clock.now()).await?;
    tx.commit().await?;
    Ok(order)
}

async fn sell(app: &App, lines: &[Line], actor: Uuid) -> Result<Uuid> {
    retry(|| sell_once(app, lines, actor)).await
}

async fn ledger(app: &App, product: Uuid) -> Vec<stock_movement::Model> {
    let find = stock_movement::Entity::find().filter(stock_movement::Column::ProductId.eq(product));
    find.all(app.db.reader()).await.unwrap()
}

async fn on_hand(app: &App, product: Uuid) -> i32 {
    service::list_stocks(app, &[product]).await.unwrap()[0].on_hand
}

async fn sold(app: &App, product: Uuid) -> i64 {
    product::Entity::find_by_id(product).one(app.db.reader()).await.unwrap().unwrap().sold_count
}

fn refusal<T: std::fmt::Debug>(result: Result<T>) -> Rejection {
    match result.unwrap_err() {
        Error::Rejected(rejection) => *rejection,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_forty_buyers_of_ten_pieces_ten_get_one() {
    let shop = Shop::open().await;
    let product = shop.list("last", "Last", 1, 10).await.id;
    let buyers = (0..40).map(|_| {
        let (app, actor) = (shop.app.clone(), shop.seller.user);
        tokio::spawn(async move { sell(&app, &[Line { product, quantity: 1 }], actor).await })
    });
    let outcomes = futures_util::future::join_all(buyers).await;
    let won = outcomes.into_iter().filter(|outcome| outcome.as_ref().unwrap().is_ok()).count();
    assert_eq!(won, 10);
    assert_eq!(on_hand(&shop.app, product).await, 0);
    assert_eq!(sold(&shop.app, product).await, 10);
    let ledger = ledger(&shop.app, product).await;
    assert_eq!(ledger.iter().map(|line| line.delta).sum::<i32>(), 0);
    assert_eq!(ledger.len(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_over_the_same_products_in_any_order_all_go_through() {
    let shop = Shop::open().await;
    let (a, b) = (shop.list("a", "A", 1, 40).await.id, shop.list("b", "B", 1, 40).await.id);
    let buyers = (0..40).map(|n| {
        let (app, actor) = (shop.app.clone(), shop.seller.user);
        let mut lines = [Line { product: a, quantity: 1 }, Line { product: b, quantity: 1 }];
        if n % 2 == 0 {
            lines.reverse();
        }
        tokio::spawn(async move { sell(&app, &lines, actor).await })
    });
    for outcome in futures_util::future::join_all(buyers).await {
        outcome.unwrap().unwrap();
    }
    assert_eq!((on_hand(&shop.app, a).await, on_hand(&shop.app, b).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_line_is_named_by_its_place_and_sells_nothing() {
    let shop = Shop::open().await;
    let (a, b) = (shop.list("a", "A", 1, 5).await.id, shop.list("b", "B", 1, 5).await.id);
    // given with the later id first, so that places differ from the order of locking
    let lines = [Line { product: b, quantity: 6 }, Line { product: a, quantity: 1 }];
    let refusal = refusal(sell(&shop.app, &lines, shop.seller.user).await);
    assert_eq!(refusal.code, ErrorCode::InsufficientStock);
    assert_eq!(refusal.field, ["items", "0", "quantity"]);
    assert_eq!(refusal.detail, Detail::Stock { product: b, requested: 6, available: 5 });
    assert_eq!((on_hand(&shop.app, a).await, sold(&shop.app, a).await), (5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_leaves_stock_and_sales_as_they_were() {
    let shop = Shop::open().await;
    let product = shop.list("a", "A", 1, 5).await.id;
    let lines = [Line { product, quantity: 3 }];
    let order = sell(&shop.app, &lines, shop.seller.user).await.unwrap();
    let tx = shop.app.db.begin().await.unwrap();
    service::put_back(&shop.app, &tx, &lines, order, None, shop.app.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((on_hand(&shop.app, product).await, sold(&shop.app, product).await), (5, 0));
    let ledger = ledger(&shop.app, product).await;
    assert_eq!(ledger.iter().map(|line| line.delta).sum::<i32>(), 5);
    assert_eq!(ledger.iter().filter(|line| line.order_id == Some(order)).count(), 2);
}

const ADJUST: &str = "mutation($input: AdjustStockInput!) { adjustStock(input: $input) {
  product { stock { onHand movements(first: 1) { nodes { delta onHandAfter reason note } pageInfo { hasNextPage } } } }
  userErrors { code field ... on InsufficientStock { requested available } } } }";

async fn adjust(shop: &Shop, viewer: Actor, product: Uuid, key: &str, change: Value) -> Value {
    let mut input = json!({ "idempotencyKey": key, "productId": *ids::id(Kind::Product, product), "reason": "ADJUSTED" });
    input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    shop.ask(Some(viewer), ADJUST, json!({ "input": input })).await.unwrap()["adjustStock"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adjustment_is_done_once_and_only_to_what_was_expected() {
    let shop = Shop::open().await;
    let product = shop.list("a", "A", 1, 5).await.id;
    let seller = shop.seller;
    for _ in 0..2 {
        let change = json!({ "delta": -2, "note": "broken", "reason": "DAMAGED", "expectedOnHand": 5 });
        let done = adjust(&shop, seller, product, "k1", change).await;
        assert_eq!(done["userErrors"], json!([]));
        let stock = &done["product"]["stock"];
        assert_eq!(stock["onHand"], 3);
        let line = json!({ "delta": -2, "onHandAfter": 3, "reason": "DAMAGED", "note": "broken" });
        assert_eq!(stock["movements"], json!({ "nodes": [line], "pageInfo": { "hasNextPage": true } }));
    }
    let stranger = new_seller(&shop.app).await;
    for (viewer, change, code, field) in [
        (seller, json!({ "delta": 1, "expectedOnHand": 5 }), "VERSION_CONFLICT", "expectedOnHand"),
        (seller, json!({ "delta": -4 }), "INSUFFICIENT_STOCK", "delta"),
        (seller, json!({ "delta": 10_000_000 }), "INVALID_INPUT", "delta"),
        (seller, json!({ "delta": 0 }), "INVALID_INPUT", "delta"),
        (seller, json!({ "delta": 1, "reason": "SOLD" }), "INVALID_INPUT", "reason"),
        (stranger, json!({ "delta": 1 }), "NOT_FOUND", "productId"),
    ] {
        let refused = adjust(&shop, viewer, product, "k2", change.clone()).await;
        assert_eq!(refused["product"], Value::Null);
        assert_eq!(refused["userErrors"][0]["code"], code, "{change}");
        assert_eq!(refused["userErrors"][0]["field"], json!([field]), "{change}");
    }
    let short = adjust(&shop, seller, product, "k3", json!({ "delta": -4 })).await;
    assert_eq!(short["userErrors"][0]["available"], 3);
    assert_eq!(on_hand(&shop.app, product).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_who_counted_the_same_one_may_correct_it() {
    let shop = Shop::open().await;
    let product = shop.list("a", "A", 1, 5).await.id;
    let change = json!({ "delta": 1, "expectedOnHand": 5 });
    let keys: Vec<_> = (0..8).map(|n| format!("k{n}")).collect();
    let counts = keys.iter().map(|key| adjust(&shop, shop.seller, product, key, change.clone()));
    let done = futures_util::future::join_all(counts).await;
    assert_eq!(done.iter().filter(|outcome| outcome["userErrors"] == json!([])).count(), 1);
    assert_eq!(on_hand(&shop.app, product).await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn ledgers_of_many_products_are_read_together_and_paged_apart() {
    let shop = Shop::open().await;
    let seller = shop.seller;
    let mut keys = 0;
    for (sku, adjustments) in [("a", 0), ("b", 1), ("c", 4)] {
        let product = shop.list(sku, sku, 1, 100).await.id;
        for delta in 1..=adjustments {
            keys += 1;
            adjust(&shop, seller, product, &keys.to_string(), json!({ "delta": delta })).await;
            // ids are by the millisecond
            shop.app.clock.advance(std::time::Duration::from_millis(2));
        }
    }
    let ask = "query($after: String) { products(sort: NAME) { nodes { stock { movements(first: 2, after: $after) {
      nodes { delta } pageInfo { hasNextPage hasPreviousPage endCursor } } } } } }";
    let all = shop.ask(Some(seller), ask, json!({})).await.unwrap();
    let ledgers: Vec<_> = all["products"]["nodes"].as_array().unwrap().iter().map(|n| &n["stock"]["movements"]).collect();
    let deltas = |ledger: &Value| ledger["nodes"].as_array().unwrap().iter().map(|n| n["delta"].clone()).collect::<Vec<_>>();
    assert_eq!(ledgers.iter().map(|ledger| deltas(ledger)).collect::<Vec<_>>(), [vec![100], vec![1, 100], vec![4, 3]]);
    let more: Vec<_> = ledgers.iter().map(|ledger| ledger["pageInfo"]["hasNextPage"].clone()).collect();
    assert_eq!(more, [false, false, true]);

    let one = "query($after: String) { product(sku: \"c\") { stock { movements(first: 2, after: $after) {
      nodes { delta } pageInfo { hasPreviousPage } } } } }";
    let after = &ledgers[2]["pageInfo"]["endCursor"];
    let next = shop.ask(Some(seller), one, json!({ "after": after })).await.unwrap();
    assert_eq!(deltas(&next["product"]["stock"]["movements"]), [2, 1]);
    assert_eq!(next["product"]["stock"]["movements"]["pageInfo"]["hasPreviousPage"], true);
    let foreign = &ledgers[1]["pageInfo"]["endCursor"];
    assert_eq!(shop.ask(Some(seller), one, json!({ "after": foreign })).await.unwrap_err(), "BAD_CURSOR");
}
