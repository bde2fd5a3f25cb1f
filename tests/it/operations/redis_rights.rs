//! The rights in Redis that `docs/OPERATIONS.md` gives the server: enough for all that it does, and no more.

use std::collections::BTreeSet;
use std::time::Duration;

use quick_commerce::platform::clock::Clock;
use redis::aio::MultiplexedConnection;
use serde_json::json;

use crate::live::all_published;
use crate::readme::{blocks, read};
use crate::support::Shape;
use crate::support::actors::Api;
use crate::support::app::{build, serve};
use crate::support::feed::MY_ORDER_UPDATES;
use crate::support::redis::Redis;
use crate::support::shape::{TestDatabase, config};
use crate::support::story::{by_hand, claim, place_order, seller_with_product, step};
use crate::support::wait::until;
use crate::tracking::report;

/// What the document gives the server under another name than it is counted by, or for what these tests do not do.
const UNSEEN: &[(&str, &str)] = &[
    ("hello", "of an address that asks for RESP3"),
    ("select", "of an address that names a database"),
    ("client|setname", "of an address that names the connection"),
];

/// The rule of the document, as arguments of `ACL`.
fn rule() -> Vec<String> {
    let text = read("docs/OPERATIONS.md");
    let all = blocks(&text);
    let rules: Vec<&String> = all.iter().map(|(_, block)| block).filter(|block| block.starts_with("ACL SETUSER")).collect();
    let [rule] = rules[..] else { panic!("the document has one rule: {rules:?}") };
    rule.split_whitespace().skip(1).map(str::to_owned).collect()
}

async fn ask<T: redis::FromRedisValue>(connection: &mut MultiplexedConnection, words: &[&str]) -> T {
    let (name, arguments) = words.split_first().unwrap();
    redis::cmd(name).arg(arguments).query_async(connection).await.unwrap()
}

/// What was asked of Redis since its counts were set to nothing: the commands, and those of them that it refused.
async fn asked(connection: &mut MultiplexedConnection) -> (BTreeSet<String>, Vec<String>) {
    let stats: String = ask(connection, &["INFO", "commandstats"]).await;
    let (mut all, mut refused) = (BTreeSet::new(), Vec::new());
    for line in stats.lines().filter_map(|line| line.strip_prefix("cmdstat_")) {
        let (command, counts) = line.split_once(':').unwrap();
        if !counts.contains("rejected_calls=0") {
            refused.push(line.to_owned());
        }
        all.insert(command.to_owned());
    }
    (all, refused)
}

/// Whether Redis is one that knows `CLIENT SETINFO`: from 7.2 on.
async fn knows_setinfo(connection: &mut MultiplexedConnection) -> bool {
    let server: String = ask(connection, &["INFO", "server"]).await;
    let version = server.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap();
    let mut parts = version.trim().split('.').map(|part| part.parse::<u32>().unwrap());
    (parts.next().unwrap(), parts.next().unwrap()) >= (7, 2)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_needs_the_rights_in_redis_that_it_is_given_and_no_other() {
    let redis = Redis::private().await;
    let mut operator = redis.connect().await;
    let mut rule = rule();
    if !knows_setinfo(&mut operator).await {
        rule.retain(|word| word != "+client|setinfo");
    }
    let words: Vec<&str> = ["ACL"].into_iter().chain(rule.iter().map(String::as_str)).collect();
    let () = ask(&mut operator, &words).await;
    let given = rule.iter().filter_map(|word| word.strip_prefix('+')).map(str::to_owned);
    let given: BTreeSet<String> = given.filter(|command| UNSEEN.iter().all(|(unseen, _)| command != unseen)).collect();
    // the operator's own stay out of it
    let () = ask(&mut operator, &["CONFIG", "RESETSTAT"]).await;

    let database = TestDatabase::new(Shape::Production).await;
    let url = format!("redis://qc:PASSWORD@{}", redis.addr());
    let mut config = config(&database, Some(url));
    config.redis_prefix = "qc".to_owned();
    let (clock, mut instances) = (Clock::system(), Vec::new());
    for number in 0..2 {
        let app = build(config.clone(), clock.clone(), number).await;
        let running = serve(&app).await;
        instances.push((Api::new(app, running.addr), running));
    }
    let (here, there) = (&instances[0].0, &instances[1].0);
    let (shop, customer) = tokio::join!(seller_with_product(here, 10, "40.00"), here.customer());
    let partner = here.partner().await;
    by_hand(here, &shop.seller).await;
    // what one instance does is told by the other, and where a partner is is known to both
    let order = place_order(&customer, &shop.product_id, 1).await;
    all_published(&here.app).await;
    let mut updates = customer.at(there).subscribe(MY_ORDER_UPDATES, json!({})).await;
    assert_eq!(updates.next().await["__typename"], "OrderSnapshot");
    for status in ["PREPARING", "READY"] {
        step(&shop.seller, &order, status).await;
        updates.until(|item| item["order"]["status"] == status).await;
    }
    claim(&partner, &order).await;
    step(&partner.at(there), &order, "PICKED_UP").await;
    report(&partner, 77.598).await;
    let seen = "query($id: ID!) { order(id: $id) { partner { partner { location { point { longitude } } } } } }";
    let seen = customer.at(there).query(seen, json!({ "id": order })).await;
    assert_eq!(seen.data()["order"]["partner"]["partner"]["location"]["point"]["longitude"], 77.598);
    // attempts at an account are counted, and forgotten with one that succeeds
    let login = "mutation($input: LoginInput!) { login(input: $input) { userErrors { code } } }";
    let wrong = json!({ "email": customer.email, "password": "not the password" });
    assert_eq!(here.anonymous().mutate(login, wrong).await.refusal("login"), "INVALID_CREDENTIALS");
    there.login(&customer.email).await;
    drop(updates);

    let mut missing = BTreeSet::new();
    let is_all_asked = async || given.difference(&asked(&mut operator.clone()).await.0).next().is_none();
    if tokio::time::timeout(Duration::from_secs(15), until(is_all_asked)).await.is_err() {
        missing.extend(given.difference(&asked(&mut operator).await.0).cloned());
    }
    let (_, refused) = asked(&mut operator).await;
    assert_eq!(refused, Vec::<String>::new(), "a right that the server needs is not given");
    let log: Vec<redis::Value> = ask(&mut operator, &["ACL", "LOG"]).await;
    assert_eq!(log, [], "a right that the server needs is not given");
    assert_eq!(missing, BTreeSet::new(), "given, and of no use");
    for (api, running) in instances {
        assert!(api.http.get("/readyz").await.text().contains("bus: ok"));
        running.stop().await;
    }
}
