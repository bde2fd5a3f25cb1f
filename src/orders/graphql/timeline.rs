//! What happened to an order.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use domain::access::Party;
use domain::event::Topic;
use domain::id::Kind;
use entity::order_event;

use super::loaders::PositionLoader;
use crate::accounts::graphql::User;
use crate::graphql::connection::connection;
use crate::graphql::enums::{OrderEventType, OrderStatus, Role};
use crate::graphql::loaders::load;
use crate::graphql::scalars::EventCursor;
use crate::graphql::{Result, ids, reader};
use crate::stream::stream_id;

/// One entry of an order's timeline: one for each of its versions.
#[derive(Debug, Clone)]
pub struct OrderEvent {
    row: order_event::Model,
    /// What the viewer is to the order.
    party: Option<Party>,
    /// Its place in the stream of its order; `None`: not yet looked up.
    cursor: Option<EventCursor>,
}

impl OrderEvent {
    /// The entry `row` as `party` to its order sees it; `cursor` is its place in the stream of its order, where that is known.
    pub(super) const fn new(row: order_event::Model, party: Option<Party>, cursor: Option<EventCursor>) -> Self {
        Self { row, party, cursor }
    }

    /// Whether the viewer did it.
    fn is_readers(&self, ctx: &Context<'_>) -> bool {
        self.row.actor_id.is_some() && reader(ctx).and_then(|reader| reader.user) == self.row.actor_id
    }
}

/// One entry of an order's timeline: one for each of its versions.
#[Object]
impl OrderEvent {
    /// Opaque, `evt_…`; the same wherever the event is received, so that a client can drop what it has seen.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Event, self.row.id)
    }

    /// Where the event is in the stream of its order: what came after it is what `orderUpdates` gives `after` this cursor.
    /// Of an event that is no longer kept, the start of the log.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<EventCursor> {
        if let Some(cursor) = self.cursor {
            return Ok(cursor);
        }
        let (epoch, position) = load::<PositionLoader, _>(ctx, self.row.id).await?.unwrap_or_default();
        let stream = stream_id(Topic::Order(self.row.order_id), "");
        Ok(EventCursor { epoch, stream, position, doubt: None, is_partial: false })
    }

    /// What happened.
    async fn r#type(&self) -> OrderEventType {
        self.row.r#type.0.into()
    }

    /// The version that the order had from then on: one more than the event before.
    async fn order_version(&self) -> i32 {
        self.row.order_version
    }

    /// Where the order was before; null for the first event.
    async fn from(&self) -> Option<OrderStatus> {
        self.row.from_status.map(|status| status.0.into())
    }

    /// Where the order was from then on.
    async fn status(&self) -> OrderStatus {
        self.row.status.0.into()
    }

    /// Who did it; null when the server did, as when a claim expired. Without a name to a partner who lost the order by it.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(id) = self.row.actor_id else { return Ok(None) };
        let user = User::load(ctx, id).await?;
        Ok(Some(if self.party.is_some() || self.is_readers(ctx) { user } else { user.hiding_name() }))
    }

    /// What the actor was; null when the server did it.
    async fn actor_role(&self) -> Option<Role> {
        self.row.actor_role.map(|role| role.0.into())
    }

    /// In the words of the actor, or of the payment's provider. Null to partners where money is told of: of `PAYMENT_SUCCEEDED`,
    /// `PAYMENT_FAILED` and REFUNDED. Null, too, to a partner who lost the order by it, unless these words are their own.
    async fn note(&self, ctx: &Context<'_>) -> Option<&str> {
        let is_shown = match self.party {
            Some(Party::Customer | Party::Seller | Party::Admin) => true,
            Some(Party::Partner) => !self.row.r#type.is_of_money(),
            None => self.is_readers(ctx),
        };
        self.row.note.as_deref().filter(|_| is_shown)
    }

    /// When it happened.
    async fn at(&self) -> DateTime<Utc> {
        self.row.at
    }
}

connection! {
    /// A page of an order's timeline, oldest first.
    OrderEventConnection, OrderEventEdge, OrderEvent
}
