//! What a delivery pays, what partners earned, and how they did: what the rows say, to the last minor unit.

mod by_hand;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::access::Actor as Principal;
use domain::claims::{ClaimStatus, PayoutRule};
use domain::id::{Kind, encode};
use domain::order::OrderStatus;
use entity::{claim, order, rating};
use quick_commerce::app::App;
use quick_commerce::dispatch::expiry;
use quick_commerce::dispatch::service::{Ask, ask};
use quick_commerce::orders::service::{Place, Rate, Step, place, rate, step};
use quick_commerce::platform::clock::Clock;
use quick_commerce::platform::ids::{Entropy, Ids};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::actors::Actor;
use crate::support::app::build;
use crate::support::audit::audit;
use crate::support::crowd::{customers, partners, refused, uuid, wish};
use crate::support::story::{Shop, key, seller_with_product, text};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    earnings_are_the_sum_of_the_orders,
    a_payout_is_decided_with_the_order_and_changes_no_more,
    only_what_was_delivered_is_earned,
    partners_are_judged_by_what_they_did,
    a_period_that_makes_no_sense_is_refused,
    the_history_of_claims_is_listed_by_their_state,
}

const EARNINGS: &str = "query($from: DateTime!, $to: DateTime!) { partner { earnings(from: $from, to: $to) {
    deliveries total { amount currency } byDay { date deliveries total { amount } } } } }";

const PERFORMANCE: &str = "query($from: DateTime!, $to: DateTime!, $first: Int, $after: String) {
    admin { partnerPerformance(from: $from, to: $to, first: $first, after: $after) {
        nodes { partner { id } deliveries medianDeliverySeconds rating releasedClaims expiredClaims }
        pageInfo { hasNextPage endCursor } } } }";

/// Days of work: a shop, and partners who deliver for it, now and then.
struct Days {
    app: TestApp,
    shop: Shop,
    buyer: Principal,
    partners: Vec<Principal>,
    dice: Ids,
}

impl Days {
    async fn begin(shape: Shape, count: usize) -> Self {
        let app = TestApp::start(shape).await;
        let shop = seller_with_product(&app, 100_000, "40.00").await;
        let (buyer, partners) = (customers(&app.app, 1).await[0], partners(&app.app, count, 1_000).await);
        Self { app, shop, buyer, partners, dice: Ids::new(Clock::system(), Entropy::seeded(11)) }
    }

    fn app(&self) -> &App {
        &self.app.app
    }

    fn pass(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
    }

    /// An order to a door so many hundredths of a degree away.
    async fn order(&self, hundredths: u64) -> order::Model {
        place_at(self.app(), self.buyer, &self.shop, hundredths).await
    }

    /// The order as it is now.
    async fn present(&self, order: &order::Model) -> order::Model {
        order::Entity::find_by_id(order.id).one(self.app().db.reader()).await.unwrap().unwrap()
    }

    async fn claim(&self, partner: Principal, order: &order::Model, accept: bool) -> claim::Model {
        claimed(self.app(), partner, Ask::Claim { order: order.id, accept }).await
    }

    async fn step(&self, partner: Principal, order: &order::Model, to: OrderStatus) -> order::Model {
        go(self.app(), partner, order, to).await
    }

    async fn deliver(&self, partner: Principal, order: &order::Model, seconds: u64) -> order::Model {
        self.claim(partner, order, true).await;
        self.step(partner, order, OrderStatus::PickedUp).await;
        self.step(partner, order, OrderStatus::InTransit).await;
        self.pass(seconds);
        self.step(partner, order, OrderStatus::Delivered).await
    }

    /// The partner with a client; days may have passed since.
    async fn client(&self, partner: Principal) -> Actor {
        self.app.client_of(partner).await
    }

    async fn delivered_by(&self, partner: Principal) -> Vec<order::Model> {
        let find = order::Entity::find().filter(order::Column::PartnerId.eq(partner.user));
        find.filter(order::Column::DeliveredAt.is_not_null()).all(self.app().db.reader()).await.unwrap()
    }
}

async fn place_at(app: &App, buyer: Principal, shop: &Shop, hundredths: u64) -> order::Model {
    let mut place_there: Place = wish(&[(uuid(Kind::Product, &shop.product_id), 1)]);
    let there = place_there.address.as_mut().and_then(|address| address.point.as_mut()).unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a few of them")]
    let degrees = hundredths as f64 / 100.0;
    there.latitude += degrees;
    refused(place(app, buyer, &key(), place_there).await).unwrap()
}

async fn claimed(app: &App, partner: Principal, wish: Ask) -> claim::Model {
    refused(ask(app, partner, &key(), wish).await).unwrap().claim
}

async fn go(app: &App, partner: Principal, order: &order::Model, to: OrderStatus) -> order::Model {
    let row = order::Entity::find_by_id(order.id).one(app.db.reader()).await.unwrap().unwrap();
    let step_to = Step {
        order: order.id,
        to,
        note: Some("a test".to_owned()),
        expected_version: None,
        delivery_code: (to == OrderStatus::Delivered).then_some(row.delivery_code),
        input: Some("status"),
    };
    refused(step(app, partner, "updateOrderStatus", &key(), step_to).await).unwrap()
}

/// As the API writes it.
fn rupees(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

async fn earnings(actor: &Actor, from: DateTime<Utc>, to: DateTime<Utc>) -> Value {
    let answer = actor.query(EARNINGS, json!({ "from": from, "to": to })).await;
    answer.data()["partner"]["earnings"].clone()
}

async fn earnings_are_the_sum_of_the_orders(shape: Shape) {
    let days = Days::begin(shape, 2).await;
    let begin = days.app.app.clock.now();
    for number in 0..24 {
        days.pass(days.dice.below(40_000));
        let order = days.order(days.dice.below(12)).await;
        days.deliver(days.partners[usize::from(number % 3 == 0)], &order, 60).await;
    }
    let end = days.app.app.clock.now() + TimeDelta::seconds(1);
    for partner in &days.partners {
        let (client, rows) = (days.client(*partner).await, days.delivered_by(*partner).await);
        assert!(rows.len() > 7);
        let at = |row: &order::Model| row.delivered_at.unwrap();
        let middle = at(&rows[rows.len() / 2]);
        for (from, to) in [
            (begin, end),
            (middle, end),
            (begin, middle),
            (middle, middle + TimeDelta::microseconds(1)),
            (end, end + TimeDelta::days(3)),
            (middle - TimeDelta::hours(30), middle + TimeDelta::hours(30)),
        ] {
            let inside: Vec<&order::Model> = rows.iter().filter(|row| (from..to).contains(&at(row))).collect();
            let found = earnings(&client, from, to).await;
            assert_eq!(found["deliveries"], inside.len(), "{from} to {to}");
            let total: i64 = inside.iter().map(|row| row.payout_minor).sum();
            assert_eq!(found["total"], json!({ "amount": rupees(total), "currency": "INR" }));
            let mut by_day: BTreeMap<NaiveDate, (i64, i64)> = BTreeMap::new();
            for date in from.date_naive().iter_days().take_while(|date| date.and_time(chrono::NaiveTime::MIN).and_utc() < to)
            {
                by_day.insert(date, (0, 0));
            }
            for row in inside {
                let day = by_day.get_mut(&at(row).date_naive()).unwrap();
                *day = (day.0 + 1, day.1 + row.payout_minor);
            }
            let expected: Vec<Value> = by_day
                .into_iter()
                .map(|(date, (deliveries, minor))| {
                    json!({ "date": date.to_string(), "deliveries": deliveries, "total": { "amount": rupees(minor) } })
                })
                .collect();
            assert_eq!(found["byDay"], json!(expected), "every day, without a gap");
        }
    }
    audit(days.app()).await;
}

async fn a_payout_is_decided_with_the_order_and_changes_no_more(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, partner) = (seller_with_product(&app, 10, "40.00").await, app.partner().await);
    let buyer = customers(&app.app, 1).await[0];
    let order = place_at(&app.app, buyer, &shop, 3).await;
    let rule = app.app.config.payout;
    assert_eq!(order.payout_minor, rule.payout_minor(order.distance_m));
    let offered = "subscription { availableOrders { ... on AvailableOrdersSnapshot { orders { payout { amount } } } } }";
    let shown = partner.subscribe(offered, json!({})).await.next().await;
    assert_eq!(shown["orders"], json!([{ "payout": { "amount": rupees(order.payout_minor) } }]));

    // the same database, after the rule was changed
    let mut settings = app.app.config.clone();
    settings.payout = PayoutRule { base_minor: 1_234, per_km_minor: 333 };
    let later = build(settings, app.clock.clone(), 1).await;
    let carrier = partner.principal().await;
    claimed(&later, carrier, Ask::Claim { order: order.id, accept: true }).await;
    for to in [OrderStatus::PickedUp, OrderStatus::InTransit, OrderStatus::Delivered] {
        let row = go(&later, carrier, &order, to).await;
        assert_eq!(row.payout_minor, order.payout_minor, "{to}");
    }
    let now = app.app.clock.now();
    let earned = earnings(&partner, now - TimeDelta::hours(1), now + TimeDelta::hours(1)).await;
    assert_eq!(earned["total"]["amount"], rupees(order.payout_minor), "as it was offered");
    let newer = place_at(&later, buyer, &shop, 3).await;
    assert_eq!(newer.payout_minor, later.config.payout.payout_minor(order.distance_m));
    assert_ne!(newer.payout_minor, order.payout_minor);
}

async fn only_what_was_delivered_is_earned(shape: Shape) {
    let days = Days::begin(shape, 1).await;
    let partner = days.partners[0];
    let from = days.app.app.clock.now() - TimeDelta::hours(1);
    let [delivered, failed, carried, given_back] =
        [days.order(1).await, days.order(2).await, days.order(3).await, days.order(4).await];
    let delivered = days.deliver(partner, &delivered, 60).await;
    days.claim(partner, &failed, true).await;
    days.step(partner, &failed, OrderStatus::PickedUp).await;
    days.step(partner, &failed, OrderStatus::Failed).await;
    days.claim(partner, &carried, true).await;
    days.step(partner, &carried, OrderStatus::PickedUp).await;
    let claim = days.claim(partner, &given_back, true).await;
    claimed(days.app(), partner, Ask::Release { claim: claim.id, reason: None }).await;
    let to = days.app.app.clock.now() + TimeDelta::hours(1);
    let found = earnings(&days.client(partner).await, from, to).await;
    assert_eq!((&found["deliveries"], &found["total"]["amount"]), (&json!(1), &json!(rupees(delivered.payout_minor))));
}

/// What of a partner's rows counts from `from` to `to`.
async fn judged(days: &Days, partner: Principal, from: DateTime<Utc>, to: DateTime<Utc>) -> Value {
    let db = days.app().db.reader();
    let period = from..to;
    let mut delivered = days.delivered_by(partner).await;
    delivered.retain(|row| period.contains(&row.delivered_at.unwrap()));
    let mut seconds: Vec<i64> =
        delivered.iter().map(|row| (row.delivered_at.unwrap() - row.created_at).num_seconds()).collect();
    seconds.sort_unstable();
    let ids: Vec<Uuid> = delivered.iter().map(|row| row.id).collect();
    let scores = rating::Entity::find().filter(rating::Column::OrderId.is_in(ids)).all(db).await.unwrap();
    let sum: i64 = scores.iter().map(|row| i64::from(row.score)).sum();
    let claims = claim::Entity::find().filter(claim::Column::PartnerId.eq(partner.user)).all(db).await.unwrap();
    let ended = |status| {
        let is_in = |row: &&claim::Model| *row.status == status && row.ended_at.is_some_and(|at| period.contains(&at));
        claims.iter().filter(is_in).count()
    };
    json!({
        "partner": { "id": encode(Kind::User, partner.user) },
        "deliveries": delivered.len(),
        "medianDeliverySeconds": (!seconds.is_empty()).then(|| seconds[(seconds.len() - 1) / 2]),
        "rating": domain::rating::average(sum, scores.len().try_into().unwrap()),
        "releasedClaims": ended(ClaimStatus::Released),
        "expiredClaims": ended(ClaimStatus::Expired),
    })
}

async fn partners_are_judged_by_what_they_did(shape: Shape) {
    let days = Days::begin(shape, 5).await;
    let app = days.app();
    let from = app.clock.now();
    let mut middle = from;
    // the last of them does nothing at all
    for number in 0..36_usize {
        days.pass(days.dice.below(20_000));
        if number == 18 {
            middle = app.clock.now();
        }
        let (order, partner) = (days.order(1).await, days.partners[number % 4]);
        match number % 9 {
            0 | 1 => {
                let claim = days.claim(partner, &order, number % 2 == 0).await;
                claimed(app, partner, Ask::Release { claim: claim.id, reason: None }).await;
            }
            2 => {
                days.claim(partner, &order, true).await;
                app.clock.db_now(app.db.reader()).await.unwrap();
                days.pass(app.config.pickup.as_secs() + 1);
                // the server's own sweep may have been faster
                expiry::sweep(app).await.unwrap();
            }
            kind => {
                let delivered = days.deliver(partner, &order, 100 + days.dice.below(3_000)).await;
                if kind % 2 == 0 {
                    let score = 1 + i32::try_from(days.dice.below(5)).unwrap();
                    let given = Rate { order: delivered.id, score, comment: None };
                    refused(rate(app, days.buyer, given).await).unwrap();
                }
            }
        }
    }
    let to = app.clock.now() + TimeDelta::seconds(1);
    let admin = days.app.admin().await;
    for (from, to) in [(from, to), (from, middle), (middle, to), (to, to + TimeDelta::days(1))] {
        let mut expected = Vec::new();
        for partner in days.partners.iter().rev() {
            expected.push(judged(&days, *partner, from, to).await);
        }
        let (mut found, mut after) = (Vec::new(), Value::Null);
        loop {
            let page = json!({ "from": from, "to": to, "first": 2, "after": after });
            let answer = admin.query(PERFORMANCE, page).await;
            let page = &answer.data()["admin"]["partnerPerformance"];
            found.extend(page["nodes"].as_array().unwrap().iter().cloned());
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(found, expected, "{from} to {to}");
    }
    let all = judged(&days, days.partners[0], from, to).await;
    assert!(all["deliveries"].as_u64() > Some(2) && all["releasedClaims"].as_u64() > Some(0), "{all}");
    let expired: u64 = {
        let mut sum = 0;
        for partner in &days.partners {
            sum += judged(&days, *partner, from, to).await["expiredClaims"].as_u64().unwrap();
        }
        sum
    };
    assert_eq!(expired, 4);
}

async fn a_period_that_makes_no_sense_is_refused(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (partner, admin) = tokio::join!(app.partner(), app.admin());
    for (from, to, argument) in [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "to"),
        ("2024-01-02T00:00:00Z", "2024-01-01T00:00:00Z", "to"),
        ("2024-01-01T12:00:00Z", "2025-01-02T00:00:01Z", "to"),
        ("0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "to"),
        ("-0001-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "from"),
        ("2024-01-01T00:00:00Z", "+10000-01-01T00:00:00Z", "to"),
    ] {
        let period = json!({ "from": from, "to": to });
        for (viewer, document) in [(&partner, EARNINGS), (&admin, PERFORMANCE)] {
            let answer = viewer.query(document, period.clone()).await;
            assert_eq!(answer.code(), "BAD_ARGUMENT", "{period}");
            let message = text(&answer.body, "/errors/0/message");
            assert!(message.starts_with(&format!("{argument}: ")), "{period}: {message}");
        }
    }
    let most = json!({ "from": "2024-01-01T12:00:00Z", "to": "2025-01-02T00:00:00Z" });
    let answer = partner.query(EARNINGS, most.clone()).await;
    let found = &answer.data()["partner"]["earnings"];
    assert_eq!((&found["deliveries"], &found["total"]["amount"]), (&json!(0), &json!("0.00")));
    assert_eq!(found["byDay"].as_array().unwrap().len(), 367);
    for (viewer, document) in [(&admin, EARNINGS), (&partner, PERFORMANCE)] {
        assert_eq!(viewer.query(document, most.clone()).await.code(), "FORBIDDEN");
    }
}

async fn the_history_of_claims_is_listed_by_their_state(shape: Shape) {
    let days = Days::begin(shape, 2).await;
    let [anna, boris] = [days.partners[0], days.partners[1]];
    let mut claims = Vec::new();
    for number in 0..4 {
        let order = days.order(1).await;
        let claim = days.claim(anna, &order, true).await;
        if number % 2 == 0 {
            claimed(days.app(), anna, Ask::Release { claim: claim.id, reason: None }).await;
            days.claim(boris, &order, true).await;
        }
        claims.push(encode(Kind::Claim, claim.id));
    }
    let client = days.client(anna).await;
    let document = "query($status: [ClaimStatus!]) { partner { claims(filter: { status: $status }) {
        nodes { id status endedAt } } } }";
    for (status, expected) in [
        (json!(null), vec![3, 2, 1, 0]),
        (json!(["RELEASED"]), vec![2, 0]),
        (json!(["ACCEPTED", "HELD"]), vec![3, 1]),
        (json!(["EXPIRED"]), vec![]),
    ] {
        let answer = client.query(document, json!({ "status": status })).await;
        let nodes = answer.data()["partner"]["claims"]["nodes"].as_array().unwrap().clone();
        let ids: Vec<&str> = nodes.iter().map(|node| node["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected.into_iter().map(|place| claims[place].as_str()).collect::<Vec<_>>(), "{status}");
        assert!(nodes.iter().all(|node| node["endedAt"].is_null() == (node["status"] == "ACCEPTED")), "{nodes:?}");
    }
}
