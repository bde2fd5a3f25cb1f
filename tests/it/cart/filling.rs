//! What goes into a cart, and what it says of it.

use std::time::Duration;

use domain::id::Kind;
use futures_util::future::join_all;
use quick_commerce::app::App;
use quick_commerce::graphql::context::{RequestId, Viewer};
use quick_commerce::graphql::{authenticate, build_schema_gathering};
use serde_json::{Value, json};

use super::{apply, cart, clear, kinds, promo, reprice, set, take_off_sale, try_apply, try_set};
use crate::support::crowd::uuid;
use crate::support::story::{place_order, product, seller_with_product};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    everybody_has_a_cart_which_is_empty_at_first,
    a_cart_costs_what_its_lines_cost_today,
    a_line_is_set_and_not_added_to,
    more_than_there_is_does_not_go_in,
    a_cart_is_of_one_store,
    a_cart_holds_a_hundred_products,
    what_changes_under_a_cart_is_said_in_it,
    what_cannot_be_bought_counts_nothing,
    setting_a_line_again_accepts_its_price,
    a_cart_and_its_lines_are_found_by_their_ids_and_by_nobody_else,
    two_devices_may_set_lines_at_once,
    a_cart_is_read_in_as_many_statements_however_much_is_in_it,
}

async fn everybody_has_a_cart_which_is_empty_at_first(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (customer, partner, seller, admin) = tokio::join!(app.customer(), app.partner(), app.seller(), app.admin());
    for viewer in [&customer, &partner, &seller, &admin] {
        let cart = cart(viewer).await;
        assert_eq!((&cart["lines"], &cart["problems"], &cart["version"]), (&json!([]), &json!([]), &json!(0)));
        assert_eq!((&cart["total"]["amount"], &cart["deliveryFee"]["amount"]), (&json!("0.00"), &json!("0.00")));
    }
    // emptying what was never filled is no mistake, and neither is taking out what is not in
    assert_eq!(clear(&customer).await, cart(&customer).await);
    assert_eq!(entity_count(&app).await, 0, "nothing is kept for those who only look");
}

async fn entity_count(app: &TestApp) -> u64 {
    use sea_orm::{EntityTrait as _, PaginatorTrait as _};
    entity::cart::Entity::find().count(app.app.db.reader()).await.unwrap()
}

async fn a_cart_costs_what_its_lines_cost_today(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let second = product(&shop.seller, &shop.category_id, 10, "12.35").await;
    set(&customer, &shop.product_id, 2).await;
    let filled = set(&customer, &second, 1).await;
    assert_eq!(filled, cart(&customer).await, "the mutation answers with the cart");
    let lines = filled["lines"].as_array().unwrap();
    let of = |line: &Value| (line["product"]["id"].clone(), line["quantity"].clone(), line["lineTotal"]["amount"].clone());
    assert_eq!(of(&lines[0]), (json!(shop.product_id), json!(2), json!("80.00")), "in the order they were put in");
    assert_eq!(of(&lines[1]), (json!(second), json!(1), json!("12.35")));
    let sums = ["subtotal", "discount", "deliveryFee", "tax", "total"].map(|sum| filled[sum]["amount"].clone());
    // 5 % of 92.35 are 4.6175
    assert_eq!(sums, ["92.35", "0.00", "25.00", "4.62", "121.97"]);
}

async fn a_line_is_set_and_not_added_to(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let first = set(&customer, &shop.product_id, 2).await;
    let again = set(&customer, &shop.product_id, 3).await;
    assert_eq!(again["lines"][0]["quantity"], 3);
    assert_eq!(again["lines"][0]["id"], first["lines"][0]["id"]);
    assert_eq!(set(&customer, &shop.product_id, 0).await["lines"], json!([]));
    assert_eq!(set(&customer, &shop.product_id, 0).await["lines"], json!([]), "what is out can be taken out");
    for bad in [-1, 1_001, i32::MAX] {
        let refused = try_set(&customer, &shop.product_id, bad).await;
        assert_eq!(refused.user_errors("setCartLine")[0]["field"], json!(["quantity"]));
        assert_eq!(refused.refusal("setCartLine"), "INVALID_INPUT");
    }
}

async fn more_than_there_is_does_not_go_in(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 5, "40.00"), app.customer());
    set(&customer, &shop.product_id, 5).await;
    let refused = try_set(&customer, &shop.product_id, 6).await;
    assert_eq!(refused.refusal("setCartLine"), "INSUFFICIENT_STOCK");
    let refusal = &refused.user_errors("setCartLine")[0];
    assert_eq!((&refusal["requested"], &refusal["available"]), (&json!(6), &json!(5)));
    assert_eq!((&refusal["field"], &refusal["product"]["id"]), (&json!(["quantity"]), &json!(shop.product_id)));
    assert_eq!(cart(&customer).await["lines"][0]["quantity"], 5, "the cart is as it was");

    take_off_sale(&shop.seller, &shop.product_id).await;
    for unknown in [shop.product_id.as_str(), "prd_01h455vb4pex5vsknk084sn02q"] {
        let refused = try_set(&customer, unknown, 1).await;
        assert_eq!(refused.refusal("setCartLine"), "PRODUCT_UNAVAILABLE");
        assert_eq!(refused.user_errors("setCartLine")[0]["field"], json!(["productId"]));
    }
}

async fn a_cart_is_of_one_store(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, other, customer) =
        tokio::join!(seller_with_product(&app, 5, "40.00"), seller_with_product(&app, 5, "40.00"), app.customer());
    set(&customer, &shop.product_id, 1).await;
    let refused = try_set(&customer, &other.product_id, 1).await;
    assert_eq!(refused.refusal("setCartLine"), "INVALID_INPUT");
    assert_eq!(refused.user_errors("setCartLine")[0]["field"], json!(["productId"]));
    set(&customer, &shop.product_id, 0).await;
    set(&customer, &other.product_id, 1).await;

    // two devices that each begin at another store: one of them was first
    for _ in 0..10 {
        clear(&customer).await;
        let (one, two) = tokio::join!(try_set(&customer, &shop.product_id, 1), try_set(&customer, &other.product_id, 1));
        let refused = [&one, &two].iter().filter(|answer| !answer.user_errors("setCartLine").is_empty()).count();
        assert_eq!(refused, 1, "{one:?} {two:?}");
        assert_eq!(cart(&customer).await["lines"].as_array().unwrap().len(), 1);
    }
}

async fn a_cart_holds_a_hundred_products(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 5, "40.00"), app.customer());
    let more = join_all((0..100).map(|_| product(&shop.seller, &shop.category_id, 5, "1.00"))).await;
    for product in &more[..98] {
        set(&customer, product, 1).await;
    }
    // from several devices at once there is room for two
    let last = [&shop.product_id, &more[98], &more[99]];
    let answers = join_all(last.map(|product| try_set(&customer, product, 1))).await;
    let refusals: Vec<&Value> = answers.iter().flat_map(|answer| answer.user_errors("setCartLine")).collect();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!((&refusals[0]["code"], &refusals[0]["field"]), (&json!("INVALID_INPUT"), &json!(["productId"])));
    assert_eq!(set(&customer, &more[0], 2).await["lines"].as_array().unwrap().len(), 100, "what is in can be set");
}

async fn what_changes_under_a_cart_is_said_in_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, other) = tokio::join!(seller_with_product(&app, 5, "40.00"), app.customer(), app.customer());
    set(&customer, &shop.product_id, 4).await;
    assert!(kinds(&cart(&customer).await).is_empty());

    reprice(&shop.seller, &shop.product_id, "45.00").await;
    place_order(&other, &shop.product_id, 3).await;
    let now = cart(&customer).await;
    assert_eq!(kinds(&now), ["INSUFFICIENT_STOCK", "PRICE_CHANGED"]);
    let (short, price) = (&now["problems"][0], &now["problems"][1]);
    assert_eq!((&short["available"], &short["line"]["product"]["id"]), (&json!(2), &json!(shop.product_id)));
    assert_eq!(
        (&price["oldPrice"]["amount"], &price["newPrice"]["amount"], &price["line"]["product"]["id"]),
        (&json!("40.00"), &json!("45.00"), &json!(shop.product_id))
    );
    assert_eq!(now["subtotal"]["amount"], "180.00", "it counts as it stands, at today's price");
}

async fn what_cannot_be_bought_counts_nothing(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, other) = tokio::join!(seller_with_product(&app, 5, "40.00"), app.customer(), app.customer());
    let second = product(&shop.seller, &shop.category_id, 5, "10.00").await;
    set(&customer, &shop.product_id, 1).await;
    set(&customer, &second, 1).await;
    place_order(&other, &second, 5).await;
    let sold_out = cart(&customer).await;
    assert_eq!((kinds(&sold_out), &sold_out["subtotal"]["amount"]), (vec!["OUT_OF_STOCK"], &json!("40.00")));
    take_off_sale(&shop.seller, &shop.product_id).await;
    let gone = cart(&customer).await;
    assert_eq!(kinds(&gone), ["PRODUCT_UNAVAILABLE", "OUT_OF_STOCK"]);
    assert_eq!((&gone["total"]["amount"], &gone["lines"][0]["lineTotal"]["amount"]), (&json!("0.00"), &json!("0.00")));
}

async fn setting_a_line_again_accepts_its_price(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 5, "40.00"), app.customer());
    set(&customer, &shop.product_id, 1).await;
    reprice(&shop.seller, &shop.product_id, "39.00").await;
    assert_eq!(kinds(&cart(&customer).await), ["PRICE_CHANGED"]);
    assert!(kinds(&set(&customer, &shop.product_id, 1).await).is_empty());
    // back to what it was: that is another change
    reprice(&shop.seller, &shop.product_id, "40.00").await;
    assert_eq!(kinds(&cart(&customer).await), ["PRICE_CHANGED"]);
}

async fn a_cart_and_its_lines_are_found_by_their_ids_and_by_nobody_else(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, stranger, admin) =
        tokio::join!(seller_with_product(&app, 5, "40.00"), app.customer(), app.customer(), app.admin());
    let cart = set(&customer, &shop.product_id, 1).await;
    set(&stranger, &shop.product_id, 1).await;
    let node = "query($id: ID!) { node(id: $id) { __typename id } }";
    let ids = [("Cart", cart["id"].clone()), ("CartLine", cart["lines"][0]["id"].clone())];
    for (kind, id) in &ids {
        let found = customer.query(node, json!({ "id": id })).await.data()["node"].clone();
        assert_eq!(found, json!({ "__typename": kind, "id": id }));
        for other in [&stranger, &admin, &shop.seller, &app.anonymous()] {
            assert_eq!(other.query(node, json!({ "id": id })).await.data()["node"], Value::Null);
        }
    }
    // an empty cart is one, a line that was taken out is none, and a user is no cart
    clear(&customer).await;
    assert_eq!(customer.query(node, json!({ "id": ids[0].1 })).await.data()["node"]["id"], ids[0].1);
    assert_eq!(customer.query(node, json!({ "id": ids[1].1 })).await.data()["node"], Value::Null);
    let user = domain::id::encode(Kind::Cart, uuid(Kind::User, &customer.user_id));
    assert_eq!(customer.query(node, json!({ "id": user })).await.data()["node"], Value::Null);
}

async fn two_devices_may_set_lines_at_once(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 50, "40.00"), app.customer(), app.admin());
    let products = join_all((0..6).map(|_| product(&shop.seller, &shop.category_id, 50, "10.00"))).await;
    let code = promo(&admin, json!({ "amountOff": "1" })).await;
    for round in 1..=5 {
        let setting = products.iter().map(|product| set(&customer, product, round));
        let (_, _, same) = tokio::join!(join_all(setting), apply(&customer, &code), async {
            tokio::join!(set(&customer, &shop.product_id, 7), set(&customer, &shop.product_id, 8))
        });
        drop(same);
        let now = cart(&customer).await;
        let lines = now["lines"].as_array().unwrap();
        assert_eq!(lines.len(), 7, "none was lost, and none is there twice: {now}");
        for line in lines {
            let is_contested = line["product"]["id"] == shop.product_id.as_str();
            let quantity = line["quantity"].as_i64().unwrap();
            assert!(if is_contested { [7, 8].contains(&quantity) } else { quantity == i64::from(round) }, "{now}");
        }
        assert_eq!(now["promoCode"], code.as_str());
        assert_eq!(now["version"], 10 * round - 1, "each change is counted once");
        try_apply(&customer, Value::Null).await.ok("applyPromoCode");
    }
}

async fn a_cart_is_read_in_as_many_statements_however_much_is_in_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 50, "40.00"), app.customer(), app.admin());
    let code = promo(&admin, json!({ "percentOff": 5 })).await;
    let more = join_all((0..19).map(|_| product(&shop.seller, &shop.category_id, 50, "10.00"))).await;
    let few = app.customer().await;
    for (customer, products) in [(&few, &more[..1]), (&customer, &more[..])] {
        set(customer, &shop.product_id, 1).await;
        for product in products {
            set(customer, product, 1).await;
        }
        apply(customer, &code).await;
    }
    // one thread, and nothing in the background: what is asked for at the same time is loaded at the same time
    let (api, tokens) = (app.api.app.clone(), [few.token.unwrap(), customer.token.unwrap()]);
    let _database = app.stop().await;
    let counts = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { [statements(&api, &tokens[0]).await, statements(&api, &tokens[1]).await] })
    });
    let [few, many] = counts.await.unwrap();
    assert!(many <= few, "statements for two lines: {few}, for twenty: {many}");
}

/// The statements that reading a cart takes.
async fn statements(app: &App, token: &str) -> u64 {
    let document = "{ viewer { cart { total { amount } problems { kind } lines { lineTotal { amount }
        product { name available category { name } seller { storeName } } } } } }";
    let viewer = authenticate(app, token).await.unwrap_or_else(|_| panic!("the token is good"));
    let request = async_graphql::Request::new(document).data(Viewer(Some(viewer))).data(RequestId("cart".to_owned()));
    let before = app.db.statements();
    let answer = build_schema_gathering(app, Duration::from_millis(100)).execute(request).await;
    assert_eq!(answer.errors, Vec::new());
    app.db.statements() - before
}
