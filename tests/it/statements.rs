//! No answer costs a statement for each row: the deepest useful queries take about as many for two rows as for twenty.

use std::time::Duration;

use domain::id::{Kind, encode};
use entity::{order, stock};
use quick_commerce::app::App;
use quick_commerce::graphql::context::{RequestId, Viewer};
use quick_commerce::graphql::{authenticate, build_schema_gathering};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::EntityTrait as _;
use sea_orm::sea_query::Expr;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::chat::say;
use crate::ratings::rate;
use crate::support::actors::Actor;
use crate::support::crowd::{place, uuid};
use crate::support::money::{place_card_order, start};
use crate::support::story::{category, claim, deliver, product};
use crate::support::{Shape, TestApp, over_both_shapes};
use crate::tracking::report;

over_both_shapes! {
    an_answer_takes_as_many_statements_for_many_rows_as_for_few,
}

/// Long, so that what belongs to one batch is in it, however busy the machine is.
const GATHER: Duration = Duration::from_millis(100);

const ORDERS: &str = "query Orders($first: Int!) { admin { orders(first: $first) { totalCount { value } nodes {
    number total { amount } deliveryAddress { line1 } viewerActions estimatedDeliveryAt rating { score }
    payments { status amount { amount } refunds { amount { amount } status } }
    customer { name email addresses { line1 } } seller { storeName rating }
    partner { name partner { activeDeliveries rating location { isStale } } }
    claim { status serverTime partner { name } order { number } }
    messages(last: 5) { nodes { body sender { name } senderRole order { number } } }
    timeline(first: 5) { nodes { type cursor actor { name } } }
    items { quantity product { name rating available category { name productCount { value } } seller { storeName }
        stock { onHand movements(first: 2) { nodes { delta actor { name } order { number } } } } } } } } } }";

const DELIVERIES: &str = "query Deliveries($first: Int!) { seller { orders(first: $first) { nodes {
    number estimatedDeliveryAt partner { name partner { location { point { latitude } isStale } } } } } } }";

const PRODUCTS: &str = "query Products($first: Int!) { products(first: $first) { totalCount { value } nodes {
    name available inStock category { name productCount { value } } seller { storeName } } } }";

const CATEGORIES: &str = "query Categories { categories { name productCount { value } } }";

/// What everybody who has to do with an order may read of it.
const LINES: &str = "number total { amount } viewerActions estimatedDeliveryAt seller { storeName rating }
    deliveryAddress { line1 } partner { name } claim { status partner { name } } customer { name } rating { score }
    timeline(first: 3) { nodes { type actor { name } } }
    items { quantity product { name rating available inStock category { name productCount { value } }
        seller { storeName } } }";

const GOODS: &str = "name available inStock rating category { name productCount { value } } seller { storeName }
    stock { onHand isLow movements(first: 2) { nodes { delta actor { name } order { number } } } }";
const PERFORMANCE: &str = "query Performance($first: Int!) {
    admin { partnerPerformance(from: \"2020-01-01T00:00:00Z\", to: \"2020-12-31T00:00:00Z\", first: $first) { nodes {
        partner { name email partner { rating } } deliveries medianDeliverySeconds rating releasedClaims expiredClaims } } } }";

const NODES: &str = "query Nodes($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }";

/// The statements of one answer, asked on one thread: what is asked for at the same time is loaded at the same time.
async fn statements(app: &App, token: Option<&str>, document: &str, variables: Value) -> u64 {
    let viewer = match token {
        Some(token) => Some(authenticate(app, token).await.unwrap_or_else(|_| panic!("the token is good"))),
        None => None,
    };
    let request = async_graphql::Request::new(document)
        .variables(async_graphql::Variables::from_json(variables))
        .data(Viewer(viewer))
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

/// Three stores with goods in five categories, and orders of two or three of them by one customer and by many.
struct World {
    app: TestApp,
    admin: Actor,
    customer: Actor,
    seller: Actor,
    partner: Actor,
}

/// Products of each store.
const GOODS_OF: [usize; 3] = [20, 4, 4];

impl World {
    async fn make(shape: Shape) -> Self {
        // what is remembered would hide what it costs to read
        let app = TestApp::start_with(shape, |config| config.cache_rows = 0).await;
        let admin = app.admin().await;
        let mut categories = Vec::new();
        for _ in 0..5 {
            categories.push(category(&admin).await);
        }
        let (mut sellers, mut goods) = (Vec::new(), Vec::new());
        for count in GOODS_OF {
            let seller = app.seller().await;
            let mut of_seller = Vec::new();
            for number in 0..count {
                let id = product(&seller, &categories[number % categories.len()], 1_000, "40.00").await;
                of_seller.push(uuid(Kind::Product, &id));
            }
            sellers.push(seller);
            goods.push(of_seller);
        }
        let lines = |number: usize| -> Vec<(Uuid, i32)> {
            let of_seller = &goods[number % goods.len()];
            (0..2 + number % 2).map(|place| (of_seller[(number + place) % of_seller.len()], 1)).collect()
        };
        let (customer, partner) = tokio::join!(app.customer(), app.partner());
        let buyer = customer.principal().await;
        for number in 0..60 {
            // twenty of each store
            let order = place(&app.app, buyer, &lines(number)).await.unwrap();
            let delivered = order::ActiveModel {
                id: Unchanged(order.id),
                partner_id: Set(Some(partner.principal().await.user)),
                ..Default::default()
            };
            order::Entity::update(delivered).exec(app.app.db.writer()).await.unwrap();
        }
        for number in 0..20 {
            let customer = app.customer().await;
            let goods = lines(number);
            let order = place(&app.app, customer.principal().await, &goods).await.unwrap();
            let order = encode(Kind::Order, order.id);
            let paid = place_card_order(&customer, &encode(Kind::Product, goods[0].0), 1).await;
            start(&customer, &paid).await;
            if number % 2 == 0 {
                let partner = app.partner().await;
                claim(&partner, &order).await;
                report(&partner, 77.6).await;
                say(&partner, &order, "On my way.").await;
                if number % 4 == 0 {
                    deliver(&partner, &customer, &order).await;
                    rate(&customer, &order, 5).await;
                }
            }
        }
        stock::Entity::update_many()
            .col_expr(stock::Column::IsLow, Expr::value(true))
            .exec(app.app.db.writer())
            .await
            .unwrap();
        let seller = sellers.swap_remove(0);
        Self { app, admin, customer, seller, partner }
    }

    /// Who asks what. Every document takes the number of rows as `first`.
    fn questions(&self) -> Vec<(Option<String>, String)> {
        let of = |actor: &Actor| actor.token.clone();
        let paid = "payments { status amount { amount } refunds { status } }";
        vec![
            (of(&self.admin), ORDERS.to_owned()),
            (of(&self.admin), PRODUCTS.to_owned()),
            (of(&self.admin), PERFORMANCE.to_owned()),
            (of(&self.seller), DELIVERIES.to_owned()),
            (None, PRODUCTS.to_owned()),
            (of(&self.customer), PRODUCTS.to_owned()),
            (of(&self.customer), question(&format!("viewer {{ orders(first: $first) {{ nodes {{ {LINES} {paid} }} }} }}"))),
            (of(&self.seller), question(&format!("seller {{ orders(first: $first) {{ nodes {{ {LINES} {paid} }} }} }}"))),
            (of(&self.seller), question(&format!("seller {{ products(first: $first) {{ nodes {{ {GOODS} }} }} }}"))),
            (of(&self.seller), question(&format!("seller {{ lowStock(first: $first) {{ nodes {{ {GOODS} }} }} }}"))),
            (of(&self.partner), question(&format!("partner {{ deliveries(first: $first) {{ nodes {{ {LINES} }} }} }}"))),
        ]
    }
}

fn question(asked: &str) -> String {
    format!("query Some($first: Int!) {{ {asked} }}")
}

async fn an_answer_takes_as_many_statements_for_many_rows_as_for_few(shape: Shape) {
    let world = World::make(shape).await;
    let (questions, ids) = (world.questions(), ids_of_everything(&world.admin).await);
    // nothing in the background may count
    let (api, token) = (world.app.api.app.clone(), world.admin.token.clone());
    let _database = world.app.stop().await;
    let counts = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut counts = Vec::new();
            let of_nodes = async |count: usize| {
                let some: Vec<&String> = ids.iter().flat_map(|of_kind| of_kind.iter().take(count)).collect();
                statements(&api, token.as_deref(), NODES, json!({ "ids": some })).await
            };
            counts.push((NODES.to_owned(), of_nodes(2).await, of_nodes(20).await));
            for (token, document) in questions {
                let of_rows =
                    async |first: usize| statements(&api, token.as_deref(), &document, json!({ "first": first })).await;
                let (few, many) = (of_rows(2).await, of_rows(20).await);
                counts.push((document, few, many));
            }
            let of_categories = statements(&api, None, CATEGORIES, json!({})).await;
            assert!(of_categories <= 2, "the categories, and all counts: {of_categories}");
            counts
        })
    });
    for (document, few, many) in counts.await.unwrap() {
        // a row that comes later than that is loaded apart; a statement for each row would be eighteen more
        // the two newest have neither messages nor an end: what these take is one statement more for each of their kinds
        assert!(many <= few + 8, "{few} statements for two rows and {many} for twenty: {document}");
    }
}
