//! Searches and filters: texts are taken literally, lists and numbers are bounded.

use serde_json::{Value, json};

use super::values::{long, nobodys, texts};
use super::{World, assert_clear};
use crate::support::story::text;
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    a_search_takes_its_text_literally,
    filters_are_bounded,
    places_and_times_are_on_earth,
    an_id_of_nothing_is_nothing,
}

async fn a_search_takes_its_text_literally(shape: Shape) {
    let world = World::new(shape).await;
    let odd =
        "mutation($input: CreateProductInput!) { createProduct(input: $input) { product { id } userErrors { code } } }";
    let input = json!({
        "idempotencyKey": "odd", "sku": "odd", "name": r"100% pure_juice \o/ 🛵", "description": "", "price": "1",
        "categoryId": world.shop.category_id, "initialStock": 1,
    });
    let odd = text(world.shop.seller.mutate(odd, input).await.ok("createProduct"), "/product/id");
    let products = "query($search: String) { products(search: $search) { nodes { id } totalCount { value } } }";
    let users = "query($search: String) { admin { users(search: $search) { nodes { id } totalCount { value } } } }";
    let orders =
        "query($search: String) { admin { orders(filter: { search: $search }) { nodes { id } totalCount { value } } } }";
    for (path, document) in [("/products", products), ("/admin/users", users), ("/admin/orders", orders)] {
        for text in texts() {
            let answer = world.admin.query(document, json!({ "search": text })).await;
            assert_clear(&answer, &format!("{path}: {}", text.chars().take(20).collect::<String>()));
            let is_refused = !answer.errors().is_empty();
            assert!(!is_refused || answer.code() == "BAD_ARGUMENT", "{path}: {text:?}");
            assert!(is_refused || text.len() < 1_000, "{path}: a text that long is refused");
        }
        // of products, words are looked for: nothing else is one, and nothing is an operator
        let odd_ones = [("100%", true), ("pure_juice", true), ("o/ jui", true), ("p_re", false)];
        let nothings = ["%", "_", "\\", "🛵", "*", "pure OR milk"].map(|text| (text, false));
        for (text, is_odd) in odd_ones.into_iter().chain(nothings) {
            let answer = world.admin.query(document, json!({ "search": text })).await;
            let found = &answer.data().pointer(path).unwrap()["nodes"];
            let expected = if is_odd && path == "/products" { json!([{ "id": odd }]) } else { json!([]) };
            assert_eq!(*found, expected, "{path}: {text:?}");
        }
    }
    let by_sku = "query($sku: String) { product(sku: $sku) { id } }";
    for text in texts() {
        let answer = world.nobody.query(by_sku, json!({ "sku": text })).await;
        assert_eq!(answer.data()["product"], Value::Null);
    }
}

async fn filters_are_bounded(shape: Shape) {
    let world = World::new(shape).await;
    let products = "query($filter: ProductFilter) { products(filter: $filter) { nodes { id } } }";
    let orders = "query($filter: OrderFilter) { admin { orders(filter: $filter) { nodes { id } } } }";
    let claims = "query($filter: ClaimFilter) { partner { claims(filter: $filter) { nodes { id } } } }";
    let prd = nobodys("prd");
    for (viewer, document, filter) in [
        (&world.nobody, products, json!({ "tags": vec!["a"; 21] })),
        (&world.nobody, products, json!({ "tags": [""] })),
        (&world.nobody, products, json!({ "tags": ["a\0b"] })),
        (&world.nobody, products, json!({ "tags": [long()] })),
        (&world.nobody, products, json!({ "ids": vec![&prd; 101] })),
        (&world.nobody, products, json!({ "ids": [world.order_id] })),
        (&world.nobody, products, json!({ "sellerId": prd })),
        (&world.nobody, products, json!({ "minPrice": "-1" })),
        (&world.nobody, products, json!({ "maxPrice": "79228162514264337593543950335" })),
        (&world.nobody, products, json!({ "maxPrice": "NaN" })),
        (&world.nobody, products, json!({ "minPrice": "1.001" })),
        (&world.admin, orders, json!({ "status": vec!["READY"; 11] })),
        (&world.admin, orders, json!({ "search": "x".repeat(41) })),
        (&world.admin, orders, json!({ "customerId": prd })),
        (&world.admin, orders, json!({ "status": ["LOST"] })),
        (&world.partner, claims, json!({ "status": vec!["HELD"; 11] })),
        (&world.partner, claims, json!({ "status": vec!["HELD"; 36_000] })),
    ] {
        let answer = viewer.query(document, json!({ "filter": filter })).await;
        let what = filter.to_string().chars().take(60).collect::<String>();
        assert_clear(&answer, &what);
        assert!(["BAD_ARGUMENT", "INVALID_ID", "VALIDATION_FAILED"].contains(&answer.code()), "{what}: {}", answer.body);
    }
    for (viewer, document, path, filter) in [
        (&world.nobody, products, "/products", json!({ "ids": [] })),
        (&world.nobody, products, "/products", json!({ "ids": vec![&prd; 100] })),
        (&world.nobody, products, "/products", json!({ "minPrice": "10", "maxPrice": "1" })),
        (&world.nobody, products, "/products", json!({ "categoryId": nobodys("cat") })),
        (&world.admin, orders, "/admin/orders", json!({ "status": [] })),
        (&world.admin, orders, "/admin/orders", json!({ "partnerId": nobodys("usr") })),
        (&world.partner, claims, "/partner/claims", json!({ "status": [] })),
    ] {
        let answer = viewer.query(document, json!({ "filter": filter })).await;
        assert_eq!(answer.data().pointer(path).unwrap()["nodes"], json!([]), "{filter}");
    }
    let answer = world.nobody.query(products, json!({ "filter": { "tags": [], "ids": null } })).await;
    assert_eq!(text(answer.data(), "/products/nodes/0/id"), world.shop.product_id);
}

async fn places_and_times_are_on_earth(shape: Shape) {
    let world = World::new(shape).await;
    let near = "query($near: GeoPointInput, $radius: Float) {
        partner { availableOrders(near: $near, radiusKm: $radius) { nodes { orderId } } } }";
    let point = |latitude: f64, longitude: f64| json!({ "latitude": latitude, "longitude": longitude });
    for (near_to, radius) in [
        (point(90.1, 0.0), json!(1)),
        (point(0.0, -180.1), json!(1)),
        (point(1e308, 1e308), json!(1)),
        (point(0.0, 0.0), json!(0)),
        (point(0.0, 0.0), json!(-1)),
        (point(0.0, 0.0), json!(50.1)),
        (point(0.0, 0.0), json!(1e308)),
        (point(0.0, 0.0), json!("NaN")),
        (Value::Null, json!(1)),
        (json!({ "latitude": 0 }), json!(1)),
    ] {
        let answer = world.partner.query(near, json!({ "near": near_to, "radius": radius })).await;
        assert_clear(&answer, &format!("{near_to} {radius}"));
        assert!(!answer.errors().is_empty(), "{near_to} {radius}");
    }
    for (near_to, radius) in [(point(90.0, 180.0), 50.0), (point(-90.0, -180.0), 1e-300), (point(0.0, -0.0), 5e-324)] {
        let answer = world.partner.query(near, json!({ "near": near_to, "radius": radius })).await;
        assert_eq!(answer.data()["partner"]["availableOrders"]["nodes"], json!([]), "{near_to} {radius}");
    }
    let placed = "query($from: DateTime, $to: DateTime) {
        admin { orders(filter: { placedFrom: $from, placedTo: $to }) { nodes { id } } } }";
    let ends = [
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:60Z",
        "-262143-01-01T00:00:00Z",
        "+262142-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:00+99:99",
        "2026-01-01",
        "now()",
        "",
        "2026-01-01T00:00:00.0000000000000000000001Z",
    ];
    for end in ends {
        for variables in [json!({ "from": end }), json!({ "to": end }), json!({ "from": end, "to": end })] {
            let answer = world.admin.query(placed, variables.clone()).await;
            assert_clear(&answer, &variables.to_string());
        }
    }
}

async fn an_id_of_nothing_is_nothing(shape: Shape) {
    let world = World::new(shape).await;
    let node = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let kinds = "usr prd cat ord oli clm pay rfd adr crt msg ntf evt key whk whd rat imp inv sel";
    let ids: Vec<String> = kinds.split(' ').map(nobodys).collect();
    let answer = world.admin.query(node, json!({ "ids": ids })).await;
    assert_eq!(answer.data()["nodes"], json!(vec![Value::Null; ids.len()]));
    assert_eq!(world.admin.query(node, json!({ "ids": [] })).await.data()["nodes"], json!([]));
    let many = vec![&ids[0]; 101];
    assert_eq!(world.admin.query(node, json!({ "ids": many })).await.code(), "BAD_ARGUMENT");
    for (document, name) in [
        ("query($id: ID!) { node(id: $id) { id } }", "node"),
        ("query($id: ID!) { order(id: $id) { id } }", "order"),
        ("query($id: ID!) { product(id: $id) { id } }", "product"),
    ] {
        for text in texts() {
            let answer = world.admin.query(document, json!({ "id": text })).await;
            assert_clear(&answer, name);
            assert_eq!(answer.code(), "INVALID_ID", "{name}: {text:?}");
        }
    }
}
