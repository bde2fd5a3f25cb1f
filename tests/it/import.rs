//! Importing products: what is right is written, what is wrong is said, and nothing happens twice.

use std::collections::{BTreeMap, BTreeSet};

use domain::error::ErrorCode;
use domain::id::Kind;
use entity::{event, product, product_tag, stock, stock_movement};
use quick_commerce::app::App;
use quick_commerce::catalog::event::PRODUCT_CHANGED;
use quick_commerce::catalog::import::NewRow;
use quick_commerce::inventory::import::{Import, ImportRow, Imported, import, import_batch};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::actors::Actor;
use crate::support::audit::audit;
use crate::support::crowd::{at_once, count_done, customers, place, uuid};
use crate::support::story::{SAVE_CATEGORY, key, product as new_product};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    rows_make_products_and_change_those_that_are_there,
    a_bad_row_is_named_and_stops_no_other,
    all_or_nothing_writes_nothing_when_a_row_is_bad,
    an_import_that_is_sent_again_does_nothing_and_answers_the_same,
    another_sellers_sku_is_not_touched,
    what_is_promised_stays_in_stock,
    a_price_above_the_old_one_ends_the_reduction,
    what_is_no_news_is_not_told,
    a_thousand_rows_take_as_many_statements_as_ten,
    a_dry_run_says_what_would_be_and_writes_nothing,
    imports_of_the_same_new_products_at_once_make_each_once,
    sellers_who_import_the_same_skus_at_once_share_them,
    orders_and_imports_at_once_leave_the_ledger_right,
    a_product_of_createproduct_is_changed_by_its_sku,
}

const IMPORT: &str = "mutation($input: ImportProductsInput!) { importProducts(input: $input) { created updated
    rowErrors { row sku error { code field } } userErrors { code field } } }";

const BY_SKU: &str = "query($sku: String) { product(sku: $sku) { name description active price { amount } tags images
    compareAtPrice { amount } category { slug } available stock { onHand movements { nodes { delta reason note } } } } }";

/// A store and a category `dairy`.
struct Stage {
    app: TestApp,
    admin: Actor,
    seller: Actor,
}

impl Stage {
    async fn new(shape: Shape) -> Self {
        let app = TestApp::start(shape).await;
        let (admin, seller) = tokio::join!(app.admin(), app.seller());
        for slug in ["dairy", "bakery"] {
            admin.mutate(SAVE_CATEGORY, json!({ "slug": slug, "name": slug })).await.ok("saveCategory");
        }
        Self { app, admin, seller }
    }

    async fn import(&self, rows: &[Value]) -> Value {
        self.import_as(&self.seller, rows, false).await
    }

    async fn import_as(&self, seller: &Actor, rows: &[Value], all_or_nothing: bool) -> Value {
        let input = json!({ "idempotencyKey": key(), "rows": rows, "allOrNothing": all_or_nothing });
        seller.mutate(IMPORT, input).await.ok("importProducts").clone()
    }

    async fn see(&self, sku: &str) -> Value {
        self.seller.query(BY_SKU, json!({ "sku": sku })).await.data()["product"].clone()
    }

    /// Everything of the catalogue and the stock, to compare.
    async fn everything(&self) -> Value {
        let db = self.app.app.db.reader();
        let products: BTreeMap<Uuid, _> =
            product::Entity::find().all(db).await.unwrap().into_iter().map(|row| (row.id, row)).collect();
        let stocks: BTreeMap<Uuid, _> =
            stock::Entity::find().all(db).await.unwrap().into_iter().map(|row| (row.product_id, row)).collect();
        let tags: BTreeSet<_> = product_tag::Entity::find()
            .all(db)
            .await
            .unwrap()
            .into_iter()
            .map(|row| format!("{} {}", row.product_id, row.tag))
            .collect();
        let movements = stock_movement::Entity::find().count(db).await.unwrap();
        let events = event::Entity::find().filter(event::Column::Kind.eq(PRODUCT_CHANGED)).count(db).await.unwrap();
        json!([products, stocks, tags, movements, events])
    }
}

fn row(sku: &str, price: &str, stock: i32) -> Value {
    json!({ "sku": sku, "name": format!("Product {sku}"), "description": "", "categorySlug": "dairy", "price": price,
        "stock": stock })
}

fn with(mut row: Value, field: &str, value: Value) -> Value {
    row[field] = value;
    row
}

/// The same within the process.
fn rows(skus: impl IntoIterator<Item = String>, stock: i32) -> Import {
    let rows = skus.into_iter().map(|sku| ImportRow {
        product: NewRow {
            name: format!("Product {sku}"),
            sku,
            description: "Something to eat.".to_owned(),
            category_slug: "dairy".to_owned(),
            price: 10.into(),
            tags: Some(vec!["fresh".to_owned(), "daily".to_owned()]),
            images: None,
        },
        stock,
    });
    Import { rows: rows.collect(), is_all_or_nothing: false }
}

fn imported(created: i32, updated: i32) -> Value {
    json!({ "created": created, "updated": updated, "rowErrors": [], "userErrors": [] })
}

async fn rows_make_products_and_change_those_that_are_there(shape: Shape) {
    let stage = Stage::new(shape).await;
    let milk =
        with(with(row("milk", "27.00", 40), "tags", json!(["Fresh", "fresh", "daily"])), "images", json!(["/milk.png"]));
    assert_eq!(stage.import(&[milk, row(" eggs ", "8", 0)]).await, imported(2, 0));
    let milk = stage.see("milk").await;
    let ledger = json!({ "onHand": 40, "movements": { "nodes": [{ "delta": 40, "reason": "IMPORTED", "note": null }] } });
    let expected = json!({ "name": "Product milk", "description": "", "active": true, "price": { "amount": "27.00" },
        "tags": ["fresh", "daily"], "images": ["/milk.png"], "compareAtPrice": null, "category": { "slug": "dairy" },
        "available": 40, "stock": ledger });
    assert_eq!(milk, expected);
    assert_eq!(stage.see("eggs").await["stock"], json!({ "onHand": 0, "movements": { "nodes": [] } }));

    // what is absent stays, what is empty goes
    let milk = with(with(row("milk", "26.50", 25), "name", json!("Whole Milk")), "categorySlug", json!("bakery"));
    let milk = with(milk, "images", json!([]));
    assert_eq!(stage.import(&[row("bread", "30", 5), milk]).await, imported(1, 1));
    let milk = stage.see("milk").await;
    assert_eq!((&milk["name"], &milk["price"]["amount"]), (&json!("Whole Milk"), &json!("26.50")));
    assert_eq!((&milk["tags"], &milk["images"]), (&json!(["fresh", "daily"]), &json!([])));
    assert_eq!((&milk["category"]["slug"], &milk["available"]), (&json!("bakery"), &json!(25)));
    assert_eq!(milk["stock"]["movements"]["nodes"][0], json!({ "delta": -15, "reason": "IMPORTED", "note": null }));

    // found by what it says now
    let find = "query($search: String, $tags: [String!]) { products(search: $search, filter: { tags: $tags }, sort: NAME) {
        nodes { sku } } }";
    for (search, tags, skus) in [("whole", json!([]), vec!["milk"]), ("", json!(["daily"]), vec!["milk"])] {
        let answer = stage.app.anonymous().query(find, json!({ "search": search, "tags": tags })).await;
        let found: Vec<&str> = answer.data()["products"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["sku"].as_str().unwrap())
            .collect();
        assert_eq!(found, skus);
    }
    let retagged = with(row("milk", "26.50", 25), "tags", json!(["cold"]));
    stage.import(&[retagged]).await;
    let answer = stage.app.anonymous().query(find, json!({ "search": "", "tags": ["daily"] })).await;
    assert_eq!(answer.data()["products"]["nodes"], json!([]));
    audit(&stage.app.app).await;
}

async fn a_bad_row_is_named_and_stops_no_other(shape: Shape) {
    let stage = Stage::new(shape).await;
    let long = "x".repeat(5_001);
    let bad = [
        (with(row("a1", "1", 1), "sku", json!("")), "INVALID_INPUT", vec!["sku"]),
        (with(row("a2", "1", 1), "sku", json!("a\0b")), "INVALID_INPUT", vec!["sku"]),
        (with(row("a3", "1", 1), "name", json!(" ")), "INVALID_INPUT", vec!["name"]),
        (with(row("a4", "1", 1), "description", json!(long)), "INVALID_INPUT", vec!["description"]),
        (with(row("a5", "1", 1), "categorySlug", json!("No Slug\0")), "INVALID_INPUT", vec!["categorySlug"]),
        (with(row("a6", "1", 1), "categorySlug", json!("nowhere")), "NOT_FOUND", vec!["categorySlug"]),
        (row("a7", "0", 1), "INVALID_INPUT", vec!["price"]),
        (row("a8", "-1", 1), "INVALID_INPUT", vec!["price"]),
        (row("a9", "1.001", 1), "INVALID_INPUT", vec!["price"]),
        (row("a10", "1", -1), "INVALID_INPUT", vec!["stock"]),
        (row("a11", "1", 10_000_001), "INVALID_INPUT", vec!["stock"]),
        (with(row("a12", "1", 1), "tags", json!(["ok", ""])), "INVALID_INPUT", vec!["tags", "1"]),
        (with(row("a13", "1", 1), "images", json!(["//elsewhere/a.png"])), "INVALID_INPUT", vec!["images", "0"]),
        // of an SKU that an earlier row has, also of one that is refused
        (row(" good0", "1", 1), "ALREADY_EXISTS", vec!["sku"]),
        (row("a7", "1", 1), "ALREADY_EXISTS", vec!["sku"]),
    ];
    let mut rows = vec![row("good0", "1", 1)];
    let mut expected = Vec::new();
    for (number, (bad, code, field)) in bad.into_iter().enumerate() {
        let sku = bad["sku"].as_str().unwrap().trim().to_owned();
        let sku = if number < 2 { Value::Null } else { json!(sku) };
        rows.push(bad);
        expected.push(json!({ "row": rows.len(), "sku": sku, "error": { "code": code, "field": field } }));
    }
    rows.push(row("good1", "1", 1));
    let answer = stage.import(&rows).await;
    assert_eq!(answer["rowErrors"], json!(expected));
    assert_eq!((&answer["created"], &answer["updated"]), (&json!(2), &json!(0)));
    assert_eq!(product::Entity::find().count(stage.app.app.db.reader()).await.unwrap(), 2);
    assert_eq!(stage.import(&[]).await, imported(0, 0));
    let many: Vec<Value> = (0..1_001).map(|number| row(&format!("m{number}"), "1", 1)).collect();
    let answer = stage.seller.mutate(IMPORT, json!({ "idempotencyKey": key(), "rows": many })).await;
    assert_eq!(answer.user_errors("importProducts"), [json!({ "code": "INVALID_INPUT", "field": ["rows"] })]);
    audit(&stage.app.app).await;
}

async fn all_or_nothing_writes_nothing_when_a_row_is_bad(shape: Shape) {
    let stage = Stage::new(shape).await;
    stage.import(&[row("milk", "27.00", 40)]).await;
    let before = stage.everything().await;
    let later = with(row("cake", "5", 1), "categorySlug", json!("cakes"));
    let rows = [row("milk", "1", 1), row("new", "1", 1), row("bad", "0", 1), later];
    let input = json!({ "idempotencyKey": key(), "rows": rows, "allOrNothing": true });
    let answer = stage.seller.mutate(IMPORT, input).await.ok("importProducts").clone();
    let error = |row: i32, sku: &str, code: &str, field: &str| json!({ "row": row, "sku": sku, "error": { "code": code, "field": [field] } });
    let errors = json!([error(3, "bad", "INVALID_INPUT", "price"), error(4, "cake", "NOT_FOUND", "categorySlug")]);
    assert_eq!(answer, json!({ "created": 0, "updated": 0, "rowErrors": errors, "userErrors": [] }));
    assert_eq!(stage.everything().await, before);

    // it was not remembered: what was missing may be made, and the same import sent again
    let input = json!({ "idempotencyKey": key(), "rows": [rows[0], rows[1], rows[3]], "allOrNothing": true });
    let refused = stage.seller.mutate(IMPORT, input.clone()).await;
    assert_eq!(refused.ok("importProducts")["rowErrors"][0]["row"], 3);
    stage.admin.mutate(SAVE_CATEGORY, json!({ "slug": "cakes", "name": "Cakes" })).await.ok("saveCategory");
    assert_eq!(*stage.seller.mutate(IMPORT, input).await.ok("importProducts"), imported(2, 1));
    audit(&stage.app.app).await;
}

async fn an_import_that_is_sent_again_does_nothing_and_answers_the_same(shape: Shape) {
    let stage = Stage::new(shape).await;
    let mut input = json!({ "idempotencyKey": key(), "rows": [row("milk", "27.00", 40), row("bad", "0", 1)] });
    let first = stage.seller.mutate(IMPORT, input.clone()).await.ok("importProducts").clone();
    assert_eq!((&first["created"], &first["rowErrors"][0]["sku"]), (&json!(1), &json!("bad")));
    // meanwhile it is sold: sending it again puts nothing back
    let buyer = customers(&stage.app.app, 1).await[0];
    let milk = product::Entity::find().one(stage.app.app.db.reader()).await.unwrap().unwrap().id;
    place(&stage.app.app, buyer, &[(milk, 3)]).await.unwrap();
    let before = stage.everything().await;
    // the same price, written otherwise, is the same request
    for price in ["27.00", "27", "27.000"] {
        input["rows"][0]["price"] = json!(price);
        let again = stage.seller.mutate(IMPORT, input.clone()).await.ok("importProducts").clone();
        assert_eq!((&again, stage.everything().await), (&first, before.clone()), "{price}");
    }
    assert_eq!(stage.see("milk").await["available"], 37);

    input["rows"][0]["stock"] = json!(41);
    let other = stage.seller.mutate(IMPORT, input.clone()).await;
    assert_eq!(other.refusal("importProducts"), "IDEMPOTENCY_MISMATCH");
    // another seller's keys are their own
    let other = stage.app.seller().await;
    let answer = other.mutate(IMPORT, input).await.ok("importProducts").clone();
    assert_eq!(answer["rowErrors"][0]["error"]["code"], "ALREADY_EXISTS");
}

async fn another_sellers_sku_is_not_touched(shape: Shape) {
    let stage = Stage::new(shape).await;
    stage.import(&[with(row("milk", "27.00", 40), "tags", json!(["fresh"]))]).await;
    let before = stage.see("milk").await;
    let other = stage.app.seller().await;
    for all_or_nothing in [false, true] {
        let rows = [with(row("milk", "1.00", 1), "tags", json!(["mine"])), row("butter", "50", 1)];
        let answer = stage.import_as(&other, &rows, all_or_nothing).await;
        let error = json!({ "row": 1, "sku": "milk", "error": { "code": "ALREADY_EXISTS", "field": ["sku"] } });
        let created = i32::from(!all_or_nothing);
        assert_eq!(answer, json!({ "created": created, "updated": 0, "rowErrors": [error], "userErrors": [] }));
    }
    assert_eq!(stage.see("milk").await, before);
    audit(&stage.app.app).await;
}

async fn what_is_promised_stays_in_stock(shape: Shape) {
    let stage = Stage::new(shape).await;
    stage.import(&[row("milk", "27.00", 10)]).await;
    let promise = stock::Entity::update_many().col_expr(stock::Column::Reserved, Expr::value(4));
    promise.exec(stage.app.app.db.writer()).await.unwrap();
    let answer = stage.import(&[row("milk", "1.00", 3), row("eggs", "8", 1)]).await;
    let error = json!({ "row": 1, "sku": "milk", "error": { "code": "INVALID_INPUT", "field": ["stock"] } });
    assert_eq!(answer, json!({ "created": 1, "updated": 0, "rowErrors": [error], "userErrors": [] }));
    let milk = stage.see("milk").await;
    assert_eq!((&milk["price"]["amount"], &milk["stock"]["onHand"]), (&json!("27.00"), &json!(10)), "nothing of the row");
    assert_eq!(stage.import(&[row("milk", "1.00", 4)]).await, imported(0, 1));
    assert_eq!(stage.see("milk").await["available"], 0);
}

async fn a_price_above_the_old_one_ends_the_reduction(shape: Shape) {
    let stage = Stage::new(shape).await;
    stage.import(&[row("milk", "20", 1), row("eggs", "20", 1)]).await;
    let reduce = product::Entity::update_many().col_expr(product::Column::CompareAtMinor, Expr::value(3_000_i64));
    reduce.exec(stage.app.app.db.writer()).await.unwrap();
    stage.import(&[row("milk", "29.99", 1), row("eggs", "30", 1)]).await;
    assert_eq!(stage.see("milk").await["compareAtPrice"], json!({ "amount": "30.00" }));
    assert_eq!(stage.see("eggs").await["compareAtPrice"], Value::Null);

    let off = product::Entity::update_many().col_expr(product::Column::IsActive, Expr::value(false));
    off.exec(stage.app.app.db.writer()).await.unwrap();
    stage.import(&[row("milk", "1", 1)]).await;
    assert_eq!(stage.see("milk").await["active"], false, "an import puts nothing back on sale");
}

async fn what_is_no_news_is_not_told(shape: Shape) {
    let stage = Stage::new(shape).await;
    let (milk, eggs) = (with(row("milk", "20", 1), "tags", json!(["fresh"])), row("eggs", "8", 4));
    stage.import(&[milk.clone(), eggs.clone()]).await;
    let changed = async || {
        let told = event::Entity::find().filter(event::Column::Kind.eq(PRODUCT_CHANGED));
        told.count(stage.app.app.db.reader()).await.unwrap()
    };
    assert_eq!(changed().await, 2, "one of each product");
    let before = stage.everything().await;
    assert_eq!(stage.import(&[milk.clone(), eggs.clone()]).await, imported(0, 2));
    assert_eq!(stage.everything().await, before, "neither a line of the ledger nor an event");
    stage.import(&[milk, with(eggs.clone(), "stock", json!(5))]).await;
    assert_eq!(changed().await, 3, "a change of the stock alone is news");
    stage.import(&[with(eggs, "price", json!("9"))]).await;
    assert_eq!(changed().await, 4, "and one of the price alone, with the stock that was there before");
}

async fn statements(app: &App, seller: domain::access::Actor, import_of: &Import) -> (u64, Imported) {
    let before = app.db.statements();
    let imported = import(app, &seller, &key(), import_of).await.unwrap_or_else(|_| panic!("it is imported"));
    (app.db.statements() - before, imported)
}

async fn a_thousand_rows_take_as_many_statements_as_ten(shape: Shape) {
    let stage = Stage::new(shape).await;
    // over the wire, with as much to say as fits
    let words = "word ".repeat(150);
    let many: Vec<Value> =
        (0..1_000).map(|n| with(row(&format!("w{n}"), "19.99", n), "description", json!(words.trim()))).collect();
    assert_eq!(stage.import(&many).await, imported(1_000, 0));
    let (seller, app) = (stage.seller.principal().await, stage.app.api.app.clone());
    // nothing in the background may count
    let _database = stage.app.stop().await;
    let mut counts = Vec::new();
    for (name, count) in [("few", 10), ("many", 1_000)] {
        let skus = |range: std::ops::Range<i32>| range.map(|number| format!("{name}{number}")).collect::<Vec<_>>();
        let (new, made) = statements(&app, seller, &rows(skus(0..count), 7)).await;
        assert_eq!((made.created, made.updated, made.errors), (count, 0, Vec::new()));
        // half of them are there already, and all of these are changed, tags and stock too
        let mut mixed = rows(skus(count / 2..count + count / 2), 9);
        for row in &mut mixed.rows {
            row.product.tags = Some(vec!["other".to_owned()]);
        }
        let (half, made) = statements(&app, seller, &mixed).await;
        assert_eq!((made.created, made.updated, made.errors), (count / 2, count / 2, Vec::new()));
        counts.push((new, half));
    }
    assert_eq!(counts[0], counts[1]);
    assert!(counts[0].0 <= 16 && counts[0].1 <= 20, "{counts:?}");
    audit(&app).await;
}

async fn a_dry_run_says_what_would_be_and_writes_nothing(shape: Shape) {
    let stage = Stage::new(shape).await;
    stage.import(&[row("milk", "27.00", 10)]).await;
    let before = stage.everything().await;
    let mut wanted = rows(["milk", "eggs", "bread"].map(str::to_owned), 3);
    wanted.rows[2].stock = -1;
    let seller = stage.seller.principal().await;
    let would = import_batch(&stage.app.app, &seller, &wanted, true).await.unwrap_or_else(|_| panic!("it is told"));
    assert_eq!((would.created, would.updated, would.errors.len()), (1, 1, 1));
    assert_eq!(stage.everything().await, before);
    let done = import_batch(&stage.app.app, &seller, &wanted, false).await.unwrap_or_else(|_| panic!("it is done"));
    assert_eq!(done, would);
    assert_eq!(stage.see("eggs").await["available"], 3);
}

async fn imports_of_the_same_new_products_at_once_make_each_once(shape: Shape) {
    let stage = Stage::new(shape).await;
    let seller = stage.seller.principal().await;
    let imports = (0..6).map(|number| {
        let app = stage.app.app.clone();
        // in another order each
        let mut skus: Vec<String> = (0..60).map(|sku| format!("sku{:02}", (sku * 7 + number * 11) % 60)).collect();
        if number % 2 == 0 {
            skus.reverse();
        }
        async move { import(&app, &seller, &key(), &rows(skus, number)).await.unwrap_or_else(|_| panic!("no deadlock")) }
    });
    let done = at_once(imports).await;
    assert_eq!(done.iter().map(|imported| imported.created).sum::<i32>(), 60);
    assert_eq!(done.iter().map(|imported| imported.updated).sum::<i32>(), 300);
    assert!(done.iter().all(|imported| imported.errors.is_empty()));
    let db = stage.app.app.db.reader();
    assert_eq!(product::Entity::find().count(db).await.unwrap(), 60);
    assert_eq!(product_tag::Entity::find().count(db).await.unwrap(), 120);
    // the last one's stock, for all of them
    let stocks: BTreeSet<i32> = stock::Entity::find().all(db).await.unwrap().iter().map(|stock| stock.on_hand).collect();
    assert_eq!(stocks.len(), 1, "{stocks:?}");
    audit(&stage.app.app).await;
}

async fn sellers_who_import_the_same_skus_at_once_share_them(shape: Shape) {
    let stage = Stage::new(shape).await;
    let mut sellers = Vec::new();
    for _ in 0..4 {
        sellers.push(stage.app.seller().await.principal().await);
    }
    let imports = sellers.into_iter().enumerate().map(|(number, seller)| {
        let app = stage.app.app.clone();
        let mut skus: Vec<String> = (0..40).map(|sku| format!("sku{sku:02}")).collect();
        skus.rotate_left(number * 10);
        async move {
            let imported = import(&app, &seller, &key(), &rows(skus, 1)).await.unwrap_or_else(|_| panic!("no deadlock"));
            (seller.seller.unwrap(), imported)
        }
    });
    let done = at_once(imports).await;
    for (store, imported) in &done {
        assert!(imported.errors.iter().all(|error| error.code == ErrorCode::AlreadyExists));
        assert_eq!(imported.created + i32::try_from(imported.errors.len()).unwrap(), 40);
        let own = product::Entity::find().filter(product::Column::SellerId.eq(*store));
        assert_eq!(own.count(stage.app.app.db.reader()).await.unwrap(), u64::try_from(imported.created).unwrap());
    }
    assert_eq!(done.iter().map(|(_, imported)| imported.created).sum::<i32>(), 40);
    audit(&stage.app.app).await;
}

async fn orders_and_imports_at_once_leave_the_ledger_right(shape: Shape) {
    let stage = Stage::new(shape).await;
    let skus: Vec<String> = (0..5).map(|number| format!("sku{number}")).collect();
    let seller = stage.seller.principal().await;
    import(&stage.app.app, &seller, &key(), &rows(skus.clone(), 30)).await.unwrap_or_else(|_| panic!("it is imported"));
    let products: Vec<Uuid> =
        product::Entity::find().all(stage.app.app.db.reader()).await.unwrap().iter().map(|row| row.id).collect();
    let importing = (0..8).map(|number| {
        let (app, mut skus) = (stage.app.app.clone(), skus.clone());
        skus.rotate_left(number % 5);
        let number = i32::try_from(number).unwrap();
        async move { import(&app, &seller, &key(), &rows(skus, 20 + number)).await.unwrap_or_else(|_| panic!("no deadlock")) }
    });
    let buyers = customers(&stage.app.app, 60).await;
    let buying = buyers.into_iter().enumerate().map(|(number, buyer)| {
        let (app, products) = (stage.app.app.clone(), products.clone());
        async move {
            let lines: Vec<(Uuid, i32)> = (0..3).map(|place| (products[(number * 3 + place * 2) % 5], 2)).collect();
            place(&app, buyer, &lines).await
        }
    });
    let (imports, orders) = tokio::join!(at_once(importing), at_once(buying));
    assert!(imports.iter().all(|imported| imported.updated == 5 && imported.errors.is_empty()));
    assert!(count_done(&orders, ErrorCode::InsufficientStock) > 0);
    audit(&stage.app.app).await;
}

async fn a_product_of_createproduct_is_changed_by_its_sku(shape: Shape) {
    let stage = Stage::new(shape).await;
    let categories = stage.admin.query("{ categories { id slug } }", Value::Null).await;
    let dairy = categories.data()["categories"].as_array().unwrap().iter().find(|one| one["slug"] == "dairy").unwrap();
    let id = new_product(&stage.seller, dairy["id"].as_str().unwrap(), 3, "10.00").await;
    let made = product::Entity::find_by_id(uuid(Kind::Product, &id)).one(stage.app.app.db.reader()).await.unwrap().unwrap();
    assert_eq!(stage.import(&[row(&made.sku, "11", 4)]).await, imported(0, 1));
    let after = stage.see(&made.sku).await;
    assert_eq!((&after["price"]["amount"], &after["available"]), (&json!("11.00"), &json!(4)));
}
