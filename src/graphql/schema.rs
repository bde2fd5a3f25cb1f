//! The schema: the slices' parts, merged.

use std::time::Duration;

use async_graphql::dataloader::DataLoader;
use async_graphql::{MergedObject, MergedSubscription, Object, SDLExportOptions};

use crate::accounts::graphql::{
    AccountsMutation, AccountsQuery, AddressesLoader, AddressesMutation, ApiKeyLoader, ApiKeysMutation, AuditEntryLoader,
    PartnerLoader, ProfileMutation, RecoveryMutation, SellerLoader, UserLoader, UsersMutation,
};
use crate::analytics::graphql::{DesksQuery, DesksSubscription, JobsMutation};
use crate::app::App;
use crate::cart::graphql::{CartMutation, CartSubscription, PromosMutation};
use crate::catalog::graphql::{CatalogMutation, CatalogQuery, CategoryLoader, ProductCountLoader, ProductLoader};
use crate::chat::graphql::{ChatMutation, ChatSubscription, MessageLoader, MessagesLoader};
use crate::dispatch::graphql::{DispatchMutation, DispatchQuery, DispatchSubscription};
use crate::graphql::limits::limited;
use crate::graphql::node::NodeQuery;
use crate::graphql::scalars::EventCursor;
use crate::inventory::graphql::{
    ImportMutation, InventoryMutation, InventorySubscription, MovementLoader, MovementsLoader, StockLoader,
};
use crate::notifications::graphql::{NotificationLoader, NotificationsMutation, NotificationsSubscription};
use crate::orders::graphql::{
    ClaimLoader, EventLoader, ItemLoader, ItemsLoader, OrderLoader, OrdersMutation, OrdersQuery, OrdersSubscription,
    PaymentsMutation, PositionLoader, RatingLoader, RatingsMutation, TimeLoader, TimelineLoader,
};
use crate::payments::graphql::{PaymentLoader, PaymentsLoader, RefundLoader, RefundsLoader};
use crate::tracking::graphql::{DelivererLoader, FixLoader, TrackingMutation, TrackingSubscription};
use crate::webhooks::graphql::{WebhookDeliveriesLoader, WebhookDeliveryLoader, WebhookEndpointLoader, WebhooksMutation};

/// Everything that can be read.
#[derive(Default, MergedObject)]
pub struct Query(ServerQuery, AccountsQuery, CatalogQuery, OrdersQuery, DispatchQuery, DesksQuery, NodeQuery);

/// Everything that can be changed.
#[derive(Default, MergedObject)]
pub struct Mutation(
    AccountsMutation,
    RecoveryMutation,
    ProfileMutation,
    AddressesMutation,
    UsersMutation,
    ApiKeysMutation,
    CatalogMutation,
    InventoryMutation,
    ImportMutation,
    CartMutation,
    PromosMutation,
    OrdersMutation,
    RatingsMutation,
    PaymentsMutation,
    DispatchMutation,
    TrackingMutation,
    WebhooksMutation,
    ChatMutation,
    NotificationsMutation,
    JobsMutation,
);

/// Everything that can be followed live. The first item is a snapshot; every item carries `cursor`: pass the last one as
/// `after` to resume without a gap.
#[derive(Default, MergedSubscription)]
pub struct Subscription(
    CartSubscription,
    InventorySubscription,
    OrdersSubscription,
    DispatchSubscription,
    TrackingSubscription,
    ChatSubscription,
    NotificationsSubscription,
    DesksSubscription,
);

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

/// How long a loader gathers what is asked for before it reads: long enough for the rows of one list, too short to be felt.
const GATHER: Duration = Duration::from_millis(1);

/// Builds the schema over `app`.
#[must_use]
pub fn build_schema(app: &App) -> Schema {
    build_schema_gathering(app, GATHER)
}

fn loader<L>(loader: L, gather: Duration) -> DataLoader<L> {
    DataLoader::new(loader, tokio::spawn).delay(gather)
}

/// As [`build_schema`], with another time to gather in: whoever counts statements does not want to count how busy the machine
/// was.
#[must_use]
pub fn build_schema_gathering(app: &App, gather: Duration) -> Schema {
    let builder = Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .override_output_type_description::<EventCursor>(
            "Where a subscription is in its stream. Opaque: pass the last one received as `after` to resume.",
        )
        .data(app.clone())
        .data(loader(UserLoader(app.clone()), gather))
        .data(loader(PartnerLoader(app.clone()), gather))
        .data(loader(SellerLoader(app.clone()), gather))
        .data(loader(AddressesLoader(app.clone()), gather))
        .data(loader(ApiKeyLoader(app.clone()), gather))
        .data(loader(AuditEntryLoader(app.clone()), gather))
        .data(loader(ProductLoader(app.clone()), gather))
        .data(loader(CategoryLoader(app.clone()), gather))
        .data(loader(ProductCountLoader(app.clone()), gather))
        .data(loader(StockLoader(app.clone()), gather))
        .data(loader(MovementsLoader(app.clone()), gather))
        .data(loader(OrderLoader(app.clone()), gather))
        .data(loader(TimelineLoader(app.clone()), gather))
        .data(loader(PositionLoader(app.clone()), gather))
        .data(loader(TimeLoader(app.clone()), gather))
        .data(loader(ItemsLoader(app.clone()), gather))
        .data(loader(ClaimLoader(app.clone()), gather))
        .data(loader(RatingLoader(app.clone()), gather))
        .data(loader(PaymentsLoader(app.clone()), gather))
        .data(loader(RefundsLoader(app.clone()), gather))
        .data(loader(ItemLoader(app.clone()), gather))
        .data(loader(EventLoader(app.clone()), gather))
        .data(loader(MessageLoader(app.clone()), gather))
        .data(loader(NotificationLoader(app.clone()), gather))
        .data(loader(MessagesLoader(app.clone()), gather))
        .data(loader(MovementLoader(app.clone()), gather))
        .data(loader(PaymentLoader(app.clone()), gather))
        .data(loader(RefundLoader(app.clone()), gather))
        .data(loader(FixLoader(app.clone()), gather))
        .data(loader(DelivererLoader(app.clone()), gather))
        .data(loader(WebhookEndpointLoader(app.clone()), gather))
        .data(loader(WebhookDeliveryLoader(app.clone()), gather))
        .data(loader(WebhookDeliveriesLoader(app.clone()), gather));
    limited(builder, app.config.limits).finish()
}

/// The schema as `schema.graphql` has it.
#[must_use]
pub fn sdl(schema: &Schema) -> String {
    schema.sdl_with_options(SDLExportOptions::new().use_space_ident().indent_width(2))
}
