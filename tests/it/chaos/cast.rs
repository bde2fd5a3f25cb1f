//! Who takes part.

use domain::geo::Point;
use domain::id::Kind;
use entity::seller;
use quick_commerce::app::App;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use crate::support::actors::{Actor, Api};
use crate::support::crowd;
use crate::support::story::{by_hand, category, product};

/// Between all stores.
pub(super) const CENTRE: Point = Point { latitude: 12.972, longitude: 77.595 };

/// Somebody, and the id that their orders have.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) actor: Actor,
    /// A user's; of a seller, the store's.
    pub(super) id: Uuid,
}

/// Everybody. Each of them has many clients.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) customers: Vec<Person>,
    pub(super) partners: Vec<Person>,
    pub(super) sellers: Vec<Person>,
    /// What each of the sellers sells.
    pub(super) products: Vec<String>,
    pub(super) admin: Actor,
}

impl Cast {
    /// Gathers them: so many customers, and few of the others.
    pub(super) async fn gather(app: &App, door: &Api, customers: usize) -> Self {
        let mut cast = Self {
            customers: Vec::new(),
            partners: Vec::new(),
            sellers: Vec::new(),
            products: Vec::new(),
            admin: door.admin().await,
        };
        for person in crowd::customers(app, customers).await {
            cast.customers.push(Person { actor: door.client_of(person).await, id: person.user });
        }
        // they carry many at once: an order that nobody can take would end the story
        for person in crowd::partners(app, 10, 100).await {
            cast.partners.push(Person { actor: door.client_of(person).await, id: person.user });
        }
        let category_id = category(&cast.admin).await;
        for number in -2..2 {
            let seller = door.seller().await;
            cast.products.push(product(&seller, &category_id, 100_000, "40.00").await);
            by_hand(door, &seller).await;
            let id = seller.principal().await.seller.expect("a seller has a store");
            // each in a cell of its own
            seller::Entity::update_many()
                .col_expr(seller::Column::Latitude, Expr::value(CENTRE.latitude + 0.015 * f64::from(number)))
                .filter(seller::Column::Id.eq(id))
                .exec(app.db.writer())
                .await
                .unwrap();
            cast.sellers.push(Person { actor: seller, id });
        }
        cast
    }
}

/// The id behind an order's.
pub(super) fn order_uuid(id: &str) -> Uuid {
    crowd::uuid(Kind::Order, id)
}
