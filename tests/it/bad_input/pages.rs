//! Pages and cursors: of one list, and of one server.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use entity::job;
use quick_commerce::graphql::scalars::EventCursor;
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::values::long;
use super::{World, assert_clear};
use crate::support::actors::Actor;
use crate::support::socket::{Frame, Socket};
use crate::support::story::place_order;
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    a_page_has_one_to_a_hundred_rows_from_one_end,
    a_cursor_is_of_one_list,
    a_subscription_resumes_from_a_cursor_of_this_server_only,
}

/// A list: its path in the answer, the place in the document for its arguments, and whether it has `last` and `before`.
struct List {
    path: &'static str,
    document: &'static str,
    is_two_way: bool,
}

const fn list(path: &'static str, document: &'static str, is_two_way: bool) -> List {
    List { path, document, is_two_way }
}

impl List {
    /// The document with `arguments`, e.g. `first: 1`.
    fn with(&self, arguments: &str) -> String {
        self.document.replace("ARGS", arguments)
    }
}

/// Whoever may see the list at `path`.
fn viewer_of<'a>(world: &'a World, path: &str) -> &'a Actor {
    match path.split('/').nth(1).unwrap() {
        "partner" => &world.partner,
        "seller" | "product" => &world.shop.seller,
        "admin" => &world.admin,
        _ => &world.customer,
    }
}

const PAGE: &str = "edges { cursor } pageInfo { hasNextPage }";

fn lists() -> Vec<List> {
    vec![
        list("/products", "{ products(ARGS) { PAGE } }", true),
        list("/products", "{ products(sort: NAME, ARGS) { PAGE } }", true),
        list("/products", "{ products(sort: PRICE_DESC, ARGS) { PAGE } }", true),
        list("/viewer/orders", "{ viewer { orders(ARGS) { PAGE } } }", true),
        list("/admin/orders", "{ admin { orders(sort: UPDATED, ARGS) { PAGE } } }", true),
        list("/admin/orders", "{ admin { orders(sort: TOTAL_DESC, ARGS) { PAGE } } }", true),
        list("/admin/users", "{ admin { users(ARGS) { PAGE } } }", false),
        list("/admin/auditLog", "{ admin { auditLog(ARGS) { PAGE } } }", false),
        list("/admin/deadJobs", "{ admin { deadJobs(ARGS) { PAGE } } }", false),
        list("/admin/partners", "{ admin { partners(ARGS) { PAGE } } }", false),
        list("/seller/orders", "{ seller { orders(ARGS) { PAGE } } }", false),
        list("/partner/availableOrders", "{ partner { availableOrders(ARGS) { PAGE } } }", false),
        list(
            "/partner/availableOrders",
            "{ partner { availableOrders(near: { latitude: 12.97, longitude: 77.59 }, ARGS) { PAGE } } }",
            false,
        ),
        list(
            "/admin/partnerPerformance",
            "{ admin { partnerPerformance(from: \"2024-01-01T00:00:00Z\", to: \"2024-02-01T00:00:00Z\", ARGS) { PAGE } } }",
            false,
        ),
        list("/partner/claims", "{ partner { claims(ARGS) { PAGE } } }", false),
        list("/partner/deliveries", "{ partner { deliveries(ARGS) { PAGE } } }", false),
        list("/order/timeline", "query($order: ID!) { order(id: $order) { timeline(ARGS) { PAGE } } }", false),
        list(
            "/product/stock/movements",
            "query($product: ID!) { product(id: $product) { stock { movements(ARGS) { PAGE } } } }",
            false,
        ),
    ]
}

/// Asks for a page; the code of the refusal, or the page's first cursor.
async fn page(world: &World, list: &List, arguments: &str) -> Result<Option<String>, String> {
    let variables = json!({ "order": world.order_id, "product": world.shop.product_id });
    let document = list.with(arguments).replace("PAGE", PAGE);
    let answer = viewer_of(world, list.path).query(&document, variables).await;
    assert_clear(&answer, &document.chars().take(120).collect::<String>());
    if answer.errors().is_empty() {
        let rows = answer.body["data"].pointer(list.path).unwrap_or_else(|| panic!("{document}: {}", answer.body));
        Ok(rows["edges"][0]["cursor"].as_str().map(str::to_owned))
    } else {
        Err(answer.code().to_owned())
    }
}

async fn a_page_has_one_to_a_hundred_rows_from_one_end(shape: Shape) {
    let world = World::new(shape).await;
    for list in lists() {
        for size in ["0", "-1", "101", "2147483647", "-2147483648"] {
            assert_eq!(page(&world, &list, &format!("first: {size}")).await, Err("BAD_PAGE".to_owned()), "{}", list.path);
            if list.is_two_way {
                assert_eq!(page(&world, &list, &format!("last: {size}")).await, Err("BAD_PAGE".to_owned()), "{}", list.path);
            }
        }
        for size in ["2147483648", "1.5", "\"1\"", "true"] {
            page(&world, &list, &format!("first: {size}")).await.unwrap_err();
        }
        if list.is_two_way {
            assert_eq!(page(&world, &list, "first: 1, last: 1").await, Err("BAD_PAGE".to_owned()), "{}", list.path);
            page(&world, &list, "last: 100").await.unwrap();
        }
        page(&world, &list, "first: 100").await.unwrap();
    }
}

/// The cursor `real` with other contents: nothing in it is secret, so anybody can write one.
fn forged(real: &str) -> Vec<String> {
    let real: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(real).unwrap()).unwrap();
    // some ten thousand years before Christ: a time for us, and none for a database
    let long_ago = json!(-400_000_000_000_000_000_i64);
    let keys = [json!(i64::MIN), json!(i64::MAX), long_ago, json!("a\0b"), json!("%"), json!(1.5)];
    let others = [json!([]), json!({}), json!(true), Value::Null, json!(long())];
    let with = |name: &str, value: Value| {
        let mut cursor = real.clone();
        cursor[name] = value;
        URL_SAFE_NO_PAD.encode(cursor.to_string())
    };
    let keys = keys.into_iter().chain(others).map(|key| with("k", key));
    let ids = ["", "zzz", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"];
    keys.chain(ids.map(|id| with("i", json!(id)))).chain([with("l", json!("\0"))]).collect()
}

/// Work that was given up, for the list of that.
async fn give_up_a_job(world: &World) {
    let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let row = job::Model {
        id: Uuid::from_u128(1),
        kind: "payments.cancel".to_owned(),
        key: "given up".to_owned(),
        group_key: None,
        payload: json!({}),
        attempts: 22,
        ended_attempts: 22,
        run_at: at,
        last_error: Some("The provider does not answer.".to_owned()),
        created_at: at,
        died_at: Some(at),
    };
    let insert = job::Entity::insert(row.into_active_model());
    insert.exec_without_returning(world.app.app.db.writer()).await.unwrap();
}

async fn a_cursor_is_of_one_list(shape: Shape) {
    let world = World::new(shape).await;
    // one that is offered, for the list of those
    place_order(&world.customer, &world.shop.product_id, 1).await;
    give_up_a_job(&world).await;
    let mut cursors = Vec::new();
    for list in &lists() {
        let cursor = page(&world, list, "first: 1").await.unwrap();
        cursors.push(cursor.unwrap_or_else(|| panic!("{} has no rows", list.path)));
    }
    for (place, list) in lists().iter().enumerate() {
        let bad = Err("BAD_CURSOR".to_owned());
        let (own, foreign) = (&cursors[place], &cursors[(place + 1) % cursors.len()]);
        page(&world, list, &format!("first: 1, after: \"{own}\"")).await.unwrap();
        for wrong in ["", " ", "!!!", "eA", "e30", "bnVsbA", &own[..own.len() - 4], &own[1..], foreign] {
            assert_eq!(page(&world, list, &format!("after: \"{wrong}\"")).await, bad, "{}: {wrong}", list.path);
            if list.is_two_way {
                assert_eq!(page(&world, list, &format!("last: 1, before: \"{wrong}\"")).await, bad, "{}", list.path);
            }
        }
        for forged in forged(own) {
            // a page or a refusal, as long as it is a clear one
            let outcome = page(&world, list, &format!("after: \"{forged}\"")).await;
            assert!(outcome.is_ok() || outcome == bad, "{}: {outcome:?}", list.path);
        }
    }
}

async fn a_subscription_resumes_from_a_cursor_of_this_server_only(shape: Shape) {
    let world = World::new(shape).await;
    let updates = "subscription($id: ID!, $after: EventCursor) { orderUpdates(orderId: $id, after: $after) { __typename
        ... on StreamReset { cursor reason } } }";
    let first = async |mut socket: Socket, after: &Value| {
        socket.subscribe("1", updates, &json!({ "id": world.order_id, "after": after })).await;
        match socket.next().await {
            Frame::Message(message) => message["payload"].clone(),
            closed @ Frame::Closed(..) => panic!("{after}: {closed:?}"),
        }
    };
    for bad in ["", "!!!", "MS4", "MS4x eA", "Mi4x", "MS45OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "eyJsIjoiIn0"] {
        let payload = first(world.customer.socket().await, &json!(bad)).await;
        let error = payload.as_array().map_or(&payload["errors"][0], |errors| &errors[0]);
        let code = error["extensions"]["code"].as_str();
        assert!(matches!(code, Some("BAD_ARGUMENT" | "VALIDATION_FAILED")), "{bad}: {payload}");
    }
    for position in [i64::MIN, -1, i64::MAX] {
        let cursor = EventCursor { epoch: i32::MAX, stream: 7, position, doubt: None, is_partial: position < 0 };
        let payload = first(world.customer.socket().await, &json!(cursor.encode())).await;
        let item = &payload["data"]["orderUpdates"];
        assert_eq!(item["__typename"], "StreamReset", "{position}: {payload}");
    }
}
