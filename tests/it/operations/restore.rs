//! A backup that is restored as `docs/OPERATIONS.md` has it, with PostgreSQL's own programs.

use std::collections::{BTreeMap, BTreeSet};

use quick_commerce::platform::clock::Clock;
use quick_commerce::platform::relay;
use serde_json::{Value, json};

use crate::commands::{self, SECRET, program};
use crate::live::all_published;
use crate::support::Shape;
use crate::support::actors::{Actor, Api};
use crate::support::app::{build, serve};
use crate::support::feed::MY_ORDER_UPDATES;
use crate::support::postgres::PostgresDatabase;
use crate::support::processes::Folder;
use crate::support::shape::{TestDatabase, config_of};
use crate::support::story::{by_hand, place_order, seller_with_product, step, text};

/// The status of each order that a customer is told of from `after` on, until as many are known.
async fn follow(customer: &Actor, after: &Value, count: usize) -> (Vec<Value>, BTreeMap<String, String>) {
    let mut updates = customer.subscribe(MY_ORDER_UPDATES, json!({ "after": after })).await;
    let (mut items, mut orders) = (Vec::new(), BTreeMap::new());
    while orders.len() < count {
        let item = updates.next().await;
        if item["order"].is_object() {
            orders.insert(text(&item, "/order/id"), text(&item, "/order/status"));
        }
        items.push(item);
    }
    (items, orders)
}

/// Draws a new epoch, as an operator does.
async fn new_epoch(database: &PostgresDatabase) {
    let (folder, url) = (Folder::new("epoch"), database.url());
    let mut command = program(&folder, &["new-epoch"], &[("DATABASE_URL", &url), ("JWT_SECRET", SECRET)]);
    let output = tokio::task::spawn_blocking(move || commands::output(&mut command)).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_before_and_after_a_backup_begin_anew_once_it_is_restored() {
    let database = TestDatabase::new(Shape::Production).await;
    let config = config_of(Shape::Production, &database).await;
    let TestDatabase::Postgres(database) = database else { panic!("it is PostgreSQL") };
    let clock = Clock::system();
    let app = build(config.clone(), clock.clone(), 0).await;
    let running = serve(&app).await;
    let api = Api::new(app.clone(), running.addr);
    let (shop, customer) = tokio::join!(seller_with_product(&api, 100, "40.00"), api.customer());
    by_hand(&api, &shop.seller).await;
    let kept = place_order(&customer, &shop.product_id, 1).await;
    all_published(&app).await;
    let (items, _) = follow(&customer, &Value::Null, 1).await;
    let before = items[0]["cursor"].clone();
    let dump = database.dump().await;

    // what the backup does not have: an order, and what became of the one that it has
    let lost = place_order(&customer, &shop.product_id, 1).await;
    step(&shop.seller, &kept, "PREPARING").await;
    all_published(&app).await;
    let (items, orders) = follow(&customer, &Value::Null, 2).await;
    assert_eq!((orders[&kept].as_str(), orders.contains_key(&lost)), ("PREPARING", true));
    let after = items.last().unwrap()["cursor"].clone();
    let head = relay::head(app.db.reader()).await.unwrap();
    running.stop().await;

    database.restore(&dump).await;
    new_epoch(&database).await;
    let app = build(config, clock, 1).await;
    let running = serve(&app).await;
    let api = Api::new(app.clone(), running.addr);
    let (seller, customer) = (shop.seller.at(&api), customer.at(&api));
    // the log gives the positions of what was lost to other events, and more
    let mut expected = BTreeSet::from([kept.clone()]);
    while relay::head(app.db.reader()).await.unwrap().position <= head.position {
        expected.insert(place_order(&customer, &shop.product_id, 1).await);
        all_published(&app).await;
    }
    assert!(!expected.contains(&lost));
    for (cursor, of) in [(before, "before"), (after, "after")] {
        let (items, orders) = follow(&customer, &cursor, expected.len()).await;
        assert_eq!((&items[0]["__typename"], &items[0]["reason"]), (&json!("StreamReset"), &json!("SERVER")), "{of}");
        assert!(items[1..].iter().all(|item| item["__typename"] == "OrderSnapshot"), "{of} the backup: {items:?}");
        assert_eq!(orders.keys().cloned().collect::<BTreeSet<_>>(), expected, "{of} the backup");
        assert_ne!(orders[&kept], "PREPARING", "what it was after the backup is gone");
    }
    // and it goes on from there
    step(&seller, &kept, "PREPARING").await;
    let (items, _) = follow(&customer, &Value::Null, expected.len()).await;
    let changed = items.iter().find(|item| item["order"]["id"] == kept.as_str()).unwrap();
    assert_eq!(changed["order"]["status"], "PREPARING");
    running.stop().await;
}
