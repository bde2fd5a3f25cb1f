//! API keys: what programs may do with them, in whose name, and until when.

mod closed;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use domain::Named as _;
use domain::keys::{ApiScope, Scopes};
use entity::api_key;
use quick_commerce::graphql::build_schema;
use quick_commerce::graphql::scopes::{opening_field, opening_type};
use quick_commerce::stream::Engine;
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

use self::closed::{CLOSED, SHUT};
use crate::support::actors::{Actor, Api};
use crate::support::events::{Ask, Event};
use crate::support::http::Answer;
use crate::support::socket::{Frame, Socket};
use crate::support::story::{
    ADJUST_STOCK, ORDER_UPDATES, UPDATE_ORDER_STATUS, UPDATE_PRODUCT, UPDATE_USER, by_hand, key, place_order,
    seller_with_product, step,
};
use crate::support::ticks::Follower;
use crate::support::wait::until;
use crate::support::{Shape, TestApp, TestCluster, over_both_shapes};

over_both_shapes! {
    a_key_may_do_what_its_scopes_allow_and_nothing_else,
    a_key_of_a_store_is_that_store_and_no_other,
    nothing_is_found_by_its_id_that_the_scopes_do_not_allow,
    a_key_that_breaks_a_rule_is_not_made,
    a_key_works_until_it_expires,
    a_key_ends_with_the_rights_of_its_user,
    a_key_that_is_revoked_while_it_is_used_is_refused_from_then_on,
    what_a_key_does_is_its_own,
    the_last_use_is_told_to_the_minute,
    a_key_that_is_none_is_an_invalid_token,
    a_key_follows_what_it_may,
    answers_are_shared_by_those_of_equal_scopes_only,
}

const CREATE: &str = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret
    apiKey { id name prefix scopes seller { id } createdAt lastUsedAt expiresAt revokedAt } userErrors { code field } } }";

const REVOKE: &str = "mutation($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) {
    apiKey { id revokedAt } userErrors { code field } } }";

const KEYS: &str = "{ admin { apiKeys(first: 50) { nodes { id lastUsedAt revokedAt } } } }";

/// Who asks with a key, and its id.
pub(crate) async fn make(admin: &Actor, scopes: &[ApiScope], more: Value) -> (Actor, String) {
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
    let mut input = json!({ "name": "A program", "scopes": names });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = admin.mutate(CREATE, input).await;
    let made = answer.ok("createApiKey");
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with(&format!("{}_", made["apiKey"]["prefix"].as_str().unwrap())), "{made}");
    assert_eq!(made["apiKey"]["scopes"], json!(names));
    (admin.with_token(secret), made["apiKey"]["id"].as_str().unwrap().to_owned())
}

async fn revoke(admin: &Actor, id: &str) {
    assert!(!admin.mutate(REVOKE, json!({ "apiKeyId": id })).await.ok("revokeApiKey")["apiKey"]["revokedAt"].is_null());
}

fn is_refused(answer: &Answer) -> bool {
    let error = answer.body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
    assert_ne!(error, "INTERNAL", "{}", answer.body);
    error == "FORBIDDEN"
}

/// What is asked, and one of which scopes it takes.
fn questions(order: &str, product: &str) -> Vec<(String, Vec<ApiScope>)> {
    use ApiScope::{
        AnalyticsRead, ClaimsRead, ClaimsWrite, OrdersRead, OrdersWrite, ProductsRead, ProductsWrite, WebhooksManage,
    };
    let nothing =
        |mutation: &str, input: &str| format!("mutation {{ {mutation}(input: {{ {input} }}) {{ userErrors {{ code }} }} }}");
    let period = "from: \"2024-01-01T00:00:00Z\", to: \"2024-01-02T00:00:00Z\"";
    let mut all = vec![
        ("{ version viewer { rateLimit { limit } } __schema { queryType { name } } }".to_owned(), ApiScope::ALL.to_vec()),
        ("{ products { nodes { id stock { onHand } } } categories { id } }".to_owned(), vec![ProductsRead]),
        (format!("{{ product(id: \"{product}\") {{ id }} }}"), vec![ProductsRead]),
        (format!("{{ order(id: \"{order}\") {{ id }} }}"), vec![OrdersRead]),
        ("{ admin { orders { nodes { id customer { name } payments { id } } } } }".to_owned(), vec![OrdersRead]),
        ("{ admin { partners { nodes { id } } } }".to_owned(), vec![ClaimsRead]),
        ("{ admin { partners { nodes { name partner { vehicle } } } } }".to_owned(), vec![ClaimsRead]),
        ("{ admin { orders { nodes { customer { email phone } } } } }".to_owned(), vec![OrdersRead]),
        ("{ admin { webhookEndpoints { nodes { id } } } }".to_owned(), vec![WebhooksManage]),
        ("{ admin { liveStats { at } } }".to_owned(), vec![AnalyticsRead]),
        (format!("{{ admin {{ sales({period}, interval: DAY) {{ orders }} }} }}"), vec![AnalyticsRead]),
        (format!("{{ admin {{ partnerPerformance({period}) {{ nodes {{ deliveries }} }} }} }}"), vec![AnalyticsRead]),
        (nothing("saveCategory", "slug: \"x\", name: \"\""), vec![ProductsWrite]),
        (
            nothing("adjustStock", &format!("idempotencyKey: \"\", productId: \"{product}\", delta: 1, reason: ADJUSTED")),
            vec![ProductsWrite],
        ),
        (nothing("cancelOrder", &format!("idempotencyKey: \"\", orderId: \"{order}\"")), vec![OrdersWrite]),
        (
            nothing("updateOrderStatus", &format!("idempotencyKey: \"\", orderId: \"{order}\", status: READY")),
            vec![OrdersWrite],
        ),
        (
            nothing(
                "assignOrder",
                &format!("idempotencyKey: \"\", orderId: \"{order}\", partnerId: \"usr_01h455vb4pex5vsknk084sn02q\""),
            ),
            vec![ClaimsWrite],
        ),
        (nothing("createWebhookEndpoint", "url: \"\", topics: []"), vec![WebhooksManage]),
    ];
    // for no key, or by a way round
    for document in [
        // of what it may not read, a key has nobody told
        "mutation { createWebhookEndpoint(input: { url: \"https://x.example\", topics: [ORDER_CREATED] }) { secret } }",
        "mutation { createWebhookEndpoint(input: { url: \"https://x.example\", topics: [INVENTORY_UPDATED] }) { secret } }",
        "{ viewer { user { email } } }",
        "{ admin { apiKeys { nodes { id } } } }",
        "query Q { admin { ...F } } fragment F on AdminDesk { ... { ... on AdminDesk { keys: apiKeys { nodes { id } } } } }",
        "query Q { ...F } fragment F on Query { a: admin { ...G } } fragment G on AdminDesk { users { nodes { id } } }",
        "{ admin { orders { nodes { customer { addresses { line1 } } } } } }",
        // whose deliveries one counts, one need not reach: that takes a scope of orders, too
        "{ admin { partners { nodes { email } } } }",
        "{ admin { partners { nodes { ...F } } } } fragment F on User { ... { number: phone } }",
        "{ admin { partners { nodes { partner { location { recordedAt } } } } } }",
        "{ admin { orders { nodes { messages { nodes { body } } } } } }",
        "mutation { createApiKey(input: { name: \"x\", scopes: [ORDERS_READ] }) { secret } }",
        "mutation { createUser(input: { email: \"a\", password: \"b\", name: \"c\", role: ADMIN }) { user { id } } }",
    ] {
        all.push((document.to_owned(), Vec::new()));
    }
    all
}

async fn a_key_may_do_what_its_scopes_allow_and_nothing_else(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.admin());
    let order = place_order(&customer, &shop.product_id, 1).await;
    for scope in ApiScope::ALL {
        let (program, _) = make(&admin, &[*scope], json!({})).await;
        for (document, scopes) in questions(&order, &shop.product_id) {
            let answer = program.query(&document, json!({})).await;
            assert_eq!(is_refused(&answer), !scopes.contains(scope), "{scope}: {document}: {}", answer.body);
            if is_refused(&answer) {
                assert!(answer.body["data"].is_null(), "nothing of it was executed: {}", answer.body);
            }
        }
    }
    // what one leads to that takes two
    let across = "{ admin { orders { nodes { id claim { id } } } } }";
    let (both, _) = make(&admin, &[ApiScope::OrdersRead, ApiScope::ClaimsRead], json!({})).await;
    let (one, _) = make(&admin, &[ApiScope::OrdersRead], json!({})).await;
    assert!(!is_refused(&both.query(across, json!({})).await) && is_refused(&one.query(across, json!({})).await));
    let contacts = "{ admin { partners { nodes { email phone } } } }";
    assert_eq!(both.query(contacts, json!({})).await.data()["admin"]["partners"]["nodes"], json!([]));
    let period = "from: \"2024-01-01T00:00:00Z\", to: \"2024-01-02T00:00:00Z\"";
    let performers =
        format!("{{ admin {{ partnerPerformance({period}) {{ nodes {{ partner {{ name email phone }} }} }} }} }}");
    let (figures, _) = make(&admin, &[ApiScope::AnalyticsRead], json!({})).await;
    assert!(is_refused(&figures.query(&performers, json!({})).await));
    assert!(!is_refused(&figures.query(&performers.replace("email phone", ""), json!({})).await));
    let movements = "{ products { nodes { stock { movements { nodes { delta order { id } } } } } } }";
    let (products, _) = make(&admin, &[ApiScope::ProductsRead], json!({})).await;
    assert!(is_refused(&products.query(movements, json!({})).await));
    assert!(!is_refused(&products.query(&movements.replace("order { id }", ""), json!({})).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_each_root_field_desk_field_and_type_it_is_said_whether_keys_may_use_it() {
    let app = TestApp::start(Shape::Embedded).await;
    let document = "{ __schema { types { kind name fields { name } } } }";
    let answer = app.anonymous().query(document, json!({})).await;
    let types = answer.data()["__schema"]["types"].as_array().unwrap();
    let (mut closed, mut seen) = (BTreeSet::new(), 0);
    for of in types {
        let name = of["name"].as_str().unwrap();
        let is_composite = matches!(of["kind"].as_str().unwrap(), "OBJECT" | "INTERFACE" | "UNION");
        if is_composite && !name.starts_with("__") && opening_type(name) == Scopes::NONE {
            closed.insert(name);
        }
        let Some((_, expected)) = SHUT.iter().find(|(of, _)| *of == name) else { continue };
        let fields = of["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap());
        let shut: BTreeSet<&str> = fields.filter(|field| opening_field(name, field) == Scopes::NONE).collect();
        assert_eq!(shut, expected.iter().copied().collect(), "{name}");
        seen += 1;
    }
    assert_eq!(closed, CLOSED.iter().copied().collect());
    assert_eq!(seen, SHUT.len());
}

async fn a_key_of_a_store_is_that_store_and_no_other(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (own, other) = tokio::join!(seller_with_product(&app, 10, "40.00"), seller_with_product(&app, 10, "40.00"));
    let (customer, admin) = tokio::join!(app.customer(), app.admin());
    for shop in [&own, &other] {
        by_hand(&app, &shop.seller).await;
    }
    let own_order = place_order(&customer, &own.product_id, 1).await;
    let others_order = place_order(&customer, &other.product_id, 1).await;
    let store = own.seller.query("{ seller { seller { id } } }", json!({})).await.data()["seller"]["seller"]["id"].clone();
    let (program, _) = make(&admin, ApiScope::ALL, json!({ "sellerId": store })).await;
    let find = |id: &str| format!("{{ node(id: \"{id}\") {{ id }} order(id: \"{id}\") {{ id }} }}");
    assert_eq!(program.query(&find(&own_order), json!({})).await.data()["order"]["id"], own_order.as_str());
    assert_eq!(*program.query(&find(&others_order), json!({})).await.data(), json!({ "node": null, "order": null }));
    let orders = program.query("{ seller { orders { nodes { id } } } }", json!({})).await;
    assert_eq!(orders.data()["seller"]["orders"]["nodes"], json!([{ "id": own_order }]));

    for (product, order, is_own) in [(&other.product_id, &others_order, false), (&own.product_id, &own_order, true)] {
        let outcomes = [
            program.mutate(UPDATE_PRODUCT, json!({ "productId": product, "name": "Renamed" })).await,
            program
                .mutate(
                    ADJUST_STOCK,
                    json!({ "idempotencyKey": key(), "productId": product, "delta": 1, "reason": "ADJUSTED" }),
                )
                .await,
            program
                .mutate(UPDATE_ORDER_STATUS, json!({ "idempotencyKey": key(), "orderId": order, "status": "PREPARING" }))
                .await,
        ];
        for (answer, field) in outcomes.iter().zip(["updateProduct", "adjustStock", "updateOrderStatus"]) {
            if is_own {
                answer.ok(field);
            } else {
                assert_eq!(answer.refusal(field), "NOT_FOUND", "{field}");
            }
        }
    }
    // what admins may, it may not, whatever its scopes say
    for document in [
        "{ admin { orders { nodes { id } } } }",
        "mutation { saveCategory(input: { slug: \"x\", name: \"X\" }) { category { id } } }",
        "mutation { createWebhookEndpoint(input: { url: \"https://x.example\", topics: [ORDER_CREATED] }) { secret } }",
    ] {
        assert!(is_refused(&program.query(document, json!({})).await), "{document}");
    }
    let mut socket = program.socket().await;
    socket.subscribe("1", ORDER_UPDATES, &json!({ "orderId": others_order })).await;
    let Frame::Message(refused) = socket.next().await else { panic!() };
    assert_eq!(refused["payload"][0]["extensions"]["code"], "NOT_FOUND", "{refused}");
}

async fn nothing_is_found_by_its_id_that_the_scopes_do_not_allow(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.admin());
    let order = place_order(&customer, &shop.product_id, 1).await;
    let lines = admin
        .query("query($id: ID!) { order(id: $id) { items { id } timeline { nodes { id } } } }", json!({ "id": order }))
        .await;
    let (item, event) = (&lines.data()["order"]["items"][0]["id"], &lines.data()["order"]["timeline"]["nodes"][0]["id"]);
    let (_, some_key) = make(&admin, &[ApiScope::ProductsRead], json!({})).await;
    let audit = admin.query("{ admin { auditLog(first: 1) { nodes { id } } } }", json!({})).await;
    let entry = &audit.data()["admin"]["auditLog"]["nodes"][0]["id"];
    let ids = [
        (order.as_str(), Some(ApiScope::OrdersRead)),
        (item.as_str().unwrap(), Some(ApiScope::OrdersRead)),
        (event.as_str().unwrap(), Some(ApiScope::OrdersRead)),
        (&shop.product_id, Some(ApiScope::ProductsRead)),
        (&shop.category_id, Some(ApiScope::ProductsRead)),
        (&customer.user_id, None),
        (&admin.user_id, None),
        (&some_key, None),
        (entry.as_str().unwrap(), None),
    ];
    let node = "query($id: ID!) { node(id: $id) { __typename id } nodes(ids: [$id]) { __typename } }";
    for scope in ApiScope::ALL {
        let (program, _) = make(&admin, &[*scope], json!({})).await;
        for (id, opens) in ids {
            let answer = program.query(node, json!({ "id": id })).await;
            assert_eq!(!answer.data()["node"].is_null(), opens == Some(*scope), "{scope} {id}: {}", answer.body);
            assert_eq!(!answer.data()["nodes"][0].is_null(), opens == Some(*scope), "{scope} {id}");
        }
    }
    for (id, _) in ids {
        assert_eq!(admin.query(node, json!({ "id": id })).await.data()["node"]["id"], id, "who is signed in sees it");
    }
}

async fn a_key_that_breaks_a_rule_is_not_made(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let now = app.app.clock.now();
    for (change, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(81) }), "name"),
        (json!({ "scopes": [] }), "scopes"),
        (json!({ "scopes": ["ORDERS_READ", "ORDERS_READ"] }), "scopes"),
        (json!({ "expiresAt": now - TimeDelta::seconds(1) }), "expiresAt"),
        (json!({ "expiresAt": now + TimeDelta::days(4_000) }), "expiresAt"),
        (json!({ "sellerId": "sel_01h455vb4pex5vsknk084sn02q" }), "sellerId"),
    ] {
        let mut input = json!({ "name": "A program", "scopes": ["ORDERS_READ"] });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = admin.mutate(CREATE, input).await;
        let made = &answer.data()["createApiKey"];
        assert_eq!(made["userErrors"][0]["field"], json!([field]), "{change}: {made}");
        assert!(made["apiKey"].is_null() && made["secret"].is_null(), "{made}");
    }
    assert_eq!(admin.query(KEYS, json!({})).await.data()["admin"]["apiKeys"]["nodes"], json!([]));
}

async fn assert_closed(mut socket: Socket) {
    let closed = socket.next().await;
    assert!(matches!(closed, Frame::Closed(4403, _)), "4403 was expected, not {closed:?}");
}

async fn a_key_works_until_it_expires(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let expires_at = app.app.clock.now() + TimeDelta::minutes(5);
    let (program, _) = make(&admin, &[ApiScope::OrdersRead], json!({ "expiresAt": expires_at })).await;
    let (lasting, _) = make(&admin, &[ApiScope::OrdersRead], json!({})).await;
    let socket = program.socket().await;
    assert_eq!(program.query("{ version }", json!({})).await.errors(), [] as [Value; 0]);
    app.clock.advance(Duration::from_secs(301));
    assert_closed(socket).await;
    assert_eq!(program.query("{ version }", json!({})).await.code(), "INVALID_TOKEN");
    assert_eq!(lasting.query("{ version }", json!({})).await.errors(), [] as [Value; 0]);
}

async fn a_key_ends_with_the_rights_of_its_user(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (admin, maker, other, shop) =
        tokio::join!(app.admin(), app.admin(), app.admin(), seller_with_product(&app, 1, "10.00"));
    let store = shop.seller.query("{ seller { seller { id } } }", json!({})).await.data()["seller"]["seller"]["id"].clone();
    let scopes = &[ApiScope::OrdersRead];
    let (of_maker, _) = make(&maker, scopes, json!({})).await;
    let (of_other, _) = make(&other, scopes, json!({})).await;
    let (of_store, _) = make(&maker, scopes, json!({ "sellerId": store })).await;
    for (whose, program, change) in [
        (&maker, &of_maker, json!({ "active": false })),
        (&other, &of_other, json!({ "role": "CUSTOMER" })),
        (&shop.seller, &of_store, json!({ "active": false })),
    ] {
        // also of somebody who is not signed in any more
        whose.query("mutation { logout(input: { everywhere: true }) { sessionsEnded } }", json!({})).await;
        let mut socket = program.socket().await;
        socket.subscribe("1", "{ version }", &json!({})).await;
        assert!(matches!(socket.next().await, Frame::Message(_)) && matches!(socket.next().await, Frame::Message(_)));
        let mut input = json!({ "userId": whose.user_id });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        admin.mutate(UPDATE_USER, input).await.ok("updateUser");
        assert_closed(socket).await;
        assert_eq!(program.query("{ version }", json!({})).await.code(), "INVALID_TOKEN");
    }
}

/// The key is revoked `here`; what it has open `there` ends, and what others have does not.
async fn revocation_closes(here: &Api, there: &Api) {
    let admin = here.admin().await;
    let (program, id) = make(&admin, &[ApiScope::OrdersRead], json!({})).await;
    let (other, _) = make(&admin, &[ApiScope::OrdersRead], json!({})).await;
    let follow = "subscription { adminUpdates { ... on AdminSnapshot { cursor } } }";
    let sockets = [program.at(here).socket().await, program.at(there).socket().await];
    let mut stream = Ask::new(there.addr, program.token.as_deref(), follow, json!({})).open().await;
    stream.item().await;
    let mut kept = [other.at(there).socket().await, admin.at(there).socket().await];
    revoke(&admin, &id).await;
    for socket in sockets {
        assert_closed(socket).await;
    }
    assert_eq!(stream.next().await, Event::Gone);
    for socket in &mut kept {
        socket.subscribe("1", "{ version }", &json!({})).await;
        assert!(matches!(socket.next().await, Frame::Message(_)));
    }
    revoke(&admin, &id).await;
    assert_eq!(program.query("{ version }", json!({})).await.code(), "INVALID_TOKEN");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_revoked_at_one_instance_is_closed_at_the_other() {
    let cluster = TestCluster::start(2).await;
    Box::pin(revocation_closes(&cluster[0], &cluster[1])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_revoked_is_closed() {
    let app = TestApp::start(Shape::Embedded).await;
    Box::pin(revocation_closes(&app, &app)).await;
}

async fn a_key_that_is_revoked_while_it_is_used_is_refused_from_then_on(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let (program, id) = make(&admin, &[ApiScope::OrdersRead], json!({})).await;
    let asking = (0..8).map(|_| async {
        // each goes on until it is refused: what was answered before was asked before
        loop {
            let answer = program.query("{ version }", json!({})).await;
            if !answer.errors().is_empty() {
                return answer.code().to_owned();
            }
        }
    });
    let opening = (0..4).map(|_| async {
        // opened before, it is closed; opened after, it is not let in
        let mut socket = program.socket_unacknowledged().await;
        loop {
            if let Frame::Closed(code, _) = socket.next().await {
                return code;
            }
        }
    });
    let (codes, closed, ()) =
        tokio::join!(futures_util::future::join_all(asking), futures_util::future::join_all(opening), revoke(&admin, &id));
    assert!(codes.iter().all(|code| code == "INVALID_TOKEN"), "{codes:?}");
    assert!(closed.iter().all(|code| *code == 4403), "{closed:?}");
}

async fn what_a_key_does_is_its_own(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, admin) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.admin());
    let (program, id) = make(&admin, &[ApiScope::ProductsWrite], json!({})).await;
    let (second, _) = make(&admin, &[ApiScope::ProductsWrite], json!({})).await;
    // one idempotency key, three who use it, and each of them twice
    let input = json!({ "idempotencyKey": key(), "productId": shop.product_id, "delta": 1, "reason": "RECEIVED" });
    let mut left = Vec::new();
    for who in [&admin, &program, &second, &admin, &program, &second] {
        let answer = who.mutate(ADJUST_STOCK, input.clone()).await;
        left.push(answer.ok("adjustStock")["product"]["stock"]["onHand"].as_i64().unwrap());
    }
    assert_eq!(left[2], left[0] + 2);
    assert_eq!(left[3..].iter().max(), Some(&left[2]), "none of them did it again");
    let log = "{ admin { auditLog(first: 3) { nodes { action actor { id } apiKey { id } } } } }";
    let entries = admin.query(log, json!({})).await.data()["admin"]["auditLog"]["nodes"].clone();
    assert_eq!(entries[1], json!({ "action": "stock.adjust", "actor": { "id": admin.user_id }, "apiKey": { "id": id } }));
    assert!(entries[2]["apiKey"].is_null(), "{entries}");
}

async fn the_last_use_is_told_to_the_minute(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let (program, _) = make(&admin, &[ApiScope::OrdersRead], json!({})).await;
    let used = async || admin.query(KEYS, json!({})).await.data()["admin"]["apiKeys"]["nodes"][0]["lastUsedAt"].clone();
    assert!(used().await.is_null());
    program.query("{ version }", json!({})).await;
    let first = used().await;
    assert!(!first.is_null());
    app.clock.advance(Duration::from_secs(20));
    program.query("{ version }", json!({})).await;
    assert_eq!(used().await, first, "it is not written for every request");
    app.clock.advance(Duration::from_secs(61));
    program.query("{ version }", json!({})).await;
    assert_ne!(used().await, first);
}

async fn a_key_that_is_none_is_an_invalid_token(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let (program, _) = make(&admin, &[ApiScope::OrdersRead], json!({})).await;
    let secret = program.token.clone().unwrap();
    let row = api_key::Entity::find().one(app.app.db.reader()).await.unwrap().unwrap();
    let stored = serde_json::to_string(&(&row.name, &row.prefix, &row.secret_hash, &row.scopes.0)).unwrap();
    assert!(!stored.contains(&secret) && !stored.contains(&secret[13..]), "only the hash is kept");
    for wrong in [
        "qck_".to_owned(),
        format!("{secret}0"),
        secret[..secret.len() - 1].to_owned(),
        secret.to_uppercase(),
        row.prefix.clone(),
        row.secret_hash.clone(),
        format!("qck_{}", row.secret_hash),
    ] {
        assert_eq!(admin.with_token(&wrong).query("{ version }", json!({})).await.code(), "INVALID_TOKEN", "{wrong}");
    }
    assert_eq!(program.query("{ version }", json!({})).await.errors(), [] as [Value; 0]);
}

async fn a_key_follows_what_it_may(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.admin());
    by_hand(&app, &shop.seller).await;
    let order = place_order(&customer, &shop.product_id, 1).await;
    let (program, _) = make(&admin, &[ApiScope::OrdersRead], json!({})).await;
    let mut updates = program.subscribe(ORDER_UPDATES, json!({ "orderId": order })).await;
    assert_eq!(updates.next().await["__typename"], "OrderSnapshot");
    step(&shop.seller, &order, "PREPARING").await;
    assert_eq!(updates.until(|item| item["__typename"] == "OrderChanged").await["order"]["status"], "PREPARING");
    for refused in [
        "subscription { liveStats { at } }",
        "subscription { notifications { __typename } }",
        "subscription { productUpdates(productIds: []) { id } }",
        "subscription { adminUpdates { ... on AdminSnapshot { stats { at } } } }",
    ] {
        let (items, end) = program.subscribe(refused, json!({})).await.end().await;
        assert!(items.is_empty() && end.code() == "FORBIDDEN", "{refused}: {items:?} {end:?}");
    }
}

async fn answers_are_shared_by_those_of_equal_scopes_only(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.admin());
    let orders = &[ApiScope::OrdersRead];
    let (one, _) = make(&admin, orders, json!({})).await;
    let (same, _) = make(&admin, orders, json!({})).await;
    let (more, _) = make(&admin, &[ApiScope::OrdersRead, ApiScope::AnalyticsRead], json!({})).await;
    let engine = Engine::new(app.app.clone(), build_schema(&app.app));
    let document = "subscription { adminUpdates { __typename ... on OrderChanged { order { id status } } } }";
    let mut followers = Vec::new();
    for whose in [&admin, &one, &same, &more] {
        let mut follower = Follower::start(&engine, Some(whose.principal().await), document, &json!({}));
        follower.item().await;
        followers.push(follower);
    }
    until(|| async { engine.counts().subscriptions == 4 }).await;
    assert_eq!(engine.counts().groups, 3, "the admin's, that of two keys, and that of the other");
    let order = place_order(&customer, &shop.product_id, 1).await;
    for follower in &mut followers {
        assert_eq!(follower.item().await["order"]["id"], order.as_str());
    }
}
