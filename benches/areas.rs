//! What 2,000 partners over a city cost when each hears of the orders around them by area, beside the same without areas, where every
//! order comes to everybody's group, and beside all of them hearing of every order, whose answer they share.
//!
//! `cargo bench --bench areas -- postgres://…` with an empty database; without an address, SQLite in a temporary file. The engine
//! and the queues of its sockets are the server's own; there is no network, so what is saved in writing to sockets is not seen. A
//! circle of 3 km has a thirtieth of the city's 30 by 30 km; all ways share executions as the server does, and the two that look
//! around a point are told the same offers. Processor time is counted from when an order was placed until the last reader has
//! taken its offer, order by order. Prints a table; judges nothing. Linux only.

mod support;

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_graphql::{Context, EmptyMutation, Object, Schema, SimpleObject, Subscription, Union};
use domain::access::{Actor, Audience, Role};
use domain::area::{Cover, Grain, cell};
use domain::event::Topic;
use domain::geo::{Circle, KM_PER_DEGREE, Point};
use domain::money::Currency;
use domain::order::{PaymentMethod, Preparation};
use entity::json::Strings;
use entity::{product, seller, stock, user};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use quick_commerce::accounts::service::NewAddress;
use quick_commerce::app::App;
use quick_commerce::catalog::{self, service};
use quick_commerce::config::SendQueueBudget;
use quick_commerce::dispatch::graphql::AvailableOrder;
use quick_commerce::graphql::build_schema;
use quick_commerce::graphql::context::{RequestId, Viewer};
use quick_commerce::graphql::limits::limited;
use quick_commerce::graphql::scalars::{EventCursor, GeoPointInput};
use quick_commerce::orders;
use quick_commerce::orders::event::OrderChange;
use quick_commerce::orders::graphql::order_version;
use quick_commerce::orders::service::{Place, PlaceLine, place};
use quick_commerce::platform::bus::Message;
use quick_commerce::platform::relay::Step;
use quick_commerce::stream::{
    Authority, Call, Counts, Engine, Filter, Operation, SendQueue, Snapshot, SnapshotCursors, Source, StreamReset,
    follow as follow_source,
};
use sea_orm::{ConnectionTrait as _, EntityTrait as _, IntoActiveModel as _};
use serde_json::{Map, Value, json};
use support::{Outcome, broken};
use uuid::Uuid;

const PARTNERS: u32 = 2_000;
const STORES: u32 = 200;
const ORDERS: u32 = 100;
/// Kilometres on each side of the city.
const SIDE_KM: f64 = 30.0;
/// Kilometres around each partner.
const RADIUS_KM: f64 = 3.0;
const CENTRE: Point = Point { latitude: 12.9716, longitude: 77.5946 };

const OFFERS: &str = "subscription($near: GeoPointInput, $radiusKm: Float) { availableOrders(near: $near, radiusKm: $radiusKm) {
    ... on AvailableOrdersSnapshot { cursor more orders { orderId } }
    ... on OrderAvailable { cursor order { orderId number storeName pickupDistanceKm distanceKm itemCount payout { amount } } }
    ... on OrderUnavailable { cursor orderId reason } } }";

fn main() -> Outcome {
    support::run("areas", measure)
}

/// The same in each run, and anywhere in the city.
fn somewhere(number: u32) -> Point {
    let share = |number: u32| {
        // murmur3's last step: neighbours have nothing in common
        let mixed = (number ^ (number >> 16)).wrapping_mul(0x85eb_ca6b);
        let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35);
        f64::from((mixed ^ (mixed >> 16)) >> 8) / f64::from(1_u32 << 24) - 0.5
    };
    let east = KM_PER_DEGREE * CENTRE.latitude.to_radians().cos();
    Point {
        latitude: CENTRE.latitude + share(2 * number + 1) * SIDE_KM / KM_PER_DEGREE,
        longitude: CENTRE.longitude + share(2 * number + 2) * SIDE_KM / east,
    }
}

async fn measure(app: &App) -> Outcome {
    let city = City::found(app).await?;
    let nobody = follow(app, &city, 0, Way::OneFeed).await?;
    let one_feed = follow(app, &city, PARTNERS, Way::OneFeed).await?;
    let points = follow(app, &city, PARTNERS, Way::Points).await?;
    let by_area = follow(app, &city, PARTNERS, Way::ByArea).await?;
    println!(
        "{PARTNERS} partners, {STORES} stores and {ORDERS} orders over {SIDE_KM} by {SIDE_KM} km, in {:?}\n",
        app.db.backend()
    );
    println!(
        "| an offer | all of it to all, on one feed | within {RADIUS_KM} km, on one feed | within {RADIUS_KM} km, by area |"
    );
    println!("|---|---|---|---|");
    let row = |name: &str, of: fn(&Measured) -> f64| {
        println!("| {name} | {:.1} | {:.1} | {:.1} |", of(&one_feed), of(&points), of(&by_area));
    };
    row("sockets that it is delivered to", |of| each(of.did.messages));
    row("bytes handed to them", |of| each(of.did.bytes));
    row("executions", |of| each(of.did.executions));
    row("of them begun anew", |of| each(of.did.begun));
    println!("| partners whose group hears of it | {PARTNERS}.0 | {PARTNERS}.0 | {:.1} |", City::hearers());
    let delivery = |of: &Measured| of.cpu.saturating_sub(nobody.cpu).as_secs_f64() * 1e6 / f64::from(ORDERS);
    let [one, point, area] = [&one_feed, &points, &by_area].map(delivery);
    println!("| µs of CPU, without what the order costs when nobody listens | {one:.0} | {point:.0} | {area:.0} |");
    println!("| the same by one feed's | 1 | {:.2} | {:.2} |", point / one, area / one);
    Ok(())
}

/// How partners follow the offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// All of them.
    OneFeed,
    /// Those around a point, which are looked for among all.
    Points,
    /// Those around a point, by its cells.
    ByArea,
}

/// The first item of [`Points`]: that it has begun.
#[derive(Debug, SimpleObject)]
struct AvailableOrdersSnapshot {
    cursor: EventCursor,
    more: bool,
    orders: Vec<AvailableOrder>,
}

#[derive(Debug, SimpleObject)]
struct OrderAvailable {
    cursor: EventCursor,
    order: AvailableOrder,
}

#[derive(Debug, SimpleObject)]
struct OrderUnavailable {
    cursor: EventCursor,
    order_id: String,
    reason: String,
}

#[derive(Debug, Union)]
enum Offer {
    Snapshot(AvailableOrdersSnapshot),
    Available(Box<OrderAvailable>),
    Unavailable(OrderUnavailable),
}

/// Offers within a circle, on the topic of all.
struct Points(Circle);

impl Points {
    fn has(&self, order: &entity::order::Model) -> bool {
        Point::new(order.pickup_latitude, order.pickup_longitude).is_some_and(|pickup| self.0.contains(pickup))
    }
}

impl Source for Points {
    type Item = Offer;

    fn topic(&self) -> Topic {
        Topic::Available
    }

    fn audience(&self) -> Audience {
        Audience::Role
    }

    fn filter(&self) -> Option<Filter> {
        let circle = self.0;
        Some(Arc::new(move |message| {
            let change = message.payload.read::<OrderChange>();
            change.is_some_and(|change| Points(circle).has(&change.order))
        }))
    }

    fn selection(&self) -> String {
        format!("{:?}", self.0)
    }

    fn arguments(&self) -> Vec<(&'static str, Value)> {
        let Circle { centre, radius_km } = self.0;
        let near = json!({ "latitude": centre.latitude, "longitude": centre.longitude });
        vec![("near", near), ("radiusKm", radius_km.into())]
    }

    async fn snapshot(&self, _: &App, cursors: SnapshotCursors) -> quick_commerce::graphql::Result<Snapshot<Offer>> {
        let first = AvailableOrdersSnapshot { cursor: cursors.only(), more: false, orders: Vec::new() };
        Ok(Snapshot { items: vec![Offer::Snapshot(first)], seen: HashMap::new() })
    }

    fn version(&self, message: &Message) -> Option<(Uuid, i32)> {
        order_version(message)
    }

    async fn item(&self, _: &App, message: &Message, cursor: EventCursor) -> quick_commerce::graphql::Result<Option<Offer>> {
        let change: Option<Arc<OrderChange>> = message.payload.read();
        let Some(change) = change.filter(|change| self.has(&change.order)) else {
            return Ok(None);
        };
        if change.offer != Some(orders::event::Offer::Opened) {
            let unavailable = OrderUnavailable { cursor, order_id: change.order.number.clone(), reason: String::new() };
            return Ok(Some(Offer::Unavailable(unavailable)));
        }
        let order = AvailableOrder::new(change.order.clone(), Some(self.0.centre));
        Ok(Some(Offer::Available(Box::new(OrderAvailable { cursor, order }))))
    }

    fn reset(&self, _: StreamReset) -> Option<Offer> {
        None
    }
}

struct Nothing;

#[Object]
impl Nothing {
    async fn nothing(&self) -> bool {
        true
    }
}

struct Root;

#[Subscription]
impl Root {
    async fn available_orders(
        &self,
        ctx: &Context<'_>,
        near: GeoPointInput,
        radius_km: f64,
    ) -> quick_commerce::graphql::Result<BoxStream<'static, quick_commerce::graphql::Result<Offer>>> {
        let centre = Point { latitude: near.latitude, longitude: near.longitude }.rounded();
        follow_source(ctx, Points(Circle { centre, radius_km }), None).await
    }
}

/// What was done for all orders, from when each was placed until it was taken from the last queue.
struct Measured {
    did: Counts,
    cpu: Duration,
}

/// What `count` comes to for each order.
#[expect(clippy::cast_precision_loss, reason = "a measurement")]
fn each(count: u64) -> f64 {
    count as f64 / f64::from(ORDERS)
}

struct Anyone(Actor);

impl Authority for Anyone {
    fn viewer(&self) -> BoxFuture<'_, quick_commerce::graphql::Result<Viewer>> {
        Box::pin(std::future::ready(Ok(Viewer(Some(self.0)))))
    }
}

/// So many partners follow, in one `way`, while the orders are offered.
async fn follow(app: &App, city: &City, partners: u32, way: Way) -> Outcome<Measured> {
    // what is offered now shall not be in the way of the next
    app.db.writer().execute_unprepared("UPDATE orders SET status = 'CANCELLED'").await?;
    relay(app).await?;
    let engine = if way == Way::Points {
        let schema = Schema::build(Nothing, EmptyMutation, Root).data(app.clone());
        Engine::new(app.clone(), limited(schema, app.config.limits).finish())
    } else {
        Engine::new(app.clone(), build_schema(app))
    };
    let (mut sockets, taken) = (Vec::new(), Arc::new(AtomicU64::new(0)));
    for number in 0..partners {
        sockets.push(subscribe(&engine, number, way, &taken));
        // not all of them at once: each reads what there is
        if number % 50 == 0 {
            wait(&engine, i64::from(number)).await;
        }
    }
    wait(&engine, i64::from(partners)).await;
    // of each its snapshot
    wait_for(|| taken.load(Ordering::Acquire) == u64::from(partners)).await;
    eprintln!("{} partners follow in {} groups", engine.counts().subscriptions, engine.counts().groups);
    let (before, mut cpu) = (engine.counts(), Duration::ZERO);
    for number in 0..ORDERS {
        // one after the other: what is measured is work, not who waits for whom
        city.order(app, number).await?;
        let began = spent()?;
        relay(app).await?;
        wait_for(|| {
            let now = engine.counts();
            now.pending == 0 && taken.load(Ordering::Acquire) - u64::from(partners) == now.messages - before.messages
        })
        .await;
        for (thread, at) in spent()? {
            cpu += at.saturating_sub(began.get(&thread).copied().unwrap_or_default());
        }
    }
    let after = engine.counts();
    let did = Counts {
        messages: after.messages - before.messages,
        bytes: after.bytes - before.bytes,
        executions: after.executions - before.executions,
        begun: after.begun - before.begun,
        ..after
    };
    Ok(Measured { did, cpu })
}

async fn wait(engine: &Engine, subscriptions: i64) {
    wait_for(|| engine.counts().subscriptions >= subscriptions).await;
}

async fn wait_for(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn relay(app: &App) -> Outcome {
    let relay = app.relay();
    while relay.step().await.map_err(|error| broken(&error))? != Step::Moved(0) {}
    Ok(())
}

/// A partner's socket, without the network: somebody takes what is put into its queue.
fn subscribe(engine: &Engine, number: u32, way: Way, taken: &Arc<AtomicU64>) -> (Operation, tokio::task::JoinHandle<()>) {
    let user = Uuid::from_u128(u128::from(number) + 1);
    let actor = Actor { user, role: Role::Partner, seller: None, session: user, request: None, key: None };
    let point = somewhere(number);
    let near = json!({ "near": { "latitude": point.latitude, "longitude": point.longitude }, "radiusKm": RADIUS_KM });
    let variables = match near {
        Value::Object(near) if way != Way::OneFeed => near,
        _ => Map::new(),
    };
    let queue = SendQueue::new(SendQueueBudget { bytes: 1 << 20, age: Duration::from_mins(1) });
    let offers = if way == Way::Points {
        OFFERS.replace("GeoPointInput", "GeoPointInput!").replace("Float", "Float!")
    } else {
        OFFERS.to_owned()
    };
    let call = Call::new(offers, None, variables, RequestId("bench".to_owned()));
    let (operation, taken) = (engine.start(call, Arc::new(Anyone(actor)), &queue, 1), Arc::clone(taken));
    let reader = tokio::spawn(async move {
        while queue.next().await.is_ok() {
            taken.fetch_add(1, Ordering::AcqRel);
        }
    });
    (operation, reader)
}

/// Processor time that each thread of this process has used: of a process as a whole Linux tells hundredths of a second.
fn spent() -> Outcome<HashMap<OsString, Duration>> {
    let mut spent = HashMap::new();
    for thread in std::fs::read_dir("/proc/self/task")? {
        let thread = thread?;
        // one may end in between
        let Ok(statistics) = std::fs::read_to_string(thread.path().join("schedstat")) else { continue };
        let nanoseconds = statistics.split_whitespace().next().ok_or("no time")?.parse()?;
        spent.insert(thread.file_name(), Duration::from_nanos(nanoseconds));
    }
    Ok(spent)
}

struct City {
    customer: Actor,
    products: Vec<Uuid>,
}

impl City {
    async fn found(app: &App) -> Outcome<Self> {
        let category = service::save_category(app, None, "food", "Food").await.map_err(|error| broken(&error))?.id;
        let mut products = Vec::new();
        for number in 0..STORES {
            let store = store(app, number).await?;
            products.push(sell(app, category, store, number).await?);
        }
        let customer = person(app, Role::Customer, "customer").await?;
        Ok(Self {
            customer: Actor {
                user: customer,
                role: Role::Customer,
                seller: None,
                session: customer,
                request: None,
                key: None,
            },
            products,
        })
    }

    /// Where order `number` is picked up.
    fn pickup(number: u32) -> Point {
        somewhere(1_000_000 + number % STORES)
    }

    /// Partners whose group hears of an order, on average.
    fn hearers() -> f64 {
        let covers = (0..PARTNERS).filter_map(|number| Cover::of(&Circle::new(somewhere(number), RADIUS_KM)?));
        let covers: Vec<Cover> = covers.collect();
        let cells = (0..ORDERS).map(|number| cell(Self::pickup(number), Grain::Fine));
        let heard: usize = cells.map(|cell| covers.iter().filter(|cover| cover.cells.contains(&cell)).count()).sum();
        f64::from(u32::try_from(heard).unwrap_or(u32::MAX)) / f64::from(ORDERS)
    }

    async fn order(&self, app: &App, number: u32) -> Outcome {
        let address = NewAddress {
            label: "Home".to_owned(),
            line1: "12 Lake Road".to_owned(),
            line2: None,
            city: "Bengaluru".to_owned(),
            region: None,
            postal_code: "560001".to_owned(),
            country: "IN".to_owned(),
            point: Some(somewhere(2_000_000 + number)),
            instructions: None,
            is_default: false,
        };
        let product = self.products[(number % STORES) as usize];
        let wish = Place {
            lines: Some(vec![PlaceLine { product, quantity: 1 }]),
            address_id: None,
            address: Some(address),
            payment_method: PaymentMethod::CashOnDelivery,
            promo_code: None,
            note: None,
            expected_total: None,
        };
        let key = app.ids.uuid().to_string();
        place(app, self.customer, &key, wish).await.map_err(|error| broken(&error))?;
        Ok(())
    }
}

async fn person(app: &App, role: Role, name: &str) -> Outcome<Uuid> {
    let (id, now) = (app.ids.uuid(), app.clock.now());
    let row = user::Model {
        id,
        email: format!("{name}@example.org"),
        password_hash: entity::PasswordHash::default(),
        name: name.to_owned(),
        phone: None,
        role: role.into(),
        is_active: true,
        email_verified_at: None,
        created_at: now,
        updated_at: now,
    };
    user::Entity::insert(row.into_active_model()).exec_without_returning(app.db.writer()).await?;
    Ok(id)
}

async fn store(app: &App, number: u32) -> Outcome<Uuid> {
    let (user, id, point) =
        (person(app, Role::Seller, &format!("seller{number}")).await?, app.ids.uuid(), City::pickup(number));
    let row = seller::Model {
        id,
        user_id: user,
        store_name: format!("Store {number}"),
        latitude: point.latitude,
        longitude: point.longitude,
        preparation: Preparation::Automatic.into(),
        rating_sum: 0,
        rating_count: 0,
        created_at: app.clock.now(),
    };
    seller::Entity::insert(row.into_active_model()).exec_without_returning(app.db.writer()).await?;
    Ok(id)
}

async fn sell(app: &App, category: Uuid, store: Uuid, number: u32) -> Outcome<Uuid> {
    let (id, now) = (app.ids.uuid(), app.clock.now());
    let mut row = product::Model {
        id,
        sku: format!("SKU-{number}"),
        seller_id: store,
        category_id: category,
        name: format!("Milk {number}"),
        name_key: String::new(),
        search_text: String::new(),
        description: "As it should be.".to_owned(),
        price_minor: 5_000,
        compare_at_minor: None,
        currency: Currency::Inr.into(),
        images: Strings(Vec::new()),
        tags: Strings(Vec::new()),
        is_active: true,
        sold_count: 0,
        rating_sum: 0,
        rating_count: 0,
        created_at: now,
        updated_at: now,
    };
    catalog::index(&mut row);
    product::Entity::insert(row.into_active_model()).exec_without_returning(app.db.writer()).await?;
    let (on_hand, reserved, low_stock_threshold) = (100_000, 0, 0);
    let row = stock::Model { product_id: id, on_hand, reserved, low_stock_threshold, is_low: false, was_low: false };
    stock::Entity::insert(row.into_active_model()).exec_without_returning(app.db.writer()).await?;
    Ok(id)
}
