//! When a delivery is expected, and what is looked at to know who delivers.

use chrono::{DateTime, TimeDelta, Utc};
use domain::id::{Kind, decode};
use entity::order;
use quick_commerce::orders::service::{Recipient, find_order, list_deliverers, list_deliverers_for};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{follow, try_report};
use crate::search::plans::Explainer;
use crate::support::actors::Actor;
use crate::support::story::{claim, ready_order, seller_with_product, step};
use crate::support::{Shape, TestApp, TestParts, over_both_shapes};

over_both_shapes! {
    what_a_partner_did_before_a_stage_does_not_count_towards_it,
    who_delivers_is_found_by_an_index,
}

/// The order as it is in the database.
async fn row(app: &TestApp, order: &str) -> order::Model {
    find_order(app.app.db.reader(), decode(Kind::Order, order).unwrap()).await.unwrap().unwrap()
}

/// What `customer` is told of the way that is left: when, and how far.
async fn expected(customer: &Actor, order: &str) -> (Value, Value) {
    let (_, mut now) = follow(customer, order).await;
    (now["estimatedDeliveryAt"].take(), now["distanceRemainingKm"].take())
}

async fn report_of(partner: &Actor, latitude: f64, longitude: f64, at: DateTime<Utc>) {
    let point = json!({ "latitude": latitude, "longitude": longitude });
    try_report(partner, json!({ "point": point, "recordedAt": at.to_rfc3339() })).await.ok("reportLocation");
}

async fn what_a_partner_did_before_a_stage_does_not_count_towards_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let order = ready_order(&shop, &customer).await;
    // farther from the store than the door is, five minutes ago
    report_of(&partner, 12.975, 77.70, app.clock.now() - TimeDelta::minutes(5)).await;
    claim(&partner, &order).await;
    let taken = row(&app, &order).await;
    let (pickup, door) =
        ((taken.pickup_latitude, taken.pickup_longitude), (taken.dropoff_latitude, taken.dropoff_longitude));
    let by_stage = expected(&customer, &order).await;
    assert_eq!(by_stage.1, Value::Null, "where they were before says nothing");
    report_of(&partner, 12.975, 77.70, taken.updated_at).await;
    assert!(expected(&customer, &order).await.1.as_f64().is_some_and(|left| left > 0.0), "from when they took it it does");

    for status in ["PICKED_UP", "IN_TRANSIT"] {
        step(&partner, &order, status).await;
        let began = row(&app, &order).await.updated_at;
        let by_old_fix = expected(&customer, &order).await;
        report_of(&partner, pickup.0, pickup.1, began).await;
        assert_eq!(by_old_fix, expected(&customer, &order).await, "{status}: they left the store then");
    }

    // what changes an order without a step begins nothing
    let at = row(&app, &order).await.updated_at + TimeDelta::milliseconds(1);
    report_of(&partner, f64::midpoint(pickup.0, door.0), f64::midpoint(pickup.1, door.1), at).await;
    let half_way = expected(&customer, &order).await;
    let later = order::Entity::update_many()
        .col_expr(order::Column::UpdatedAt, Expr::value(at + TimeDelta::minutes(1)))
        .filter(order::Column::Id.eq(taken.id));
    later.exec(app.app.db.writer()).await.unwrap();
    assert_eq!(half_way, expected(&customer, &order).await);
}

async fn who_delivers_is_found_by_an_index(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let app = &parts.app;
    let explainer = Explainer::of(app);
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for after in [None, Some(one)] {
        list_deliverers(app.db.reader(), after, 500).await.unwrap();
    }
    for recipient in [Recipient::Customer(other), Recipient::Seller(other)] {
        list_deliverers_for(app.db.reader(), &[one, other], recipient).await.unwrap();
    }
    let plans = explainer.plans(app).await;
    assert_eq!(plans.len(), 4);
    for (number, plan) in plans.iter().enumerate() {
        // who carries something, or the few orders of the one who asks, of which an empty table does not tell which is less
        assert!(number >= 2 || plan.contains("orders_carried_idx"), "{plan}");
        assert!(plan.contains("orders_") && !plan.contains("Seq Scan"), "{plan}");
        assert!(!plan.contains("SCAN orders") || plan.contains("SCAN orders USING INDEX orders_carried_idx"), "{plan}");
    }
}
