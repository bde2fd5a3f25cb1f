//! Whatever is sent, the answer is a clear one, and nothing is half done.

mod fields;
mod filters;
mod pages;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};

use self::fields::{MUTATIONS, actor, input, named};
use crate::chat::say;
use crate::support::actors::Actor;
use crate::support::http::Answer;
use crate::support::money::paid_in_cash;
use crate::support::story::{PLACE_ORDER, Shop, claim, key, order_input, product, ready_order, seller_with_product};
use crate::support::wait::until_quiet;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    every_field_takes_what_it_takes_and_refuses_the_rest,
    every_list_is_bounded,
    an_order_of_one_product_twice_is_refused,
    a_field_that_does_not_exist_is_refused,
}

/// Everybody and everything that an input may name.
#[derive(Debug)]
struct World {
    app: TestApp,
    shop: Shop,
    nobody: Actor,
    customer: Actor,
    partner: Actor,
    admin: Actor,
    order_id: String,
    claim_id: String,
    /// Of that order, in cash.
    payment_id: String,
    /// In that order's chat.
    message_id: String,
}

impl World {
    async fn new(shape: Shape) -> Self {
        // it tries the same account more often than anybody may
        let app = TestApp::start_with(shape, |config| config.attempts.per_account = 0).await;
        let shop = Box::pin(seller_with_product(&app, 1_000, "40.00"));
        let people = Box::pin(async { tokio::join!(app.customer(), app.partner(), app.admin()) });
        let (shop, (customer, partner, admin)) = tokio::join!(shop, people);
        let order_id = ready_order(&shop, &customer).await;
        let claim_id = claim(&partner, &order_id).await;
        let payment_id = paid_in_cash(&app.app, &order_id, 1_000_000_000_000).await;
        let message_id = say(&partner, &order_id, "On my way.").await;
        Self { nobody: app.anonymous(), app, shop, customer, partner, admin, order_id, claim_id, payment_id, message_id }
    }

    /// How many rows each table has, and how much is in stock.
    async fn rows(&self) -> Vec<(&'static str, u64)> {
        let db = self.app.app.db.reader();
        until_quiet(&self.app.app).await;
        macro_rules! count {
            ($($table:ident),+) => {
                vec![$((stringify!($table), entity::$table::Entity::find().count(db).await.unwrap())),+]
            };
        }
        let mut rows = count![
            user,
            session,
            refresh_token,
            mailed_token,
            audit_entry,
            partner,
            seller,
            address,
            category,
            product,
            product_tag,
            stock_movement,
            order,
            order_item,
            order_event,
            claim,
            cart,
            cart_line,
            promo,
            promo_redemption,
            payment,
            refund,
            rating,
            message,
            notification,
            job,
            event,
            idempotency_key
        ];
        let stocks = entity::stock::Entity::find().all(db).await.unwrap();
        rows.push(("on hand", stocks.iter().map(|stock| u64::try_from(stock.on_hand).unwrap()).sum()));
        rows
    }
}

/// Fails unless this is an answer that a client can act upon, and that tells nothing of the inside.
fn assert_clear(answer: &Answer, what: &str) {
    fn texts(value: &Value) -> Vec<&str> {
        match value {
            Value::String(text) => vec![text],
            Value::Array(list) => list.iter().flat_map(texts).collect(),
            Value::Object(object) => object.values().flat_map(texts).collect(),
            _ => Vec::new(),
        }
    }
    assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.body);
    for text in texts(&answer.body) {
        let text = text.to_lowercase();
        for word in ["sql", "postgres", "constraint", "column", "database", "internal", "panicked"] {
            assert!(!text.contains(word), "{what}: {word:?} in {}", answer.body);
        }
    }
    for error in answer.errors() {
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        let codes = ["BAD_ARGUMENT", "VALIDATION_FAILED", "INVALID_ID", "BAD_CURSOR", "BAD_PAGE"];
        assert!(codes.contains(&code), "{what}: {}", answer.body);
    }
}

/// A value as it is shown with a failure.
fn shown(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

/// Sets the value at `path`, e.g. `images.0`.
fn set(value: &mut Value, path: &str, new: Value) {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let slot = match first.parse::<usize>() {
        Ok(_) => {
            if !value.is_array() {
                *value = json!([null]);
            }
            &mut value[0]
        }
        Err(_) => &mut value[first],
    };
    if rest.is_empty() { *slot = new } else { set(slot, rest, new) }
}

fn document(mutation: &str) -> String {
    let input = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let bang = if mutation == "logout" { "" } else { "!" };
    let more = if mutation == "importProducts" { "rowErrors { row error { code field } }" } else { "" };
    format!("mutation($input: {input}{bang}) {{ {mutation}(input: $input) {{ userErrors {{ code field }} {more} }} }}")
}

/// Sends `value` at `path`; the refusals of `mutation`, or with which code the request itself was refused.
async fn send(world: &World, mutation: &str, path: &str, value: &Value) -> Result<Vec<Value>, String> {
    let mut input = input(world, mutation, path);
    set(&mut input, path, value.clone());
    let answer = actor(world, mutation, path).mutate(&document(mutation), input.clone()).await;
    assert_clear(&answer, &format!("{mutation}, {path} = {}", shown(value)));
    if let Some(error) = answer.errors().first() {
        return Err(error["extensions"]["code"].as_str().unwrap().to_owned());
    }
    let mut refusals = answer.user_errors(mutation).to_vec();
    for in_row in answer.data()[mutation]["rowErrors"].as_array().into_iter().flatten() {
        // where it would be said to be, were the import one refusal
        let mut refusal = in_row["error"].clone();
        let place = (in_row["row"].as_u64().unwrap() - 1).to_string();
        let of_row = refusal["field"].as_array().unwrap().clone();
        refusal["field"] = [json!("rows"), json!(place)].into_iter().chain(of_row).collect();
        refusals.push(refusal);
    }
    for refusal in &refusals {
        let is_there = |name: &str| input.get(name).is_some() || table_fields().contains(&format!("{mutation}.{name}"));
        let named = refusal["field"].as_array().map(|path| path[0].as_str().unwrap());
        assert!(named.is_none_or(is_there), "{mutation} has no input {named:?}");
    }
    Ok(refusals)
}

/// Whether `value` is one of the type that is called `name`, so that the request says what the schema lets it say. Of what
/// it does not, the request as such is refused.
fn is_of_type(types: &[Value], name: &str, value: &Value) -> bool {
    let text = value.as_str();
    match name {
        "String" | "ID" => text.is_some() || (name == "ID" && (value.is_i64() || value.is_u64())),
        "Int" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "Float" => value.is_number(),
        "Boolean" => value.is_boolean(),
        "Decimal" => {
            let text = if value.is_number() { value.to_string() } else { text.unwrap_or_default().to_owned() };
            rust_decimal::Decimal::from_str_exact(&text).is_ok()
        }
        "DateTime" => text.is_some_and(|text| chrono::DateTime::parse_from_rfc3339(text).is_ok()),
        name => {
            let of_type = types.iter().find(|of_type| of_type["name"] == name).unwrap();
            let values = of_type["enumValues"].as_array().unwrap_or_else(|| panic!("say here what a {name} is"));
            values.iter().any(|known| known["name"] == *value)
        }
    }
}

async fn every_field_takes_what_it_takes_and_refuses_the_rest(shape: Shape) {
    let world = World::new(shape).await;
    let (types, named_types) = input_fields(&world).await;
    let table: BTreeSet<String> = named_types.keys().cloned().collect();
    assert_eq!(table, table_fields(), "say in bad_input/fields.rs what each field takes");
    let mut wrong = Vec::new();
    for (mutation, fields) in MUTATIONS {
        for (path, takes) in *fields {
            let at = named(mutation, path);
            let (good, bad): (Vec<_>, Vec<_>) = takes.cases().into_iter().partition(|(_, fits)| *fits);
            let before = world.rows().await;
            for (value, _) in bad {
                let of_type = &named_types[&format!("{mutation}.{path}")];
                match send(&world, mutation, path, &value).await {
                    // what the type allows is refused by the field's name, but for ids, which are refused as such
                    Err(code) if is_of_type(&types, of_type, &value) && !(of_type == "ID" && code == "INVALID_ID") => {
                        wrong.push(format!("{mutation}, {path} = {}: the request was refused, {code}", shown(&value)));
                    }
                    Ok(refusals) if refusals.first().is_none_or(|refusal| refusal["field"] != at) => {
                        wrong.push(format!("{mutation}, {path} = {} was not refused: {refusals:?}", shown(&value)));
                    }
                    _ => {}
                }
            }
            let after = world.rows().await;
            if before != after {
                wrong.push(format!("refusing {path}, {mutation} wrote something: {before:?} before and {after:?} after"));
            }
            for (value, _) in good {
                match send(&world, mutation, path, &value).await {
                    Ok(refusals) if refusals.iter().all(|refusal| refusal["field"] != at) => {}
                    refused => wrong.push(format!("{mutation}, {path} = {} was refused: {refused:?}", shown(&value))),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn table_fields() -> BTreeSet<String> {
    MUTATIONS
        .iter()
        .flat_map(|(mutation, fields)| fields.iter().map(move |(path, _)| format!("{mutation}.{path}")))
        .collect()
}

/// The schema's types, and of every field of every mutation's input the name of its type, by introspection.
async fn input_fields(world: &World) -> (Vec<Value>, BTreeMap<String, String>) {
    fn walk(types: &[Value], prefix: &str, of_type: &Value, paths: &mut BTreeMap<String, String>) {
        match of_type["kind"].as_str().unwrap() {
            "NON_NULL" => walk(types, prefix, &of_type["ofType"], paths),
            "LIST" => walk(types, &format!("{prefix}.0"), &of_type["ofType"], paths),
            "INPUT_OBJECT" => {
                let found = types.iter().find(|found| found["name"] == of_type["name"]).unwrap();
                for field in found["inputFields"].as_array().unwrap() {
                    walk(types, &format!("{prefix}.{}", field["name"].as_str().unwrap()), &field["type"], paths);
                }
            }
            _ => {
                paths.insert(prefix.to_owned(), of_type["name"].as_str().unwrap().to_owned());
            }
        }
    }
    let of_type = "type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
    let query = format!(
        "{{ __schema {{ mutationType {{ fields {{ name args {{ {of_type} }} }} }}
            types {{ name enumValues {{ name }} inputFields {{ name {of_type} }} }} }} }}"
    );
    let answer = world.nobody.query(&query, Value::Null).await;
    let schema = &answer.data()["__schema"];
    let mut paths = BTreeMap::new();
    for mutation in schema["mutationType"]["fields"].as_array().unwrap() {
        let types = schema["types"].as_array().unwrap();
        // some have nothing to be given
        if let Some(argument) = mutation["args"].as_array().and_then(|arguments| arguments.first()) {
            walk(types, mutation["name"].as_str().unwrap(), &argument["type"], &mut paths);
        }
    }
    (schema["types"].as_array().unwrap().clone(), paths)
}

async fn every_list_is_bounded(shape: Shape) {
    let world = World::new(shape).await;
    let many = |value: &str, count: usize| json!(vec![value; count]);
    let lines = |count: usize| -> Value {
        let line =
            |number| json!({ "productId": values::nobodys("prd").replace("zzzy", &format!("{number:04}")), "quantity": 1 });
        (0..count).map(line).collect()
    };
    for (mutation, path, code, value) in [
        ("markNotificationsRead", "ids", "INVALID_INPUT", json!([])),
        ("markNotificationsRead", "ids", "INVALID_INPUT", json!(vec![values::nobodys("ntf"); 101])),
        ("createProduct", "images", "INVALID_INPUT", many("https://shop.example/a.png", 11)),
        ("createProduct", "tags", "INVALID_INPUT", many("new", 21)),
        ("updateProduct", "images", "INVALID_INPUT", many("https://shop.example/a.png", 11)),
        ("updateProduct", "tags", "INVALID_INPUT", many("new", 5_000)),
        ("importProducts", "rows", "INVALID_INPUT", json!(vec![fields::import_row(); 1_001])),
        ("placeOrder", "items", "CART_EMPTY", json!([])),
        ("placeOrder", "items", "CART_EMPTY", Value::Null),
        ("placeOrder", "items", "INVALID_INPUT", lines(101)),
        ("placeOrder", "items", "INVALID_INPUT", lines(2_000)),
    ] {
        let before = world.rows().await;
        let refusals = send(&world, mutation, path, &value).await;
        assert_eq!(refusals, Ok(vec![json!({ "code": code, "field": [path] })]), "{mutation}, {path}");
        assert_eq!(before, world.rows().await, "{mutation}, {path}");
    }
    for (mutation, path, value) in [
        ("createProduct", "images", json!([])),
        ("createProduct", "tags", many("new", 20)),
        ("updateProduct", "images", many("/a.png", 10)),
        ("updateProduct", "tags", json!([])),
    ] {
        assert_eq!(send(&world, mutation, path, &value).await, Ok(Vec::new()), "{mutation}, {path}");
    }
    for (mutation, path) in [("createProduct", "images"), ("updateProduct", "tags"), ("placeOrder", "items")] {
        assert!(send(&world, mutation, path, &json!([null])).await.is_err(), "{mutation}, {path}");
    }
}

async fn an_order_of_one_product_twice_is_refused(shape: Shape) {
    let world = World::new(shape).await;
    let second = product(&world.shop.seller, &world.shop.category_id, 1, "1.00").await;
    let before = world.rows().await;
    // the second product is short, when the first has been taken: all or nothing
    for (lines, refusal) in [
        (
            [&world.shop.product_id, &world.shop.product_id],
            json!({ "code": "INVALID_INPUT", "field": ["items", "1", "productId"] }),
        ),
        ([&world.shop.product_id, &second], json!({ "code": "INSUFFICIENT_STOCK", "field": ["items", "1", "quantity"] })),
    ] {
        let mut input = order_input(lines[0], 2);
        input["items"] = lines.iter().map(|line| json!({ "productId": line, "quantity": 2 })).collect();
        let answer = world.customer.mutate(&document("placeOrder"), input).await;
        assert_eq!(*answer.user_errors("placeOrder"), [refusal]);
        assert_eq!(before, world.rows().await);
    }
}

async fn a_field_that_does_not_exist_is_refused(shape: Shape) {
    let world = World::new(shape).await;
    let before = world.rows().await;
    for (path, value) in [("total", json!("0.01")), ("items.0.unitPrice", json!("0.01")), ("status", json!("DELIVERED"))] {
        let mut input = order_input(&world.shop.product_id, 1);
        set(&mut input, path, value);
        let answer = world.customer.mutate(PLACE_ORDER, input).await;
        assert_clear(&answer, path);
        assert!(!answer.errors().is_empty(), "{path}: {}", answer.body);
    }
    let twice =
        "mutation($input: CancelOrderInput!, $input: CancelOrderInput!) { cancelOrder(input: $input) { order { id } } }";
    let answer = world.customer.mutate(twice, json!({ "idempotencyKey": key(), "orderId": world.order_id })).await;
    assert!(!answer.errors().is_empty(), "{}", answer.body);
    assert_eq!(before, world.rows().await);
}
