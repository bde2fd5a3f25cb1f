//! Categories and products as clients see them.

mod loaders;
mod mutation;
mod query;

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::access::Actor;
use domain::id::Kind;
use domain::rating::average;
use entity::{category, product};
use uuid::Uuid;

use super::{cached, service};
use crate::accounts::graphql::Seller;
use crate::graphql::connection::{Count, connection};
use crate::graphql::context::is_browsing;
use crate::graphql::loaders::{load, load_existing};
use crate::graphql::scalars::Money;
use crate::graphql::{GraphError, Outcome, Result, UserError, app, ids, reader};
use crate::inventory::graphql::{ProductStock, StockLoader, stock_of};
use crate::inventory::service::available;
use crate::platform::error::Error;

pub use loaders::{CategoryLoader, ProductCountLoader, ProductLoader};
pub use mutation::{CatalogMutation, CategoryPayload, SaveCategoryInput};
pub use query::{CatalogQuery, Paging, ProductFilter, ProductSort, found_products, product_page};

/// Products of one kind.
#[derive(Debug, Clone)]
pub struct Category(pub category::Model);

impl Category {
    /// The category `id`, batched with others of the same request.
    ///
    /// # Errors
    /// A fault when it does not exist.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> Result<Self> {
        load_existing::<CategoryLoader, _>(ctx, id).await.map(Self)
    }
}

/// Products of one kind.
#[Object]
impl Category {
    /// The id, `cat_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Category, self.0.id)
    }

    /// Short name for addresses and imports: lower-case letters, digits and dashes; unique.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// As shown.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How many products are on sale in it.
    async fn product_count(&self, ctx: &Context<'_>) -> Result<Count> {
        let read = async { Ok::<_, GraphError>(load::<ProductCountLoader, _>(ctx, self.0.id).await?.unwrap_or(0)) };
        let count = if is_browsing(ctx) { cached::count_of(app(ctx)?, self.0.id, read).await? } else { read.await? };
        Ok(i32::try_from(count).map_or((i32::MAX, false), |count| (count, true)).into())
    }
}

/// Something that a seller sells.
#[derive(Debug, Clone)]
pub struct Product(pub product::Model);

impl Product {
    /// The product `id`, batched with others of the same request.
    ///
    /// # Errors
    /// A fault when it does not exist.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> Result<Self> {
        if !is_browsing(ctx) {
            return load_existing::<ProductLoader, _>(ctx, id).await.map(Self);
        }
        let read = load::<ProductLoader, _>(ctx, id);
        match cached::entry(app(ctx)?, id, read).await? {
            Some(row) => Ok(Self(Arc::unwrap_or_clone(row))),
            None => Err(Error::fault("loading a product that another row refers to", "it does not exist").into()),
        }
    }
}

impl Product {
    /// Whether `actor` may change it, and see it when it is not on sale.
    #[must_use]
    pub fn may_be_managed_by(&self, actor: Actor) -> bool {
        service::may_manage(actor, &self.0)
    }
}

/// Something that a seller sells.
#[Object]
impl Product {
    /// The id, `prd_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Product, self.0.id)
    }

    /// The seller's number for it; unique.
    async fn sku(&self) -> &str {
        &self.0.sku
    }

    /// As shown.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// As shown; may have several lines.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Where it is listed.
    async fn category(&self, ctx: &Context<'_>) -> Result<Category> {
        Category::load(ctx, self.0.category_id).await
    }

    /// What one piece costs, without tax.
    async fn price(&self) -> Money {
        Money::new(self.0.price_minor, *self.0.currency)
    }

    /// What it cost before a reduction; null when it is not reduced.
    async fn compare_at_price(&self) -> Option<Money> {
        self.0.compare_at_minor.map(|minor| Money::new(minor, *self.0.currency))
    }

    /// Addresses of pictures, the main one first: absolute, or beginning with `/` for the shop's own site.
    async fn images(&self) -> &[String] {
        &self.0.images.0
    }

    /// Free labels, in lower case.
    async fn tags(&self) -> &[String] {
        &self.0.tags.0
    }

    /// Whether it is on sale. Only its seller and admins find it when it is not.
    async fn active(&self) -> bool {
        self.0.is_active
    }

    /// What can be bought now: on hand less reserved.
    async fn available(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(stock_of(ctx, self.0.id).await?.as_ref().map_or(0, available))
    }

    /// Whether any can be bought now.
    async fn in_stock(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(stock_of(ctx, self.0.id).await?.as_ref().is_some_and(|stock| available(stock) > 0))
    }

    /// The store that sells it.
    async fn seller(&self, ctx: &Context<'_>) -> Result<Seller> {
        Seller::load(ctx, self.0.seller_id).await
    }

    /// What the store has of it. Seller's own and admins' view; null for everyone else.
    async fn stock(&self, ctx: &Context<'_>) -> Result<Option<ProductStock>> {
        if !reader(ctx).is_some_and(|reader| service::may_manage(reader, &self.0)) {
            return Ok(None);
        }
        load_existing::<StockLoader, _>(ctx, self.0.id).await.map(|stock| Some(ProductStock(stock)))
    }

    /// What customers gave for orders with it, 1 to 5 on average, rounded half up to one decimal; null before the first.
    async fn rating(&self) -> Option<f64> {
        average(self.0.rating_sum, self.0.rating_count)
    }

    /// When it was listed.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When its entry last changed. Sales, stock and ratings do not count.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

connection! {
    /// A page of products.
    ProductConnection, ProductEdge, Product, counted
}

/// What came of a change to a product.
#[derive(Debug, SimpleObject)]
pub struct ProductPayload {
    /// The product as it is now; null when nothing was done.
    pub product: Option<Product>,
    /// Why nothing was done; empty when it was.
    pub user_errors: Vec<UserError>,
}

impl From<Outcome<product::Model>> for ProductPayload {
    fn from(outcome: Outcome<product::Model>) -> Self {
        Self { product: outcome.value.map(Product), user_errors: outcome.user_errors }
    }
}
