//! Budgets that several instances share, and what becomes of them while Redis is away.

use futures_util::future::join_all;
use quick_commerce::config::Config;
use serde_json::json;

use super::{cost, fifty, is_paid, number, slow};
use crate::support::TestCluster;
use crate::support::redis::Redis;
use crate::support::wait::until;

async fn cluster(points: u32) -> TestCluster {
    TestCluster::start_on(Redis::shared().await, 2, |config| config.budgets.user = slow(points)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_share_one_budget() {
    let cluster = cluster(501).await;
    let here = cluster[0].customer().await;
    let there = here.at(&cluster[1]);
    let fifty = fifty();
    let mut asks = Vec::new();
    for _ in 0..20 {
        asks.extend([here.query(&fifty, json!({})), there.query(&fifty, json!({}))]);
    }
    assert_eq!(join_all(asks).await.iter().filter(|answer| is_paid(answer)).count(), 10);
    // what one gives back the other has
    let list = "{ products(first: 100) { nodes { id name price { amount } category { id name } } } }";
    let cluster = self::cluster(1_000).await;
    let here = cluster[0].customer().await;
    let there = here.at(&cluster[1]);
    for _ in 0..5 {
        for actor in [&here, &there] {
            let answer = actor.query(list, json!({})).await;
            assert!(is_paid(&answer), "{}", answer.body);
            assert!(number(&cost(&answer.body)["requested"]) > 600 && number(&cost(&answer.body)["remaining"]) > 900);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_each_instance_goes_by_itself() {
    let cluster = cluster(120).await;
    let here = cluster[0].customer().await;
    let there = here.at(&cluster[1]);
    let fifty = fifty();
    for _ in 0..2 {
        assert!(is_paid(&here.query(&fifty, json!({})).await));
    }
    assert!(!is_paid(&there.query(&fifty, json!({})).await), "the budget is used up for both");
    cluster.redis_network.down();
    // nobody is kept out, and nobody gets more of an instance than it has for one
    for actor in [&here, &there] {
        let answers = join_all((0..8).map(|_| actor.query(&fifty, json!({})))).await;
        assert_eq!(answers.iter().filter(|answer| is_paid(answer)).count(), 2);
    }
    let metrics = cluster[0].http.get("/metrics").await;
    let alone = metrics.text().lines().find_map(|line| line.strip_prefix("quick_commerce_limits_alone_total "));
    assert!(alone.unwrap().parse::<u64>().unwrap() >= 8, "{alone:?}");
    cluster.redis_network.resume();
    // once it is back, its word counts: there are a few points left
    until(async || number(&cost(&there.query("{ version }", json!({})).await.body)["remaining"]) < 120).await;
    until(async || is_paid(&there.query("{ version }", json!({})).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_redis_says_nothing_of_anybody() {
    let redis = Redis::private().await;
    let change = |config: &mut Config| config.redis_prefix = "private".to_owned();
    let cluster = TestCluster::start_on(&redis, 1, change).await;
    let customer = cluster[0].customer().await;
    cluster[0].login(&customer.email).await;
    let wrong = super::attempts::login(&cluster[0], &customer.email, "wrong password").await;
    assert_eq!(wrong.refusal("login"), "INVALID_CREDENTIALS");
    customer.query(&fifty(), json!({})).await;
    let mut connection = redis.connect().await;
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    keys.sort();
    let of = |kind: &str| keys.iter().filter(|key| key.starts_with(&format!("private:{kind}:"))).count();
    // those of one script are in one slot of a cluster
    assert!(of("budget") >= 1 && of("{attempts}") >= 2, "{keys:?}");
    for key in &keys {
        let hash = key.rsplit(':').next().unwrap();
        assert!(hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
        let left: i64 = redis::cmd("PTTL").arg(key).query_async(&mut connection).await.unwrap();
        assert!(left > 0, "{key} is kept for ever");
        let fields: Vec<String> = redis::cmd("HGETALL").arg(key).query_async(&mut connection).await.unwrap();
        assert!(fields.iter().all(|field| field.len() < 16), "{fields:?}");
    }
}
