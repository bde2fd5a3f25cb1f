//! Products and their stock, live.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use domain::access::{Audience, Reader, Role};
use domain::event::Topic;
use domain::id::Kind;
use domain::input;
use entity::product;
use futures_util::stream::BoxStream;
use uuid::Uuid;

use crate::app::App;
use crate::catalog::event::{PRODUCT_CHANGED, ProductChange};
use crate::catalog::graphql::Product;
use crate::catalog::service::{list_by_ids, may_manage};
use crate::graphql::scalars::EventCursor;
use crate::graphql::{GraphError, Result, Signed, ids, reader};
use crate::inventory::event::{STOCK_FELL, StockFell};
use crate::platform::bus::Message;
use crate::platform::error::Denial;
use crate::stream::{Filter, Snapshot, SnapshotCursors, Source, StreamReset, follow, payload};

/// The most products of one productUpdates.
const MAX_PRODUCTS: usize = 100;

/// Products that somebody looks at.
struct Watched {
    reader: Reader,
    products: Vec<Uuid>,
}

/// Those of the products `ids` that exist.
async fn read(app: &App, ids: &[Uuid]) -> Result<HashMap<Uuid, product::Model>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = list_by_ids(app.db.reader(), ids).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

impl Watched {
    /// Those that exist, in the order in which they were asked for.
    async fn read(&self, app: &App) -> Result<Vec<product::Model>> {
        let mut found = read(app, &self.products).await?;
        Ok(self.products.iter().filter_map(|id| found.remove(id)).collect())
    }
}

impl Source for Watched {
    type Item = Product;

    /// One product has a topic of its own. Many are looked for among the changes of all: an event has few products, and a
    /// group of subscribers one list.
    fn topic(&self) -> Topic {
        if let [product] = self.products.as_slice() { Topic::Product(*product) } else { Topic::Catalog }
    }

    /// Sellers see the stock of their own products, admins of all; everybody else sees the same.
    fn audience(&self) -> Audience {
        match self.reader.role {
            Some(Role::Seller) => Audience::User,
            Some(Role::Admin) => Audience::Role,
            Some(Role::Customer | Role::Partner) | None => Audience::Everyone,
        }
    }

    fn filter(&self) -> Option<Filter> {
        let products: HashSet<String> = self.products.iter().map(ToString::to_string).collect();
        let is_one = move |id: &str| products.contains(id);
        // looked at in place: this is asked of every list for every change of the catalogue
        Some(Arc::new(move |message| message.payload["product"].as_str().is_some_and(&is_one)))
    }

    async fn snapshot(&self, app: &App, _: SnapshotCursors) -> Result<Snapshot<Product>> {
        let shown = self.read(app).await?.into_iter().filter(|row| row.is_active || may_manage(self.reader, row));
        Ok(Snapshot { items: shown.map(Product).collect(), seen: HashMap::new() })
    }

    /// With those that are not on sale: that one was taken off may be what was missed.
    async fn snapshot_anew(&self, app: &App, _: SnapshotCursors) -> Result<Snapshot<Product>> {
        Ok(Snapshot { items: self.read(app).await?.into_iter().map(Product).collect(), seen: HashMap::new() })
    }

    fn version(&self, _: &Message) -> Option<(Uuid, i32)> {
        None
    }

    async fn item(&self, app: &App, message: &Message, cursor: EventCursor) -> Result<Option<Product>> {
        Ok(self.items(app, &[(message, cursor)]).await?.pop().flatten())
    }

    async fn items(&self, app: &App, asked: &[(&Message, EventCursor)]) -> Result<Vec<Option<Product>>> {
        let changed = |message| changed(message).filter(|change| self.products.contains(&change.product));
        let changes: Vec<_> = asked.iter().map(|(message, _)| changed(message)).collect();
        let products: Vec<Uuid> = changes.iter().flatten().map(|change| change.product).collect();
        let found = read(app, &products).await?;
        let item = |change: ProductChange| {
            let row = found.get(&change.product)?;
            let is_shown = row.is_active || may_manage(self.reader, row) || change.has_left_sale;
            is_shown.then(|| Product(row.clone()))
        };
        Ok(changes.into_iter().map(|change| item(change?)).collect())
    }

    /// What is told is the present, always: there is nothing to start anew.
    fn reset(&self, _: StreamReset) -> Option<Product> {
        None
    }
}

fn changed(message: &Message) -> Option<ProductChange> {
    if &*message.kind == PRODUCT_CHANGED { payload(message) } else { None }
}

/// A seller's products that fall to their threshold.
struct Alerts {
    seller: Uuid,
}

impl Source for Alerts {
    type Item = Product;

    fn topic(&self) -> Topic {
        Topic::LowStock(self.seller)
    }

    fn audience(&self) -> Audience {
        Audience::User
    }

    /// What is low already was told when it fell: the desk's `lowStock` lists it.
    async fn snapshot(&self, _: &App, _: SnapshotCursors) -> Result<Snapshot<Product>> {
        Ok(Snapshot { items: Vec::new(), seen: HashMap::new() })
    }

    fn version(&self, _: &Message) -> Option<(Uuid, i32)> {
        None
    }

    async fn item(&self, app: &App, message: &Message, cursor: EventCursor) -> Result<Option<Product>> {
        Ok(self.items(app, &[(message, cursor)]).await?.pop().flatten())
    }

    async fn items(&self, app: &App, asked: &[(&Message, EventCursor)]) -> Result<Vec<Option<Product>>> {
        let fell = |message: &Message| if &*message.kind == STOCK_FELL { payload::<StockFell>(message) } else { None };
        let products: Vec<_> = asked.iter().map(|(message, _)| Some(fell(message)?.product)).collect();
        let found = read(app, &products.iter().flatten().copied().collect::<Vec<_>>()).await?;
        Ok(products.into_iter().map(|product| found.get(&product?).cloned().map(Product)).collect())
    }

    fn reset(&self, _: StreamReset) -> Option<Product> {
        None
    }
}

/// What the inventory adds to Subscription.
#[derive(Debug, Default)]
pub struct InventorySubscription;

#[Subscription]
impl InventorySubscription {
    /// Public: price, stock and availability of up to 100 products. Begins with each of them as it is now; then one comes
    /// whenever it changed, as it is by then. One that is taken off sale comes once more, with `active: false`; where the
    /// server cannot say what changed since, all come again, also those that are off sale.
    async fn product_updates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids of the products, `prd_…`: 1 to 100. Ids of no product are passed over.")] product_ids: Vec<ID>,
    ) -> Result<BoxStream<'static, Result<Product>>> {
        input::list("productIds", &product_ids, MAX_PRODUCTS).map_err(|no| GraphError::bad_argument(&no))?;
        if product_ids.is_empty() {
            return Err(GraphError::new("BAD_ARGUMENT", "productIds: Name at least one product."));
        }
        let products = product_ids.iter().map(|id| ids::parse(Kind::Product, id)).collect::<Result<_>>()?;
        follow(ctx, Watched { reader: reader(ctx).unwrap_or_default(), products }, None).await
    }

    /// Sellers: a product of the store's, once each time what can be bought of it falls to its threshold; again only after
    /// it was above. What is low already is listed by the desk's `lowStock`.
    #[graphql(guard = "Signed::as_one_of(&[Role::Seller])")]
    async fn low_stock_alerts(&self, ctx: &Context<'_>) -> Result<BoxStream<'static, Result<Product>>> {
        let seller = reader(ctx).and_then(|reader| reader.seller).ok_or(Denial::Forbidden)?;
        follow(ctx, Alerts { seller }, None).await
    }
}
