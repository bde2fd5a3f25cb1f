//! What went back of what was sold: the report beside sums of the rows of orders, payments and refunds.

use migration::{Migrator, MigratorTrait as _};

use super::*;
use crate::support::audit::audit;
use crate::support::money::{money, place_card_order, play, start, try_refund, until_money};
use crate::support::story::{CANCEL_ORDER, Shop, claim, deliver, key, ready_order, seller_with_product};
use crate::support::wait::until_quiet;

over_both_shapes! {
    what_went_back_is_told_to_the_last_minor_unit,
}

const REFUNDED: &str = "query($from: DateTime!, $to: DateTime!) { seller { sales(from: $from, to: $to, interval: HOUR) {
    orders total { amount } refunded { amount currency } buckets { start orders total { amount } refunded { amount } } } } }";

/// What the rows say of orders placed `from` then `to`: how many, their totals, and what of them went back, by hour.
async fn by_hand(app: &App, from: DateTime<Utc>, to: DateTime<Utc>) -> BTreeMap<i64, (i64, i64, i64)> {
    let db = app.db.reader();
    let is_postgres = db.get_database_backend() == DbBackend::Postgres;
    let hour = if is_postgres {
        "CAST(floor(extract(epoch FROM o.created_at) / 3600) AS BIGINT)"
    } else {
        "CAST(strftime('%s', o.created_at) AS BIGINT) / 3600"
    };
    let sql = format!(
        "SELECT {hour} AS hour, count(*) AS orders, CAST(sum(o.total_minor) AS BIGINT) AS total,
                CAST(sum(coalesce((SELECT sum(r.amount_minor) FROM refunds r JOIN payments p ON p.id = r.payment_id
                                   WHERE p.order_id = o.id AND r.status = 'REFUNDED'), 0)) AS BIGINT) AS refunded
         FROM orders o
         WHERE o.created_at >= $1 AND o.created_at < $2 AND o.status NOT IN ('PENDING', 'CANCELLED', 'FAILED')
         GROUP BY 1"
    );
    let ask = Statement::from_sql_and_values(db.get_database_backend(), sql, [from.into(), to.into()]);
    let number = |row: &sea_orm::QueryResult, column| row.try_get::<i64>("", column).unwrap();
    let rows = db.query_all_raw(ask).await.unwrap();
    rows.iter()
        .map(|row| (number(row, "hour"), (number(row, "orders"), number(row, "total"), number(row, "refunded"))))
        .collect()
}

fn minor(amount: &Value) -> i64 {
    amount["amount"].as_str().unwrap().replace('.', "").parse().unwrap()
}

struct Till {
    app: TestApp,
    shop: Shop,
    customer: Actor,
    partner: Actor,
    begin: DateTime<Utc>,
}

impl Till {
    /// An order that was paid in cash: its id and its payment's.
    async fn cash(&self) -> (String, String) {
        let id = ready_order(&self.shop, &self.customer).await;
        claim(&self.partner, &id).await;
        deliver(&self.partner, &self.customer, &id).await;
        let payment = text(&money(&self.customer, &id).await, "/payments/0/id");
        (id, payment)
    }

    /// One that was paid by card.
    async fn card(&self) -> (String, String) {
        let id = place_card_order(&self.customer, &self.shop.product_id, 2).await;
        let payment = start(&self.customer, &id).await;
        play(&self.app, &payment, "succeed").await;
        until_money(&self.customer, &id, "/status", "READY").await;
        (id, payment.id)
    }

    async fn refund(&self, payment: &str, amount: Option<&str>) {
        try_refund(&self.shop.seller, payment, amount).await.ok("refundPayment");
    }

    fn pass(&self, minutes: u64) {
        self.app.clock.advance(Duration::from_mins(minutes));
    }

    async fn check(&self) -> i64 {
        let end = self.app.clock.now() + TimeDelta::hours(1);
        let hour = Interval::Hour.start(self.begin) + TimeDelta::hours(1);
        let mut refunded = Vec::new();
        let before = self.begin - TimeDelta::hours(2);
        for (from, to) in [(before, end), (self.begin, end), (hour, end), (self.begin, hour), (before, hour)] {
            let answer = self.shop.seller.query(REFUNDED, json!({ "from": from, "to": to })).await;
            let found = &answer.data()["seller"]["sales"];
            let mut expected = by_hand(&self.app.app, from, to).await;
            let sum = expected.values().fold((0, 0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1, sum.2 + row.2));
            assert_eq!(
                (found["orders"].as_i64().unwrap(), minor(&found["total"]), minor(&found["refunded"])),
                sum,
                "{from} to {to}"
            );
            assert_eq!(found["refunded"]["currency"], "INR");
            for bucket in found["buckets"].as_array().unwrap() {
                let start: DateTime<Utc> = bucket["start"].as_str().unwrap().parse().unwrap();
                let row = expected.remove(&(start.timestamp() / 3600)).unwrap_or_default();
                let figures = (bucket["orders"].as_i64().unwrap(), minor(&bucket["total"]), minor(&bucket["refunded"]));
                assert_eq!(figures, row, "{bucket}");
            }
            assert!(expected.is_empty(), "every hour is told of: {expected:?}");
            refunded.push(sum.2);
        }
        // of the whole period
        refunded[0]
    }
}

async fn what_went_back_is_told_to_the_last_minor_unit(shape: Shape) {
    // tokens outlive the story
    let app = TestApp::start_with(shape, |config| config.access_token = Duration::from_hours(24)).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 100, "40.07"), app.customer(), app.partner());
    let begin = app.app.clock.now();
    let till = Till { app, shop, customer, partner, begin };
    let mut sold = Vec::new();
    for _ in 0..2 {
        sold.push(till.cash().await);
        sold.push(till.card().await);
        till.pass(50);
    }
    assert_eq!(till.check().await, 0);
    // of each in parts; of the last, all
    for (_, payment) in &sold {
        till.refund(payment, Some("5.35")).await;
    }
    for (id, _) in &sold {
        until_money(&till.customer, id, "/paymentStatus", "PARTIALLY_REFUNDED").await;
    }
    assert_eq!(till.check().await, 4 * 535, "whether it is counted by now or not");
    until_quiet(&till.app.app).await;
    assert_eq!(till.check().await, 4 * 535);
    // hours later, at the hour in which it was sold
    till.pass(180);
    till.refund(&sold[0].1, Some("0.01")).await;
    till.refund(&sold[3].1, None).await;
    until_money(&till.customer, &sold[3].0, "/paymentStatus", "REFUNDED").await;
    let all = till.check().await;
    assert!(all > 5 * 535, "{all}");
    // what is called off leaves the report with what went back of it
    let (id, payment) = till.card().await;
    till.refund(&payment, Some("7.00")).await;
    until_money(&till.customer, &id, "/paymentStatus", "PARTIALLY_REFUNDED").await;
    assert_eq!(till.check().await, all + 700);
    until_quiet(&till.app.app).await;
    assert_eq!(till.check().await, all + 700);
    till.customer.mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": id })).await.ok("cancelOrder");
    until_money(&till.customer, &id, "/paymentStatus", "REFUNDED").await;
    assert_eq!(till.check().await, all);
    until_quiet(&till.app.app).await;
    assert_eq!(till.check().await, all);
    audit(&till.app.app).await;
    // a database of before: all of it is made of the rows
    let counted = sums(&till.app.app).await;
    let migrations = Migrator::migrations();
    let of = |name: &str| migrations.iter().find(|migration| migration.name().ends_with(name)).unwrap();
    let (refunds, counts) = (of("sales_refunds"), of("order_counts"));
    let manager = migration::SchemaManager::new(till.app.app.db.writer());
    counts.down(&manager).await.unwrap();
    refunds.down(&manager).await.unwrap();
    refunds.up(&manager).await.unwrap();
    counts.up(&manager).await.unwrap();
    assert_eq!(sums(&till.app.app).await, counted);
    assert_eq!(till.check().await, all);
    audit(&till.app.app).await;
}

/// What is counted, but for what is nothing.
async fn sums(app: &App) -> BTreeMap<i64, (i64, i64, i64)> {
    let rows = entity::sales_hour::Entity::find().all(app.db.reader()).await.unwrap();
    let sums = rows.iter().map(|row| (row.hour, (row.orders, row.total_minor, row.refunded_minor)));
    sums.filter(|(_, sum)| *sum != (0, 0, 0)).collect()
}
