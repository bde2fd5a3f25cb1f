//! Importing products.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use domain::access::Role;

use crate::catalog::import::NewRow;
use crate::graphql::scalars::Decimal;
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app};
use crate::inventory::import::{self, Import, ImportRow, Imported, RowError};

/// Products to make or to change, by their SKUs.
#[derive(Debug, InputObject)]
pub struct ImportProductsInput {
    /// 1 to 255 characters of your choice; sent again with the same input, nothing is done twice, and the answer is that of
    /// the first time.
    pub idempotency_key: String,
    /// Up to 1,000; each stands or falls alone unless `allOrNothing`. A thousand fit into a request where they take a
    /// kilobyte each on average (`MAX_BODY_BYTES`): send them as a variable, in several imports if they are larger.
    pub rows: Vec<CreateProductRow>,
    /// Whether nothing is written when any row is refused. Such an import is not remembered: it may be sent again.
    #[graphql(default_with = "Some(false)")]
    pub all_or_nothing: Option<bool>,
}

/// A product of the viewer's store: a new one, or changes to the one that has this SKU. Whether that is on sale stays as it
/// is; a price that is not below the one it was reduced from ends the reduction.
#[derive(Debug, InputObject)]
pub struct CreateProductRow {
    /// Your number for it, 1 to 64 characters. One that an earlier row has, or another store's product, is refused with
    /// `ALREADY_EXISTS`.
    pub sku: String,
    /// As shown; 1 to 200 characters.
    pub name: String,
    /// As shown; up to 5,000 characters, in several lines if you like.
    pub description: String,
    /// Slug of the category where to list it.
    pub category_slug: String,
    /// What a piece costs without tax, in the store's currency; above zero.
    pub price: Decimal,
    /// Pieces in the store now, 0 to 10,000,000; not fewer than are promised to unpaid orders. The difference to what was
    /// on hand is a line of the ledger, IMPORTED.
    pub stock: i32,
    /// Up to 20 labels of 1 to 40 characters; kept in lower case, each once. Absent: those that it has stay.
    pub tags: Option<Vec<String>>,
    /// Addresses of up to 10 pictures, the main one first. Absent: those that it has stay.
    pub images: Option<Vec<String>>,
}

/// What came of an import.
#[derive(Debug)]
pub struct ImportProductsPayload(Outcome<Imported>);

/// A row that was not imported.
#[derive(Debug, SimpleObject)]
pub struct ImportRowError {
    /// Which row; the first one is 1.
    row: i32,
    /// Its SKU; null when it has none that a product can have.
    sku: Option<String>,
    /// Why. `field` is the path within the row, e.g. `["price"]`.
    error: UserError,
}

impl From<RowError> for ImportRowError {
    fn from(error: RowError) -> Self {
        Self { row: error.row, sku: error.sku.clone(), error: domain::error::Rejection::from(error).into() }
    }
}

impl ImportProductsPayload {
    fn imported(&self) -> Option<&Imported> {
        self.0.value.as_ref()
    }
}

/// What came of an import.
#[Object]
impl ImportProductsPayload {
    /// Products that are new.
    async fn created(&self) -> i32 {
        self.imported().map_or(0, |imported| imported.created)
    }

    /// Products that had their SKU before, whether or not anything about them was news.
    async fn updated(&self) -> i32 {
        self.imported().map_or(0, |imported| imported.updated)
    }

    /// Rows that were not imported, in their order. Where all or nothing was asked for and there are any, no row was.
    #[graphql(complexity = "1 + 1000 * child_complexity")]
    async fn row_errors(&self) -> Vec<ImportRowError> {
        self.imported().into_iter().flat_map(|imported| imported.errors.iter().cloned().map(Into::into)).collect()
    }

    /// Why nothing at all was done; empty when the rows were looked at.
    async fn user_errors(&self) -> &[UserError] {
        &self.0.user_errors
    }
}

impl From<CreateProductRow> for ImportRow {
    fn from(row: CreateProductRow) -> Self {
        let product = NewRow {
            sku: row.sku,
            name: row.name,
            description: row.description,
            category_slug: row.category_slug,
            price: row.price.0,
            tags: row.tags,
            images: row.images,
        };
        Self { product, stock: row.stock }
    }
}

/// What imports add to Mutation.
#[derive(Debug, Default)]
pub struct ImportMutation;

#[Object]
impl ImportMutation {
    /// Makes and changes up to 1,000 products of the viewer's store, by their SKUs, and sets what is on hand of them. For
    /// sellers.
    #[graphql(guard = "Signed::as_one_of(&[Role::Seller])")]
    async fn import_products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The products.")] input: ImportProductsInput,
    ) -> Result<ImportProductsPayload> {
        let rows = input.rows.into_iter().map(Into::into).collect();
        let import = Import { rows, is_all_or_nothing: input.all_or_nothing.unwrap_or(false) };
        let imported = import::import(app(ctx)?, &actor(ctx)?, &input.idempotency_key, &import).await;
        Ok(ImportProductsPayload(Outcome::of(imported)?))
    }
}
