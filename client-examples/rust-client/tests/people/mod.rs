//! A store that packs by hand, and its customer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

pub const PASSWORD: &str = "a packer's own password";

const REGISTER: &str =
    "mutation($input: RegisterInput!) { register(input: $input) { tokens { accessToken } userErrors { message } } }";
const SIGN_IN: &str =
    "mutation($input: LoginInput!) { login(input: $input) { tokens { accessToken } userErrors { message } } }";
const BY_HAND: &str = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { message } } }";
const CREATE_PRODUCT: &str =
    "mutation($input: CreateProductInput!) { createProduct(input: $input) { product { id } userErrors { message } } }";
const PLACE_ORDER: &str =
    "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } userErrors { message } } }";

/// A word that nobody else has.
fn unique() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("{:016x}", RandomState::new().hash_one("a packer's"))
}

pub struct People {
    pub seller_email: String,
    url: String,
    customer_email: String,
    product_id: String,
}

impl People {
    /// They register at the server at `url`, which has categories.
    pub async fn arrive(url: &str) -> Self {
        let store =
            json!({ "storeName": "A store that packs by hand", "location": { "latitude": 12.97, "longitude": 77.64 } });
        let (seller_email, seller) = register(url, json!({ "seller": store })).await;
        let (customer_email, _) = register(url, json!({})).await;
        ask(url, &seller, BY_HAND, json!({ "preparation": "MANUAL" })).await;
        let categories = post(url, "", "{ categories { id } }", Value::Null).await;
        let product = json!({
            "idempotencyKey": unique(), "sku": unique(), "name": "Rusk", "description": "Keeps for long.",
            "categoryId": categories["categories"][0]["id"], "price": "40.00", "initialStock": 100,
            // low from the beginning
            "lowStockThreshold": 100,
        });
        let product = ask(url, &seller, CREATE_PRODUCT, product).await;
        let product_id = text(&product["product"]["id"]);
        Self { seller_email, url: url.to_owned(), customer_email, product_id }
    }

    /// Signs in as the seller, and waits until the server refuses that token.
    pub async fn wear_out_a_token(&self) {
        let login = json!({ "input": { "email": self.seller_email, "password": PASSWORD } });
        let token = text(&post(&self.url, "", SIGN_IN, login).await["login"]["tokens"]["accessToken"]);
        let is_refused =
            async || send(&self.url, &token, "{ viewer { user { id } } }", Value::Null).await["errors"].is_array();
        let patience = Instant::now() + Duration::from_mins(1);
        while !is_refused().await {
            assert!(Instant::now() < patience, "the server's tokens live too long for this test: ACCESS_TOKEN_SECONDS=20");
            sleep(Duration::from_millis(250)).await;
        }
    }

    /// The customer orders, with a token of their own; the order's id.
    pub async fn order(&self) -> String {
        let login = json!({ "input": { "email": self.customer_email, "password": PASSWORD } });
        let customer = text(&post(&self.url, "", SIGN_IN, login).await["login"]["tokens"]["accessToken"]);
        let input = json!({
            "idempotencyKey": unique(),
            "items": [{ "productId": self.product_id, "quantity": 1 }],
            "address": {
                "label": "Home", "line1": "12 Residency Road", "city": "Bengaluru", "postalCode": "560025", "country": "IN",
                "location": { "latitude": 12.9719, "longitude": 77.6012 },
            },
            "paymentMethod": "CASH_ON_DELIVERY",
        });
        text(&ask(&self.url, &customer, PLACE_ORDER, input).await["order"]["id"])
    }
}

/// The account's e-mail address and token.
async fn register(url: &str, role: Value) -> (String, String) {
    let email = format!("{}@packer.test", unique());
    let mut input = json!({ "email": email, "password": PASSWORD, "name": "Somebody" });
    input.as_object_mut().expect("an object").extend(role.as_object().cloned().expect("an object"));
    let answer = ask(url, "", REGISTER, input).await;
    (email, text(&answer["tokens"]["accessToken"]))
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The only field of a mutation's answer, which must not refuse.
async fn ask(url: &str, token: &str, mutation: &str, input: Value) -> Value {
    let data = post(url, token, mutation, json!({ "input": input })).await;
    let answer = data.as_object().and_then(|fields| fields.values().next()).expect("a field").clone();
    assert_eq!(answer["userErrors"], json!([]), "{mutation}");
    answer
}

/// The data of an answer without errors.
async fn post(url: &str, token: &str, query: &str, variables: Value) -> Value {
    let answer = send(url, token, query, variables).await;
    assert!(answer["errors"].is_null(), "{query}: {answer}");
    answer["data"].clone()
}

async fn send(url: &str, token: &str, query: &str, variables: Value) -> Value {
    let mut request = reqwest::Client::new().post(format!("{url}/graphql"));
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    let reply = request.json(&json!({ "query": query, "variables": variables })).send().await.expect("the server answers");
    reply.json().await.expect("an answer")
}
