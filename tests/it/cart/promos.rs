//! Promo codes: what they take off, and how often.

use std::time::Duration;

use domain::error::ErrorCode;
use domain::id::Kind;
use domain::order::{OrderStatus, PaymentMethod};
use entity::promo as promos;
use quick_commerce::app::App;
use quick_commerce::orders::service::{Place, Step, paying, step};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use super::{apply, cart, in_time, kinds, order_of_cart, promo, set, try_apply, try_order, try_promo};
use crate::support::audit::audit;
use crate::support::crowd::{at_once, count_done, customers, refused, uuid, wish};
use crate::support::story::{key, order_input, seller_with_product};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    an_admin_makes_promo_codes_within_limits,
    a_code_is_taken_by_one_of_many_who_make_it,
    a_code_takes_off_what_it_says,
    a_code_that_does_not_hold_is_refused_with_its_reason,
    a_code_that_stops_to_hold_is_a_problem_of_the_cart,
    of_many_customers_as_many_as_the_limit_use_a_code,
    one_customer_uses_a_code_as_often_as_one_may,
    a_use_comes_back_once_when_its_order_is_cancelled,
    a_use_comes_back_once_when_its_order_is_not_paid_in_time,
    an_order_that_fails_uses_no_code,
}

async fn an_admin_makes_promo_codes_within_limits(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let ends = in_time(&app, Duration::from_hours(1)).await;
    let made = try_promo(
        &admin,
        json!({ "code": " summer-10 ", "percentOff": "12.50", "minimumSubtotal": "100", "endsAt": ends, "maxUses": 5 }),
    )
    .await;
    let promo = &made.ok("createPromo")["promo"];
    assert_eq!((&promo["code"], &promo["percentOff"]), (&json!("SUMMER-10"), &json!("12.50")));
    assert_eq!((&promo["amountOff"], &promo["minimumSubtotal"]["amount"]), (&Value::Null, &json!("100.00")));
    assert_eq!((&promo["maxUses"], &promo["uses"], &promo["startsAt"]), (&json!(5), &json!(0), &Value::Null));

    let (past, soon) = (in_time(&app, Duration::ZERO).await, in_time(&app, Duration::from_mins(1)).await);
    for (field, code, input) in [
        ("code", "ALREADY_EXISTS", json!({ "code": "Summer-10", "percentOff": "5" })),
        ("code", "INVALID_INPUT", json!({ "code": "ten %", "percentOff": "5" })),
        ("percentOff", "INVALID_INPUT", json!({ "code": "NONE" })),
        ("percentOff", "INVALID_INPUT", json!({ "code": "BOTH", "percentOff": "5", "amountOff": "5" })),
        ("percentOff", "INVALID_INPUT", json!({ "code": "MORE", "percentOff": "100.01" })),
        ("percentOff", "INVALID_INPUT", json!({ "code": "FINE", "percentOff": "0.001" })),
        ("amountOff", "INVALID_INPUT", json!({ "code": "ZERO", "amountOff": "0" })),
        ("minimumSubtotal", "INVALID_INPUT", json!({ "code": "LESS", "amountOff": "1", "minimumSubtotal": "-1" })),
        ("maxUses", "INVALID_INPUT", json!({ "code": "NOBODY", "amountOff": "1", "maxUses": 0 })),
        ("maxUsesPerCustomer", "INVALID_INPUT", json!({ "code": "NOBODY", "amountOff": "1", "maxUsesPerCustomer": -1 })),
        ("endsAt", "INVALID_INPUT", json!({ "code": "PAST", "amountOff": "1", "endsAt": past })),
        ("endsAt", "INVALID_INPUT", json!({ "code": "NEVER", "amountOff": "1", "startsAt": ends, "endsAt": soon })),
    ] {
        let refused = try_promo(&admin, input).await;
        let refusal = &refused.user_errors("createPromo")[0];
        assert_eq!((&refusal["code"], &refusal["field"]), (&json!(code), &json!([field])), "{refusal}");
    }
    assert_eq!(promos::Entity::find().all(app.app.db.reader()).await.unwrap().len(), 1);
}

async fn a_code_is_taken_by_one_of_many_who_make_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let makers = (0..8).map(|off| {
        let admin = admin.clone();
        async move { try_promo(&admin, json!({ "code": "same", "amountOff": off + 1 })).await }
    });
    let made = at_once(makers).await;
    assert_eq!(made.iter().filter(|answer| answer.user_errors("createPromo").is_empty()).count(), 1);
    assert!(made.iter().flat_map(|answer| answer.user_errors("createPromo")).all(|no| no["code"] == "ALREADY_EXISTS"));
}

async fn a_code_takes_off_what_it_says(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 50, "33.35"), app.customer(), app.admin());
    set(&customer, &shop.product_id, 3).await;
    let tenth = promo(&admin, json!({ "percentOff": 10 })).await;
    let amount = promo(&admin, json!({ "amountOff": "250" })).await;
    let sums = |cart: &Value| ["subtotal", "discount", "deliveryFee", "tax", "total"].map(|sum| cart[sum]["amount"].clone());
    let reduced = apply(&customer, &tenth.to_lowercase()).await;
    assert_eq!(reduced["promoCode"], tenth.as_str());
    // 10.005 and 4.502: each rounded once, half away from zero
    assert_eq!(sums(&reduced), ["100.05", "10.01", "25.00", "4.50", "119.54"]);
    // goods that cost nothing still have to be delivered
    assert_eq!(sums(&apply(&customer, &amount).await), ["100.05", "100.05", "25.00", "0.00", "25.00"]);
    let without = try_apply(&customer, Value::Null).await.ok("applyPromoCode")["cart"].clone();
    assert_eq!((&without["promoCode"], &without["discount"]["amount"]), (&Value::Null, &json!("0.00")));
}

async fn a_code_that_does_not_hold_is_refused_with_its_reason(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 50, "40.00"), app.customer(), app.admin());
    set(&customer, &shop.product_id, 1).await;
    let starts = in_time(&app, Duration::from_hours(1)).await;
    let early = promo(&admin, json!({ "amountOff": "1", "startsAt": starts })).await;
    let high = promo(&admin, json!({ "amountOff": "1", "minimumSubtotal": "40.01" })).await;
    for (code, reason) in [
        (early.as_str(), "not valid yet"),
        (high.as_str(), "goods worth 40.01 INR"),
        ("NO-SUCH-CODE", "no such promo code"),
        ("", "no such promo code"),
        ("a\0b", "no such promo code"),
    ] {
        let refused = try_apply(&customer, json!(code)).await;
        assert_eq!(refused.refusal("applyPromoCode"), "PROMO_INVALID", "{code}");
        let refusal = &refused.user_errors("applyPromoCode")[0];
        assert_eq!(refusal["field"], json!(["code"]));
        assert!(refusal["message"].as_str().unwrap().contains(reason), "{refusal}");
        let mut input = order_input(&shop.product_id, 1);
        input["promoCode"] = json!(code);
        let refused = try_order(&customer, input).await;
        assert_eq!(refused.refusal("placeOrder"), "PROMO_INVALID", "{code}");
        assert_eq!(refused.user_errors("placeOrder")[0]["field"], json!(["promoCode"]));
    }
    assert_eq!(cart(&customer).await["promoCode"], Value::Null);
    app.clock.advance(Duration::from_hours(1));
    // whoever signed in before is signed out by then
    let customer = app.login(&customer.email).await;
    assert_eq!(apply(&customer, &early).await["discount"]["amount"], "1.00");
}

async fn a_code_that_stops_to_hold_is_a_problem_of_the_cart(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 50, "40.00"), app.customer(), app.admin());
    set(&customer, &shop.product_id, 2).await;
    let ends = in_time(&app, Duration::from_mins(5)).await;
    let code = promo(&admin, json!({ "amountOff": "10", "minimumSubtotal": "80", "endsAt": ends })).await;
    assert!(kinds(&apply(&customer, &code).await).is_empty());
    let less = set(&customer, &shop.product_id, 1).await;
    assert_eq!((kinds(&less), &less["discount"]["amount"]), (vec!["PROMO_INVALID"], &json!("0.00")));
    assert_eq!((&less["promoCode"], &less["problems"][0]["line"]), (&json!(code), &Value::Null));
    let refused = try_order(&customer, order_of_cart()).await;
    assert_eq!(refused.refusal("placeOrder"), "PROMO_INVALID");
    assert_eq!(refused.user_errors("placeOrder")[0]["field"], json!(["cart", "promoCode"]));

    assert!(kinds(&set(&customer, &shop.product_id, 2).await).is_empty());
    app.clock.advance(Duration::from_mins(5));
    let late = cart(&customer).await;
    assert_eq!((kinds(&late), &late["discount"]["amount"]), (vec!["PROMO_INVALID"], &json!("0.00")));
    assert_eq!(try_order(&customer, order_of_cart()).await.refusal("placeOrder"), "PROMO_INVALID");
}

async fn row_of(app: &App, code: &str) -> promos::Model {
    promos::Entity::find().filter(promos::Column::Code.eq(code)).one(app.db.reader()).await.unwrap().unwrap()
}

/// How often `code` counts as used, which is checked along with everything else.
async fn uses(app: &App, code: &str) -> i32 {
    audit(app).await;
    row_of(app, code).await.uses
}

fn wish_with(lines: &[(uuid::Uuid, i32)], code: &str) -> Place {
    Place { promo_code: Some(code.to_owned()), ..wish(lines) }
}

async fn of_many_customers_as_many_as_the_limit_use_a_code(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, admin) = tokio::join!(seller_with_product(&app, 1_000, "40.00"), app.admin());
    let product = uuid(Kind::Product, &shop.product_id);
    let code = promo(&admin, json!({ "percentOff": 50, "maxUses": 20 })).await;
    let buying = customers(&app.app, 120).await.into_iter().map(|buyer| {
        let (app, place) = (app.app.clone(), wish_with(&[(product, 1)], &code));
        async move { refused(quick_commerce::orders::service::place(&app, buyer, &key(), place).await) }
    });
    let results = at_once(buying).await;
    assert_eq!(count_done(&results, ErrorCode::PromoInvalid), 20, "exactly as many as there were");
    assert_eq!(uses(&app.app, &code).await, 20);
    audit(&app.app).await;
}

async fn one_customer_uses_a_code_as_often_as_one_may(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, admin) = tokio::join!(seller_with_product(&app, 1_000, "40.00"), app.admin());
    let product = uuid(Kind::Product, &shop.product_id);
    let code = promo(&admin, json!({ "amountOff": 5, "maxUsesPerCustomer": 2 })).await;
    let people = customers(&app.app, 3).await;
    let buying = (0..30).map(|number| {
        let (app, place, buyer) = (app.app.clone(), wish_with(&[(product, 1)], &code), people[number % 3]);
        async move { refused(quick_commerce::orders::service::place(&app, buyer, &key(), place).await) }
    });
    let results = at_once(buying).await;
    assert_eq!(count_done(&results, ErrorCode::PromoInvalid), 6, "two for each of three");
    assert_eq!(uses(&app.app, &code).await, 6);
    let refusal = results.into_iter().find_map(Result::err).unwrap();
    assert!(refusal.message.contains("as one customer may"), "{refusal:?}");
}

async fn a_use_comes_back_once_when_its_order_is_cancelled(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, admin) = tokio::join!(seller_with_product(&app, 1_000, "40.00"), app.admin());
    let product = uuid(Kind::Product, &shop.product_id);
    let code = promo(&admin, json!({ "amountOff": 5, "maxUses": 1, "maxUsesPerCustomer": 1 })).await;
    let (buyer, cancelling) = (customers(&app.app, 1).await[0], admin.principal().await);
    let place = || {
        let place = wish_with(&[(product, 1)], &code);
        let app = app.app.clone();
        async move { refused(quick_commerce::orders::service::place(&app, buyer, &key(), place).await) }
    };
    for _ in 0..5 {
        let order = place().await.unwrap();
        assert_eq!((order.promo_code.as_deref(), order.discount_minor), (Some(code.as_str()), 500));
        place().await.unwrap_err();
        let cancels = [buyer, cancelling].map(|actor| {
            let app = app.app.clone();
            let (to, input, note, expected_version, delivery_code) = (OrderStatus::Cancelled, None, None, None, None);
            let wanted = Step { order: order.id, to, input, note, expected_version, delivery_code };
            async move { refused(step(&app, actor, "cancelOrder", &key(), wanted).await) }
        });
        assert_eq!(count_done(&at_once(cancels).await, ErrorCode::IllegalTransition), 1);
        assert_eq!(uses(&app.app, &code).await, 0);
        // once more by hand: nothing happens
        let tx = app.app.db.begin().await.unwrap();
        quick_commerce::cart::promos::give_back(&app.app, &tx, order.id, order.created_at).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(row_of(&app.app, &code).await.uses, 0);
    }
    audit(&app.app).await;
}

async fn a_use_comes_back_once_when_its_order_is_not_paid_in_time(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, admin) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.admin());
    let product = uuid(Kind::Product, &shop.product_id);
    let code = promo(&admin, json!({ "amountOff": 5, "maxUses": 1, "maxUsesPerCustomer": 1 })).await;
    let buyer = customers(&app.app, 1).await[0];
    for _ in 0..3 {
        let place = || Place { payment_method: PaymentMethod::Card, ..wish_with(&[(product, 1)], &code) };
        let order = refused(quick_commerce::orders::service::place(&app.app, buyer, &key(), place()).await).unwrap();
        assert_eq!((*order.status, uses(&app.app, &code).await), (OrderStatus::Pending, 1));
        refused(quick_commerce::orders::service::place(&app.app, buyer, &key(), place()).await).unwrap_err();
        app.clock.advance(app.app.config.payments.window);
        // beside the sweep that runs anyway
        let sweeps = (0..3).map(|_| {
            let app = app.app.clone();
            async move { paying::expiry::sweep(&app).await.unwrap() }
        });
        at_once(sweeps).await;
        assert_eq!(uses(&app.app, &code).await, 0);
    }
}

async fn an_order_that_fails_uses_no_code(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 1, "40.00"), app.customer(), app.admin());
    let code = promo(&admin, json!({ "amountOff": 5, "maxUses": 1 })).await;
    let mut short = order_input(&shop.product_id, 2);
    short["promoCode"] = json!(code);
    assert_eq!(try_order(&customer, short.clone()).await.refusal("placeOrder"), "INSUFFICIENT_STOCK");
    let mut surprising = order_input(&shop.product_id, 1);
    surprising["promoCode"] = json!(code);
    surprising["expectedTotal"] = json!("67.00");
    assert_eq!(try_order(&customer, surprising.clone()).await.refusal("placeOrder"), "CART_CHANGED");
    assert_eq!(uses(&app.app, &code).await, 0);
    // 40 − 5, 5 % of that, and the delivery
    surprising["expectedTotal"] = json!("61.75");
    let order = try_order(&customer, surprising).await.ok("placeOrder")["order"].clone();
    assert_eq!((&order["promoCode"], &order["total"]["amount"]), (&json!(code), &json!("61.75")));
    let id = order["id"].as_str().unwrap();
    let seen = "query($id: ID!) { order(id: $id) { promoCode } }";
    for viewer in [&customer, &shop.seller, &admin] {
        assert_eq!(viewer.query(seen, json!({ "id": id })).await.data()["order"]["promoCode"], code.as_str());
    }
    let partner = app.partner().await;
    crate::support::story::claim(&partner, id).await;
    assert_eq!(partner.query(seen, json!({ "id": id })).await.data()["order"]["promoCode"], Value::Null);
}
