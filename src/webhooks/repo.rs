//! `webhook_endpoints` and `webhook_deliveries`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::webhook::{WebhookDeliveryStatus, WebhookTopic};
use entity::{Text, webhook_delivery as delivery, webhook_endpoint as endpoint};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict, Order, Query, UnionType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select,
};
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::db::lock_table;
use crate::platform::page::{self, Key, Page, PageArgs, Sort};

/// Rows written in one statement.
const ROWS: usize = 500;

pub(super) async fn find_endpoint(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<endpoint::Model>> {
    Ok(endpoint::Entity::find_by_id(id).one(db).await?)
}

pub(super) async fn list_endpoints_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<endpoint::Model>> {
    Ok(endpoint::Entity::find().filter(endpoint::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

/// Those that are told of anything, oldest first.
pub(super) async fn list_active_endpoints(db: &impl ConnectionTrait) -> Result<Vec<endpoint::Model>> {
    let active = endpoint::Entity::find().filter(endpoint::Column::IsActive.eq(true));
    Ok(active.order_by_asc(endpoint::Column::Id).all(db).await?)
}

/// Those with ids after `after`, oldest first, at most `limit`.
pub(super) async fn list_endpoints_after(
    db: &impl ConnectionTrait,
    after: Uuid,
    limit: u64,
) -> Result<Vec<endpoint::Model>> {
    let next = endpoint::Entity::find().filter(endpoint::Column::Id.gt(after));
    Ok(next.order_by_asc(endpoint::Column::Id).limit(limit).all(db).await?)
}

/// A page of all endpoints, newest first.
pub(super) async fn list_endpoints(db: &impl ConnectionTrait, args: &PageArgs) -> Result<Page<endpoint::Model>> {
    let newest_first = Sort { column: None, id: endpoint::Column::Id, is_descending: true };
    let key = |row: &endpoint::Model| (None, row.id);
    page::fetch(endpoint::Entity::find(), args, newest_first, db, key, |_| None).await
}

/// Lets nobody else make endpoints until the transaction ends.
pub(super) async fn lock_endpoints(db: &impl ConnectionTrait) -> Result<()> {
    Ok(lock_table::<endpoint::Entity>(db).await?)
}

/// How many endpoints there are.
pub(super) async fn count_endpoints(db: &impl ConnectionTrait) -> Result<u64> {
    Ok(endpoint::Entity::find().count(db).await?)
}

/// The endpoint `id`, locked until the transaction ends.
pub(super) async fn lock_endpoint(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<endpoint::Model>> {
    let mut find = endpoint::Entity::find_by_id(id);
    if db.get_database_backend() == DbBackend::Postgres {
        find = find.lock(LockType::Update);
    }
    Ok(find.one(db).await?)
}

pub(super) async fn insert_endpoint(db: &impl ConnectionTrait, row: endpoint::Model) -> Result<()> {
    endpoint::Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// Writes every column of `row`, which is locked.
pub(super) async fn update_endpoint(db: &impl ConnectionTrait, row: endpoint::Model) -> Result<()> {
    endpoint::Entity::update(row.into_active_model().reset_all()).exec(db).await?;
    Ok(())
}

/// Notes that something got through to `url`, if that is news and the endpoint is still there.
pub(super) async fn update_getting_through(db: &impl ConnectionTrait, id: Uuid, url: &str) -> Result<()> {
    endpoint::Entity::update_many()
        .col_expr(endpoint::Column::FailingSince, Expr::value(None::<DateTime<Utc>>))
        .col_expr(endpoint::Column::LastFailedAt, Expr::value(None::<DateTime<Utc>>))
        .filter(endpoint::Column::Id.eq(id))
        .filter(endpoint::Column::Url.eq(url))
        .filter(endpoint::Column::FailingSince.is_not_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Notes of the endpoint, which is locked, that nothing got through at `at` either, as it has not since `since`.
pub(super) async fn update_failing(
    db: &impl ConnectionTrait,
    id: Uuid,
    since: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Result<()> {
    endpoint::Entity::update_many()
        .col_expr(endpoint::Column::FailingSince, Expr::value(since))
        .col_expr(endpoint::Column::LastFailedAt, Expr::value(at))
        .filter(endpoint::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Pauses the endpoint, if it is active. As it is then.
pub(super) async fn update_pausing(
    db: &impl ConnectionTrait,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<Option<endpoint::Model>> {
    let update = endpoint::Entity::update_many()
        .col_expr(endpoint::Column::IsActive, Expr::value(false))
        .col_expr(endpoint::Column::UpdatedAt, Expr::value(at))
        .filter(endpoint::Column::Id.eq(id))
        .filter(endpoint::Column::IsActive.eq(true));
    Ok(update.exec_with_returning(db).await?.pop())
}

pub(super) async fn find_delivery(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<delivery::Model>> {
    Ok(delivery::Entity::find_by_id(id).one(db).await?)
}

pub(super) async fn list_deliveries_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<delivery::Model>> {
    Ok(delivery::Entity::find().filter(delivery::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

/// Writes deliveries; what is there already stays as it is.
pub(super) async fn insert_deliveries(db: &impl ConnectionTrait, rows: Vec<delivery::Model>) -> Result<()> {
    use delivery::Column::{EndpointId, EventId, Topic};

    for rows in rows.chunks(ROWS) {
        let rows = rows.iter().map(|row| row.clone().into_active_model());
        let unless_there = OnConflict::columns([EndpointId, EventId, Topic]).do_nothing().to_owned();
        delivery::Entity::insert_many(rows).on_conflict(unless_there).exec_without_returning(db).await?;
    }
    Ok(())
}

fn of_endpoint(endpoint: Uuid, failed_only: bool) -> Condition {
    let of = Condition::all().add(delivery::Column::EndpointId.eq(endpoint));
    if failed_only { of.add(delivery::Column::Status.eq(Text(WebhookDeliveryStatus::Failed))) } else { of }
}

pub(super) fn delivery_key(row: &delivery::Model) -> (Option<Key>, Uuid) {
    (None, row.id)
}

/// A page of an endpoint's deliveries, newest first.
pub(super) async fn list_deliveries(
    db: &impl ConnectionTrait,
    endpoint: Uuid,
    failed_only: bool,
    args: &PageArgs,
) -> Result<Page<delivery::Model>> {
    let newest_first = Sort { column: None, id: delivery::Column::Id, is_descending: true };
    let of: Select<delivery::Entity> = delivery::Entity::find().filter(of_endpoint(endpoint, failed_only));
    page::fetch(of, args, newest_first, db, delivery_key, |_| None).await
}

/// The newest `limit` deliveries of each of `endpoints`, newest first.
pub(super) async fn list_newest_deliveries(
    db: &impl ConnectionTrait,
    endpoints: &[Uuid],
    failed_only: bool,
    limit: u64,
) -> Result<Vec<delivery::Model>> {
    use delivery::{Column, Entity};

    // SQLite knows a limit only in a select of its own, and joins at most 500 of them
    let newest_of = |endpoint: &Uuid| {
        let newest = Query::select()
            .column(Column::Id)
            .from(Entity)
            .cond_where(of_endpoint(*endpoint, failed_only))
            .order_by(Column::Id, Order::Desc)
            .limit(limit)
            .to_owned();
        Query::select().column(Column::Id).from_subquery(newest, "newest").to_owned()
    };
    let mut deliveries = Vec::new();
    for endpoints in endpoints.chunks(100) {
        let ids = endpoints.iter().map(newest_of).reduce(|mut all, one| all.union(UnionType::All, one).to_owned());
        if let Some(ids) = ids {
            let select = Entity::find().filter(Column::Id.in_subquery(ids)).order_by(Column::Id, Order::Desc);
            deliveries.extend(select.all(db).await?);
        }
    }
    Ok(deliveries)
}

/// Begins an attempt of what is to be sent and is not being sent: the one statement that decides who does. The row as it is
/// then; `None` when there is nothing to do, or another is at it.
pub(super) async fn update_beginning(
    db: &impl ConnectionTrait,
    id: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<delivery::Model>> {
    let is_free =
        Condition::any().add(delivery::Column::SendingUntil.is_null()).add(delivery::Column::SendingUntil.lte(now));
    let begun = delivery::Entity::update_many()
        .col_expr(delivery::Column::Attempts, Expr::col(delivery::Column::Attempts).add(1))
        .col_expr(delivery::Column::SendingUntil, Expr::value(until))
        .filter(delivery::Column::Id.eq(id))
        .filter(delivery::Column::Status.eq(Text(WebhookDeliveryStatus::Pending)))
        .filter(is_free)
        .exec_with_returning(db)
        .await?;
    Ok(begun.into_iter().next())
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) status: WebhookDeliveryStatus,
    pub(super) status_code: Option<i32>,
    pub(super) error: Option<String>,
    pub(super) next_attempt_at: Option<DateTime<Utc>>,
    pub(super) at: DateTime<Utc>,
}

/// Writes down how the attempt that `begun` is of ended, unless another was begun since. What failed for good is to be sent all the
/// same if somebody has asked for that meanwhile.
pub(super) async fn update_ending(db: &impl ConnectionTrait, begun: &delivery::Model, ended: Ended) -> Result<()> {
    let Ended { status, status_code, error, next_attempt_at, at } = ended;
    let ended_at = Some(at).filter(|_| status != WebhookDeliveryStatus::Pending);
    let mut attempt = delivery::Entity::update_many()
        .col_expr(delivery::Column::LastError, Expr::value(error))
        .col_expr(delivery::Column::SendingUntil, Expr::value(None::<DateTime<Utc>>))
        .filter(delivery::Column::Id.eq(begun.id))
        .filter(delivery::Column::Attempts.eq(begun.attempts));
    if let Some(code) = status_code {
        attempt = attempt.col_expr(delivery::Column::LastStatusCode, Expr::value(code));
    }
    let mut update = attempt
        .clone()
        .col_expr(delivery::Column::Status, Expr::value(Text(status)))
        .col_expr(delivery::Column::NextAttemptAt, Expr::value(next_attempt_at))
        .col_expr(delivery::Column::EndedAt, Expr::value(ended_at));
    if status == WebhookDeliveryStatus::Failed {
        // whoever asks for it to be sent again says from when on
        update = update.filter(match begun.next_attempt_at {
            Some(at) => delivery::Column::NextAttemptAt.eq(at),
            None => delivery::Column::NextAttemptAt.is_null(),
        });
    }
    if update.exec(db).await?.rows_affected == 0 {
        attempt.exec(db).await?;
    }
    Ok(())
}

/// Gives up all that waits to be sent to `endpoint`, for `reason`. What is on its way at this moment may yet get through.
pub(super) async fn update_giving_up(
    db: &impl ConnectionTrait,
    endpoint: Uuid,
    reason: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    give_up(reason, at).filter(delivery::Column::EndpointId.eq(endpoint)).exec(db).await?;
    Ok(())
}

/// Gives up those of `deliveries` that have been due since before `before`, for `reason`; how many.
pub(super) async fn update_stranded(
    db: &impl ConnectionTrait,
    deliveries: &[Uuid],
    before: DateTime<Utc>,
    reason: &str,
    at: DateTime<Utc>,
) -> Result<u64> {
    let stranded = give_up(reason, at)
        .filter(delivery::Column::Id.is_in(deliveries.iter().copied()))
        .filter(delivery::Column::NextAttemptAt.lt(before));
    Ok(stranded.exec(db).await?.rows_affected)
}

fn give_up(reason: &str, at: DateTime<Utc>) -> sea_orm::UpdateMany<delivery::Entity> {
    delivery::Entity::update_many()
        .col_expr(delivery::Column::Status, Expr::value(Text(WebhookDeliveryStatus::Failed)))
        .col_expr(delivery::Column::LastError, Expr::value(reason))
        .col_expr(delivery::Column::NextAttemptAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(delivery::Column::EndedAt, Expr::value(at))
        .filter(delivery::Column::Status.eq(Text(WebhookDeliveryStatus::Pending)))
}

/// Deliveries with ids after `after` that are to be sent and have been due since before `before`, at most `limit`.
pub(super) async fn list_overdue(
    db: &impl ConnectionTrait,
    after: Uuid,
    before: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Uuid>> {
    let overdue = delivery::Entity::find()
        .select_only()
        .column(delivery::Column::Id)
        .filter(delivery::Column::Status.eq(Text(WebhookDeliveryStatus::Pending)))
        .filter(delivery::Column::NextAttemptAt.lt(before))
        .filter(delivery::Column::Id.gt(after));
    Ok(overdue.order_by_asc(delivery::Column::Id).limit(limit).into_tuple().all(db).await?)
}

/// How many deliveries wait to be sent to each of `endpoints` for which any do.
pub(super) async fn count_waiting(db: &impl ConnectionTrait, endpoints: &[Uuid]) -> Result<HashMap<Uuid, u64>> {
    let waiting = delivery::Entity::find()
        .select_only()
        .column(delivery::Column::EndpointId)
        .column_as(delivery::Column::Id.count(), "waiting")
        .filter(delivery::Column::EndpointId.is_in(endpoints.iter().copied()))
        .filter(delivery::Column::Status.eq(Text(WebhookDeliveryStatus::Pending)))
        .group_by(delivery::Column::EndpointId);
    let waiting: Vec<(Uuid, i64)> = waiting.into_tuple().all(db).await?;
    Ok(waiting.into_iter().map(|(endpoint, count)| (endpoint, u64::try_from(count).unwrap_or(0))).collect())
}

/// What the deliveries are about that wait to be sent to `endpoint`.
pub(super) async fn list_waiting_topics(db: &impl ConnectionTrait, endpoint: Uuid) -> Result<Vec<WebhookTopic>> {
    let waiting = delivery::Entity::find()
        .select_only()
        .column(delivery::Column::Topic)
        .distinct()
        .filter(delivery::Column::EndpointId.eq(endpoint))
        .filter(delivery::Column::Status.eq(Text(WebhookDeliveryStatus::Pending)));
    let topics: Vec<Text<WebhookTopic>> = waiting.into_tuple().all(db).await?;
    Ok(topics.into_iter().map(|topic| topic.0).collect())
}

/// Has the delivery sent again from `at` on.
pub(super) async fn update_sending_again(
    db: &impl ConnectionTrait,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<Option<delivery::Model>> {
    let updated = delivery::Entity::update_many()
        .col_expr(delivery::Column::Status, Expr::value(Text(WebhookDeliveryStatus::Pending)))
        .col_expr(delivery::Column::NextAttemptAt, Expr::value(at))
        .col_expr(delivery::Column::EndedAt, Expr::value(None::<DateTime<Utc>>))
        .filter(delivery::Column::Id.eq(id))
        .exec_with_returning(db)
        .await?;
    Ok(updated.into_iter().next())
}

/// Forgets deliveries that ended before `before`, at most `limit`; how many.
pub(super) async fn delete_old_deliveries(db: &impl ConnectionTrait, before: DateTime<Utc>, limit: u64) -> Result<u64> {
    let old: Vec<Uuid> = delivery::Entity::find()
        .select_only()
        .column(delivery::Column::Id)
        .filter(delivery::Column::EndedAt.lt(before))
        .order_by_asc(delivery::Column::EndedAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    // one that is to be sent again by now stays
    let old =
        delivery::Entity::delete_many().filter(delivery::Column::Id.is_in(old)).filter(delivery::Column::EndedAt.lt(before));
    Ok(old.exec(db).await?.rows_affected)
}
