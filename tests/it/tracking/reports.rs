//! What is taken of what devices say.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use quick_commerce::graphql::context::{RequestId, Viewer};
use quick_commerce::graphql::{authenticate, build_schema};
use serde_json::{Value, json};

use super::{LOCATION, REPORT_LOCATION, location, longitude, on_the_way, own_longitude, report, try_report};
use crate::support::story::{claim, ready_order, seller_with_product};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    the_newest_by_the_devices_clock_is_known_whatever_comes_last,
    of_many_at_once_the_newest_is_known,
    what_makes_no_sense_is_refused_by_its_field_and_changes_nothing,
    a_location_grows_stale_and_is_forgotten,
    to_report_takes_no_statement,
}

fn recorded(at: DateTime<Utc>, longitude: f64) -> Value {
    let mut input = on_the_way(longitude);
    input["recordedAt"] = json!(at.to_rfc3339());
    input
}

async fn the_newest_by_the_devices_clock_is_known_whatever_comes_last(shape: Shape) {
    let app = TestApp::start(shape).await;
    let partner = app.partner().await;
    let now = app.clock.now();
    let ago = |seconds| now - TimeDelta::seconds(seconds);
    for (at, longitude, known) in [
        (ago(60), 77.60, 77.60),
        (ago(30), 77.61, 77.61),
        (ago(45), 77.62, 77.61),
        (ago(30), 77.63, 77.61),
        (ago(29), 77.64, 77.64),
        // a clock that is a little ahead
        (now + TimeDelta::seconds(5), 77.65, 77.65),
        (now, 77.66, 77.65),
    ] {
        // what comes late is no error
        try_report(&partner, recorded(at, longitude)).await.ok("reportLocation");
        assert_eq!(own_longitude(&partner).await, json!(known), "{longitude} of {at}");
    }
}

async fn of_many_at_once_the_newest_is_known(shape: Shape) {
    let app = TestApp::start(shape).await;
    let partner = app.partner().await;
    let now = app.clock.now();
    let of = |number: u32| (now - TimeDelta::milliseconds(i64::from(number)), 77.0 + f64::from(number) / 1_000.0);
    let reports = (0..40).map(|number| {
        // in no order that any of them could rely on
        let (at, longitude) = of(number * 17 % 40);
        try_report(&partner, recorded(at, longitude))
    });
    for answer in futures_util::future::join_all(reports).await {
        answer.ok("reportLocation");
    }
    assert_eq!(own_longitude(&partner).await, json!(77.0));
}

async fn what_makes_no_sense_is_refused_by_its_field_and_changes_nothing(shape: Shape) {
    let app = TestApp::start(shape).await;
    let partner = app.partner().await;
    report(&partner, 77.60).await;
    let now = app.clock.now();
    let minute = TimeDelta::minutes(1);
    let kept = TimeDelta::from_std(app.app.config.tracking.keep).unwrap();
    for (field, value) in [
        ("point", json!({ "latitude": 90.1, "longitude": 0 })),
        ("point", json!({ "latitude": 0, "longitude": -180.1 })),
        ("heading", json!(360.5)),
        ("heading", json!(-1)),
        ("speedKmh", json!(-0.5)),
        ("speedKmh", json!(301)),
        ("accuracyM", json!(-1)),
        ("accuracyM", json!(10_001)),
        ("recordedAt", json!((now + minute).to_rfc3339())),
        ("recordedAt", json!((now - kept - minute).to_rfc3339())),
    ] {
        let mut input = on_the_way(77.70);
        input[field] = value;
        let answer = try_report(&partner, input.clone()).await;
        assert_eq!(answer.refusal("reportLocation"), "INVALID_INPUT", "{input}");
        assert_eq!(answer.user_errors("reportLocation")[0]["field"], json!([field]), "{input}");
        assert_eq!(own_longitude(&partner).await, json!(77.60), "{input}");
    }
}

async fn a_location_grows_stale_and_is_forgotten(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let mut input = on_the_way(77.60);
    for (field, value) in [("heading", 90.0), ("speedKmh", 21.5), ("accuracyM", 8.0)] {
        input[field] = json!(value);
    }
    try_report(&partner, input.clone()).await.ok("reportLocation");
    let fresh = location(&customer, &order).await;
    assert_eq!(fresh["isStale"], false, "{fresh}");
    for field in ["point", "heading", "speedKmh", "accuracyM"] {
        assert_eq!(fresh[field], input[field], "as it was said");
    }
    let stale = app.app.config.tracking.stale;
    app.clock.advance(stale);
    assert_eq!(location(&customer, &order).await["isStale"], true);
    app.clock.advance(app.app.config.tracking.keep.saturating_sub(stale + Duration::from_mins(1)));
    assert_eq!(location(&customer, &order).await["isStale"], true);
    app.clock.advance(Duration::from_mins(1));
    for viewer in [&customer, &shop.seller] {
        assert_eq!(location(viewer, &order).await, Value::Null, "nobody knows any more");
    }
    assert_eq!(own_longitude(&partner).await, Value::Null);
    report(&partner, 77.61).await;
    assert_eq!(*longitude(&location(&customer, &order).await), json!(77.61));
}

async fn to_report_takes_no_statement(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let (customer_token, token) = (customer.token.unwrap(), partner.token.unwrap());
    // nothing in the background may count
    let api = app.api.app.clone();
    let _database = app.stop().await;
    let schema = build_schema(&api);
    let viewer = authenticate(&api, &token).await.unwrap_or_else(|_| panic!("the token is good"));
    let customer = authenticate(&api, &customer_token).await.unwrap_or_else(|_| panic!("the token is good"));
    let ask = async |viewer, document: &str, variables: Value| {
        let request = async_graphql::Request::new(document)
            .variables(async_graphql::Variables::from_json(variables))
            .data(Viewer(Some(viewer)))
            .data(RequestId("reports".to_owned()));
        let answer = schema.execute(request).await;
        assert_eq!(answer.errors, Vec::new());
        answer.data.into_json().unwrap()
    };
    let before = api.db.statements();
    for number in 0..50 {
        let answer = ask(viewer, REPORT_LOCATION, json!({ "input": on_the_way(77.0 + f64::from(number) / 100.0) })).await;
        assert_eq!(answer["reportLocation"]["userErrors"], json!([]));
    }
    assert_eq!(api.db.statements(), before, "not one for fifty reports");
    let seen = ask(customer, LOCATION, json!({ "id": order })).await;
    assert_eq!(*longitude(&seen["order"]["partner"]["partner"]["location"]), json!(77.49));
    let with_user = REPORT_LOCATION.replace("userErrors", "user { id } userErrors");
    let answer = ask(viewer, &with_user, json!({ "input": on_the_way(77.5) })).await;
    assert!(answer["reportLocation"]["user"]["id"].is_string(), "who asks for it is told");
}
