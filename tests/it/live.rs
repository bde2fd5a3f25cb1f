//! Live feeds: a snapshot, then every change in order, whatever happens to instances, to Redis and to the subscriber.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use async_graphql::{Context, EmptyMutation, Schema, Subscription};
use domain::access::Actor as Principal;
use domain::event::Topic;
use domain::id::Kind;
use entity::{event, order, relay as relays, seller};
use futures_util::stream::BoxStream;
use quick_commerce::app::App;
use quick_commerce::dispatch::service::{Ask, ask};
use quick_commerce::graphql::limits::limited;
use quick_commerce::graphql::scalars::EventCursor;
use quick_commerce::orders::graphql::order_version;
use quick_commerce::platform::bus::Message;
use quick_commerce::platform::relay;
use quick_commerce::stream::{Engine, Snapshot, SnapshotCursors, Source, StreamReset, follow};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::actors::{Actor, Api, SET_AVAILABILITY};
use crate::support::audit::audit;
use crate::support::crowd::{at_once, partners, refused, uuid};
use crate::support::feed::{ADMIN_UPDATES, Feed, MY_ORDER_UPDATES, SELLER_ORDER_UPDATES};
use crate::support::redis::Redis;
use crate::support::socket::End;
use crate::support::story::{
    ASSIGN_ORDER, AVAILABLE_ORDERS, ORDER_UPDATES, Shop, by_hand, claim, deliver, key, order as read_order, place_order,
    seller_with_product, step, try_claim,
};
use crate::support::ticks::{Follower, Nothing};
use crate::support::wait::{until, until_quiet};
use crate::support::{Shape, TestApp, TestCluster, over_both_shapes};

mod instances;
mod lost;
mod slow;

over_both_shapes! {
    everybody_hears_of_their_own_orders_and_of_no_others,
    a_feed_is_refused_to_whoever_it_is_not_for,
    admins_hear_of_partners_and_of_the_states_they_ask_for,
    whoever_attaches_in_the_middle_of_it_misses_nothing,
    what_happens_while_a_snapshot_is_read_is_neither_lost_nor_told_twice,
    what_is_available_is_known_whenever_one_begins_to_listen,
    a_cursor_brings_what_was_missed_and_nothing_twice,
    a_cursor_of_another_server_starts_anew,
    whoever_is_cut_off_within_a_snapshot_gets_all_of_it_again,
    whoever_has_no_order_yet_can_resume_as_well,
    what_is_no_longer_kept_starts_anew,
    partners_hear_of_what_is_around_them,
}

/// The version of every order that `feed` may hear of, by the database.
async fn versions(app: &App, of: Option<&Actor>) -> BTreeMap<String, i64> {
    let mut select = order::Entity::find();
    if let Some(customer) = of {
        select = select.filter(order::Column::CustomerId.eq(uuid(Kind::User, &customer.user_id)));
    }
    let orders = select.all(app.db.reader()).await.unwrap();
    orders.iter().map(|order| (domain::id::encode(Kind::Order, order.id), order.version.into())).collect()
}

/// Brings an order of a store that packs by hand to the door.
async fn carry_out(shop: &Shop, customer: &Actor, partner: &Actor, id: &str) {
    step(&shop.seller, id, "PREPARING").await;
    step(&shop.seller, id, "READY").await;
    claim(partner, id).await;
    deliver(partner, customer, id).await;
}

async fn everybody_hears_of_their_own_orders_and_of_no_others(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, other_shop, admin) =
        tokio::join!(seller_with_product(&app, 100, "40.00"), seller_with_product(&app, 100, "40.00"), app.admin());
    let (anna, boris) = tokio::join!(app.customer(), app.customer());
    by_hand(&app, &shop.seller).await;
    by_hand(&app, &other_shop.seller).await;
    let first = place_order(&anna, &shop.product_id, 1).await;
    let apart = place_order(&boris, &other_shop.product_id, 1).await;

    let mut annas = Feed::follow(&anna, MY_ORDER_UPDATES, json!({})).await;
    let mut boriss = Feed::follow(&boris, MY_ORDER_UPDATES, json!({})).await;
    let mut shops = Feed::follow(&shop.seller, SELLER_ORDER_UPDATES, json!({})).await;
    let mut others = Feed::follow(&other_shop.seller, SELLER_ORDER_UPDATES, json!({})).await;
    let mut admins = Feed::follow(&admin, ADMIN_UPDATES, json!({})).await;
    let mut one = Feed::follow(&anna, ORDER_UPDATES, json!({ "orderId": first })).await;
    for feed in [&mut annas, &mut boriss, &mut shops, &mut others, &mut one] {
        feed.snapshot(1).await;
    }
    assert_eq!(admins.next().await["__typename"], "AdminSnapshot");

    let stories = [&anna, &boris, &anna, &boris].map(|customer| {
        let (app, shop, customer) = (app.api.clone(), (shop.seller.clone(), shop.product_id.clone()), customer.clone());
        async move {
            let partner = app.partner().await;
            let id = place_order(&customer, &shop.1, 1).await;
            let shop = Shop { seller: shop.0, category_id: String::new(), product_id: shop.1 };
            carry_out(&shop, &customer, &partner, &id).await;
        }
    });
    at_once(stories).await;
    step(&shop.seller, &first, "PREPARING").await;

    let all = versions(&app.app, None).await;
    annas.catch_up(&versions(&app.app, Some(&anna)).await).await;
    assert_eq!(annas.versions, versions(&app.app, Some(&anna)).await, "hers and no others");
    boriss.catch_up(&versions(&app.app, Some(&boris)).await).await;
    assert_eq!(boriss.versions, versions(&app.app, Some(&boris)).await, "his and no others");
    let expected: BTreeMap<String, i64> =
        all.iter().filter(|(id, _)| **id != apart).map(|(id, v)| (id.clone(), *v)).collect();
    shops.catch_up(&expected).await;
    assert_eq!(shops.versions, expected, "this store's and no others");
    admins.catch_up(&expected).await;
    assert_eq!(one.next().await["event"]["type"], "PREPARING", "of this order nothing else happened");
    step(&other_shop.seller, &apart, "PREPARING").await;
    assert_eq!(others.next().await["order"]["id"], apart.as_str(), "nothing came of the other store's");
    audit(&app.app).await;
}

async fn refusal(actor: &Actor, document: &str, variables: Value) -> String {
    let (items, end) = actor.subscribe(document, variables).await.end().await;
    assert_eq!(items, [] as [Value; 0], "nothing before it is refused");
    end.code().to_owned()
}

async fn a_feed_is_refused_to_whoever_it_is_not_for(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner, admin) =
        tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner(), app.admin());
    let stranger = app.customer().await;
    let id = place_order(&customer, &shop.product_id, 1).await;
    for who in [&stranger, &partner] {
        assert_eq!(refusal(who, ORDER_UPDATES, json!({ "orderId": id })).await, "NOT_FOUND");
    }
    let feeds = [
        (MY_ORDER_UPDATES, &customer),
        (SELLER_ORDER_UPDATES, &shop.seller),
        (AVAILABLE_ORDERS, &partner),
        (ADMIN_UPDATES, &admin),
    ];
    for (document, its_own) in feeds {
        for who in [&customer, &shop.seller, &partner, &admin].into_iter().filter(|who| who.user_id != its_own.user_id) {
            assert_eq!(refusal(who, document, json!({})).await, "FORBIDDEN");
        }
        assert_eq!(refusal(&app.anonymous(), document, json!({})).await, "UNAUTHENTICATED");
    }
    for bad in [json!({ "after": "x" }), json!({ "after": 7 })] {
        let (_, end) = customer.subscribe(MY_ORDER_UPDATES, bad).await.end().await;
        assert!(matches!(end, End::Errors(_)), "{end:?}");
    }
}

async fn admins_hear_of_partners_and_of_the_states_they_ask_for(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin, partner) =
        tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.admin(), app.partner_off_duty());
    by_hand(&app, &shop.seller).await;
    place_order(&customer, &shop.product_id, 1).await;
    let mut feed = Feed::follow(&admin, ADMIN_UPDATES, json!({ "status": ["READY", "DELIVERED"] })).await;
    let snapshot = feed.next().await;
    assert_eq!((&snapshot["__typename"], &snapshot["stats"]["activePartners"]), (&json!("AdminSnapshot"), &json!(0)));
    let counts = snapshot["stats"]["ordersByStatus"].as_array().unwrap();
    assert!(counts.contains(&json!({ "status": "CONFIRMED", "count": 1 })), "{counts:?}");

    for available in [true, false, true] {
        // said twice it is news once
        for _ in 0..2 {
            partner.mutate(SET_AVAILABILITY, json!({ "available": available })).await.ok("setAvailability");
        }
        let item = feed.next().await;
        assert_eq!((&item["__typename"], &item["partner"]["id"]), (&json!("PartnerChanged"), &json!(partner.user_id)));
    }
    let id = place_order(&customer, &shop.product_id, 1).await;
    carry_out(&shop, &customer, &partner, &id).await;
    for status in ["READY", "DELIVERED"] {
        // versions have gaps here, which is what the filter is for
        feed.versions.clear();
        let item = feed.next().await;
        assert_eq!((&item["order"]["id"], &item["order"]["status"]), (&json!(id), &json!(status)));
    }
}

/// Changes `order` again and again: held, given back, held. `rounds` of two changes.
async fn hold_and_release(app: App, partner: Principal, order: Uuid, rounds: usize) {
    for _ in 0..rounds {
        let held = refused(ask(&app, partner, &key(), Ask::Claim { order, accept: false }).await).unwrap();
        refused(ask(&app, partner, &key(), Ask::Release { claim: held.claim.id, reason: None }).await).unwrap();
    }
}

async fn whoever_attaches_in_the_middle_of_it_misses_nothing(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(place_order(&customer, &shop.product_id, 1).await);
    }
    let restless = partners(&app.app, 5, 10).await;
    let changing =
        ids.iter().zip(restless).map(|(id, partner)| hold_and_release(app.app.clone(), partner, uuid(Kind::Order, id), 20));
    let changing = tokio::spawn(at_once(changing.collect::<Vec<_>>()));
    // one after the other, so that each comes at another moment
    let mut feeds = Vec::new();
    for number in 0..12 {
        let (feed, count) = match number % 3 {
            0 => (Feed::follow(&shop.seller, SELLER_ORDER_UPDATES, json!({})).await, 5),
            1 => (Feed::follow(&customer, MY_ORDER_UPDATES, json!({})).await, 5),
            _ => (Feed::follow(&customer, ORDER_UPDATES, json!({ "orderId": ids[number % 5] })).await, 1),
        };
        let mut feed = feed;
        feed.snapshot(count).await;
        feeds.push(feed);
    }
    changing.await.unwrap();
    let last = versions(&app.app, None).await;
    let mut changes = 0;
    for feed in &mut feeds {
        let expected: BTreeMap<String, i64> =
            last.iter().filter(|(id, _)| feed.versions.contains_key(*id)).map(|(id, v)| (id.clone(), *v)).collect();
        changes += feed.catch_up(&expected).await;
        assert_eq!(feed.versions, expected);
    }
    assert!(changes > 0, "some came before the end of it");
    audit(&app.app).await;
}

/// Reads the order, and has it changed before and after, told to whoever listens by then.
#[derive(Clone, Copy)]
struct Restless {
    partner: Principal,
    order: Uuid,
}

impl Restless {
    async fn change(&self, app: &App) {
        hold_and_release(app.clone(), self.partner, self.order, 1).await;
        all_published(app).await;
    }
}

impl Source for Restless {
    type Item = i32;

    fn topic(&self) -> Topic {
        Topic::Order(self.order)
    }

    async fn snapshot(&self, app: &App, _: SnapshotCursors) -> quick_commerce::graphql::Result<Snapshot<i32>> {
        self.change(app).await;
        let version = order::Entity::find_by_id(self.order).one(app.db.reader()).await.unwrap().unwrap().version;
        self.change(app).await;
        Ok(Snapshot { items: vec![version], seen: HashMap::from([(self.order, version)]) })
    }

    fn version(&self, message: &Message) -> Option<(Uuid, i32)> {
        order_version(message)
    }

    async fn item(&self, _: &App, message: &Message, _: EventCursor) -> quick_commerce::graphql::Result<Option<i32>> {
        Ok(order_version(message).map(|(_, version)| version))
    }

    fn reset(&self, reset: StreamReset) -> Option<i32> {
        panic!("there is no reason for {reset:?}")
    }
}

struct Root(Restless);

#[Subscription]
impl Root {
    async fn version(
        &self,
        ctx: &Context<'_>,
    ) -> quick_commerce::graphql::Result<BoxStream<'static, quick_commerce::graphql::Result<i32>>> {
        follow(ctx, self.0, None).await
    }
}

async fn what_happens_while_a_snapshot_is_read_is_neither_lost_nor_told_twice(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    let order = uuid(Kind::Order, &place_order(&customer, &shop.product_id, 1).await);
    let source = Restless { partner: partners(&app.app, 1, 10).await[0], order };
    let schema = Schema::build(Nothing, EmptyMutation, Root(source)).data(app.app.clone());
    let engine = Engine::new(app.app.clone(), limited(schema, app.app.config.limits).finish());
    let mut items = Follower::start(&engine, None, "subscription { version }", &json!({}));
    for version in [6, 7, 8] {
        assert_eq!(items.item().await, version);
    }
}

async fn what_is_available_is_known_whenever_one_begins_to_listen(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(place_order(&customer, &shop.product_id, 1).await);
    }
    let restless = partners(&app.app, 6, 10).await;
    let changing = ids.iter().zip(restless.clone()).enumerate().map(|(number, (id, partner))| {
        let (app, order) = (app.app.clone(), uuid(Kind::Order, id));
        async move {
            hold_and_release(app.clone(), partner, order, 10).await;
            // some are gone in the end
            if number % 2 == 0 {
                refused(ask(&app, partner, &key(), Ask::Claim { order, accept: true }).await).unwrap();
            }
        }
    });
    let changing = tokio::spawn(at_once(changing.collect::<Vec<_>>()));
    let listener = app.partner().await;
    let mut feeds = Vec::new();
    for _ in 0..10 {
        let mut feed = listener.subscribe(AVAILABLE_ORDERS, json!({})).await;
        let first = feed.next().await;
        assert_eq!(first["__typename"], "AvailableOrdersSnapshot");
        let known: BTreeSet<String> =
            first["orders"].as_array().unwrap().iter().map(|order| order["orderId"].as_str().unwrap().to_owned()).collect();
        feeds.push((feed, known));
    }
    changing.await.unwrap();
    let last = place_order(&customer, &shop.product_id, 1).await;
    let expected: BTreeSet<String> = [&ids[1], &ids[3], &ids[5], &last].into_iter().cloned().collect();
    for (feed, known) in &mut feeds {
        while !known.contains(&last) {
            let item = feed.next().await;
            match item["__typename"].as_str().unwrap() {
                "OrderAvailable" => _ = known.insert(item["order"]["orderId"].as_str().unwrap().to_owned()),
                "OrderUnavailable" => _ = known.remove(item["orderId"].as_str().unwrap()),
                _ => panic!("{item}"),
            }
        }
        assert_eq!(*known, expected, "what a client shows in the end");
    }
    audit(&app.app).await;
}

async fn a_cursor_brings_what_was_missed_and_nothing_twice(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, admin, partner) =
        tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.admin(), app.partner());
    by_hand(&app, &shop.seller).await;
    let id = place_order(&customer, &shop.product_id, 1).await;
    // what was committed before the first picture may come after it
    until_quiet(&app.app).await;
    let feeds = [
        (&customer, MY_ORDER_UPDATES, json!({})),
        (&shop.seller, SELLER_ORDER_UPDATES, json!({})),
        (&customer, ORDER_UPDATES, json!({ "orderId": id })),
        (&admin, ADMIN_UPDATES, json!({})),
    ];
    let mut followed = Vec::new();
    for (actor, document, variables) in &feeds {
        let mut feed = Feed::follow(actor, document, variables.clone()).await;
        feed.next().await;
        followed.push(feed);
    }
    step(&shop.seller, &id, "PREPARING").await;
    let mut offline = Vec::new();
    for mut feed in followed {
        assert_eq!(feed.next().await["event"]["type"], "PREPARING");
        offline.push(feed);
    }
    let mut offers = partner.subscribe(AVAILABLE_ORDERS, json!({})).await;
    let cursor = offers.next().await["cursor"].clone();
    drop(offers);

    step(&shop.seller, &id, "READY").await;
    try_claim(&partner, &id, true).await.ok("claimOrder");
    let mut online = Vec::new();
    for (feed, (actor, document, variables)) in offline.into_iter().zip(&feeds) {
        let mut feed = feed.resume(actor, document, variables.clone()).await;
        for missed in ["READY", "ASSIGNED"] {
            assert_eq!(feed.next().await["event"]["type"], missed);
        }
        // and once more, where there is nothing to be told
        online.push(feed.resume(actor, document, variables.clone()).await);
    }
    step(&partner, &id, "PICKED_UP").await;
    for feed in &mut online {
        assert_eq!(feed.next().await["event"]["type"], "PICKED_UP", "nothing comes twice");
    }
    let mut offers = partner.subscribe(AVAILABLE_ORDERS, json!({ "after": cursor })).await;
    for expected in ["OrderAvailable", "OrderUnavailable"] {
        assert_eq!(offers.next().await["__typename"], expected);
    }
}

async fn whoever_is_cut_off_within_a_snapshot_gets_all_of_it_again(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    by_hand(&app, &shop.seller).await;
    place_some(&app, &customer, &shop, 3).await;
    // else what the snapshot shows may have its position after it, and come twice
    all_published(&app.app).await;
    let mut cut = customer.subscribe(MY_ORDER_UPDATES, json!({})).await;
    let mut cursors = Vec::new();
    for _ in 0..3 {
        cursors.push(cut.next().await["cursor"].clone());
    }
    for cursor in &cursors[..2] {
        let mut feed = Feed::follow(&customer, MY_ORDER_UPDATES, json!({ "after": cursor })).await;
        feed.snapshot(3).await;
    }
    let id = place_order(&customer, &shop.product_id, 1).await;
    let mut feed = Feed::follow(&customer, MY_ORDER_UPDATES, json!({ "after": cursors[2] })).await;
    let item = feed.next().await;
    assert_eq!((&item["__typename"], &item["order"]["id"]), (&json!("OrderChanged"), &json!(id)), "it had all of it");
}

async fn whoever_has_no_order_yet_can_resume_as_well(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    let mut feed =
        customer.subscribe("subscription { myOrderUpdates { ... on StreamPosition { cursor } } }", json!({})).await;
    let cursor = feed.next().await["cursor"].clone();
    drop(feed);
    // placed and finished in between
    let id = place_order(&customer, &shop.product_id, 1).await;
    let cancel = json!({ "idempotencyKey": key(), "orderId": id });
    customer.mutate("mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { order { id } } }", cancel).await;
    let last = read_order(&customer, &id).await["version"].as_i64().unwrap();
    let mut feed = Feed::follow(&customer, MY_ORDER_UPDATES, json!({ "after": cursor })).await;
    feed.catch_up(&BTreeMap::from([(id, last)])).await;
}

async fn a_cursor_of_another_server_starts_anew(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.partner());
    let id = place_order(&customer, &shop.product_id, 1).await;
    let elsewhere = EventCursor { epoch: 1, stream: 2, position: 3, doubt: None, is_partial: false };
    for foreign in [elsewhere, EventCursor { position: -1, ..elsewhere }].map(EventCursor::encode) {
        let mut feed = Feed::follow(&customer, MY_ORDER_UPDATES, json!({ "after": foreign })).await;
        let reset = feed.next().await;
        assert_eq!((&reset["__typename"], &reset["reason"]), (&json!("StreamReset"), &json!("SERVER")));
        feed.snapshot(1).await;
        assert!(feed.versions.contains_key(&id));
        let mut offers = partner.subscribe(AVAILABLE_ORDERS, json!({ "after": foreign })).await;
        assert_eq!(offers.next().await["resetReason"], "SERVER");
        assert_eq!(offers.next().await["orders"][0]["orderId"], id.as_str());
    }
}

async fn what_is_no_longer_kept_starts_anew(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
    by_hand(&app, &shop.seller).await;
    let id = place_order(&customer, &shop.product_id, 1).await;
    let mut feed = Feed::follow(&customer, MY_ORDER_UPDATES, json!({})).await;
    feed.snapshot(1).await;
    let old = feed.cursor.clone();
    let (admin, partner) = tokio::join!(app.admin(), app.partner());
    let mut others = Vec::new();
    for (actor, document) in [(&admin, ADMIN_UPDATES), (&partner, AVAILABLE_ORDERS)] {
        let first = actor.subscribe(document, json!({})).await.next().await;
        others.push((actor.email.clone(), document, first["cursor"].clone()));
    }
    // one that partners hear of
    let offered = place_order(&customer, &shop.product_id, 1).await;
    step(&shop.seller, &offered, "PREPARING").await;
    step(&shop.seller, &offered, "READY").await;
    // of what follows from it all, nothing comes after the newest
    until_quiet(&app.app).await;
    step(&shop.seller, &id, "PREPARING").await;
    while feed.next().await["order"]["id"] != id.as_str() {}
    let newest = feed.cursor.clone();
    all_published(&app.app).await;
    app.clock.advance(Duration::from_hours(25));
    app.app.retention().sweep().await.unwrap();

    let (customer, seller) = tokio::join!(app.login(&customer.email), app.login(&shop.seller.email));
    let mut feed = Feed::follow(&customer, MY_ORDER_UPDATES, json!({ "after": old })).await;
    let reset = feed.next().await;
    assert_eq!((&reset["__typename"], &reset["reason"]), (&json!("StreamReset"), &json!("RETENTION")));
    feed.snapshot(2).await;
    for (email, document, after) in others {
        let mut feed = app.login(&email).await.subscribe(document, json!({ "after": after })).await;
        let reset = feed.next().await;
        let reason = reset.get("reason").or(reset.get("resetReason"));
        assert_eq!((&reset["__typename"], reason), (&json!("StreamReset"), Some(&json!("RETENTION"))), "{document}");
        let picture = feed.next().await;
        assert!(
            ["AdminSnapshot", "AvailableOrdersSnapshot"].contains(&picture["__typename"].as_str().unwrap()),
            "{picture}"
        );
    }
    // nothing came after the newest: nothing of it is missing
    let mut current = Feed::follow(&customer, MY_ORDER_UPDATES, json!({ "after": newest })).await;
    step(&seller, &id, "READY").await;
    for feed in [&mut feed, &mut current] {
        assert_eq!(feed.next().await["event"]["type"], "READY");
    }
}

/// Waits until the relay has handed everything that was committed to the bus, and written down that it did.
pub(crate) async fn all_published(app: &App) {
    let db = app.db.reader();
    until(|| async {
        let waiting = event::Entity::find().filter(event::Column::Position.is_null()).count(db).await.unwrap();
        waiting == 0 && relay::published(db).await.unwrap() == relay::head(db).await.unwrap().position
    })
    .await;
}

async fn partners_hear_of_what_is_around_them(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (near, far, customer, partner) = tokio::join!(
        seller_with_product(&app, 10, "40.00"),
        seller_with_product(&app, 10, "40.00"),
        app.customer(),
        app.partner()
    );
    // eleven kilometres to the north
    let move_away = seller::Entity::update_many().col_expr(seller::Column::Latitude, Expr::value(13.0716));
    let move_away = move_away.filter(seller::Column::UserId.eq(uuid(Kind::User, &far.seller.user_id)));
    move_away.exec(app.app.db.writer()).await.unwrap();
    let document = "subscription Around($near: GeoPointInput, $radiusKm: Float) {
        availableOrders(near: $near, radiusKm: $radiusKm) { __typename
            ... on AvailableOrdersSnapshot { orders { orderId pickupDistanceKm } }
            ... on OrderAvailable { order { orderId pickupDistanceKm } }
            ... on OrderUnavailable { orderId reason } } }";
    let here = json!({ "latitude": 12.981, "longitude": 77.595 });
    let before = [place_order(&customer, &far.product_id, 1).await, place_order(&customer, &near.product_id, 1).await];

    let mut around = partner.subscribe(document, json!({ "near": here })).await;
    let mut wide = partner.subscribe(document, json!({ "near": here, "radiusKm": 15.0 })).await;
    let mut all = partner.subscribe(document, json!({})).await;
    assert_eq!(around.next().await["orders"], json!([{ "orderId": before[1], "pickupDistanceKm": 1.05 }]));
    for (feed, from_far) in [(&mut wide, json!(10.07)), (&mut all, Value::Null)] {
        let snapshot = feed.next().await;
        assert_eq!(snapshot["orders"][0], json!({ "orderId": before[0], "pickupDistanceKm": from_far }));
        assert_eq!(snapshot["orders"].as_array().unwrap().len(), 2);
    }

    let after = [place_order(&customer, &far.product_id, 1).await, place_order(&customer, &near.product_id, 1).await];
    assert_eq!(around.next().await["order"]["orderId"], after[1].as_str(), "the far one is none of theirs");
    for id in &after {
        assert_eq!(wide.next().await["order"]["orderId"], id.as_str());
    }
    claim(&partner, &before[0]).await;
    claim(&partner, &before[1]).await;
    assert_eq!(around.next().await["orderId"], before[1].as_str(), "it vanishes where it was shown");

    for bad in
        [json!({ "radiusKm": 5.0 }), json!({ "near": here, "radiusKm": 51.0 }), json!({ "near": here, "radiusKm": 0.0 })]
    {
        assert_eq!(refusal(&partner, document, bad).await, "BAD_ARGUMENT");
    }
}

/// Places `count` orders at `api`; all of them go through.
async fn place_some(api: &Api, customer: &Actor, shop: &Shop, count: usize) {
    for _ in 0..count {
        place_order(&customer.at(api), &shop.product_id, 1).await;
    }
}
