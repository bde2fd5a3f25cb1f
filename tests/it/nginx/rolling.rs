//! Instances that are replaced one by one behind nginx, as `deploy/upgrade` and Kubernetes replace them: each is the program itself,
//! and is sent away by SIGTERM while customers order and follow.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::support::TestParts;
use crate::support::serving::Serving;

/// Customers who order all the time.
const CUSTOMERS: usize = 3;

/// Of each customer: sockets that follow their orders, and as many event streams.
const FOLLOWERS: usize = 2;

/// Orders of each customer while one instance is replaced.
const ORDERS: usize = 5;

struct Follower {
    client: Client,
    versions: Versions,
}

struct Source {
    source: EventSource,
    versions: Versions,
}

/// A customer, and all that follow their orders.
struct Household {
    customer: Actor,
    orders: Vec<String>,
    followers: Vec<Follower>,
    sources: Vec<Source>,
}

impl Household {
    /// A new customer with an order.
    async fn settle(api: &Api, addr: SocketAddr, product_id: &str) -> Self {
        let customer = api.customer().await;
        let orders = vec![place_order(&customer, product_id, 1).await];
        all_published(&api.app).await;
        let ask = Ask::new(addr, customer.token.as_deref(), MY_ORDER_UPDATES, json!({}));
        let (mut followers, mut sources) = (Vec::new(), Vec::new());
        for _ in 0..FOLLOWERS {
            let (mut client, mut versions) = (Client::new(&customer, addr), Versions::default());
            versions.take(&client.item().await);
            followers.push(Follower { client, versions });
            let (mut source, mut versions) = (EventSource::new(ask.clone()), Versions::default());
            versions.take(&source.item().await);
            sources.push(Source { source, versions });
        }
        Self { customer, orders, followers, sources }
    }

    /// Orders again and again, `ORDERS` times at least and for as long as the replacement goes on; says what else it was told than
    /// that the order was placed.
    async fn order(&mut self, product_id: &str, goes_on: &AtomicBool) -> Vec<(StatusCode, String)> {
        let mut told = Vec::new();
        let mut placed = 0;
        while placed < ORDERS || goes_on.load(Ordering::Relaxed) {
            let input = json!({ "input": order_input(product_id, 1) });
            let id = loop {
                let answer = self.customer.try_query(PLACE_ORDER, input.clone()).await.expect("nginx answers always");
                if answer.errors().is_empty() {
                    break text(answer.ok("placeOrder"), "/order/id");
                }
                told.push((answer.status, answer.code().to_owned()));
                sleep(PAUSE).await;
            };
            self.orders.push(id);
            placed += 1;
            sleep(PAUSE).await;
        }
        told
    }

    /// Reads until every follower knows every order as it is now.
    async fn catches_up(&mut self) {
        let mut expected = BTreeMap::new();
        for id in &self.orders {
            expected.insert(id.clone(), order(&self.customer, id).await["version"].as_i64().unwrap());
        }
        for Follower { client, versions } in &mut self.followers {
            while versions.0 != expected {
                versions.take(&client.item().await);
            }
        }
        for Source { source, versions } in &mut self.sources {
            while versions.0 != expected {
                versions.take(&source.item().await);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_are_replaced_one_by_one_and_nobody_misses_anything() {
    let parts = TestParts::build(Shape::Production).await;
    let config = &parts.app.config;
    let settings = [
        ("DATABASE_URL", config.database_url.expose()),
        ("REDIS_URL", config.redis_url.as_ref().unwrap().expose()),
        ("REDIS_PREFIX", &config.redis_prefix),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("DRAIN_SECONDS", "1"),
    ];
    // the new ones run before the old ones are sent away, and nginx knows of all of them
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        old.push(Serving::start(&settings).await);
        new.push(Serving::start(&settings).await);
    }
    let instances: Vec<SocketAddr> = old.iter().chain(&new).map(|server| server.addr).collect();
    let nginx = Nginx::start(Place { instances: &instances, trusted: NOBODY, rate: FREELY, stripe_key: "" }).await;
    let api = Api::new(parts.app.clone(), nginx.addr);
    let shop = seller_with_product(&api, 10_000, "40.00").await;
    by_hand(&api, &shop.seller).await;
    let mut households = Vec::new();
    for _ in 0..CUSTOMERS {
        households.push(Household::settle(&api, nginx.addr, &shop.product_id).await);
    }

    for server in old {
        let goes_on = AtomicBool::new(true);
        let replaced = async {
            server.signal("TERM");
            assert_eq!(server.code().await, Some(0), "it ends by itself, with all that it had to do");
            goes_on.store(false, Ordering::Relaxed);
        };
        let order = households.iter_mut().map(|household| household.order(&shop.product_id, &goes_on));
        let (told, ()) =
            timeout(PATIENCE, async { tokio::join!(futures_util::future::join_all(order), replaced) }).await.unwrap();
        for (status, code) in told.into_iter().flatten() {
            assert_eq!(
                (status, &*code),
                (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
                "what is to be sent again is said so"
            );
        }
        let is_told = futures_util::future::join_all(households.iter_mut().map(Household::catches_up));
        timeout(PATIENCE, is_told).await.expect("everybody hears of everything");
    }

    for household in &households {
        let unique: BTreeSet<_> = household.orders.iter().collect();
        assert_eq!(unique.len(), household.orders.len(), "each was placed once");
        let all = household.customer.query("{ viewer { orders { totalCount { value } } } }", json!({})).await;
        assert_eq!(all.data()["viewer"]["orders"]["totalCount"]["value"], household.orders.len(), "and no other");
        for Follower { client, .. } in &household.followers {
            assert!(client.closed.iter().all(|code| *code == 1012), "each instance says goodbye: {:?}", client.closed);
            assert!(client.connections <= 3, "at most once for each that is replaced");
        }
        assert!(household.sources.iter().all(|it| it.source.connections <= 3), "at most once for each that is replaced");
    }
    let moved = |household: &Household| household.followers.iter().any(|it| !it.client.closed.is_empty());
    assert!(households.iter().any(moved), "somebody was at an instance that was replaced");
}
