//! The table of partners: availability and the slots they carry orders in.

use entity::partner;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

/// The partner `user`.
pub(in crate::accounts) async fn find_partner(
    db: &impl ConnectionTrait,
    user: Uuid,
) -> Result<Option<partner::Model>, DbErr> {
    partner::Entity::find_by_id(user).one(db).await
}

/// Takes one of the partner's slots, if they are available and have one: one statement, so two devices of one partner
/// cannot both take the last.
pub(in crate::accounts) async fn update_taking_slot(db: &impl ConnectionTrait, user: Uuid) -> Result<bool, DbErr> {
    let taken = partner::Entity::update_many()
        .col_expr(partner::Column::ActiveDeliveries, Expr::col(partner::Column::ActiveDeliveries).add(1))
        .filter(partner::Column::UserId.eq(user))
        .filter(partner::Column::IsAvailable.eq(true))
        .filter(Expr::col(partner::Column::ActiveDeliveries).lt(Expr::col(partner::Column::Capacity)))
        .exec(db)
        .await?;
    Ok(taken.rows_affected == 1)
}

/// Gives a slot back, and counts a delivery when there was one.
pub(in crate::accounts) async fn update_freeing_slot(
    db: &impl ConnectionTrait,
    user: Uuid,
    is_delivered: bool,
) -> Result<(), DbErr> {
    partner::Entity::update_many()
        .col_expr(partner::Column::ActiveDeliveries, Expr::col(partner::Column::ActiveDeliveries).sub(1))
        .col_expr(
            partner::Column::CompletedDeliveries,
            Expr::col(partner::Column::CompletedDeliveries).add(i32::from(is_delivered)),
        )
        .filter(partner::Column::UserId.eq(user))
        .exec(db)
        .await?;
    Ok(())
}

/// Counts a score of the partner.
pub(in crate::accounts) async fn update_rating(db: &impl ConnectionTrait, user: Uuid, score: i32) -> Result<(), DbErr> {
    partner::Entity::update_many()
        .col_expr(partner::Column::RatingSum, Expr::col(partner::Column::RatingSum).add(score))
        .col_expr(partner::Column::RatingCount, Expr::col(partner::Column::RatingCount).add(1))
        .filter(partner::Column::UserId.eq(user))
        .exec(db)
        .await?;
    Ok(())
}

/// Says whether the partner takes orders. `None` when that is no news.
pub(in crate::accounts) async fn update_availability(
    db: &impl ConnectionTrait,
    user: Uuid,
    is_available: bool,
) -> Result<Option<partner::Model>, DbErr> {
    let mut changed = partner::Entity::update_many()
        .col_expr(partner::Column::IsAvailable, Expr::value(is_available))
        .filter(partner::Column::UserId.eq(user))
        .filter(partner::Column::IsAvailable.ne(is_available))
        .exec_with_returning(db)
        .await?;
    Ok(changed.pop())
}

/// Says how many orders the partner may carry at once. Whether that is news.
pub(in crate::accounts) async fn update_capacity(
    db: &impl ConnectionTrait,
    user: Uuid,
    capacity: i32,
) -> Result<bool, DbErr> {
    let changed = partner::Entity::update_many()
        .col_expr(partner::Column::Capacity, Expr::value(capacity))
        .filter(partner::Column::UserId.eq(user))
        .filter(partner::Column::Capacity.ne(capacity))
        .exec(db)
        .await?;
    Ok(changed.rows_affected > 0)
}

/// How many partners take orders now, and how many carry one.
pub(in crate::accounts) async fn count_at_work(db: &impl ConnectionTrait) -> Result<(i64, i64), DbErr> {
    let count = |if_true: &'static str| Expr::cust(format!("COALESCE(SUM(CASE WHEN {if_true} THEN 1 ELSE 0 END), 0)"));
    let counts: Option<(i64, i64)> = partner::Entity::find()
        .select_only()
        .expr_as(count("is_available"), "available")
        .expr_as(count("active_deliveries > 0"), "busy")
        .into_tuple()
        .one(db)
        .await?;
    Ok(counts.unwrap_or_default())
}
