//! The platform's live figures are read once for all who follow them, and for nobody when nobody does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use domain::id::Kind;
use entity::order;
use futures_util::future::join_all;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::actors::SET_AVAILABILITY;
use crate::support::crowd::uuid;
use crate::support::money::place_card_order;
use crate::support::story::{CANCEL_ORDER, claim, deliver, key, place_order, ready_order, seller_with_product};
use crate::support::wait::{until, until_quiet};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    figures_are_read_once_however_many_admins_follow_them,
    an_admin_is_told_no_more_than_once_a_second,
    the_figures_that_are_shown_first_count_as_told,
    every_figure_is_what_the_rows_say,
}

const FIGURES: &str = "subscription { liveStats { at ordersToday } }";

async fn figures_are_read_once_however_many_admins_follow_them(shape: Shape) {
    let app = TestApp::start(shape).await;
    noon(&app);
    let (admin, customer, shop) = tokio::join!(app.admin(), app.customer(), seller_with_product(&app, 100, "40.00"));
    let reads = Arc::new(AtomicUsize::new(0));
    let heard = Arc::clone(&reads);
    app.app.db.on_statement(move |statement| {
        // no other reads how many orders are in each state
        let is_of_figures = statement.sql.contains("FROM \"order_counts\"");
        heard.fetch_add(usize::from(is_of_figures), Ordering::Relaxed);
    });
    let mut placed = 0;
    for admins in [2, 20] {
        let mut following = join_all((0..admins).map(|_| admin.subscribe(FIGURES, Value::Null))).await;
        for subscription in &mut following {
            assert_eq!(subscription.next().await["ordersToday"], placed, "as things are");
        }
        until_quiet(&app.app).await;
        let before = reads.load(Ordering::Relaxed);
        assert!(before > 0, "what is counted here is what is read");
        place_order(&customer, &shop.product_id, 1).await;
        placed += 1;
        // every one that was told, by its moment
        let mut told = BTreeSet::new();
        for subscription in &mut following {
            loop {
                let item = subscription.next().await;
                told.insert(item["at"].to_string());
                if item["ordersToday"] == placed {
                    break;
                }
            }
        }
        let read = reads.load(Ordering::Relaxed) - before;
        // the last may be followed by one more, of what came with the order
        assert!((1..=told.len() + 1).contains(&read), "{admins} admins were told {} times, of {read} reads", told.len());
        drop(following);
        let over = async || app.http.get("/metrics").await.text().contains("quick_commerce_stream_groups 0\n");
        until(over).await;
    }
    let before = reads.load(Ordering::Relaxed);
    place_order(&customer, &shop.product_id, 1).await;
    until_quiet(&app.app).await;
    assert_eq!(reads.load(Ordering::Relaxed), before, "nobody listens");
    // and by who asks once: those of the last second are good enough
    app.clock.advance(Duration::from_secs(1));
    let asks = join_all((0..30).map(|_| admin.query("{ admin { liveStats { at ordersToday } } }", json!({})))).await;
    let mut moments = BTreeSet::new();
    for answer in asks {
        let figures = &answer.data()["admin"]["liveStats"];
        assert_eq!(figures["ordersToday"], 3);
        moments.insert(figures["at"].to_string());
    }
    let read = reads.load(Ordering::Relaxed) - before;
    assert_eq!(read, moments.len(), "each is read once");
    assert!(read < 15, "{read} for thirty");
}

async fn an_admin_is_told_no_more_than_once_a_second(shape: Shape) {
    const ORDERS: i32 = 12;
    let app = TestApp::start(shape).await;
    noon(&app);
    let (admin, customer, shop) = tokio::join!(app.admin(), app.customer(), seller_with_product(&app, 100, "40.00"));
    let began = Instant::now();
    let mut following = admin.subscribe(FIGURES, Value::Null).await;
    assert_eq!(following.next().await["ordersToday"], 0);
    let ordering = async {
        for _ in 0..ORDERS {
            place_order(&customer, &shop.product_id, 1).await;
            // so that they span several seconds
            sleep(Duration::from_millis(200)).await;
        }
    };
    let hearing = async {
        let mut heard: u64 = 1;
        while following.next().await["ordersToday"] != ORDERS {
            heard += 1;
        }
        heard
    };
    let ((), heard) = tokio::join!(ordering, hearing);
    assert!(heard > 1, "there were several");
    // whatever is told late makes this longer: it is no matter of how fast anything is
    assert!(heard <= began.elapsed().as_secs() + 1, "{heard} in {:?}", began.elapsed());
}

async fn the_figures_that_are_shown_first_count_as_told(shape: Shape) {
    let app = TestApp::start(shape).await;
    noon(&app);
    let (admin, customer, shop) = tokio::join!(app.admin(), app.customer(), seller_with_product(&app, 100, "40.00"));
    until_quiet(&app.app).await;
    // how often one was told, and since when
    let follow = async || {
        let began = Instant::now();
        let mut following = admin.subscribe(FIGURES, Value::Null).await;
        following.next().await;
        (following, 1, began)
    };
    let mut early = follow().await;
    for placed in 1..=3 {
        let mut late = follow().await;
        place_order(&customer, &shop.product_id, 1).await;
        for (following, heard, began) in [&mut late, &mut early] {
            *heard += 1;
            while following.next().await["ordersToday"] != placed {
                *heard += 1;
            }
            assert!(*heard <= began.elapsed().as_secs() + 1, "{heard} in {:?}", began.elapsed());
        }
    }
}

const ALL: &str = "query($from: DateTime!, $to: DateTime!) { admin {
    liveStats { ordersByStatus { status count } ordersToday revenueToday { amount currency } activePartners busyPartners
        unassignedOrders oldestUnassignedSeconds medianDeliverySeconds p95DeliverySeconds }
    sales(from: $from, to: $to, interval: DAY) { total { amount } } } }";

async fn every_figure_is_what_the_rows_say(shape: Shape) {
    let app = TestApp::start(shape).await;
    let today = noon(&app);
    let (admin, customer, shop) = tokio::join!(app.admin(), app.customer(), seller_with_product(&app, 100, "40.00"));
    let (busy, free, away) = tokio::join!(app.partner(), app.partner(), app.partner());
    away.mutate(SET_AVAILABILITY, json!({ "available": false })).await.ok("setAvailability");
    let db = app.app.db.writer();
    let set = async |id: &str, column, value: Expr| {
        let update =
            order::Entity::update_many().col_expr(column, value).filter(order::Column::Id.eq(uuid(Kind::Order, id)));
        assert_eq!(update.exec(db).await.unwrap().rows_affected, 1);
    };
    for seconds in [300, 600, 1_200] {
        let order = ready_order(&shop, &customer).await;
        claim(&free, &order).await;
        deliver(&free, &customer, &order).await;
        set(&order, order::Column::CreatedAt, Expr::val(today)).await;
        set(&order, order::Column::DeliveredAt, Expr::val(today + TimeDelta::seconds(seconds))).await;
    }
    claim(&busy, &ready_order(&shop, &customer).await).await;
    for waits in [90, 30] {
        let order = ready_order(&shop, &customer).await;
        set(&order, order::Column::ReadyAt, Expr::val(app.clock.now() - TimeDelta::seconds(waits))).await;
    }
    let off = place_order(&customer, &shop.product_id, 1).await;
    customer.mutate(CANCEL_ORDER, json!({ "orderId": off, "idempotencyKey": key() })).await.ok("cancelOrder");
    place_card_order(&customer, &shop.product_id, 1).await;
    until_quiet(&app.app).await;
    let figures = async || {
        // those of the last second are good enough
        app.clock.advance(Duration::from_secs(2));
        let period = json!({ "from": today - TimeDelta::hours(12), "to": today + TimeDelta::hours(12) });
        admin.query(ALL, period).await.data()["admin"].clone()
    };
    let shown = figures().await;
    let stats = &shown["liveStats"];
    let count = |status: &str| {
        let counts = stats["ordersByStatus"].as_array().unwrap();
        counts.iter().find(|count| count["status"] == status).unwrap()["count"].as_i64().unwrap()
    };
    let counts = ["PENDING", "READY", "ASSIGNED", "DELIVERED", "CANCELLED", "FAILED"].map(count);
    assert_eq!(counts, [1, 2, 1, 3, 1, 0]);
    assert_eq!((&stats["ordersToday"], &stats["activePartners"], &stats["busyPartners"]), (&json!(7), &json!(2), &json!(1)));
    assert_eq!((&stats["medianDeliverySeconds"], &stats["p95DeliverySeconds"]), (&json!(600), &json!(1_200)));
    let waited = stats["oldestUnassignedSeconds"].as_i64().unwrap();
    assert!(stats["unassignedOrders"] == 2 && (92..150).contains(&waited), "{stats}");
    let rows = order::Entity::find().all(db).await.unwrap();
    let sold: i64 = rows.iter().filter(|row| row.status.is_sale()).map(|row| row.total_minor).sum();
    let amount = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
    assert_eq!(stats["revenueToday"], json!({ "amount": amount(sold), "currency": "INR" }));
    assert_eq!(shown["sales"]["total"], json!({ "amount": amount(sold) }), "a report says the same");

    // what was placed before today, and what cannot be added
    let (early, foreign) = (ready_order(&shop, &customer).await, ready_order(&shop, &customer).await);
    set(&early, order::Column::CreatedAt, Expr::val(today - TimeDelta::hours(13))).await;
    set(&foreign, order::Column::Currency, Expr::val("EUR")).await;
    let stats = &figures().await["liveStats"];
    assert_eq!((&stats["ordersToday"], &stats["revenueToday"]["amount"]), (&json!(8), &json!(amount(sold))));
}

/// Makes it noon, so that no test is of two days; when that is.
fn noon(app: &TestApp) -> DateTime<Utc> {
    let now = app.clock.now();
    let noon = now.date_naive().and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(36);
    app.clock.advance((noon - now).to_std().unwrap());
    noon
}
