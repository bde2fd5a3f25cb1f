//! Use-cases of the catalogue, and its parts of the use-cases of later slices.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use domain::access::{Actor, Reader, Role};
use domain::id::Kind;
use domain::input;
use entity::json::Strings;
use entity::{category, product};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::SelectStatement;
use serde_json::{Value, json};
use uuid::Uuid;

use super::checks::{self, Changes, Draft};
use super::error::CatalogError;
use super::event::{self, ProductChange};
use super::repo::{self, Listing, Shown};
use super::search::{self, Search};
use crate::app::App;
use crate::platform::Result;
use crate::platform::audit::{self, NewEntry};
use crate::platform::db::Tx;
use crate::platform::page::{Page, PageArgs};

/// A subquery of product ids, which it selects as `product_id`.
pub type Among = SelectStatement;

/// The most categories: whoever browses is shown all of them.
pub const MAX_CATEGORIES: usize = 1_000;

/// Categories whose products are counted in one statement.
const COUNTED_AT_ONCE: usize = 500;

/// Products that are indexed in one transaction.
const INDEXED_AT_ONCE: u64 = 500;

/// What a product is asked for by.
#[derive(Debug, Clone)]
pub enum Which {
    /// Its id.
    Id(Uuid),
    /// The seller's number for it.
    Sku(String),
}

/// Whether `actor` may change `product`, and see what only its seller sees.
#[must_use]
pub fn may_manage(reader: impl Into<Reader>, product: &product::Model) -> bool {
    let reader = reader.into();
    reader.role == Some(Role::Admin) || reader.seller == Some(product.seller_id)
}

fn shown(viewer: Option<&Actor>) -> Shown {
    match viewer {
        Some(Actor { role: Role::Admin, .. }) => Shown::All,
        Some(Actor { seller: Some(seller), .. }) => Shown::OnSaleOrOf(*seller),
        _ => Shown::OnSale,
    }
}

/// A page of what `search` finds and `viewer` may see. `among` narrows it further, to the product ids that a subquery selects
/// as `product_id`: how later slices filter by what only they know.
///
/// # Errors
/// `BAD_CURSOR`; faults of the database.
pub async fn list(
    app: &App,
    viewer: Option<&Actor>,
    search: &Search,
    among: Option<Among>,
    page: &PageArgs,
) -> Result<Page<product::Model>> {
    repo::list_products(app.db.reader(), &Listing { search, shown: shown(viewer), among }, page).await
}

/// How many products [`list`] has in all, and whether that is exact.
///
/// # Errors
/// Faults of the database.
pub async fn count(app: &App, viewer: Option<&Actor>, search: &Search, among: Option<Among>) -> Result<(i32, bool)> {
    repo::count_products(app.db.reader(), &Listing { search, shown: shown(viewer), among }).await
}

/// The product, if it exists and `viewer` may see it.
///
/// # Errors
/// Faults of the database.
pub async fn find(app: &App, viewer: Option<&Actor>, which: &Which) -> Result<Option<product::Model>> {
    let db = app.db.reader();
    let found = match which {
        Which::Id(id) => repo::find_product(db, *id).await?,
        // what can be no SKU is not sent to the database, which could refuse the text itself
        Which::Sku(sku) => match input::line("sku", sku, 1, 64) {
            Ok(sku) => repo::find_product_by_sku(db, &sku).await?,
            Err(_) => None,
        },
    };
    Ok(found.filter(|product| product.is_active || viewer.is_some_and(|viewer| may_manage(*viewer, product))))
}

/// The products of `ids` that exist, in no order.
///
/// # Errors
/// Faults of the database.
pub async fn list_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<product::Model>> {
    repo::list_products_by_ids(db, ids).await
}

/// The product, for somebody who is about to change it.
///
/// # Errors
/// `NOT_FOUND` when it does not exist or `actor` may not change it.
pub async fn find_managed(db: &impl ConnectionTrait, actor: &Actor, id: Uuid) -> Result<product::Model> {
    let found = repo::find_product(db, id).await?.filter(|product| may_manage(*actor, product));
    Ok(found.ok_or(CatalogError::NoSuchProduct)?)
}

/// Whose product it is; `None` when there is no such product.
///
/// # Errors
/// Faults of the database.
pub async fn find_seller_of(db: &impl ConnectionTrait, product: Uuid) -> Result<Option<Uuid>> {
    Ok(repo::find_product(db, product).await?.map(|product| product.seller_id))
}

/// Puts a product of `seller` on sale. Its stock is for the caller to open, in the same transaction.
///
/// # Errors
/// `NOT_FOUND` for the category, `ALREADY_EXISTS` for the SKU.
pub async fn add(app: &App, tx: &Tx, seller: Uuid, draft: Draft, at: DateTime<Utc>) -> Result<product::Model> {
    if repo::find_category(&**tx, draft.category).await?.is_none() {
        return Err(CatalogError::NoSuchCategory.into());
    }
    let mut product = product::Model {
        id: app.ids.uuid(),
        sku: draft.sku,
        seller_id: seller,
        category_id: draft.category,
        name: draft.name,
        name_key: String::new(),
        search_text: String::new(),
        description: draft.description,
        price_minor: draft.price_minor,
        compare_at_minor: draft.compare_at_minor,
        currency: draft.currency.into(),
        images: Strings(draft.images),
        tags: Strings(draft.tags),
        is_active: true,
        sold_count: 0,
        rating_sum: 0,
        rating_count: 0,
        created_at: at,
        updated_at: at,
    };
    search::index(&mut product);
    if !repo::insert_product(&**tx, product.clone()).await? {
        return Err(CatalogError::SkuTaken.into());
    }
    repo::insert_tags(&**tx, product.id, &product.tags.0).await?;
    Ok(product)
}

/// The product, which stays as it is until the transaction ends.
///
/// # Errors
/// `NOT_FOUND` when it does not exist.
pub async fn lock(tx: &Tx, id: Uuid) -> Result<product::Model> {
    repo::lock_product(&**tx, id).await?.ok_or_else(|| CatalogError::NoSuchProduct.into())
}

/// Changes a product that the caller has made sure may be changed.
///
/// # Errors
/// `INVALID_INPUT` at the field; `NOT_FOUND` for the product or the category.
pub async fn change(app: &App, tx: &Tx, id: Uuid, changes: Changes, at: DateTime<Utc>) -> Result<product::Model> {
    // under its lock: the rules look at what stays and what changes together
    let mut product = repo::lock_product(&**tx, id).await?.ok_or(CatalogError::NoSuchProduct)?;
    let (category, has_tags, was_on_sale) = (product.category_id, changes.tags.is_some(), product.is_active);
    changes.apply(&mut product)?;
    if product.category_id != category && repo::find_category(&**tx, product.category_id).await?.is_none() {
        return Err(CatalogError::NoSuchCategory.into());
    }
    product.updated_at = at;
    repo::update_product(&**tx, &product).await?;
    if has_tags {
        repo::delete_tags(&**tx, id).await?;
        repo::insert_tags(&**tx, id, &product.tags.0).await?;
    }
    let change = ProductChange { product: id, has_left_sale: was_on_sale && !product.is_active, is_rating: false };
    event::log(tx, &app.ids, change, at).await?;
    Ok(product)
}

/// Indexes the products that are not, so that lists sort and searches find them: those of before the newest schema, or
/// that a server of before has written. How many there were.
///
/// # Errors
/// Faults of the database.
pub async fn reindex(app: &App) -> Result<u64> {
    let mut count = 0;
    loop {
        let products = repo::list_unindexed(app.db.reader(), INDEXED_AT_ONCE).await?;
        if products.is_empty() {
            return Ok(count);
        }
        count += products.len() as u64;
        let products = products.into_iter().map(|mut product| {
            search::index(&mut product);
            product
        });
        let products: Vec<_> = products.collect();
        crate::platform::db::retry(|| write_index(app, &products)).await?;
    }
}

async fn write_index(app: &App, products: &[product::Model]) -> Result<()> {
    let tx = app.db.begin().await?;
    for product in products {
        repo::update_unindexed(&*tx, product).await?;
    }
    tx.commit().await
}

/// Counts so many pieces of each product as sold; less than zero for what came back.
///
/// # Errors
/// Faults of the database.
pub async fn count_sold(tx: &Tx, pieces: &BTreeMap<Uuid, i64>) -> Result<()> {
    // ascending, as everybody who locks several
    repo::import::lock_products(&**tx, &pieces.keys().copied().collect::<Vec<_>>()).await?;
    repo::update_sold_counts(&**tx, pieces).await
}

/// Products of `ids`, ascending, as they stay until `tx` ends: neither is a price changed then, nor anything taken off sale.
///
/// # Errors
/// Faults of the database.
pub async fn hold(tx: &Tx, ids: &[Uuid]) -> Result<Vec<product::Model>> {
    repo::lock_products_shared(&**tx, ids).await
}

/// Counts a `score` of each of `products`, and tells whoever looks at them.
///
/// # Errors
/// Faults of the database.
pub async fn rate(app: &App, tx: &Tx, products: &[Uuid], score: i32, at: DateTime<Utc>) -> Result<()> {
    let mut products = products.to_vec();
    products.sort_unstable();
    // ascending, as everybody who locks several
    repo::import::lock_products(&**tx, &products).await?;
    repo::update_ratings(&**tx, &products, score).await?;
    event::products_rated(tx, &app.ids, &products, at).await
}

/// Every category by name.
///
/// # Errors
/// Faults of the database.
pub async fn list_categories(app: &App) -> Result<Vec<category::Model>> {
    let mut categories = repo::list_categories(app.db.reader()).await?;
    // here and not in SQL: databases differ in how they compare letters
    categories.sort_by_cached_key(|category| (category.name.to_lowercase(), category.id));
    Ok(categories)
}

/// The categories of `ids` that exist, in no order.
///
/// # Errors
/// Faults of the database.
pub async fn list_categories_by_ids(app: &App, ids: &[Uuid]) -> Result<Vec<category::Model>> {
    repo::list_categories_by_ids(app.db.reader(), ids).await
}

/// How many products are on sale in each of `categories`; one without any is absent.
///
/// # Errors
/// Faults of the database.
pub async fn count_by_category(app: &App, categories: &[Uuid]) -> Result<HashMap<Uuid, i64>> {
    let mut counts = HashMap::with_capacity(categories.len());
    for categories in categories.chunks(COUNTED_AT_ONCE) {
        counts.extend(repo::count_products_by_category(app.db.reader(), categories).await?);
    }
    Ok(counts)
}

/// Every `product` with the `group` it is in, its category: a subquery for reports, which group what they have by it.
#[must_use]
pub fn products_by_category() -> SelectStatement {
    repo::select_products_by_category()
}

/// Makes the category of this slug, or gives it another name, on the word of an admin or, without one, of an operator.
///
/// # Errors
/// `INVALID_INPUT` for the slug or the name; at the slug when there are as many categories as there may be.
pub async fn save_category(app: &App, by: Option<Actor>, slug: &str, name: &str) -> Result<category::Model> {
    if !checks::is_slug(slug) {
        return Err(CatalogError::Slug.into());
    }
    let name = input::line("name", name, 1, 100)?;
    crate::platform::db::retry(|| save_category_once(app, by, slug, &name)).await
}

async fn save_category_once(app: &App, by: Option<Actor>, slug: &str, name: &str) -> Result<category::Model> {
    let tx = app.db.begin().await?;
    // of two who make the last one, the second counts the first's
    repo::lock_categories(&*tx).await?;
    if !repo::has_category(&*tx, slug).await? && repo::count_categories(&*tx).await? >= MAX_CATEGORIES as u64 {
        return Err(CatalogError::TooManyCategories.into());
    }
    // locked: what the record says was so before is what this changes
    let before = repo::lock_category_by_slug(&*tx, slug).await?.map(|category| described(&category));
    let category = category::Model { id: app.ids.uuid(), slug: slug.to_owned(), name: name.to_owned() };
    let category = repo::upsert_category(&*tx, category).await?;
    let at = app.clock.db_now(&*tx).await?;
    event::category_changed(&tx, &app.ids, category.id, at).await?;
    let (id, target, after) = (app.ids.uuid(), Some((Kind::Category, category.id)), Some(described(&category)));
    audit::append(&tx, NewEntry { id, by: by.into(), action: "category.save", target, before, after, at }).await?;
    tx.commit().await?;
    Ok(category)
}

fn described(category: &category::Model) -> Value {
    json!({ "slug": category.slug, "name": category.name })
}
