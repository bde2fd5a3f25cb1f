//! Orders, live.

use std::collections::HashMap;

use async_graphql::{Context, ID, SimpleObject, Subscription, Union};
use domain::access::{Actor, Role};
use domain::event::Topic;
use domain::id::Kind;
use entity::order;
use futures_util::Stream;
use uuid::Uuid;

use super::order::Order;
use super::timeline::OrderEvent;
use crate::app::App;
use crate::graphql::scalars::EventCursor;
use crate::graphql::{GraphError, Result, Signed, actor, app, ids};
use crate::orders::event::{ORDER_CHANGED, OrderChange};
use crate::orders::service::{self, OrderFilter};
use crate::platform::bus::Message;
use crate::platform::error::Denial;
use crate::stream::{Snapshot, Source, StreamReset, follow, payload};

/// Open orders that a feed begins with, newest first.
const MAX_SNAPSHOT: u64 = 100;

/// An item of orderUpdates, myOrderUpdates and sellerOrderUpdates.
#[derive(Debug, Clone, Union)]
pub enum OrderUpdatesItem {
    /// An order as it is now.
    Snapshot(Box<OrderSnapshot>),
    /// An order changed.
    Changed(Box<OrderChanged>),
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
    /// The change in `message`, if it is one and `actor` may see the order.
    #[must_use]
    pub fn read(message: &Message, actor: Actor) -> Option<Self> {
        if &*message.kind != ORDER_CHANGED {
            return None;
        }
        let change: OrderChange = payload(message)?;
        let cursor = EventCursor(message.position);
        let order = Order::seen_by(change.order, actor)?;
        Some(Self { cursor, event: OrderEvent::new(change.event, cursor), order })
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
    actor: Actor,
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

    async fn snapshot(&self, app: &App, cursor: EventCursor) -> Result<Snapshot<OrderUpdatesItem>> {
        let orders = self.now(app).await?;
        let seen: HashMap<Uuid, i32> = orders.iter().map(|order| (order.id, order.version)).collect();
        let orders = orders.into_iter().filter_map(|row| Order::seen_by(row, self.actor));
        let items = orders.map(|order| OrderUpdatesItem::Snapshot(Box::new(OrderSnapshot { cursor, order }))).collect();
        Ok(Snapshot { items, seen })
    }

    fn version(&self, message: &Message) -> Option<(Uuid, i32)> {
        order_version(message)
    }

    fn item(&self, message: &Message) -> Option<OrderUpdatesItem> {
        OrderChanged::read(message, self.actor).map(|changed| OrderUpdatesItem::Changed(Box::new(changed)))
    }

    /// A partner hears of an order until it is theirs no more: what becomes of it then is no business of theirs.
    fn ends(&self, message: &Message) -> bool {
        matches!(self.topic, Topic::Order(_))
            && self.actor.role == Role::Partner
            && OrderChanged::read(message, self.actor).is_none()
    }

    fn reset(&self, reset: StreamReset) -> OrderUpdatesItem {
        OrderUpdatesItem::Reset(reset)
    }
}

/// What orders add to Subscription.
#[derive(Debug, Default)]
pub struct OrdersSubscription;

#[Subscription]
impl OrdersSubscription {
    /// Whoever may see the order: its present state, then each change in order. Completes for a partner whose claim has ended.
    #[graphql(guard = "Signed::any()")]
    async fn order_updates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the order, `ord_…`.")] order_id: ID,
        #[graphql(desc = "The last cursor received: what came since is sent first.")] after: Option<EventCursor>,
    ) -> Result<impl Stream<Item = Result<OrderUpdatesItem>> + use<>> {
        let (app, actor) = (app(ctx)?.clone(), actor(ctx)?);
        let id = ids::parse(Kind::Order, &order_id)?;
        let order = service::find_order(app.db.reader(), id).await?;
        if order.and_then(|row| service::party(&row, actor)).is_none() {
            return Err(GraphError::new("NOT_FOUND", "There is no such order."));
        }
        follow(app, Orders { actor, topic: Topic::Order(id), filter: None }, after).await
    }

    /// Customers: every order of the viewer's. Begins with those that are not finished, at most 100.
    #[graphql(guard = "Signed::as_one_of(&[Role::Customer])")]
    async fn my_order_updates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The last cursor received: what came since is sent first.")] after: Option<EventCursor>,
    ) -> Result<impl Stream<Item = Result<OrderUpdatesItem>> + use<>> {
        let (app, actor) = (app(ctx)?.clone(), actor(ctx)?);
        let filter = OrderFilter { customer: Some(actor.user), ..OrderFilter::default() };
        follow(app, Orders { actor, topic: Topic::Customer(actor.user), filter: Some(filter) }, after).await
    }

    /// Sellers: every order of the seller's. Begins with those that are not finished, at most 100.
    #[graphql(guard = "Signed::as_one_of(&[Role::Seller])")]
    async fn seller_order_updates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The last cursor received: what came since is sent first.")] after: Option<EventCursor>,
    ) -> Result<impl Stream<Item = Result<OrderUpdatesItem>> + use<>> {
        let (app, actor) = (app(ctx)?.clone(), actor(ctx)?);
        let seller = actor.seller.ok_or(Denial::Forbidden)?;
        let filter = OrderFilter { seller: Some(seller), ..OrderFilter::default() };
        follow(app, Orders { actor, topic: Topic::Seller(seller), filter: Some(filter) }, after).await
    }
}
