//! What each role may use, and what each viewer sees of what others own.

mod audit;
mod fields;
mod isolation;
mod strangers;
mod table;

use serde_json::{Value, json};

use self::table::{MUTATIONS, QUERIES, Row, SUBSCRIPTIONS};
use crate::chat::say;
use crate::support::actors::Actor;
use crate::support::money::paid_in_cash;
use crate::support::socket::{Frame, Socket};
use crate::support::story::{Shop, claim, ready_order, seller_with_product, update_product};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! { every_root_field_is_for_whom_it_is_for }

/// What comes of a root field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It does what it does.
    Allowed,
    /// As if there were no such thing: null, or `NOT_FOUND`.
    Hidden,
    /// `UNAUTHENTICATED`.
    Unauthenticated,
    /// `FORBIDDEN`.
    Forbidden,
}

/// An order on the way to its customer, and people of every role.
#[derive(Debug)]
struct World {
    app: TestApp,
    shop: Shop,
    customer: Actor,
    /// Has the order.
    carrier: Actor,
    /// Has nothing to do with it.
    partner: Actor,
    admin: Actor,
    order_id: String,
    claim_id: String,
    /// Of that order, in cash.
    payment_id: String,
    /// In that order's chat.
    message_id: String,
}

impl World {
    async fn new(shape: Shape) -> Self {
        let app = TestApp::start(shape).await;
        let shop = Box::pin(seller_with_product(&app, 10, "40.00"));
        let people = Box::pin(async { tokio::join!(app.customer(), app.partner(), app.partner(), app.admin()) });
        let (shop, (customer, carrier, partner, admin)) = tokio::join!(shop, people);
        let order_id = ready_order(&shop, &customer).await;
        let claim_id = claim(&carrier, &order_id).await;
        let payment_id = paid_in_cash(&app.app, &order_id, 10_000).await;
        let message_id = say(&carrier, &order_id, "On my way.").await;
        Self { app, shop, customer, carrier, partner, admin, order_id, claim_id, payment_id, message_id }
    }

    /// In the order of the table.
    fn viewers(&self) -> [(&'static str, Actor); 5] {
        [
            ("anonymous", self.app.anonymous()),
            ("customer", self.customer.clone()),
            ("partner", self.partner.clone()),
            ("seller", self.shop.seller.clone()),
            ("admin", self.admin.clone()),
        ]
    }
}

fn of_code(code: Option<&str>, value: &Value) -> Outcome {
    match code {
        Some("UNAUTHENTICATED") => Outcome::Unauthenticated,
        Some("FORBIDDEN") => Outcome::Forbidden,
        Some("NOT_FOUND") => Outcome::Hidden,
        None if value.is_null() || *value == json!([null]) => Outcome::Hidden,
        None => Outcome::Allowed,
        Some(other) => panic!("{other} is for no viewer"),
    }
}

async fn outcome_of(viewer: &Actor, world: &World, row: &Row) -> Outcome {
    let answer = viewer.query(row.document, (row.variables)(world)).await;
    let value = &answer.body["data"][row.field];
    let error = answer.errors().first().and_then(|error| error["extensions"]["code"].as_str());
    let refusal = value["userErrors"][0]["code"].as_str().filter(|code| *code == "NOT_FOUND");
    of_code(error.or(refusal), value)
}

async fn outcome_of_subscription(viewer: &Actor, world: &World, row: &Row) -> Outcome {
    let mut socket: Socket = viewer.socket().await;
    socket.subscribe("1", row.document, &(row.variables)(world)).await;
    // a feed without a first picture says nothing until something happens
    let happening = async {
        if row.field != "lowStockAlerts" {
            return std::future::pending().await;
        }
        loop {
            for threshold in [9, 5] {
                update_product(&world.shop.seller, &world.shop.product_id, json!({ "lowStockThreshold": threshold })).await;
            }
        }
    };
    let first = tokio::select! {
        first = socket.next() => first,
        never = happening => never,
    };
    match first {
        Frame::Message(message) => {
            let payload = &message["payload"];
            // refused before it began, or by its first answer
            let errors = payload.as_array().or_else(|| payload["errors"].as_array());
            let code = errors.map(|errors| errors[0]["extensions"]["code"].as_str().unwrap());
            of_code(code, &payload["data"][row.field])
        }
        closed @ Frame::Closed(..) => panic!("{} closed the socket: {closed:?}", row.field),
    }
}

/// The names of the fields of a root type.
async fn root_fields(viewer: &Actor, root: &str) -> Vec<String> {
    let document = format!("{{ __schema {{ root: {root} {{ fields {{ name }} }} }} }}");
    let answer = viewer.query(&document, Value::Null).await;
    let fields = answer.data()["__schema"]["root"]["fields"].as_array().unwrap();
    fields.iter().map(|field| field["name"].as_str().unwrap().to_owned()).collect()
}

async fn every_root_field_is_for_whom_it_is_for(shape: Shape) {
    let world = World::new(shape).await;
    let mut wrong = Vec::new();
    for (root, rows) in [("queryType", QUERIES), ("subscriptionType", SUBSCRIPTIONS), ("mutationType", MUTATIONS)] {
        let missing: Vec<String> = root_fields(&world.admin, root)
            .await
            .into_iter()
            .filter(|field| rows.iter().all(|row| row.field != field))
            .collect();
        assert!(missing.is_empty(), "say in roles/table.rs who may use these of {root}: {missing:?}");
        for row in rows {
            for ((name, viewer), expected) in world.viewers().iter().zip(row.outcomes) {
                let outcome = match root {
                    "subscriptionType" => outcome_of_subscription(viewer, &world, row).await,
                    _ => outcome_of(viewer, &world, row).await,
                };
                if outcome != expected {
                    wrong.push(format!("{} for {name}: {expected:?} was expected, and it is {outcome:?}", row.field));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
