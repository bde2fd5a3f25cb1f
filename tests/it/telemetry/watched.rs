//! What operators look at, with the real Prometheus: it reads what servers tell, each panel of the dashboard has an answer, and
//! the alerts see an instance that is gone.

use std::collections::BTreeSet;

use super::*;
use crate::readme::read;
use crate::support::actors::Api;
use crate::support::prometheus::Prometheus;
use crate::support::story::{place_order, seller_with_product};
use crate::support::wait::until_or;

/// Of this there is nothing to see while all is well.
const WHEN_SOMETHING_FAILS: &str = "outcome=\"failed\"";

/// What the dashboard's panels ask, over the last minute.
fn asked() -> Vec<String> {
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("deploy/observability/grafana/dashboards/quick-commerce.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().replace("$__rate_interval", "1m")).collect()
}

/// Gives the server something to tell of everything: an order and its mails, somebody who follows it, what costs too much, what
/// is not understood.
async fn busy(api: &Api) -> Socket {
    let (shop, customer) = tokio::join!(seller_with_product(api, 10, "40.00"), api.customer());
    let mut socket = customer.socket().await;
    socket.subscribe("1", "subscription { myOrderUpdates { __typename } }", &json!({})).await;
    place_order(&customer, &shop.product_id, 1).await;
    api.anonymous().query("{ nothing }", json!({})).await;
    let page = |name: u32| format!("p{name}: products(first: 100) {{ edges {{ node {{ id }} }} }}");
    let too_costly = format!("{{ {} }}", (0..5).map(page).collect::<Vec<_>>().join(" "));
    assert_eq!(api.anonymous().query(&too_costly, json!({})).await.code(), "QUERY_TOO_COMPLEX");
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dashboard_has_an_answer_to_everything_and_alerts_see_who_is_gone() {
    let (worker, worker_http) = worker().await;
    let config = &worker.parts.app.config;
    let redis = worker.redis.url();
    let settings = [("DATABASE_URL", config.database_url.expose()), ("REDIS_URL", &*redis), ("BUDGET_PER_ADDRESS", "500")];
    let (first, second) = tokio::join!(Serving::start(&settings), Serving::start(&settings));
    let prometheus = Prometheus::start(&[first.addr, second.addr], worker_http.addr).await;
    let api = Api::new(worker.parts.app.clone(), first.addr);
    let _socket = busy(&api).await;

    let (mut open, mut answered): (BTreeSet<String>, usize) = (asked().into_iter().collect(), 0);
    let count = open.len();
    open.retain(|expression| !expression.contains(WHEN_SOMETHING_FAILS));
    assert_eq!(open.len() + 1, count, "one panel is empty while all is well");
    while let Some(expression) = open.pop_first() {
        until_or(async || !prometheus.ask(&expression).await.is_empty(), || format!("no answer to {expression}")).await;
        answered += 1;
    }
    assert!(answered > 40, "{answered}");
    // whoever answers late is away for a moment, so all of this is waited for
    for (job, count) in [("api", 2), ("worker", 1)] {
        let up = format!("up{{job=\"quick-commerce-{job}\"}} == 1");
        until(async || prometheus.ask(&up).await.len() == count).await;
    }
    let alerts = async |name: &str| {
        let rules = prometheus.rules().await;
        rules.iter().find(|rule| rule["name"] == name).unwrap()["alerts"].as_array().unwrap().clone()
    };
    until(async || prometheus.rules().await.iter().all(|rule| rule["health"] != "unknown")).await;
    for rule in prometheus.rules().await {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    for alert in ["InstanceDown", "NoInstance", "NoWorker"] {
        until(async || alerts(alert).await.is_empty()).await;
    }
    let gone = second.addr.to_string();
    drop(second);
    until(async || {
        let (down, none, no_worker) = (alerts("InstanceDown").await, alerts("NoInstance").await, alerts("NoWorker").await);
        let is_told = down.len() == 1 && down[0]["labels"]["instance"] == gone && down[0]["state"] == "pending";
        is_told && none.is_empty() && no_worker.is_empty()
    })
    .await;
}
