//! Many products at once: the catalogue's part of an import, a few statements however many rows there are.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::error::{ErrorCode, Rejection};
use domain::money::Currency;
use entity::json::Strings;
use entity::product;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::checks;
use super::error::CatalogError;
use super::repo::import;
use super::search;
use crate::app::App;
use crate::platform::Result;
use crate::platform::db::Tx;

/// A product as a row of an import has it, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewRow {
    /// The seller's number for it: the product that has it is changed, if there is one.
    pub sku: String,
    /// As shown.
    pub name: String,
    /// As shown; may have lines.
    pub description: String,
    /// The slug of the category where it is listed.
    pub category_slug: String,
    /// In the store's currency.
    #[serde(serialize_with = "worth")]
    pub price: Decimal,
    /// Free labels; `None`: those that it has, if any.
    pub tags: Option<Vec<String>>,
    /// Addresses of pictures; `None`: those that it has, if any.
    pub images: Option<Vec<String>>,
}

/// As its request is compared with another: 5 and 5.00 are the same price.
fn worth<S: Serializer>(price: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    Serialize::serialize(&price.normalize(), serializer)
}

/// A row within every limit.
#[derive(Debug, Clone)]
pub struct Row {
    sku: String,
    name: String,
    description: String,
    category_slug: String,
    price_minor: i64,
    currency: Currency,
    tags: Option<Vec<String>>,
    images: Option<Vec<String>>,
}

/// Whose product has a row's SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Nobody's, until this import: it is the seller's now.
    New(Uuid),
    /// The seller's, from before.
    Own(Uuid),
    /// Another seller's.
    Anothers,
}

impl NewRow {
    /// The SKU, if it is one that a product may have.
    #[must_use]
    pub fn sku(&self) -> Option<String> {
        checks::sku(&self.sku).ok()
    }

    /// Checks every limit.
    ///
    /// # Errors
    /// `INVALID_INPUT` at the field.
    pub fn check(&self, currency: Currency) -> Result<Row, Rejection> {
        if !checks::is_slug(&self.category_slug) {
            return Err(Rejection::from(CatalogError::Slug).at("categorySlug"));
        }
        Ok(Row {
            sku: checks::sku(&self.sku)?,
            name: checks::name(&self.name)?,
            description: checks::description(&self.description)?,
            category_slug: self.category_slug.clone(),
            price_minor: checks::price(self.price, currency)?,
            currency,
            tags: self.tags.as_deref().map(checks::tags).transpose()?,
            images: self.images.as_deref().map(checks::images).transpose()?,
        })
    }
}

impl Row {
    fn product(&self, id: Uuid, seller: Uuid, category: Uuid, at: DateTime<Utc>) -> product::Model {
        let mut product = product::Model {
            id,
            sku: self.sku.clone(),
            seller_id: seller,
            category_id: category,
            name: self.name.clone(),
            name_key: String::new(),
            search_text: String::new(),
            description: self.description.clone(),
            price_minor: self.price_minor,
            compare_at_minor: None,
            currency: self.currency.into(),
            images: Strings(self.images.clone().unwrap_or_default()),
            tags: Strings(self.tags.clone().unwrap_or_default()),
            is_active: true,
            sold_count: 0,
            rating_sum: 0,
            rating_count: 0,
            created_at: at,
            updated_at: at,
        };
        search::index(&mut product);
        product
    }

    /// What becomes of a product that has the row's SKU. A price that is not below the one it was reduced from ends the
    /// reduction.
    fn apply(&self, product: &mut product::Model, category: Uuid) {
        let is_reduced = *product.currency == self.currency;
        product.compare_at_minor = product.compare_at_minor.filter(|before| is_reduced && *before > self.price_minor);
        product.currency = self.currency.into();
        product.price_minor = self.price_minor;
        product.category_id = category;
        product.name.clone_from(&self.name);
        product.description.clone_from(&self.description);
        if let Some(images) = &self.images {
            product.images.0.clone_from(images);
        }
        if let Some(tags) = &self.tags {
            product.tags.0.clone_from(tags);
        }
        search::index(product);
    }
}

/// Finds the categories of `rows`, each row's at its place: a row whose category does not exist is refused.
///
/// # Errors
/// When the database fails.
pub async fn categories(tx: &Tx, rows: &[&Row]) -> Result<Vec<Result<Uuid, Rejection>>> {
    let slugs: HashSet<&str> = rows.iter().map(|row| row.category_slug.as_str()).collect();
    let found = import::list_categories_by_slugs(&**tx, &slugs.into_iter().collect::<Vec<_>>()).await?;
    let by_slug: HashMap<String, Uuid> = found.into_iter().map(|category| (category.slug, category.id)).collect();
    let missing = || Rejection::from(CatalogError::NoSuchCategory).at("categorySlug");
    Ok(rows.iter().map(|row| by_slug.get(&row.category_slug).copied().ok_or_else(missing)).collect())
}

/// Puts those of `rows` on sale whose SKU no product has, and says whose product has the SKU of each row. The rows have
/// different SKUs. The stocks of the new ones are for the caller to open, in the same transaction.
///
/// # Errors
/// When the database fails.
pub async fn add_new(app: &App, tx: &Tx, seller: Uuid, rows: &[(&Row, Uuid)], at: DateTime<Utc>) -> Result<Vec<Whose>> {
    // in the order of their SKUs: two imports of the same ones wait for each other in one order
    let mut products: BTreeMap<&str, product::Model> = BTreeMap::new();
    for (row, category) in rows {
        products.insert(&row.sku, row.product(app.ids.uuid(), seller, *category, at));
    }
    import::insert_products(&**tx, products.values()).await?;
    // whoever was first: of the same moment, the one whose transaction is over by now
    let skus: Vec<&str> = products.keys().copied().collect();
    let mut owners: HashMap<String, (Uuid, Uuid)> = HashMap::new();
    for (sku, id, owner) in import::list_owners_by_skus(&**tx, &skus).await? {
        owners.insert(sku, (id, owner));
    }
    let mut whose = Vec::with_capacity(rows.len());
    let mut new = Vec::new();
    for (row, _) in rows {
        whose.push(match (owners.get(&row.sku), products.get(row.sku.as_str())) {
            (Some((id, _)), Some(product)) if *id == product.id => {
                new.push(product);
                Whose::New(*id)
            }
            (Some((id, owner)), _) if *owner == seller => Whose::Own(*id),
            _ => Whose::Anothers,
        });
    }
    import::insert_tags(&**tx, new.into_iter()).await?;
    Ok(whose)
}

/// What an SKU of another seller's is told.
#[must_use]
pub fn taken() -> Rejection {
    CatalogError::SkuTaken.into()
}

/// What a row is told whose SKU another row, `earlier`, has as well.
#[must_use]
pub fn twice(earlier: i32) -> Rejection {
    Rejection::new(ErrorCode::AlreadyExists, format!("Row {earlier} has this SKU, too.")).at("sku")
}

/// Changes products to what `rows`, with their categories, say of them, and says which of them changed by it. The caller has
/// made sure that they are the seller's, and has their stocks locked.
///
/// # Errors
/// When the database fails.
pub async fn change(tx: &Tx, rows: &BTreeMap<Uuid, (&Row, Uuid)>, at: DateTime<Utc>) -> Result<HashSet<Uuid>> {
    let ids: Vec<Uuid> = rows.keys().copied().collect();
    let (mut changed, mut retagged) = (Vec::new(), Vec::new());
    for before in import::lock_products(&**tx, &ids).await? {
        let Some((row, category)) = rows.get(&before.id) else { continue };
        let mut product = before.clone();
        row.apply(&mut product, *category);
        if product != before {
            product.updated_at = at;
            if product.tags != before.tags {
                retagged.push(product.clone());
            }
            changed.push(product);
        }
    }
    import::update_products(&**tx, &changed).await?;
    import::delete_tags(&**tx, &retagged.iter().map(|product| product.id).collect::<Vec<_>>()).await?;
    import::insert_tags(&**tx, retagged.iter()).await?;
    Ok(changed.into_iter().map(|product| product.id).collect())
}
