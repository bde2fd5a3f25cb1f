//! What sellers and admins are told was sold is what the orders say, to the last minor unit.

mod refunds;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::Named as _;
use domain::calendar::Interval;
use domain::id::{Kind, encode};
use domain::money::Currency;
use domain::order::{OrderEventType, OrderStatus};
use entity::{Text, order, order_event, order_item, product};
use quick_commerce::app::App;
use quick_commerce::config::Config;
use quick_commerce::graphql::context::{RequestId, Viewer};
use quick_commerce::graphql::{authenticate, build_schema, build_schema_gathering};
use quick_commerce::orders::event::{ORDER_CHANGED, OrderChange};
use quick_commerce::platform::clock::Clock;
use quick_commerce::platform::db::Tx;
use quick_commerce::platform::ids::{Entropy, Ids};
use quick_commerce::platform::outbox::{self, NewEvent};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbBackend, EntityTrait as _, ExprTrait as _, QueryFilter as _, Statement,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::search::plans::Explainer;
use crate::support::actors::Actor;
use crate::support::app::build;
use crate::support::crowd::{customers, place, uuid};
use crate::support::story::{category, product as new_product, text};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    a_report_is_the_sum_of_the_orders,
    a_report_of_nothing_is_zero_in_every_interval,
    an_interval_begins_by_the_calendar_in_utc,
    a_period_that_makes_no_sense_is_refused,
    a_part_is_read_where_it_is_asked_for,
    an_order_that_was_called_off_leaves_the_report,
    reports_are_read_by_index,
}

const SALES: &str = "query($from: DateTime!, $to: DateTime!, $interval: Interval!, $seller: ID) {
    admin { sales(from: $from, to: $to, interval: $interval, sellerId: $seller) { ...All } } }
    fragment All on SalesReport { total { amount currency } orders averageOrder { amount }
        buckets { start orders total { amount } }
        topProducts(first: 100) { product { id } quantity total { amount } }
        byCategory { category { id } quantity total { amount } } }";

const OWN_SALES: &str = "query($from: DateTime!, $to: DateTime!, $interval: Interval!) {
    seller { sales(from: $from, to: $to, interval: $interval) { ...All } } }
    fragment All on SalesReport { total { amount currency } orders averageOrder { amount }
        buckets { start orders total { amount } }
        topProducts(first: 100) { product { id } quantity total { amount } }
        byCategory { category { id } quantity total { amount } } }";

/// A market with many orders behind it.
struct Market {
    app: TestApp,
    admin: Actor,
    sellers: Vec<Actor>,
    dice: Ids,
    begin: DateTime<Utc>,
}

/// Logs that an order has a new version.
pub(crate) async fn tell(app: &App, tx: &Tx, order: order::Model) {
    let event = order_event::Model {
        id: app.ids.uuid(),
        order_id: order.id,
        order_version: order.version,
        r#type: Text(OrderEventType::Confirmed),
        from_status: None,
        status: order.status,
        actor_id: None,
        actor_role: None,
        note: None,
        at: app.clock.now(),
    };
    let payload = OrderChange { event, order, offer: None, lost_by: None };
    let (id, at) = (payload.event.id, payload.event.at);
    let new = NewEvent { id, kind: ORDER_CHANGED, topics: &payload.topics(), payload: &payload, at };
    outbox::append(tx, &new).await.unwrap();
}

/// Everything that a report is made from.
struct Rows {
    orders: Vec<order::Model>,
    items: Vec<order_item::Model>,
    products: BTreeMap<Uuid, product::Model>,
}

impl Market {
    /// Three sellers, and `orders` of them over about two months, which end up in any state.
    async fn after(shape: Shape, orders: usize) -> Self {
        let app = TestApp::start(shape).await;
        let admin = app.admin().await;
        let categories = [category(&admin).await, category(&admin).await];
        let mut sellers = Vec::new();
        let mut goods: Vec<Vec<Uuid>> = Vec::new();
        for (number, prices) in
            [["0.01", "33.33", "1.50"], ["7.77", "199.99", "0.05"], ["12.34", "5.00", "9999.99"]].into_iter().enumerate()
        {
            let seller = app.seller().await;
            let mut of_seller = Vec::new();
            for (place, price) in prices.into_iter().enumerate() {
                let category = &categories[(number + place) % 2];
                of_seller.push(uuid(Kind::Product, &new_product(&seller, category, 1_000, price).await));
            }
            sellers.push(seller);
            goods.push(of_seller);
        }
        let dice = Ids::new(Clock::system(), Entropy::seeded(7));
        let buyers = customers(&app.app, 4).await;
        let config = Config { currency: Currency::Usd, ..app.app.config.clone() };
        let dollars = build(config, app.clock.clone(), 1).await;
        let mut market = Self { begin: app.app.clock.now(), app, admin, sellers, dice };
        for number in 0..orders {
            market.app.clock.advance(Duration::from_mins(market.dice.below(3_000)));
            let of_seller = &goods[market.roll(goods.len())];
            let first = market.roll(of_seller.len());
            let count = 1 + market.roll(of_seller.len());
            let lines: Vec<(Uuid, i32)> = (first..first + count)
                .map(|index| (of_seller[index % of_seller.len()], 1 + i32::try_from(market.dice.below(9)).unwrap()))
                .collect();
            // some from before the platform changed its currency
            let is_old = number % 17 == 0;
            let app = if is_old { &dollars } else { &market.app.app };
            if is_old {
                market.price_in(Currency::Usd).await;
            }
            let order = place(app, buyers[number % buyers.len()], &lines).await.unwrap();
            if is_old {
                market.price_in(Currency::Inr).await;
            }
            let status = OrderStatus::ALL[market.roll(OrderStatus::ALL.len())];
            market.set_status(order.id, status).await;
        }
        // in all that time everybody was signed out
        market.admin = market.app.login(&market.admin.email).await;
        for seller in &mut market.sellers {
            *seller = market.app.login(&seller.email).await;
        }
        market
    }

    fn roll(&self, bound: usize) -> usize {
        usize::try_from(self.dice.below(bound as u64)).unwrap()
    }

    async fn price_in(&self, currency: Currency) {
        let update = product::Entity::update_many().col_expr(product::Column::Currency, Expr::value(Text(currency)));
        update.exec(self.app.app.db.writer()).await.unwrap();
    }

    /// Takes the order to any state, with the event that tells of it.
    async fn set_status(&self, order: Uuid, status: OrderStatus) {
        let app = &self.app.app;
        let tx = app.db.begin().await.unwrap();
        let after = order::Entity::update_many()
            .col_expr(order::Column::Status, Expr::value(Text(status)))
            .col_expr(order::Column::Version, Expr::col(order::Column::Version).add(1))
            .filter(order::Column::Id.eq(order))
            .exec_with_returning(&*tx)
            .await
            .unwrap()
            .remove(0);
        tell(app, &tx, after).await;
        tx.commit().await.unwrap();
    }

    async fn rows(&self) -> Rows {
        let db = self.app.app.db.reader();
        let products = product::Entity::find().all(db).await.unwrap();
        Rows {
            orders: order::Entity::find().all(db).await.unwrap(),
            items: order_item::Entity::find().all(db).await.unwrap(),
            products: products.into_iter().map(|product| (product.id, product)).collect(),
        }
    }

    /// The report, as the admin is given it.
    async fn report(&self, from: DateTime<Utc>, to: DateTime<Utc>, interval: Interval, seller: Option<Uuid>) -> Value {
        let seller = seller.map(|id| encode(Kind::Seller, id));
        let variables = json!({ "from": from, "to": to, "interval": interval.name(), "seller": seller });
        self.admin.query(SALES, variables).await.data()["admin"]["sales"].clone()
    }
}

impl Rows {
    /// What the report should be, added up row by row.
    fn report(&self, from: DateTime<Utc>, to: DateTime<Utc>, interval: Interval, seller: Option<Uuid>) -> Value {
        let called_off = [OrderStatus::Pending, OrderStatus::Cancelled, OrderStatus::Failed];
        let counted: Vec<&order::Model> = self
            .orders
            .iter()
            .filter(|order| order.created_at >= from && order.created_at < to && !called_off.contains(&order.status))
            .filter(|order| *order.currency == Currency::Inr && seller.is_none_or(|seller| order.seller_id == seller))
            .collect();
        let total: i64 = counted.iter().map(|order| order.total_minor).sum();
        let count = i64::try_from(counted.len()).unwrap();
        // half away from zero
        let average = if count == 0 { 0 } else { total / count + i64::from(total % count * 2 >= count) };
        let mut buckets = BTreeMap::new();
        let mut start = interval.start(from);
        while start < to {
            buckets.insert(start, (0, 0));
            start = interval.next(start).unwrap();
        }
        let (mut products, mut categories) = (BTreeMap::new(), BTreeMap::new());
        for order in &counted {
            let bucket = buckets.get_mut(&interval.start(order.created_at)).unwrap();
            *bucket = (bucket.0 + 1, bucket.1 + order.total_minor);
            for item in self.items.iter().filter(|item| item.order_id == order.id) {
                let category = self.products[&item.product_id].category_id;
                for (sums, id) in [(&mut products, item.product_id), (&mut categories, category)] {
                    let sum: &mut (i64, i32) = sums.entry(id).or_default();
                    *sum = (sum.0 + item.line_minor, sum.1 + item.quantity);
                }
            }
        }
        let ranked = |sums: BTreeMap<Uuid, (i64, i32)>, kind: Kind, name: &str| -> Vec<Value> {
            let mut sums: Vec<_> = sums.into_iter().collect();
            // ties by id, in which they are already
            sums.sort_by_key(|(_, (total, _))| std::cmp::Reverse(*total));
            let shown = sums.into_iter().map(|(id, (total, quantity))| {
                json!({ name: { "id": encode(kind, id) }, "quantity": quantity, "total": { "amount": amount(total) } })
            });
            shown.collect()
        };
        let buckets = buckets.into_iter().map(
            |(start, (orders, total))| json!({ "start": start, "orders": orders, "total": { "amount": amount(total) } }),
        );
        json!({
            "total": { "amount": amount(total), "currency": "INR" }, "orders": count,
            "averageOrder": { "amount": amount(average) }, "buckets": buckets.collect::<Vec<_>>(),
            "topProducts": ranked(products, Kind::Product, "product"),
            "byCategory": ranked(categories, Kind::Category, "category"),
        })
    }
}

fn amount(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// The same with times as the schema writes them.
fn with_plain_times(mut report: Value) -> Value {
    for bucket in report["buckets"].as_array_mut().unwrap() {
        let start: DateTime<Utc> = bucket["start"].as_str().unwrap().parse().unwrap();
        bucket["start"] = json!(start);
    }
    report
}

async fn a_report_is_the_sum_of_the_orders(shape: Shape) {
    let market = Market::after(shape, 70).await;
    let rows = market.rows().await;
    let end = market.app.app.clock.now() + TimeDelta::hours(1);
    let third = (end - market.begin) / 3;
    let placed = rows.orders[rows.orders.len() / 2].created_at;
    let periods = [
        (market.begin - TimeDelta::hours(5), end),
        (market.begin + third, end - third),
        // an order placed at `from` counts, one placed at `to` does not
        (placed, end),
        (market.begin, placed),
    ];
    let mut sold = 0;
    for (from, to) in periods {
        for interval in Interval::ALL {
            // more hours than a report has
            let from = if *interval == Interval::Hour { Ord::max(from, to - TimeDelta::hours(990)) } else { from };
            let expected = rows.report(from, to, *interval, None);
            sold += expected["orders"].as_i64().unwrap();
            assert_eq!(with_plain_times(market.report(from, to, *interval, None).await), expected, "{interval} of all");
            for seller in &market.sellers {
                let store = seller.principal().await.seller;
                let expected = rows.report(from, to, *interval, store);
                let as_admin = market.report(from, to, *interval, store).await;
                assert_eq!(with_plain_times(as_admin.clone()), expected, "{interval} of one");
                let variables = json!({ "from": from, "to": to, "interval": interval.name() });
                let own = seller.query(OWN_SALES, variables).await;
                assert_eq!(own.data()["seller"]["sales"], as_admin, "a seller sees their own, and no more");
            }
        }
    }
    assert!(sold > 100, "there was something to add up");
}

async fn a_report_of_nothing_is_zero_in_every_interval(shape: Shape) {
    let app = TestApp::start(shape).await;
    let seller = app.seller().await;
    let period = json!({ "from": "2020-02-27T13:00:00+05:30", "to": "2020-03-02T00:00:00Z", "interval": "DAY" });
    let answer = seller.query(OWN_SALES, period).await;
    let report = &answer.data()["seller"]["sales"];
    let nothing = json!({ "amount": "0.00" });
    let days = ["2020-02-27", "2020-02-28", "2020-02-29", "2020-03-01"];
    let buckets = days.map(|day| json!({ "start": format!("{day}T00:00:00+00:00"), "orders": 0, "total": nothing }));
    assert_eq!(report["buckets"], json!(buckets));
    assert_eq!((&report["orders"], &report["averageOrder"]), (&json!(0), &nothing));
    assert_eq!((&report["topProducts"], &report["byCategory"]), (&json!([]), &json!([])));
}

async fn an_interval_begins_by_the_calendar_in_utc(shape: Shape) {
    let app = TestApp::start(shape).await;
    let db = app.app.db.reader();
    for at in [
        "2024-02-29T23:59:59.999999Z",
        "2024-03-03T00:00:00Z",
        "2024-03-04T00:00:00Z",
        "2023-12-31T12:30:00.5Z",
        "1999-12-31T23:00:00.000001Z",
    ] {
        let at: DateTime<Utc> = at.parse().unwrap();
        for interval in Interval::ALL {
            // what the column of an order would be
            let backend = app.app.db.backend();
            let column = if backend == DbBackend::Postgres { "CAST($1 AS timestamptz)" } else { "$1" };
            let start = quick_commerce::platform::calendar::start_of(*interval, column, backend);
            let mut select = sea_orm::sea_query::Query::select();
            let sql = backend.build(select.expr_as(start, "start")).sql;
            let ask = Statement::from_sql_and_values(backend, sql, [at.into()]);
            let start: i64 = db.query_one_raw(ask).await.unwrap().unwrap().try_get("", "start").unwrap();
            assert_eq!(start, interval.start(at).timestamp(), "{interval} of {at}");
        }
    }
}

async fn a_period_that_makes_no_sense_is_refused(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (seller, admin) = tokio::join!(app.seller(), app.admin());
    for (from, to, interval, argument) in [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "DAY", "to"),
        ("2024-01-02T00:00:00Z", "2024-01-01T00:00:00Z", "DAY", "to"),
        ("2024-01-01T00:00:00Z", "2024-02-11T16:00:01Z", "HOUR", "interval"),
        ("0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "MONTH", "interval"),
        ("-0001-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "MONTH", "from"),
        ("2024-01-01T00:00:00Z", "+10000-01-01T00:00:00Z", "MONTH", "to"),
    ] {
        let period = json!({ "from": from, "to": to, "interval": interval });
        for (viewer, document) in [(&seller, OWN_SALES), (&admin, SALES)] {
            let answer = viewer.query(document, period.clone()).await;
            assert_eq!(answer.code(), "BAD_ARGUMENT", "{period}");
            let message = text(&answer.body, "/errors/0/message");
            assert!(message.starts_with(&format!("{argument}: ")), "{period}: {message}");
        }
    }
    let most = json!({ "from": "2024-01-01T00:00:00Z", "to": "2024-02-11T16:00:00Z", "interval": "HOUR" });
    let answer = seller.query(OWN_SALES, most.clone()).await;
    assert_eq!(answer.data()["seller"]["sales"]["buckets"].as_array().unwrap().len(), 1_000);
    for first in [json!(0), json!(101), json!(-1)] {
        let document = "query($from: DateTime!, $to: DateTime!, $interval: Interval!, $first: Int) {
            seller { sales(from: $from, to: $to, interval: $interval) { topProducts(first: $first) { quantity } } } }";
        let mut variables = most.clone();
        variables["first"] = first;
        assert_eq!(seller.query(document, variables).await.code(), "BAD_ARGUMENT");
    }
    let nobody = json!({ "from": "2024-01-01T00:00:00Z", "to": "2024-01-02T00:00:00Z", "interval": "DAY",
        "seller": "sel_7zzzzzzzzzzzzzzzzzzzzzzzzy" });
    assert_eq!(admin.query(SALES, nobody).await.data()["admin"]["sales"]["orders"], 0);
}

async fn a_part_is_read_where_it_is_asked_for(shape: Shape) {
    let market = Market::after(shape, 20).await;
    let token = market.sellers[0].token.clone().unwrap();
    let app = market.app.api.app.clone();
    let (from, to) = (market.begin - TimeDelta::days(1), app.clock.now());
    // nothing in the background may count
    let _database = market.app.stop().await;
    let viewer = authenticate(&app, &token).await.unwrap_or_else(|_| panic!("the token is good"));
    // longer than a busy machine takes from one row to the next: how busy it is does not count
    let schema = build_schema_gathering(&app, Duration::from_millis(100));
    let statements = async |parts: &str| {
        let document = format!(
            "{{ seller {{ sales(from: \"{}\", to: \"{}\", interval: DAY) {{ {parts} }} }} }}",
            from.to_rfc3339(),
            to.to_rfc3339()
        )
        .replace("+00:00", "Z");
        let request = async_graphql::Request::new(document).data(Viewer(Some(viewer)));
        let before = app.db.statements();
        let answer = schema.execute(request.data(RequestId("sales".to_owned()))).await;
        assert_eq!(answer.errors, Vec::new());
        app.db.statements() - before
    };
    for (parts, expected) in [
        ("__typename", 0),
        ("total { amount }", 1),
        ("total { amount } orders averageOrder { amount } buckets { orders } again: buckets { orders }", 1),
        ("topProducts { quantity }", 1),
        ("byCategory { quantity }", 1),
        ("orders topProducts { quantity } byCategory { quantity }", 3),
        // all products in one, all categories in one
        ("topProducts { product { sku } }", 2),
        ("byCategory { category { slug } }", 2),
    ] {
        assert_eq!(statements(parts).await, expected, "{parts}");
    }
}

async fn an_order_that_was_called_off_leaves_the_report(shape: Shape) {
    use crate::support::story::{CANCEL_ORDER, key, place_order, seller_with_product};

    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    let order = place_order(&customer, &shop.product_id, 2).await;
    let now = app.app.clock.now();
    let period = json!({ "from": now - TimeDelta::hours(1), "to": now + TimeDelta::hours(1), "interval": "HOUR" });
    let report = async || shop.seller.query(OWN_SALES, period.clone()).await.data()["seller"]["sales"].clone();
    let before = report().await;
    assert_eq!((&before["orders"], &before["total"]["amount"]), (&json!(1), &json!("109.00")), "80 + 5 % + 25");
    assert_eq!(before["topProducts"][0]["total"]["amount"], "80.00", "without tax and fee");
    customer.mutate(CANCEL_ORDER, json!({ "idempotencyKey": key(), "orderId": order })).await.ok("cancelOrder");
    let after = report().await;
    assert_eq!((&after["orders"], &after["topProducts"]), (&json!(0), &json!([])));
}

/// How the database looks for a seller's and for everybody's orders of a time.
async fn reports_are_read_by_index(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (seller, admin) = tokio::join!(app.seller(), app.admin());
    let (api, tokens) = (app.api.app.clone(), [seller.token.clone().unwrap(), admin.token.clone().unwrap()]);
    // nothing in the background is meant
    let _database = app.stop().await;
    let explainer = Explainer::of(&api);
    let period = "from: \"2024-01-01T00:30:00Z\", to: \"2024-01-02T00:30:00Z\", interval: HOUR";
    let is_sqlite = shape == Shape::Embedded;
    // of empty tables PostgreSQL thinks one index as good as the other
    let [hours, products] = ["sales_hours", "sales_hour_products"]
        .map(|table| if is_sqlite { format!("SEARCH {table} USING") } else { format!("{table}_") });
    let keys = if is_sqlite {
        ["SEARCH skipped_events", "SEARCH sales_orders"]
    } else {
        ["skipped_events_pkey", "sales_orders_pkey"]
    };
    let untaken = ["events_position_key", keys[0], keys[1]];
    for (token, desk, index) in
        [(&tokens[0], "seller", "orders_seller_created_idx"), (&tokens[1], "admin", "orders_created_idx")]
    {
        for (part, indexes) in [
            ("total { amount }", [vec![index, &hours], untaken.to_vec()].concat()),
            // of an empty table PostgreSQL thinks any index of a seller's orders as good as the other
            ("topProducts { quantity }", [vec!["order_items_order_key", &products], untaken.to_vec()].concat()),
            ("byCategory { quantity }", [vec!["order_items_order_key", &products], untaken.to_vec()].concat()),
        ] {
            let viewer = authenticate(&api, token).await.unwrap_or_else(|_| panic!("the token is good"));
            let document = format!("{{ {desk} {{ sales({period}) {{ {part} }} }} }}");
            let request = async_graphql::Request::new(document).data(Viewer(Some(viewer)));
            explainer.forget();
            let answer = build_schema(&api).execute(request.data(RequestId("sales".to_owned()))).await;
            assert_eq!(answer.errors, Vec::new());
            let plans = explainer.plans(&api).await;
            let [plan] = plans.as_slice() else { panic!("one statement: {plans:#?}") };
            assert!(!is_sqlite || !plan.contains("SCAN orders") && !plan.contains("SCAN events"), "{desk}, {part}: {plan}");
            for index in indexes {
                assert!(plan.contains(index), "{desk}, {part}: {index} in {plan}");
            }
        }
    }
}
