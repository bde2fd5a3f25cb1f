//! Money that goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use quick_commerce::cart::promos::{self, NewPromo};
use quick_commerce::config::Secret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::World;
use crate::support::actors::Actor;
use crate::support::audit::audit;
use crate::support::money::{
    REFUND_PAYMENT, Started, money, place_card_order, play, sandbox_event, start, tell, timeline, try_play, try_refund,
    until_money,
};
use crate::support::story::{CANCEL_ORDER, PLACE_ORDER, claim, deliver, key, order_input, product, ready_order, step, text};
use crate::support::wait::until;
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    a_payment_goes_back_in_parts,
    a_cancelled_order_gives_back_what_was_left,
    only_the_seller_and_admins_give_money_back,
    cash_is_handed_back_at_once,
    what_costs_nothing_is_not_paid,
    a_refund_is_made_once,
    what_is_larger_than_any_price_goes_back_in_parts,
    a_partner_is_not_told_why_a_card_was_declined_or_money_went_back,
    a_payment_that_succeeds_after_the_delivery_failed_goes_back,
    a_payment_that_is_open_when_the_delivery_fails_is_called_off,
    what_was_paid_of_a_failed_delivery_stays_until_somebody_gives_it_back,
    a_mail_server_that_says_nothing_holds_up_no_refund,
}

async fn paid(world: &World) -> (String, String) {
    let World { app, shop, customer } = world;
    let id = place_card_order(customer, &shop.product_id, 2).await;
    let payment = start(customer, &id).await;
    play(app, &payment, "succeed").await;
    until_money(customer, &id, "/status", "READY").await;
    (id, payment.id)
}

async fn a_payment_goes_back_in_parts(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let (id, payment) = paid(&world).await;
    let seen = money(&shop.seller, &id).await;
    assert!(seen["viewerActions"].as_array().unwrap().contains(&json!("REFUND")), "{seen}");
    let answer = try_refund(&shop.seller, &payment, Some("9.50")).await;
    let refund = &answer.ok("refundPayment")["payment"];
    assert_eq!(refund["refunded"]["amount"], "9.50", "what is on its way counts: {refund}");
    let order = until_money(customer, &id, "/paymentStatus", "PARTIALLY_REFUNDED").await;
    let refund = &order["payments"][0]["refunds"][0];
    assert_eq!((&refund["status"], &refund["reason"]), (&json!("REFUNDED"), &json!("Soggy.")));
    for amount in ["99.51", "1000"] {
        let answer = try_refund(&app.admin().await, &payment, Some(amount)).await;
        assert_eq!(answer.refusal("refundPayment"), "REFUND_TOO_LARGE", "109.00 were paid");
    }
    for amount in ["0", "-1", "1.001"] {
        let answer = try_refund(&shop.seller, &payment, Some(amount)).await;
        assert_eq!(answer.refusal("refundPayment"), "INVALID_INPUT", "{amount}");
    }
    try_refund(&shop.seller, &payment, None).await.ok("refundPayment");
    let order = until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    assert_eq!(timeline(&order)[5..], ["REFUNDED", "REFUNDED"]);
    assert_eq!(order["payments"][0]["refunded"], order["payments"][0]["amount"]);
    assert_eq!(try_refund(&shop.seller, &payment, None).await.refusal("refundPayment"), "REFUND_TOO_LARGE");
    assert!(!money(&shop.seller, &id).await["viewerActions"].as_array().unwrap().contains(&json!("REFUND")));
    audit(&app.app).await;
}

async fn a_cancelled_order_gives_back_what_was_left(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let (id, payment) = paid(&world).await;
    try_refund(&shop.seller, &payment, Some("9.00")).await.ok("refundPayment");
    customer.mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": id })).await.ok("cancelOrder");
    let order = until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    let refunds = order["payments"][0]["refunds"].as_array().unwrap();
    let amounts: Vec<&Value> = refunds.iter().map(|refund| &refund["amount"]["amount"]).collect();
    assert_eq!(amounts, ["9.00", "100.00"]);
    assert_eq!(world.stock().await, (100, 100, 0), "the goods are back");
    audit(&app.app).await;
}

async fn only_the_seller_and_admins_give_money_back(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, customer, .. } = &world;
    let (id, payment) = paid(&world).await;
    for stranger in [&app.partner().await, customer] {
        assert_eq!(try_refund(stranger, &payment, None).await.code(), "FORBIDDEN");
    }
    let answer = try_refund(&app.seller().await, &payment, None).await;
    assert_eq!(answer.refusal("refundPayment"), "NOT_FOUND");
    assert_eq!(answer.user_errors("refundPayment")[0]["field"], json!(["paymentId"]));
    assert_eq!(money(customer, &id).await["payments"][0]["refunds"], json!([]));
    try_refund(&app.admin().await, &payment, None).await.ok("refundPayment");
    until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    audit(&app.app).await;
}

async fn cash_is_handed_back_at_once(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let partner = app.partner().await;
    let id = ready_order(shop, customer).await;
    assert_eq!(money(customer, &id).await["payments"], json!([]), "not paid yet");
    claim(&partner, &id).await;
    deliver(&partner, customer, &id).await;
    let order = money(customer, &id).await;
    let payment = &order["payments"][0];
    assert_eq!((&payment["provider"], &payment["status"]), (&json!("cash"), &json!("PAID")));
    let payment_id = payment["id"].as_str().unwrap();
    let answer = try_refund(&shop.seller, payment_id, Some("7")).await;
    let payload = answer.ok("refundPayment");
    assert_eq!(payload["payment"]["refunds"][0]["status"], "REFUNDED");
    assert_eq!(payload["order"]["paymentStatus"], "PARTIALLY_REFUNDED");
    let last = &money(customer, &id).await["timeline"]["nodes"];
    let last = last.as_array().unwrap().last().unwrap();
    assert_eq!((&last["type"], &last["actorRole"]), (&json!("REFUNDED"), &json!("SELLER")));
    audit(&app.app).await;
}

async fn what_costs_nothing_is_not_paid(shape: Shape) {
    let world = World::with(shape, |config| config.prices.delivery_fee_minor = 0).await;
    let World { app, shop, customer } = &world;
    let new = NewPromo { code: "GIFT".to_owned(), percent_off: Some(100.into()), ..NewPromo::default() };
    promos::create(&app.app, None, new).await.unwrap_or_else(|_| panic!("the code is made"));
    let mut input = order_input(&shop.product_id, 1);
    input["promoCode"] = json!("GIFT");
    let id = text(customer.mutate(PLACE_ORDER, input).await.ok("placeOrder"), "/order/id");
    let partner = app.partner().await;
    claim(&partner, &id).await;
    deliver(&partner, customer, &id).await;
    let order = money(customer, &id).await;
    assert_eq!((&order["paymentStatus"], &order["payments"]), (&json!("PAID"), &json!([])));
    for viewer in [&shop.seller, &app.admin().await] {
        assert_eq!(money(viewer, &id).await["viewerActions"], json!(["MESSAGE"]), "there is nothing to give back");
    }
    audit(&app.app).await;
}

async fn a_refund_is_made_once(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let (id, payment) = paid(&world).await;
    let input = json!({ "idempotencyKey": key(), "paymentId": payment, "amount": "5" });
    for amount in ["5", "5.00", "5"] {
        let mut input = input.clone();
        input["amount"] = json!(amount);
        shop.seller.mutate(REFUND_PAYMENT, input).await.ok("refundPayment");
    }
    let mut other = input;
    other["amount"] = json!("6");
    assert_eq!(shop.seller.mutate(REFUND_PAYMENT, other).await.refusal("refundPayment"), "IDEMPOTENCY_MISMATCH");
    let order = until_money(customer, &id, "/paymentStatus", "PARTIALLY_REFUNDED").await;
    assert_eq!(order["payments"][0]["refunds"].as_array().unwrap().len(), 1);
    audit(&app.app).await;
}

/// The notes about money in the timeline of an order, as `viewer` sees them, and the same by the ids of the events.
async fn notes(viewer: &Actor, order_id: &str) -> (Vec<Value>, Vec<Value>) {
    let document = "query($id: ID!) { order(id: $id) { timeline(first: 50) { nodes { id type note } } } }";
    let answer = viewer.query(document, json!({ "id": order_id })).await;
    let events = answer.data()["order"]["timeline"]["nodes"].as_array().unwrap().clone();
    let events: Vec<Value> =
        events.into_iter().filter(|event| event["type"] == "PAYMENT_FAILED" || event["type"] == "REFUNDED").collect();
    let document = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on OrderEvent { note } } }";
    let ids: Vec<&Value> = events.iter().map(|event| &event["id"]).collect();
    let answer = viewer.query(document, json!({ "ids": ids })).await;
    let by_id = answer.data()["nodes"].as_array().unwrap().iter().map(|event| event["note"].clone()).collect();
    (events.iter().map(|event| event["note"].clone()).collect(), by_id)
}

async fn a_partner_is_not_told_why_a_card_was_declined_or_money_went_back(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let declined = start(customer, &id).await;
    let mut event = sandbox_event(&app.app, "evt_0", "payment.failed", &declined).await;
    event["reason"] = json!("Your card has insufficient funds.");
    tell(app, &event).await;
    let payment = start(customer, &id).await;
    play(app, &payment, "succeed").await;
    until_money(customer, &id, "/status", "READY").await;
    let partner = app.partner().await;
    claim(&partner, &id).await;

    let document = "subscription($id: ID!) { orderUpdates(orderId: $id) { __typename
        ... on OrderChanged { event { type note } } } }";
    let mut feeds = Vec::new();
    for viewer in [&partner, customer, &shop.seller, &app.admin().await] {
        let mut feed = viewer.subscribe(document, json!({ "id": id })).await;
        assert_eq!(feed.next().await["__typename"], "OrderSnapshot");
        feeds.push(feed);
    }
    try_refund(&shop.seller, &payment.id, Some("5")).await.ok("refundPayment");
    for (number, feed) in feeds.iter_mut().enumerate() {
        let note = if number == 0 { Value::Null } else { json!("Soggy.") };
        assert_eq!(feed.next().await["event"], json!({ "type": "REFUNDED", "note": note }), "viewer {number}");
    }

    let nothing = vec![Value::Null, Value::Null];
    assert_eq!(notes(&partner, &id).await, (nothing.clone(), nothing));
    let words = vec![json!("Your card has insufficient funds."), json!("Soggy.")];
    for viewer in [customer, &shop.seller, &app.admin().await] {
        assert_eq!(notes(viewer, &id).await, (words.clone(), words.clone()));
    }
    // what is not about money is said to the partner, too
    let document = "query($id: ID!) { order(id: $id) { timeline(first: 50) { nodes { type note } } } }";
    let input = json!({ "idempotencyKey": key(), "orderId": id, "status": "PICKED_UP", "note": "Left door." });
    partner.mutate(crate::support::story::UPDATE_ORDER_STATUS, input).await.ok("updateOrderStatus");
    let answer = partner.query(document, json!({ "id": id })).await;
    let last = answer.data()["order"]["timeline"]["nodes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last, json!({ "type": "PICKED_UP", "note": "Left door." }));
}

/// An order whose payment is under way, and which an admin had delivered all the same: it is in a partner's hands.
async fn unpaid_on_the_way(world: &World, choice: Option<&str>) -> (Actor, String, Started) {
    let World { app, shop, customer } = world;
    let id = place_card_order(customer, &shop.product_id, 1).await;
    let payment = start(customer, &id).await;
    if let Some(choice) = choice {
        play(app, &payment, choice).await;
    }
    let input = json!({ "idempotencyKey": key(), "orderId": id, "status": "CONFIRMED" });
    app.admin().await.mutate(crate::support::story::UPDATE_ORDER_STATUS, input).await.ok("updateOrderStatus");
    let partner = app.partner().await;
    claim(&partner, &id).await;
    step(&partner, &id, "PICKED_UP").await;
    (partner, id, payment)
}

async fn a_payment_that_succeeds_after_the_delivery_failed_goes_back(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, customer, .. } = &world;
    // it cannot be called off any more
    let (partner, id, _) = unpaid_on_the_way(&world, Some("late")).await;
    step(&partner, &id, "FAILED").await;
    assert_eq!(money(customer, &id).await["payments"][0]["status"], "FAILED");
    app.clock.advance(app.app.config.payments.sandbox_late);
    let order = until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    let events = timeline(&order);
    assert_eq!(events[events.len() - 3..], ["FAILED", "PAYMENT_SUCCEEDED", "REFUNDED"]);
    assert_eq!(order["payments"][0]["refunds"][0]["reason"], "The delivery had failed before: the money goes back.");
    audit(&app.app).await;
}

async fn a_payment_that_is_open_when_the_delivery_fails_is_called_off(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, customer, .. } = &world;
    let (partner, id, payment) = unpaid_on_the_way(&world, None).await;
    step(&partner, &id, "FAILED").await;
    let order = money(customer, &id).await;
    assert_eq!((&order["status"], &order["payments"][0]["status"]), (&json!("FAILED"), &json!("FAILED")));
    until(|| async { try_play(app, &payment, "succeed").await.status == axum::http::StatusCode::CONFLICT }).await;
    audit(&app.app).await;
}

async fn what_was_paid_of_a_failed_delivery_stays_until_somebody_gives_it_back(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    let (id, payment) = paid(&world).await;
    let partner = app.partner().await;
    claim(&partner, &id).await;
    step(&partner, &id, "PICKED_UP").await;
    step(&partner, &id, "FAILED").await;
    let order = money(customer, &id).await;
    assert_eq!((&order["paymentStatus"], &order["payments"][0]["refunds"]), (&json!("PAID"), &json!([])));
    for viewer in [&shop.seller, &app.admin().await] {
        assert_eq!(money(viewer, &id).await["viewerActions"], json!(["REFUND", "MESSAGE"]));
    }
    try_refund(&shop.seller, &payment, None).await.ok("refundPayment");
    until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    audit(&app.app).await;
}

async fn what_is_larger_than_any_price_goes_back_in_parts(shape: Shape) {
    let world = World::new(shape).await;
    let World { app, shop, customer } = &world;
    // the dearest there is, three times
    let dear = product(&shop.seller, &shop.category_id, 10, "10000000").await;
    let id = place_card_order(customer, &dear, 3).await;
    let payment = start(customer, &id).await;
    play(app, &payment, "succeed").await;
    let order = until_money(customer, &id, "/status", "READY").await;
    assert_eq!(order["payments"][0]["amount"]["amount"], "31500000.00");
    for amount in ["31500000.01", "92233720368547758.07", "92233720368547758.08", "79228162514264337593543950335"] {
        let answer = try_refund(&shop.seller, &payment.id, Some(amount)).await;
        assert_eq!(answer.refusal("refundPayment"), "REFUND_TOO_LARGE", "{amount}");
    }
    try_refund(&shop.seller, &payment.id, Some("20000000.50")).await.ok("refundPayment");
    let order = until_money(customer, &id, "/paymentStatus", "PARTIALLY_REFUNDED").await;
    assert_eq!(order["payments"][0]["refunded"]["amount"], "20000000.50");
    try_refund(&shop.seller, &payment.id, Some("11499999.50")).await.ok("refundPayment");
    until_money(customer, &id, "/paymentStatus", "REFUNDED").await;
    audit(&app.app).await;
}

async fn a_mail_server_that_says_nothing_holds_up_no_refund(shape: Shape) {
    let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("smtp://{}", server.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let heard = Arc::clone(&calls);
    let _silent = AbortOnDropHandle::new(tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = server.accept().await {
            open.push(stream);
            heard.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let world = World::with(shape, |config| {
        super::shorter(config);
        config.mail.smtp_url = Some(Secret::new(url));
    })
    .await;
    // each is to prove an address: more mails than a worker has hands
    join_all((0..10).map(|_| world.app.customer())).await;
    until(|| async { calls.load(Ordering::Relaxed) >= 4 }).await;
    let (id, payment) = paid(&world).await;
    try_refund(&world.shop.seller, &payment, None).await.ok("refundPayment");
    until_money(&world.customer, &id, "/paymentStatus", "REFUNDED").await;
}
