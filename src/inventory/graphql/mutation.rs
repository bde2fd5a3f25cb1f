//! Changing stock, and products together with their stock.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use domain::access::Role;
use domain::id::Kind;

use crate::catalog::graphql::ProductPayload;
use crate::catalog::{Changes, CompareAt, NewProduct};
use crate::graphql::enums::StockMovementReason;
use crate::graphql::scalars::Decimal;
use crate::graphql::{Outcome, Result, Signed, actor, app, ids};
use crate::inventory::service::Adjustment;
use crate::inventory::{listing, service};

/// A product to put on sale.
#[derive(Debug, InputObject)]
pub struct CreateProductInput {
    /// 1 to 255 characters of your choice; sent again with the same input, nothing is done twice.
    pub idempotency_key: String,
    /// Your number for it, 1 to 64 characters; no other product may have it.
    pub sku: String,
    /// As shown; 1 to 200 characters.
    pub name: String,
    /// As shown; up to 5,000 characters, in several lines if you like.
    pub description: String,
    /// Where to list it.
    pub category_id: ID,
    /// What a piece costs without tax, in the store's currency; above zero.
    pub price: Decimal,
    /// What it cost before a reduction; above the price.
    pub compare_at_price: Option<Decimal>,
    /// Addresses of up to 10 pictures, the main one first: `https://…`, `http://…`, or `/…` for the shop's own site.
    pub images: Option<Vec<String>>,
    /// Up to 20 labels of 1 to 40 characters; kept in lower case, each once.
    pub tags: Option<Vec<String>>,
    /// Pieces in the store now.
    pub initial_stock: i32,
    /// When no more than this can be bought, the stock is low; 5 when absent.
    pub low_stock_threshold: Option<i32>,
}

/// What to change about a product. What is absent stays as it is.
#[derive(Debug, InputObject)]
pub struct UpdateProductInput {
    /// The product.
    pub product_id: ID,
    /// As shown; 1 to 200 characters.
    pub name: Option<String>,
    /// As shown; up to 5,000 characters.
    pub description: Option<String>,
    /// Where to list it.
    pub category_id: Option<ID>,
    /// What a piece costs without tax, in the store's currency; above zero.
    pub price: Option<Decimal>,
    /// What it cost before a reduction; above the price. Null ends the reduction.
    pub compare_at_price: MaybeUndefined<Decimal>,
    /// Addresses of up to 10 pictures, instead of those it has.
    pub images: Option<Vec<String>>,
    /// Up to 20 labels, instead of those it has.
    pub tags: Option<Vec<String>>,
    /// Whether it is on sale.
    pub active: Option<bool>,
    /// When no more than this can be bought, the stock is low.
    pub low_stock_threshold: Option<i32>,
}

/// What happened to the stock of a product.
#[derive(Debug, InputObject)]
pub struct AdjustStockInput {
    /// 1 to 255 characters of your choice; sent again with the same input, nothing is done twice.
    pub idempotency_key: String,
    /// The product.
    pub product_id: ID,
    /// Pieces in (positive) or out (negative); not zero.
    pub delta: i32,
    /// Why: RECEIVED, RETURNED, ADJUSTED or DAMAGED.
    pub reason: StockMovementReason,
    /// Up to 500 characters for whoever reads the ledger.
    pub note: Option<String>,
    /// Compare-and-set: refuse when on-hand is not this.
    pub expected_on_hand: Option<i32>,
}

/// Changing stock, and products together with their stock.
#[derive(Debug, Default)]
pub struct InventoryMutation;

#[Object]
impl InventoryMutation {
    /// Puts a product of the viewer's store on sale, with its first stock. For sellers.
    #[graphql(guard = "Signed::as_one_of(&[Role::Seller])")]
    async fn create_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product.")] input: CreateProductInput,
    ) -> Result<ProductPayload> {
        let product = NewProduct {
            sku: input.sku,
            name: input.name,
            description: input.description,
            category: ids::parse(Kind::Category, &input.category_id)?,
            price: input.price.0,
            compare_at: input.compare_at_price.map(|Decimal(amount)| amount),
            images: input.images.unwrap_or_default(),
            tags: input.tags.unwrap_or_default(),
        };
        let (stock, threshold) = (input.initial_stock, input.low_stock_threshold);
        let made = listing::create(app(ctx)?, &actor(ctx)?, &input.idempotency_key, product, stock, threshold).await;
        Ok(Outcome::of(made)?.into())
    }

    /// Changes a product. For its seller and admins.
    #[graphql(guard = "Signed::as_one_of(&[Role::Seller, Role::Admin])")]
    async fn update_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product, and what to change.")] input: UpdateProductInput,
    ) -> Result<ProductPayload> {
        let product = ids::parse(Kind::Product, &input.product_id)?;
        let changes = Changes {
            name: input.name,
            description: input.description,
            category: input.category_id.as_ref().map(|id| ids::parse(Kind::Category, id)).transpose()?,
            price: input.price.map(|Decimal(amount)| amount),
            compare_at: match input.compare_at_price {
                MaybeUndefined::Undefined => CompareAt::Keep,
                MaybeUndefined::Null => CompareAt::Remove,
                MaybeUndefined::Value(Decimal(amount)) => CompareAt::Set(amount),
            },
            images: input.images,
            tags: input.tags,
            is_active: input.active,
        };
        let updated = listing::change(app(ctx)?, &actor(ctx)?, product, changes, input.low_stock_threshold).await;
        Ok(Outcome::of(updated)?.into())
    }

    /// Writes into the ledger of a product what came in, went out or was counted. For its seller and admins.
    #[graphql(guard = "Signed::as_one_of(&[Role::Seller, Role::Admin])")]
    async fn adjust_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product, and what happened.")] input: AdjustStockInput,
    ) -> Result<ProductPayload> {
        let adjustment = Adjustment {
            product: ids::parse(Kind::Product, &input.product_id)?,
            delta: input.delta,
            reason: input.reason.into(),
            note: input.note,
            expected_on_hand: input.expected_on_hand,
        };
        let adjusted = service::adjust(app(ctx)?, &actor(ctx)?, &input.idempotency_key, adjustment).await;
        Ok(Outcome::of(adjusted)?.into())
    }
}
