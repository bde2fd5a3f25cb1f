//! What happened, by the database.

use std::collections::{BTreeMap, BTreeSet};

use entity::{order, order_event};
use quick_commerce::app::App;
use quick_commerce::orders::event::is_offered;
use sea_orm::{ConnectionTrait as _, DbBackend, EntityTrait as _, FromQueryResult as _, PaginatorTrait as _, Statement};
use uuid::Uuid;

use super::log::Truth;

/// By which events orders began and ceased to be on offer, those of each order in their order.
const OFFERS: &str = "SELECT event_id, payload->'order'->>'id' AS order_id FROM events
    WHERE kind = 'order.changed' AND payload->>'offer' IS NOT NULL
    ORDER BY (payload->'event'->>'order_version')::int";

/// What happened to all orders.
#[derive(Debug)]
pub(super) struct Facts {
    orders: BTreeMap<Uuid, Row>,
    offers: BTreeMap<Uuid, Vec<Uuid>>,
    open: BTreeSet<Uuid>,
}

#[derive(Debug)]
struct Row {
    version: i32,
    customer: Uuid,
    seller: Uuid,
}

#[derive(Debug, sea_orm::FromQueryResult)]
struct Offer {
    event_id: Uuid,
    order_id: String,
}

impl Facts {
    /// Reads them, once nothing happens any more.
    pub(super) async fn read(app: &App) -> Self {
        let db = app.db.reader();
        let rows = order::Entity::find().all(db).await.unwrap();
        let open = rows.iter().filter(|row| is_offered(row)).map(|row| row.id).collect();
        let orders = rows.iter().map(|row| {
            let (customer, seller) = (row.customer_id, row.seller_id);
            (row.id, Row { version: row.version, customer, seller })
        });
        let orders: BTreeMap<Uuid, Row> = orders.collect();
        let entries = order_event::Entity::find().count(db).await.unwrap();
        let versions: i64 = orders.values().map(|row| i64::from(row.version)).sum();
        assert_eq!(i64::try_from(entries).unwrap(), versions, "an entry in a timeline for each version");
        let found = db.query_all_raw(Statement::from_string(DbBackend::Postgres, OFFERS)).await.unwrap();
        let mut offers: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
        for row in found {
            let offer = Offer::from_query_result(&row, "").unwrap();
            offers.entry(offer.order_id.parse().unwrap()).or_default().push(offer.event_id);
        }
        Self { orders, offers, open }
    }

    /// Every order and its version.
    pub(super) fn versions(&self) -> BTreeMap<Uuid, i64> {
        self.orders.iter().map(|(id, row)| (*id, i64::from(row.version))).collect()
    }

    /// What a customer should have heard.
    pub(super) fn of_customer(&self, customer: Uuid) -> Truth {
        self.of(|_, row| row.customer == customer)
    }

    /// What a seller should have heard.
    pub(super) fn of_seller(&self, seller: Uuid) -> Truth {
        self.of(|_, row| row.seller == seller)
    }

    /// What an admin should have heard.
    pub(super) fn of_platform(&self) -> Truth {
        self.of(|_, _| true)
    }

    /// What those who followed these orders should have heard.
    pub(super) fn of_orders(&self, orders: &BTreeSet<Uuid>) -> Truth {
        self.of(|id, _| orders.contains(&id))
    }

    /// What a partner should have heard.
    pub(super) fn of_offers(&self) -> Truth {
        Truth { versions: BTreeMap::new(), offers: self.offers.clone(), open: self.open.clone() }
    }

    fn of(&self, concerns: impl Fn(Uuid, &Row) -> bool) -> Truth {
        let orders = self.orders.iter().filter(|(id, row)| concerns(**id, row));
        Truth { versions: orders.map(|(id, row)| (*id, row.version)).collect(), ..Truth::default() }
    }
}
