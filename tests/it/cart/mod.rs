//! Carts: what is in them, what they cost, what changes under them, and what becomes of them.

mod filling;
mod live;
mod ordering;
mod promos;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::actors::{Actor, Api};
use crate::support::http::Answer;
use crate::support::story::{address, key};

const UPDATE_PRODUCT: &str = "mutation UpdateProduct($input: UpdateProductInput!) { updateProduct(input: $input) {
    product { id } userErrors { code message field } } }";

/// All of a cart but when it changed.
const FIELDS: &str = "id version lines { id product { id } quantity unitPrice { amount } lineTotal { amount } }
    subtotal { amount } discount { amount } deliveryFee { amount } tax { amount } total { amount currency } promoCode
    problems { kind line { product { id } } message available oldPrice { amount } newPrice { amount } }";

/// The cart of `customer`.
pub(crate) async fn cart(customer: &Actor) -> Value {
    customer.query(&format!("{{ viewer {{ cart {{ {FIELDS} }} }} }}"), Value::Null).await.data()["viewer"]["cart"].clone()
}

async fn change(customer: &Actor, mutation: &str, input: &str, value: Value) -> Answer {
    let document = format!(
        "mutation($input: {input}!) {{ {mutation}(input: $input) {{ cart {{ {FIELDS} }}
            userErrors {{ code message field ... on InsufficientStock {{ requested available product {{ id }} }} }} }} }}"
    );
    customer.mutate(&document, value).await
}

/// Sets a line, whatever comes of it.
async fn try_set(customer: &Actor, product_id: &str, quantity: i32) -> Answer {
    change(customer, "setCartLine", "SetCartLineInput", json!({ "productId": product_id, "quantity": quantity })).await
}

/// Sets a line; the cart then.
pub(crate) async fn set(customer: &Actor, product_id: &str, quantity: i32) -> Value {
    try_set(customer, product_id, quantity).await.ok("setCartLine")["cart"].clone()
}

/// Applies a promo code, whatever comes of it; null takes it off.
async fn try_apply(customer: &Actor, code: Value) -> Answer {
    change(customer, "applyPromoCode", "ApplyPromoCodeInput", json!({ "code": code })).await
}

/// Applies a promo code; the cart then.
async fn apply(customer: &Actor, code: &str) -> Value {
    try_apply(customer, json!(code)).await.ok("applyPromoCode")["cart"].clone()
}

async fn clear(customer: &Actor) -> Value {
    let document = format!("mutation {{ clearCart {{ cart {{ {FIELDS} }} userErrors {{ code }} }} }}");
    customer.query(&document, Value::Null).await.ok("clearCart")["cart"].clone()
}

/// Makes a promo code, whatever comes of it.
async fn try_promo(admin: &Actor, input: Value) -> Answer {
    let document = "mutation($input: CreatePromoInput!) { createPromo(input: $input) {
        promo { code percentOff amountOff { amount } minimumSubtotal { amount } startsAt endsAt maxUses uses }
        userErrors { code message field } } }";
    admin.mutate(document, input).await
}

/// Makes a promo code of these terms; the code.
async fn promo(admin: &Actor, mut terms: Value) -> String {
    let code = key().to_uppercase();
    terms["code"] = json!(code);
    try_promo(admin, terms).await.ok("createPromo");
    code
}

/// The input of `placeOrder` for the cart, in cash.
fn order_of_cart() -> Value {
    json!({ "idempotencyKey": key(), "address": address(), "paymentMethod": "CASH_ON_DELIVERY" })
}

/// Places an order, whatever comes of it.
async fn try_order(customer: &Actor, input: Value) -> Answer {
    let document = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) {
        order { id status promoCode discount { amount } subtotal { amount } tax { amount } deliveryFee { amount }
            total { amount currency } items { quantity product { id } } }
        userErrors { code message field ... on InsufficientStock { available product { id } } } } }";
    customer.mutate(document, input).await
}

/// The kinds of the cart's problems.
fn kinds(cart: &Value) -> Vec<&str> {
    cart["problems"].as_array().unwrap().iter().map(|problem| problem["kind"].as_str().unwrap()).collect()
}

async fn reprice(seller: &Actor, product_id: &str, price: &str) {
    seller.mutate(UPDATE_PRODUCT, json!({ "productId": product_id, "price": price })).await.ok("updateProduct");
}

async fn take_off_sale(seller: &Actor, product_id: &str) {
    seller.mutate(UPDATE_PRODUCT, json!({ "productId": product_id, "active": false })).await.ok("updateProduct");
}

/// The time by the database's clock, so much later, as the API writes it.
async fn in_time(api: &Api, later: Duration) -> String {
    let now = api.app.clock.db_now(api.app.db.reader()).await.unwrap();
    (now + later).to_rfc3339()
}
