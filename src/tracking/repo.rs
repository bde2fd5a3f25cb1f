//! `partner_locations`.

use entity::partner_location as location;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

/// Adds `rows`, but for those of whose partner and minute there is one already. How many were added.
pub(super) async fn insert_new(db: &impl ConnectionTrait, rows: Vec<location::Model>) -> Result<u64, DbErr> {
    let unless_there = OnConflict::columns([location::Column::PartnerId, location::Column::Minute]).do_nothing().to_owned();
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    location::Entity::insert_many(rows).on_conflict(unless_there).exec_without_returning(db).await
}

/// Removes some of the rows before `minute`, about `limit`. How many.
pub(super) async fn delete_before(db: &impl ConnectionTrait, minute: i64, limit: u64) -> Result<u64, DbErr> {
    let old: Vec<i64> = location::Entity::find()
        .select_only()
        .column(location::Column::Minute)
        .filter(location::Column::Minute.lt(minute))
        .order_by_asc(location::Column::Minute)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    let Some(last) = old.last() else { return Ok(0) };
    Ok(location::Entity::delete_many().filter(location::Column::Minute.lte(*last)).exec(db).await?.rows_affected)
}
