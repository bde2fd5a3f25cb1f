//! The table of notifications.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::notification::NotificationKind;
use entity::{Text, notification};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::page::{self, Page, PageArgs, Sort, fetch};

/// Rows written in one statement: a statement has a limit of parameters.
const CHUNK: usize = 500;

pub(super) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<notification::Model>, DbErr> {
    notification::Entity::find_by_id(id).one(db).await
}

pub(super) async fn list_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<notification::Model>, DbErr> {
    notification::Entity::find().filter(notification::Column::Id.is_in(ids.to_vec())).all(db).await
}

/// Writes those that are not there; which these were.
pub(super) async fn insert_new(
    db: &impl ConnectionTrait,
    rows: Vec<notification::Model>,
) -> Result<Vec<notification::Model>, DbErr> {
    let events: HashSet<Uuid> = rows.iter().map(|row| row.event_id).collect();
    let known: HashSet<(Uuid, Uuid, Text<NotificationKind>)> = notification::Entity::find()
        .select_only()
        .columns([notification::Column::EventId, notification::Column::UserId, notification::Column::Kind])
        .filter(notification::Column::EventId.is_in(events))
        .into_tuple()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let new: Vec<_> = rows.into_iter().filter(|row| !known.contains(&(row.event_id, row.user_id, row.kind))).collect();
    let once = [notification::Column::EventId, notification::Column::UserId, notification::Column::Kind];
    for rows in new.chunks(CHUNK) {
        let rows = rows.iter().map(|row| row.clone().into_active_model().reset_all());
        notification::Entity::insert_many(rows)
            .on_conflict(OnConflict::columns(once).do_nothing().to_owned())
            .exec_without_returning(db)
            .await?;
    }
    Ok(new)
}

fn unread(user: Uuid) -> Select<notification::Entity> {
    notification::Entity::find().filter(notification::Column::UserId.eq(user)).filter(notification::Column::ReadAt.is_null())
}

/// Which of `users` already have an unread notification of `kind` about which of `orders`: one statement.
pub(super) async fn list_with_unread(
    db: &impl ConnectionTrait,
    users: Vec<Uuid>,
    kind: NotificationKind,
    orders: Vec<Uuid>,
) -> Result<HashSet<(Uuid, Uuid)>, DbErr> {
    let found: Vec<(Uuid, Uuid)> = notification::Entity::find()
        .select_only()
        .columns([notification::Column::UserId, notification::Column::OrderId])
        .filter(notification::Column::UserId.is_in(users))
        .filter(notification::Column::ReadAt.is_null())
        .filter(notification::Column::Kind.eq(Text(kind)))
        .filter(notification::Column::OrderId.is_in(orders))
        .into_tuple()
        .all(db)
        .await?;
    Ok(found.into_iter().collect())
}

/// A page of a user's notifications, newest first.
pub(super) async fn list(
    db: &impl ConnectionTrait,
    user: Uuid,
    is_unread_only: bool,
    args: &PageArgs,
) -> Result<Page<notification::Model>> {
    let all = || notification::Entity::find().filter(notification::Column::UserId.eq(user));
    let select = if is_unread_only { unread(user) } else { all() };
    // ids are UUIDv7: by id is by age
    let sort = Sort { column: None, id: notification::Column::Id, is_descending: true };
    fetch(select, args, sort, db, |row: &notification::Model| (None, row.id), |_| None).await
}

/// How many unread ones a user has, up to a limit.
pub(super) async fn count_unread(db: &impl ConnectionTrait, user: Uuid) -> Result<(i32, bool)> {
    page::count(unread(user), db).await
}

/// Which of `ids` are of `user`.
pub(super) async fn list_own(db: &impl ConnectionTrait, user: Uuid, ids: &[Uuid]) -> Result<HashSet<Uuid>, DbErr> {
    let own: Vec<Uuid> = notification::Entity::find()
        .select_only()
        .column(notification::Column::Id)
        .filter(notification::Column::UserId.eq(user))
        .filter(notification::Column::Id.is_in(ids.to_vec()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(own.into_iter().collect())
}

/// Marks a user's notifications, `ids` or all of them, as read at `at`, as far as they are not; how many.
pub(super) async fn update_read(
    db: &impl ConnectionTrait,
    user: Uuid,
    ids: Option<&[Uuid]>,
    at: DateTime<Utc>,
) -> Result<u64, DbErr> {
    let mut update = notification::Entity::update_many()
        .col_expr(notification::Column::ReadAt, Expr::value(at))
        .filter(notification::Column::UserId.eq(user))
        .filter(notification::Column::ReadAt.is_null());
    if let Some(ids) = ids {
        update = update.filter(notification::Column::Id.is_in(ids.to_vec()));
    }
    Ok(update.exec(db).await?.rows_affected)
}

/// Removes the oldest notifications from before `before`, at most `limit`; how many.
pub(super) async fn delete_old(db: &impl ConnectionTrait, before: DateTime<Utc>, limit: u64) -> Result<u64, DbErr> {
    let old: Vec<Uuid> = notification::Entity::find()
        .select_only()
        .column(notification::Column::Id)
        .filter(notification::Column::CreatedAt.lt(before))
        .order_by_asc(notification::Column::CreatedAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let removed = notification::Entity::delete_many().filter(notification::Column::Id.is_in(old)).exec(db).await?;
    Ok(removed.rows_affected)
}
