//! A delivery, live.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::{Context, ID, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use domain::access::{Audience, Party, Reader, Role};
use domain::event::Topic;
use domain::id::Kind;
use entity::order;
use futures_util::stream::BoxStream;
use tokio::time::Instant;
use uuid::Uuid;

use super::location::PartnerLocation;
use crate::app::App;
use crate::graphql::scalars::EventCursor;
use crate::graphql::{GraphError, Result, Signed, ids, reader};
use crate::orders::event::{ORDER_CHANGED, OrderChange};
use crate::orders::graphql::Order;
use crate::orders::service::{deliverer, find_carried_since, find_order, party};
use crate::platform::bus::Message;
use crate::platform::error::Denial;
use crate::stream::{Hearing, Policy, Snapshot, SnapshotCursors, Source, StreamReset, follow, payload};
use crate::tracking::service;

/// How often a delivery is told at the most.
const PAUSE: Duration = Duration::from_millis(250);

/// For how long an order is taken to be what it was, unless it is heard to have changed: so long, at the most, somebody is shown
/// where a partner is although the delivery has ended and the bus lost the word of it.
const TRUSTED: Duration = Duration::from_secs(5);

/// How far a delivery has come.
#[derive(Debug, Clone, SimpleObject)]
pub struct DeliveryTracking {
    /// The order as it is now. Its `estimatedDeliveryAt` is the one below.
    pub order: Order,
    /// Where the partner is. Null unless the order is `ASSIGNED`, `PICKED_UP` or `IN_TRANSIT`, and until their device has said so
    /// since they took it: where they were before is not shown.
    pub location: Option<PartnerLocation>,
    /// When it is likely to be handed over: by where the partner was, what is left of the way and how fast they were, or by the stage
    /// that the order is in while `location` is null. It counts from `location.recordedAt`, or from the beginning of the stage
    /// if that is later, and may have passed. Null once the order has ended.
    pub estimated_delivery_at: Option<DateTime<Utc>>,
    /// What is left of the partner's way in a straight line, in kilometres to two decimals: by the store while the order is
    /// `ASSIGNED`, and from the store until the first report after pick-up. Null when `location` is.
    pub distance_remaining_km: Option<f64>,
}

/// An order on its way, for one who may follow it.
struct Tracked {
    reader: Reader,
    order: Uuid,
    /// The order as it was heard of or read last, and when.
    known: Mutex<Option<(order::Model, Instant)>>,
    /// The claim under which it was carried last, and since when.
    carried: Mutex<Option<(Uuid, DateTime<Utc>)>>,
}

impl Tracked {
    fn known(&self) -> MutexGuard<'_, Option<(order::Model, Instant)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of `row`, unless it is older than what is known.
    fn note(&self, row: order::Model) {
        let mut known = self.known();
        if known.as_ref().is_none_or(|(known, _)| known.version <= row.version) {
            *known = Some((row, Instant::now()));
        }
    }

    async fn read(&self, app: &App) -> Result<Option<order::Model>> {
        let row = find_order(app.db.reader(), self.order).await?;
        if let Some(row) = row.clone() {
            self.note(row);
        }
        Ok(row)
    }

    /// What is known of the order, read if that is long ago.
    async fn row(&self, app: &App) -> Result<Option<order::Model>> {
        let known = self.known().as_ref().filter(|(_, at)| at.elapsed() < TRUSTED).map(|(row, _)| row.clone());
        if known.is_some() { Ok(known) } else { self.read(app).await }
    }

    /// Since when `row` is carried by whoever carries it: read once for each claim.
    async fn carried_since(&self, app: &App, row: &order::Model) -> Result<Option<DateTime<Utc>>> {
        let carried = || self.carried.lock().unwrap_or_else(PoisonError::into_inner);
        let known = *carried();
        if let Some((_, since)) = known.filter(|(claim, _)| deliverer(row).is_some() && row.claim_id == Some(*claim)) {
            return Ok(Some(since));
        }
        let since = find_carried_since(app.db.reader(), row).await?;
        if let Some(now) = row.claim_id.zip(since) {
            *carried() = Some(now);
        }
        Ok(since)
    }

    async fn tracking(&self, app: &App, row: order::Model) -> Result<Option<DeliveryTracking>> {
        let since = self.carried_since(app, &row).await?;
        let progress = service::progress(app, &row, since).await;
        let order = Order::seen_by(row, self.reader).map(|order| order.expected_at(progress.estimated_at));
        Ok(order.map(|order| DeliveryTracking {
            order,
            location: progress.fix.map(|fix| PartnerLocation::new(app, &fix)),
            estimated_delivery_at: progress.estimated_at,
            distance_remaining_km: progress.distance_left_m.map(|left| (left / 10.0).round() / 100.0),
        }))
    }
}

impl Source for Tracked {
    type Item = DeliveryTracking;

    fn topic(&self) -> Topic {
        Topic::Order(self.order)
    }

    /// Admins all see the same of an order. To others it says what they may do.
    fn audience(&self) -> Audience {
        if self.reader.role == Some(Role::Admin) { Audience::Role } else { Audience::User }
    }

    fn policy(&self) -> Policy {
        Policy::Latest(PAUSE)
    }

    async fn authorise(&self, app: &App) -> Result<()> {
        let row = self.read(app).await?;
        match row.and_then(|row| party(&row, self.reader)) {
            Some(Party::Customer | Party::Seller | Party::Admin) => Ok(()),
            Some(Party::Partner) | None => Err(GraphError::new("NOT_FOUND", "There is no such order.")),
        }
    }

    async fn snapshot(&self, app: &App, _: SnapshotCursors) -> Result<Snapshot<DeliveryTracking>> {
        let items = match self.read(app).await? {
            Some(row) => self.tracking(app, row).await?.into_iter().collect(),
            None => Vec::new(),
        };
        Ok(Snapshot { items, seen: HashMap::new() })
    }

    fn version(&self, _: &Message) -> Option<(Uuid, i32)> {
        None
    }

    /// Whatever the message says: each answer is the whole truth of its moment.
    async fn item(&self, app: &App, message: &Message, _: EventCursor) -> Result<Option<DeliveryTracking>> {
        if &*message.kind == ORDER_CHANGED
            && let Some(change) = payload::<OrderChange>(message)
        {
            self.note(change.order);
        }
        match self.row(app).await? {
            Some(row) => self.tracking(app, row).await,
            None => Ok(None),
        }
    }

    /// Where the partner is who carries the order now.
    fn hears(&self) -> Option<Hearing> {
        let known = self.known();
        let (row, _) = known.as_ref()?;
        Some(Hearing { version: row.version, topic: deliverer(row).map(Topic::Location) })
    }

    fn has_ended(&self) -> bool {
        self.known().as_ref().is_some_and(|(row, _)| row.status.is_final())
    }

    /// What is told is the present, always: there is nothing to start anew.
    fn reset(&self, _: StreamReset) -> Option<DeliveryTracking> {
        None
    }
}

/// What tracking adds to Subscription.
#[derive(Debug, Default)]
pub struct TrackingSubscription;

#[Subscription]
impl TrackingSubscription {
    /// The order's customer, its seller, and admins: how far it has come, now, and again whenever the order changes, the partner moves or
    /// their position grows stale, at most four times a second. The position is shown while the order is `ASSIGNED`, `PICKED_UP`
    /// or `IN_TRANSIT`, from the first that is said since the partner took it; before that, and while it waits for another partner, it is
    /// null. A slow client gets the newest, not a backlog. Completes when the delivery has ended: with the order `DELIVERED`, `FAILED`
    /// or `CANCELLED`.
    #[graphql(guard = "Signed::as_one_of(&[Role::Customer, Role::Seller, Role::Admin])")]
    async fn delivery_tracking(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the order, `ord_…`.")] order_id: ID,
    ) -> Result<BoxStream<'static, Result<DeliveryTracking>>> {
        let reader = reader(ctx).ok_or(Denial::Unauthenticated)?;
        let order = ids::parse(Kind::Order, &order_id)?;
        follow(ctx, Tracked { reader, order, known: Mutex::default(), carried: Mutex::default() }, None).await
    }
}
