//! The tables of the inventory.

pub(super) mod import;

use entity::{stock, stock_movement};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query, SelectStatement, UnionType};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::page::{self, Key, Page, PageArgs};

fn available() -> Expr {
    Expr::col(stock::Column::OnHand).sub(Expr::col(stock::Column::Reserved))
}

/// The ids of products that can be bought, or of those that cannot.
pub(super) fn select_products_in_stock(is_in_stock: bool) -> SelectStatement {
    let some = if is_in_stock {
        available().gt(0)
    } else {
        // what is sold out is low, and that has an index
        Expr::col(stock::Column::IsLow).and(available().lte(0))
    };
    Query::select().column(stock::Column::ProductId).from(stock::Entity).and_where(some).to_owned()
}

pub(super) async fn find_stock(db: &impl ConnectionTrait, product: Uuid) -> Result<Option<stock::Model>> {
    Ok(stock::Entity::find_by_id(product).one(db).await?)
}

pub(super) async fn list_stocks(db: &impl ConnectionTrait, products: &[Uuid]) -> Result<Vec<stock::Model>> {
    Ok(stock::Entity::find().filter(stock::Column::ProductId.is_in(products.iter().copied())).all(db).await?)
}

pub(super) async fn insert_stock(db: &impl ConnectionTrait, stock: stock::Model) -> Result<()> {
    stock::Entity::insert(stock.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// The stock of `product`, which stays as it is until the transaction ends.
pub(super) async fn lock_stock(db: &impl ConnectionTrait, product: Uuid) -> Result<Option<stock::Model>> {
    Ok(stock::Entity::find_by_id(product).lock(LockType::NoKeyUpdate).one(db).await?)
}

/// A move of a stock, in one statement: it decides whether the move may be, makes it, and notes whether the stock is low
/// and was low before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Move {
    /// Pieces in (positive) or out.
    pub on_hand: i32,
    /// Pieces promised (positive) or not promised any more.
    pub reserved: i32,
    /// From when it is low, if that changes.
    pub threshold: Option<i32>,
}

/// Moves the stock of `product` if `condition` holds; the stock as it is then, or `None` when it does not hold.
pub(super) async fn update_stock(
    db: &impl ConnectionTrait,
    product: Uuid,
    by: Move,
    condition: Option<Expr>,
) -> Result<Option<stock::Model>> {
    use stock::Column;

    let on_hand = || Expr::col(Column::OnHand).add(by.on_hand);
    let reserved = || Expr::col(Column::Reserved).add(by.reserved);
    let threshold = by.threshold.map_or_else(|| Expr::col(Column::LowStockThreshold), Expr::value);
    let mut update = stock::Entity::update_many()
        .col_expr(Column::OnHand, on_hand())
        .col_expr(Column::Reserved, reserved())
        .col_expr(Column::LowStockThreshold, threshold.clone())
        // the right-hand sides see the row as it was
        .col_expr(Column::WasLow, Expr::col(Column::IsLow))
        .col_expr(Column::IsLow, on_hand().sub(reserved()).lte(threshold))
        .filter(Column::ProductId.eq(product));
    if let Some(condition) = condition {
        update = update.filter(condition);
    }
    Ok(update.exec_with_returning(db).await?.into_iter().next())
}

/// The ids of products whose stock is low.
pub(super) fn select_low_products() -> SelectStatement {
    Query::select()
        .column(stock::Column::ProductId)
        .from(stock::Entity)
        .and_where(Expr::col(stock::Column::IsLow))
        .to_owned()
}

/// That `quantity` pieces are neither sold nor promised.
pub(super) fn can_spare(quantity: i32) -> Expr {
    available().gte(quantity)
}

/// That `delta` leaves what is promised, stays within `max`, and finds on hand what the caller `expected`.
pub(super) fn can_adjust(delta: i32, max: i32, expected: Option<i32>) -> Expr {
    let after = || Expr::col(stock::Column::OnHand).add(delta);
    let is_there = after().gte(Expr::col(stock::Column::Reserved));
    // what came back from orders may be more than may be received
    let fits = if delta > 0 { is_there.and(after().lte(max)) } else { is_there };
    match expected {
        Some(expected) => fits.and(stock::Column::OnHand.eq(expected)),
        None => fits,
    }
}

/// A page of the ledger of a product, newest first.
pub(super) async fn list_movements(
    db: &impl ConnectionTrait,
    product: Uuid,
    args: &PageArgs,
) -> Result<Page<stock_movement::Model>> {
    use stock_movement::Column;

    let sort = page::Sort { column: None, id: Column::Id, is_descending: true };
    let select = stock_movement::Entity::find().filter(Column::ProductId.eq(product));
    page::fetch(select, args, sort, db, movement_key, |_| None).await
}

/// What a cursor of a ledger holds.
pub(super) fn movement_key(movement: &stock_movement::Model) -> (Option<Key>, Uuid) {
    (None, movement.id)
}

/// The newest `limit` lines of the ledger of each of `products`, newest first. A product costs a look into the index that
/// stops after `limit` lines, however long its ledger is; a window function would read all of it.
pub(super) async fn list_newest_movements(
    db: &impl ConnectionTrait,
    products: &[Uuid],
    limit: u64,
) -> Result<Vec<stock_movement::Model>> {
    use stock_movement::{Column, Entity};

    // SQLite knows a limit only in a select of its own, and joins at most 500 of them
    let newest_of = |product: &Uuid| {
        let newest = Query::select()
            .column(Column::Id)
            .from(Entity)
            .and_where(Column::ProductId.eq(*product))
            .order_by(Column::Id, Order::Desc)
            .limit(limit)
            .to_owned();
        Query::select().column(Column::Id).from_subquery(newest, "newest").to_owned()
    };
    let mut movements = Vec::new();
    for products in products.chunks(100) {
        let ids = products.iter().map(newest_of).reduce(|mut all, one| all.union(UnionType::All, one).to_owned());
        if let Some(ids) = ids {
            let select = Entity::find().filter(Column::Id.in_subquery(ids)).order_by(Column::Id, Order::Desc);
            movements.extend(select.all(db).await?);
        }
    }
    Ok(movements)
}

/// The lines `ids` of ledgers.
pub(super) async fn list_movements_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<stock_movement::Model>> {
    Ok(stock_movement::Entity::find().filter(stock_movement::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}
