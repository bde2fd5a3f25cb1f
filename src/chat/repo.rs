//! The table of messages.

use chrono::{DateTime, Utc};
use domain::access::Role;
use entity::{Text, message};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Value,
};
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::page::{Key, Page, PageArgs, Sort, fetch};

pub(super) async fn find_message(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<message::Model>, DbErr> {
    message::Entity::find_by_id(id).one(db).await
}

pub(super) async fn list_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<message::Model>, DbErr> {
    message::Entity::find().filter(message::Column::Id.is_in(ids.to_vec())).all(db).await
}

pub(super) async fn insert_message(db: &impl ConnectionTrait, row: message::Model) -> Result<(), DbErr> {
    message::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

/// The number of the chat's last message; 0 before the first.
pub(super) async fn last_number(db: &impl ConnectionTrait, order: Uuid) -> Result<i32, DbErr> {
    let last = message::Entity::find()
        .select_only()
        .column(message::Column::Number)
        .filter(message::Column::OrderId.eq(order))
        .order_by_desc(message::Column::Number)
        .into_tuple()
        .one(db)
        .await?;
    Ok(last.unwrap_or(0))
}

/// How many messages `sender` has sent in the chat of `order`.
pub(super) async fn count_of_sender(db: &impl ConnectionTrait, order: Uuid, sender: Uuid) -> Result<u64, DbErr> {
    message::Entity::find()
        .filter(message::Column::OrderId.eq(order))
        .filter(message::Column::SenderId.eq(sender))
        .count(db)
        .await
}

/// Marks what others than `reader` sent, up to the message `number`, as read at `at`, as far as it is not; how many.
pub(super) async fn update_read(
    db: &impl ConnectionTrait,
    order: Uuid,
    reader: Role,
    number: i32,
    at: DateTime<Utc>,
) -> Result<u64, DbErr> {
    let read = message::Entity::update_many()
        .col_expr(message::Column::ReadAt, Expr::value(at))
        .filter(message::Column::OrderId.eq(order))
        .filter(message::Column::Number.lte(number))
        .filter(message::Column::SenderRole.ne(Text(reader)))
        .filter(message::Column::ReadAt.is_null())
        .exec(db)
        .await?;
    Ok(read.rows_affected)
}

/// A page of a chat, oldest first.
pub(super) async fn list_messages(db: &impl ConnectionTrait, order: Uuid, args: &PageArgs) -> Result<Page<message::Model>> {
    let select = message::Entity::find().filter(message::Column::OrderId.eq(order));
    let sort = Sort { column: Some(message::Column::Number), id: message::Column::Id, is_descending: false };
    let value = |key: &Key| match key {
        Key::Number(number) => i32::try_from(*number).ok().map(Value::from),
        Key::Numbers(_) | Key::Text(_) => None,
    };
    fetch(select, args, sort, db, key, value).await
}

/// What a chat is sorted by.
#[must_use]
pub fn key(message: &message::Model) -> (Option<Key>, Uuid) {
    (Some(Key::Number(message.number.into())), message.id)
}

/// The first `limit` messages of each of `orders`, oldest first: numbers count from one.
pub(super) async fn list_first(
    db: &impl ConnectionTrait,
    orders: &[Uuid],
    limit: u64,
) -> Result<Vec<message::Model>, DbErr> {
    message::Entity::find()
        .filter(message::Column::OrderId.is_in(orders.to_vec()))
        .filter(message::Column::Number.lte(i32::try_from(limit).unwrap_or(i32::MAX)))
        .order_by_asc(message::Column::Number)
        .all(db)
        .await
}

/// The last `limit` messages of each of `orders`, newest first.
pub(super) async fn list_last(db: &impl ConnectionTrait, orders: &[Uuid], limit: u64) -> Result<Vec<message::Model>, DbErr> {
    let last = "(SELECT MAX(latest.number) FROM messages AS latest WHERE latest.order_id = messages.order_id)";
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    message::Entity::find()
        .filter(message::Column::OrderId.is_in(orders.to_vec()))
        .filter(Expr::col((message::Entity, message::Column::Number)).gt(Expr::cust(last).sub(limit)))
        .order_by_desc(message::Column::Number)
        .all(db)
        .await
}
