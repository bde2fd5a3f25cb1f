//! An order that can be claimed says nothing of who ordered it, nor where exactly they live.

use serde_json::{Value, json};

use crate::support::actors::{Actor, PASSWORD};
use crate::support::story::{
    CANCEL_ORDER, PLACE_ORDER, claim, key, order, order_input, pack, seller_with_product, text, try_claim,
};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! { an_order_to_claim_is_anybodys, the_payout_does_not_tell_the_distance }

const REGISTER: &str = "mutation($input: RegisterInput!) { register(input: $input) { userErrors { code } } }";

/// What an order's customer says of themselves; nothing of it is in the answer to a partner.
const NAME: &str = "Zebulon Quillfeather";
const PHONE: &str = "+918055501234";
const NOTE: &str = "Mind the parrot.";
const LATITUDE: f64 = 13.041_673;
const LONGITUDE: f64 = 77.659_614;

fn door() -> Value {
    json!({
        "label": "Hideaway", "line1": "221B Marmalade Lane", "line2": "Attic flat", "city": "Wobbleton",
        "region": "Farshire", "postalCode": "WX-90210", "country": "IN", "instructions": "Knock thrice.",
        "location": { "latitude": LATITUDE, "longitude": LONGITUDE },
    })
}

/// Every text and number of `value`.
fn leaves(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().flat_map(leaves).collect(),
        Value::Object(object) => object.values().flat_map(leaves).collect(),
        leaf => vec![leaf],
    }
}

/// A selection of every field of the type `name`, found by introspection: of a new field this test hears by itself.
fn everything(types: &[Value], name: &str) -> String {
    let of_type = types.iter().find(|of_type| of_type["name"] == name).unwrap();
    let fields = of_type["fields"].as_array().unwrap().iter().map(|field| {
        let mut inner = &field["type"];
        while !inner["ofType"].is_null() {
            inner = &inner["ofType"];
        }
        let selection =
            if inner["kind"] == "OBJECT" { everything(types, inner["name"].as_str().unwrap()) } else { String::new() };
        format!("{} {selection}", field["name"].as_str().unwrap())
    });
    format!("{{ __typename {} }}", fields.collect::<Vec<_>>().join(" "))
}

async fn types(viewer: &Actor) -> Vec<Value> {
    let of_type = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
    let document =
        format!("{{ __schema {{ types {{ name fields {{ name type {{ {of_type} }} }} possibleTypes {{ name }} }} }} }}");
    viewer.query(&document, Value::Null).await.data()["__schema"]["types"].as_array().unwrap().clone()
}

/// Fails when `answer` says anything personal. `secrets` are those that are drawn: the e-mail address, ids and the code.
fn assert_nothing_personal(answer: &Value, secrets: &[String]) {
    let text = answer.to_string();
    let door = door();
    let words = leaves(&door).into_iter().filter_map(Value::as_str).filter(|word| *word != "IN").chain([NAME, PHONE, NOTE]);
    for word in words.chain(secrets.iter().map(String::as_str).filter(|secret| secret.len() > 4)) {
        assert!(!text.contains(word), "{word:?} is in {text}");
    }
    for leaf in leaves(answer) {
        assert!(leaf.as_str().is_none_or(|leaf| secrets.iter().all(|secret| secret != leaf)), "{leaf} in {text}");
        let Some(number) = leaf.as_f64() else { continue };
        for exact in [LATITUDE, LONGITUDE] {
            // two decimals are about a kilometre
            let is_near = (number - exact).abs() < 0.02;
            let has_two_decimals = (number * 100.0 - (number * 100.0).round()).abs() < 1e-9;
            assert!(!is_near || has_two_decimals, "{number} is too near to the door in {text}");
        }
    }
}

async fn an_order_to_claim_is_anybodys(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, partner, rival) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.partner(), app.partner());
    let email = "zebulon.q@hideaway.example";
    let input = json!({ "email": email, "password": PASSWORD, "name": NAME, "phone": PHONE });
    app.anonymous().mutate(REGISTER, input).await.ok("register");
    let customer = app.login(email).await;

    let types = types(&partner).await;
    let items = types.iter().find(|of_type| of_type["name"] == "AvailableOrdersItem").unwrap();
    let members = items["possibleTypes"].as_array().unwrap().iter().map(|member| member["name"].as_str().unwrap());
    // fields of one name and several types would not merge
    let members = members.enumerate().map(|(place, name)| {
        let selection = everything(&types, name).replace(" reason", &format!(" reason{place}: reason"));
        format!("... on {name} {selection}")
    });
    let subscription = format!("subscription {{ availableOrders {{ {} }} }}", members.collect::<Vec<_>>().join(" "));
    let mut feed = partner.subscribe(&subscription, Value::Null).await;
    let mut heard = vec![feed.next().await];

    let place = async || {
        let mut input = order_input(&shop.product_id, 1);
        input["address"] = door();
        input["note"] = json!(NOTE);
        let id = text(customer.mutate(PLACE_ORDER, input).await.ok("placeOrder"), "/order/id");
        pack(&shop.seller, &id).await;
        id
    };
    let (claimed, cancelled, left) = (place().await, place().await, place().await);
    claim(&rival, &claimed).await;
    let input = json!({ "idempotencyKey": key(), "orderId": cancelled, "reason": NOTE });
    customer.mutate(CANCEL_ORDER, input).await.ok("cancelOrder");
    while heard.iter().filter(|item| item["__typename"] == "OrderUnavailable").count() < 2 {
        heard.push(feed.next().await);
    }
    // a snapshot that has an order
    heard.push(partner.subscribe(&subscription, Value::Null).await.next().await);
    let list = format!(
        "{{ partner {{ availableOrders(near: {{ latitude: 12.97, longitude: 77.59 }}) {} }} }}",
        everything(&types, "AvailableOrderConnection")
    );
    heard.push(partner.query(&list, Value::Null).await.data().clone());
    let mut secrets = vec![email.to_owned(), customer.user_id.clone()];
    for id in [&claimed, &cancelled, &left] {
        secrets.push(text(&order(&customer, id).await, "/deliveryCode"));
        let address = "query($id: ID!) { order(id: $id) { deliveryAddress { id } } }";
        secrets.push(text(customer.query(address, json!({ "id": id })).await.data(), "/order/deliveryAddress/id"));
    }
    for item in &heard {
        assert_nothing_personal(item, &secrets);
    }
    let listed = heard.last().unwrap();
    assert_eq!(text(listed, "/partner/availableOrders/nodes/0/orderId"), left, "the order is there: {listed}");

    // nor does a refusal say whose order it was
    let refusal = try_claim(&partner, &claimed, true).await;
    assert_nothing_personal(&refusal.body, &secrets);
}

async fn the_payout_does_not_tell_the_distance(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    // doors a hundred metres apart, at one distance as it is shown
    for step in [0.0, 0.001, 0.002] {
        let mut input = order_input(&shop.product_id, 1);
        input["address"]["location"]["latitude"] = json!(12.9816 + step);
        customer.mutate(PLACE_ORDER, input).await.ok("placeOrder");
    }
    let list = "{ partner { availableOrders { nodes { distanceKm payout { amount } } } } }";
    let answer = partner.query(list, Value::Null).await;
    let orders = answer.data()["partner"]["availableOrders"]["nodes"].as_array().unwrap();
    assert_eq!(orders.len(), 3);
    assert!(orders.iter().all(|order| *order == orders[0]), "the doors can be told apart: {orders:?}");
}
