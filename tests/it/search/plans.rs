//! That lists of a large catalogue are read by indexes: what the databases say that they do, for the statements that are
//! really sent. No time is measured; what is counted is rows.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::product;
use quick_commerce::app::App;
use quick_commerce::catalog::{Search, Sort, service};
use quick_commerce::inventory::service::in_stock;
use quick_commerce::platform::page::PageArgs;
use sea_orm::{
    ConnectionTrait as _, DbBackend, EntityTrait as _, FromQueryResult as _, JsonValue, Order, QueryOrder as _,
    QuerySelect as _, Statement, TransactionTrait as _,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::shelf::{self, Row};
use crate::support::{Shape, TestParts, over_both_shapes};

over_both_shapes! {
    lists_of_a_hundred_thousand_products_are_read_by_indexes,
}

/// Different products, of each of which there are [`COPIES`].
const KINDS: usize = 1_000;

const COPIES: usize = 100;

const CATEGORIES: usize = 20;

/// Where a deep page begins.
const DEEP: u64 = 3_000;

/// The most rows that a node of a plan may look at: a page of those that one in twenty rows match, or so many as are
/// fetched and sorted because they are few, with room for chance.
const MOST_ROWS: f64 = 10_000.0;

/// The most to count up to two thousand of those that one in ten rows match.
const MOST_ROWS_TO_COUNT: f64 = 25_000.0;

/// Fills the catalogue: the databases multiply what is indexed once.
async fn fill(app: &App) -> Vec<Uuid> {
    let mut categories = Vec::new();
    for number in 0..CATEGORIES {
        categories.push(shelf::category(app, number).await);
    }
    let sellers = [shelf::seller(app).await, shelf::seller(app).await];
    for part in 0..4 {
        // a quarter, without regard to anything else, is sold out
        let products = (0..KINDS).filter(|kind| kind / 7 % 4 == part).map(|kind| {
            let (sku, colour, thing) =
                (format!("SKU-{kind}"), format!("colour{}", kind / 50), format!("thing{}", kind % 50));
            let name = format!("{colour} {thing} kind{kind}");
            let tags = [if kind == 500 { "rare" } else { "common" }, if kind % 5 == 0 { "fifth" } else { "other" }];
            let description = format!("Fresh. Part of box{}.", kind % 10);
            let row: Row<'_> = (&sku, &name, &tags, &description, i64::try_from(kind * 7919 % 5_000).unwrap());
            shelf::product(kind * 617 % KINDS, sellers[usize::from(kind % 10 == 0)], categories[kind % CATEGORIES], row)
        });
        shelf::insert(app, products.collect(), i32::from(part > 0)).await;
    }
    let last = COPIES - 1;
    let (id, series) = if app.db.backend() == DbBackend::Postgres {
        let id = "CAST(lpad(to_hex(c.n), 8, '0') || substr(CAST(k.id AS text), 9) AS uuid)";
        (id, format!("generate_series(1, {last}) AS c (n)"))
    } else {
        let numbers = "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n <";
        ("unhex(printf('%08x', c.n) || substr(hex(k.id), 9))", format!("({numbers} {last}) SELECT n FROM s) AS c"))
    };
    let kinds = "(SELECT * FROM products) AS k";
    let columns = "seller_id, category_id, name, name_key, search_text, description, compare_at_minor, currency, images, tags, is_active, created_at, updated_at";
    for statement in [
        format!(
            "INSERT INTO products (id, sku, price_minor, sold_count, {columns})
             SELECT {id}, k.sku || '-' || c.n, k.price_minor + c.n * 389 % 997 * 10, k.sold_count + c.n * 1009 % 887, {columns} FROM {kinds}, {series}"
        ),
        format!("INSERT INTO product_tags (product_id, tag) SELECT {id}, k.tag FROM (SELECT product_id AS id, tag FROM product_tags) AS k, {series}"),
        format!(
            "INSERT INTO stocks (product_id, on_hand, reserved, low_stock_threshold, is_low, was_low)
             SELECT {id}, on_hand, reserved, low_stock_threshold, is_low, was_low
             FROM (SELECT product_id AS id, on_hand, reserved, low_stock_threshold, is_low, was_low FROM stocks) AS k, {series}"
        ),
        "ANALYZE".to_owned(),
    ] {
        app.db.writer().execute_unprepared(&statement).await.unwrap();
    }
    categories
}

/// What the statements that are sent do, as the database says.
pub(crate) struct Explainer {
    sent: Arc<Mutex<Vec<Statement>>>,
}

impl Explainer {
    pub(crate) fn of(app: &App) -> Self {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&sent);
        app.db.on_statement(move |statement| heard.lock().unwrap().push(statement.clone()));
        Self { sent }
    }

    /// Passes over what was sent until now.
    pub(crate) fn forget(&self) {
        self.sent.lock().unwrap().clear();
    }

    /// How each of the statements since the last time is done, in the database's words, where tables are too small for an
    /// index to be worth its while: as if they were not.
    pub(crate) async fn plans(&self, app: &App) -> Vec<String> {
        let sent = std::mem::take(&mut *self.sent.lock().unwrap());
        let tx = app.db.reader().begin().await.unwrap();
        let mut plans = Vec::new();
        for statement in sent {
            let how = if statement.db_backend == DbBackend::Postgres {
                tx.execute_unprepared("SET LOCAL enable_seqscan = off").await.unwrap();
                "EXPLAIN (FORMAT JSON)"
            } else {
                "EXPLAIN QUERY PLAN"
            };
            let explain = Statement { sql: format!("{how} {}", statement.sql), ..statement };
            plans.push(format!("{:?}", JsonValue::find_by_statement(explain).all(&tx).await.unwrap()));
        }
        tx.commit().await.unwrap();
        self.sent.lock().unwrap().clear();
        plans
    }

    /// Checks what was sent since the last time; how many sorted.
    pub(super) async fn check(&self, app: &App, what: &str) -> usize {
        self.check_within(app, what, f64::INFINITY).await
    }

    /// The same, and that no index gives more rows than `of_index`.
    async fn check_within(&self, app: &App, what: &str, of_index: f64) -> usize {
        let sent = std::mem::take(&mut *self.sent.lock().unwrap());
        assert!(!sent.is_empty(), "{what}");
        let mut sorts = 0;
        for statement in sent {
            let how = if statement.db_backend == DbBackend::Postgres {
                "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON)"
            } else {
                "EXPLAIN QUERY PLAN"
            };
            let explain = Statement { sql: format!("{how} {}", statement.sql), ..statement.clone() };
            let rows = JsonValue::find_by_statement(explain).all(app.db.reader()).await.unwrap();
            let what = format!("{what}: {}\n{rows:#?}", statement.sql);
            // to count, any rows will do, as they come: it ends at the limit
            let is_count = statement.sql.starts_with("SELECT count(*)");
            if statement.db_backend == DbBackend::Postgres {
                let most = if is_count { MOST_ROWS_TO_COUNT } else { MOST_ROWS };
                sorts += usize::from(check_node(&rows[0]["QUERY PLAN"][0]["Plan"], (most, of_index), &what));
            } else {
                let steps: Vec<_> = rows.iter().map(|row| row["detail"].as_str().unwrap()).collect();
                // a walk along an index ends with the page, unless what it gives is sorted or counted then
                let is_endless = steps.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
                let is_scan = |step: &&str| {
                    let is_walk = step.starts_with("SCAN products") && step.contains("INDEX") && !is_endless;
                    (step.starts_with("SCAN products") && !is_walk) || step.starts_with("SCAN product_words")
                };
                assert!(is_count || !steps.iter().any(is_scan), "{what}");
                sorts += usize::from(steps.iter().any(|step| step.contains("TEMP B-TREE")));
            }
        }
        self.sent.lock().unwrap().clear();
        sorts
    }
}

/// Whether something in the plan sorts. Nothing may look at many rows, still less read a table from
/// end to end.
fn check_node(node: &Value, (most, of_index): (f64, f64), what: &str) -> bool {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let kind = node["Node Type"].as_str().unwrap();
    // the entries of an index are small, and a search may have to see all of one word
    let most_here = if kind == "Bitmap Index Scan" { of_index } else { most };
    let rows = (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops");
    assert!(rows <= most_here, "{rows} rows in {what}");
    let beneath = node["Plans"].as_array().into_iter().flatten();
    // each, not until one does: each is checked
    beneath.fold(kind.contains("Sort"), |sorts, node| check_node(node, (most, of_index), what) || sorts)
}

/// A cursor deep in the list of the whole catalogue by `sort`, made of one of its first page.
async fn deep(app: &App, sort: Sort, first: &str) -> String {
    use product::Column;

    let (column, order) = match sort {
        Sort::Newest => (Column::CreatedAt, Order::Desc),
        Sort::PriceAsc => (Column::PriceMinor, Order::Asc),
        Sort::PriceDesc => (Column::PriceMinor, Order::Desc),
        Sort::Name => (Column::NameKey, Order::Asc),
        Sort::Relevance | Sort::BestSelling => (Column::SoldCount, Order::Desc),
    };
    let find = product::Entity::find().order_by(column, order.clone()).order_by(Column::Id, order).offset(DEEP).limit(1);
    let row = find.one(app.db.reader()).await.unwrap().unwrap();
    let mut cursor: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(first).unwrap()).unwrap();
    cursor["i"] = json!(row.id);
    let key = match sort {
        Sort::Newest => json!(row.created_at.timestamp_micros()),
        Sort::PriceAsc | Sort::PriceDesc => json!(row.price_minor),
        Sort::Name => json!(row.name_key),
        Sort::Relevance | Sort::BestSelling => json!(row.sold_count),
    };
    if cursor["k"].is_array() {
        cursor["k"][1] = key;
    } else {
        cursor["k"] = key;
    }
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap())
}

const SORTS: [Sort; 6] = [Sort::Relevance, Sort::Newest, Sort::PriceAsc, Sort::PriceDesc, Sort::Name, Sort::BestSelling];

async fn lists_of_a_hundred_thousand_products_are_read_by_indexes(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let app = parts.app.clone();
    let categories = fill(&app).await;
    let seller = service::list_by_ids(app.db.reader(), &[Uuid::from_u128(1)]).await.unwrap()[0].seller_id;
    let explainer = Explainer::of(&app);
    let text = |text: &str| Search::default().with_text(text).unwrap();
    let tagged = |tag: &str| Search::default().with_tags(&[tag.to_owned()]).unwrap();
    let priced = |min: i64, max: i64| Search { min_minor: Some(min), max_minor: Some(max), ..Search::default() };
    // what is narrowed down to few is sorted; what many match never is
    let lists = [
        ("everything", Search::default(), None, false),
        ("a category", Search { category: Some(categories[3]), ..Search::default() }, None, false),
        ("a seller", Search { seller: Some(seller), ..Search::default() }, None, false),
        ("in stock", Search::default(), Some(in_stock(true)), false),
        ("a tag of many", tagged("common"), None, false),
        ("a tag of a fifth", tagged("fifth"), None, false),
        ("a tag of few", tagged("rare"), None, true),
        ("prices of many", priced(1_000, 9_000), None, false),
        ("prices of few", priced(100, 105), None, true),
        ("a word of all", text("fresh"), None, false),
        ("a letter", text("t"), None, false),
        ("a word in many names", text("colour7"), None, false),
        ("a word in many descriptions, in stock", text("box3"), Some(in_stock(true)), false),
        ("a word of few", text("kind777"), None, true),
        ("two words of many, together of few", text("colour7 thing7"), None, true),
        ("a word of many in a category", Search { category: Some(categories[3]), ..text("fresh") }, None, false),
        ("a word of nothing", text("zzzz"), None, true),
    ];
    for (name, search, among, may_sort) in lists {
        for sort in SORTS {
            let search = Search { sort: Some(sort), ..search.clone() };
            let args = PageArgs::new(&name, Some(20), None, None, None).unwrap();
            let page = service::list(&app, None, &search, among.clone(), &args).await.unwrap();
            let what = format!("{name}, {sort:?}");
            // the index of words gives all products of a common one before the first: a page is at hand without it
            let is_common = ["a word of all", "a word of many in a category", "a letter"].contains(&name);
            let of_index = if is_common { MOST_ROWS } else { f64::INFINITY };
            let sorts = explainer.check_within(&app, &what, of_index).await;
            // the one product whose name or SKU is the text is sorted too, and by name more are than otherwise
            let is_exempt = search.text.is_some() && matches!(sort, Sort::Relevance | Sort::Name);
            assert!(may_sort || is_exempt || sorts == 0, "{what} sorts");
            let Some((cursor, _)) = page.rows.last() else { continue };
            let cursor = deep(&app, sort, cursor).await;
            let args = PageArgs::new(&name, Some(20), Some(&cursor), None, None).unwrap();
            explainer.forget();
            service::list(&app, None, &search, among.clone(), &args).await.unwrap();
            let sorts = explainer.check_within(&app, &format!("{what}, deep"), of_index).await;
            assert!(may_sort || is_exempt || sorts == 0, "{what} sorts deep down");
        }
        service::count(&app, None, &search, among).await.unwrap();
        explainer.check(&app, &format!("the count of {name}")).await;
    }
    service::count_by_category(&app, &categories[..1]).await.unwrap();
    explainer.check(&app, "the products of a category, counted").await;
}
