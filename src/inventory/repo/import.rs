//! The stocks of many products in few statements.

use entity::{stock, stock_movement};
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::platform::Result;

/// Rows of one statement: SQLite takes 32,766 parameters, and a line of the ledger has nine.
const CHUNK: usize = 1_000;

/// The stocks of `products`, which ascend, held against every movement until the transaction ends.
pub(in crate::inventory) async fn lock_stocks(db: &impl ConnectionTrait, products: &[Uuid]) -> Result<Vec<stock::Model>> {
    let mut stocks = Vec::with_capacity(products.len());
    for products in products.chunks(CHUNK) {
        let select = stock::Entity::find()
            .filter(stock::Column::ProductId.is_in(products.iter().copied()))
            .order_by_asc(stock::Column::ProductId)
            .lock(LockType::NoKeyUpdate);
        stocks.extend(select.all(db).await?);
    }
    Ok(stocks)
}

pub(in crate::inventory) async fn insert_stocks(db: &impl ConnectionTrait, stocks: &[stock::Model]) -> Result<()> {
    for stocks in stocks.chunks(CHUNK) {
        let rows = stocks.iter().cloned().map(IntoActiveModel::into_active_model);
        stock::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Writes what is on hand, and whether that is low, of stocks that exist and are locked. An insert that conflicts with each of them, because that is
/// how both databases spell an update of many rows to different values.
pub(in crate::inventory) async fn update_on_hand(db: &impl ConnectionTrait, stocks: &[stock::Model]) -> Result<()> {
    for stocks in stocks.chunks(CHUNK) {
        let rows = stocks.iter().cloned().map(IntoActiveModel::into_active_model);
        let update = OnConflict::column(stock::Column::ProductId)
            .update_columns([stock::Column::OnHand, stock::Column::IsLow, stock::Column::WasLow])
            .to_owned();
        stock::Entity::insert_many(rows).on_conflict(update).exec_without_returning(db).await?;
    }
    Ok(())
}

pub(in crate::inventory) async fn insert_movements(
    db: &impl ConnectionTrait,
    movements: &[stock_movement::Model],
) -> Result<()> {
    for movements in movements.chunks(CHUNK) {
        let rows = movements.iter().cloned().map(IntoActiveModel::into_active_model);
        stock_movement::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}
