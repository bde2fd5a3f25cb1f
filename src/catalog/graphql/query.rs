//! Reading the catalogue.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use domain::access::Actor;
use domain::id::Kind;
use domain::money::{Currency, Money};

use super::{Category, Product, ProductConnection};
use crate::catalog::cached;
use crate::catalog::service::{self, Among, Which};
use crate::catalog::{Search, Sort};
use crate::graphql::connection::{is_counted, page_cost};
use crate::graphql::context::is_browsing;
use crate::graphql::scalars::Decimal;
use crate::graphql::{GraphError, Result, app, ids, viewer};
use crate::inventory::graphql::in_stock;
use crate::platform::page::PageArgs;

/// Which products; all conditions hold together.
#[derive(Debug, Default, InputObject)]
pub struct ProductFilter {
    /// Only of this category.
    pub category_id: Option<ID>,
    /// Only of this seller.
    pub seller_id: Option<ID>,
    /// True: only what can be bought now. False: only what is sold out.
    pub in_stock: Option<bool>,
    /// Only from this price, in the store's currency.
    pub min_price: Option<Decimal>,
    /// Only up to this price, in the store's currency.
    pub max_price: Option<Decimal>,
    /// Only with all of these tags; at most 20.
    pub tags: Option<Vec<String>>,
    /// Only these; at most 100. Ids of no product are passed over.
    pub ids: Option<Vec<ID>>,
    /// True unless given: only what is on sale. False also shows a seller their own products that are not, and admins
    /// everybody's; for others it changes nothing.
    pub active_only: Option<bool>,
}

/// The order of a list of products. Ties are broken by id, so a page never repeats or misses a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Sort")]
pub enum ProductSort {
    /// Best match of `search` first: its name or SKU is the text; its name begins with the first word; all words are in its name;
    /// in name, SKU and tags; anywhere. Among equals what sold most comes first. Without `search`: `BEST_SELLING`.
    Relevance,
    /// Newest first.
    Newest,
    /// Cheapest first.
    PriceAsc,
    /// Dearest first.
    PriceDesc,
    /// By name, A to Z; case, accents and punctuation do not count.
    Name,
    /// Most sold first.
    BestSelling,
}

fn bad_argument(message: impl Into<String>) -> GraphError {
    GraphError::new("BAD_ARGUMENT", message)
}

fn price(field: &str, amount: Option<Decimal>, currency: Currency) -> Result<Option<i64>> {
    let minor = |Decimal(amount)| Money::from_decimal(amount, currency).map(|money| money.minor);
    amount.map(minor).transpose().map_err(|error| bad_argument(format!("{field}: the amount {error}.")))
}

fn read_search(
    filter: &ProductFilter,
    sort: Option<ProductSort>,
    search: Option<&str>,
    currency: Currency,
) -> Result<Search> {
    let found = Search {
        category: filter.category_id.as_ref().map(|id| ids::parse(Kind::Category, id)).transpose()?,
        seller: filter.seller_id.as_ref().map(|id| ids::parse(Kind::Seller, id)).transpose()?,
        min_minor: price("minPrice", filter.min_price, currency)?,
        max_minor: price("maxPrice", filter.max_price, currency)?,
        with_inactive: filter.active_only == Some(false),
        sort: sort.map(Sort::from),
        ..Search::default()
    };
    let found = found.with_tags(filter.tags.as_deref().unwrap_or_default()).map_err(|no| GraphError::bad_argument(&no))?;
    let found = found.with_text(search.unwrap_or_default()).map_err(|no| GraphError::bad_argument(&no))?;
    match &filter.ids {
        Some(ids) => {
            let ids = ids.iter().map(|id| ids::parse(Kind::Product, id)).collect::<Result<_>>()?;
            found.among(ids).map_err(|no| GraphError::bad_argument(&no))
        }
        None => Ok(found),
    }
}

/// The four arguments of a page.
#[derive(Debug, Clone, Default)]
pub struct Paging {
    /// Products from the front.
    pub first: Option<i32>,
    /// After this cursor.
    pub after: Option<String>,
    /// Products from the back.
    pub last: Option<i32>,
    /// Before this cursor.
    pub before: Option<String>,
}

/// A page of the products that `filter`, narrowed by `scope`, lets through, as the viewer may see them.
///
/// # Errors
/// `BAD_ARGUMENT`, `INVALID_ID`, `BAD_CURSOR`, `BAD_PAGE`.
pub async fn product_page(
    ctx: &Context<'_>,
    scope: impl FnOnce(&mut Search),
    filter: Option<ProductFilter>,
    sort: Option<ProductSort>,
    search: Option<String>,
    paging: Paging,
) -> Result<ProductConnection> {
    let (app, viewer) = (app(ctx)?, viewer(ctx));
    let filter = filter.unwrap_or_default();
    let mut search = read_search(&filter, sort, search.as_deref(), app.config.currency)?;
    scope(&mut search);
    let identity = ("products", &search, filter.in_stock);
    let Paging { first, after, last, before } = paging;
    let page = PageArgs::new(&identity, first, after.as_deref(), last, before.as_deref())?;
    let among = filter.in_stock.map(in_stock);
    found_products(ctx, viewer.as_ref(), &search, among, &page).await
}

/// A page of what `search` finds among `among` and `viewer` may see; counted, if that is asked for.
///
/// # Errors
/// `BAD_CURSOR`; faults of the database.
pub async fn found_products(
    ctx: &Context<'_>,
    viewer: Option<&Actor>,
    search: &Search,
    among: Option<Among>,
    page: &PageArgs,
) -> Result<ProductConnection> {
    let app = app(ctx)?;
    let (rows, count) = if is_browsing(ctx) {
        let rows = Box::pin(cached::list(app, search, among.clone(), page)).await?;
        let count = if is_counted(ctx) { Some(Box::pin(cached::count(app, search, among, page)).await?) } else { None };
        (Arc::unwrap_or_clone(rows), count)
    } else {
        let rows = Box::pin(service::list(app, viewer, search, among.clone(), page)).await?;
        let count = if is_counted(ctx) { Some(Box::pin(service::count(app, viewer, search, among)).await?) } else { None };
        (rows, count)
    };
    Ok((rows.map(Product), count).into())
}

/// Reading the catalogue. Public.
#[derive(Debug, Default)]
pub struct CatalogQuery;

#[Object]
impl CatalogQuery {
    /// Products: the best matches of `search` first, or the newest when nothing is searched for, unless `sort` says otherwise.
    /// Public.
    #[graphql(complexity = "1 + page_cost(first, last) * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection, and three of its own")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; absent: all that are on sale.")] filter: Option<ProductFilter>,
        #[graphql(desc = "The order; absent: RELEVANCE with `search`, NEWEST without.")] sort: Option<ProductSort>,
        #[graphql(desc = "Words of name, SKU, tags or description, of which beginnings are enough; all must occur. Case, \
            accents and punctuation do not count; the first twelve words do. At most 200 characters. Blank: as if absent; \
            no letter or digit in it: finds nothing. With PostgreSQL, when nothing has all words: up to 100 products with a \
            similar name.")]
        search: Option<String>,
        #[graphql(desc = "So many from the start or after `after`: 1 to 100; 20 when `last` is absent too.")] first: Option<
            i32,
        >,
        #[graphql(desc = "A cursor of this list, with the same sort, filter and search.")] after: Option<String>,
        #[graphql(desc = "So many from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "A cursor of this list, with the same sort, filter and search.")] before: Option<String>,
    ) -> Result<ProductConnection> {
        // boxed: the largest resolver makes every operation as large
        Box::pin(product_page(ctx, |_| {}, filter, sort, search, Paging { first, after, last, before })).await
    }

    /// One product, by exactly one of its names. Null when there is none, or it is not on sale and the viewer is neither
    /// its seller nor an admin. Public.
    async fn product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Option<ID>,
        #[graphql(desc = "Its seller's number for it.")] sku: Option<String>,
    ) -> Result<Option<Product>> {
        let which = match (id, sku) {
            (Some(id), None) => Which::Id(ids::parse(Kind::Product, &id)?),
            (None, Some(sku)) => Which::Sku(sku),
            _ => return Err(bad_argument("Give exactly one of `id` and `sku`.")),
        };
        let app = app(ctx)?;
        if is_browsing(ctx) {
            return Ok(cached::find(app, &which).await?.map(|row| Product(Arc::unwrap_or_clone(row))));
        }
        Ok(service::find(app, viewer(ctx).as_ref(), &which).await?.map(Product))
    }

    /// Every category, by name: at most 1,000. Public.
    #[graphql(complexity = "1 + service::MAX_CATEGORIES * child_complexity")]
    async fn categories(&self, ctx: &Context<'_>) -> Result<Vec<Category>> {
        let app = app(ctx)?;
        let rows = if is_browsing(ctx) {
            Arc::unwrap_or_clone(cached::list_categories(app).await?)
        } else {
            service::list_categories(app).await?
        };
        Ok(rows.into_iter().map(Category).collect())
    }
}
