//! The one way an order changes: a conditional update, its version's timeline row, its event.

use chrono::{DateTime, Utc};
use domain::access::{Actor, Role};
use domain::order::{OrderEventType, OrderStatus};
use entity::{Text, order, order_event};
use sea_orm::Condition;
use sea_orm::sea_query::Expr;
use uuid::Uuid;

use crate::app::App;
use crate::orders::event::{ORDER_CHANGED, Offer, OrderChange, is_offered};
use crate::orders::repo::orders as repo;
use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::outbox::{self, NewEvent};

/// Why an order changes.
#[derive(Debug, Clone)]
pub struct Cause {
    /// What happened.
    pub r#type: OrderEventType,
    /// Who did it; `None`: the server itself.
    pub actor: Option<Actor>,
    /// In their words.
    pub note: Option<String>,
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
}

/// What the order was, as far as its event needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    /// Where it was.
    pub status: OrderStatus,
    /// Whether partners could claim it.
    pub was_offered: bool,
    /// Which partner had it.
    pub partner: Option<Uuid>,
}

impl From<&order::Model> for Before {
    fn from(order: &order::Model) -> Self {
        Self { status: *order.status, was_offered: is_offered(order), partner: order.partner_id }
    }
}

/// Sets `columns` on the order that `condition` still holds for, and tells everyone. `None` when it holds for none: somebody
/// else was first, and nothing was changed.
///
/// # Errors
/// When the database fails.
pub async fn change(
    app: &App,
    tx: &Tx,
    before: Before,
    condition: Condition,
    mut columns: Vec<(order::Column, Expr)>,
    cause: Cause,
) -> Result<Option<order::Model>> {
    columns.push((order::Column::UpdatedAt, Expr::value(cause.at)));
    let Some(after) = repo::update_where(&**tx, condition, columns).await? else { return Ok(None) };
    record(app, tx, Some(before), &after, cause).await?;
    Ok(Some(after))
}

/// Writes the timeline row and the event of the version that `after` has.
pub(super) async fn record(app: &App, tx: &Tx, before: Option<Before>, after: &order::Model, cause: Cause) -> Result<()> {
    let Cause { r#type, actor, note, at } = cause;
    let event = order_event::Model {
        id: app.ids.uuid(),
        order_id: after.id,
        order_version: after.version,
        r#type: Text(r#type),
        from_status: before.map(|before| Text(before.status)),
        status: after.status,
        actor_id: actor.map(|actor| actor.user),
        actor_role: actor.map(|actor| Text(actor.role)),
        note,
        at,
    };
    repo::insert_event(&**tx, event.clone()).await?;
    let offer = offer(before.is_some_and(|before| before.was_offered), after, actor.map(|actor| actor.role));
    // the code at the door is the customer's secret: it stays in the order's row
    let order = order::Model { delivery_code: String::new(), ..after.clone() };
    let lost_by = before.and_then(|before| before.partner).filter(|partner| after.partner_id != Some(*partner));
    let payload = OrderChange { event, order, offer, lost_by };
    let new = NewEvent { id: payload.event.id, kind: ORDER_CHANGED, topics: &payload.topics(), payload: &payload, at };
    outbox::append(tx, &new).await
}

fn offer(was_offered: bool, after: &order::Model, by: Option<Role>) -> Option<Offer> {
    match (was_offered, is_offered(after)) {
        (false, true) => Some(Offer::Opened),
        (true, false) if *after.status == OrderStatus::Cancelled => Some(Offer::Cancelled),
        (true, false) if by == Some(Role::Admin) => Some(Offer::Assigned),
        (true, false) => Some(Offer::Claimed),
        _ => None,
    }
}
