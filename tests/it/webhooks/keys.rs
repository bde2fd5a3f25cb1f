//! What programs with an API key may have sent to them: what they may read themselves.

use domain::Named as _;
use domain::keys::ApiScope::{self, OrdersRead, ProductsRead, WebhooksManage};
use domain::webhook::WebhookTopic;

use super::*;
use crate::api_keys::make;
use crate::support::http::Answer;
use crate::support::over_both_shapes;
use crate::support::story::{place_order, seller_with_product};

over_both_shapes! {
    a_key_has_others_told_of_what_it_may_read_itself,
    a_key_leads_nothing_elsewhere_that_it_may_not_read,
}

fn code(answer: &Answer) -> String {
    answer.body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
}

async fn a_key_has_others_told_of_what_it_may_read_itself(shape: Shape) {
    let app = start(shape).await;
    let (admin, receiver) = tokio::join!(app.admin(), Receiver::start(Says::Status(200)));
    let keys: [&[ApiScope]; 4] = [
        &[WebhooksManage],
        &[OrdersRead, WebhooksManage],
        &[ProductsRead, WebhooksManage],
        &[ProductsRead, OrdersRead, WebhooksManage],
    ];
    for scopes in keys {
        let (program, _) = make(&admin, scopes, json!({})).await;
        for topic in WebhookTopic::ALL {
            let opens = if topic.name().starts_with("INVENTORY") { ProductsRead } else { OrdersRead };
            let made = program.mutate(CREATE, json!({ "url": receiver.url(), "topics": [topic.name()] })).await;
            if scopes.contains(&opens) {
                made.ok("createWebhookEndpoint");
            } else {
                assert_eq!(code(&made), "FORBIDDEN", "{scopes:?} {topic}: {}", made.body);
            }
        }
        // of several, each
        let both = json!({ "url": receiver.url(), "topics": ["INVENTORY_LOW_STOCK", "PAYMENT_SUCCESS"] });
        let made = program.mutate(CREATE, both).await;
        assert_eq!(code(&made) == "FORBIDDEN", scopes.len() < 3, "{scopes:?}");
    }
}

async fn a_key_leads_nothing_elsewhere_that_it_may_not_read(shape: Shape) {
    let app = start(shape).await;
    let (receiver, elsewhere) = tokio::join!(Receiver::start(Says::Status(500)), Receiver::start(Says::Status(200)));
    let (admin, shop, customer) = tokio::join!(app.admin(), seller_with_product(&app, 10, "40.00"), app.customer());
    let (program, _) = make(&admin, &[ProductsRead, WebhooksManage], json!({})).await;
    let (reader, _) = make(&admin, &[ProductsRead, OrdersRead, WebhooksManage], json!({})).await;
    let id = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await.id;
    // that an order waits for this one is nothing to the other
    let busy = Receiver::start(Says::Later(503, "36000")).await;
    endpoint(&admin, &busy, &["ORDER_CREATED"]).await;
    place_order(&customer, &shop.product_id, 1).await;
    let waiting = until_delivery(&app, &admin, &id, "PENDING", 1).await;
    let update = async |who: &Actor, change: Value| {
        let mut input = json!({ "endpointId": id });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        code(&who.mutate(UPDATE, input).await)
    };
    // neither what it is told of, nor what it was to be told of, to another address or with another secret
    for change in [
        json!({ "url": elsewhere.url() }),
        json!({ "url": elsewhere.url(), "topics": ["INVENTORY_LOW_STOCK"] }),
        json!({ "topics": ["INVENTORY_LOW_STOCK"] }),
        json!({ "rotateSecret": true }),
        json!({ "active": true }),
        // to pause it is no way round
        json!({ "active": false, "url": elsewhere.url() }),
        json!({ "active": false, "topics": ["INVENTORY_LOW_STOCK"] }),
        json!({ "active": false, "rotateSecret": true }),
    ] {
        assert_eq!(update(&program, change.clone()).await, "FORBIDDEN", "{change}");
    }
    let redeliver = async |who: &Actor| code(&who.mutate(REDELIVER, json!({ "deliveryId": waiting["id"] })).await);
    assert_eq!(redeliver(&program).await, "FORBIDDEN");
    assert_eq!(update(&admin, json!({ "topics": ["INVENTORY_LOW_STOCK"] })).await, "");
    assert_eq!(update(&program, json!({ "url": elsewhere.url() })).await, "FORBIDDEN", "an order waits to be sent there");
    assert_eq!(redeliver(&program).await, "FORBIDDEN");
    // to stop it takes no more than the scope for endpoints
    let (manager, _) = make(&admin, &[WebhooksManage], json!({})).await;
    assert_eq!(update(&manager, json!({ "active": false, "rotateSecret": false })).await, "");
    until(async || deliveries(&admin, &id).await[0]["status"] == "FAILED").await;
    assert_eq!(update(&manager, json!({ "active": true })).await, "FORBIDDEN");
    assert_eq!(update(&program, json!({ "url": elsewhere.url(), "active": true })).await, "");
    // what was an order is none of its business, whatever the endpoint is told of now
    assert_eq!(redeliver(&program).await, "FORBIDDEN");
    assert!(elsewhere.received().is_empty());
    assert_eq!(redeliver(&reader).await, "");
    until_delivery(&app, &admin, &id, "DELIVERED", 1).await;
    assert_eq!(elsewhere.received().len(), 1);
}
