//! Who carries orders at this moment.

use domain::claims::ClaimStatus;
use domain::order::OrderStatus;
use entity::{Text, order};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// Orders that a partner carries, or is on the way to fetch.
fn carried() -> Condition {
    let statuses = [OrderStatus::Assigned, OrderStatus::PickedUp, OrderStatus::InTransit].map(Text);
    Condition::all()
        .add(order::Column::Status.is_in(statuses))
        .add(order::Column::ClaimStatus.eq(Text(ClaimStatus::Accepted)))
}

/// Those of `partners` who carry an order that `of` has, a customer's or a seller's column, with `owner`.
pub(in crate::orders) async fn list_carriers_of(
    db: &impl ConnectionTrait,
    partners: &[Uuid],
    of: order::Column,
    owner: Uuid,
) -> Result<Vec<Uuid>, DbErr> {
    order::Entity::find()
        .select_only()
        .column(order::Column::PartnerId)
        .distinct()
        .filter(of.eq(owner))
        .filter(order::Column::PartnerId.is_in(partners.to_vec()))
        .filter(carried())
        .into_tuple()
        .all(db)
        .await
}

/// Partners who carry an order, after `after` in their order.
pub(in crate::orders) async fn list_carriers(
    db: &impl ConnectionTrait,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Uuid>, DbErr> {
    let mut select = order::Entity::find()
        .select_only()
        .column(order::Column::PartnerId)
        .distinct()
        .filter(order::Column::PartnerId.is_not_null())
        .filter(carried());
    if let Some(after) = after {
        select = select.filter(order::Column::PartnerId.gt(after));
    }
    select.order_by_asc(order::Column::PartnerId).limit(limit).into_tuple().all(db).await
}
