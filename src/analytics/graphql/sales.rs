//! What was sold, as sellers and admins see it.

use async_graphql::{Context, Enum, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::input;
use domain::money::average_minor;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::analytics::sales::{Report, SoldOf, Totals};
use crate::catalog::graphql::{Category, Product};
use crate::graphql::connection::page_cost;
use crate::graphql::scalars::Money;
use crate::graphql::{GraphError, Result, app};
use crate::platform::page::MAX_SIZE;

/// What a period is cut into, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::calendar::Interval")]
pub enum Interval {
    /// From the full hour.
    Hour,
    /// From midnight.
    Day,
    /// From Monday's midnight.
    Week,
    /// From the midnight that the first of the month begins with.
    Month,
}

/// What was sold in a period. Orders count that were placed in it, `from` included and `to` not, and are not PENDING,
/// CANCELLED or FAILED now; an order in another currency than the platform's present one does not. Sums are exact.
#[derive(Debug)]
pub struct SalesReport {
    report: Report,
    /// Read once, by whichever of the fields that need it comes first.
    totals: OnceCell<Totals>,
}

/// An interval of a report.
#[derive(Debug, SimpleObject)]
pub struct SalesBucket {
    /// When it begins, in UTC: the first one may begin before the report's `from`, and counts nothing from before.
    start: DateTime<Utc>,
    /// Orders placed in it.
    orders: i32,
    /// The sum of their totals.
    total: Money,
    /// What of that went back to customers since, whenever it did.
    refunded: Money,
}

/// What was sold of a product.
#[derive(Debug)]
pub struct ProductSales(SoldOf);

/// What was sold in a category.
#[derive(Debug)]
pub struct CategorySales(SoldOf);

/// As far as GraphQL's `Int` goes.
fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn money(ctx: &Context<'_>, minor: i64) -> Result<Money> {
    Ok(Money::new(minor, app(ctx)?.config.currency))
}

impl SalesReport {
    /// The report on what was sold `from` then `to`, of `seller` or of all. Nothing is read until it is asked for.
    ///
    /// # Errors
    /// `BAD_ARGUMENT`, with the argument's name.
    pub(super) fn new(
        ctx: &Context<'_>,
        seller: Option<Uuid>,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        interval: Interval,
    ) -> Result<Self> {
        let report =
            Report::new(app(ctx)?, seller, from, to, interval.into()).map_err(|no| GraphError::bad_argument(&no))?;
        Ok(Self { report, totals: OnceCell::new() })
    }

    async fn totals(&self, ctx: &Context<'_>) -> Result<&Totals> {
        self.totals.get_or_try_init(async || Ok(self.report.totals(app(ctx)?).await?)).await
    }
}

/// What was sold in a period. Orders count that were placed in it, `from` included and `to` not, and are not PENDING,
/// CANCELLED or FAILED now; an order in another currency than the platform's present one does not. Sums are exact.
#[Object]
impl SalesReport {
    /// The sum of the orders' totals: goods less discount, with delivery fee and tax. What went back to customers of orders
    /// that still count is not taken off: it is `refunded`.
    async fn total(&self, ctx: &Context<'_>) -> Result<Money> {
        money(ctx, self.totals(ctx).await?.total_minor)
    }

    /// What of `total` went back to customers since, whenever it did: refunds that their providers have made, and cash that was handed
    /// back. Not what is still on its way, nor what somebody had paid beyond an order's total.
    async fn refunded(&self, ctx: &Context<'_>) -> Result<Money> {
        money(ctx, self.totals(ctx).await?.refunded_minor)
    }

    /// How many orders.
    async fn orders(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(small(self.totals(ctx).await?.orders))
    }

    /// `total` by `orders`, rounded to the minor unit, half away from zero; 0 when there are none.
    async fn average_order(&self, ctx: &Context<'_>) -> Result<Money> {
        let totals = self.totals(ctx).await?;
        money(ctx, average_minor(totals.total_minor, totals.orders))
    }

    /// Every interval that the period touches, oldest first, also where nothing was sold. Their sums are `total`,
    /// `refunded` and `orders`.
    #[graphql(complexity = "1 + 1000 * child_complexity")]
    async fn buckets(&self, ctx: &Context<'_>) -> Result<Vec<SalesBucket>> {
        let currency = app(ctx)?.config.currency;
        let buckets = self.totals(ctx).await?.buckets.iter().map(|bucket| SalesBucket {
            start: bucket.start,
            orders: small(bucket.orders),
            total: Money::new(bucket.total_minor, currency),
            refunded: Money::new(bucket.refunded_minor, currency),
        });
        Ok(buckets.collect())
    }

    /// The products that sold for most, that first.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn top_products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many: 1 to 100.", default_with = "Some(10)")] first: Option<i32>,
    ) -> Result<Vec<ProductSales>> {
        let first = input::number("first", first.unwrap_or(10), 1, MAX_SIZE).map_err(|no| GraphError::bad_argument(&no))?;
        let rows = self.report.top_products(app(ctx)?, first.unsigned_abs().into()).await?;
        Ok(rows.into_iter().map(ProductSales).collect())
    }

    /// The categories in which something sold, that in which most did first. A product counts in the category that it is
    /// in now.
    #[graphql(complexity = "1 + 100 * child_complexity")]
    async fn by_category(&self, ctx: &Context<'_>) -> Result<Vec<CategorySales>> {
        Ok(self.report.by_category(app(ctx)?).await?.into_iter().map(CategorySales).collect())
    }
}

/// What was sold of a product.
#[Object]
impl ProductSales {
    /// The product, as it is now.
    async fn product(&self, ctx: &Context<'_>) -> Result<Product> {
        Product::load(ctx, self.0.id).await
    }

    /// Pieces; 2,147,483,647 stands for more as well.
    async fn quantity(&self) -> i32 {
        small(self.0.quantity)
    }

    /// The sum of its lines as they were sold: before discount, without delivery fee and tax.
    async fn total(&self, ctx: &Context<'_>) -> Result<Money> {
        money(ctx, self.0.total_minor)
    }
}

/// What was sold in a category.
#[Object]
impl CategorySales {
    /// The category.
    async fn category(&self, ctx: &Context<'_>) -> Result<Category> {
        Category::load(ctx, self.0.id).await
    }

    /// Pieces; 2,147,483,647 stands for more as well.
    async fn quantity(&self) -> i32 {
        small(self.0.quantity)
    }

    /// The sum of its products' lines as they were sold: before discount, without delivery fee and tax.
    async fn total(&self, ctx: &Context<'_>) -> Result<Money> {
        money(ctx, self.0.total_minor)
    }
}
