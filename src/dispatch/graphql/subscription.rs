//! Orders that can be claimed, live.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, SimpleObject, Subscription, Union};
use chrono::{DateTime, Utc};
use domain::access::{Audience, Role};
use domain::area::Cover;
use domain::event::Topic;
use domain::geo::{Circle, Point};
use domain::id::Kind;
use entity::order;
use futures_util::stream::BoxStream;
use serde_json::{Value, json};
use uuid::Uuid;

use super::available::{AvailableOrder, circle};
use crate::app::App;
use crate::graphql::scalars::{EventCursor, GeoPointInput};
use crate::graphql::{Result, Signed, ids};
use crate::orders::event::{Offer, OrderChange};
use crate::orders::graphql::order_version;
use crate::orders::service::list_first_offered;
use crate::platform::bus::Message;
use crate::stream::{Filter, Snapshot, SnapshotCursors, Source, StreamReset, follow};

/// Orders that the feed begins with.
const MAX_SNAPSHOT: usize = 100;

/// An item of availableOrders.
#[derive(Debug, Clone, Union)]
pub enum AvailableOrdersItem {
    /// What can be claimed now.
    Snapshot(AvailableOrdersSnapshot),
    /// One more.
    Available(Box<OrderAvailable>),
    /// One less.
    Unavailable(OrderUnavailable),
    /// What follows is new.
    Reset(StreamReset),
}

/// What can be claimed now: waiting longest first, 100 at most; `more` says that there are others.
#[derive(Debug, Clone, SimpleObject)]
pub struct AvailableOrdersSnapshot {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    /// The orders.
    #[graphql(complexity = "1 + MAX_SNAPSHOT * child_complexity")]
    pub orders: Vec<AvailableOrder>,
    /// Whether there are others.
    pub more: bool,
}

/// An order can be claimed from now on.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderAvailable {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    /// Opaque, `evt_…`; the same wherever the event is received.
    pub event_id: ID,
    /// When.
    pub at: DateTime<Utc>,
    /// The order.
    pub order: AvailableOrder,
}

/// An order cannot be claimed any more.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderUnavailable {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    /// Opaque, `evt_…`; the same wherever the event is received.
    pub event_id: ID,
    /// When.
    pub at: DateTime<Utc>,
    /// Which order.
    pub order_id: ID,
    /// Why.
    pub reason: UnavailableReason,
}

/// Why an order cannot be claimed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum UnavailableReason {
    /// A partner claimed it.
    Claimed,
    /// It was called off.
    Cancelled,
    /// An admin gave it to a partner.
    Assigned,
}

struct Available {
    circle: Option<Circle>,
}

impl Available {
    fn order(&self, row: order::Model) -> AvailableOrder {
        AvailableOrder::new(row, self.circle.map(|circle| circle.centre))
    }

    /// Whether the partner hears of `order`: also of its end, so that it vanishes from their list.
    fn concerns(&self, order: &order::Model) -> bool {
        self.circle.is_none_or(|circle| circle.contains(pickup(order)))
    }
}

fn pickup(order: &order::Model) -> Point {
    Point { latitude: order.pickup_latitude, longitude: order.pickup_longitude }
}

impl Source for Available {
    type Item = AvailableOrdersItem;

    fn topic(&self) -> Topic {
        Topic::Available
    }

    /// Of the whole city an event is none of a neighbourhood's: one of a far cell does not even come here. To find the cells takes
    /// longer than to tell of an event.
    fn topics(&self) -> Arc<[Topic]> {
        match self.circle.as_ref().and_then(Cover::of) {
            Some(cover) => cover.cells.into_iter().map(Topic::Area).collect(),
            None => Arc::new([Topic::Available]),
        }
    }

    /// A cell at the edge of the circle has orders on both sides of it. The event is read once, for all who hear of it.
    fn filter(&self) -> Option<Filter> {
        let circle = self.circle?;
        Some(Arc::new(move |message| {
            let change = message.payload.read::<OrderChange>();
            change.is_none_or(|change| circle.contains(pickup(&change.order)))
        }))
    }

    /// Partners who are at about the same place ask the same, in whatever words.
    fn arguments(&self) -> Vec<(&'static str, Value)> {
        let Some(Circle { centre, radius_km }) = self.circle else { return Vec::new() };
        let near = json!({ "latitude": centre.latitude, "longitude": centre.longitude });
        vec![("near", near), ("radiusKm", radius_km.into())]
    }

    /// An order on offer tells every partner the same.
    fn audience(&self) -> Audience {
        Audience::Role
    }

    fn selection(&self) -> String {
        // events from before there were cells are not in their topics: a cursor from then is another stream's
        self.circle.map(|circle| format!("by area: {circle:?}")).unwrap_or_default()
    }

    async fn snapshot(&self, app: &App, cursors: SnapshotCursors) -> Result<Snapshot<AvailableOrdersItem>> {
        let mut orders = list_first_offered(app.db.reader(), self.circle, MAX_SNAPSHOT as u64 + 1).await?;
        let more = orders.len() > MAX_SNAPSHOT;
        orders.truncate(MAX_SNAPSHOT);
        let seen = orders.iter().map(|order| (order.id, order.version)).collect();
        let orders = orders.into_iter().map(|row| self.order(row)).collect();
        let snapshot = AvailableOrdersSnapshot { cursor: cursors.only(), orders, more };
        Ok(Snapshot { items: vec![AvailableOrdersItem::Snapshot(snapshot)], seen })
    }

    fn version(&self, message: &Message) -> Option<(Uuid, i32)> {
        order_version(message)
    }

    async fn item(&self, _: &App, message: &Message, cursor: EventCursor) -> Result<Option<AvailableOrdersItem>> {
        Ok(self.change(message, cursor))
    }

    fn reset(&self, reset: StreamReset) -> Option<AvailableOrdersItem> {
        Some(AvailableOrdersItem::Reset(reset))
    }
}

impl Available {
    fn change(&self, message: &Message, cursor: EventCursor) -> Option<AvailableOrdersItem> {
        let change: Arc<OrderChange> = message.payload.read()?;
        if !self.concerns(&change.order) {
            return None;
        }
        let event_id = ids::id(Kind::Event, message.event_id);
        let reason = match change.offer? {
            Offer::Opened => {
                let order = self.order(change.order.clone());
                let item = OrderAvailable { cursor, event_id, at: message.at, order };
                return Some(AvailableOrdersItem::Available(Box::new(item)));
            }
            Offer::Claimed => UnavailableReason::Claimed,
            Offer::Cancelled => UnavailableReason::Cancelled,
            Offer::Assigned => UnavailableReason::Assigned,
        };
        let order_id = ids::id(Kind::Order, change.order.id);
        Some(AvailableOrdersItem::Unavailable(OrderUnavailable { cursor, event_id, at: message.at, order_id, reason }))
    }
}

/// What dispatch adds to Subscription.
#[derive(Debug, Default)]
pub struct DispatchSubscription;

#[Subscription]
impl DispatchSubscription {
    /// Partners. What can be claimed now, then each order that becomes available or stops being so.
    #[graphql(guard = "Signed::as_one_of(&[Role::Partner])")]
    async fn available_orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Where you are: only orders to be picked up around here, with their distance from here. Rounded to a \
                          thousandth of a degree, which is within 80 metres."
        )]
        near: Option<GeoPointInput>,
        #[graphql(desc = "How far around `near` to look, in kilometres: above 0, at most 50; 5 when absent.")]
        radius_km: Option<f64>,
        #[graphql(desc = "The last cursor received: what came since is sent first.")] after: Option<EventCursor>,
    ) -> Result<BoxStream<'static, Result<AvailableOrdersItem>>> {
        let circle = circle(near, radius_km)?;
        follow(ctx, Available { circle }, after).await
    }
}
