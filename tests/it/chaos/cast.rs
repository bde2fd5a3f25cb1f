//! Who takes part.

use domain::id::Kind;
use quick_commerce::app::App;
use uuid::Uuid;

use crate::support::actors::{Actor, Api};
use crate::support::crowd;
use crate::support::story::{by_hand, category, product};

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
        for _ in 0..4 {
            let seller = door.seller().await;
            cast.products.push(product(&seller, &category_id, 100_000, "40.00").await);
            by_hand(door, &seller).await;
            let id = seller.principal().await.seller.expect("a seller has a store");
            cast.sellers.push(Person { actor: seller, id });
        }
        cast
    }
}

/// The id behind an order's.
pub(super) fn order_uuid(id: &str) -> Uuid {
    crowd::uuid(Kind::Order, id)
}
