//! What becomes of a cart: an order.

use std::time::Duration;

use domain::id::Kind;
use entity::{order, stock};
use quick_commerce::platform::clock::Clock;
use quick_commerce::platform::ids::{Entropy, Ids};
use sea_orm::sea_query::LockType;
use sea_orm::{EntityTrait as _, QuerySelect as _};
use serde_json::{Value, json};

use super::{UPDATE_PRODUCT, apply, cart, clear, order_of_cart, promo, reprice, set, take_off_sale, try_order};
use crate::support::audit::audit;
use crate::support::crowd::{at_once, uuid};
use crate::support::story::{order_input, place_order, product, seller_with_product};
use crate::support::wait::until_a_lock_is_waited_for;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    a_cart_becomes_an_order_and_is_empty,
    a_cart_becomes_one_order_however_many_ask,
    an_order_of_items_leaves_the_cart_alone,
    a_cart_with_a_problem_is_not_ordered,
    a_cart_whose_prices_changed_is_ordered_by_who_knows_the_total,
    a_price_that_changes_at_the_same_time_surprises_nobody,
    an_order_paid_in_advance_keeps_its_goods_promised,
    any_cart_costs_what_its_order_costs,
}

async fn a_cart_becomes_an_order_and_is_empty(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.admin());
    assert_eq!(try_order(&customer, order_of_cart()).await.refusal("placeOrder"), "CART_EMPTY");
    let code = promo(&admin, json!({ "percentOff": 25 })).await;
    set(&customer, &shop.product_id, 3).await;
    let before = apply(&customer, &code).await;
    let mut input = order_of_cart();
    input["expectedTotal"] = before["total"]["amount"].clone();
    let order = try_order(&customer, input.clone()).await.ok("placeOrder")["order"].clone();
    for sum in ["subtotal", "discount", "deliveryFee", "tax", "total"] {
        assert_eq!(order[sum], before[sum], "{sum}");
    }
    assert_eq!((&order["promoCode"], &order["status"]), (&json!(code), &json!("READY")));
    assert_eq!(order["items"], json!([{ "quantity": 3, "product": { "id": shop.product_id } }]));
    let after = cart(&customer).await;
    assert_eq!((&after["lines"], &after["promoCode"]), (&json!([]), &Value::Null));
    // the same request once more is the same order, and does not look at what is in the cart by then
    set(&customer, &shop.product_id, 1).await;
    let again = try_order(&customer, input).await.ok("placeOrder")["order"].clone();
    assert_eq!(again["id"], order["id"]);
    assert_eq!(cart(&customer).await["lines"][0]["quantity"], 1);
    audit(&app.app).await;
}

async fn a_cart_becomes_one_order_however_many_ask(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    for round in 1..=5_usize {
        set(&customer, &shop.product_id, 1).await;
        let asking = (0..6).map(|_| {
            let customer = customer.clone();
            async move { try_order(&customer, order_of_cart()).await }
        });
        let answers = at_once(asking).await;
        let refusals: Vec<&Value> = answers.iter().flat_map(|answer| answer.user_errors("placeOrder")).collect();
        assert_eq!(refusals.len(), 5, "{refusals:?}");
        assert!(refusals.iter().all(|refusal| refusal["code"] == "CART_EMPTY"), "{refusals:?}");
        assert_eq!(order::Entity::find().all(app.app.db.reader()).await.unwrap().len(), round);
    }
    audit(&app.app).await;
}

async fn an_order_of_items_leaves_the_cart_alone(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.admin());
    let code = promo(&admin, json!({ "amountOff": 5 })).await;
    set(&customer, &shop.product_id, 1).await;
    let before = apply(&customer, &code).await;
    let order = try_order(&customer, order_input(&shop.product_id, 2)).await.ok("placeOrder")["order"].clone();
    assert_eq!(order["promoCode"], Value::Null, "the cart's code is the cart's");
    assert_eq!(cart(&customer).await, before);
    let mut nothing = order_of_cart();
    nothing["items"] = json!([]);
    assert_eq!(try_order(&customer, nothing).await.refusal("placeOrder"), "CART_EMPTY", "no items are not the cart");
    // the request's code goes before the cart's
    let other = promo(&admin, json!({ "amountOff": 7 })).await;
    let mut input = order_of_cart();
    input["promoCode"] = json!(other);
    let order = try_order(&customer, input).await.ok("placeOrder")["order"].clone();
    assert_eq!((&order["promoCode"], &order["discount"]["amount"]), (&json!(other), &json!("7.00")));
}

async fn a_cart_with_a_problem_is_not_ordered(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, other) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.customer());
    let second = product(&shop.seller, &shop.category_id, 5, "10.00").await;
    set(&customer, &shop.product_id, 1).await;
    set(&customer, &second, 4).await;
    place_order(&other, &second, 3).await;
    let mut input = order_of_cart();
    input["expectedTotal"] = cart(&customer).await["total"]["amount"].clone();
    let refused = try_order(&customer, input).await;
    assert_eq!(refused.refusal("placeOrder"), "INSUFFICIENT_STOCK");
    let refusal = &refused.user_errors("placeOrder")[0];
    assert_eq!((&refusal["available"], &refusal["product"]["id"]), (&json!(2), &json!(second)));
    assert_eq!(refusal["field"], json!(["cart", "lines", "1", "quantity"]));
    // none at all: the line counts nothing in the cart, and is named all the same
    place_order(&other, &second, 2).await;
    let mut input = order_of_cart();
    input["expectedTotal"] = cart(&customer).await["total"]["amount"].clone();
    let refused = try_order(&customer, input).await;
    assert_eq!(refused.refusal("placeOrder"), "INSUFFICIENT_STOCK");
    assert_eq!(refused.user_errors("placeOrder")[0]["field"], json!(["cart", "lines", "1", "quantity"]));
    take_off_sale(&shop.seller, &second).await;
    let refused = try_order(&customer, order_of_cart()).await;
    assert_eq!(refused.refusal("placeOrder"), "PRODUCT_UNAVAILABLE");
    assert_eq!(refused.user_errors("placeOrder")[0]["field"], json!(["cart", "lines", "1", "productId"]));
    assert_eq!(cart(&customer).await["lines"].as_array().unwrap().len(), 2, "the cart is as it was");
    set(&customer, &second, 0).await;
    try_order(&customer, order_of_cart()).await.ok("placeOrder");
    audit(&app.app).await;
}

async fn a_cart_whose_prices_changed_is_ordered_by_who_knows_the_total(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let before = set(&customer, &shop.product_id, 1).await;
    reprice(&shop.seller, &shop.product_id, "30.00").await;
    let mut input = order_of_cart();
    for expected in [Value::Null, before["total"]["amount"].clone()] {
        input["expectedTotal"] = expected;
        let refused = try_order(&customer, input.clone()).await;
        assert_eq!(refused.refusal("placeOrder"), "CART_CHANGED");
        assert_eq!(refused.user_errors("placeOrder")[0]["field"], json!(["expectedTotal"]));
    }
    input["expectedTotal"] = cart(&customer).await["total"]["amount"].clone();
    let order = try_order(&customer, input).await.ok("placeOrder")["order"].clone();
    assert_eq!(order["subtotal"]["amount"], "30.00");
}

async fn a_price_that_changes_at_the_same_time_surprises_nobody(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    for price in 1..=12 {
        let before = set(&customer, &shop.product_id, 1).await;
        let mut input = order_of_cart();
        input["expectedTotal"] = before["total"]["amount"].clone();
        let new_price = format!("{price}.50");
        let (answer, ()) = tokio::join!(try_order(&customer, input), reprice(&shop.seller, &shop.product_id, &new_price));
        match answer.user_errors("placeOrder") {
            [] => assert_eq!(answer.data()["placeOrder"]["order"]["total"], before["total"]),
            [refusal] => assert_eq!(refusal["code"], "CART_CHANGED"),
            more => panic!("{more:?}"),
        }
    }
    audit(&app.app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_while_an_order_waits_for_its_turn_is_true_of_the_order() {
    let app = TestApp::start(Shape::Production).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    for method in ["CASH_ON_DELIVERY", "CARD"] {
        let mut input = order_input(&shop.product_id, 1);
        input["paymentMethod"] = json!(method);
        // another order of the product has its stock, and takes its time
        let place = async |input: Value| {
            let other = app.app.db.begin().await.unwrap();
            let stock = stock::Entity::find_by_id(uuid(Kind::Product, &shop.product_id)).lock(LockType::Update);
            stock.one(&*other).await.unwrap();
            let waiting = tokio::spawn({
                let customer = customer.clone();
                async move { try_order(&customer, input).await }
            });
            until_a_lock_is_waited_for(&app.app).await;
            (other, waiting)
        };
        let (other, waiting) = place(input.clone()).await;
        reprice(&shop.seller, &shop.product_id, "41.00").await;
        app.clock.advance(Duration::from_mins(1));
        let ready = app.clock.db_now(app.app.db.reader()).await.unwrap();
        other.commit().await.unwrap();
        let order = waiting.await.unwrap().ok("placeOrder")["order"].clone();
        assert_eq!(order["subtotal"]["amount"], "41.00", "{method}");
        let due = row(&app, &order).await.payment_due_at;
        assert!(due.is_none_or(|due| due >= ready + app.app.config.payments.window), "waiting took of the time to pay");
        assert_eq!(due.is_some(), method == "CARD");

        input["idempotencyKey"] = json!(format!("off sale, {method}"));
        let (other, waiting) = place(input).await;
        take_off_sale(&shop.seller, &shop.product_id).await;
        other.commit().await.unwrap();
        assert_eq!(waiting.await.unwrap().refusal("placeOrder"), "PRODUCT_UNAVAILABLE", "{method}");
        let back = json!({ "productId": shop.product_id, "active": true, "price": "40.00" });
        shop.seller.mutate(UPDATE_PRODUCT, back).await.ok("updateProduct");
    }
    audit(&app.app).await;
}

/// The row of an order that a client was told of.
async fn row(app: &TestApp, order: &Value) -> order::Model {
    let id = uuid(Kind::Order, order["id"].as_str().unwrap());
    order::Entity::find_by_id(id).one(app.app.db.reader()).await.unwrap().unwrap()
}

async fn an_order_paid_in_advance_keeps_its_goods_promised(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    for (promised, method) in [(2, "CARD"), (4, "WALLET")] {
        set(&customer, &shop.product_id, 2).await;
        let mut input = order_of_cart();
        input["paymentMethod"] = json!(method);
        let order = try_order(&customer, input).await.ok("placeOrder")["order"].clone();
        assert_eq!(order["status"], "PENDING");
        assert_eq!(cart(&customer).await["lines"], json!([]));
        let db = app.app.db.reader();
        let (row, now) = (row(&app, &order).await, app.clock.db_now(db).await.unwrap());
        let window = app.app.config.payments.window;
        assert!((row.created_at + window..=now + window).contains(&row.payment_due_at.unwrap()));
        assert_eq!(row.version, 1);
        let stock = stock::Entity::find_by_id(uuid(Kind::Product, &shop.product_id)).one(db).await.unwrap().unwrap();
        assert_eq!((stock.on_hand, stock.reserved), (10, promised), "promised, not sold");
    }
    let refused = try_order(&customer, order_input(&shop.product_id, 7)).await;
    assert_eq!(refused.user_errors("placeOrder")[0]["available"], 6, "what is promised is nobody else's");
}

async fn any_cart_costs_what_its_order_costs(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 10_000, "0.01"), app.customer(), app.admin());
    let dice = Ids::new(Clock::system(), Entropy::seeded(7));
    let pick = |bound: u64| usize::try_from(dice.below(bound)).unwrap();
    let mut products = vec![shop.product_id.clone()];
    for _ in 0..5 {
        let price = format!("{}.{:02}", pick(300), 1 + pick(99));
        products.push(product(&shop.seller, &shop.category_id, 10_000, &price).await);
    }
    let mut codes = Vec::new();
    for terms in [json!({ "percentOff": "33.33" }), json!({ "percentOff": 100 }), json!({ "amountOff": "17.77" })] {
        codes.push(promo(&admin, terms).await);
    }
    for _ in 0..25 {
        clear(&customer).await;
        for _ in 0..=pick(6) {
            set(&customer, &products[pick(6)], i32::try_from(1 + pick(30)).unwrap()).await;
        }
        if let Some(code) = codes.get(pick(4)) {
            apply(&customer, code).await;
        }
        let before = cart(&customer).await;
        let order = try_order(&customer, order_of_cart()).await.ok("placeOrder")["order"].clone();
        for sum in ["subtotal", "discount", "deliveryFee", "tax", "total"] {
            assert_eq!(order[sum]["amount"], before[sum]["amount"], "{sum} of {before}");
        }
    }
    audit(&app.app).await;
}
