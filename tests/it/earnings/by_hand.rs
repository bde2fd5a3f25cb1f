//! Every figure of partners beside sums of the same rows that are made by SQL of the test's own.

use std::collections::BTreeMap;

use domain::id::encode;
use sea_orm::{ConnectionTrait as _, DbBackend, QueryResult, Statement};

use super::{
    Actor, Ask, DateTime, Days, EARNINGS, Kind, OrderStatus, PERFORMANCE, Principal, Rate, Shape, TestApp, TimeDelta, Utc,
    Value, claimed, earnings, expiry, json, order, rate, refused, rupees,
};
use crate::support::audit::audit;
use crate::support::over_both_shapes;

over_both_shapes! {
    what_partners_did_and_earned_is_what_the_rows_say,
}

/// A partner and a period.
type Of = (Principal, DateTime<Utc>, DateTime<Utc>);

/// `sql` about one partner, `$1`, and what was from `$2` until before `$3`.
async fn rows(app: &TestApp, (partner, from, to): Of, sql: &str) -> Vec<QueryResult> {
    let db = app.app.db.reader();
    let ask = Statement::from_sql_and_values(db.get_database_backend(), sql, [partner.user.into(), from.into(), to.into()]);
    db.query_all_raw(ask).await.unwrap()
}

const DELIVERED: &str = "partner_id = $1 AND status = 'DELIVERED' AND delivered_at >= $2 AND delivered_at < $3";

/// What `partnerPerformance` has to say.
async fn performance_by_hand(app: &TestApp, of: Of) -> Value {
    let times = rows(app, of, &format!("SELECT created_at, delivered_at FROM orders WHERE {DELIVERED}")).await;
    let mut seconds: Vec<i64> = Vec::new();
    for row in &times {
        let (placed, delivered): (DateTime<Utc>, DateTime<Utc>) =
            (row.try_get("", "created_at").unwrap(), row.try_get("", "delivered_at").unwrap());
        seconds.push((delivered - placed).num_seconds());
    }
    seconds.sort_unstable();
    let scores = format!(
        "SELECT CAST(sum(score) AS BIGINT) AS sum, count(*) AS count FROM ratings
         WHERE order_id IN (SELECT id FROM orders WHERE {DELIVERED})"
    );
    let scores = rows(app, of, &scores).await.remove(0);
    let (sum, count): (Option<i64>, i64) = (scores.try_get("", "sum").unwrap(), scores.try_get("", "count").unwrap());
    #[expect(clippy::cast_precision_loss, reason = "tenths of a few stars")]
    let rating = sum.map(|sum| ((20 * sum + count) / (2 * count)) as f64 / 10.0);
    let ended = async |status: &str| -> i64 {
        let sql = format!(
            "SELECT count(*) AS count FROM claims
             WHERE partner_id = $1 AND status = '{status}' AND ended_at >= $2 AND ended_at < $3"
        );
        rows(app, of, &sql).await[0].try_get("", "count").unwrap()
    };
    let (released, expired) = (ended("RELEASED").await, ended("EXPIRED").await);
    let given_back = "SELECT count(*) AS count FROM order_events
                      WHERE type = 'CLAIM_RELEASED' AND actor_id = $1 AND at >= $2 AND at < $3";
    let given_back: i64 = rows(app, of, given_back).await[0].try_get("", "count").unwrap();
    assert_eq!(released, given_back, "the timelines say the same as the claims");
    json!({
        "partner": { "id": encode(Kind::User, of.0.user) },
        "deliveries": seconds.len(),
        "medianDeliverySeconds": (!seconds.is_empty()).then(|| seconds[(seconds.len() - 1) / 2]),
        "rating": rating,
        "releasedClaims": released,
        "expiredClaims": expired,
    })
}

/// What `earnings` has to say.
async fn earnings_by_hand(app: &TestApp, of: Of) -> Value {
    let day = match app.app.db.backend() {
        DbBackend::Postgres => "to_char(delivered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
        _ => "substr(delivered_at, 1, 10)",
    };
    let sql = format!(
        "SELECT {day} AS day, count(*) AS deliveries, CAST(sum(payout_minor) AS BIGINT) AS minor
         FROM orders WHERE {DELIVERED} GROUP BY 1"
    );
    let mut days: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for row in rows(app, of, &sql).await {
        let sums = (row.try_get("", "deliveries").unwrap(), row.try_get("", "minor").unwrap());
        days.insert(row.try_get("", "day").unwrap(), sums);
    }
    let (deliveries, minor) = days.values().fold((0, 0), |sum, day| (sum.0 + day.0, sum.1 + day.1));
    let (_, from, to) = of;
    let all = from.date_naive().iter_days().take_while(|day| day.and_time(chrono::NaiveTime::MIN).and_utc() < to);
    let by_day = all.map(|date| {
        let (deliveries, minor) = days.remove(&date.to_string()).unwrap_or_default();
        json!({ "date": date.to_string(), "deliveries": deliveries, "total": { "amount": rupees(minor) } })
    });
    let by_day: Vec<Value> = by_day.collect();
    assert!(days.is_empty(), "every delivery is on one of the days: {days:?}");
    json!({ "deliveries": deliveries, "total": { "amount": rupees(minor), "currency": "INR" }, "byDay": by_day })
}

impl Days {
    /// One order, and what may become of it.
    async fn episode(&self, kind: u64, admin: Principal, &[partner, other]: &[Principal; 2]) {
        let app = self.app();
        let order = self.order(self.dice.below(12)).await;
        match kind {
            // given back: looked at, or accepted
            0 | 1 => {
                let claim = self.claim(partner, &order, kind == 0).await;
                claimed(app, partner, Ask::Release { claim: claim.id, reason: None }).await;
                self.finish(other, &order).await;
            }
            // run out: looked at, or accepted
            2 | 3 => {
                self.claim(partner, &order, kind == 2).await;
                self.pass(app.config.pickup.max(app.config.claim_hold).as_secs() + 1);
                // the server's own sweep may have been faster
                expiry::sweep(app).await.unwrap();
            }
            // called off, by an admin from under the partner or by the customer while the partner looks at it
            4 | 5 => {
                self.claim(partner, &order, kind == 4).await;
                self.step(if kind == 4 { admin } else { self.buyer }, &order, OrderStatus::Cancelled).await;
            }
            // given to another, at once or by way of everybody
            6 => {
                self.claim(partner, &order, true).await;
                claimed(app, admin, Ask::Assign { order: order.id, partner: other.user }).await;
                self.finish(other, &order).await;
            }
            7 => {
                self.claim(partner, &order, true).await;
                self.step(admin, &order, OrderStatus::Ready).await;
                self.finish(other, &order).await;
            }
            8 => {
                self.claim(partner, &order, true).await;
                self.step(partner, &order, OrderStatus::PickedUp).await;
                self.step(partner, &order, OrderStatus::Failed).await;
            }
            _ => {
                self.claim(partner, &order, true).await;
                self.finish(partner, &order).await;
            }
        }
    }

    /// `partner` has the order, or gets it, and brings it to its door. Some are rated, at once or a day later.
    async fn finish(&self, partner: Principal, order: &order::Model) {
        let row = self.present(order).await;
        if row.partner_id != Some(partner.user) {
            self.claim(partner, order, true).await;
        }
        self.step(partner, order, OrderStatus::PickedUp).await;
        self.step(partner, order, OrderStatus::InTransit).await;
        self.pass(100 + self.dice.below(3_000));
        let delivered = self.step(partner, order, OrderStatus::Delivered).await;
        let luck = self.dice.below(4);
        if luck > 0 {
            self.pass(if luck == 1 { 86_400 } else { 0 });
            let score = 1 + i32::try_from(self.dice.below(5)).unwrap();
            let given = Rate { order: delivered.id, score, comment: None };
            refused(rate(self.app(), self.buyer, given).await).unwrap();
        }
    }
}

async fn performance(admin: &Actor, from: DateTime<Utc>, to: DateTime<Utc>) -> Value {
    let answer = admin.query(PERFORMANCE, json!({ "from": from, "to": to, "first": 100 })).await;
    answer.data()["admin"]["partnerPerformance"]["nodes"].clone()
}

async fn what_partners_did_and_earned_is_what_the_rows_say(shape: Shape) {
    let days = Days::begin(shape, 4).await;
    let boss = days.app.admin().await.principal().await;
    let begin = days.app.app.clock.now();
    let mut moments = vec![begin];
    for number in 0..36_u64 {
        days.pass(days.dice.below(30_000));
        // of the four the last one only gets what another loses
        let partner = days.partners[usize::try_from(days.dice.below(3)).unwrap()];
        let other = days.partners[if number % 2 == 0 { 3 } else { 0 }];
        days.episode(number % 12, boss, &[partner, if other.user == partner.user { days.partners[3] } else { other }]).await;
        moments.push(days.app.app.clock.now());
    }
    let end = days.app.app.clock.now() + TimeDelta::seconds(1);
    let midnight = moments[18].date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let periods = [
        (begin, end),
        (begin, midnight),
        (midnight, end),
        (midnight, midnight + TimeDelta::days(1)),
        (moments[11], moments[25]),
        (moments[30], moments[31]),
        (end, end + TimeDelta::days(2)),
    ];
    let admin = days.app.admin().await;
    for (from, to) in periods {
        let mut expected = Vec::new();
        for partner in days.partners.iter().rev() {
            expected.push(performance_by_hand(&days.app, (*partner, from, to)).await);
        }
        assert_eq!(performance(&admin, from, to).await, json!(expected), "{from} to {to}");
    }
    for partner in &days.partners {
        let client = days.client(*partner).await;
        for (from, to) in periods {
            let expected = earnings_by_hand(&days.app, (*partner, from, to)).await;
            assert_eq!(earnings(&client, from, to).await, expected, "{from} to {to}: {EARNINGS}");
        }
    }
    let whole = performance(&admin, begin, end).await;
    let sum = |figure: &str| whole.as_array().unwrap().iter().map(|row| row[figure].as_i64().unwrap()).sum::<i64>();
    assert_eq!((sum("deliveries"), sum("releasedClaims"), sum("expiredClaims")), (21, 6, 6), "{whole}");
    audit(days.app()).await;
}
