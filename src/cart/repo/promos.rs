//! `promos`, `promo_customers` and `promo_redemptions`.

use chrono::{DateTime, Utc};
use entity::{promo, promo_customer, promo_redemption};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Select,
};
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::sweep::is_not_aside;

pub(in crate::cart) async fn find_promo(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<promo::Model>> {
    Ok(promo::Entity::find_by_id(id).one(db).await?)
}

pub(in crate::cart) async fn find_promo_by_code(db: &impl ConnectionTrait, code: &str) -> Result<Option<promo::Model>> {
    Ok(promo::Entity::find().filter(promo::Column::Code.eq(code)).one(db).await?)
}

/// How often `customer` used `promo`.
pub(in crate::cart) async fn find_uses(db: &impl ConnectionTrait, promo: Uuid, customer: Uuid) -> Result<i32> {
    let row = promo_customer::Entity::find_by_id((promo, customer)).one(db).await?;
    Ok(row.map_or(0, |row| row.uses))
}

/// `false` when the code is in use: the unique index decides.
pub(in crate::cart) async fn insert_promo(db: &impl ConnectionTrait, promo: promo::Model) -> Result<bool> {
    let inserted = promo::Entity::insert(promo.into_active_model())
        .on_conflict(OnConflict::column(promo::Column::Code).do_nothing().to_owned())
        .exec_without_returning(db)
        .await?;
    Ok(inserted == 1)
}

/// Takes a use if one is left and the code holds at `now`, which is judged when the row is at hand: the one statement that
/// decides. The promo as it is then, locked until the transaction ends; `None` when it gave none.
pub(in crate::cart) async fn update_taking_use(
    db: &impl ConnectionTrait,
    id: Uuid,
    now: &Expr,
) -> Result<Option<promo::Model>> {
    use promo::Column;

    let is_left = Condition::any()
        .add(Column::MaxUses.is_null())
        .add(Expr::col((promo::Entity, Column::Uses)).lt(Expr::col((promo::Entity, Column::MaxUses))));
    let has_begun =
        Condition::any().add(Column::StartsAt.is_null()).add(Expr::col((promo::Entity, Column::StartsAt)).lte(now.clone()));
    let has_not_ended =
        Condition::any().add(Column::EndsAt.is_null()).add(Expr::col((promo::Entity, Column::EndsAt)).gt(now.clone()));
    let updated = promo::Entity::update_many()
        .col_expr(Column::Uses, Expr::col(Column::Uses).add(1))
        .filter(Column::Id.eq(id))
        .filter(is_left)
        .filter(has_begun)
        .filter(has_not_ended)
        .exec_with_returning(db)
        .await?;
    Ok(updated.into_iter().next())
}

/// Gives a use back; the promo as it is then, locked until the transaction ends.
pub(in crate::cart) async fn update_giving_use_back(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<promo::Model>> {
    let updated = promo::Entity::update_many()
        .col_expr(promo::Column::Uses, Expr::col(promo::Column::Uses).sub(1))
        .filter(promo::Column::Id.eq(id))
        .exec_with_returning(db)
        .await?;
    Ok(updated.into_iter().next())
}

/// Takes one of the uses that `customer` has, at most `max` if there is a limit; whether one was left.
pub(in crate::cart) async fn upsert_customer_use(
    db: &impl ConnectionTrait,
    promo: Uuid,
    customer: Uuid,
    max: Option<i32>,
) -> Result<bool> {
    use promo_customer::Column;

    let uses = || Expr::col((promo_customer::Entity, Column::Uses));
    let mut again = OnConflict::columns([Column::PromoId, Column::CustomerId]);
    again.value(Column::Uses, uses().add(1));
    if let Some(max) = max {
        again.action_and_where(uses().lt(max));
    }
    let row = promo_customer::Model { promo_id: promo, customer_id: customer, uses: 1 };
    let row = row.into_active_model();
    Ok(promo_customer::Entity::insert(row).on_conflict(again).exec_without_returning(db).await? == 1)
}

pub(in crate::cart) async fn update_customer_giving_use_back(
    db: &impl ConnectionTrait,
    promo: Uuid,
    customer: Uuid,
) -> Result<()> {
    promo_customer::Entity::update_many()
        .col_expr(promo_customer::Column::Uses, Expr::col(promo_customer::Column::Uses).sub(1))
        .filter(promo_customer::Column::PromoId.eq(promo))
        .filter(promo_customer::Column::CustomerId.eq(customer))
        .exec(db)
        .await?;
    Ok(())
}

pub(in crate::cart) async fn insert_redemption(db: &impl ConnectionTrait, row: promo_redemption::Model) -> Result<()> {
    promo_redemption::Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// Marks the use that `order` made as given back; `None` when it made none, or that was done before.
pub(in crate::cart) async fn update_redemption_given_back(
    db: &impl ConnectionTrait,
    order: Uuid,
    at: DateTime<Utc>,
) -> Result<Option<promo_redemption::Model>> {
    let updated = promo_redemption::Entity::update_many()
        .col_expr(promo_redemption::Column::GivenBackAt, Expr::value(at))
        .filter(promo_redemption::Column::OrderId.eq(order))
        .filter(promo_redemption::Column::GivenBackAt.is_null())
        .exec_with_returning(db)
        .await?;
    Ok(updated.into_iter().next())
}

/// Promo codes whose window began or ended by `now` without word of it, longest ago first.
pub(in crate::cart) async fn list_due(
    db: &impl ConnectionTrait,
    sweep: &str,
    now: Expr,
    limit: u64,
) -> Result<Vec<promo::Model>> {
    let due = select_due(now).filter(is_not_aside(sweep, (promo::Entity, promo::Column::Id), db.get_database_backend()));
    Ok(due.order_by_asc(promo::Column::NextEdgeAt).limit(limit).all(db).await?)
}

/// The promo code `id`, if an edge of it has come that was not announced.
pub(in crate::cart) async fn find_due(db: &impl ConnectionTrait, id: Uuid, now: Expr) -> Result<Option<promo::Model>> {
    Ok(select_due(now).filter(promo::Column::Id.eq(id)).one(db).await?)
}

fn select_due(now: Expr) -> Select<promo::Entity> {
    promo::Entity::find().filter(Expr::col(promo::Column::NextEdgeAt).lte(now))
}

/// Notes that the edge at `edge` is announced, and when the next is; whether it was not before.
pub(in crate::cart) async fn update_edge(
    db: &impl ConnectionTrait,
    id: Uuid,
    edge: Option<DateTime<Utc>>,
    next: Option<DateTime<Utc>>,
) -> Result<bool> {
    let updated = promo::Entity::update_many()
        .col_expr(promo::Column::NextEdgeAt, Expr::value(next))
        .filter(promo::Column::Id.eq(id))
        .filter(promo::Column::NextEdgeAt.eq(edge))
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}
