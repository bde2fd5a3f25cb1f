//! What belongs to others does not exist.

use serde_json::{Value, json};

use super::World;
use super::fields::save_address;
use crate::support::actors::Actor;
use crate::support::story::{
    ADJUST_STOCK, CANCEL_ORDER, ORDER_UPDATES, PLACE_ORDER, RELEASE_CLAIM, key, order, order_input, text, try_step,
};
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    a_private_node_is_null_to_strangers,
    a_public_node_is_for_everyone,
    a_product_that_is_not_on_sale_is_its_sellers,
    another_sellers_product_cannot_be_changed,
    another_customers_order_does_not_exist,
    another_customers_address_cannot_be_ordered_to,
    another_partners_claim_does_not_exist,
}

const NODE: &str = "query($id: ID!) { node(id: $id) { id __typename } nodes(ids: [$id]) { id } }";

const UPDATE_PRODUCT: &str = "mutation($input: UpdateProductInput!) { updateProduct(input: $input) {
    product { id } userErrors { code field } } }";

/// Somebody of every role who owns nothing.
async fn strangers(world: &World) -> [Actor; 4] {
    let (customer, seller) = tokio::join!(world.app.customer(), world.app.seller());
    [world.app.anonymous(), customer, world.partner.clone(), seller]
}

/// An id of each kind that only some may see.
async fn private_ids(world: &World) -> Vec<String> {
    let parts = "query($id: ID!) { order(id: $id) { items { id } timeline { nodes { id } } } }";
    let parts = world.customer.query(parts, json!({ "id": world.order_id })).await;
    let ledger = "query($id: ID!) { product(id: $id) { stock { movements { nodes { id } } } } }";
    let ledger = world.shop.seller.query(ledger, json!({ "id": world.shop.product_id })).await;
    let audit = world.admin.query("{ admin { auditLog(first: 1) { nodes { id } } } }", Value::Null).await;
    vec![
        world.customer.user_id.clone(),
        save_address(&world.app, &world.customer).await,
        world.order_id.clone(),
        text(parts.data(), "/order/items/0/id"),
        text(parts.data(), "/order/timeline/nodes/0/id"),
        world.claim_id.clone(),
        text(ledger.data(), "/product/stock/movements/nodes/0/id"),
        text(audit.data(), "/admin/auditLog/nodes/0/id"),
    ]
}

async fn a_private_node_is_null_to_strangers(shape: Shape) {
    let world = World::new(shape).await;
    let ids = private_ids(&world).await;
    for stranger in strangers(&world).await {
        for id in &ids {
            let answer = stranger.query(NODE, json!({ "id": id })).await;
            assert_eq!(*answer.data(), json!({ "node": null, "nodes": [null] }), "{id} as {}", stranger.email);
        }
    }
    for id in &ids {
        let owner = match &id[..4] {
            "inv_" => &world.shop.seller,
            "aud_" => &world.admin,
            _ => &world.customer,
        };
        let answer = owner.query(NODE, json!({ "id": id })).await;
        assert_eq!(answer.data()["node"]["id"], id.as_str(), "its owner sees it");
        let is_address = id.starts_with("adr_");
        let answer = world.admin.query(NODE, json!({ "id": id })).await;
        assert_eq!(answer.data()["node"].is_null(), is_address, "{id} as admin: {}", answer.body);
    }
}

async fn a_public_node_is_for_everyone(shape: Shape) {
    let world = World::new(shape).await;
    let store = world.shop.seller.query("{ seller { seller { id } } }", Value::Null).await;
    let store = text(store.data(), "/seller/seller/id");
    for id in [&world.shop.product_id, &world.shop.category_id, &store] {
        let answer = world.app.anonymous().query(NODE, json!({ "id": id })).await;
        assert_eq!(answer.data()["node"]["id"], id.as_str());
    }
}

async fn a_product_that_is_not_on_sale_is_its_sellers(shape: Shape) {
    let world = World::new(shape).await;
    let id = &world.shop.product_id;
    let input = json!({ "productId": id, "active": false });
    world.shop.seller.mutate(UPDATE_PRODUCT, input).await.ok("updateProduct");
    let ways = "query($id: ID!) { product(id: $id) { id sku } node(id: $id) { id }
        products(filter: { activeOnly: false }) { nodes { id } totalCount { value } } }";
    for stranger in strangers(&world).await {
        let answer = stranger.query(ways, json!({ "id": id })).await;
        let nothing = json!({ "product": null, "node": null, "products": { "nodes": [], "totalCount": { "value": 0 } } });
        assert_eq!(*answer.data(), nothing, "as {}", stranger.email);
    }
    for viewer in [&world.shop.seller, &world.admin] {
        let answer = viewer.query(ways, json!({ "id": id })).await;
        assert_eq!(text(answer.data(), "/products/nodes/0/id"), *id);
    }
    let answer = world.customer.mutate(PLACE_ORDER, order_input(id, 1)).await;
    assert_eq!(answer.refusal("placeOrder"), "PRODUCT_UNAVAILABLE");
}

async fn another_sellers_product_cannot_be_changed(shape: Shape) {
    let world = World::new(shape).await;
    let (other, id) = (world.app.seller().await, &world.shop.product_id);
    let answer = other.mutate(UPDATE_PRODUCT, json!({ "productId": id, "name": "Mine now" })).await;
    assert_eq!(answer.user_errors("updateProduct"), [json!({ "code": "NOT_FOUND", "field": ["productId"] })]);
    let input = json!({ "idempotencyKey": key(), "productId": id, "delta": -1, "reason": "DAMAGED" });
    let answer = other.mutate(ADJUST_STOCK, input).await;
    assert_eq!(answer.refusal("adjustStock"), "NOT_FOUND");
    assert_eq!(answer.user_errors("adjustStock")[0]["field"], json!(["productId"]));
}

async fn another_customers_order_does_not_exist(shape: Shape) {
    let world = World::new(shape).await;
    let (stranger, id) = (world.app.customer().await, &world.order_id);
    assert_eq!(order(&stranger, id).await, Value::Null);
    let answer = stranger.mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": id })).await;
    assert_eq!(answer.refusal("cancelOrder"), "NOT_FOUND");
    assert_eq!(try_step(&stranger, id, "CANCELLED").await.refusal("updateOrderStatus"), "NOT_FOUND");
    let (items, end) = stranger.subscribe(ORDER_UPDATES, json!({ "orderId": id })).await.end().await;
    assert_eq!((items.len(), end.code()), (0, "NOT_FOUND"));
    // asked for by its customer, its number or its state
    let number = text(&order(&world.customer, id).await, "/number");
    for filter in [json!({ "customerId": world.customer.user_id }), json!({ "search": number }), json!({}), Value::Null] {
        let list =
            "query($filter: OrderFilter) { viewer { orders(filter: $filter) { nodes { id } totalCount { value } } } }";
        for viewer in [&stranger, &world.partner] {
            let answer = viewer.query(list, json!({ "filter": filter })).await;
            let nothing = json!({ "nodes": [], "totalCount": { "value": 0 } });
            assert_eq!(answer.data()["viewer"]["orders"], nothing, "by {filter}");
        }
    }
}

async fn another_customers_address_cannot_be_ordered_to(shape: Shape) {
    let world = World::new(shape).await;
    let (stranger, id) = (world.app.customer().await, save_address(&world.app, &world.customer).await);
    let mut input = order_input(&world.shop.product_id, 1);
    input["address"] = Value::Null;
    input["addressId"] = json!(id);
    let answer = stranger.mutate(PLACE_ORDER, input.clone()).await;
    assert_eq!(answer.refusal("placeOrder"), "NOT_FOUND");
    assert_eq!(answer.user_errors("placeOrder")[0]["field"], json!(["addressId"]));
    world.customer.mutate(PLACE_ORDER, input).await.ok("placeOrder");
}

async fn another_partners_claim_does_not_exist(shape: Shape) {
    let world = World::new(shape).await;
    let input = json!({ "idempotencyKey": key(), "claimId": world.claim_id });
    let answer = world.partner.mutate(RELEASE_CLAIM, input).await;
    assert_eq!(answer.refusal("releaseClaim"), "NOT_FOUND");
    let claims = "{ partner { claims { nodes { id } } deliveries { nodes { id } } } }";
    let answer = world.partner.query(claims, Value::Null).await;
    assert_eq!(answer.data()["partner"], json!({ "claims": { "nodes": [] }, "deliveries": { "nodes": [] } }));
    let answer = world.carrier.query(claims, Value::Null).await;
    assert_eq!(text(answer.data(), "/partner/claims/nodes/0/id"), world.claim_id);
}
