//! One seller tries everything with everything that is another's: nothing is found, and nothing is changed.

use std::collections::BTreeMap;

use domain::id::{Kind, decode, encode};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use crate::support::actors::Actor;
use crate::support::story::{Shop, key, place_order, seller_with_product, text};
use crate::support::wait::until_quiet;
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    no_mutation_reaches_what_is_another_sellers,
    no_desk_shows_what_is_another_sellers,
    an_import_changes_no_product_of_another_seller,
}

/// The input types of the schema.
struct Inputs(BTreeMap<String, Value>);

impl Inputs {
    /// Them, and the mutations with the types of their inputs.
    async fn read(viewer: &Actor) -> (Self, Vec<(String, String)>) {
        let of_type = "type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
        let query = format!(
            "{{ __schema {{ mutationType {{ fields {{ name args {{ {of_type} }} }} }}
                types {{ name kind enumValues {{ name }} inputFields {{ name {of_type} }} }} }} }}"
        );
        let answer = viewer.query(&query, Value::Null).await;
        let schema = &answer.data()["__schema"];
        let by_name = |one: &Value| (one["name"].as_str().unwrap().to_owned(), one.clone());
        let types = schema["types"].as_array().unwrap().iter().map(by_name).collect();
        let fields = schema["mutationType"]["fields"].as_array().unwrap();
        let with_input = fields.iter().filter(|field| !field["args"].as_array().unwrap().is_empty());
        let mutations = with_input.map(|field| (text(field, "/name"), Self::named(&field["args"][0]["type"]).to_owned()));
        (Self(types), mutations.collect())
    }

    /// The type below lists and bangs.
    fn named(of_type: &Value) -> &str {
        match &of_type["ofType"] {
            Value::Null => of_type["name"].as_str().unwrap(),
            inner => Self::named(inner),
        }
    }

    fn fields(&self, input: &str) -> &[Value] {
        self.0[input]["inputFields"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Where an input of the type takes ids.
    fn id_paths(&self, input: &str) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        for field in self.fields(input) {
            let (name, of_type) = (text(field, "/name"), Self::named(&field["type"]));
            if of_type == "ID" {
                paths.push(vec![name]);
                continue;
            }
            paths.extend(self.id_paths(of_type).into_iter().map(|mut path| {
                path.insert(0, name.clone());
                path
            }));
        }
        paths
    }

    /// An input with what it must have, and `id` at `path`.
    fn with(&self, input: &str, path: &[String], id: &str) -> Value {
        let mut value = json!({});
        for field in self.fields(input) {
            let (name, of_type) = (text(field, "/name"), &field["type"]);
            let (is_here, named) = (path.first() == Some(&name), Self::named(of_type));
            if !is_here && of_type["kind"] != "NON_NULL" {
                continue;
            }
            let rest = if is_here { &path[1..] } else { &[] };
            let is_list = [of_type, &of_type["ofType"]].iter().any(|one| one["kind"] == "LIST");
            let one = match named {
                "ID" => json!(id),
                "String" => json!(key()),
                "Int" | "Float" => json!(1),
                "Boolean" => json!(true),
                "Decimal" => json!("1"),
                "DateTime" => json!("2026-01-01T00:00:00Z"),
                _ if self.0[named]["kind"] == "ENUM" => self.0[named]["enumValues"][0]["name"].clone(),
                _ => self.with(named, rest, id),
            };
            value[&name] = if is_list { json!([one]) } else { one };
        }
        value
    }
}

/// Everything that is somebody's, as it is in the tables.
async fn everything(world: &World) -> Value {
    let db = world.app.app.db.reader();
    until_quiet(&world.app.app).await;
    macro_rules! read {
        ($($table:ident),+) => {
            json!([$(format!("{:?}", entity::$table::Entity::find().all(db).await.unwrap())),+])
        };
    }
    read![
        user,
        partner,
        seller,
        address,
        product,
        product_tag,
        stock,
        stock_movement,
        order,
        order_item,
        order_event,
        claim,
        category,
        cart,
        cart_line,
        promo,
        promo_redemption,
        payment,
        refund,
        rating,
        message,
        notification,
        event
    ]
}

/// What only some may see of the first seller's, and ids that are nobody's but look like them.
async fn ids(world: &World) -> Vec<String> {
    let parts = "query($id: ID!) { order(id: $id) { items { id } timeline { nodes { id } } } }";
    let parts = world.shop.seller.query(parts, json!({ "id": world.order_id })).await;
    let ledger = "query($id: ID!) { product(id: $id) { stock { movements { nodes { id } } } } }";
    let ledger = world.shop.seller.query(ledger, json!({ "id": world.shop.product_id })).await;
    let ids = [
        (Kind::Product, world.shop.product_id.clone()),
        (Kind::Order, world.order_id.clone()),
        (Kind::OrderItem, text(parts.data(), "/order/items/0/id")),
        (Kind::Event, text(parts.data(), "/order/timeline/nodes/0/id")),
        (Kind::Claim, world.claim_id.clone()),
        (Kind::Message, world.message_id.clone()),
        (Kind::StockMovement, text(ledger.data(), "/product/stock/movements/nodes/0/id")),
        (Kind::User, world.customer.user_id.clone()),
        (Kind::User, world.shop.seller.user_id.clone()),
    ];
    let mut all = Vec::new();
    for (kind, id) in ids {
        let real = decode(kind, &id).unwrap();
        let beside = [1_u128, 1 << 64, 1 << 100].map(|bit| encode(kind, Uuid::from_u128(real.as_u128() ^ bit)));
        all.push(id);
        all.extend(beside);
    }
    all
}

/// The world, and another seller in it who has a product and an order.
async fn world_with_other(shape: Shape) -> (World, Shop, String) {
    let world = World::new(shape).await;
    let other = seller_with_product(&world.app, 10, "12.00").await;
    let own = place_order(&world.customer, &other.product_id, 1).await;
    (world, other, own)
}

async fn no_mutation_reaches_what_is_another_sellers(shape: Shape) {
    let (world, other, _) = world_with_other(shape).await;
    let (inputs, mutations) = Inputs::read(&world.admin).await;
    let ids = ids(&world).await;
    let before = everything(&world).await;
    let mut found = BTreeMap::<String, u32>::new();
    for (mutation, input) in &mutations {
        for path in inputs.id_paths(input) {
            for id in &ids {
                let document =
                    format!("mutation($input: {input}!) {{ {mutation}(input: $input) {{ userErrors {{ code }} }} }}");
                let answer = other.seller.mutate(&document, inputs.with(input, &path, id)).await;
                let code = match answer.errors() {
                    [] => answer.refusal(mutation).to_owned(),
                    _ => answer.code().to_owned(),
                };
                // of another type, not a seller's to use, or not there
                assert!(
                    ["INVALID_ID", "FORBIDDEN", "NOT_FOUND"].contains(&code.as_str()),
                    "{mutation} at {path:?} with {id}: {code}"
                );
                *found.entry(format!("{mutation} {code}")).or_default() += 1;
            }
        }
    }
    for mutation in ["updateProduct", "adjustStock", "cancelOrder", "updateOrderStatus"] {
        assert!(found.get(&format!("{mutation} NOT_FOUND")) >= Some(&4), "{mutation} was tried: {found:?}");
    }
    assert_eq!(everything(&world).await, before, "nothing changed");
    let node = "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id, $id]) { id } }";
    for id in ids.iter().filter(|id| **id != world.shop.product_id) {
        let answer = other.seller.query(node, json!({ "id": id })).await;
        assert_eq!(*answer.data(), json!({ "node": null, "nodes": [null, null] }), "{id}");
    }
    let order = "query($id: ID!) { order(id: $id) { id } }";
    for id in ids.iter().filter(|id| id.starts_with("ord_")) {
        assert_eq!(other.seller.query(order, json!({ "id": id })).await.data()["order"], Value::Null);
    }
}

async fn no_desk_shows_what_is_another_sellers(shape: Shape) {
    let (world, other, own_order) = world_with_other(shape).await;
    let store = world.shop.seller.query("{ seller { seller { id } } }", Value::Null).await;
    let store = text(store.data(), "/seller/seller/id");
    let product = "query($id: ID!) { product(id: $id) { sku name stock { onHand } } order(id: \"ord_00000000000000000000000000\") { id } }";
    let seen = other.seller.query(product, json!({ "id": world.shop.product_id })).await;
    assert_eq!(seen.data()["product"]["stock"], Value::Null, "its stock is its seller's business");
    let (sku, name) = (text(seen.data(), "/product/sku"), text(seen.data(), "/product/name"));
    let number = "query($id: ID!) { order(id: $id) { number } }";
    let number = text(world.customer.query(number, json!({ "id": world.order_id })).await.data(), "/order/number");

    // also what is not on sale
    let off = "mutation($input: UpdateProductInput!) { updateProduct(input: $input) { userErrors { code } } }";
    for shop in [&world.shop, &other] {
        shop.seller.mutate(off, json!({ "productId": shop.product_id, "active": false })).await.ok("updateProduct");
    }
    let products = "query($filter: ProductFilter, $search: String, $sort: ProductSort) {
        seller { products(filter: $filter, search: $search, sort: $sort) { nodes { id active } totalCount { value } } } }";
    let only_own = json!({ "nodes": [{ "id": other.product_id, "active": false }], "totalCount": { "value": 1 } });
    let nothing = json!({ "nodes": [], "totalCount": { "value": 0 } });
    let id = &world.shop.product_id;
    for (filter, search, expected) in [
        (Value::Null, Value::Null, &only_own),
        (json!({ "activeOnly": false }), Value::Null, &only_own),
        (json!({ "activeOnly": true }), Value::Null, &nothing),
        (json!({ "ids": [id, other.product_id] }), Value::Null, &only_own),
        (json!({ "ids": [id] }), Value::Null, &nothing),
        (json!({ "sellerId": store }), Value::Null, &nothing),
        (json!({ "sellerId": store, "ids": [id] }), Value::Null, &nothing),
        (json!({ "categoryId": world.shop.category_id }), Value::Null, &nothing),
        (Value::Null, json!(sku), &nothing),
        // of the names here all are alike, and a typo is forgiven: it may find the store's own
        (Value::Null, json!(name), &only_own),
    ] {
        for sort in ["RELEVANCE", "NEWEST", "PRICE_ASC", "PRICE_DESC", "NAME", "BEST_SELLING"] {
            let variables = json!({ "filter": filter, "search": search, "sort": sort });
            let answer = other.seller.query(products, variables).await;
            let found = &answer.data()["seller"]["products"];
            let is_right = *found == *expected || (search == json!(name) && *found == nothing);
            assert!(is_right, "{filter} {search} {sort}: {found}");
        }
    }

    let orders = "query($filter: OrderFilter, $sort: OrderSort) {
        seller { orders(filter: $filter, sort: $sort) { nodes { id } totalCount { value } } } }";
    let only_own = json!({ "nodes": [{ "id": own_order }], "totalCount": { "value": 1 } });
    for (filter, expected) in [
        (Value::Null, &only_own),
        // a customer of both
        (json!({ "customerId": world.customer.user_id }), &only_own),
        (json!({ "sellerId": store }), &nothing),
        (json!({ "search": number }), &nothing),
        (json!({ "partnerId": world.carrier.user_id }), &nothing),
        (json!({ "status": ["ASSIGNED"] }), &nothing),
    ] {
        for sort in ["NEWEST", "OLDEST", "TOTAL_DESC", "UPDATED"] {
            let answer = other.seller.query(orders, json!({ "filter": filter, "sort": sort })).await;
            assert_eq!(answer.data()["seller"]["orders"], *expected, "{filter} {sort}");
        }
    }
    // cursors of one list are of no use for another's
    let first = "query($after: String) { seller { orders(first: 1, after: $after) { pageInfo { endCursor } } } }";
    let cursor = world.shop.seller.query(first, Value::Null).await;
    let cursor = text(cursor.data(), "/seller/orders/pageInfo/endCursor");
    assert_eq!(other.seller.query(first, json!({ "after": cursor })).await.code(), "BAD_CURSOR");
}

async fn an_import_changes_no_product_of_another_seller(shape: Shape) {
    let (world, other, _) = world_with_other(shape).await;
    let sku = "query($id: ID!) { product(id: $id) { sku } }";
    let sku = world.admin.query(sku, json!({ "id": world.shop.product_id })).await;
    let category = world.admin.query("{ categories { slug } }", Value::Null).await;
    let import = "mutation($input: ImportProductsInput!) { importProducts(input: $input) {
        created updated rowErrors { error { code } } userErrors { code } } }";
    let row = json!({ "sku": sku.data()["product"]["sku"], "name": "Mine now", "description": "", "price": "1", "stock": 1,
        "categorySlug": category.data()["categories"][0]["slug"] });
    let before = everything(&world).await;
    for all_or_nothing in [true, false] {
        let input = json!({ "idempotencyKey": key(), "rows": [row], "allOrNothing": all_or_nothing });
        let answer = other.seller.mutate(import, input).await.ok("importProducts").clone();
        let error = json!([{ "error": { "code": "ALREADY_EXISTS" } }]);
        assert_eq!(answer, json!({ "created": 0, "updated": 0, "rowErrors": error, "userErrors": [] }));
    }
    assert_eq!(everything(&world).await, before);
}
