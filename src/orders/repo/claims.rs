//! `claims`: the history behind the live claim on an order's row.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::claims::ClaimStatus;
use entity::{Text, claim};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

pub(in crate::orders) async fn find_claim(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<claim::Model>, DbErr> {
    claim::Entity::find_by_id(id).one(db).await
}

pub(in crate::orders) async fn list_claims(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<claim::Model>, DbErr> {
    claim::Entity::find().filter(claim::Column::Id.is_in(ids.to_vec())).all(db).await
}

/// The claims on orders that ended then, for each of `ends`: one statement.
pub(in crate::orders) async fn list_ended(
    db: &impl ConnectionTrait,
    ends: &[(Uuid, DateTime<Utc>)],
) -> Result<Vec<claim::Model>, DbErr> {
    let rows = claim::Entity::find()
        .filter(claim::Column::OrderId.is_in(ends.iter().map(|(order, _)| *order)))
        .filter(claim::Column::EndedAt.is_in(ends.iter().map(|(_, at)| *at)))
        .all(db)
        .await?;
    // one order's end may be another's time
    let micros = |at: &DateTime<Utc>| at.timestamp_micros();
    let ends: HashSet<(Uuid, Option<i64>)> = ends.iter().map(|(order, at)| (*order, Some(micros(at)))).collect();
    let is_meant = |row: &claim::Model| ends.contains(&(row.order_id, row.ended_at.as_ref().map(micros)));
    Ok(rows.into_iter().filter(is_meant).collect())
}

pub(in crate::orders) async fn insert_claim(db: &impl ConnectionTrait, row: claim::Model) -> Result<(), DbErr> {
    claim::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

/// Turns a hold into an accepted claim.
pub(in crate::orders) async fn update_accepting(
    db: &impl ConnectionTrait,
    id: Uuid,
    at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), DbErr> {
    claim::Entity::update_many()
        .col_expr(claim::Column::Status, Expr::value(Text(ClaimStatus::Accepted)))
        .col_expr(claim::Column::AcceptedAt, Expr::value(at))
        .col_expr(claim::Column::ExpiresAt, Expr::value(expires_at))
        .filter(claim::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// The goods are picked up: the claim has no deadline any more.
pub(in crate::orders) async fn update_without_deadline(db: &impl ConnectionTrait, id: Uuid) -> Result<(), DbErr> {
    claim::Entity::update_many()
        .col_expr(claim::Column::ExpiresAt, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(claim::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Ends a claim.
pub(in crate::orders) async fn update_ending(
    db: &impl ConnectionTrait,
    id: Uuid,
    status: ClaimStatus,
    at: DateTime<Utc>,
    reason: Option<String>,
) -> Result<(), DbErr> {
    claim::Entity::update_many()
        .col_expr(claim::Column::Status, Expr::value(Text(status)))
        .col_expr(claim::Column::EndedAt, Expr::value(at))
        .col_expr(claim::Column::Reason, Expr::value(reason))
        .filter(claim::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}
