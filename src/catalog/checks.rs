//! What a seller says about a product, and its limits.

use domain::error::Rejection;
use domain::input::{line, list, paragraph};
use domain::money::{Currency, Money};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::error::CatalogError;

/// A product as a seller describes it, not yet checked.
#[derive(Debug, Clone)]
pub struct NewProduct {
    /// The seller's number for it.
    pub sku: String,
    /// As shown.
    pub name: String,
    /// As shown; may have lines.
    pub description: String,
    /// Where it is listed.
    pub category: Uuid,
    /// In the store's currency.
    pub price: Decimal,
    /// The price before a reduction.
    pub compare_at: Option<Decimal>,
    /// Addresses of pictures.
    pub images: Vec<String>,
    /// Free labels.
    pub tags: Vec<String>,
}

/// A product within every limit.
#[derive(Debug, Clone, Serialize)]
pub struct Draft {
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) category: Uuid,
    pub(super) price_minor: i64,
    pub(super) compare_at_minor: Option<i64>,
    pub(super) currency: Currency,
    pub(super) images: Vec<String>,
    pub(super) tags: Vec<String>,
}

impl NewProduct {
    /// Checks every limit.
    ///
    /// # Errors
    /// `INVALID_INPUT` at the field.
    pub fn check(self, currency: Currency) -> Result<Draft, Rejection> {
        let price_minor = price(self.price, currency)?;
        let compare_at_minor = self.compare_at.map(|amount| compare_at(amount, currency)).transpose()?;
        if compare_at_minor.is_some_and(|before| before <= price_minor) {
            return Err(CatalogError::NotReduced("compareAtPrice").into());
        }
        Ok(Draft {
            sku: sku(&self.sku)?,
            name: name(&self.name)?,
            description: description(&self.description)?,
            category: self.category,
            price_minor,
            compare_at_minor,
            currency,
            images: images(&self.images)?,
            tags: tags(&self.tags)?,
        })
    }
}

/// What becomes of the price before a reduction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CompareAt {
    /// It stays.
    #[default]
    Keep,
    /// There is none any more.
    Remove,
    /// It becomes this.
    Set(Decimal),
}

/// What is to change about a product; `None` stays as it is. Not yet checked.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// As shown.
    pub name: Option<String>,
    /// As shown; may have lines.
    pub description: Option<String>,
    /// Where it is listed.
    pub category: Option<Uuid>,
    /// In the product's currency.
    pub price: Option<Decimal>,
    /// The price before a reduction.
    pub compare_at: CompareAt,
    /// Addresses of pictures.
    pub images: Option<Vec<String>>,
    /// Free labels.
    pub tags: Option<Vec<String>>,
    /// Whether it can be bought.
    pub is_active: Option<bool>,
}

impl Changes {
    /// Checks every limit and applies what is to change to `product`. The search columns follow.
    ///
    /// # Errors
    /// `INVALID_INPUT` at the field.
    pub(super) fn apply(self, product: &mut entity::product::Model) -> Result<(), Rejection> {
        let currency = *product.currency;
        // a new price can break the old reduction: the refusal is at what was given
        let field = if matches!(self.compare_at, CompareAt::Set(_)) { "compareAtPrice" } else { "price" };
        if let Some(amount) = self.price {
            product.price_minor = price(amount, currency)?;
        }
        match self.compare_at {
            CompareAt::Keep => {}
            CompareAt::Remove => product.compare_at_minor = None,
            CompareAt::Set(amount) => product.compare_at_minor = Some(compare_at(amount, currency)?),
        }
        if product.compare_at_minor.is_some_and(|before| before <= product.price_minor) {
            return Err(CatalogError::NotReduced(field).into());
        }
        if let Some(text) = self.name {
            product.name = name(&text)?;
        }
        if let Some(text) = self.description {
            product.description = description(&text)?;
        }
        if let Some(category) = self.category {
            product.category_id = category;
        }
        if let Some(addresses) = self.images {
            product.images.0 = images(&addresses)?;
        }
        if let Some(labels) = self.tags {
            product.tags.0 = tags(&labels)?;
        }
        if let Some(is_active) = self.is_active {
            product.is_active = is_active;
        }
        super::search::index(product);
        Ok(())
    }
}

pub(super) fn sku(value: &str) -> Result<String, Rejection> {
    line("sku", value, 1, 64)
}

/// Whether a category can have this for a slug.
pub(super) fn is_slug(value: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=60).contains(&value.len()) && value.bytes().all(is_plain)
}

pub(super) fn name(value: &str) -> Result<String, Rejection> {
    line("name", value, 1, 200)
}

pub(super) fn description(value: &str) -> Result<String, Rejection> {
    paragraph("description", value, 0, 5_000)
}

pub(super) fn price(amount: Decimal, currency: Currency) -> Result<i64, Rejection> {
    let money = Money::from_decimal(amount, currency).map_err(|error| CatalogError::Amount("price", error))?;
    if money.minor > 0 { Ok(money.minor) } else { Err(CatalogError::Free.into()) }
}

fn compare_at(amount: Decimal, currency: Currency) -> Result<i64, CatalogError> {
    let money = Money::from_decimal(amount, currency).map_err(|error| CatalogError::Amount("compareAtPrice", error))?;
    Ok(money.minor)
}

pub(super) fn images(addresses: &[String]) -> Result<Vec<String>, Rejection> {
    list("images", addresses, 10)?;
    let check = |(place, address): (usize, &String)| {
        let address = line(&format!("images.{place}"), address, 1, 500)?;
        let has_place = ["https://", "http://"]
            .iter()
            .any(|scheme| address.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')));
        // `//host` would be another site's, with the page's scheme
        let is_ours = address.starts_with('/') && !address.starts_with("//");
        if (has_place || is_ours) && !address.contains(char::is_whitespace) {
            Ok(address)
        } else {
            Err(CatalogError::ImageAddress(place).into())
        }
    };
    addresses.iter().enumerate().map(check).collect()
}

/// Labels in lower case, each once, in the order given.
pub(super) fn tags(labels: &[String]) -> Result<Vec<String>, Rejection> {
    list("tags", labels, 20)?;
    let mut tags = Vec::with_capacity(labels.len());
    for (place, label) in labels.iter().enumerate() {
        let tag = line(&format!("tags.{place}"), label, 1, 40)?.to_lowercase();
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Ok(tags)
}
