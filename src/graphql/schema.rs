//! The schema: the slices' parts, merged.

use async_graphql::dataloader::DataLoader;
use async_graphql::{EmptySubscription, MergedObject, Object};

use crate::accounts::graphql::{AccountsMutation, AccountsQuery, AddressesLoader, PartnerLoader, SellerLoader, UserLoader};
use crate::app::App;
use crate::catalog::graphql::{CatalogMutation, CatalogQuery, CategoryLoader, ProductCountLoader, ProductLoader};
use crate::inventory::graphql::{InventoryMutation, MovementsLoader, StockLoader};

/// Everything that can be read.
#[derive(Default, MergedObject)]
pub struct Query(ServerQuery, AccountsQuery, CatalogQuery);

/// Everything that can be changed.
#[derive(Default, MergedObject)]
pub struct Mutation(AccountsMutation, CatalogMutation, InventoryMutation);

/// The schema that clients use.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// The server itself.
#[derive(Debug, Default)]
pub struct ServerQuery;

#[Object]
impl ServerQuery {
    /// Version of the server, e.g. `0.1.0`. Public.
    async fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// Builds the schema over `app`.
#[must_use]
pub fn build_schema(app: &App) -> Schema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .data(app.clone())
        .data(DataLoader::new(UserLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(PartnerLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(SellerLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(AddressesLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(ProductLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(CategoryLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(ProductCountLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(StockLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(MovementsLoader(app.clone()), tokio::spawn))
        .finish()
}
