//! No answer costs a statement for each row: the deepest useful queries take about as many for two orders as for twenty.

use std::time::Duration;

use quick_commerce::app::App;
use quick_commerce::graphql::context::{RequestId, Viewer};
use quick_commerce::graphql::{authenticate, build_schema_gathering};
use serde_json::{Value, json};

use crate::chat::say;
use crate::ratings::rate;
use crate::support::actors::Actor;
use crate::support::money::{place_card_order, start};
use crate::support::story::{claim, deliver, place_order, seller_with_product};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    an_answer_takes_as_many_statements_for_many_orders_as_for_few,
}

/// Long, so that what belongs to one batch is in it, however busy the machine is.
const GATHER: Duration = Duration::from_millis(100);

const ORDERS: &str = "query Orders($first: Int!) { admin { orders(first: $first) { totalCount { value } nodes {
    number total { amount } deliveryAddress { line1 } viewerActions estimatedDeliveryAt rating { score }
    payments { status amount { amount } refunds { amount { amount } status } }
    customer { name email addresses { line1 } } seller { storeName rating }
    partner { name partner { activeDeliveries rating } }
    claim { status serverTime partner { name } order { number } }
    messages(last: 5) { nodes { body sender { name } senderRole order { number } } }
    timeline(first: 5) { nodes { type cursor actor { name } } }
    items { quantity product { name rating available category { name productCount { value } } seller { storeName }
        stock { onHand movements(first: 2) { nodes { delta actor { name } order { number } } } } } } } } } }";

const PRODUCTS: &str = "query Products($first: Int!) { products(first: $first) { totalCount { value } nodes {
    name available inStock category { name productCount { value } } seller { storeName } } } }";

const NODES: &str = "query Nodes($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }";

/// The statements of one answer, asked on one thread: what is asked for at the same time is loaded at the same time.
async fn statements(app: &App, token: &str, document: &str, first: i32) -> u64 {
    statements_of(app, token, document, json!({ "first": first })).await
}

async fn statements_of(app: &App, token: &str, document: &str, variables: Value) -> u64 {
    let viewer = authenticate(app, token).await.unwrap_or_else(|_| panic!("the token is good"));
    let request = async_graphql::Request::new(document)
        .variables(async_graphql::Variables::from_json(variables))
        .data(Viewer(Some(viewer)))
        .data(RequestId("statements".to_owned()));
    let before = app.db.statements();
    let answer = build_schema_gathering(app, GATHER).execute(request).await;
    assert_eq!(answer.errors, Vec::new(), "{document}");
    app.db.statements() - before
}

/// Ids of twenty of each: orders, their lines, entries of their timelines and payments.
async fn ids_of_everything(admin: &Actor) -> Vec<Vec<String>> {
    let document = "{ admin { orders(first: 40) { nodes { id items { id } timeline(first: 1) { nodes { id } }
        payments { id } customer { id } } } } }";
    let answer = admin.query(document, json!({})).await;
    let orders = answer.data()["admin"]["orders"]["nodes"].as_array().unwrap().clone();
    let all = |pointer: &str| -> Vec<String> {
        let found = orders.iter().filter_map(|order| order.pointer(pointer)?.as_str().map(str::to_owned));
        found.take(20).collect()
    };
    ["/id", "/items/0/id", "/timeline/nodes/0/id", "/payments/0/id", "/customer/id"].map(all).to_vec()
}

async fn an_answer_takes_as_many_statements_for_many_orders_as_for_few(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, admin) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.admin());
    for number in 0..20 {
        let customer = app.customer().await;
        let order = place_order(&customer, &shop.product_id, 1).await;
        let paid = place_card_order(&customer, &shop.product_id, 1).await;
        start(&customer, &paid).await;
        if number % 2 == 0 {
            let partner = app.partner().await;
            claim(&partner, &order).await;
            say(&partner, &order, "On my way.").await;
            if number % 4 == 0 {
                deliver(&partner, &customer, &order).await;
                rate(&customer, &order, 5).await;
            }
        }
    }
    let ids = ids_of_everything(&admin).await;
    // nothing in the background may count
    let (api, token) = (app.api.app.clone(), admin.token.unwrap());
    let _database = app.stop().await;
    let counts = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut counts = Vec::new();
            for count in [2, 20] {
                let some: Vec<&String> = ids.iter().flat_map(|of_kind| of_kind.iter().take(count)).collect();
                counts.push(statements_of(&api, &token, NODES, json!({ "ids": some })).await);
            }
            for document in [ORDERS, PRODUCTS] {
                for first in [2, 20] {
                    counts.push(statements(&api, &token, document, first).await);
                }
            }
            counts
        })
    });
    let counts = counts.await.unwrap();
    for pair in counts.chunks(2) {
        // a row that comes later than that is loaded apart; a statement for each row would be eighteen more
        // the two newest have neither messages nor an end: what these take is one statement more for each of their kinds
        assert!(pair[1] <= pair[0] + 8, "statements for two rows and for twenty: {counts:?}");
    }
}
