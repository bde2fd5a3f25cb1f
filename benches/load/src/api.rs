//! The server's API, as its clients use it: everything that happens is caused from here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, header};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::Outcome;

/// What every socket subscribes to: all that a partner's list of orders shows. Without `after` it begins with what is there.
pub(crate) const AVAILABLE_ORDERS: &str = "subscription AvailableOrders($after: EventCursor) {
    availableOrders(after: $after) { __typename
    ... on AvailableOrdersSnapshot { cursor more orders { orderId number } }
    ... on OrderAvailable { cursor eventId at order { orderId number storeName itemCount distanceKm readyAt
        payout { amount currency } pickup { latitude longitude } dropoffArea { latitude longitude } } }
    ... on OrderUnavailable { cursor eventId orderId reason }
    ... on StreamReset { cursor resetReason: reason } } }";

/// What a customer follows who waits for an order.
pub(crate) const MY_ORDERS_AFTER: &str = "subscription MyOrders($after: EventCursor) {
    myOrderUpdates(after: $after) { __typename
    ... on OrderSnapshot { cursor order { orderId: id number status version } }
    ... on OrderChanged { cursor event { eventId: id at type } order { orderId: id number status version } }
    ... on StreamPosition { cursor }
    ... on StreamReset { cursor resetReason: reason } } }";

/// How often an order has changed: as many events its customer is told.
const CHANGES: &str = "query Changes { viewer { orders(first: 1) { nodes { timeline(first: 50) { nodes { id } } } } } }";

const LOGIN: &str = "mutation Login($input: LoginInput!) { login(input: $input) {
    tokens { accessToken } userErrors { code message } } }";

const REGISTER: &str = "mutation Register($input: RegisterInput!) { register(input: $input) {
    tokens { accessToken } userErrors { code message } } }";

const CREATE_PRODUCT: &str = "mutation CreateProduct($input: CreateProductInput!) { createProduct(input: $input) {
    product { id } userErrors { code message field } } }";

const PLACE_ORDER: &str = "mutation PlaceOrder($input: PlaceOrderInput!) { placeOrder(input: $input) {
    order { id status } userErrors { code message field } } }";

const STEP: &str = "mutation Step($input: UpdateOrderStatusInput!) { updateOrderStatus(input: $input) {
    order { id status } userErrors { code message } } }";

const CANCEL: &str = "mutation Cancel($input: CancelOrderInput!) { cancelOrder(input: $input) {
    order { id } userErrors { code message } } }";

/// What clients ask for while orders come in, in turn.
const OTHER_WORK: [&str; 3] = [
    "query Shelf { products(search: \"milk\", first: 20) { nodes { id name available price { amount currency }
        category { name } seller { storeName } } totalCount { value } } }",
    "query Mine { viewer { orders(first: 10) { nodes { id number status version total { amount }
        items { name quantity } timeline(first: 5) { nodes { type at } } } } } }",
    "query Newest { products(first: 50) { nodes { id name inStock price { amount } } pageInfo { hasNextPage } } }",
];

/// The password of the demo's accounts, and of those made here.
const PASSWORD: &str = "quick-commerce";

/// How long a request may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// A server's API. Copies share its connections.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    addr: SocketAddr,
    client: Client<HttpConnector, Body>,
    /// For keys and names that nobody has used.
    last: Arc<AtomicU64>,
}

/// Those who take part, and what is sold.
#[derive(Debug, Clone)]
pub(crate) struct People {
    /// Access tokens of partners.
    pub(crate) partners: Vec<String>,
    /// The access token of a customer.
    pub(crate) customer: String,
    seller: String,
    product_id: String,
}

impl People {
    /// For a server that asks nobody who they are.
    pub(crate) const fn nobody() -> Self {
        Self { partners: Vec::new(), customer: String::new(), seller: String::new(), product_id: String::new() }
    }
}

impl Api {
    /// Of the server at `addr`.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { addr, client, last: Arc::default() }
    }

    /// The same people and keys at another instance.
    pub(crate) fn at(&self, addr: SocketAddr) -> Self {
        Self { addr, ..self.clone() }
    }

    /// Any request; the answer's body, if its status says that all is well.
    ///
    /// # Errors
    /// When there is no answer, or it says no.
    pub(crate) async fn send(&self, method: Method, path: &str, token: Option<&str>, body: String) -> Outcome<Bytes> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.addr));
        request = request.header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Body::from(body))?;
        let whole = async {
            let (head, body) = self.client.request(request).await?.into_parts();
            let body = axum::body::to_bytes(Body::new(body), usize::MAX).await?;
            if head.status.is_success() {
                return Ok(body);
            }
            Err(format!("{} from {path}: {}", head.status, String::from_utf8_lossy(&body)).into())
        };
        tokio::time::timeout(PATIENCE, whole).await?
    }

    /// The data of an operation.
    async fn graphql(&self, token: Option<&str>, document: &str, variables: &Value) -> Outcome<Value> {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let answer: Value = serde_json::from_slice(&self.send(Method::POST, "/graphql", token, body).await?)?;
        match answer.get("data") {
            Some(data) if !data.is_null() && answer.get("errors").is_none() => Ok(data.clone()),
            _ => Err(format!("refused: {answer}").into()),
        }
    }

    /// What a mutation gives, at the JSON pointer `what` of its payload.
    async fn mutate(&self, token: Option<&str>, document: &str, input: Value, what: &str) -> Outcome<String> {
        let data = self.graphql(token, document, &json!({ "input": input })).await?;
        let payload = data.as_object().and_then(|data| data.values().next()).unwrap_or(&Value::Null);
        let found = payload.pointer(what).and_then(Value::as_str).map(ToOwned::to_owned);
        found.ok_or_else(|| format!("refused: {payload}").into())
    }

    fn unique(&self) -> String {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        format!("load-{}-{}-{number}", std::process::id(), crate::clock::now_us())
    }

    /// Everyone who is needed, with plenty to sell.
    ///
    /// # Errors
    /// When the server has no demo data, or refuses.
    pub(crate) async fn people(&self) -> Outcome<People> {
        let login = async |email: &str| {
            let input = json!({ "email": email, "password": PASSWORD });
            self.mutate(None, LOGIN, input, "/tokens/accessToken").await
        };
        let customer = login("customer@demo.test").await?;
        let seller = login("seller@demo.test").await?;
        let mut partners = vec![login("partner@demo.test").await?, login("partner2@demo.test").await?];
        for _ in 0..2 {
            let email = format!("{}@load.test", self.unique());
            let partner = json!({ "vehicle": "SCOOTER", "vehicleNumber": "KA 01 AB 1234" });
            let input = json!({ "email": email, "password": PASSWORD, "name": "One of many", "partner": partner });
            partners.push(self.mutate(None, REGISTER, input, "/tokens/accessToken").await?);
        }
        let categories = self.graphql(None, "{ categories { id } }", &json!({})).await?;
        let category = categories.pointer("/categories/0/id").ok_or("the server has no demo data: there is no category")?;
        let key = self.unique();
        let input = json!({
            "idempotencyKey": key, "sku": key, "name": "Something to measure", "description": "", "categoryId": category,
            "price": "40.00", "initialStock": 1_000_000,
        });
        let product_id = self.mutate(Some(&seller), CREATE_PRODUCT, input, "/product/id").await?;
        Ok(People { partners, customer, seller, product_id })
    }

    /// Another customer; their access token.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn customer(&self) -> Outcome<String> {
        let email = format!("{}@load.test", self.unique());
        let input = json!({ "email": email, "password": PASSWORD, "name": "One of many" });
        self.mutate(None, REGISTER, input, "/tokens/accessToken").await
    }

    /// How many events the customer of the access token `customer` is told of the order that they placed last.
    ///
    /// # Errors
    /// When the server refuses, or there is no such order.
    pub(crate) async fn changes(&self, customer: &str) -> Outcome<usize> {
        let data = self.graphql(Some(customer), CHANGES, &json!({})).await?;
        let changes = data.pointer("/viewer/orders/nodes/0/timeline/nodes").and_then(Value::as_array);
        Ok(changes.ok_or_else(|| format!("there is no order: {data}"))?.len())
    }

    /// Places an order and has it packed, so that it is offered to partners: one event for each of them. Its id.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn offer(&self, people: &People) -> Outcome<String> {
        self.offer_to(people, &people.customer).await
    }

    /// The same for the customer of the access token `customer`.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn offer_to(&self, people: &People, customer: &str) -> Outcome<String> {
        let input = json!({
            "idempotencyKey": self.unique(), "items": [{ "productId": people.product_id, "quantity": 1 }],
            "address": {
                "label": "Home", "line1": "12 Lake Road", "city": "Bengaluru", "postalCode": "560001", "country": "IN",
                "location": { "latitude": 12.9816, "longitude": 77.6096 },
            },
            "paymentMethod": "CASH_ON_DELIVERY",
        });
        let data = self.graphql(Some(customer), PLACE_ORDER, &json!({ "input": input })).await?;
        let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str);
        let (Some(id), Some(status)) = (text("/placeOrder/order/id"), text("/placeOrder/order/status")) else {
            return Err(format!("refused: {data}").into());
        };
        // most stores pack of themselves
        let steps: &[&str] = match status {
            "READY" => &[],
            "PREPARING" => &["READY"],
            _ => &["PREPARING", "READY"],
        };
        for status in steps {
            let input = json!({ "idempotencyKey": self.unique(), "orderId": id, "status": status });
            self.mutate(Some(&people.seller), STEP, input, "/order/id").await?;
        }
        Ok(id.to_owned())
    }

    /// Calls an order off.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn cancel(&self, people: &People, order_id: &str) -> Outcome {
        let input = json!({ "idempotencyKey": self.unique(), "orderId": order_id });
        self.mutate(Some(&people.customer), CANCEL, input, "/order/id").await?;
        Ok(())
    }

    /// One request such as clients send all the time; which one depends on `turn`.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn other_work(&self, people: &People, turn: usize) -> Outcome {
        let document = OTHER_WORK.get(turn % OTHER_WORK.len()).copied().unwrap_or_default();
        self.graphql(Some(&people.customer), document, &json!({})).await?;
        Ok(())
    }

    /// The sum of all samples of a metric; `None` when the server does not report it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn metrics(&self) -> Outcome<Metrics> {
        let body = self.send(Method::GET, "/metrics", None, String::new()).await?;
        Ok(Metrics(String::from_utf8_lossy(&body).into_owned()))
    }
}

/// The numbers that a server tells of itself, in the text format of Prometheus.
#[derive(Debug)]
pub(crate) struct Metrics(String);

impl Metrics {
    /// The sum of all samples of the metric `name`; `None` when there are none.
    pub(crate) fn sum(&self, name: &str) -> Option<f64> {
        let samples = self.0.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let value = match rest.strip_prefix('{') {
                Some(labels) => labels.rsplit_once('}')?.1,
                None => rest.strip_prefix(' ')?,
            };
            value.split_ascii_whitespace().next()?.parse::<f64>().ok()
        });
        samples.fold(None, |sum, value| Some(sum.unwrap_or_default() + value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_metric_are_summed_and_others_left_out() {
        let text = "# HELP a what\na{topic=\"x } y\"} 3\na{topic=\"z\"} 4 1700000000000\nab 100\nb 1.5\n";
        let metrics = Metrics(text.to_owned());
        assert_eq!(metrics.sum("a"), Some(7.0));
        assert_eq!(metrics.sum("b"), Some(1.5));
        assert_eq!(metrics.sum("c"), None);
    }
}
