//! What customers thought of their orders, and when these are likely to arrive.

use chrono::{DateTime, Utc};
use domain::error::ErrorCode;
use domain::estimate;
use domain::id::Kind;
use domain::order::OrderStatus;
use entity::{partner, product, rating, seller};
use quick_commerce::app::App;
use quick_commerce::orders::service::{Rate, find_order, rate as rate_within};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};

use crate::support::actors::Actor;
use crate::support::audit::audit;
use crate::support::crowd::{at_once, count_done, refused, uuid};
use crate::support::http::Answer;
use crate::support::story::{
    ORDER_UPDATES, by_hand, claim, deliver, hand_over, key, order_input, pack, place_order, product as list_product,
    ready_order, seller_with_product, step, text, try_claim, update_product,
};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    a_rating_counts_for_the_store_the_partner_and_each_product,
    only_its_customer_rates_an_order_and_only_once_it_was_delivered,
    an_order_that_is_rated_by_two_at_once_is_rated_once,
    ratings_of_one_store_at_once_all_count,
    a_rating_is_for_those_who_had_to_do_with_the_order,
    whoever_follows_sees_the_rating_live,
    a_rating_keeps_what_the_seller_changes_and_the_other_way_round,
    an_order_says_when_it_is_likely_to_arrive,
}

pub(crate) const RATE_ORDER: &str = "mutation RateOrder($input: RateOrderInput!) { rateOrder(input: $input) {
    order { id version status viewerActions rating { score comment at } seller { rating } partner { partner { rating } }
        items { product { rating updatedAt } } timeline(first: 50) { nodes { type actorRole note } } }
    userErrors { code field } } }";

const RATING: &str = "query Rating($id: ID!) { order(id: $id) { version viewerActions rating { score comment } } }";

async fn try_rate(customer: &Actor, order: &str, score: i32, comment: Value) -> Answer {
    customer.mutate(RATE_ORDER, json!({ "orderId": order, "score": score, "comment": comment })).await
}

/// Rates an order; it as it is then.
pub(crate) async fn rate(customer: &Actor, order: &str, score: i32) -> Value {
    try_rate(customer, order, score, Value::Null).await.ok("rateOrder")["order"].clone()
}

/// The sums and counts of all that is rated, by the tables.
async fn counters(app: &App) -> Vec<(i64, i64)> {
    let db = app.db.reader();
    let products = product::Entity::find().all(db).await.unwrap();
    let sellers = seller::Entity::find().all(db).await.unwrap();
    let partners = partner::Entity::find().all(db).await.unwrap();
    let products = products.into_iter().map(|row| (row.rating_sum, row.rating_count));
    let sellers = sellers.into_iter().map(|row| (row.rating_sum, row.rating_count));
    products.chain(sellers).chain(partners.into_iter().map(|row| (row.rating_sum, row.rating_count))).collect()
}

async fn a_rating_counts_for_the_store_the_partner_and_each_product(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let second = list_product(&shop.seller, &shop.category_id, 10, "5.00").await;
    let third = list_product(&shop.seller, &shop.category_id, 10, "5.00").await;
    let ask = "query($id: ID!) { product(id: $id) { rating updatedAt seller { rating } } }";
    let before = customer.query(ask, json!({ "id": second })).await.data()["product"].clone();
    assert_eq!((&before["rating"], &before["seller"]["rating"]), (&Value::Null, &Value::Null), "nobody has said anything");

    let mut input = order_input(&shop.product_id, 3);
    input["items"] = json!([{ "productId": second, "quantity": 1 }, { "productId": shop.product_id, "quantity": 3 }]);
    let first = text(customer.mutate(crate::support::story::PLACE_ORDER, input).await.ok("placeOrder"), "/order/id");
    claim(&partner, &first).await;
    deliver(&partner, &customer, &first).await;
    let delivered = customer.query(RATING, json!({ "id": first })).await.data()["order"].clone();
    assert_eq!((&delivered["viewerActions"], &delivered["rating"]), (&json!(["RATE", "MESSAGE"]), &Value::Null));

    let answer = try_rate(&customer, &first, 4, json!(" Still warm.\nThank you! ")).await;
    let order = &answer.ok("rateOrder")["order"];
    assert_eq!(order["version"].as_i64(), delivered["version"].as_i64().map(|version| version + 1));
    assert_eq!((&order["status"], &order["viewerActions"]), (&json!("DELIVERED"), &json!(["MESSAGE"])));
    assert_eq!(order["rating"]["score"], 4);
    assert_eq!(order["rating"]["comment"], "Still warm.\nThank you!");
    assert_eq!(order["timeline"]["nodes"].as_array().unwrap().last().unwrap()["type"], "RATED");
    assert_eq!(order["seller"]["rating"], 4.0);
    assert_eq!(order["partner"]["partner"]["rating"], 4.0);
    assert_eq!([&order["items"][0]["product"]["rating"], &order["items"][1]["product"]["rating"]], [4.0, 4.0]);
    assert_eq!(order["items"][0]["product"]["updatedAt"], before["updatedAt"], "a rating is no change of the entry");

    // of one product only, through another partner
    let other = app.partner().await;
    let next = ready_order(&shop, &customer).await;
    claim(&other, &next).await;
    deliver(&other, &customer, &next).await;
    let order = rate(&customer, &next, 1).await;
    assert_eq!((&order["rating"]["score"], &order["rating"]["comment"]), (&json!(1), &Value::Null));
    assert_eq!((&order["seller"]["rating"], &order["items"][0]["product"]["rating"]), (&json!(2.5), &json!(2.5)));
    assert_eq!(order["partner"]["partner"]["rating"], 1.0);
    for (product, expected) in [(&shop.product_id, json!(2.5)), (&second, json!(4.0)), (&third, Value::Null)] {
        let answer = shop.seller.query(ask, json!({ "id": product })).await;
        assert_eq!(answer.data()["product"]["rating"], expected);
    }
    audit(&app.app).await;
}

async fn only_its_customer_rates_an_order_and_only_once_it_was_delivered(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let stranger = app.customer().await;
    let order = ready_order(&shop, &customer).await;
    let cancelled = ready_order(&shop, &customer).await;
    let cancel = json!({ "idempotencyKey": key(), "orderId": cancelled });
    customer.mutate(crate::support::story::CANCEL_ORDER, cancel).await.ok("cancelOrder");
    let refusal = |code: &str, field: &str| vec![json!({ "code": code, "field": [field] })];
    let errors = async |actor: &Actor, order: &str, score: i32| {
        try_rate(actor, order, score, Value::Null).await.user_errors("rateOrder").to_vec()
    };
    let before = counters(&app.app).await;
    assert_eq!(errors(&customer, &cancelled, 5).await, refusal("ILLEGAL_TRANSITION", "orderId"));
    assert_eq!(errors(&customer, &order, 5).await, refusal("ILLEGAL_TRANSITION", "orderId"));
    assert_eq!(errors(&stranger, &order, 5).await, refusal("NOT_FOUND", "orderId"));
    claim(&partner, &order).await;
    deliver(&partner, &customer, &order).await;
    assert_eq!(errors(&stranger, &order, 5).await, refusal("NOT_FOUND", "orderId"));
    for other in [&partner, &shop.seller, &app.admin().await] {
        assert_eq!(try_rate(other, &order, 5, Value::Null).await.code(), "FORBIDDEN");
    }
    for score in [0, 6, -1] {
        assert_eq!(errors(&customer, &order, score).await, refusal("INVALID_INPUT", "score"));
    }
    let long = try_rate(&customer, &order, 5, json!("x".repeat(1_001))).await;
    assert_eq!(long.user_errors("rateOrder"), refusal("INVALID_INPUT", "comment"));
    assert_eq!(counters(&app.app).await, before, "nothing was counted");
    rate(&customer, &order, 5).await;
    let once = counters(&app.app).await;
    assert_eq!(errors(&customer, &order, 1).await, refusal("ALREADY_EXISTS", "orderId"));
    assert_eq!(counters(&app.app).await, once);
}

async fn an_order_that_is_rated_by_two_at_once_is_rated_once(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let principal = customer.principal().await;
    for run in 1..=5 {
        let order = ready_order(&shop, &customer).await;
        claim(&partner, &order).await;
        deliver(&partner, &customer, &order).await;
        let id = uuid(Kind::Order, &order);
        let ratings = (1..=5).map(|score| {
            let app = app.app.clone();
            async move { refused(rate_within(&app, principal, Rate { order: id, score, comment: None }).await) }
        });
        let results = at_once(ratings).await;
        assert_eq!(count_done(&results, ErrorCode::AlreadyExists), 1);
        let ratings = rating::Entity::find().all(app.app.db.reader()).await.unwrap();
        let sum = ratings.iter().map(|rating| i64::from(rating.score)).sum::<i64>();
        assert_eq!(counters(&app.app).await, [(sum, run); 3], "of the product, the store and the partner");
    }
    audit(&app.app).await;
}

async fn ratings_of_one_store_at_once_all_count(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.partner());
    let second = list_product(&shop.seller, &shop.category_id, 100, "5.00").await;
    let principal = customer.principal().await;
    let mut orders = Vec::new();
    for number in 0..8 {
        // in one order and in the other
        let mut lines = [&shop.product_id, &second];
        lines.rotate_left(number % 2);
        let mut input = order_input(&second, 1);
        input["items"] = lines.iter().map(|product| json!({ "productId": product, "quantity": 1 })).collect();
        let order = text(customer.mutate(crate::support::story::PLACE_ORDER, input).await.ok("placeOrder"), "/order/id");
        claim(&partner, &order).await;
        deliver(&partner, &customer, &order).await;
        orders.push(uuid(Kind::Order, &order));
    }
    let ratings = orders.into_iter().map(|order| {
        let app = app.app.clone();
        async move { refused(rate_within(&app, principal, Rate { order, score: 3, comment: None }).await).is_ok() }
    });
    // the same products are bought at that moment, and the store changes its name
    let buyers: Vec<Actor> = vec![app.customer().await, app.customer().await];
    let buying = async {
        for buyer in &buyers {
            place_order(buyer, &shop.product_id, 1).await;
            place_order(buyer, &second, 1).await;
        }
    };
    let (rated, ()) = tokio::join!(at_once(ratings), buying);
    assert!(rated.iter().all(|is_done| *is_done));
    assert_eq!(counters(&app.app).await, [(24, 8); 4]);
    audit(&app.app).await;
}

async fn a_rating_is_for_those_who_had_to_do_with_the_order(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let (lost, stranger, other, admin) = tokio::join!(app.partner(), app.customer(), app.seller(), app.admin());
    let order = ready_order(&shop, &customer).await;
    let held = text(try_claim(&lost, &order, true).await.ok("claimOrder"), "/claim/id");
    let release = json!({ "idempotencyKey": key(), "claimId": held });
    lost.mutate(crate::support::story::RELEASE_CLAIM, release).await.ok("releaseClaim");
    claim(&partner, &order).await;
    deliver(&partner, &customer, &order).await;
    try_rate(&customer, &order, 2, json!("Cold.")).await.ok("rateOrder");
    for viewer in [&customer, &shop.seller, &partner, &admin] {
        let seen = viewer.query(RATING, json!({ "id": order })).await;
        assert_eq!(seen.data()["order"]["rating"], json!({ "score": 2, "comment": "Cold." }), "{}", viewer.email);
    }
    for viewer in [&stranger, &other, &lost, &app.anonymous()] {
        assert_eq!(viewer.query(RATING, json!({ "id": order })).await.data()["order"], Value::Null, "{}", viewer.email);
    }
    let claims = "{ partner { claims { nodes { order { id rating { score } estimatedDeliveryAt } } } } }";
    let claims = lost.query(claims, Value::Null).await;
    let once_claimed = &claims.data()["partner"]["claims"]["nodes"][0]["order"];
    assert_eq!(*once_claimed, json!({ "id": order, "rating": null, "estimatedDeliveryAt": null }));
    assert_eq!(rating::Entity::find().count(app.app.db.reader()).await.unwrap(), 1);
}

async fn whoever_follows_sees_the_rating_live(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    deliver(&partner, &customer, &order).await;
    let mut at_the_store = shop.seller.subscribe(ORDER_UPDATES, json!({ "orderId": order })).await;
    assert_eq!(at_the_store.next().await["order"]["status"], "DELIVERED");
    let product = "subscription($id: ID!) { productUpdates(productIds: [$id]) { id rating } }";
    let mut shelf = app.anonymous().subscribe(product, json!({ "id": shop.product_id })).await;
    assert_eq!(shelf.next().await["rating"], Value::Null);
    rate(&customer, &order, 5).await;
    let told = at_the_store.until(|item| item["event"]["type"] == "RATED").await;
    assert_eq!(told["order"]["status"], "DELIVERED");
    shelf.until(|item| item["rating"] == 5.0).await;
}

async fn a_rating_keeps_what_the_seller_changes_and_the_other_way_round(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    deliver(&partner, &customer, &order).await;
    rate(&customer, &order, 3).await;
    update_product(&shop.seller, &shop.product_id, json!({ "name": "Renamed" })).await;
    let ask = "query($id: ID!) { product(id: $id) { sku name rating category { slug } } }";
    let product = shop.seller.query(ask, json!({ "id": shop.product_id })).await.data()["product"].clone();
    assert_eq!((&product["name"], &product["rating"]), (&json!("Renamed"), &json!(3.0)));
    let import = "mutation($input: ImportProductsInput!) { importProducts(input: $input) { updated userErrors { code } } }";
    let row = json!({ "sku": product["sku"], "name": "Imported", "description": "", "price": "1", "stock": 1,
        "categorySlug": product["category"]["slug"] });
    let input = json!({ "idempotencyKey": key(), "rows": [row] });
    assert_eq!(shop.seller.mutate(import, input).await.ok("importProducts")["updated"], 1);
    let product = shop.seller.query(ask, json!({ "id": shop.product_id })).await.data()["product"].clone();
    assert_eq!((&product["name"], &product["rating"]), (&json!("Imported"), &json!(3.0)));
}

async fn an_order_says_when_it_is_likely_to_arrive(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    by_hand(&app, &shop.seller).await;
    let ask = "query($id: ID!) { order(id: $id) { status updatedAt estimatedDeliveryAt } }";
    let order = place_order(&customer, &shop.product_id, 1).await;
    let distance = find_order(app.app.db.reader(), uuid(Kind::Order, &order)).await.unwrap().unwrap().distance_m;
    assert!((1_000..3_000).contains(&distance), "two kilometres: {distance}");
    let check = async |viewer: &Actor, status: OrderStatus| {
        let seen = viewer.query(ask, json!({ "id": order })).await.data()["order"].clone();
        assert_eq!(seen["status"], status.to_string());
        let updated: DateTime<Utc> = text(&seen, "/updatedAt").parse().unwrap();
        let estimated = seen["estimatedDeliveryAt"].as_str().map(|at| at.parse::<DateTime<Utc>>().unwrap());
        assert_eq!(estimated, estimate::delivery_at(status, updated, distance), "{status}");
        assert_eq!(estimated.is_none(), status.is_final(), "{status}");
    };
    check(&customer, OrderStatus::Confirmed).await;
    step(&shop.seller, &order, "PREPARING").await;
    check(&shop.seller, OrderStatus::Preparing).await;
    pack(&shop.seller, &order).await;
    check(&customer, OrderStatus::Ready).await;
    claim(&partner, &order).await;
    check(&partner, OrderStatus::Assigned).await;
    for (name, status) in [("PICKED_UP", OrderStatus::PickedUp), ("IN_TRANSIT", OrderStatus::InTransit)] {
        step(&partner, &order, name).await;
        check(&customer, status).await;
    }
    hand_over(&partner, &customer, &order).await;
    check(&customer, OrderStatus::Delivered).await;
}
