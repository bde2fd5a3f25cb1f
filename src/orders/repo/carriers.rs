//! Who carries orders at this moment.

use chrono::{DateTime, Utc};
use domain::claims::ClaimStatus;
use domain::order::OrderStatus;
use entity::{claim, order};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use uuid::Uuid;

/// Orders that a partner carries, or is on the way to fetch.
fn carried(backend: DbBackend) -> Condition {
    // in words, not as parameters, and of a status that SQLite has no other index for: this is the condition of a partial index,
    // and a database has to see that
    let column = if backend == DbBackend::Sqlite { "coalesce(orders.status, orders.status)" } else { "orders.status" };
    let carried = [OrderStatus::Assigned, OrderStatus::PickedUp, OrderStatus::InTransit].map(|status| format!("'{status}'"));
    let condition = format!("{column} IN ({}) AND claim_status = '{}'", carried.join(", "), ClaimStatus::Accepted);
    Condition::all().add(Expr::cust(condition))
}

/// Who carries an order, and since when each carries any of theirs.
fn select_carriers(backend: DbBackend) -> Select<order::Entity> {
    let accepted = Expr::col((claim::Entity, claim::Column::AcceptedAt));
    let mut select = order::Entity::find()
        .select_only()
        .column(order::Column::PartnerId)
        .expr_as(accepted.clone().min(), "since")
        .filter(order::Column::PartnerId.is_not_null())
        .filter(accepted.is_not_null())
        .filter(carried(backend))
        .group_by(order::Column::PartnerId);
    let is_its_claim = Expr::col((claim::Entity, claim::Column::Id)).equals((order::Entity, order::Column::ClaimId));
    QuerySelect::query(&mut select).inner_join(claim::Entity, is_its_claim);
    select
}

/// Those of `partners` who carry an order that `of` has, a customer's or a seller's column, with `owner`, and since when each
/// carries any of those.
pub(in crate::orders) async fn list_carriers_of(
    db: &impl ConnectionTrait,
    partners: &[Uuid],
    of: order::Column,
    owner: Uuid,
) -> Result<Vec<(Uuid, DateTime<Utc>)>, DbErr> {
    select_carriers(db.get_database_backend())
        .filter(of.eq(owner))
        .filter(order::Column::PartnerId.is_in(partners.to_vec()))
        .into_tuple()
        .all(db)
        .await
}

/// Partners who carry an order, after `after` in their order, and since when each carries any of theirs.
pub(in crate::orders) async fn list_carriers(
    db: &impl ConnectionTrait,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<(Uuid, DateTime<Utc>)>, DbErr> {
    let mut select = select_carriers(db.get_database_backend());
    if let Some(after) = after {
        select = select.filter(order::Column::PartnerId.gt(after));
    }
    select.order_by_asc(order::Column::PartnerId).limit(limit).into_tuple().all(db).await
}
