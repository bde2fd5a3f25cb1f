//! What a batch of events costs whoever reads it.

use std::collections::BTreeMap;

use domain::access::Actor as Principal;
use domain::event::Topic;
use quick_commerce::chat::event::{MESSAGE_SENT, MessageSent};
use quick_commerce::dispatch::service::{Ask, ask};
use quick_commerce::inventory::event::{STOCK_FELL, StockFell};
use quick_commerce::platform::consumers::Reader;
use serde::Serialize;

use super::*;
use crate::support::TestParts;
use crate::support::app::serve_alone;
use crate::support::crowd::{customers, partners, place, refused};
use crate::support::shape::TestDatabase;
use crate::support::story::product;
use crate::support::wait::until_numbered;

over_both_shapes! {
    a_batch_takes_as_many_statements_for_many_events_as_for_few,
}

/// Stores, of which nobody is told of anything before the test says so.
struct Quiet {
    app: App,
    /// The products of each store.
    goods: Vec<Vec<uuid::Uuid>>,
    sellers: Vec<uuid::Uuid>,
    customers: Vec<Principal>,
    partners: Vec<Principal>,
    admin: Principal,
    notifier: Reader,
    _database: TestDatabase,
}

impl Quiet {
    async fn begin(shape: Shape) -> Self {
        let TestParts { app, database, .. } = TestParts::build(shape).await;
        let (api, running) = serve_alone(&app).await;
        let (mut goods, mut sellers) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            let shop = seller_with_product(&api, 1_000, "40.00").await;
            let mut of_shop = Vec::new();
            for _ in 0..5 {
                of_shop.push(uuid(Kind::Product, &product(&shop.seller, &shop.category_id, 1_000, "5.00").await));
            }
            goods.push(of_shop);
            sellers.push(shop.seller.principal().await.seller.unwrap());
        }
        let (customers, partners) = (customers(&app, 5).await, partners(&app, 2, 1_000).await);
        let admin = api.admin().await.principal().await;
        // nothing in the background may count
        running.stop().await;
        let notifier = Consumers::default().with(Notifier(app.clone())).readers(&app.db, &app.clock, &app.ids).remove(0);
        let scene = Self { app, goods, sellers, customers, partners, admin, notifier, _database: database };
        until_numbered(&scene.app).await;
        // what is past is told to nobody
        while scene.notifier.step(1_000).await.unwrap() != Read::Nothing {}
        scene
    }

    async fn log(&self, kind: &'static str, payload: &(impl Serialize + Sync)) {
        let tx = self.app.db.begin().await.unwrap();
        let at = self.app.clock.db_now(&*tx).await.unwrap();
        let event = NewEvent { id: self.app.ids.uuid(), kind, topics: &[Topic::Platform], payload, at };
        outbox::append(&tx, &event).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Of all that somebody is told of, one for each of `count` orders. Statements that it takes to tell them.
    async fn tell(&self, count: usize) -> u64 {
        for number in 0..count {
            let store = number % self.goods.len();
            let product = self.goods[store][number % 5];
            let customer = self.customers[number % self.customers.len()];
            let order = place(&self.app, customer, &[(product, 1)]).await.unwrap();
            let [from, to] = [self.partners[number % 2], self.partners[(number + 1) % 2]];
            refused(ask(&self.app, from, &key(), Ask::Claim { order: order.id, accept: true }).await).unwrap();
            let given = Ask::Assign { order: order.id, partner: to.user };
            refused(ask(&self.app, self.admin, &key(), given).await).unwrap();
            let sent = MessageSent {
                message_id: self.app.ids.uuid(),
                number: 1,
                order_id: order.id,
                sender_id: customer.user,
                customer_id: customer.user,
                seller_id: self.sellers[store],
                partner_id: Some(to.user),
                sent_at: self.app.clock.now(),
            };
            self.log(MESSAGE_SENT, &sent).await;
            self.log(STOCK_FELL, &StockFell { product, available: 2, threshold: 5, by: None }).await;
            let paused = WebhookPaused { endpoint: self.app.ids.uuid(), reason: PauseReason::Gone, failing_since: None };
            self.log(WEBHOOK_PAUSED, &paused).await;
        }
        until_numbered(&self.app).await;
        let before = self.app.db.statements();
        let Read::Events(taken) = self.notifier.step(1_000).await.unwrap() else { panic!("there is something to read") };
        assert!(taken >= 7 * count, "{taken} events of {count} orders");
        self.app.db.statements() - before
    }

    async fn count_admins(&self) -> usize {
        let admins = user::Entity::find().filter(user::Column::Role.eq(entity::Text(domain::access::Role::Admin)));
        admins.all(self.app.db.reader()).await.unwrap().len()
    }

    async fn told(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for row in notification::Entity::find().all(self.app.db.reader()).await.unwrap() {
            *kinds.entry(row.kind.to_string()).or_default() += 1;
        }
        kinds
    }
}

async fn a_batch_takes_as_many_statements_for_many_events_as_for_few(shape: Shape) {
    let scene = Quiet::begin(shape).await;
    let few = scene.tell(1).await;
    let many = scene.tell(20).await;
    assert_eq!(few, many, "statements for the events of one order and of twenty");
    // everybody whom it concerns, of each order: nothing was left out to be fast
    let told = scene.told().await;
    for (kind, of_each) in [
        ("CHAT_MESSAGE", 2),
        ("DELIVERY_ASSIGNED", 1),
        ("DELIVERY_WITHDRAWN", 1),
        ("ORDER_PLACED", 1),
        ("ORDER_ASSIGNED", 2),
        ("WEBHOOK_PAUSED", scene.count_admins().await),
    ] {
        assert_eq!(told.get(kind), Some(&(21 * of_each)), "{kind}: {told:?}");
    }
    // a seller once for each batch
    let sellers = scene.sellers.len();
    assert_eq!(told.get("LOW_STOCK"), Some(&(1 + sellers)), "{told:?}");
}
