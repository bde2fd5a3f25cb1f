//! The whole story, with the sandbox as the provider.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{WINDOW, World};
use crate::support::audit::audit;
use crate::support::money::{
    START_PAYMENT, money, place_card_order, play, start, started, timeline, try_play, try_start, until_money,
};
use crate::support::story::{CANCEL_ORDER, claim, deliver, key, place_order, text, try_step};
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    an_order_paid_by_card_is_confirmed_by_its_provider_and_delivered,
    a_declined_payment_can_be_followed_by_another,
    the_same_payment_may_succeed_after_it_failed,
    what_is_never_paid_is_called_off_and_gives_its_stock_back,
    a_late_success_of_a_cancelled_order_goes_back_by_itself,
    what_is_not_to_be_paid_cannot_be_paid,
    a_payment_is_started_once,
    an_admin_confirms_an_order_that_was_not_paid,
    the_page_plays_the_customer,
}

async fn an_order_paid_by_card_is_confirmed_by_its_provider_and_delivered(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let partner = app.partner().await;
    let id = place_card_order(customer, &shop.product_id, 3).await;
    assert_eq!(world.stock().await, (97, 100, 3), "promised, and still on hand");
    assert_eq!(money(customer, &id).await["viewerActions"], json!(["PAY", "CANCEL"]));

    let payment = start(customer, &id).await;
    let before = money(customer, &id).await;
    assert_eq!(before["payments"][0]["clientSecret"], payment.secret.as_str());
    assert_eq!((&before["status"], &before["payments"][0]["status"]), (&json!("PENDING"), &json!("PENDING")));
    // nobody else goes on with it
    for other in [&shop.seller, &app.admin().await] {
        let seen = money(other, &id).await;
        assert_eq!((&seen["payments"][0]["id"], &seen["payments"][0]["clientSecret"]), (&json!(payment.id), &Value::Null));
    }

    play(app, &payment, "succeed").await;
    let order = until_money(customer, &id, "/status", "READY").await;
    assert_eq!((&order["paymentStatus"], &order["payments"][0]["status"]), (&json!("PAID"), &json!("PAID")));
    assert_eq!(order["payments"][0]["clientSecret"], Value::Null, "it is of no use any more");
    assert_eq!(timeline(&order), ["PLACED", "PAYMENT_SUCCEEDED", "CONFIRMED", "PREPARING", "READY"]);
    assert_eq!(world.stock().await, (97, 97, 0), "sold");
    assert_eq!(try_start(customer, &id).await.refusal("startPayment"), "PAYMENT_NOT_ALLOWED");

    claim(&partner, &id).await;
    assert_eq!(money(&partner, &id).await["payments"], json!([]), "a partner's business is the parcel");
    deliver(&partner, customer, &id).await;
    let order = money(customer, &id).await;
    assert_eq!(order["payments"].as_array().unwrap().len(), 1, "no cash was taken");
    audit(&app.app).await;
}

async fn a_declined_payment_can_be_followed_by_another(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let first = start(customer, &id).await;
    play(app, &first, "decline").await;
    let order = until_money(customer, &id, "/payments/0/status", "FAILED").await;
    assert_eq!((&order["status"], &order["paymentStatus"]), (&json!("PENDING"), &json!("FAILED")));
    assert_eq!(order["payments"][0]["failureReason"], "The sandbox was asked to decline it.");
    assert_eq!(order["viewerActions"], json!(["PAY", "CANCEL"]));

    let second = start(customer, &id).await;
    assert_ne!(first.id, second.id);
    play(app, &second, "succeed").await;
    let order = until_money(customer, &id, "/status", "READY").await;
    assert_eq!(timeline(&order)[..3], ["PLACED", "PAYMENT_FAILED", "PAYMENT_SUCCEEDED"]);
    assert_eq!(order["paymentStatus"], "PAID");
    // the first was called off where it was made
    crate::support::wait::until(|| async { try_play(app, &first, "succeed").await.status == StatusCode::CONFLICT }).await;
    audit(&app.app).await;
}

async fn the_same_payment_may_succeed_after_it_failed(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    play(app, &payment, "decline").await;
    until_money(customer, &id, "/payments/0/status", "FAILED").await;
    play(app, &payment, "succeed").await;
    let order = until_money(customer, &id, "/status", "READY").await;
    assert_eq!((&order["paymentStatus"], &order["payments"][0]["failureReason"]), (&json!("PAID"), &Value::Null));
    audit(&app.app).await;
}

async fn what_is_never_paid_is_called_off_and_gives_its_stock_back(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let (left, forgotten) =
        (place_card_order(customer, &shop.product_id, 2).await, place_card_order(customer, &shop.product_id, 5).await);
    let payment = start(customer, &left).await;
    play(app, &payment, "never").await;
    assert_eq!(world.stock().await, (93, 100, 7));
    app.clock.advance(WINDOW);
    let late = try_start(customer, &forgotten).await;
    assert_eq!(late.refusal("startPayment"), "PAYMENT_NOT_ALLOWED", "by its second, whether or not the sweep came by");
    for id in [&left, &forgotten] {
        let order = until_money(customer, id, "/status", "CANCELLED").await;
        let last = order["timeline"]["nodes"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["type"], &last["actorRole"]), (&json!("CANCELLED"), &Value::Null), "nobody did it");
    }
    assert_eq!(world.stock().await, (100, 100, 0));
    let order = money(customer, &left).await;
    assert_eq!(order["payments"][0]["status"], "FAILED");
    // the sandbox was told as well
    crate::support::wait::until(|| async { try_play(app, &payment, "succeed").await.status == StatusCode::CONFLICT }).await;
    audit(&app.app).await;
}

async fn a_late_success_of_a_cancelled_order_goes_back_by_itself(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 2).await;
    let payment = start(customer, &id).await;
    play(app, &payment, "late").await;
    customer.mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": id })).await.ok("cancelOrder");
    assert_eq!(world.stock().await, (100, 100, 0), "released, and nothing was sold");
    app.clock.advance(app.app.config.payments.sandbox_late);
    let order = until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    assert_eq!(timeline(&order), ["PLACED", "CANCELLED", "PAYMENT_SUCCEEDED", "REFUNDED"]);
    let paid = &order["payments"][0];
    assert_eq!((&order["status"], &paid["status"]), (&json!("CANCELLED"), &json!("REFUNDED")));
    assert_eq!(paid["refunded"], paid["amount"]);
    assert_eq!(paid["refunds"][0]["status"], "REFUNDED");
    assert_eq!(world.stock().await, (100, 100, 0));
    audit(&app.app).await;
}

async fn what_is_not_to_be_paid_cannot_be_paid(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let (cash, card) =
        (place_order(customer, &shop.product_id, 1).await, place_card_order(customer, &shop.product_id, 1).await);
    let answer = try_start(customer, &cash).await;
    assert_eq!(answer.refusal("startPayment"), "PAYMENT_NOT_ALLOWED");
    assert_eq!(answer.user_errors("startPayment")[0]["field"], json!(["orderId"]));
    let stranger = app.customer().await;
    assert_eq!(try_start(&stranger, &card).await.refusal("startPayment"), "NOT_FOUND");
    let elsewhere = json!({ "idempotencyKey": key(), "orderId": card, "provider": "stripe" });
    let answer = customer.mutate(START_PAYMENT, elsewhere).await;
    assert_eq!(answer.refusal("startPayment"), "INVALID_INPUT", "no account at Stripe is configured");
    let payment = start(customer, &card).await;
    let node = "query($id: ID!) { node(id: $id) { id __typename } }";
    for (viewer, sees) in [(customer, true), (&shop.seller, true), (&stranger, false), (&app.partner().await, false)] {
        let answer = viewer.query(node, json!({ "id": payment.id })).await;
        assert_eq!(answer.data()["node"]["id"] == payment.id.as_str(), sees, "{}", answer.body);
    }
    audit(&app.app).await;
}

async fn a_payment_is_started_once(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let input = json!({ "idempotencyKey": key(), "orderId": id });
    let first = started(&customer.mutate(START_PAYMENT, input.clone()).await);
    let again = started(&customer.mutate(START_PAYMENT, input).await);
    let other = start(customer, &id).await;
    assert_eq!([&again.id, &other.id], [&first.id, &first.id], "the one that is under way");
    assert_eq!([&again.secret, &other.secret], [&first.secret, &first.secret]);
    audit(&app.app).await;
}

async fn an_admin_confirms_an_order_that_was_not_paid(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let admin = app.admin().await;
    let id = place_card_order(customer, &shop.product_id, 4).await;
    let payment = start(customer, &id).await;
    try_step(&admin, &id, "CONFIRMED").await.ok("updateOrderStatus");
    let order = money(customer, &id).await;
    assert_eq!((&order["status"], &order["paymentStatus"]), (&json!("READY"), &json!("PENDING")));
    assert_eq!(world.stock().await, (96, 96, 0));
    // its time to be paid is over, and it is not called off
    app.clock.advance(WINDOW);
    play(app, &payment, "succeed").await;
    let order = until_money(customer, &id, "/paymentStatus", "PAID").await;
    assert_eq!(order["status"], "READY");
    let input = json!({ "idempotencyKey": key(), "orderId": id });
    customer.mutate(CANCEL_ORDER, input).await.ok("cancelOrder");
    until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    assert_eq!(world.stock().await, (100, 100, 0));
    audit(&app.app).await;
}

async fn the_page_plays_the_customer(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    let path = format!("/sandbox/payments/{}", payment.secret);
    let page = app.http.get(&path).await;
    assert_eq!((page.status, page.header("cache-control")), (StatusCode::OK, "no-store"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let total = text(&money(customer, &id).await, "/payments/0/amount/amount");
    assert!(page.text().contains(&total) && page.text().contains("value=\"decline\""), "{}", page.text());
    assert!(!page.text().contains("http") && !page.text().contains("<script"), "nothing from elsewhere");
    // as a browser sends the form
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let send =
        async |path: &str, body: &str| app.http.send(Method::POST, path, &headers, body.to_owned()).await.unwrap().status;
    assert_eq!(send(&path, "outcome=bribe").await, StatusCode::BAD_REQUEST);
    assert_eq!(send("/sandbox/payments/nobodys", "outcome=succeed").await, StatusCode::NOT_FOUND);
    assert_eq!(send(&path, "outcome=succeed").await, StatusCode::OK);
    assert_eq!(send(&path, "outcome=decline").await, StatusCode::CONFLICT, "it has succeeded");
    until_money(customer, &id, "/status", "READY").await;
    assert_eq!(app.http.get("/sandbox/payments/nobodys").await.status, StatusCode::NOT_FOUND);
}
