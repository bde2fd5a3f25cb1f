//! The catalogue over a database file of its own, through the schema as clients use it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use async_graphql::{Request, Variables};
use domain::Named as _;
use domain::access::{Actor, Role};
use domain::order::Preparation;
use entity::{product, product_tag, seller, user};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{NewProduct, service};
use crate::app::{Ambient, App};
use crate::config::Config;
use crate::graphql::context::Viewer;
use crate::graphql::{Schema, build_schema, ids};
use crate::inventory::listing;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A store in an empty database, which goes when this does.
pub(crate) struct Shop {
    pub(crate) app: App,
    pub(crate) seller: Actor,
    pub(crate) category: Uuid,
    schema: Schema,
    folder: PathBuf,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("qc-catalog-{}-{count}", std::process::id()));
        let url = format!("sqlite://{}/shop.db", folder.display());
        let config = Config::load(None, |name| (name == "DATABASE_URL").then(|| url.clone())).unwrap();
        let app = App::build(config, Ambient::default()).await.unwrap();
        app.migrate().await.unwrap();
        let category = service::save_category(&app, None, "fruit", "Fruit").await.unwrap().id;
        let seller = new_seller(&app).await;
        insert_user(&app, Self::admin().user, Role::Admin).await;
        Self { schema: build_schema(&app), seller, category, app, folder }
    }

    pub(crate) async fn list(&self, sku: &str, name: &str, price: i64, stock: i32) -> product::Model {
        let new = NewProduct {
            sku: sku.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            category: self.category,
            price: price.into(),
            compare_at: None,
            images: Vec::new(),
            tags: Vec::new(),
        };
        listing::create(&self.app, &self.seller, sku, new, stock, None).await.unwrap()
    }

    /// The answer's data, or its first error's code.
    pub(crate) async fn ask(&self, viewer: Option<Actor>, document: &str, variables: Value) -> Result<Value, String> {
        let request = Request::new(document).variables(Variables::from_json(variables)).data(Viewer(viewer));
        let answer = self.schema.execute(request).await;
        match answer.errors.first() {
            None => Ok(answer.data.into_json().unwrap()),
            Some(error) => Err(error.extensions.as_ref().and_then(|extensions| extensions.get("code")).map_or_else(
                || error.message.clone(),
                |code| code.clone().into_json().unwrap().as_str().unwrap().to_owned(),
            )),
        }
    }

    pub(crate) fn admin() -> Actor {
        Actor { user: Uuid::from_u128(1), role: Role::Admin, seller: None, session: Uuid::nil(), key: None, request: None }
    }

    fn create_input(&self, key: &str, sku: &str) -> Value {
        json!({ "input": {
            "idempotencyKey": key, "sku": sku, "name": "Mango", "description": "Ripe.\nSweet.",
            "categoryId": *ids::id(domain::id::Kind::Category, self.category), "price": "49.50", "compareAtPrice": "60",
            "images": ["/mango.png"], "tags": ["Fresh", "fresh", "Summer"], "initialStock": 7,
        } })
    }
}

async fn insert_user(app: &App, user: Uuid, role: Role) {
    let now = app.clock.now();
    let row = user::Model {
        id: user,
        email: format!("{user}@example.org"),
        password_hash: entity::PasswordHash::default(),
        name: "Sam".to_owned(),
        phone: None,
        role: role.into(),
        is_active: true,
        email_verified_at: None,
        created_at: now,
        updated_at: now,
    };
    user::Entity::insert(row.into_active_model()).exec_without_returning(app.db.writer()).await.unwrap();
}

/// A seller with a store.
pub(crate) async fn new_seller(app: &App) -> Actor {
    let (user, store, now) = (app.ids.uuid(), app.ids.uuid(), app.clock.now());
    insert_user(app, user, Role::Seller).await;
    let row = seller::Model {
        id: store,
        user_id: user,
        store_name: "Sam's".to_owned(),
        latitude: 12.9,
        longitude: 77.6,
        preparation: Preparation::ALL[0].into(),
        rating_sum: 0,
        rating_count: 0,
        created_at: now,
    };
    seller::Entity::insert(row.into_active_model()).exec_without_returning(app.db.writer()).await.unwrap();
    Actor { user, role: Role::Seller, seller: Some(store), session: Uuid::nil(), key: None, request: None }
}

const PAGE: &str = "query($sort: ProductSort, $search: String, $filter: ProductFilter, $first: Int, $after: String, $last: Int, $before: String) {
  products(sort: $sort, search: $search, filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    nodes { id sku } totalCount { value precision } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }";

const CREATE: &str = "mutation($input: CreateProductInput!) { createProduct(input: $input) {
  product { id sku price { amount currency } tags available inStock stock { onHand isLow movements { nodes { delta reason } } } }
  userErrors { code field } } }";

const UPDATE: &str = "mutation($input: UpdateProductInput!) { updateProduct(input: $input) {
  product { name compareAtPrice { amount } tags active stock { lowStockThreshold } } userErrors { code field } } }";

fn skus(answer: &Value) -> Vec<String> {
    answer["products"]["nodes"].as_array().unwrap().iter().map(|node| node["sku"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_visit_every_row_once_in_both_directions_whatever_the_sort() {
    let shop = Shop::open().await;
    for n in 0..11_i64 {
        // names, prices, sales and times in ties
        let product =
            shop.list(&format!("s{n}"), ["apple", "Banana", "cherry"][usize::try_from(n).unwrap() % 3], 1 + n / 4, 1).await;
        let mut row = product.into_active_model();
        row.created_at =
            sea_orm::Set(chrono::DateTime::from_timestamp_micros(1_700_000_000_000_000 + n / 3 * 1_500).unwrap());
        row.sold_count = sea_orm::Set(n % 2);
        product::Entity::update(row).exec(shop.app.db.writer()).await.unwrap();
    }
    for sort in ["RELEVANCE", "NEWEST", "PRICE_ASC", "PRICE_DESC", "NAME", "BEST_SELLING"] {
        let whole = skus(&shop.ask(None, PAGE, json!({ "sort": sort, "first": 100 })).await.unwrap());
        assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 11, "{sort}");
        for (size, at, edge, more) in
            [("first", "after", "endCursor", "hasNextPage"), ("last", "before", "startCursor", "hasPreviousPage")]
        {
            let (mut seen, mut cursor) = (Vec::new(), Value::Null);
            loop {
                let page = shop.ask(None, PAGE, json!({ "sort": sort, size: 2, at: cursor })).await.unwrap();
                if size == "first" {
                    seen.extend(skus(&page));
                } else {
                    seen.splice(0..0, skus(&page));
                }
                assert_eq!(page["products"]["totalCount"], json!({ "value": 11, "precision": "EXACT" }));
                cursor = page["products"]["pageInfo"][edge].clone();
                if page["products"]["pageInfo"][more] == false {
                    break;
                }
            }
            assert_eq!(seen, whole, "{sort} {size}");
        }
    }
    let names = skus(&shop.ask(None, PAGE, json!({ "sort": "NAME", "first": 4 })).await.unwrap());
    assert_eq!(names, ["s0", "s3", "s6", "s9"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_belongs_to_its_sort_filter_and_search() {
    let shop = Shop::open().await;
    for n in 0..3 {
        shop.list(&format!("s{n}"), "apple", 1, 1).await;
    }
    let page = shop.ask(None, PAGE, json!({ "first": 1 })).await.unwrap();
    let cursor = &page["products"]["pageInfo"]["endCursor"];
    assert!(shop.ask(None, PAGE, json!({ "first": 1, "after": cursor })).await.is_ok());
    for other in [
        json!({ "sort": "NAME", "after": cursor }),
        json!({ "search": "apple", "after": cursor }),
        json!({ "filter": { "inStock": true }, "after": cursor }),
        json!({ "after": "nonsense" }),
    ] {
        assert_eq!(shop.ask(None, PAGE, other).await.unwrap_err(), "BAD_CURSOR");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_word_must_occur_and_nothing_is_an_operator() {
    let shop = Shop::open().await;
    shop.list("a", "Juice 100% pure", 1, 1).await;
    shop.list("b", "Juice 1000 pure", 1, 1).await;
    shop.list("c_1", "Back\\slash ÄPFEL", 1, 1).await;
    shop.list("cx1", "Other", 1, 1).await;
    for (search, found) in [
        ("100%", vec!["a", "b"]),
        ("100% pu*", vec!["a", "b"]),
        ("1000", vec!["b"]),
        ("PURE juice", vec!["a", "b"]),
        ("c_1", vec!["c_1"]),
        ("back\\sl", vec!["c_1"]),
        ("ack", vec![]),
        ("apfel", vec!["c_1"]),
        ("juice slash", vec![]),
        ("\"juice\" NOT (pure):*", vec![]),
        ("'juice' & !pure | words: ^", vec![]),
        ("-%_\\'\"", vec![]),
        ("  ", vec!["a", "b", "c_1", "cx1"]),
    ] {
        let page = shop.ask(None, PAGE, json!({ "search": search, "sort": "RELEVANCE" })).await.unwrap();
        let mut skus = skus(&page);
        skus.sort();
        assert_eq!(skus, found, "{search:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_hold_together_and_bad_ones_are_refused() {
    let shop = Shop::open().await;
    shop.ask(Some(shop.seller), CREATE, shop.create_input("k", "mango")).await.unwrap();
    let cheap = shop.list("cheap", "Cheap", 1, 0).await;
    let cheap_id = ids::id(domain::id::Kind::Product, cheap.id).to_string();
    for (filter, found) in [
        (json!({ "inStock": true }), vec!["mango"]),
        (json!({ "inStock": false }), vec!["cheap"]),
        (json!({ "tags": ["FRESH", "summer"] }), vec!["mango"]),
        (json!({ "tags": ["fresh", "winter"] }), vec![]),
        (json!({ "minPrice": "49.50", "maxPrice": "49.50" }), vec!["mango"]),
        (json!({ "ids": [cheap_id.clone()] }), vec!["cheap"]),
        (json!({ "ids": [] }), vec![]),
        (json!({ "ids": [cheap_id], "inStock": true }), vec![]),
    ] {
        let page = shop.ask(None, PAGE, json!({ "filter": filter })).await.unwrap();
        assert_eq!(skus(&page), found, "{filter}");
    }
    for variables in [
        json!({ "filter": { "tags": vec!["t"; 21] } }),
        json!({ "filter": { "ids": vec![&*ids::id(domain::id::Kind::Product, cheap.id); 101] } }),
        json!({ "filter": { "minPrice": "-1" } }),
        json!({ "filter": { "maxPrice": "0.001" } }),
        json!({ "search": "x".repeat(201) }),
        json!({ "search": "a\u{0}b" }),
    ] {
        assert_eq!(shop.ask(None, PAGE, variables.clone()).await.unwrap_err(), "BAD_ARGUMENT", "{variables}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_off_sale_is_for_its_seller_and_admins() {
    let shop = Shop::open().await;
    let product = shop.list("gone", "Gone", 1, 3).await;
    let id = ids::id(domain::id::Kind::Product, product.id);
    let input = json!({ "input": { "productId": *id, "active": false } });
    shop.ask(Some(shop.seller), UPDATE, input).await.unwrap();
    let other = new_seller(&shop.app).await;
    let one = "query($sku: String) { product(sku: $sku) { sku stock { onHand } } }";
    let all = json!({ "filter": { "activeOnly": false } });
    for (viewer, sees) in [(None, false), (Some(other), false), (Some(shop.seller), true), (Some(Shop::admin()), true)] {
        let found = shop.ask(viewer, one, json!({ "sku": "gone" })).await.unwrap();
        assert_eq!(found["product"]["stock"]["onHand"] == 3, sees);
        assert_eq!(!skus(&shop.ask(viewer, PAGE, all.clone()).await.unwrap()).is_empty(), sees);
        assert!(skus(&shop.ask(viewer, PAGE, json!({})).await.unwrap()).is_empty());
    }
    assert_eq!(shop.ask(None, "{ product { id } }", json!({})).await.unwrap_err(), "BAD_ARGUMENT");
    let unknown = shop.ask(None, one, json!({ "sku": "un\u{0}known" })).await.unwrap();
    assert_eq!(unknown["product"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_equal_requests_make_one_product() {
    let shop = Shop::open().await;
    let input = shop.create_input("once", "mango");
    let answers = futures_util::future::join_all((0..8).map(|_| shop.ask(Some(shop.seller), CREATE, input.clone()))).await;
    let made: BTreeSet<_> = answers
        .into_iter()
        .map(|answer| {
            let answer = answer.unwrap();
            assert_eq!(answer["createProduct"]["userErrors"], json!([]));
            answer["createProduct"]["product"].to_string()
        })
        .collect();
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(product::Entity::find().count(shop.app.db.reader()).await.unwrap(), 1);
    let made: Value = serde_json::from_str(made.first().unwrap()).unwrap();
    assert_eq!(made["price"], json!({ "amount": "49.50", "currency": "INR" }));
    assert_eq!(made["tags"], json!(["fresh", "summer"]));
    assert_eq!(made["available"], 7);
    assert_eq!(made["stock"]["movements"]["nodes"], json!([{ "delta": 7, "reason": "RECEIVED" }]));

    let again = shop.ask(Some(shop.seller), CREATE, shop.create_input("other", "mango")).await.unwrap();
    let refusal = json!([{ "code": "ALREADY_EXISTS", "field": ["sku"] }]);
    assert_eq!(again["createProduct"], json!({ "product": null, "userErrors": refusal }));
    let mut changed = input;
    changed["input"]["sku"] = json!("else");
    let mismatch = shop.ask(Some(shop.seller), CREATE, changed).await.unwrap();
    assert_eq!(mismatch["createProduct"]["userErrors"][0]["code"], "IDEMPOTENCY_MISMATCH");
    assert_eq!(shop.ask(Some(Shop::admin()), CREATE, shop.create_input("x", "y")).await.unwrap_err(), "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_new_product_name_the_field() {
    let shop = Shop::open().await;
    let nobody = ids::id(domain::id::Kind::Category, Uuid::nil()).to_string();
    for (field, value, at) in [
        ("price", json!("0"), "price"),
        ("price", json!("1.005"), "price"),
        ("compareAtPrice", json!("49.50"), "compareAtPrice"),
        ("name", json!(" "), "name"),
        ("description", json!("x".repeat(5_001)), "description"),
        ("images", json!(["/a", "//evil.example/a"]), "images.1"),
        ("images", json!(["javascript:alert(1)"]), "images.0"),
        ("tags", json!(["a", ""]), "tags.1"),
        ("initialStock", json!(-1), "initialStock"),
        ("lowStockThreshold", json!(-1), "lowStockThreshold"),
        ("categoryId", json!(nobody), "categoryId"),
    ] {
        let mut input = shop.create_input("k", "mango");
        input["input"][field] = value;
        let answer = shop.ask(Some(shop.seller), CREATE, input).await.unwrap();
        let path: Vec<_> = at.split('.').collect();
        assert_eq!(answer["createProduct"]["userErrors"][0]["field"], json!(path), "{at}");
    }
    assert_eq!(product::Entity::find().count(shop.app.db.reader()).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_what_is_given_and_only_for_who_may() {
    let shop = Shop::open().await;
    let made = shop.ask(Some(shop.seller), CREATE, shop.create_input("k", "mango")).await.unwrap();
    let id = made["createProduct"]["product"]["id"].as_str().unwrap();
    let update = async |viewer: Actor, change: Value| {
        let mut input = json!({ "productId": id });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        shop.ask(Some(viewer), UPDATE, json!({ "input": input })).await.unwrap()["updateProduct"].clone()
    };
    let stranger = new_seller(&shop.app).await;
    let refused = update(stranger, json!({ "name": "Mine" })).await;
    assert_eq!(refused["userErrors"], json!([{ "code": "NOT_FOUND", "field": ["productId"] }]));
    let refused = update(shop.seller, json!({ "price": "60" })).await;
    assert_eq!(refused["userErrors"][0]["field"], json!(["price"]));

    let kept = update(Shop::admin(), json!({ "name": "Alphonso", "lowStockThreshold": 9 })).await;
    assert_eq!(
        kept["product"],
        json!({ "name": "Alphonso", "compareAtPrice": { "amount": "60.00" }, "tags": ["fresh", "summer"],
            "active": true, "stock": { "lowStockThreshold": 9 } })
    );
    let cleared = update(shop.seller, json!({ "compareAtPrice": null, "tags": ["Ripe"], "name": null })).await;
    assert_eq!(cleared["product"]["compareAtPrice"], Value::Null);
    assert_eq!(cleared["product"]["name"], "Alphonso");
    let tags = product_tag::Entity::find().filter(product_tag::Column::Tag.ne("")).all(shop.app.db.reader()).await.unwrap();
    assert_eq!(tags.into_iter().map(|row| row.tag).collect::<Vec<_>>(), ["ripe"]);
    for (search, count) in [("alphonso ripe mango", 1), ("summer", 0)] {
        let page = shop.ask(None, PAGE, json!({ "search": search })).await.unwrap();
        assert_eq!(skus(&page).len(), count, "{search}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn categories_are_saved_by_slug_and_listed_by_name() {
    let shop = Shop::open().await;
    shop.list("a", "A", 1, 1).await;
    let save = "mutation($slug: String!, $name: String!) { saveCategory(input: { slug: $slug, name: $name }) {
      category { slug name } userErrors { field } } }";
    let admin = Some(Shop::admin());
    shop.ask(admin, save, json!({ "slug": "bread", "name": "bread" })).await.unwrap();
    shop.ask(admin, save, json!({ "slug": "bread", "name": "bakery" })).await.unwrap();
    for slug in ["", "Bread", "br ead", &"x".repeat(61)] {
        let refused = shop.ask(admin, save, json!({ "slug": slug, "name": "Bread" })).await.unwrap();
        assert_eq!(refused["saveCategory"], json!({ "category": null, "userErrors": [{ "field": ["slug"] }] }));
    }
    let denied = shop.ask(Some(shop.seller), save, json!({ "slug": "x", "name": "X" })).await;
    assert_eq!(denied.unwrap_err(), "FORBIDDEN");
    let all = shop.ask(None, "{ categories { name productCount { value precision } } }", json!({})).await.unwrap();
    assert_eq!(
        all["categories"],
        json!([
            { "name": "bakery", "productCount": { "value": 0, "precision": "EXACT" } },
            { "name": "Fruit", "productCount": { "value": 1, "precision": "EXACT" } },
        ])
    );
}
