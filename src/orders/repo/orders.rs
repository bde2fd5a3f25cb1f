//! `orders`, `order_items` and `order_events`, one order at a time.

use chrono::{DateTime, Utc};
use domain::order::OrderEventType;
use entity::{Text, order, order_event, order_item};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, ExprTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

pub(in crate::orders) async fn find_order(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<order::Model>, DbErr> {
    order::Entity::find_by_id(id).one(db).await
}

pub(in crate::orders) async fn list_orders_by_ids(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<Vec<order::Model>, DbErr> {
    order::Entity::find().filter(order::Column::Id.is_in(ids.to_vec())).all(db).await
}

/// The order, locked until the transaction ends. SQLite has locked the whole database by then.
pub(in crate::orders) async fn lock_order(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<order::Model>, DbErr> {
    let mut find = order::Entity::find_by_id(id);
    if db.get_database_backend() == DbBackend::Postgres {
        find = find.lock(LockType::Update);
    }
    find.one(db).await
}

pub(in crate::orders) async fn insert_order(
    db: &impl ConnectionTrait,
    row: order::Model,
    items: Vec<order_item::Model>,
) -> Result<(), DbErr> {
    order::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    let items = items.into_iter().map(|item| item.into_active_model().reset_all());
    order_item::Entity::insert_many(items).exec_without_returning(db).await?;
    Ok(())
}

pub(in crate::orders) async fn insert_event(db: &impl ConnectionTrait, row: order_event::Model) -> Result<(), DbErr> {
    order_event::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

/// Sets `columns` and the next version on the order that `condition` still holds for: the one statement that decides who
/// wins. `None` when it holds no more.
pub(in crate::orders) async fn update_where(
    db: &impl ConnectionTrait,
    condition: Condition,
    columns: Vec<(order::Column, Expr)>,
) -> Result<Option<order::Model>, DbErr> {
    let mut update = order::Entity::update_many()
        .col_expr(order::Column::Version, Expr::col(order::Column::Version).add(1))
        .filter(condition);
    for (column, value) in columns {
        update = update.col_expr(column, value);
    }
    Ok(update.exec_with_returning(db).await?.pop())
}

/// Counts a wrong delivery code. No version: nothing of the order changed that anybody is told of.
pub(in crate::orders) async fn update_counting_failure(db: &impl ConnectionTrait, id: Uuid) -> Result<(), DbErr> {
    order::Entity::update_many()
        .col_expr(order::Column::ProofFailures, Expr::col(order::Column::ProofFailures).add(1))
        .filter(order::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Writes until when an order waits for what the payment's provider says. No version: nothing of the order changed that anybody
/// is told of.
pub(in crate::orders) async fn update_asked_until(
    db: &impl ConnectionTrait,
    id: Uuid,
    until: DateTime<Utc>,
) -> Result<(), DbErr> {
    order::Entity::update_many()
        .col_expr(order::Column::PaymentAskedUntil, Expr::value(until))
        .filter(order::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Lines of `orders`, in order.
pub(in crate::orders) async fn list_items(
    db: &impl ConnectionTrait,
    orders: &[Uuid],
) -> Result<Vec<order_item::Model>, DbErr> {
    order_item::Entity::find()
        .filter(order_item::Column::OrderId.is_in(orders.to_vec()))
        .order_by_asc(order_item::Column::Position)
        .all(db)
        .await
}

pub(in crate::orders) async fn list_items_by_ids(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<Vec<order_item::Model>, DbErr> {
    order_item::Entity::find().filter(order_item::Column::Id.is_in(ids.to_vec())).all(db).await
}

/// When what `type` says last happened to `order`.
pub(in crate::orders) async fn find_last(
    db: &impl ConnectionTrait,
    order: Uuid,
    r#type: OrderEventType,
) -> Result<Option<DateTime<Utc>>, DbErr> {
    order_event::Entity::find()
        .select_only()
        .column(order_event::Column::At)
        .filter(order_event::Column::OrderId.eq(order))
        .filter(order_event::Column::Type.eq(Text(r#type)))
        .order_by_desc(order_event::Column::OrderVersion)
        .into_tuple()
        .one(db)
        .await
}

pub(in crate::orders) async fn list_events_by_ids(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<Vec<order_event::Model>, DbErr> {
    order_event::Entity::find().filter(order_event::Column::Id.is_in(ids.to_vec())).all(db).await
}
