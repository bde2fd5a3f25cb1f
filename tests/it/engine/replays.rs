//! What came since somebody left is read together, however much it is.

use std::pin::pin;
use std::time::{Duration, Instant};

use domain::access::Actor as Principal;
use domain::event::Topic;
use domain::id::Kind;
use futures_util::future::{Either, select};
use quick_commerce::app::App;
use quick_commerce::graphql::build_schema;
use quick_commerce::graphql::scalars::EventCursor;
use quick_commerce::platform::relay::{self, Since};
use quick_commerce::stream::{Answer, Engine};
use serde_json::{Value, json};

use super::recovery::subscribed;
use crate::chat::say;
use crate::notifications::mark;
use crate::support::app::build;
use crate::support::crowd::uuid;
use crate::support::shape::config_of;
use crate::support::story::{adjust_stock, claim, ready_order, seller_with_product};
use crate::support::ticks::Follower;
use crate::support::wait::until_taken;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    many_items_take_as_many_statements_as_few,
}

/// Times that something happens.
const MANY: usize = 30;

const CHAT: &str = "subscription($id: ID!) { chatMessages(orderId: $id) { ... on ChatSnapshot { more }
    ... on MessageSent { message { body } } } }";

const INBOX: &str = "subscription { notifications { ... on NotificationSnapshot { unread }
    ... on NotificationSent { unread notification { title } } } }";

const ALERTS: &str = "subscription { lowStockAlerts { id name } }";

const PRODUCTS: &str = "subscription($id: ID!) { productUpdates(productIds: [$id]) { id name } }";

/// What came to `topic`, by its positions.
async fn positions(app: &App, topic: Topic) -> Vec<i64> {
    match relay::since(app.db.reader(), topic, 0, 1_000).await.unwrap() {
        Since::Messages(messages, _) => messages.iter().map(|message| message.position).collect(),
        other => panic!("{other:?}"),
    }
}

/// Whoever follows a feed.
struct Feed {
    document: &'static str,
    variables: Value,
    who: Principal,
    topic: Topic,
}

impl Feed {
    fn start(&self, engine: &Engine) -> Follower {
        Follower::start(engine, Some(self.who), self.document, &self.variables)
    }

    /// How many items come to one who resumes from `after`, and how many statements that takes.
    async fn replay(&self, app: &App, engine: &Engine, after: EventCursor) -> (usize, u64) {
        let before = app.db.statements();
        let mut back = Follower::resume(engine, Some(self.who), self.document, &self.variables, after);
        let mut items = 0;
        {
            let mut is_there = pin!(subscribed(engine, 1));
            // each waits until the one before it was taken
            while let Either::Right(_) = select(&mut is_there, pin!(back.item())).await {
                items += 1;
            }
        }
        while let Some(outgoing) = back.queue.try_next() {
            assert!(matches!(outgoing.answer, Answer::Next(_)), "{outgoing:?}");
            items += 1;
        }
        let statements = app.db.statements() - before;
        drop(back);
        subscribed(engine, 0).await;
        (items, statements)
    }

    /// The same by a reader who takes no second: what has waited for longer is read anew.
    async fn replay_at_once(&self, app: &App, engine: &Engine, after: EventCursor) -> (usize, u64) {
        for _ in 0..20 {
            let began = Instant::now();
            let replayed = self.replay(app, engine, after).await;
            if began.elapsed() < Duration::from_secs(1) {
                return replayed;
            }
        }
        panic!("this machine takes a second for each replay of {}", self.document);
    }
}

async fn many_items_take_as_many_statements_as_few(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 8, "40.00"), app.customer(), app.partner());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let (seller, buyer) = (shop.seller.principal().await, customer.principal().await);
    let product = uuid(Kind::Product, &shop.product_id);
    let [chat, inbox, alerts, products] = [
        (CHAT, json!({ "id": order }), buyer, Topic::Chat(uuid(Kind::Order, &order))),
        (INBOX, json!({}), buyer, Topic::Inbox(buyer.user)),
        (ALERTS, json!({}), seller, Topic::LowStock(seller.seller.unwrap())),
        (PRODUCTS, json!({ "id": shop.product_id }), seller, Topic::Product(product)),
    ]
    .map(|(document, variables, who, topic)| Feed { document, variables, who, topic });
    let feeds = [chat, inbox, alerts, products];
    let engine = Engine::new(app.app.clone(), build_schema(&app.app));
    let mut followers: Vec<Follower> = feeds.iter().map(|feed| feed.start(&engine)).collect();
    subscribed(&engine, 4).await;
    for time in 0..MANY {
        say(&partner, &order, &format!("Word {time}.")).await;
        for delta in [-4, 4] {
            adjust_stock(&shop.seller, &shop.product_id, delta).await;
        }
        // whoever has not read of a chat is not told again
        until_taken(&app.app).await;
        mark(&customer, json!({ "all": true })).await;
    }
    until_taken(&app.app).await;
    let mut cursors = Vec::new();
    for follower in &mut followers {
        // the first may be a picture, which has none for a feed of products
        while follower.cursor.is_none() {
            follower.item().await;
        }
        cursors.push(follower.cursor.unwrap());
    }
    drop(followers);
    subscribed(&engine, 0).await;
    let clock = app.clock.clone();
    let database = app.stop().await;
    // in the background of this one nothing runs that would count
    let app = build(config_of(shape, &database).await, clock, 1).await;
    let engine = Engine::new(app.clone(), build_schema(&app));
    for (feed, cursor) in feeds.iter().zip(cursors) {
        let positions = positions(&app, feed.topic).await;
        let mut taken = Vec::new();
        for count in [4, MANY - 2] {
            let after = EventCursor { position: positions[positions.len() - 1 - count], ..cursor };
            taken.push(feed.replay_at_once(&app, &engine, after).await);
        }
        let [(few, of_few), (many, of_many)] = taken[..] else { panic!("{taken:?}") };
        assert!(few > 0 && many >= few + 10, "{}: {taken:?}", feed.document);
        assert_eq!(of_few, of_many, "{}: {few} items and {many}", feed.document);
    }
}
