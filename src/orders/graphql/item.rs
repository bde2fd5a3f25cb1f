//! A line of an order.

use async_graphql::{Context, ID, Object};
use domain::id::Kind;
use domain::money::Currency;
use entity::order_item;

use crate::catalog::graphql::Product;
use crate::graphql::scalars::Money;
use crate::graphql::{Result, ids};

/// A line of an order, as it was sold.
#[derive(Debug, Clone)]
pub struct OrderItem {
    row: order_item::Model,
    currency: Currency,
}

impl OrderItem {
    /// The line `row` of an order in `currency`.
    #[must_use]
    pub const fn new(row: order_item::Model, currency: Currency) -> Self {
        Self { row, currency }
    }
}

/// A line of an order, as it was sold.
#[Object]
impl OrderItem {
    /// Opaque, `oli_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::OrderItem, self.row.id)
    }

    /// The product, as it is today.
    async fn product(&self, ctx: &Context<'_>) -> Result<Product> {
        Product::load(ctx, self.row.product_id).await
    }

    /// As sold, whatever the product is called today.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// The product's SKU when it was sold.
    async fn sku(&self) -> &str {
        &self.row.sku
    }

    /// How many pieces.
    async fn quantity(&self) -> i32 {
        self.row.quantity
    }

    /// What one piece cost.
    async fn unit_price(&self) -> Money {
        Money::new(self.row.unit_minor, self.currency)
    }

    /// What the line cost: unit price times quantity.
    async fn line_total(&self) -> Money {
        Money::new(self.row.line_minor, self.currency)
    }
}
