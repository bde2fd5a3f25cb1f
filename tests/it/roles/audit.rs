//! What admins do is written down: who, what, to what, before, after, in which request.

use domain::id::{Kind, encode};
use domain::webhook::{WebhookDeliveryStatus, WebhookTopic};
use entity::webhook_delivery;
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};

use super::table::MUTATIONS;
use super::{Outcome, World};
use crate::support::actors::{PASSWORD, email};
use crate::support::crowd::uuid;
use crate::support::story::{ADJUST_STOCK, claim, key, ready_order, update_product};
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    whatever_only_some_may_do_an_admin_does_on_the_record,
    what_was_refused_is_not_on_the_record,
    the_record_is_read_by_actor_and_by_page,
    what_becomes_of_an_endpoint_is_on_the_record_but_no_secret,
}

const LOG: &str = "query($actor: ID, $first: Int, $after: String) { admin { auditLog(actorId: $actor, first: $first,
    after: $after) { nodes { id actor { id } action targetId before after requestId at } pageInfo { endCursor hasNextPage } } } }";

/// What an admin may say, and what changes nothing: what they have read is not marked.
const CHANGES_NOTHING: &[&str] = &["markMessagesRead"];

/// What is told of endpoints has a test of its own.
const OF_ENDPOINTS: &[&str] = &["updateWebhookEndpoint", "redeliverWebhook"];

/// The newest entries, at most a hundred.
async fn log(world: &World) -> Vec<Value> {
    let answer = world.admin.query(LOG, json!({ "first": 100 })).await;
    answer.data()["admin"]["auditLog"]["nodes"].as_array().unwrap().clone()
}

/// An input of `field` with which an admin does it, what the record then calls it, and what its target's id begins with.
async fn story(world: &World, field: &str) -> (Value, &'static str, &'static str) {
    let (product, customer) = (&world.shop.product_id, &world.customer);
    match field {
        "saveCategory" => (json!({ "slug": "fruit", "name": "Fruit" }), "category.save", "cat_"),
        "updateProduct" => (json!({ "productId": product, "price": "50", "active": false }), "product.update", "prd_"),
        "adjustStock" => {
            let input = json!({ "idempotencyKey": key(), "productId": product, "delta": 5, "reason": "RECEIVED" });
            (input, "stock.adjust", "prd_")
        }
        "createPromo" => (json!({ "code": key(), "percentOff": 10 }), "promo.create", ""),
        "cancelOrder" => {
            update_product(&world.shop.seller, product, json!({ "active": true })).await;
            let order = ready_order(&world.shop, customer).await;
            (json!({ "idempotencyKey": key(), "orderId": order, "reason": "No rider" }), "order.cancel", "ord_")
        }
        // from the partner who has it
        "updateOrderStatus" => {
            let input =
                json!({ "idempotencyKey": key(), "orderId": world.order_id, "status": "READY", "note": "A flat tyre" });
            (input, "order.step", "ord_")
        }
        "assignOrder" => {
            let order = ready_order(&world.shop, customer).await;
            let input = json!({ "idempotencyKey": key(), "orderId": order, "partnerId": world.partner.user_id });
            (input, "order.assign", "ord_")
        }
        "refundPayment" => {
            let input = json!({ "idempotencyKey": key(), "paymentId": world.payment_id, "amount": "1" });
            (input, "refund.create", "rfd_")
        }
        "createUser" => {
            let input = json!({ "email": email("made"), "password": PASSWORD, "name": "Made", "role": "ADMIN" });
            (input, "user.create", "usr_")
        }
        "createApiKey" => (json!({ "name": "A program", "scopes": ["ORDERS_READ"] }), "apiKey.create", "key_"),
        "revokeApiKey" => {
            let create =
                "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } userErrors { code } } }";
            let input = json!({ "name": "Another program", "scopes": ["ORDERS_READ"] });
            let created = world.admin.mutate(create, input).await;
            (json!({ "apiKeyId": created.ok("createApiKey")["apiKey"]["id"] }), "apiKey.revoke", "key_")
        }
        "updateUser" => (json!({ "userId": world.carrier.user_id, "capacity": 7 }), "user.update", "usr_"),
        "createWebhookEndpoint" => {
            (json!({ "url": "https://hooks.example/T0/hunter2", "topics": ["ORDER_CREATED"] }), "webhook.create", "whk_")
        }
        "sendMessage" => {
            update_product(&world.shop.seller, product, json!({ "active": true })).await;
            let order = ready_order(&world.shop, customer).await;
            claim(&world.app.partner().await, &order).await;
            (json!({ "idempotencyKey": key(), "orderId": order, "body": "Any news?" }), "chat.send", "ord_")
        }
        "retryJobs" => (json!({ "kind": "payments.refund" }), "jobs.retry", ""),
        "discardJobs" => (json!({ "kind": "notifications.sms" }), "jobs.discard", ""),
        other => panic!("{other} is for some only: say how an admin does it, and have it recorded (platform::audit)"),
    }
}

async fn whatever_only_some_may_do_an_admin_does_on_the_record(shape: Shape) {
    let world = World::new(shape).await;
    for row in MUTATIONS {
        let [anonymous, customer, partner, seller, admin] = row.outcomes;
        let is_for_all = [anonymous, customer, partner, seller].contains(&Outcome::Allowed)
            && [customer, partner, seller].iter().all(|outcome| *outcome == Outcome::Allowed);
        // hidden are those rows that are about something that is not there: here it is
        let is_admins = matches!(admin, Outcome::Allowed | Outcome::Hidden);
        let is_left_out = [CHANGES_NOTHING, OF_ENDPOINTS].concat().contains(&row.field);
        if !is_admins || is_for_all || is_left_out {
            continue;
        }
        let (input, action, target) = story(&world, row.field).await;
        let before = log(&world).await;
        world.admin.query(row.document, json!({ "input": input })).await.ok(row.field);
        let after = log(&world).await;
        assert_eq!(after.len(), before.len() + 1, "{} left {:?}", row.field, after.first());
        let entry = &after[0];
        assert_eq!((&entry["action"], &entry["actor"]["id"]), (&json!(action), &json!(world.admin.user_id)), "{entry}");
        assert_eq!(target.is_empty(), entry["targetId"].is_null(), "{entry}");
        assert!(entry["targetId"].as_str().unwrap_or_default().starts_with(target), "{entry}");
        assert!(entry["requestId"].as_str().is_some_and(|id| !id.is_empty()), "{entry}");
        let parsed: Value = serde_json::from_str(entry["after"].as_str().unwrap()).unwrap();
        assert!(parsed.is_object(), "{entry}");
        let text = entry.to_string();
        assert!(!text.contains("argon2") && !text.contains(PASSWORD) && !text.contains("@test.example"), "{text}");
        match action {
            "user.update" => {
                assert!(entry["before"].as_str().unwrap().contains("\"capacity\":2"), "{entry}");
                assert_eq!(parsed["capacity"], 7, "{entry}");
            }
            "product.update" => {
                assert!(entry["before"].as_str().unwrap().contains("\"priceMinor\":4000"), "{entry}");
                assert_eq!((&parsed["priceMinor"], &parsed["active"]), (&json!(5000), &json!(false)), "{entry}");
            }
            "order.step" => {
                assert!(entry["before"].as_str().unwrap().contains("ASSIGNED"), "{entry}");
                assert_eq!((&parsed["status"], &parsed["note"]), (&json!("READY"), &json!("A flat tyre")), "{entry}");
            }
            "order.cancel" => assert_eq!(parsed["note"], "No rider", "{entry}"),
            "order.assign" => {
                let before: Value = serde_json::from_str(entry["before"].as_str().unwrap()).unwrap();
                assert_eq!(before, json!({ "status": "READY", "partnerId": null, "claimId": null }), "{entry}");
                assert_eq!((&parsed["status"], &parsed["partnerId"]), (&json!("ASSIGNED"), &json!(world.partner.user_id)));
            }
            _ => {}
        }
    }
}

async fn what_was_refused_is_not_on_the_record(shape: Shape) {
    let world = World::new(shape).await;
    let before = log(&world).await;
    let short = json!({
        "idempotencyKey": key(), "productId": world.shop.product_id, "delta": -1_000, "reason": "DAMAGED",
    });
    assert_eq!(world.admin.mutate(ADJUST_STOCK, short).await.refusal("adjustStock"), "INSUFFICIENT_STOCK");
    let refused = [
        ("updateProduct", json!({ "productId": world.shop.product_id, "price": "0" })),
        ("updateOrderStatus", json!({ "idempotencyKey": key(), "orderId": world.order_id, "status": "PENDING" })),
        ("refundPayment", json!({ "idempotencyKey": key(), "paymentId": world.payment_id, "amount": "100000" })),
        ("createUser", json!({ "email": world.customer.email, "password": PASSWORD, "name": "Twice", "role": "CUSTOMER" })),
        ("updateUser", json!({ "userId": world.customer.user_id, "capacity": 7 })),
    ];
    for (field, input) in refused {
        let row = MUTATIONS.iter().find(|row| row.field == field).unwrap();
        let answer = world.admin.query(row.document, json!({ "input": input })).await;
        assert_eq!(answer.user_errors(field).len(), 1, "{field}");
    }
    // a seller in their own store has no rights over others
    update_product(&world.shop.seller, &world.shop.product_id, json!({ "price": "41" })).await;
    assert_eq!(log(&world).await, before);
}

async fn the_record_is_read_by_actor_and_by_page(shape: Shape) {
    let world = World::new(shape).await;
    let other = world.app.admin().await;
    let update = MUTATIONS.iter().find(|row| row.field == "updateUser").unwrap().document;
    for capacity in 1..=3 {
        let admin = if capacity == 2 { &other } else { &world.admin };
        admin.mutate(update, json!({ "userId": world.carrier.user_id, "capacity": capacity })).await.ok("updateUser");
    }
    let newest: Vec<String> = log(&world).await.iter().map(|entry| entry["after"].to_string()).take(3).collect();
    for (entry, capacity) in newest.iter().zip([3, 2, 1]) {
        assert!(entry.contains(&format!("capacity\\\":{capacity}")), "{entry}");
    }
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = world.admin.query(LOG, json!({ "actor": other.user_id, "first": 1, "after": after })).await;
        let page = &page.data()["admin"]["auditLog"];
        seen.extend(page["nodes"].as_array().unwrap().iter().cloned());
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0]["actor"]["id"], other.user_id);
}

async fn what_becomes_of_an_endpoint_is_on_the_record_but_no_secret(shape: Shape) {
    let world = World::new(shape).await;
    let create = "mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) {
        endpoint { id } secret userErrors { code } } }";
    let input = json!({ "url": "https://hooks.example/T0/hunter3?key=hunter2", "topics": ["ORDER_CREATED"] });
    let made = world.admin.mutate(create, input).await.ok("createWebhookEndpoint").clone();
    let id = made["endpoint"]["id"].as_str().unwrap();
    let update = "mutation($input: UpdateWebhookEndpointInput!) { updateWebhookEndpoint(input: $input) {
        endpoint { active } secret userErrors { code } } }";
    let input = json!({ "endpointId": id, "topics": ["ORDER_CREATED", "PAYMENT_FAILED"], "rotateSecret": true });
    let updated = world.admin.mutate(update, input).await.ok("updateWebhookEndpoint").clone();
    let (delivery, at) = (world.app.app.ids.uuid(), world.app.app.clock.now());
    let row = webhook_delivery::Model {
        id: delivery,
        endpoint_id: uuid(Kind::WebhookEndpoint, id),
        event_id: world.app.app.ids.uuid(),
        topic: WebhookTopic::OrderCreated.into(),
        status: WebhookDeliveryStatus::Failed.into(),
        body: "{}".to_owned(),
        attempts: 1,
        last_status_code: Some(500),
        last_error: None,
        next_attempt_at: None,
        sending_until: None,
        created_at: at,
        ended_at: Some(at),
    };
    webhook_delivery::Entity::insert(row.into_active_model()).exec(world.app.app.db.writer()).await.unwrap();
    let again = "mutation($input: RedeliverWebhookInput!) { redeliverWebhook(input: $input) {
        delivery { status } userErrors { code } } }";
    let input = json!({ "deliveryId": encode(Kind::WebhookDelivery, delivery) });
    world.admin.mutate(again, input).await.ok("redeliverWebhook");
    let entries = log(&world).await;
    let actions: Vec<&Value> = entries.iter().take(3).map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["webhook.redeliver", "webhook.update", "webhook.create"]);
    for entry in &entries[..3] {
        assert_eq!(entry["targetId"], id, "{entry}");
        let text = entry.to_string();
        for secret in [made["secret"].as_str().unwrap(), updated["secret"].as_str().unwrap(), "hunter2", "hunter3"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let after: Value = serde_json::from_str(entries[1]["after"].as_str().unwrap()).unwrap();
    assert_eq!(after["topics"], json!(["ORDER_CREATED", "PAYMENT_FAILED"]));
    assert_eq!((&after["rotatedSecret"], &after["changedUrl"]), (&json!(true), &json!(false)));
    assert_eq!(after["server"], "https://hooks.example");
}
