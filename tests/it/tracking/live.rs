//! A delivery, followed.

use domain::access::Actor as Principal;
use domain::event::Topic;
use domain::id::{Kind, decode};
use domain::order::OrderStatus;
use entity::{Text, order};
use quick_commerce::graphql::build_schema;
use quick_commerce::stream::Engine;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use super::{DELIVERY_TRACKING, follow, longitude, report, seen_at};
use crate::support::actors::{Actor, SET_AVAILABILITY};
use crate::support::socket::{End, Subscription};
use crate::support::story::{
    ASSIGN_ORDER, CANCEL_ORDER, RELEASE_CLAIM, claim, deliver, hand_over, key, ready_order, seller_with_product, step,
};
use crate::support::ticks::{Follower, Told};
use crate::support::wait::{until, until_or, until_quiet};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    a_delivery_is_followed_from_the_shelf_to_the_door,
    a_delivery_is_none_of_a_strangers_business,
    that_a_location_is_stale_is_told_once,
    what_has_ended_is_told_once_and_completes,
    an_order_that_goes_to_another_shows_that_one,
    an_end_of_which_no_word_came_is_noticed,
    who_goes_off_duty_is_gone_from_the_map,
    a_slow_client_is_told_the_newest,
    those_who_follow_the_same_delivery_are_answered_together,
}

async fn a_delivery_is_followed_from_the_shelf_to_the_door(shape: Shape) {
    let app = TestApp::start(shape).await;
    let people = Box::pin(async { tokio::join!(app.customer(), app.partner(), app.admin()) });
    let (shop, (customer, partner, admin)) = tokio::join!(seller_with_product(&app, 10, "40.00"), people);
    let order = ready_order(&shop, &customer).await;
    // before anybody comes nobody is shown
    report(&partner, 77.59).await;
    let (mut updates, first) = follow(&customer, &order).await;
    assert_eq!((&first["order"]["status"], &first["location"]), (&json!("READY"), &Value::Null));
    assert!(first["estimatedDeliveryAt"].is_string() && first["distanceRemainingKm"].is_null(), "{first}");

    claim(&partner, &order).await;
    let assigned = updates.until(|item| item["order"]["status"] == "ASSIGNED").await;
    assert_eq!(assigned["location"], Value::Null, "where they were before is nobody's business");
    report(&partner, 77.60).await;
    let to_store = seen_at(&mut updates, 77.60).await;
    step(&partner, &order, "PICKED_UP").await;
    let picked_up = updates.until(|item| item["order"]["status"] == "PICKED_UP").await;
    step(&partner, &order, "IN_TRANSIT").await;
    let mut far = picked_up["distanceRemainingKm"].as_f64().unwrap();
    assert!(far < to_store["distanceRemainingKm"].as_f64().unwrap(), "by the store it is farther");
    let ((mut seller, _), (mut desk, _)) = tokio::join!(follow(&shop.seller, &order), follow(&admin, &order));
    for at in [77.602, 77.605, 77.608] {
        report(&partner, at).await;
        for updates in [&mut updates, &mut seller, &mut desk] {
            let item = seen_at(updates, at).await;
            assert_eq!(item["location"]["isStale"], false);
            assert_eq!(item["estimatedDeliveryAt"], item["order"]["estimatedDeliveryAt"], "one word for both");
        }
        let (_, now) = follow(&customer, &order).await;
        let left = now["distanceRemainingKm"].as_f64().unwrap();
        assert!(left < far, "{left} is left of {far}");
        far = left;
    }
    hand_over(&partner, &customer, &order).await;
    for updates in [&mut updates, &mut seller, &mut desk] {
        let (items, end) = updates.end().await;
        let last = items.last().unwrap();
        assert_eq!((&last["order"]["status"], &last["location"], end), (&json!("DELIVERED"), &Value::Null, End::Complete));
        assert_eq!((&last["estimatedDeliveryAt"], &last["distanceRemainingKm"]), (&Value::Null, &Value::Null));
    }
}

async fn a_delivery_is_none_of_a_strangers_business(shape: Shape) {
    let app = TestApp::start(shape).await;
    let people = Box::pin(async { tokio::join!(app.customer(), app.customer(), app.partner(), app.seller()) });
    let (shop, (customer, stranger, partner, store)) = tokio::join!(seller_with_product(&app, 10, "40.00"), people);
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let none = domain::id::encode(Kind::Order, uuid::Uuid::from_u128(7));
    for (viewer, order, code) in [
        (&stranger, &order, "NOT_FOUND"),
        (&store, &order, "NOT_FOUND"),
        (&customer, &none, "NOT_FOUND"),
        (&partner, &order, "FORBIDDEN"),
        (&app.anonymous(), &order, "UNAUTHENTICATED"),
    ] {
        let (items, end) = viewer.subscribe(DELIVERY_TRACKING, json!({ "id": order })).await.end().await;
        assert_eq!((items, end.code()), (Vec::new(), code));
    }
}

async fn that_a_location_is_stale_is_told_once(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let (mut updates, _) = follow(&customer, &order).await;
    let topic = Topic::Location(decode(Kind::User, &partner.user_id).unwrap());
    for at in [77.60, 77.61] {
        report(&partner, at).await;
        let fresh = seen_at(&mut updates, at).await;
        assert_eq!(fresh["location"]["isStale"], false);
        app.clock.advance(app.app.config.tracking.stale);
        let stale = updates.next().await;
        assert_eq!((&stale["location"]["isStale"], longitude(&stale["location"])), (&json!(true), &json!(at)));
        for by_where_they_were in ["distanceRemainingKm", "estimatedDeliveryAt"] {
            assert!(
                stale[by_where_they_were] == fresh[by_where_they_were] && !stale[by_where_they_were].is_null(),
                "{stale}"
            );
        }
        // who is told to look sees the same, and does not hear of it
        for _ in 0..5 {
            app.app.bus.whisper(topic).await.unwrap();
        }
    }
    report(&partner, 77.62).await;
    let next = updates.next().await;
    assert_eq!(*longitude(&next["location"]), json!(77.62), "nothing came between: {next}");
    // at last it is forgotten
    app.clock.advance(app.app.config.tracking.keep);
    updates.until(|item| item["location"].is_null()).await;
}

async fn what_has_ended_is_told_once_and_completes(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let delivered = ready_order(&shop, &customer).await;
    claim(&partner, &delivered).await;
    report(&partner, 77.60).await;
    deliver(&partner, &customer, &delivered).await;
    let cancelled = ready_order(&shop, &customer).await;
    // what was committed before the first picture may come after it
    until_quiet(&app.app).await;
    let (mut updates, _) = follow(&customer, &cancelled).await;
    customer.mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": cancelled })).await.ok("cancelOrder");
    let (items, end) = updates.end().await;
    assert_eq!((items.len(), end), (1, End::Complete));
    for (order, status) in [(&delivered, "DELIVERED"), (&cancelled, "CANCELLED")] {
        let (items, end) = customer.subscribe(DELIVERY_TRACKING, json!({ "id": order })).await.end().await;
        assert_eq!((items.len(), end), (1, End::Complete), "{items:?}");
        assert_eq!((&items[0]["order"]["status"], &items[0]["location"]), (&json!(status), &Value::Null));
    }
}

async fn an_order_that_goes_to_another_shows_that_one(shape: Shape) {
    let app = TestApp::start(shape).await;
    let people = Box::pin(async { tokio::join!(app.customer(), app.partner(), app.partner(), app.admin()) });
    let (shop, (customer, first, second, admin)) = tokio::join!(seller_with_product(&app, 10, "40.00"), people);
    let order = ready_order(&shop, &customer).await;
    let claim_id = claim(&first, &order).await;
    report(&first, 77.60).await;
    let (mut updates, now) = follow(&customer, &order).await;
    assert_eq!(*longitude(&now["location"]), json!(77.60));
    first.mutate(RELEASE_CLAIM, json!({ "idempotencyKey": key(), "claimId": claim_id })).await.ok("releaseClaim");
    let waiting = updates.until(|item| item["order"]["status"] == "READY").await;
    assert_eq!((&waiting["location"], &waiting["order"]["partner"]), (&Value::Null, &Value::Null), "it waits for another");
    report(&first, 77.605).await;
    claim(&first, &order).await;
    let again = updates.until(|item| item["order"]["status"] == "ASSIGNED").await;
    assert_eq!(again["location"], Value::Null, "where they were while it waited is nobody's business");
    report(&second, 77.69).await;
    let assign = json!({ "orderId": order, "partnerId": second.user_id, "idempotencyKey": key() });
    admin.mutate(ASSIGN_ORDER, assign).await.ok("assignOrder");
    let with_second = updates.until(|item| item["order"]["partner"]["id"] == second.user_id.as_str()).await;
    assert_eq!(with_second["location"], Value::Null, "nor where the next one was before");
    report(&second, 77.70).await;
    seen_at(&mut updates, 77.70).await;
    // what the first does now is no business of the customer's
    report(&first, 77.61).await;
    report(&second, 77.71).await;
    let next = updates.next().await;
    assert_eq!(*longitude(&next["location"]), json!(77.71), "{next}");
}

/// A partner with an order whose customer follows it and has seen where they are; the order.
async fn on_the_way(app: &TestApp) -> (Actor, String, Subscription) {
    let (shop, customer, partner) = tokio::join!(seller_with_product(app, 10, "40.00"), app.customer(), app.partner());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let (mut updates, _) = follow(&customer, &order).await;
    report(&partner, 77.60).await;
    seen_at(&mut updates, 77.60).await;
    (partner, order, updates)
}

async fn an_end_of_which_no_word_came_is_noticed(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (partner, order, mut updates) = on_the_way(&app).await;
    until_quiet(&app.app).await;
    // as if the bus had lost it
    let delivered = order::Entity::update_many()
        .col_expr(order::Column::Status, Expr::value(Text(OrderStatus::Delivered)))
        .filter(order::Column::Id.eq(decode(Kind::Order, &order).unwrap()));
    delivered.exec(app.app.db.writer()).await.unwrap();
    let mut reports = 0;
    let last = loop {
        reports += 1;
        assert!(reports < 80, "they are shown, and it has ended long ago");
        report(&partner, 77.60 + f64::from(reports) / 10_000.0).await;
        let item = updates.next().await;
        if item["location"].is_null() {
            break item;
        }
    };
    assert_eq!(last["order"]["status"], "DELIVERED");
    assert_eq!(updates.end().await, (Vec::new(), End::Complete));
}

async fn who_goes_off_duty_is_gone_from_the_map(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (partner, _, mut updates) = on_the_way(&app).await;
    partner.mutate(SET_AVAILABILITY, json!({ "available": false })).await.ok("setAvailability");
    updates.until(|item| item["location"].is_null()).await;
}

/// Somebody who follows `order` on a connection of their own, past the first picture.
async fn follower(engine: &Engine, viewer: Principal, order: &str) -> Follower {
    let expected = engine.counts().subscriptions + 1;
    let mut follower = Follower::start(engine, Some(viewer), DELIVERY_TRACKING, &json!({ "id": order }));
    follower.item().await;
    until(|| async { engine.counts().subscriptions == expected }).await;
    follower
}

async fn a_slow_client_is_told_the_newest(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let engine = Engine::new(app.app.clone(), build_schema(&app.app));
    let mut slow = follower(&engine, customer.principal().await, &order).await;
    let (mut updates, _) = follow(&customer, &order).await;
    // of these several are answered, one after the other
    for number in 1..=5 {
        let at = 77.60 + f64::from(number) / 1_000.0;
        report(&partner, at).await;
        seen_at(&mut updates, at).await;
    }
    let told = engine.counts().messages;
    report(&partner, 77.61).await;
    until(|| async { engine.counts().messages > told && engine.counts().pending == 0 }).await;
    let item = slow.item().await;
    assert_eq!(*longitude(&item["location"]), json!(77.61), "the newest is told");
    assert!(slow.queue.try_next().is_none(), "and nothing else waits");
}

async fn those_who_follow_the_same_delivery_are_answered_together(shape: Shape) {
    let app = TestApp::start(shape).await;
    let people = Box::pin(async { tokio::join!(app.customer(), app.partner(), app.admin(), app.admin()) });
    let (shop, (customer, partner, admin, other)) = tokio::join!(seller_with_product(&app, 10, "40.00"), people);
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let engine = Engine::new(app.app.clone(), build_schema(&app.app));
    let mut followers = Vec::new();
    for viewer in [&admin, &other, &customer, &customer] {
        followers.push(follower(&engine, viewer.principal().await, &order).await);
    }
    assert_eq!(engine.counts().groups, 2, "the admins, and the customer's devices");
    report(&partner, 77.60).await;
    for follower in &mut followers {
        // the first tick of the clock may bring word of nothing new
        while *longitude(&follower.item().await["location"]) != json!(77.60) {}
    }
    step(&partner, &order, "PICKED_UP").await;
    step(&partner, &order, "IN_TRANSIT").await;
    hand_over(&partner, &customer, &order).await;
    for follower in &mut followers {
        while !matches!(follower.next().await, Told::Complete) {}
    }
    until(|| async { engine.counts().groups == 0 }).await;
    let topic = Topic::Location(decode(Kind::User, &partner.user_id).unwrap());
    until_or(|| async { !app.app.bus.topics_in_use().contains(&topic) }, || "nobody listens any more".to_owned()).await;
}
