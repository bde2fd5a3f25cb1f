//! What is kept of where partners were.

use std::time::Duration;

use chrono::{DurationRound as _, TimeDelta};
use domain::id::{Kind, decode};
use entity::partner_location as kept;
use quick_commerce::tracking::history::{remove_old, sample};
use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _};
use serde_json::json;

use super::{on_the_way, report, try_report};
use crate::support::actors::Actor;
use crate::support::story::{claim, deliver, ready_order, seller_with_product};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    of_a_delivery_one_location_a_minute_is_kept_and_for_a_time_only,
    what_is_too_old_is_removed_and_nothing_younger,
}

async fn rows(app: &TestApp, partner: &Actor) -> Vec<kept::Model> {
    let partner = decode(Kind::User, &partner.user_id).unwrap();
    let rows = kept::Entity::find().filter(kept::Column::PartnerId.eq(partner)).order_by_asc(kept::Column::Minute);
    rows.all(app.app.db.reader()).await.unwrap()
}

async fn of_a_delivery_one_location_a_minute_is_kept_and_for_a_time_only(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    report(&partner, 77.60).await;
    sample(&app.app).await.unwrap();
    assert_eq!(rows(&app, &partner).await, [], "who carries nothing leaves no trace");

    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    sample(&app.app).await.unwrap();
    assert_eq!(rows(&app, &partner).await, [], "nor does where they were before they took anything");
    let minute = (app.clock.now() + TimeDelta::minutes(1)).duration_trunc(TimeDelta::minutes(1)).unwrap();
    app.clock.advance(Duration::from_secs(90));
    for second in [1, 2] {
        let mut input = on_the_way(77.60 + f64::from(second) / 100.0);
        input["recordedAt"] = json!((minute + TimeDelta::seconds(second.into())).to_rfc3339());
        input["speedKmh"] = json!(20);
        try_report(&partner, input).await.ok("reportLocation");
        // by several instances at once
        let (one, other) = tokio::join!(sample(&app.app), sample(&app.app));
        assert!(one.unwrap() + other.unwrap() <= 1);
    }
    let first = rows(&app, &partner).await;
    let of_minute: Vec<_> = first.iter().filter(|row| row.minute == minute.timestamp() / 60).collect();
    let [row] = of_minute[..] else { panic!("{first:?}") };
    assert_eq!((row.longitude, row.speed_kmh), (77.61, Some(20.0)), "the first of its minute");

    app.clock.advance(Duration::from_mins(1));
    report(&partner, 77.70).await;
    sample(&app.app).await.unwrap();
    let before_the_end = rows(&app, &partner).await.len();
    assert_eq!(before_the_end, first.len() + 1);
    deliver(&partner, &customer, &order).await;
    app.clock.advance(Duration::from_mins(1));
    report(&partner, 77.80).await;
    sample(&app.app).await.unwrap();
    remove_old(&app.app).await.unwrap();
    assert_eq!(rows(&app, &partner).await.len(), before_the_end, "nothing after the door, and nothing too soon");
    app.clock.advance(app.app.config.tracking.history);
    remove_old(&app.app).await.unwrap();
    assert_eq!(rows(&app, &partner).await, []);
}

async fn what_is_too_old_is_removed_and_nothing_younger(shape: Shape) {
    let app = TestApp::start(shape).await;
    let partner = app.partner().await;
    // far from the next minute
    let (now, minute) = (app.clock.now(), TimeDelta::minutes(1));
    let begun = (now + minute).duration_trunc(minute).unwrap() + TimeDelta::seconds(1);
    app.clock.advance((begun - now).to_std().unwrap());
    let youngest = begun - TimeDelta::from_std(app.app.config.tracking.history).unwrap();
    let kept = [-2, -1, 0, 1].map(|minutes| {
        let recorded_at = youngest + minute * minutes;
        kept::Model {
            partner_id: decode(Kind::User, &partner.user_id).unwrap(),
            minute: recorded_at.timestamp().div_euclid(60),
            latitude: 12.975,
            longitude: 77.6,
            heading: None,
            speed_kmh: None,
            accuracy_m: None,
            recorded_at,
        }
    });
    let written = kept.iter().cloned().map(kept::Model::into_active_model);
    kept::Entity::insert_many(written).exec_without_returning(app.app.db.writer()).await.unwrap();
    remove_old(&app.app).await.unwrap();
    let minutes = |rows: &[kept::Model]| rows.iter().map(|row| row.minute).collect::<Vec<_>>();
    assert_eq!(minutes(&rows(&app, &partner).await), minutes(&kept[2..]));
}
