//! `ratings`: one row for each order that was rated.

use entity::rating;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

pub(in crate::orders) async fn insert_rating(db: &impl ConnectionTrait, row: rating::Model) -> Result<(), DbErr> {
    rating::Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

pub(in crate::orders) async fn list_ratings(
    db: &impl ConnectionTrait,
    orders: &[Uuid],
) -> Result<Vec<rating::Model>, DbErr> {
    rating::Entity::find().filter(rating::Column::OrderId.is_in(orders.to_vec())).all(db).await
}
