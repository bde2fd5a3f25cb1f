//! `docs/METRICS.md` has every number that the server tells, as it tells it.

use std::collections::BTreeMap;

use super::*;
use crate::readme::read;
use crate::support::story::{place_order, seller_with_product};
use crate::support::wait::until_quiet;

over_both_shapes! {
    every_number_is_documented_and_nothing_else,
}

/// What the document says of each number: its name as `OpenMetrics` has it, its type, and whether workers tell it, too.
fn documented() -> BTreeMap<String, (String, bool)> {
    let text = read("docs/METRICS.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")).map(|row| row.split('|').collect::<Vec<_>>());
    let number = |row: Vec<&str>| {
        let name = row[0].trim().trim_end_matches('`');
        let kind = row[1].trim().split([',', ' ', ':']).next().unwrap().to_owned();
        let family = match &*kind {
            "counter" => name.strip_suffix("_total").unwrap(),
            "info" => name.strip_suffix("_info").unwrap(),
            _ => name,
        };
        (family.to_owned(), (kind, row[3].contains("all")))
    };
    rows.map(number).collect()
}

/// The types that `page` tells, by name.
fn told(page: &str) -> BTreeMap<String, String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

async fn every_number_is_documented_and_nothing_else(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    place_order(&customer, &shop.product_id, 1).await;
    let mut updates = customer.subscribe("subscription { myOrderUpdates { __typename } }", json!({})).await;
    updates.next().await;
    app.anonymous().query("{ nothing }", json!({})).await;
    until_quiet(&app.app).await;
    let all = documented();
    let of_an_instance: BTreeMap<_, _> = all.iter().map(|(name, (kind, _))| (name.clone(), kind.clone())).collect();
    assert_eq!(told(app.http.get("/metrics").await.text()), of_an_instance);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_tells_is_documented_and_nothing_else() {
    let (_worker, http) = worker().await;
    let of_a_worker = documented().into_iter().filter(|(_, (_, by_all))| *by_all).map(|(name, (kind, _))| (name, kind));
    let of_a_worker: BTreeMap<_, _> = of_a_worker.collect();
    // what has not happened yet may have no line
    let told = told(http.get("/metrics").await.text());
    for (name, kind) in &told {
        assert_eq!(of_a_worker.get(name), Some(kind), "{name}");
    }
    assert!(told.len() + 3 > of_a_worker.len(), "{told:?} of {of_a_worker:?}");
}
