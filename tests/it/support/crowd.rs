//! Many people at once. They are written into the database: hashing all their passwords would take longer than the test.

use std::time::Duration;

use domain::access::{Actor as Principal, Role};
use domain::claims::VehicleType;
use domain::error::{ErrorCode, Rejection};
use domain::geo::Point;
use domain::id::Kind;
use domain::order::PaymentMethod;
use entity::{Text, order, partner, user};
use quick_commerce::accounts::service::NewAddress;
use quick_commerce::app::App;
use quick_commerce::orders::service::{Place, PlaceLine};
use quick_commerce::platform::{Error, Result};
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::story::key;

/// How long all that a test does at once may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// `count` new customers.
pub(crate) async fn customers(app: &App, count: usize) -> Vec<Principal> {
    people(app, Role::Customer, count).await
}

/// `count` new partners who are available and carry up to `capacity` orders.
pub(crate) async fn partners(app: &App, count: usize, capacity: i32) -> Vec<Principal> {
    let people = people(app, Role::Partner, count).await;
    let rows = people.iter().map(|person| {
        let row = partner::Model {
            user_id: person.user,
            vehicle: Text(VehicleType::Scooter),
            vehicle_number: None,
            license_number: None,
            is_available: true,
            capacity,
            active_deliveries: 0,
            completed_deliveries: 0,
            rating_sum: 0,
            rating_count: 0,
        };
        row.into_active_model()
    });
    partner::Entity::insert_many(rows).exec_without_returning(app.db.writer()).await.unwrap();
    people
}

async fn people(app: &App, role: Role, count: usize) -> Vec<Principal> {
    let now = app.clock.db_now(app.db.reader()).await.unwrap();
    let people: Vec<Principal> = (0..count)
        .map(|_| Principal { user: app.ids.uuid(), role, seller: None, session: Uuid::nil(), key: None, request: None })
        .collect();
    let rows: Vec<user::ActiveModel> = people
        .iter()
        .map(|person| {
            let row = user::Model {
                id: person.user,
                email: email(person),
                password_hash: entity::PasswordHash("none".to_owned()),
                name: "One of many".to_owned(),
                phone: None,
                role: Text(role),
                is_active: true,
                email_verified_at: Some(now),
                created_at: now,
                updated_at: now,
            };
            row.into_active_model()
        })
        .collect();
    // a statement has a limit of parameters
    for rows in rows.chunks(500) {
        user::Entity::insert_many(rows.to_vec()).exec_without_returning(app.db.writer()).await.unwrap();
    }
    people
}

/// The address that one of them could sign in with.
pub(crate) fn email(person: &Principal) -> String {
    format!("{}@crowd.example", person.user.simple())
}

/// The id behind a public one such as `ord_…`.
pub(crate) fn uuid(kind: Kind, id: &str) -> Uuid {
    domain::id::decode(kind, id).unwrap()
}

/// An order of so many pieces of each product, in cash, two kilometres from every store.
pub(crate) fn wish(lines: &[(Uuid, i32)]) -> Place {
    let address = NewAddress {
        label: "Home".to_owned(),
        line1: "12 Lake Road".to_owned(),
        line2: None,
        city: "Bengaluru".to_owned(),
        region: None,
        postal_code: "560001".to_owned(),
        country: "IN".to_owned(),
        point: Some(Point { latitude: 12.9816, longitude: 77.6096 }),
        instructions: None,
        is_default: false,
    };
    Place {
        lines: Some(lines.iter().map(|(product, quantity)| PlaceLine { product: *product, quantity: *quantity }).collect()),
        address_id: None,
        address: Some(address),
        payment_method: PaymentMethod::CashOnDelivery,
        promo_code: None,
        note: None,
        expected_total: None,
    }
}

/// Places an order within the process.
pub(crate) async fn place(app: &App, customer: Principal, lines: &[(Uuid, i32)]) -> Result<order::Model, Rejection> {
    refused(quick_commerce::orders::service::place(app, customer, &key(), wish(lines)).await)
}

/// What was done, or the rule that said no. Anything else fails the test.
pub(crate) fn refused<T>(result: Result<T>) -> Result<T, Rejection> {
    match result {
        Ok(done) => Ok(done),
        Err(Error::Rejected(rejection)) => Err(*rejection),
        Err(other) => panic!("done or refused was expected, not {other:?}"),
    }
}

/// Does all of `work` at once; what came of each, in no order.
pub(crate) async fn at_once<T: Send + 'static>(
    work: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut tasks: JoinSet<T> = work.into_iter().collect();
    let mut results = Vec::with_capacity(tasks.len());
    let all = async {
        while let Some(result) = tasks.join_next().await {
            // a failed assertion in there is one of this test
            results.push(result.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())));
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("it all ends in time");
    results
}

/// How many were done, when everything else was refused with `code`. Any other refusal fails the test.
pub(crate) fn count_done<T>(results: &[Result<T, Rejection>], code: ErrorCode) -> usize {
    for refusal in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(refusal.code, code, "{refusal:?}");
    }
    results.iter().filter(|result| result.is_ok()).count()
}
