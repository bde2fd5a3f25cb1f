//! What follows for goods and money once an order is paid or called off.

use chrono::{DateTime, Utc};
use domain::access::Actor;
use domain::order::OrderStatus;
use entity::{Text, order};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, Condition};
use uuid::Uuid;

use crate::accounts::service as accounts;
use crate::app::App;
use crate::cart::promos;
use crate::inventory::service as inventory;
use crate::orders::error::OrderError;
use crate::orders::repo::orders as repo;
use crate::orders::service::change::{Before, Cause, change};
use crate::orders::service::place::first_steps;
use crate::payments::service::{self as payments, RefundOrder};
use crate::platform::Result;
use crate::platform::db::Tx;

/// The condition that `order`, which is locked, is as it was read.
pub(super) fn unchanged(order: &order::Model) -> Condition {
    Condition::all().add(order::Column::Id.eq(order.id)).add(order::Column::Version.eq(order.version))
}

/// Sells what was promised to `order`, which is locked and was pending until now, and takes it as far as it goes by itself;
/// `cause` is that of its confirmation.
///
/// # Errors
/// When the database fails.
pub(in crate::orders::service) async fn confirm(
    app: &App,
    tx: &Tx,
    order: &order::Model,
    cause: Cause,
) -> Result<order::Model> {
    let at = cause.at;
    let actor = cause.actor.map(|actor| actor.user);
    inventory::sell_promised(app, tx, &lines(tx, order.id).await?, order.id, actor, at).await?;
    let seller = accounts::find_seller(&**tx, order.seller_id).await?.ok_or(OrderError::NotFound)?;
    let steps = first_steps(*seller.preparation).iter().copied().filter(|step| *step != OrderStatus::Pending);
    let mut order = order.clone();
    for to in steps {
        let mut columns = vec![(order::Column::Status, Expr::value(Text(to)))];
        match to {
            OrderStatus::Confirmed => columns.push((order::Column::PaymentDueAt, Expr::value(None::<DateTime<Utc>>))),
            OrderStatus::Ready => columns.push((order::Column::ReadyAt, Expr::value(at))),
            _ => {}
        }
        let cause = match to {
            OrderStatus::Confirmed => cause.clone(),
            _ => Cause { r#type: to.arrival(), actor: None, note: None, at },
        };
        let after = change(app, tx, Before::from(&order), unchanged(&order), columns, cause).await?;
        order = after.ok_or(OrderError::VersionConflict { version: order.version })?;
    }
    Ok(order)
}

/// Gives back the goods, the money and the promo code of an order that was called off in `tx`; `before` is the order as it
/// was until then.
///
/// # Errors
/// When the database fails.
pub(in crate::orders::service) async fn after_cancel(
    app: &App,
    tx: &Tx,
    before: &order::Model,
    actor: Option<Actor>,
    at: DateTime<Utc>,
) -> Result<()> {
    const REASON: &str = "The order was cancelled.";
    payments::abandon(app, tx, before.id, None, REASON, at).await?;
    let user = actor.map(|actor| actor.user);
    for payment in payments::list_by_orders(&**tx, &[before.id]).await? {
        // a refund that was asked for before is on its way
        let is_left = payments::is_paid(&payment) && payments::left_minor(&payment) > 0;
        if is_left && let Some(payment) = payments::lock(tx, payment.id).await? {
            let refund = RefundOrder { amount_minor: None, reason: Some(REASON), actor: user };
            payments::order_refund(app, tx, &payment, &refund, at).await?;
        }
    }
    promos::give_back(app, tx, before.id, at).await?;
    let lines = lines(tx, before.id).await?;
    if *before.status == OrderStatus::Pending {
        inventory::release(app, tx, &lines, at).await
    } else {
        inventory::put_back(app, tx, &lines, before.id, user, at).await
    }
}

async fn lines(tx: &Tx, order: Uuid) -> Result<Vec<inventory::Line>> {
    let items = repo::list_items(&**tx, &[order]).await?;
    Ok(items.iter().map(|item| inventory::Line { product: item.product_id, quantity: item.quantity }).collect())
}
