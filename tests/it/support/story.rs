//! What most tests begin with: a store with goods, an order, an order that can be claimed.

use domain::Named as _;
use domain::id::Kind;
use domain::order::Preparation;
use entity::seller;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use super::actors::{Actor, Api};
use super::http::Answer;
use super::processes::unique;

pub(crate) const SAVE_CATEGORY: &str = "mutation SaveCategory($input: SaveCategoryInput!) { saveCategory(input: $input) {
    category { id slug name } userErrors { code message field } } }";

pub(crate) const CREATE_PRODUCT: &str =
    "mutation CreateProduct($input: CreateProductInput!) { createProduct(input: $input) {
    product { id sku name price { amount currency } available inStock } userErrors { code message field } } }";

pub(crate) const ADJUST_STOCK: &str = "mutation AdjustStock($input: AdjustStockInput!) { adjustStock(input: $input) {
    product { id available stock { onHand reserved } } userErrors { code message field } } }";

pub(crate) const UPDATE_PRODUCT: &str =
    "mutation UpdateProduct($input: UpdateProductInput!) { updateProduct(input: $input) {
    product { id stock { isLow } } userErrors { code message field } } }";

pub(crate) const UPDATE_USER: &str = "mutation UpdateUser($input: UpdateUserInput!) { updateUser(input: $input) {
    user { id role active } userErrors { code message field } } }";

pub(crate) const PRODUCT: &str =
    "query Product($id: ID!) { product(id: $id) { id available inStock stock { onHand reserved } } }";

pub(crate) const PLACE_ORDER: &str = "mutation PlaceOrder($input: PlaceOrderInput!) { placeOrder(input: $input) {
    order { id number version status total { amount currency } }
    userErrors { code message field ... on InsufficientStock { requested available } } } }";

pub(crate) const CANCEL_ORDER: &str = "mutation CancelOrder($input: CancelOrderInput!) { cancelOrder(input: $input) {
    order { id version status } userErrors { code message field } } }";

pub(crate) const UPDATE_ORDER_STATUS: &str = "mutation UpdateOrderStatus($input: UpdateOrderStatusInput!) {
    updateOrderStatus(input: $input) { order { id version status }
    userErrors { code message field ... on IllegalTransition { from to allowed } } } }";

pub(crate) const CLAIM_ORDER: &str = "mutation ClaimOrder($input: ClaimOrderInput!) { claimOrder(input: $input) {
    claim { id status expiresAt } order { id version status }
    userErrors { code message field ... on ClaimLost { reason retryAfter } } } }";

pub(crate) const ACCEPT_CLAIM: &str = "mutation AcceptClaim($input: AcceptClaimInput!) { acceptClaim(input: $input) {
    claim { id status expiresAt } order { id version status } userErrors { code message field
    ... on ClaimLost { reason retryAfter } ... on IllegalTransition { from to allowed } } } }";

pub(crate) const RELEASE_CLAIM: &str = "mutation ReleaseClaim($input: ReleaseClaimInput!) { releaseClaim(input: $input) {
    claim { id status } order { id version status } userErrors { code message field
    ... on ClaimLost { reason retryAfter } ... on IllegalTransition { from to allowed } } } }";

pub(crate) const ASSIGN_ORDER: &str = "mutation AssignOrder($input: AssignOrderInput!) { assignOrder(input: $input) {
    claim { id status } order { id version status }
    userErrors { code message field ... on ClaimLost { reason } ... on IllegalTransition { from to allowed } } } }";

pub(crate) const PARTNER: &str =
    "query Partner { viewer { user { partner { available capacity activeDeliveries completedDeliveries } } } }";

pub(crate) const ORDER: &str = "query Order($id: ID!) { order(id: $id) { id number version status deliveryCode
    partner { id } claim { id status } timeline(first: 50) { nodes { type orderVersion status actorRole } } } }";

pub(crate) const ORDER_UPDATES: &str = "subscription OrderUpdates($orderId: ID!, $after: EventCursor) {
    orderUpdates(orderId: $orderId, after: $after) { __typename
        ... on OrderSnapshot { cursor order { id version status } }
        ... on OrderChanged { cursor event { type orderVersion status } order { id version status } }
        ... on StreamReset { cursor reason } } }";

pub(crate) const AVAILABLE_ORDERS: &str = "subscription AvailableOrders($after: EventCursor) {
    availableOrders(after: $after) { __typename
        ... on AvailableOrdersSnapshot { cursor more orders { orderId number } }
        ... on OrderAvailable { cursor eventId order { orderId number } }
        ... on OrderUnavailable { cursor eventId orderId reason }
        ... on StreamReset { cursor resetReason: reason } } }";

/// A store that sells one product.
#[derive(Debug)]
pub(crate) struct Shop {
    /// Who runs it.
    pub(crate) seller: Actor,
    /// `cat_…`
    pub(crate) category_id: String,
    /// `prd_…`
    pub(crate) product_id: String,
}

/// An idempotency key that nobody has used.
pub(crate) fn key() -> String {
    format!("key-{}", unique())
}

/// The text at `pointer` (RFC 6901) of `value`.
pub(crate) fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no text at {pointer} of {value}")).to_owned()
}

/// An address two kilometres from every [`Api::seller`].
pub(crate) fn address() -> Value {
    json!({
        "label": "Home", "line1": "12 Lake Road", "city": "Bengaluru", "postalCode": "560001", "country": "IN",
        "location": { "latitude": 12.9816, "longitude": 77.6096 },
    })
}

/// Changes a product; the payload.
pub(crate) async fn update_product(seller: &Actor, product_id: &str, mut changes: Value) -> Value {
    changes["productId"] = json!(product_id);
    seller.mutate(UPDATE_PRODUCT, changes).await.ok("updateProduct").clone()
}

/// Adjusts the stock of a product by `delta` pieces.
pub(crate) async fn adjust_stock(seller: &Actor, product_id: &str, delta: i32) {
    let input = json!({ "idempotencyKey": key(), "productId": product_id, "delta": delta, "reason": "ADJUSTED" });
    seller.mutate(ADJUST_STOCK, input).await.ok("adjustStock");
}

/// A new category; its id.
pub(crate) async fn category(admin: &Actor) -> String {
    let slug = format!("category-{}", unique());
    let answer = admin.mutate(SAVE_CATEGORY, json!({ "slug": slug, "name": "A category" })).await;
    text(answer.ok("saveCategory"), "/category/id")
}

/// A new product of `seller`'s; its id. `price` is a decimal such as `"40.00"`.
pub(crate) async fn product(seller: &Actor, category_id: &str, stock: i32, price: &str) -> String {
    let number = unique();
    let input = json!({
        "idempotencyKey": key(), "sku": format!("SKU-{number}"), "name": format!("Product {number}"),
        "description": "Something to eat.", "categoryId": category_id, "price": price, "initialStock": stock,
    });
    text(seller.mutate(CREATE_PRODUCT, input).await.ok("createProduct"), "/product/id")
}

/// A new seller with one product.
pub(crate) async fn seller_with_product(api: &Api, stock: i32, price: &str) -> Shop {
    let (admin, seller) = tokio::join!(api.admin(), api.seller());
    let category_id = category(&admin).await;
    let product_id = product(&seller, &category_id, stock, price).await;
    Shop { seller, category_id, product_id }
}

/// The input of `placeOrder`: `quantity` of one product, to [`address`], in cash.
pub(crate) fn order_input(product_id: &str, quantity: i32) -> Value {
    json!({
        "idempotencyKey": key(), "items": [{ "productId": product_id, "quantity": quantity }],
        "address": address(), "paymentMethod": "CASH_ON_DELIVERY",
    })
}

/// Places an order, whatever comes of it.
pub(crate) async fn try_place_order(customer: &Actor, product_id: &str, quantity: i32) -> Answer {
    customer.mutate(PLACE_ORDER, order_input(product_id, quantity)).await
}

/// Places an order; its id.
pub(crate) async fn place_order(customer: &Actor, product_id: &str, quantity: i32) -> String {
    text(try_place_order(customer, product_id, quantity).await.ok("placeOrder"), "/order/id")
}

/// The order as `viewer` sees it; null when they may not.
pub(crate) async fn order(viewer: &Actor, order_id: &str) -> Value {
    viewer.query(ORDER, json!({ "id": order_id })).await.data()["order"].clone()
}

/// Takes one step with an order, whatever comes of it.
pub(crate) async fn try_step(actor: &Actor, order_id: &str, status: &str) -> Answer {
    let input = json!({ "idempotencyKey": key(), "orderId": order_id, "status": status });
    actor.mutate(UPDATE_ORDER_STATUS, input).await
}

/// Takes one step with an order.
pub(crate) async fn step(actor: &Actor, order_id: &str, status: &str) {
    let answer = try_step(actor, order_id, status).await;
    assert_eq!(answer.ok("updateOrderStatus")["order"]["status"], status);
}

/// Has an order packed, as far as it is not: a store does that of itself, or [`by_hand`].
pub(crate) async fn pack(seller: &Actor, order_id: &str) {
    let status = text(&order(seller, order_id).await, "/status");
    for (before, after) in [("CONFIRMED", "PREPARING"), ("PREPARING", "READY")] {
        if status == "CONFIRMED" || status == before {
            step(seller, order_id, after).await;
        }
    }
}

/// Places an order and has it packed: from then on partners can claim it. Its id.
pub(crate) async fn ready_order(shop: &Shop, customer: &Actor) -> String {
    let id = place_order(customer, &shop.product_id, 1).await;
    pack(&shop.seller, &id).await;
    id
}

/// From now on this seller's orders wait to be packed by hand.
pub(crate) async fn by_hand(api: &Api, seller: &Actor) {
    let user = domain::id::decode(Kind::User, &seller.user_id).unwrap();
    let manual = Expr::value(Preparation::Manual.name());
    let update = seller::Entity::update_many().col_expr(seller::Column::Preparation, manual);
    update.filter(seller::Column::UserId.eq(user)).exec(api.app.db.writer()).await.unwrap();
}

/// Claims an order, whatever comes of it. `accept: false` only holds it.
pub(crate) async fn try_claim(partner: &Actor, order_id: &str, accept: bool) -> Answer {
    let input = json!({ "idempotencyKey": key(), "orderId": order_id, "accept": accept });
    partner.mutate(CLAIM_ORDER, input).await
}

/// Takes an order; the claim's id.
pub(crate) async fn claim(partner: &Actor, order_id: &str) -> String {
    text(try_claim(partner, order_id, true).await.ok("claimOrder"), "/claim/id")
}

/// Brings a claimed order to the door, where the customer reads out the code.
pub(crate) async fn deliver(partner: &Actor, customer: &Actor, order_id: &str) {
    for status in ["PICKED_UP", "IN_TRANSIT"] {
        step(partner, order_id, status).await;
    }
    hand_over(partner, customer, order_id).await;
}

/// Hands an order over at the door, against the code that the customer reads out.
pub(crate) async fn hand_over(partner: &Actor, customer: &Actor, order_id: &str) {
    let code = text(&order(customer, order_id).await, "/deliveryCode");
    let input = json!({ "idempotencyKey": key(), "orderId": order_id, "status": "DELIVERED", "deliveryCode": code });
    let answer = partner.mutate(UPDATE_ORDER_STATUS, input).await;
    assert_eq!(answer.ok("updateOrderStatus")["order"]["status"], "DELIVERED");
}
