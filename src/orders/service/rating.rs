//! What a customer thought of an order: said once, and counted for all who had to do with it.

use domain::access::{Actor, Party};
use domain::order::{OrderEventType, OrderStatus};
use domain::rating;
use entity::rating as row;
use entity::{Text, order};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition};
use uuid::Uuid;

use super::access::{carrier, party};
use super::change::{Before, Cause, change};
use crate::accounts::{partners, service as accounts};
use crate::app::App;
use crate::catalog::service as catalog;
use crate::orders::error::OrderError;
use crate::orders::repo::{orders as repo, ratings as ratings_repo};
use crate::platform::Result;
use crate::platform::db::retry;

/// What a customer says of an order.
#[derive(Debug, Clone)]
pub struct Rate {
    /// Which order.
    pub order: Uuid,
    /// 1 to 5.
    pub score: i32,
    /// In the customer's words.
    pub comment: Option<String>,
}

/// Rates an order that `actor` placed and that was delivered; once. The store, the partner who delivered it and each product of
/// it are given the score too.
///
/// # Errors
/// `INVALID_INPUT` at the field at fault; `NOT_FOUND` for an order that is not the actor's, `ILLEGAL_TRANSITION` for one that is
/// not delivered, `ALREADY_EXISTS` for one that is rated; all at `orderId`.
pub async fn rate(app: &App, actor: Actor, rate: Rate) -> Result<order::Model> {
    let (score, comment) = rating::check(rate.score, rate.comment.as_deref())?;
    let rate = Rate { score, comment, ..rate };
    retry(|| rate_once(app, actor, &rate)).await
}

async fn rate_once(app: &App, actor: Actor, rate: &Rate) -> Result<order::Model> {
    let tx = app.db.begin().await?;
    // then the store, the partner and the products, ascending
    let order = repo::lock_order(&*tx, rate.order).await?.ok_or(OrderError::NotFound)?;
    if party(&order, actor) != Some(Party::Customer) {
        return Err(OrderError::NotFound.into());
    }
    if *order.status != OrderStatus::Delivered {
        return Err(OrderError::NotDelivered.into());
    }
    let at = app.clock.db_now(&*tx).await?;
    let unrated = Condition::all()
        .add(order::Column::Id.eq(order.id))
        .add(order::Column::Status.eq(Text(OrderStatus::Delivered)))
        .add(order::Column::RatedAt.is_null());
    let columns = vec![(order::Column::RatedAt, Expr::value(at))];
    // the comment is the rating's
    let cause = Cause { r#type: OrderEventType::Rated, actor: Some(actor), note: None, at };
    let changed = change(app, &tx, Before::from(&order), unrated, columns, cause).await?;
    let after = changed.ok_or(OrderError::AlreadyRated)?;
    let row = row::Model { order_id: order.id, score: rate.score, comment: rate.comment.clone(), at };
    ratings_repo::insert_rating(&*tx, row).await?;
    accounts::rate_seller(&tx, order.seller_id, rate.score).await?;
    if let Some(partner) = carrier(&order) {
        partners::rate(&tx, partner, rate.score).await?;
    }
    let items = repo::list_items(&*tx, &[order.id]).await?;
    let products: Vec<Uuid> = items.iter().map(|item| item.product_id).collect();
    catalog::rate(app, &tx, &products, rate.score, at).await?;
    tx.commit().await?;
    Ok(after)
}
