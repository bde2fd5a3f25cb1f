//! Offers by area: a neighbourhood hears of its own orders, all of them, and is not bothered with others.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use domain::access::{Actor as Principal, Role};
use domain::area::{self, Grain};
use domain::event::Topic;
use domain::geo::{Circle, KM_PER_DEGREE, Point};
use domain::id::{Kind, encode};
use entity::{order, seller};
use quick_commerce::app::App;
use quick_commerce::dispatch::service::{Ask, ask};
use quick_commerce::graphql::build_schema;
use quick_commerce::orders::service::{list_first_offered, list_offered};
use quick_commerce::platform::page::PageArgs;
use quick_commerce::platform::relay::{self, Since};
use quick_commerce::stream::Engine;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, DbBackend, EntityTrait as _, FromQueryResult as _,
    IntoActiveModel as _, JsonValue, QueryFilter as _, Statement,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::build;
use crate::support::crowd::{customers, partners, place, refused, uuid};
use crate::support::story::{ASSIGN_ORDER, CANCEL_ORDER, Shop, key, seller_with_product};
use crate::support::ticks::{Follower, someone};
use crate::support::wait::until;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    a_neighbourhood_hears_of_its_own_offers_and_others_cost_it_nothing,
    a_cursor_of_an_area_brings_what_was_missed_and_nothing_twice,
    a_cursor_of_another_circle_starts_anew,
    partners_who_are_at_about_the_same_place_are_told_the_same_in_one_execution,
    a_message_that_one_cell_lost_is_brought_by_a_cursor_past_it,
    the_list_and_the_feed_of_a_circle_agree_on_every_store,
    offers_around_a_point_are_read_by_the_cells_of_an_index,
    an_order_from_before_there_were_cells_is_found,
    why_an_order_is_offered_no_more_is_told,
    a_first_picture_that_shows_everything_says_so,
}

const AROUND: &str = "subscription Around($near: GeoPointInput, $radiusKm: Float, $after: EventCursor) {
    availableOrders(near: $near, radiusKm: $radiusKm, after: $after) { __typename
        ... on AvailableOrdersSnapshot { cursor more orders { orderId pickupDistanceKm } }
        ... on OrderAvailable { cursor order { orderId pickupDistanceKm } }
        ... on OrderUnavailable { cursor orderId why: reason }
        ... on StreamReset { cursor reset: reason } } }";

/// Where stores are at first.
const CITY: Point = Point { latitude: 12.972, longitude: 77.595 };

fn around(point: Point, radius_km: f64) -> Value {
    json!({ "near": { "latitude": point.latitude, "longitude": point.longitude }, "radiusKm": radius_km })
}

/// A point so many kilometres to the north and to the east of [`CITY`].
fn away(north_km: f64, east_km: f64) -> Point {
    let east = KM_PER_DEGREE * CITY.latitude.to_radians().cos();
    Point { latitude: CITY.latitude + north_km / KM_PER_DEGREE, longitude: CITY.longitude + east_km / east }
}

/// From now on the store is at `point`.
async fn move_to(app: &App, shop: &Shop, point: Point) {
    seller::Entity::update_many()
        .col_expr(seller::Column::Latitude, Expr::value(point.latitude))
        .col_expr(seller::Column::Longitude, Expr::value(point.longitude))
        .filter(seller::Column::UserId.eq(uuid(Kind::User, &shop.seller.user_id)))
        .exec(app.db.writer())
        .await
        .unwrap();
}

/// A city with one store, which moves about.
struct City {
    app: TestApp,
    shop: Shop,
    buyer: Principal,
    partner: Principal,
    engine: Engine,
}

impl City {
    async fn start(shape: Shape) -> Self {
        let app = TestApp::start(shape).await;
        let shop = seller_with_product(&app, 100_000, "40.00").await;
        let (buyer, partner) = (customers(&app.app, 1).await[0], partners(&app.app, 1, 1_000).await[0]);
        let engine = Engine::new(app.app.clone(), build_schema(&app.app));
        Self { app, shop, buyer, partner, engine }
    }

    /// An order to be picked up at `point`.
    async fn offer(&self, point: Point) -> order::Model {
        move_to(&self.app.app, &self.shop, point).await;
        place(&self.app.app, self.buyer, &[(uuid(Kind::Product, &self.shop.product_id), 1)]).await.unwrap()
    }

    async fn claim(&self, order: &order::Model) {
        refused(ask(&self.app.app, self.partner, &key(), Ask::Claim { order: order.id, accept: true }).await).unwrap();
    }

    /// Begins to follow, and is live; the snapshot, or whatever comes first.
    async fn follow(&self, variables: &Value) -> (Follower, Value) {
        let subscriptions = self.engine.counts().subscriptions + 1;
        let (follower, first) = self.resume(variables).await;
        until(|| async { self.engine.counts().subscriptions == subscriptions }).await;
        (follower, first)
    }

    /// Begins to follow; what comes first. It is live once all that was missed has been read.
    async fn resume(&self, variables: &Value) -> (Follower, Value) {
        let mut follower = Follower::start(&self.engine, Some(someone(1, Role::Partner)), AROUND, variables);
        let first = follower.item().await;
        (follower, first)
    }
}

fn id(order: &order::Model) -> Value {
    json!(encode(Kind::Order, order.id))
}

async fn a_neighbourhood_hears_of_its_own_offers_and_others_cost_it_nothing(shape: Shape) {
    let city = City::start(shape).await;
    let far = away(33.0, 0.0);
    let (mut here, _) = city.follow(&around(CITY, 5.0)).await;
    let (mut there, _) = city.follow(&around(far, 5.0)).await;
    let (mut wide, _) = city.follow(&around(CITY, 50.0)).await;
    let counts = city.engine.counts();
    for _ in 0..3 {
        let order = city.offer(CITY).await;
        assert_eq!(here.item().await["order"], json!({ "orderId": id(&order), "pickupDistanceKm": 0.0 }));
        assert_eq!(wide.item().await["order"]["orderId"], id(&order));
    }
    let did = |now: quick_commerce::stream::Counts| {
        (now.events - counts.events, now.executions - counts.executions, now.messages - counts.messages)
    };
    until(|| async { did(city.engine.counts()) == (6, 6, 6) }).await;

    // in a cell of theirs, and not in their circle
    let edge = away(5.2, 0.0);
    assert!(area::Cover::of(&Circle::new(CITY, 5.0).unwrap()).unwrap().cells.contains(&area::cell(edge, Grain::Fine)));
    let beyond = city.offer(edge).await;
    let last = city.offer(far).await;
    for order in [&beyond, &last] {
        assert_eq!(wide.item().await["order"]["orderId"], id(order));
    }
    assert_eq!(there.item().await["order"]["orderId"], id(&last));
    until(|| async { did(city.engine.counts()) == (9, 9, 9) }).await;
    city.claim(&last).await;
    assert_eq!(there.item().await["why"], "CLAIMED");
    assert_eq!(wide.item().await["why"], "CLAIMED");
    until(|| async { did(city.engine.counts()) == (11, 11, 11) }).await;
    let next = city.offer(CITY).await;
    assert_eq!(here.item().await["order"]["orderId"], id(&next), "they heard of nothing in between");
    assert_eq!(city.engine.counts().repairs, counts.repairs, "and nothing had to be looked for");
}

async fn a_cursor_of_an_area_brings_what_was_missed_and_nothing_twice(shape: Shape) {
    let city = City::start(shape).await;
    let before = city.offer(CITY).await;
    // what has no position yet when a snapshot shows it comes again to whoever resumes from there
    until(|| async { relay::settled(city.app.app.db.reader()).await.unwrap().is_some() }).await;
    for radius_km in [3.0, 20.0] {
        let (gone, first) = city.follow(&around(CITY, radius_km)).await;
        drop(gone);
        let mut missed = Vec::new();
        // in different cells, by turns
        for (north, east) in [(0.0, 0.0), (2.0, 0.0), (40.0, 0.0), (-2.0, 0.5), (0.0, 2.0), (0.0, -60.0), (0.0, 0.0)] {
            let order = city.offer(away(north, east)).await;
            if north + east < 30.0 && east > -30.0 {
                missed.push(order);
            }
        }
        city.claim(&missed[1]).await;
        let mut variables = around(CITY, radius_km);
        variables["after"] = first["cursor"].clone();
        let (mut back, mut item) = city.resume(&variables).await;
        let mut cursors = BTreeSet::new();
        for order in &missed {
            assert_eq!(item["order"]["orderId"], id(order), "{radius_km} km: {item}");
            cursors.insert(item["cursor"].to_string());
            item = back.item().await;
        }
        assert_eq!((&item["orderId"], &item["why"]), (&id(&missed[1]), &json!("CLAIMED")));
        assert_eq!(cursors.len(), missed.len(), "each has its own");
        let live = city.offer(away(1.0, 1.0)).await;
        assert_eq!(back.item().await["order"]["orderId"], id(&live));

        variables["after"] = item["cursor"].clone();
        let (_again, item) = city.resume(&variables).await;
        assert_eq!(item["order"]["orderId"], id(&live), "the rest, and nothing of what was there before");
    }
    let (_all, snapshot) = city.follow(&around(CITY, 3.0)).await;
    assert_eq!(snapshot["orders"][0]["orderId"], id(&before), "waiting longest first");
}

async fn a_cursor_of_another_circle_starts_anew(shape: Shape) {
    let city = City::start(shape).await;
    let (_one, first) = city.follow(&around(CITY, 3.0)).await;
    let (_all, everything) = city.follow(&json!({})).await;
    for (cursor, mut variables) in [
        (&first["cursor"], around(CITY, 3.5)),
        (&first["cursor"], around(away(0.1, 0.0), 3.0)),
        (&first["cursor"], json!({})),
        (&everything["cursor"], around(CITY, 3.0)),
    ] {
        variables["after"] = cursor.clone();
        let (mut other, reset) = city.resume(&variables).await;
        assert_eq!(reset["reset"], "SERVER", "{variables}: {reset}");
        assert_eq!(other.item().await["__typename"], "AvailableOrdersSnapshot");
    }
}

async fn partners_who_are_at_about_the_same_place_are_told_the_same_in_one_execution(shape: Shape) {
    let city = City::start(shape).await;
    let exactly = json!({ "near": { "latitude": 12.972, "longitude": 77.595 }, "radiusKm": 5 });
    let (mut one, first) = city.follow(&exactly).await;
    let mut about = around(Point { latitude: 12.972_31, longitude: 77.594_62 }, 5.0);
    let (mut other, _) = city.follow(&about).await;
    let (mut silent, _) = city.follow(&json!({ "near": about["near"] })).await;
    assert_eq!(city.engine.counts().groups, 1, "in other words, and five kilometres unless it is said");
    let executions = city.engine.counts().executions;
    let order = city.offer(away(2.0, 0.0)).await;
    for follower in [&mut one, &mut other, &mut silent] {
        let distance = away(2.0, 0.0).distance_m(CITY);
        let item = follower.item().await;
        assert_eq!(item["order"]["orderId"], id(&order));
        assert!((item["order"]["pickupDistanceKm"].as_f64().unwrap() * 1_000.0 - distance).abs() <= 5.0, "{item}");
    }
    assert_eq!(city.engine.counts().executions, executions + 1);
    // who has moved a little goes on where they were
    about["after"] = first["cursor"].clone();
    let (_back, item) = city.resume(&about).await;
    assert_eq!(item["order"]["orderId"], id(&order));
    let (mut beside, _) = city.follow(&around(Point { latitude: 12.972_6, longitude: 77.595 }, 5.0)).await;
    assert_eq!(city.engine.counts().groups, 2);
    // what they ask is executed by turns, and each is told how far it is from there
    for north_km in [1.0, 2.5] {
        let pickup = away(north_km, 0.0);
        let order = city.offer(pickup).await;
        for (follower, centre) in [(&mut one, CITY), (&mut beside, Point { latitude: 12.973, ..CITY })] {
            let item = follower.item().await;
            assert_eq!(item["order"]["orderId"], id(&order));
            let told_m = item["order"]["pickupDistanceKm"].as_f64().unwrap() * 1_000.0;
            assert!((told_m - centre.distance_m(pickup)).abs() <= 5.0, "{item}");
        }
    }
}

async fn a_message_that_one_cell_lost_is_brought_by_a_cursor_past_it(shape: Shape) {
    let city = City::start(shape).await;
    let app = &city.app.app;
    // its bus brings what the test has it bring
    let mut settings = app.config.clone();
    settings.redis_prefix = format!("{}-far", settings.redis_prefix);
    let far = build(settings, app.clock.clone(), 9).await;
    let engine = Engine::new(far.clone(), build_schema(&far));
    let mut follower = Follower::start(&engine, Some(someone(1, Role::Partner)), AROUND, &around(CITY, 5.0));
    follower.item().await;
    until(|| async { engine.counts().subscriptions == 1 }).await;
    let (lost, told) = (city.offer(CITY).await, city.offer(away(3.0, 0.0)).await);
    let topic = |order: &order::Model| Topic::Area(u64::try_from(order.pickup_cell).unwrap());
    assert_ne!(topic(&lost), topic(&told));
    until(|| async { relay::settled(far.db.reader()).await.unwrap().is_some() }).await;
    let Since::Messages(messages, _) = relay::since(far.db.reader(), topic(&told), 0, 10).await.unwrap() else { panic!() };
    far.bus.publish(vec![(topic(&told), messages[0].clone())]).await.unwrap();
    let item = follower.item().await;
    assert_eq!(item["order"]["orderId"], id(&told));
    let mut variables = around(CITY, 5.0);
    variables["after"] = item["cursor"].clone();
    let (mut back, item) = city.resume(&variables).await;
    assert_eq!(item["order"]["orderId"], id(&lost));
    assert_eq!(back.item().await["order"]["orderId"], id(&told), "nobody can tell which of them it was");
}

async fn the_list_and_the_feed_of_a_circle_agree_on_every_store(shape: Shape) {
    let city = City::start(shape).await;
    let mut feeds = Vec::new();
    for radius_km in [1.0, 4.9, 5.0, 5.1, 25.0] {
        let centre = away(1.5, -0.7).rounded();
        let (feed, first) = city.follow(&around(centre, radius_km)).await;
        feeds.push((Circle::new(centre, radius_km).unwrap(), feed, first["cursor"].clone()));
    }
    let mut offered = Vec::new();
    for step in 0..40_u32 {
        let (angle, km) = (f64::from(step) * 2.4, 0.02 * f64::from(step) * f64::from(step));
        offered.push(city.offer(away(1.5 + km * angle.sin(), -0.7 + km * angle.cos())).await);
    }
    // in all of them: with this everything before it has come
    let last = city.offer(away(1.5, -0.7)).await;
    offered.push(last.clone());
    let order_of = |item: &Value| uuid(Kind::Order, item["orderId"].as_str().unwrap());
    for (circle, mut feed, before) in feeds {
        let inside = offered
            .iter()
            .filter(|order| circle.contains(Point { latitude: order.pickup_latitude, longitude: order.pickup_longitude }));
        let expected: BTreeSet<Uuid> = inside.map(|order| order.id).collect();
        assert!(expected.len() > 3 && (circle.radius_km > 20.0 || expected.len() < 41), "{circle:?}: {}", expected.len());
        let mut told = BTreeSet::new();
        while !told.contains(&last.id) {
            let item = feed.item().await;
            assert!(told.insert(order_of(&item["order"])), "twice: {item}");
        }
        assert_eq!(told, expected, "{circle:?}");
        // whoever was away, and whoever comes now
        let mut variables = around(circle.centre, circle.radius_km);
        let (_now, picture) = city.follow(&variables).await;
        let shown: BTreeSet<Uuid> = picture["orders"].as_array().unwrap().iter().map(order_of).collect();
        assert_eq!(shown, expected, "{circle:?}");
        variables["after"] = before;
        let (mut back, mut item) = city.resume(&variables).await;
        let mut missed = BTreeSet::from([order_of(&item["order"])]);
        while !missed.contains(&last.id) {
            item = back.item().await;
            missed.insert(order_of(&item["order"]));
        }
        assert_eq!(missed, expected, "{circle:?}");
        let listed = list_first_offered(city.app.app.db.reader(), Some(circle), 100).await.unwrap();
        assert_eq!(listed.iter().map(|order| order.id).collect::<BTreeSet<_>>(), expected, "{circle:?}");
    }
}

/// Copies of `order`, ready a second after one another, on a square of `side` kilometres with so many on each side.
async fn multiply(app: &App, order: &order::Model, side: f64, count: u32) -> Vec<order::Model> {
    let mut copies = Vec::new();
    for number in 0..count * count {
        let at = |place: u32| side * (f64::from(place) / f64::from(count) - 0.5);
        let point = away(at(number / count), at(number % count));
        copies.push(order::Model {
            id: app.ids.uuid(),
            number: format!("COPY-{number}"),
            pickup_latitude: point.latitude,
            pickup_longitude: point.longitude,
            pickup_cell: area::cell(point, Grain::Fine).cast_signed(),
            pickup_region: area::cell(point, Grain::Wide).cast_signed(),
            // in no order of place
            ready_at: Some(order.created_at + chrono::TimeDelta::seconds((number * 7919 % 10_007).into())),
            ..order.clone()
        });
    }
    for some in copies.chunks(300) {
        let rows = some.iter().map(|row| row.clone().into_active_model().reset_all());
        order::Entity::insert_many(rows).exec_without_returning(app.db.writer()).await.unwrap();
    }
    app.db.writer().execute_unprepared("ANALYZE").await.unwrap();
    copies
}

async fn offers_around_a_point_are_read_by_the_cells_of_an_index(shape: Shape) {
    let city = City::start(shape).await;
    let app = &city.app.app;
    let first = city.offer(CITY).await;
    let mut copies = multiply(app, &first, 300.0, 60).await;
    copies.push(first);
    copies.sort_by_key(|order| (order.ready_at, order.id));
    let sent = Arc::new(Mutex::new(Vec::<Statement>::new()));
    let heard = Arc::clone(&sent);
    app.db.on_statement(move |statement| {
        if statement.sql.contains("\"orders\".\"pickup_latitude\" -") || statement.sql.contains("\"pickup_latitude\" -") {
            heard.lock().unwrap().push(statement.clone());
        }
    });
    for (radius_km, index) in [(5.0, "orders_cell_idx"), (40.0, "orders_region_idx")] {
        let circle = Circle::new(CITY, radius_km).unwrap();
        let inside = copies
            .iter()
            .filter(|order| circle.contains(Point { latitude: order.pickup_latitude, longitude: order.pickup_longitude }));
        let expected: Vec<Uuid> = inside.map(|order| order.id).collect();
        let (mut after, mut listed) = (None, Vec::new());
        loop {
            let args = PageArgs::new(&"some list", Some(3), after.as_deref(), None, None).unwrap();
            let page = list_offered(app.db.reader(), Some(circle), &args).await.unwrap();
            listed.extend(page.rows.iter().map(|(_, order)| order.id));
            after = page.rows.last().map(|(cursor, _)| cursor.clone());
            if !page.has_next {
                break;
            }
        }
        assert_eq!(listed, expected, "page by page, waiting longest first");
        assert!(expected.len() > 3 && expected.len() < 400, "{}", expected.len());
        let statements = std::mem::take(&mut *sent.lock().unwrap());
        assert!(statements.len() > 1, "the first page and others");
        for statement in statements {
            let how = if statement.db_backend == DbBackend::Postgres { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
            let explain = Statement { sql: format!("{how} {}", statement.sql), ..statement };
            let plan = JsonValue::find_by_statement(explain).all(app.db.reader()).await.unwrap();
            assert!(json!(plan).to_string().contains(index), "{index} in {plan:#?}");
        }
        sent.lock().unwrap().clear();
    }
}

async fn an_order_from_before_there_were_cells_is_found(shape: Shape) {
    let city = City::start(shape).await;
    let app = &city.app.app;
    let order = city.offer(CITY).await;
    assert_eq!(u64::try_from(order.pickup_cell), Ok(area::cell(CITY, Grain::Fine)));
    let forget = order::Entity::update_many()
        .col_expr(order::Column::PickupCell, Expr::value(0_i64))
        .col_expr(order::Column::PickupRegion, Expr::value(0_i64));
    forget.exec(app.db.writer()).await.unwrap();
    for (centre, radius_km, count) in [(CITY, 2.0, 1), (CITY, 30.0, 1), (away(3.0, 0.0), 2.0, 0), (away(60.0, 0.0), 50.0, 0)]
    {
        let circle = Circle::new(centre, radius_km);
        let listed = list_first_offered(app.db.reader(), circle, 10).await.unwrap();
        assert_eq!(listed.len(), count, "{circle:?}");
    }
    let (mut feed, snapshot) = city.follow(&around(CITY, 2.0)).await;
    assert_eq!(snapshot["orders"][0]["orderId"], id(&order));
    city.claim(&order).await;
    assert_eq!(feed.item().await["why"], "CLAIMED", "what happens to it is told in its cell");
}

async fn why_an_order_is_offered_no_more_is_told(shape: Shape) {
    let city = City::start(shape).await;
    let admin = city.app.admin().await;
    let (mut here, _) = city.follow(&around(CITY, 5.0)).await;
    for why in ["CLAIMED", "CANCELLED", "ASSIGNED"] {
        let order = city.offer(CITY).await;
        assert_eq!(here.item().await["order"]["orderId"], id(&order));
        let mut input = json!({ "idempotencyKey": key(), "orderId": id(&order) });
        match why {
            "CLAIMED" => city.claim(&order).await,
            "CANCELLED" => {
                city.shop.seller.mutate(CANCEL_ORDER, input).await.ok("cancelOrder");
            }
            _ => {
                input["partnerId"] = json!(encode(Kind::User, city.partner.user));
                admin.mutate(ASSIGN_ORDER, input).await.ok("assignOrder");
            }
        }
        let item = here.item().await;
        assert_eq!((&item["orderId"], &item["why"]), (&id(&order), &json!(why)));
    }
}

async fn a_first_picture_that_shows_everything_says_so(shape: Shape) {
    let city = City::start(shape).await;
    let first = city.offer(CITY).await;
    multiply(&city.app.app, &first, 1.0, 10).await;
    city.claim(&first).await;
    let mut followers = Vec::new();
    for more in [false, true] {
        let (follower, picture) = city.follow(&around(CITY, 5.0)).await;
        assert_eq!((picture["orders"].as_array().unwrap().len(), &picture["more"]), (100, &json!(more)));
        followers.push(follower);
        city.offer(CITY).await;
    }
}
