//! Orders, live.

use async_graphql::{Context, ID, SimpleObject, Subscription, Union};
use domain::access::{Audience, Reader, Role};
use domain::event::Topic;
use domain::id::Kind;
use entity::order;
use futures_util::stream::BoxStream;
use uuid::Uuid;

use super::order::Order;
use super::timeline::OrderEvent;
use crate::app::App;
use crate::graphql::scalars::EventCursor;
use crate::graphql::{GraphError, Result, Signed, ids, reader};
use crate::orders::event::{ORDER_CHANGED, OrderChange};
use crate::orders::service::{self, OrderFilter};
use crate::platform::bus::Message;
use crate::platform::error::Denial;
use crate::stream::{Snapshot, SnapshotCursors, Source, StreamPosition, StreamReset, follow, payload, stream_id};

/// Open orders that a feed begins with, newest first.
const MAX_SNAPSHOT: u64 = 100;

/// An item of orderUpdates, myOrderUpdates and sellerOrderUpdates.
#[derive(Debug, Clone, Union)]
pub enum OrderUpdatesItem {
    /// An order as it is now.
    Snapshot(Box<OrderSnapshot>),
    /// An order changed.
    Changed(Box<OrderChanged>),
    /// There is no order to begin with.
    Position(StreamPosition),
    /// What follows is new.
    Reset(StreamReset),
}

/// An order as it is now: what a stream begins with.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderSnapshot {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    /// The order.
    pub order: Order,
}

/// An order changed.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderChanged {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    /// What happened.
    pub event: OrderEvent,
    /// The order as this change left it: its version is the event's.
    pub order: Order,
}

impl OrderChanged {
    /// The change in `message`, which is at `cursor`, if it is one and `reader` may see the order, or is the partner who lost it by
    /// this change.
    #[must_use]
    pub fn read(message: &Message, reader: Reader, cursor: EventCursor) -> Option<Self> {
        if &*message.kind != ORDER_CHANGED {
            return None;
        }
        let change: OrderChange = payload(message)?;
        let of_order = EventCursor { stream: stream_id(Topic::Order(change.order.id), ""), ..cursor };
        let order =
            if change.is_lost_by(reader) { Order::lost(change.order) } else { Order::seen_by(change.order, reader)? };
        Some(Self { cursor, event: order.event(change.event, Some(of_order)), order })
    }

    /// Where the change left the order.
    #[must_use]
    pub fn status(&self) -> domain::order::OrderStatus {
        self.order.status_value()
    }
}

/// The order that `message` tells of and the version it made.
#[must_use]
pub fn order_version(message: &Message) -> Option<(Uuid, i32)> {
    let event = message.payload.get("event")?;
    let order = event.get("order_id")?.as_str()?.parse().ok()?;
    let version = i32::try_from(event.get("order_version")?.as_i64()?).ok()?;
    Some((order, version))
}

/// One order, or the orders of one customer or seller.
struct Orders {
    reader: Reader,
    topic: Topic,
    filter: Option<OrderFilter>,
}

impl Orders {
    async fn now(&self, app: &App) -> Result<Vec<order::Model>> {
        match (&self.filter, self.topic) {
            (Some(filter), _) => Ok(service::list_open(app.db.reader(), filter, MAX_SNAPSHOT).await?),
            (None, Topic::Order(id)) => Ok(service::find_order(app.db.reader(), id).await?.into_iter().collect()),
            (None, _) => Ok(Vec::new()),
        }
    }
}

impl Source for Orders {
    type Item = OrderUpdatesItem;

    fn topic(&self) -> Topic {
        self.topic
    }

    /// Admins all see the same of an order. To others it says who they are to it, and what they may do.
    fn audience(&self) -> Audience {
        if self.reader.role == Some(Role::Admin) { Audience::Role } else { Audience::User }
    }

    async fn authorise(&self, app: &App) -> Result<()> {
        let Topic::Order(id) = self.topic else { return Ok(()) };
        let order = service::find_order(app.db.reader(), id).await?;
        match order.and_then(|row| service::party(&row, self.reader)) {
            Some(_) => Ok(()),
            None => Err(GraphError::new("NOT_FOUND", "There is no such order.")),
        }
    }

    async fn snapshot(&self, app: &App, cursors: SnapshotCursors) -> Result<Snapshot<OrderUpdatesItem>> {
        let orders = self.now(app).await?;
        let seen = orders.iter().map(|order| (order.id, order.version)).collect();
        let orders: Vec<Order> = orders.into_iter().filter_map(|row| Order::seen_by(row, self.reader)).collect();
        let count = orders.len();
        if count == 0 && self.filter.is_none() {
            // taken from them since they were let in
            return Err(GraphError::new("NOT_FOUND", "There is no such order."));
        }
        if count == 0 {
            // without a cursor, whatever happened while the client was cut off would never be told
            let position = StreamPosition { cursor: cursors.only() };
            return Ok(Snapshot { items: vec![OrderUpdatesItem::Position(position)], seen });
        }
        let items = orders.into_iter().enumerate().map(|(index, order)| {
            OrderUpdatesItem::Snapshot(Box::new(OrderSnapshot { cursor: cursors.of(index, count), order }))
        });
        Ok(Snapshot { items: items.collect(), seen })
    }

    fn version(&self, message: &Message) -> Option<(Uuid, i32)> {
        order_version(message)
    }

    async fn item(&self, _: &App, message: &Message, cursor: EventCursor) -> Result<Option<OrderUpdatesItem>> {
        let changed = OrderChanged::read(message, self.reader, cursor);
        Ok(changed.map(|changed| OrderUpdatesItem::Changed(Box::new(changed))))
    }

    /// A partner hears of an order until it is theirs no more, of that change as the last: what becomes of it then is no business
    /// of theirs.
    fn ends(&self, message: &Message) -> bool {
        // not by any change of an order that is not theirs: one from before they had it may come late
        let is_lost = |change: OrderChange| change.is_lost_by(self.reader);
        matches!(self.topic, Topic::Order(_)) && payload(message).is_some_and(is_lost)
    }

    fn reset(&self, reset: StreamReset) -> Option<OrderUpdatesItem> {
        Some(OrderUpdatesItem::Reset(reset))
    }
}

/// What orders add to Subscription.
#[derive(Debug, Default)]
pub struct OrdersSubscription;

#[Subscription]
impl OrdersSubscription {
    /// Whoever may see the order: its present state, then each change in order. For a partner the change by which they lose the
    /// order is the last: it is told without names, notes, address, and who has it then, and the subscription completes.
    #[graphql(guard = "Signed::any()")]
    async fn order_updates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the order, `ord_…`.")] order_id: ID,
        #[graphql(desc = "The last cursor received: what came since is sent first.")] after: Option<EventCursor>,
    ) -> Result<BoxStream<'static, Result<OrderUpdatesItem>>> {
        let reader = reader(ctx).ok_or(Denial::Unauthenticated)?;
        let id = ids::parse(Kind::Order, &order_id)?;
        follow(ctx, Orders { reader, topic: Topic::Order(id), filter: None }, after).await
    }

    /// Customers: every order of the viewer's. Begins with those that are not finished, at most 100.
    #[graphql(guard = "Signed::as_one_of(&[Role::Customer])")]
    async fn my_order_updates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The last cursor received: what came since is sent first.")] after: Option<EventCursor>,
    ) -> Result<BoxStream<'static, Result<OrderUpdatesItem>>> {
        let reader = reader(ctx).ok_or(Denial::Unauthenticated)?;
        let customer = reader.user.ok_or(Denial::Forbidden)?;
        let filter = OrderFilter { customer: Some(customer), ..OrderFilter::default() };
        follow(ctx, Orders { reader, topic: Topic::Customer(customer), filter: Some(filter) }, after).await
    }

    /// Sellers: every order of the seller's. Begins with those that are not finished, at most 100.
    #[graphql(guard = "Signed::as_one_of(&[Role::Seller])")]
    async fn seller_order_updates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The last cursor received: what came since is sent first.")] after: Option<EventCursor>,
    ) -> Result<BoxStream<'static, Result<OrderUpdatesItem>>> {
        let reader = reader(ctx).ok_or(Denial::Unauthenticated)?;
        let seller = reader.seller.ok_or(Denial::Forbidden)?;
        let filter = OrderFilter { seller: Some(seller), ..OrderFilter::default() };
        follow(ctx, Orders { reader, topic: Topic::Seller(seller), filter: Some(filter) }, after).await
    }
}
