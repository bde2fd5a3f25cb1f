//! Webhooks as they may come: forged, old, twice, out of order, about nothing.

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use entity::payment_event;
use quick_commerce::payments::signature;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use serde_json::json;
use uuid::Uuid;

use super::World;
use crate::support::audit::audit;
use crate::support::money::{money, place_card_order, sandbox_event, start, tell, timeline, webhook};
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    what_is_not_signed_by_the_provider_now_is_refused,
    an_event_counts_once,
    what_comes_out_of_order_changes_nothing,
    another_amount_or_payment_is_not_accepted,
}

async fn what_is_not_signed_by_the_provider_now_is_refused(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    let event = sandbox_event(&app.app, "evt_1", "payment.succeeded", &payment).await;
    let body = event.to_string();
    let secret = app.app.keys.derive("webhooks of the payment sandbox");
    let now: DateTime<Utc> = app.app.clock.now();
    let signed = |secret: &[u8], seconds: i64| signature::sign(secret, body.as_bytes(), now + TimeDelta::seconds(seconds));
    let good = signed(&secret, 0);
    let (time, code) = good.split_once(',').unwrap();
    let bad = [
        None,
        Some(String::new()),
        Some("whatever".to_owned()),
        Some(code.to_owned()),
        Some(time.to_owned()),
        Some(format!("{time},v1=00")),
        Some(format!("{time},v0={}", &code[3..])),
        Some(format!("t={},{code}", now.timestamp() + 1)),
        Some(format!("{time},{time},{code}")),
        Some(signed(b"another secret", 0)),
        // by the right secret, and too far from now
        Some(signed(&secret, -310)),
        Some(signed(&secret, 310)),
    ];
    for signature in &bad {
        let answer = webhook(app, "sandbox", signature.as_deref(), &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{signature:?}: {}", answer.text());
    }
    let changed = body.replace("evt_1", "evt_2");
    assert_eq!(webhook(app, "sandbox", Some(&good), &changed).await.status, StatusCode::BAD_REQUEST);
    for (provider, status) in [("stripe", StatusCode::NOT_FOUND), ("cash", StatusCode::NOT_FOUND)] {
        assert_eq!(webhook(app, provider, Some(&good), &body).await.status, status, "{provider} is not set up");
    }
    let garbage = "{";
    let answer = webhook(app, "sandbox", Some(&signature::sign(&secret, garbage.as_bytes(), now)), garbage).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let order = money(customer, &id).await;
    assert_eq!((&order["status"], order["version"].as_i64()), (&json!("PENDING"), Some(1)));
    assert_eq!(payment_event::Entity::find().count(app.app.db.reader()).await.unwrap(), 0);
    // within the tolerance, with an older secret's code beside it
    let early = format!("{},v1={}", signed(&secret, -200), "0".repeat(64));
    assert_eq!(webhook(app, "sandbox", Some(&early), &body).await.status, StatusCode::OK);
    assert_eq!(money(customer, &id).await["status"], "READY");
}

async fn an_event_counts_once(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    let event = sandbox_event(&app.app, "evt_1", "payment.succeeded", &payment).await;
    for _ in 0..3 {
        assert_eq!(tell(app, &event).await.status, StatusCode::OK);
    }
    // the same news under another id
    let again = sandbox_event(&app.app, "evt_2", "payment.succeeded", &payment).await;
    assert_eq!(tell(app, &again).await.status, StatusCode::OK);
    let order = money(customer, &id).await;
    assert_eq!(timeline(&order), ["PLACED", "PAYMENT_SUCCEEDED", "CONFIRMED", "PREPARING", "READY"]);
    assert_eq!(payment_event::Entity::find().count(app.app.db.reader()).await.unwrap(), 2);
    audit(&app.app).await;
}

async fn what_comes_out_of_order_changes_nothing(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    let event = async |id: &str, of: &str| sandbox_event(&app.app, id, of, &payment).await;
    tell(app, &event("evt_2", "payment.succeeded").await).await;
    tell(app, &event("evt_1", "payment.failed").await).await;
    tell(app, &event("evt_3", "payment.of_tomorrow").await).await;
    let order = money(customer, &id).await;
    assert_eq!((&order["status"], &order["paymentStatus"]), (&json!("READY"), &json!("PAID")));
    assert!(!timeline(&order).contains(&"PAYMENT_FAILED"));
    audit(&app.app).await;
}

async fn another_amount_or_payment_is_not_accepted(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    let right = sandbox_event(&app.app, "evt", "payment.succeeded", &payment).await;
    let wrong = [
        ("amount", json!(1)),
        ("amount", json!(right["amount"].as_i64().unwrap() + 1)),
        ("currency", json!("JPY")),
        ("payment", json!(Uuid::from_u128(7))),
        ("intent", json!("sbx_pi_of_another")),
    ];
    for (number, (field, value)) in wrong.into_iter().enumerate() {
        let mut event = right.clone();
        event["id"] = json!(format!("evt_{number}"));
        event[field] = value;
        let answer = tell(app, &event).await;
        assert_eq!(answer.status, StatusCode::OK, "sent again, it would be no better: {}", answer.text());
        assert_eq!(money(customer, &id).await["paymentStatus"], "PENDING", "{event}");
    }
    tell(app, &right).await;
    assert_eq!(money(customer, &id).await["paymentStatus"], "PAID");
    audit(&app.app).await;
}
