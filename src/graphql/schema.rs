//! The schema: the slices' parts, merged.

use async_graphql::dataloader::DataLoader;
use async_graphql::{MergedObject, MergedSubscription, Object, SDLExportOptions};

use crate::accounts::graphql::{AccountsMutation, AccountsQuery, AddressesLoader, PartnerLoader, SellerLoader, UserLoader};
use crate::analytics::graphql::{DesksQuery, DesksSubscription};
use crate::app::App;
use crate::catalog::graphql::{CatalogMutation, CatalogQuery, CategoryLoader, ProductCountLoader, ProductLoader};
use crate::dispatch::graphql::{DispatchMutation, DispatchQuery, DispatchSubscription};
use crate::graphql::limits::limited;
use crate::graphql::node::NodeQuery;
use crate::graphql::scalars::EventCursor;
use crate::inventory::graphql::{InventoryMutation, MovementsLoader, StockLoader};
use crate::orders::graphql::{
    ClaimLoader, ItemsLoader, OrderLoader, OrdersMutation, OrdersQuery, OrdersSubscription, PositionLoader, TimeLoader,
    TimelineLoader,
};

/// Everything that can be read.
#[derive(Default, MergedObject)]
pub struct Query(ServerQuery, AccountsQuery, CatalogQuery, OrdersQuery, DispatchQuery, DesksQuery, NodeQuery);

/// Everything that can be changed.
#[derive(Default, MergedObject)]
pub struct Mutation(AccountsMutation, CatalogMutation, InventoryMutation, OrdersMutation, DispatchMutation);

/// Everything that can be followed live. The first item is a snapshot; every item carries `cursor`: pass the last one as
/// `after` to resume without a gap.
#[derive(Default, MergedSubscription)]
pub struct Subscription(OrdersSubscription, DispatchSubscription, DesksSubscription);

/// The schema that clients use.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

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
    let builder = Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .override_output_type_description::<EventCursor>(
            "Where a subscription is in its stream. Opaque: pass the last one received as `after` to resume.",
        )
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
        .data(DataLoader::new(OrderLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(TimelineLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(PositionLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(TimeLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(ItemsLoader(app.clone()), tokio::spawn))
        .data(DataLoader::new(ClaimLoader(app.clone()), tokio::spawn));
    limited(builder, app.config.limits).finish()
}

/// The schema as `schema.graphql` has it.
#[must_use]
pub fn sdl(schema: &Schema) -> String {
    schema.sdl_with_options(SDLExportOptions::new().use_space_ident().indent_width(2))
}
