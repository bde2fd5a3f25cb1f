//! What nginx does with a request whose instance breaks off: a mutation may have been done, and is for its client to send again.

use sea_orm::{ConnectionTrait as _, TransactionTrait as _};

use super::*;
use crate::support::proxy::Proxy;
use crate::support::wait::until_a_lock_is_waited_for;

const KNOWN: &str = "{ viewer { user { addresses { id } } } }";

/// Two instances, and nginx over networks that break.
struct Fragile {
    front: Front,
    networks: Vec<Proxy>,
}

impl Fragile {
    async fn start() -> Self {
        let front = Front::start(2, NOBODY, |_| {}).await;
        let mut networks = Vec::new();
        for addr in &front.addrs {
            networks.push(Proxy::start(*addr).await);
        }
        Self { front, networks }
    }

    /// A new nginx, which has met no failure yet.
    async fn nginx(&self) -> (Nginx, Api) {
        let instances: Vec<SocketAddr> = self.networks.iter().map(|network| network.addr).collect();
        let nginx = Nginx::start(Place { instances: &instances, trusted: NOBODY, rate: FREELY, stripe_key: "" }).await;
        let api = Api::new(self.front.api.app.clone(), nginx.addr);
        (nginx, api)
    }

    /// Breaks all that is under way, once an instance is at it. New connections are taken.
    async fn break_off(&self) {
        until_a_lock_is_waited_for(&self.front.api.app).await;
        for network in &self.networks {
            network.cut();
        }
    }
}

/// To how many instances nginx sent the one request of this `method` that it has logged.
async fn attempts(nginx: &Nginx, method: &str) -> usize {
    let logged = || {
        let lines = nginx.log().lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect::<Vec<_>>();
        lines.into_iter().filter(|line| line["method"] == method).collect::<Vec<_>>()
    };
    until(async || !logged().is_empty()).await;
    let [request] = &logged()[..] else { panic!("one request was sent: {}", nginx.log()) };
    request["instance"].as_str().unwrap().split(", ").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mutation_whose_instance_breaks_off_is_not_sent_to_another() {
    let fragile = Fragile::start().await;
    let api = &fragile.front.api;
    let (shop, customer) = tokio::join!(seller_with_product(api, 10, "40.00"), api.customer());
    let (nginx, behind) = fragile.nginx().await;
    let input = order_input(&shop.product_id, 1);
    let place = async |who: &Actor| who.query(PLACE_ORDER, json!({ "input": input })).await;

    let lock = api.app.db.writer().begin().await.unwrap();
    lock.execute_unprepared("SELECT 1 FROM stocks FOR UPDATE").await.unwrap();
    let through_nginx = customer.at(&behind);
    let (answer, ()) = tokio::join!(place(&through_nginx), fragile.break_off());
    assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"));
    assert_eq!(answer.errors()[0]["extensions"]["retryable"], true);
    assert_eq!(attempts(&nginx, "POST").await, 1);
    lock.commit().await.unwrap();

    // whether or not it was done, the client gets its one order by sending it again
    let again = text(place(&customer).await.ok("placeOrder"), "/order/id");
    let orders = customer.query("{ viewer { orders { nodes { id } } } }", json!({})).await;
    assert_eq!(orders.data()["viewer"]["orders"]["nodes"], json!([{ "id": again }]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_was_got_is_answered_by_another_instance() {
    let fragile = Fragile::start().await;
    let api = &fragile.front.api;
    let customer = api.customer().await;
    let (nginx, behind) = fragile.nginx().await;
    let lock = api.app.db.writer().begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE addresses IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let bearer = format!("Bearer {}", customer.token.as_deref().unwrap());
    let path = format!("/graphql?query={}", KNOWN.replace(' ', "%20").replace('{', "%7B").replace('}', "%7D"));
    let get = async || {
        let headers = [("authorization", &*bearer), ("accept", "application/json")];
        behind.http.send(Method::GET, &path, &headers, Body::empty()).await.unwrap()
    };
    let broken = async {
        fragile.break_off().await;
        lock.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(get(), broken);
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["data"], json!({ "viewer": { "user": { "addresses": [] } } }));
    assert_eq!(attempts(&nginx, "GET").await, 2);
}
