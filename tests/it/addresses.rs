//! The addresses that customers save.

use domain::error::ErrorCode;
use domain::id::{Kind, encode};
use entity::address;
use quick_commerce::accounts::service::{MAX_ADDRESSES, NewAddress, remove_address, save_address};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::actors::Actor;
use crate::support::crowd::{at_once, count_done, refused, uuid, wish};
use crate::support::http::Answer;
use crate::support::story::{PLACE_ORDER, address as home, order_input, seller_with_product, text};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    an_address_is_saved_changed_and_removed,
    the_default_moves_to_the_address_that_asks_for_it,
    nobody_reaches_another_customers_addresses,
    an_order_keeps_its_copy_of_an_address_that_is_removed,
    of_addresses_that_become_the_default_at_once_one_is,
    addresses_saved_at_once_are_never_more_than_may_be,
}

const SAVE_ADDRESS: &str = "mutation SaveAddress($input: SaveAddressInput!) { saveAddress(input: $input) {
    address { id label line2 location { latitude } isDefault } userErrors { code field } } }";

const REMOVE_ADDRESS: &str =
    "mutation RemoveAddress($input: RemoveAddressInput!) { removeAddress(input: $input) { userErrors { code field } } }";

const ADDRESSES: &str = "{ viewer { user { addresses { id label isDefault } } } }";

async fn try_save(customer: &Actor, id: Option<&str>, label: &str, changes: Value) -> Answer {
    let mut address = home();
    address["label"] = json!(label);
    for (field, value) in changes.as_object().into_iter().flatten() {
        address[field] = value.clone();
    }
    customer.mutate(SAVE_ADDRESS, json!({ "addressId": id, "address": address })).await
}

/// Saves an address; it.
async fn save(customer: &Actor, id: Option<&str>, label: &str, is_default: bool) -> Value {
    let answer = try_save(customer, id, label, json!({ "isDefault": is_default })).await;
    answer.ok("saveAddress")["address"].clone()
}

async fn remove(customer: &Actor, id: &str) -> Answer {
    customer.mutate(REMOVE_ADDRESS, json!({ "addressId": id })).await
}

/// The labels of a customer's addresses, and which is the default.
async fn labels(customer: &Actor) -> (Vec<String>, Vec<String>) {
    let answer = customer.query(ADDRESSES, Value::Null).await;
    let list = answer.data()["viewer"]["user"]["addresses"].as_array().unwrap().clone();
    let labels = list.iter().map(|address| text(address, "/label")).collect();
    let defaults = list.iter().filter(|address| address["isDefault"] == true).map(|address| text(address, "/label"));
    (labels, defaults.collect())
}

fn words(all: &[&str], default: &[&str]) -> (Vec<String>, Vec<String>) {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    (owned(all), owned(default))
}

async fn an_address_is_saved_changed_and_removed(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let more = json!({ "line2": " Floor 2 ", "location": null });
    let answer = try_save(&customer, None, " Home ", more).await;
    let saved = &answer.ok("saveAddress")["address"];
    let id = text(saved, "/id");
    assert_eq!((&saved["label"], &saved["line2"]), (&json!("Home"), &json!("Floor 2")));
    assert_eq!((&saved["location"], &saved["isDefault"]), (&Value::Null, &json!(true)), "the first is the default");

    let changed = save(&customer, Some(&id), "Flat", false).await;
    let whole = json!({ "id": id, "label": "Flat", "line2": null, "location": { "latitude": 12.9816 }, "isDefault": true });
    assert_eq!(changed, whole, "all of it is what was given, and the only one stays the default");
    let node = "query($id: ID!) { node(id: $id) { id } }";
    assert_eq!(customer.query(node, json!({ "id": id })).await.data()["node"]["id"], json!(id));

    let refusal = try_save(&customer, Some(&id), "Flat", json!({ "city": "" })).await;
    assert_eq!(refusal.user_errors("saveAddress"), [json!({ "code": "INVALID_INPUT", "field": ["address", "city"] })]);
    remove(&customer, &id).await.ok("removeAddress");
    assert_eq!(labels(&customer).await, words(&[], &[]));
    let again = [remove(&customer, &id).await, try_save(&customer, Some(&id), "Flat", json!({})).await];
    for (answer, mutation) in again.iter().zip(["removeAddress", "saveAddress"]) {
        assert_eq!(answer.user_errors(mutation), [json!({ "code": "NOT_FOUND", "field": ["addressId"] })]);
    }
}

async fn the_default_moves_to_the_address_that_asks_for_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (customer, other) = tokio::join!(app.customer(), app.customer());
    save(&other, None, "Elsewhere", true).await;
    let first = text(&save(&customer, None, "First", false).await, "/id");
    save(&customer, None, "Second", false).await;
    assert_eq!(labels(&customer).await, words(&["First", "Second"], &["First"]));
    let third = text(&save(&customer, None, "Third", true).await, "/id");
    assert_eq!(labels(&customer).await, words(&["First", "Second", "Third"], &["Third"]));
    save(&customer, Some(&first), "First", true).await;
    assert_eq!(labels(&customer).await, words(&["First", "Second", "Third"], &["First"]));
    save(&customer, Some(&first), "Old", false).await;
    assert_eq!(labels(&customer).await.1, ["Old"], "one has to be");
    remove(&customer, &third).await.ok("removeAddress");
    assert_eq!(labels(&customer).await, words(&["Old", "Second"], &["Old"]));
    remove(&customer, &first).await.ok("removeAddress");
    assert_eq!(labels(&customer).await, words(&["Second"], &["Second"]), "the oldest that is left");
    assert_eq!(labels(&other).await, words(&["Elsewhere"], &["Elsewhere"]), "nobody else's was touched");
}

async fn nobody_reaches_another_customers_addresses(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (owner, other) = tokio::join!(app.customer(), app.customer());
    save(&other, None, "Theirs", true).await;
    let id = text(&save(&owner, None, "Home", true).await, "/id");
    let before = address::Entity::find().all(app.app.db.reader()).await.unwrap();
    let beside = encode(Kind::Address, Uuid::from_u128(uuid(Kind::Address, &id).as_u128() ^ 1));
    for id in [&id, &beside] {
        let saved = try_save(&other, Some(id), "Mine", json!({ "isDefault": true })).await;
        for (answer, mutation) in [(saved, "saveAddress"), (remove(&other, id).await, "removeAddress")] {
            assert_eq!(answer.user_errors(mutation), [json!({ "code": "NOT_FOUND", "field": ["addressId"] })]);
        }
    }
    assert_eq!(address::Entity::find().all(app.app.db.reader()).await.unwrap(), before);
}

async fn an_order_keeps_its_copy_of_an_address_that_is_removed(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let id = text(&save(&customer, None, "Home", false).await, "/id");
    let mut input = order_input(&shop.product_id, 1);
    input["address"] = Value::Null;
    input["addressId"] = json!(id);
    let order = text(customer.mutate(PLACE_ORDER, input.clone()).await.ok("placeOrder"), "/order/id");
    let ask = "query($id: ID!) { order(id: $id) { deliveryAddress { label line1 isDefault } } }";
    let before = customer.query(ask, json!({ "id": order })).await.data()["order"].clone();
    assert_eq!(before["deliveryAddress"], json!({ "label": "Home", "line1": "12 Lake Road", "isDefault": false }));
    save(&customer, Some(&id), "Moved", true).await;
    assert_eq!(customer.query(ask, json!({ "id": order })).await.data()["order"], before);
    remove(&customer, &id).await.ok("removeAddress");
    assert_eq!(customer.query(ask, json!({ "id": order })).await.data()["order"], before);
    input["idempotencyKey"] = json!(crate::support::story::key());
    assert_eq!(customer.mutate(PLACE_ORDER, input).await.refusal("placeOrder"), "NOT_FOUND");
}

/// An address that wants to be the default, or does not.
fn new(label: &str, is_default: bool) -> NewAddress {
    NewAddress { label: label.to_owned(), is_default, ..wish(&[]).address.unwrap() }
}

async fn of_addresses_that_become_the_default_at_once_one_is(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let principal = customer.principal().await;
    // none of them is there yet, then each of them is, then the default goes away meanwhile
    for run in 0..4 {
        let saved = address::Entity::find().all(app.app.db.reader()).await.unwrap();
        let default = saved.iter().find(|address| address.is_default).map(|address| address.id);
        let mut work = Vec::new();
        for number in 0..6 {
            let (app, id) = (app.app.clone(), saved.get(number).map(|address| address.id));
            let id = id.filter(|_| run % 2 == 1);
            work.push(tokio::spawn(async move {
                refused(save_address(&app, principal, id, new("One of many", number < 4)).await).is_ok()
            }));
        }
        if let Some(default) = default {
            let app = app.app.clone();
            work.push(tokio::spawn(async move { refused(remove_address(&app, principal, default).await).is_ok() }));
        }
        at_once(work.into_iter().map(|task| async { task.await.unwrap() })).await;
        let (labels, defaults) = labels(&customer).await;
        assert_eq!(defaults.len(), 1, "of {} in run {run}", labels.len());
    }
}

async fn addresses_saved_at_once_are_never_more_than_may_be(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let principal = customer.principal().await;
    let saves = (0..MAX_ADDRESSES + 5).map(|_| {
        let app = app.app.clone();
        async move { refused(save_address(&app, principal, None, new("One of many", false)).await) }
    });
    let results = at_once(saves).await;
    assert_eq!(count_done(&results, ErrorCode::InvalidInput), MAX_ADDRESSES);
    let (labels, defaults) = labels(&customer).await;
    assert_eq!((labels.len(), defaults.len()), (MAX_ADDRESSES, 1));
    let answer = try_save(&customer, None, "One more", json!({})).await;
    assert_eq!(answer.user_errors("saveAddress"), [json!({ "code": "INVALID_INPUT", "field": ["address"] })]);
}
