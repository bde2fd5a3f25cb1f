//! People and systems for whom servers work in the background, and whether they saw what came of it, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use chrono::TimeDelta;
use domain::access::Actor as Principal;
use domain::claims::ClaimStatus;
use domain::id::Kind;
use domain::order::{OrderEventType, OrderStatus, PaymentMethod};
use domain::webhook::WebhookDeliveryStatus;
use entity::{Text, claim, event, job, notification, order, order_event, user, webhook_delivery};
use quick_commerce::accounts::service::{self as accounts, Registration, register};
use quick_commerce::app::App;
use quick_commerce::config::Secret;
use quick_commerce::dispatch::service::{self as dispatch, Ask};
use quick_commerce::orders::service::paying::{StartPayment, start_payment};
use quick_commerce::orders::service::{self as orders, Place, Step, step};
use quick_commerce::payments::sandbox::{self, Choice};
use quick_commerce::platform::{consumers, jobs, relay};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::stage::Stage;
use crate::redis_stream::assert_stream_is_whole;
use crate::support::Shape;
use crate::support::actors::{PASSWORD, email as new_email};
use crate::support::audit::audit;
use crate::support::crowd::{customers, email, partners, refused, uuid, wish};
use crate::support::smtp::SmtpServer;
use crate::support::story::{key, seller_with_product};
use crate::webhooks::endpoint;
use crate::webhooks::receiver::{Receiver, Says};

/// How long servers that are left alone may do nothing of what is due: what is done by then waits for the end of a lease, or for its
/// next attempt.
const CALM: Duration = Duration::from_secs(15);

/// How often they may be left alone.
const CALMS: usize = 6;

/// Of the stream in Redis, by default.
const STREAM: &str = "qc:events";

/// Those who have work done. They act past the servers, so that it is only the work that is killed.
#[derive(Debug, Clone)]
pub(super) struct People {
    pub(super) app: App,
    pub(super) customers: Vec<Principal>,
    pub(super) partners: Vec<Principal>,
    product: Uuid,
}

impl People {
    pub(super) async fn place(&self, round: usize, payment_method: PaymentMethod, pieces: i32) -> (Uuid, Principal) {
        let customer = self.customers[round % self.customers.len()];
        let place = Place { payment_method, ..wish(&[(self.product, pieces)]) };
        (refused(orders::place(&self.app, customer, &key(), place).await).unwrap().id, customer)
    }

    async fn take(&self, order: Uuid, by: Principal, to: OrderStatus, operation: &'static str) {
        let next = Step { order, to, note: None, expected_version: None, delivery_code: None, input: None };
        refused(step(&self.app, by, operation, &key(), next).await).unwrap();
    }

    pub(super) async fn cancel(&self, order: Uuid, customer: Principal) {
        self.take(order, customer, OrderStatus::Cancelled, "cancelOrder").await;
    }

    /// Begins to pay, and has `choice` become of it.
    pub(super) async fn pay(&self, order: Uuid, customer: Principal, choice: Choice) {
        let ask = StartPayment { order, provider: None };
        let started = refused(start_payment(&self.app, customer, &key(), ask).await).unwrap().payment;
        assert_eq!(sandbox::choose(&self.app, &started.client_secret.unwrap(), choice).await.unwrap(), Some(true));
    }

    pub(super) async fn claim(&self, round: usize, order: Uuid, accept: bool) -> Principal {
        let partner = self.partners[round % self.partners.len()];
        refused(dispatch::ask(&self.app, partner, &key(), Ask::Claim { order, accept }).await).unwrap();
        partner
    }

    /// An order that is on its way to its customer, who is told of that by a text message.
    pub(super) async fn send(&self, round: usize) {
        let (order, _) = self.place(round, PaymentMethod::CashOnDelivery, 1).await;
        let partner = self.claim(round, order, true).await;
        for to in [OrderStatus::PickedUp, OrderStatus::InTransit] {
            self.take(order, partner, to, "updateOrderStatus").await;
        }
    }

    /// Lets the time to pay of `order` be over.
    pub(super) async fn is_due(&self, order: Uuid) {
        let past = self.app.clock.now() - TimeDelta::minutes(1);
        let update = order::Entity::update_many().col_expr(order::Column::PaymentDueAt, Expr::value(past));
        let update = update.filter(order::Column::PaymentDueAt.is_not_null()).filter(order::Column::Id.eq(order));
        update.exec(self.app.db.writer()).await.unwrap();
    }

    /// Makes an account, whose holder is mailed a link.
    pub(super) async fn register(&self) {
        let registration = Registration {
            email: new_email("customer"),
            password: Secret::new(PASSWORD.to_owned()),
            name: "Somebody".to_owned(),
            phone: None,
            partner: None,
            seller: None,
        };
        register(&self.app, None, registration).await.unwrap();
    }

    pub(super) async fn forget_password(&self, customer: usize) {
        accounts::request_password_reset(&self.app, None, &email(&self.customers[customer])).await.unwrap();
    }
}

/// The provider of text messages: remembers the key of each.
#[derive(Debug)]
struct Phones {
    url: String,
    heard: Arc<Mutex<Vec<Uuid>>>,
    _serving: AbortOnDropHandle<()>,
}

impl Phones {
    async fn start() -> Self {
        async fn take(State(heard): State<Arc<Mutex<Vec<Uuid>>>>, headers: HeaderMap) {
            heard.lock().unwrap().push(headers["idempotency-key"].to_str().unwrap().parse().unwrap());
        }
        let heard = Arc::default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/messages", listener.local_addr().unwrap());
        let router = Router::new().route("/messages", post(take)).with_state(Arc::clone(&heard));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, heard, _serving: AbortOnDropHandle::new(serving) }
    }
}

/// Servers, and all who see what they do in the background.
pub(super) struct World {
    pub(super) stage: Stage,
    pub(super) people: People,
    receiver: Receiver,
    post: SmtpServer,
    phones: Phones,
}

impl World {
    /// `instances` servers; a customer has a telephone.
    pub(super) async fn build(shape: Shape, instances: usize) -> Self {
        let (post, phones) = (SmtpServer::start().await, Phones::start().await);
        let settings = [
            ("CLAIM_HOLD_SECONDS", "5"),
            ("DATABASE_CONNECTIONS", "32"),
            ("WEBHOOK_HTTP", "true"),
            ("WEBHOOK_NETWORKS", "127.0.0.0/8"),
            ("PAYMENT_PROVIDER", "sandbox"),
            ("SANDBOX_LATE_SECONDS", "1"),
            ("MAIL_FROM", "Shop <shop@shop.example>"),
            ("PUBLIC_URL", "https://shop.example"),
            ("SMTP_URL", &post.url()),
            ("SMS_URL", &phones.url),
            // one telephone has all of them
            ("SMS_PER_HOUR", "0"),
        ]
        .map(|(name, value)| (name, value.to_owned()));
        let stage = Stage::build_with(shape, instances, &settings).await;
        let (app, door) = (stage.app.clone(), stage.doors[0].clone());
        let (admin, shop) = tokio::join!(door.admin(), seller_with_product(&door, 1_000, "40.00"));
        shop.seller.prove_address().await;
        let receiver = Receiver::start(Says::Status(200)).await;
        endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
        let customers = customers(&app, 4).await;
        let phone = user::Entity::update_many().col_expr(user::Column::Phone, Expr::value("+918055501234"));
        let phone = phone.filter(user::Column::Id.is_in(customers.iter().map(|customer| customer.user)));
        phone.exec(app.db.writer()).await.unwrap();
        let partners = partners(&app, 8, 100).await;
        let product = uuid(Kind::Product, &shop.product_id);
        let people = People { app, customers, partners, product };
        Self { stage, people, receiver, post, phones }
    }

    /// Whether one server has it all, and a database in which one writes.
    pub(super) fn is_embedded(&self) -> bool {
        self.stage.redis().is_none()
    }

    /// What a killed server had taken is another's once its lease ends, and what failed meanwhile is tried again later: that time
    /// passes now. Nobody may be at work.
    pub(super) async fn let_leases_end(&self) {
        let (app, past) = (&self.people.app, self.people.app.clock.now() - TimeDelta::minutes(2));
        let jobs = job::Entity::update_many().col_expr(job::Column::RunAt, Expr::value(past));
        jobs.exec(app.db.writer()).await.unwrap();
        let sent = webhook_delivery::Entity::update_many()
            .col_expr(webhook_delivery::Column::SendingUntil, Expr::value(past))
            .filter(webhook_delivery::Column::SendingUntil.is_not_null());
        sent.exec(app.db.writer()).await.unwrap();
    }

    /// Leaves the servers alone until everything is done.
    pub(super) async fn settle(&mut self) {
        let app = self.people.app.clone();
        let mut calms = 0;
        while let Some(why) = calm(&app).await {
            calms += 1;
            assert!(calms < CALMS, "{why}\n{}", self.stage.said());
            self.stage.kill_all();
            self.let_leases_end().await;
            self.stage.start_all_again();
            self.stage.recover().await;
        }
    }

    /// Fails the test when anything is lost, or there twice, that anybody sees.
    pub(super) async fn check(&mut self) {
        self.stage.listen_to_all();
        assert_eq!(self.stage.complaints, Vec::<String>::new());
        let app = &self.people.app;
        // stock, money, timelines, claims, sums
        audit(app).await;
        every_message_came(app, &self.receiver).await;
        everybody_was_told_once(app).await;
        every_letter_came(app, &self.post).await;
        every_text_came(app, &self.phones).await;
        if let Some(redis) = self.stage.redis() {
            assert_stream_is_whole(redis, STREAM, app).await;
        }
    }
}

/// Leaves the servers alone for as long as they get on; what is missing in the end, if anything.
async fn calm(app: &App) -> Option<String> {
    let (mut before, mut deadline) = (String::new(), Instant::now() + CALM);
    loop {
        let missing = missing(app).await?;
        if missing != before {
            (before, deadline) = (missing, Instant::now() + CALM);
        } else if Instant::now() > deadline {
            return Some(missing);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Whether all that follows from what has happened is done; if not, what is missing, and how much of it.
async fn missing(app: &App) -> Option<String> {
    let logged = async || event::Entity::find().count(app.db.reader()).await.unwrap();
    let before = logged().await;
    let missing = missing_now(app).await;
    // what was asked first may have changed by what was asked last: an order that is cancelled meanwhile waits no more, and
    // nobody was told
    let after = logged().await;
    missing.or_else(|| (after != before).then(|| format!("there were {before} events, and then {after}")))
}

async fn missing_now(app: &App) -> Option<String> {
    let db = app.db.reader();
    let Some(position) = relay::settled(db).await.unwrap() else {
        let unplaced = event::Entity::find().filter(event::Column::Position.is_null()).count(db).await.unwrap();
        return Some(format!("{unplaced} events have no position"));
    };
    let published = relay::published(db).await.unwrap();
    if published < position {
        return Some(format!("{} events are not published", position - published));
    }
    if let Some((name, lag)) = consumers::lags(db).await.unwrap().into_iter().find(|(_, lag)| *lag > 0) {
        return Some(format!("{name} is {lag} events behind"));
    }
    let backlog = jobs::backlog(db).await.unwrap();
    assert_eq!(backlog.dead, 0, "nothing was given up");
    if backlog.waiting > 0 {
        let waiting = job::Entity::find().all(db).await.unwrap();
        return Some(format!("{} jobs wait: {waiting:#?}", backlog.waiting));
    }
    let pending = order::Entity::find().filter(order::Column::Status.eq(Text(OrderStatus::Pending)));
    let held = claim::Entity::find().filter(claim::Column::Status.eq(Text(ClaimStatus::Held)));
    let (pending, held) = (pending.count(db).await.unwrap(), held.count(db).await.unwrap());
    (pending + held > 0).then(|| format!("{pending} orders wait for their payment, {held} are held"))
}

/// How many orders have come to which end.
pub(super) async fn ends(app: &App) -> BTreeMap<String, usize> {
    let mut ends = BTreeMap::new();
    for order in order::Entity::find().all(app.db.reader()).await.unwrap() {
        *ends.entry(format!("{:?} {:?}", *order.payment_method, *order.status)).or_default() += 1;
    }
    ends
}

/// Of each order there was one message, however often it was sent.
async fn every_message_came(app: &App, receiver: &Receiver) {
    let rows = webhook_delivery::Entity::find().all(app.db.reader()).await.unwrap();
    let orders = order::Entity::find().count(app.db.reader()).await.unwrap();
    assert_eq!(rows.len() as u64, orders, "one of each order");
    assert!(rows.iter().all(|row| *row.status == WebhookDeliveryStatus::Delivered), "{rows:#?}");
    let mut bodies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for message in receiver.received() {
        bodies.entry(message.id).or_default().insert(message.body);
    }
    assert!(bodies.values().all(|bodies| bodies.len() == 1), "what is sent again is the same");
    assert!(!receiver.is_doubled(), "and is not on its way twice at once");
    let came: BTreeSet<&String> = bodies.values().flatten().collect();
    let owed: BTreeSet<&String> = rows.iter().map(|row| &row.body).collect();
    assert_eq!((bodies.len(), came), (rows.len(), owed), "every message has an id of its own, and came");
}

/// Of what customers are told at all, they were told each time, and once.
async fn everybody_was_told_once(app: &App) {
    let db = app.db.reader();
    let events = order_event::Entity::find().all(db).await.unwrap();
    let orders = order::Entity::find().all(db).await.unwrap();
    let customers: BTreeMap<Uuid, Uuid> = orders.iter().map(|order| (order.id, order.customer_id)).collect();
    let mut told: BTreeMap<(Uuid, Uuid), usize> = BTreeMap::new();
    for row in notification::Entity::find().all(db).await.unwrap() {
        *told.entry((row.event_id, row.user_id)).or_default() += 1;
    }
    let mut by_type: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for event in events {
        let customer = customers[&event.order_id];
        if event.actor_id != Some(customer) {
            let count = told.get(&(event.id, customer)).copied().unwrap_or_default();
            by_type.entry(format!("{:?}", *event.r#type)).or_default().insert(count);
        }
    }
    assert!(by_type.values().all(|counts| *counts == [0].into() || *counts == [1].into()), "{by_type:?}");
    for of in [OrderEventType::PaymentSucceeded, OrderEventType::Cancelled, OrderEventType::InTransit] {
        assert_eq!(by_type[&format!("{of:?}")], [1].into(), "{by_type:?}");
    }
}

/// Every mail came, and what came twice is known for one by its id.
async fn every_letter_came(app: &App, post: &SmtpServer) {
    let mut letters: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for letter in post.letters() {
        let id = letter.id.trim_start_matches('<').split('@').next().unwrap().to_owned();
        letters.entry(id).or_default().insert((letter.to, letter.subject));
    }
    assert!(letters.values().all(|said| said.len() == 1), "what is sent again is the same: {letters:#?}");
    let rows = notification::Entity::find().all(app.db.reader()).await.unwrap();
    for row in rows.iter().filter(|row| row.kind.is_mailed()) {
        assert!(letters.remove(&row.id.to_string()).is_some(), "{row:?} was not mailed");
    }
    // the others prove mailboxes: each person was mailed once for each reason
    let others: Vec<&(String, String)> = letters.values().flatten().collect();
    let reasons: BTreeSet<&&(String, String)> = others.iter().collect();
    assert_eq!(reasons.len(), others.len(), "{others:#?}");
    assert!(!others.is_empty());
}

/// Every text message came, and what came twice is known for one by its key.
async fn every_text_came(app: &App, phones: &Phones) {
    let customers = user::Entity::find().filter(user::Column::Phone.is_not_null()).all(app.db.reader()).await.unwrap();
    let reachable: BTreeSet<Uuid> = customers.into_iter().map(|customer| customer.id).collect();
    let rows = notification::Entity::find().all(app.db.reader()).await.unwrap();
    let owed = rows.iter().filter(|row| row.kind.is_texted() && reachable.contains(&row.user_id));
    let owed: BTreeSet<Uuid> = owed.map(|row| row.id).collect();
    let came: BTreeSet<Uuid> = phones.heard.lock().unwrap().iter().copied().collect();
    assert!(!owed.is_empty());
    assert_eq!(came, owed);
}
