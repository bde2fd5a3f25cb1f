//! Demo data: a small city in which everything of the API can be tried at once.

mod goods;
pub mod images;
mod people;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::order::Preparation;
use domain::stock::StockMovementReason;
use entity::json::Strings;
use entity::{PasswordHash, address, category, partner, product, product_tag, seller, stock, stock_movement, user};
use futures_util::future::try_join_all;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use uuid::Uuid;

use self::goods::{CATEGORIES, GOODS, Good, Store};
pub use self::people::{ACCOUNTS, Account, PASSWORD};
use self::people::{HOMES, STORES, VEHICLES};
use crate::app::App;
use crate::catalog;
use crate::platform::db::{Tx, retry};
use crate::platform::error::{Error, Result};

/// Rows in one statement: SQLite takes at most 32,766 values, and a product has sixteen.
const CHUNK: usize = 50;

/// At or below this a demo product is low.
const LOW: i32 = 5;

/// Fills an empty database, all of it or nothing. False when there were users already, or another instance was first.
///
/// # Errors
/// When the database fails.
pub async fn seed(app: &App) -> Result<bool> {
    if has_users(app.db.reader()).await? {
        return Ok(false);
    }
    // slow, so before the transaction
    let hashes = try_join_all(ACCOUNTS.iter().map(|_| app.passwords.hash(PASSWORD.to_owned()))).await?;
    retry(|| seed_once(app, &hashes)).await
}

async fn seed_once(app: &App, hashes: &[String]) -> Result<bool> {
    let tx = app.db.begin().await?;
    if has_users(&*tx).await? {
        return Ok(false);
    }
    let now = app.clock.db_now(&*tx).await?;
    let Some(users) = insert_users(app, &tx, hashes, now).await? else { return Ok(false) };
    insert_partners(app, &tx, &users).await?;
    insert_addresses(app, &tx, &users, now).await?;
    let sellers = insert_sellers(app, &tx, &users, now).await?;
    insert_goods(app, &tx, &sellers, now).await?;
    tx.commit().await?;
    Ok(true)
}

async fn has_users(db: &impl sea_orm::ConnectionTrait) -> Result<bool> {
    Ok(user::Entity::find().one(db).await?.is_some())
}

/// The accounts' ids by address. `None` when another instance has inserted the first one: on PostgreSQL two can find an
/// empty database, and the second then waits here until the first has committed.
async fn insert_users(
    app: &App,
    tx: &Tx,
    hashes: &[String],
    now: DateTime<Utc>,
) -> Result<Option<HashMap<&'static str, Uuid>>> {
    let mut ids = HashMap::new();
    for (account, hash) in ACCOUNTS.iter().zip(hashes) {
        let id = app.ids.uuid();
        let row = user::Model {
            id,
            email: account.email.to_owned(),
            password_hash: PasswordHash(hash.clone()),
            name: account.name.to_owned(),
            phone: None,
            role: account.role.into(),
            is_active: true,
            email_verified_at: Some(now),
            created_at: now,
            updated_at: now,
        };
        let inserted = user::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::column(user::Column::Email).do_nothing().to_owned())
            .exec_without_returning(&**tx)
            .await?;
        if inserted == 0 {
            return Ok(None);
        }
        ids.insert(account.email, id);
    }
    Ok(Some(ids))
}

async fn insert_partners(app: &App, tx: &Tx, users: &HashMap<&'static str, Uuid>) -> Result<()> {
    let mut rows = Vec::new();
    for (email, vehicle, plate) in VEHICLES {
        rows.push(partner::Model {
            user_id: id_of(users, email)?,
            vehicle: vehicle.into(),
            vehicle_number: plate.map(str::to_owned),
            license_number: None,
            is_available: true,
            capacity: app.config.partner_capacity,
            active_deliveries: 0,
            completed_deliveries: 0,
            rating_sum: 0,
            rating_count: 0,
        });
    }
    insert(tx, rows).await
}

async fn insert_addresses(app: &App, tx: &Tx, users: &HashMap<&'static str, Uuid>, now: DateTime<Utc>) -> Result<()> {
    let mut rows: Vec<address::Model> = Vec::new();
    for home in HOMES {
        let user_id = id_of(users, home.email)?;
        let is_default = !rows.iter().any(|row| row.user_id == user_id);
        rows.push(address::Model {
            id: app.ids.uuid(),
            user_id,
            label: home.label.to_owned(),
            line1: home.line1.to_owned(),
            line2: home.line2.map(str::to_owned),
            city: "Bengaluru".to_owned(),
            region: Some("Karnataka".to_owned()),
            postal_code: home.postal_code.to_owned(),
            country: "IN".to_owned(),
            latitude: Some(home.at.0),
            longitude: Some(home.at.1),
            instructions: home.instructions.map(str::to_owned),
            is_default,
            created_at: now,
        });
    }
    insert(tx, rows).await
}

/// The stores, each as its user and its seller's id.
async fn insert_sellers(
    app: &App,
    tx: &Tx,
    users: &HashMap<&'static str, Uuid>,
    now: DateTime<Utc>,
) -> Result<Vec<(Store, Uuid, Uuid)>> {
    let (mut rows, mut sellers) = (Vec::new(), Vec::new());
    for (email, store, store_name, latitude, longitude) in STORES {
        let (id, user_id) = (app.ids.uuid(), id_of(users, email)?);
        sellers.push((store, user_id, id));
        rows.push(seller::Model {
            id,
            user_id,
            store_name: store_name.to_owned(),
            latitude,
            longitude,
            // the demo has nobody behind the counter
            preparation: Preparation::Automatic.into(),
            rating_sum: 0,
            rating_count: 0,
            created_at: now,
        });
    }
    insert(tx, rows).await?;
    Ok(sellers)
}

async fn insert_goods(app: &App, tx: &Tx, sellers: &[(Store, Uuid, Uuid)], now: DateTime<Utc>) -> Result<()> {
    let categories: Vec<category::Model> = CATEGORIES
        .iter()
        .map(|(slug, name)| category::Model { id: app.ids.uuid(), slug: (*slug).to_owned(), name: (*name).to_owned() })
        .collect();
    let (mut products, mut tags, mut stocks, mut ledger) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (place, good) in (0..).zip(GOODS) {
        let category = categories.iter().find(|category| category.slug == good.category);
        let seller = sellers.iter().find(|(store, ..)| *store == good.store);
        let (Some(category), Some((_, actor, seller))) = (category, seller) else { return Err(missing(good.sku)) };
        // listed one after the other, so that NEWEST is an order
        let listed_at = now - TimeDelta::minutes(place);
        let row = product(app, good, (*seller, category.id), listed_at);
        tags.extend(row.tags.0.iter().map(|tag| product_tag::Model { tag: tag.clone(), product_id: row.id }));
        let is_low = good.stock <= LOW;
        stocks.push(stock::Model {
            product_id: row.id,
            on_hand: good.stock,
            reserved: 0,
            low_stock_threshold: LOW,
            is_low,
            was_low: is_low,
        });
        if good.stock > 0 {
            ledger.push(stock_movement::Model {
                id: app.ids.uuid(),
                product_id: row.id,
                delta: good.stock,
                on_hand_after: good.stock,
                reason: StockMovementReason::Received.into(),
                actor_id: Some(*actor),
                order_id: None,
                note: Some("Opening stock".to_owned()),
                at: listed_at,
            });
        }
        products.push(row);
    }
    insert(tx, categories).await?;
    insert(tx, products).await?;
    insert(tx, tags).await?;
    insert(tx, stocks).await?;
    insert(tx, ledger).await
}

fn product(app: &App, good: &Good, (seller_id, category_id): (Uuid, Uuid), at: DateTime<Utc>) -> product::Model {
    let currency = app.config.currency;
    let minor = |units: i64| units * 10_i64.pow(currency.exponent());
    let tags: Vec<String> = good.tags.split(' ').map(str::to_owned).collect();
    let mut product = product::Model {
        id: app.ids.uuid(),
        sku: good.sku.to_owned(),
        seller_id,
        category_id,
        name: good.name.to_owned(),
        name_key: String::new(),
        search_text: String::new(),
        description: good.description.to_owned(),
        price_minor: minor(good.price.0),
        compare_at_minor: (good.price.1 > good.price.0).then(|| minor(good.price.1)),
        currency: currency.into(),
        images: Strings(vec![images::address(good.category)]),
        tags: Strings(tags),
        is_active: true,
        sold_count: 0,
        rating_sum: 0,
        rating_count: 0,
        created_at: at,
        updated_at: at,
    };
    catalog::index(&mut product);
    product
}

/// Inserts `rows` a chunk at a time.
async fn insert<M, A>(tx: &Tx, rows: Vec<M>) -> Result<()>
where
    M: IntoActiveModel<A>,
    A: ActiveModelTrait,
{
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
    while rows.peek().is_some() {
        A::Entity::insert_many(rows.by_ref().take(CHUNK)).exec_without_returning(&**tx).await?;
    }
    Ok(())
}

fn id_of(users: &HashMap<&'static str, Uuid>, email: &'static str) -> Result<Uuid> {
    users.get(email).copied().ok_or_else(|| missing(email))
}

fn missing(what: &'static str) -> Error {
    Error::fault("writing the demo data", format!("{what} refers to something that is not there"))
}

#[cfg(test)]
mod tests;
