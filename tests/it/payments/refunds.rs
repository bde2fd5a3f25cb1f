//! Money that goes back.

use quick_commerce::cart::promos::{self, NewPromo};
use serde_json::{Value, json};

use super::World;
use crate::support::audit::audit;
use crate::support::money::{REFUND_PAYMENT, money, place_card_order, play, start, timeline, try_refund, until_money};
use crate::support::story::{CANCEL_ORDER, PLACE_ORDER, claim, deliver, key, order_input, ready_order, text};
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    a_payment_goes_back_in_parts,
    a_cancelled_order_gives_back_what_was_left,
    only_the_seller_and_admins_give_money_back,
    cash_is_handed_back_at_once,
    what_costs_nothing_is_not_paid,
    a_refund_is_made_once,
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
