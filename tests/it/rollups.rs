//! The sums that reports are read from are those of the orders, whatever the counting went through.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::access::Actor as Principal;
use domain::id::Kind;
use domain::order::OrderStatus;
use entity::{event, order, sales_hour, sales_order};
use futures_util::future::BoxFuture;
use migration::{Migrator, MigratorTrait as _};
use quick_commerce::analytics::reactions::SalesCounter;
use quick_commerce::analytics::sales::count_by_status;
use quick_commerce::app::App;
use quick_commerce::orders::service::{Step, step};
use quick_commerce::platform::Result;
use quick_commerce::platform::bus::Message;
use quick_commerce::platform::consumers::{Consumers, Reaction, Read, Reader, Start};
use quick_commerce::platform::db::Tx;
use quick_commerce::serve::Running;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde_json::{Value, json};

use crate::support::actors::Actor;
use crate::support::app::serve_alone;
use crate::support::audit::audit;
use crate::support::crowd::{customers, place, refused, uuid};
use crate::support::shape::TestDatabase;
use crate::support::story::{key, product, seller_with_product};
use crate::support::wait::{until, until_numbered};
use crate::support::{Shape, TestParts, over_both_shapes};

over_both_shapes! {
    a_report_is_exact_however_far_the_counting_is,
    what_went_back_is_told_once_however_far_the_counting_is,
    an_event_that_comes_again_or_late_changes_no_sum,
    counting_that_is_cut_off_anywhere_counts_each_order_once,
    orders_that_were_there_before_are_counted_once,
}

const SALES: &str = "query($from: DateTime!, $to: DateTime!) { seller { sales(from: $from, to: $to, interval: HOUR) {
    total { amount } refunded { amount } orders buckets { orders } topProducts { quantity total { amount } } byCategory { quantity } } } }";

/// A store with some orders, of which nothing is counted but what the test has counted.
struct Store {
    app: App,
    seller: Actor,
    customer: Principal,
    orders: Vec<order::Model>,
    _running: Running,
    // after what uses it
    _database: TestDatabase,
}

/// Reads the log for the sums.
fn reader(app: &App, reaction: impl Reaction) -> Reader {
    Consumers::default().with(reaction).readers(&app.db, &app.clock, &app.ids).remove(0)
}

impl Store {
    /// `count` orders over some hours, of which every third was called off. Nothing runs in the background.
    async fn with(shape: Shape, count: usize) -> Self {
        let TestParts { app, clock, database } = TestParts::build(shape).await;
        let (api, running) = serve_alone(&app).await;
        let shop = seller_with_product(&api, 1_000, "40.00").await;
        let other = product(&shop.seller, &shop.category_id, 1_000, "0.35").await;
        let lines = [(uuid(Kind::Product, &shop.product_id), 1), (uuid(Kind::Product, &other), 3)];
        let customer = customers(&app, 1).await[0];
        let mut store =
            Self { app, seller: shop.seller, customer, orders: Vec::new(), _running: running, _database: database };
        for number in 0..count {
            clock.advance(Duration::from_mins(7));
            let order = place(&store.app, customer, &lines[number % 2..]).await.unwrap();
            if number % 3 == 0 {
                store.cancel(&order).await;
            }
            store.orders.push(order);
        }
        // meanwhile they were signed out
        store.seller = api.login(&store.seller.email).await;
        store
    }

    /// Has all events numbered.
    async fn number(&self) {
        until_numbered(&self.app).await;
    }

    async fn cancel(&self, order: &order::Model) {
        let to = OrderStatus::Cancelled;
        let cancel = Step { order: order.id, to, input: None, note: None, expected_version: None, delivery_code: None };
        refused(step(&self.app, self.customer, "cancelOrder", &key(), cancel).await).unwrap();
    }

    async fn report(&self, minutes: i64) -> Value {
        let from = self.orders[0].created_at + chrono::TimeDelta::minutes(minutes);
        let to = self.app.clock.now() + chrono::TimeDelta::hours(2);
        let answer = self.seller.query(SALES, json!({ "from": from, "to": to })).await;
        answer.data()["seller"]["sales"].clone()
    }

    /// What the rows of orders say for the same time.
    async fn expected(&self, minutes: i64) -> (i64, String) {
        let from = self.orders[0].created_at + chrono::TimeDelta::minutes(minutes);
        let orders = order::Entity::find().filter(order::Column::CreatedAt.gte(from));
        let orders = orders.all(self.app.db.reader()).await.unwrap();
        let sold: Vec<_> = orders.iter().filter(|order| order.status.is_sale()).collect();
        let total: i64 = sold.iter().map(|order| order.total_minor).sum();
        (i64::try_from(sold.len()).unwrap(), format!("{}.{:02}", total / 100, total % 100))
    }

    async fn check(&self) {
        let mut states: BTreeMap<OrderStatus, i64> = BTreeMap::new();
        for order in order::Entity::find().all(self.app.db.reader()).await.unwrap() {
            *states.entry(*order.status).or_default() += 1;
        }
        let counted = count_by_status(&self.app).await.unwrap().into_iter().filter(|(_, orders)| *orders != 0);
        assert_eq!(counted.collect::<BTreeMap<_, _>>(), states);
        for minutes in [-400, 0, 1, 43] {
            let (report, (orders, total)) = (self.report(minutes).await, self.expected(minutes).await);
            assert_eq!((report["orders"].as_i64(), report["total"]["amount"].as_str()), (Some(orders), Some(&*total)));
            let pieces = |part: &str| -> i64 {
                report[part].as_array().unwrap().iter().map(|row| row["quantity"].as_i64().unwrap()).sum()
            };
            assert_eq!(pieces("topProducts"), pieces("byCategory"));
        }
    }
}

async fn a_report_is_exact_however_far_the_counting_is(shape: Shape) {
    let store = Store::with(shape, 20).await;
    store.check().await;
    store.number().await;
    let before = store.report(1).await;
    let reader = reader(&store.app, SalesCounter);
    while reader.step(3).await.unwrap() != Read::Nothing {
        assert_eq!(store.report(1).await, before);
        audit(&store.app).await;
    }
    store.check().await;
    // what has no position yet is not missed either
    store.cancel(&store.orders[1]).await;
    assert_ne!(store.report(1).await["total"], before["total"]);
    store.check().await;
}

#[tokio::test]
async fn who_finds_another_at_the_counting_is_told_so() {
    let store = Store::with(Shape::Production, 2).await;
    store.number().await;
    let reader = reader(&store.app, SalesCounter);
    assert_eq!(reader.step(1).await.unwrap(), Read::Events(1));
    let another = store.app.db.begin().await.unwrap();
    entity::consumer::Entity::find().lock_exclusive().all(&*another).await.unwrap();
    assert_eq!(reader.step(1).await.unwrap(), Read::Busy, "which is not the same as that there is nothing new");
    another.commit().await.unwrap();
    assert_eq!(reader.step(1).await.unwrap(), Read::Events(1));
}

#[tokio::test]
async fn what_is_held_is_not_set_aside_and_nothing_is_said_of_it() {
    let store = Store::with(Shape::Production, 2).await;
    store.number().await;
    let reader = reader(&store.app, SalesCounter);
    assert_eq!(reader.step(1).await.unwrap(), Read::Events(1));
    let aside = async || entity::skipped_event::Entity::find().count(store.app.db.reader()).await.unwrap();
    let another = store.app.db.begin().await.unwrap();
    let held = entity::consumer::Entity::find().lock_exclusive().one(&*another).await.unwrap().unwrap();
    assert!(!reader.skip(held.position).await, "it could not be done: whoever is told that it was begins to count anew");
    another.commit().await.unwrap();
    assert_eq!(aside().await, 0);
    assert!(reader.skip(held.position).await);
    assert!(reader.skip(held.position).await, "somebody has: there is nothing left to do");
    assert_eq!(aside().await, 1);
}

async fn what_went_back_is_told_once_however_far_the_counting_is(shape: Shape) {
    const BACK: i64 = 70;
    let store = Store::with(shape, 4).await;
    store.number().await;
    // an instance that does not know of refunds counts none: the row says what its events do not
    let (db, order) = (store.app.db.writer(), &store.orders[1]);
    let set = order::Entity::update_many().col_expr(order::Column::RefundedMinor, Expr::value(BACK));
    set.filter(order::Column::Id.eq(order.id)).exec(db).await.unwrap();
    for mut row in event::Entity::find().all(db).await.unwrap() {
        if let Some(order) = row.payload.get_mut("order").and_then(Value::as_object_mut) {
            order.remove("refunded_minor");
        }
        event::Entity::update(row.into_active_model().reset_all()).exec(db).await.unwrap();
    }
    let reader = reader(&store.app, SalesCounter);
    while reader.step(100).await.unwrap() != Read::Nothing {}
    assert_eq!(store.report(-400).await["refunded"]["amount"], "0.70");
    // every change of it is to be counted again: it is taken out of the sums, and added from the row
    let back = entity::consumer::Entity::update_many().col_expr(entity::consumer::Column::Position, Expr::value(0));
    back.exec(db).await.unwrap();
    assert_eq!(store.report(-400).await["refunded"]["amount"], "0.70");
}

async fn an_event_that_comes_again_or_late_changes_no_sum(shape: Shape) {
    let store = Store::with(shape, 9).await;
    store.number().await;
    let reader = reader(&store.app, SalesCounter);
    while reader.step(100).await.unwrap() != Read::Nothing {}
    let sums =
        async || sales_hour::Entity::find().order_by_asc(sales_hour::Column::Hour).all(store.app.db.reader()).await.unwrap();
    let before = sums().await;
    for _ in 0..2 {
        // all of them, from the oldest on
        let back = entity::consumer::Entity::update_many().col_expr(entity::consumer::Column::Position, Expr::value(0));
        back.exec(store.app.db.writer()).await.unwrap();
        while reader.step(1).await.unwrap() != Read::Nothing {
            // nor for as long as an older version is the last that came
            assert_eq!(sums().await, before);
        }
    }
    audit(&store.app).await;
}

/// Counts, but now and then is cut off when it is done, before it is written down.
struct Torn(Arc<AtomicBool>);

impl Reaction for Torn {
    fn name(&self) -> &'static str {
        SalesCounter.name()
    }

    fn start(&self) -> Start {
        Start::Oldest
    }

    fn react<'a>(&'a self, tx: &'a Tx, events: &'a [Message]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            SalesCounter.react(tx, events).await?;
            if self.0.swap(false, Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
    }
}

async fn counting_that_is_cut_off_anywhere_counts_each_order_once(shape: Shape) {
    let store = Store::with(shape, 12).await;
    store.number().await;
    loop {
        let tears = Arc::new(AtomicBool::new(true));
        let torn = reader(&store.app, Torn(Arc::clone(&tears)));
        let counting = tokio::spawn(async move { torn.step(2).await });
        until(|| async { !tears.load(Ordering::Relaxed) || counting.is_finished() }).await;
        counting.abort();
        let cut = counting.await;
        audit(&store.app).await;
        match cut {
            Ok(Ok(Read::Nothing)) => break,
            // on PostgreSQL the row may be locked until the server has noticed
            Ok(Ok(Read::Busy)) => continue,
            cut => assert!(cut.is_err(), "it was cut off"),
        }
        let next = reader(&store.app, SalesCounter);
        until(|| async { matches!(next.step(2).await.unwrap(), Read::Events(_)) }).await;
        audit(&store.app).await;
    }
    store.check().await;
}

async fn orders_that_were_there_before_are_counted_once(shape: Shape) {
    let store = Store::with(shape, 9).await;
    store.number().await;
    let migrations = Migrator::migrations();
    let of = |name: &str| migrations.iter().find(|migration| migration.name().ends_with(name)).unwrap();
    let of_sums = ["sales_rollups", "sales_refunds", "order_counts"].map(of);
    let manager = migration::SchemaManager::new(store.app.db.writer());
    for migration in of_sums.iter().rev() {
        migration.down(&manager).await.unwrap();
    }
    for migration in &of_sums {
        migration.up(&manager).await.unwrap();
    }
    let count = sales_order::Entity::find().filter(sales_order::Column::IsCounted.eq(true));
    assert_eq!(count.all(store.app.db.reader()).await.unwrap().len(), 6, "nine, and three were called off");
    // its events come after it
    store.cancel(&store.orders[1]).await;
    store.check().await;
    store.number().await;
    let reader = reader(&store.app, SalesCounter);
    while reader.step(4).await.unwrap() != Read::Nothing {
        audit(&store.app).await;
        store.check().await;
    }
    let count = sales_order::Entity::find().filter(sales_order::Column::IsCounted.eq(true));
    assert_eq!(count.all(store.app.db.reader()).await.unwrap().len(), 5);
}
