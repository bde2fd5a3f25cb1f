//! `carts` and `cart_lines`.

pub(super) mod promos;

use chrono::{DateTime, Utc};
use entity::{cart, cart_line};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::platform::Result;

pub(super) async fn find_cart(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<cart::Model>> {
    Ok(cart::Entity::find_by_id(id).one(db).await?)
}

/// The cart, locked until the transaction ends. SQLite has locked the whole database by then.
pub(super) async fn lock_cart(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<cart::Model>> {
    let mut find = cart::Entity::find_by_id(id);
    if db.get_database_backend() == DbBackend::Postgres {
        find = find.lock(LockType::Update);
    }
    Ok(find.one(db).await?)
}

/// Counts a change of the cart, which is made if it is not there; its row is then locked until the transaction ends.
pub(super) async fn upsert_cart(db: &impl ConnectionTrait, new: cart::Model) -> Result<()> {
    let again = OnConflict::column(cart::Column::Id)
        .value(cart::Column::Version, Expr::col((cart::Entity, cart::Column::Version)).add(1))
        .update_column(cart::Column::UpdatedAt)
        .to_owned();
    cart::Entity::insert(new.into_active_model()).on_conflict(again).exec_without_returning(db).await?;
    Ok(())
}

/// Counts a change of the cart; whether it is there. Its row is then locked until the transaction ends.
pub(super) async fn update_version(db: &impl ConnectionTrait, id: Uuid, at: DateTime<Utc>) -> Result<bool> {
    let updated = cart::Entity::update_many()
        .col_expr(cart::Column::Version, Expr::col(cart::Column::Version).add(1))
        .col_expr(cart::Column::UpdatedAt, Expr::value(at))
        .filter(cart::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}

pub(super) async fn update_promo(db: &impl ConnectionTrait, id: Uuid, promo: Option<Uuid>) -> Result<()> {
    cart::Entity::update_many()
        .col_expr(cart::Column::PromoId, Expr::value(promo))
        .filter(cart::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// The lines of a cart, in the order in which they were put in.
pub(super) async fn list_lines(db: &impl ConnectionTrait, cart: Uuid) -> Result<Vec<cart_line::Model>> {
    let lines = cart_line::Entity::find().filter(cart_line::Column::CartId.eq(cart));
    Ok(lines.order_by_asc(cart_line::Column::Id).all(db).await?)
}

/// Puts the line in, or sets quantity and price of the one that has its product.
pub(super) async fn upsert_line(db: &impl ConnectionTrait, line: cart_line::Model) -> Result<()> {
    let set = OnConflict::columns([cart_line::Column::CartId, cart_line::Column::ProductId])
        .update_columns([cart_line::Column::Quantity, cart_line::Column::UnitMinor])
        .to_owned();
    cart_line::Entity::insert(line.into_active_model()).on_conflict(set).exec_without_returning(db).await?;
    Ok(())
}

/// Takes the line of `product` out; whether there was one.
pub(super) async fn delete_line(db: &impl ConnectionTrait, cart: Uuid, product: Uuid) -> Result<bool> {
    let line = cart_line::Column::CartId.eq(cart).and(cart_line::Column::ProductId.eq(product));
    Ok(cart_line::Entity::delete_many().filter(line).exec(db).await?.rows_affected == 1)
}

pub(super) async fn delete_lines(db: &impl ConnectionTrait, cart: Uuid) -> Result<()> {
    cart_line::Entity::delete_many().filter(cart_line::Column::CartId.eq(cart)).exec(db).await?;
    Ok(())
}

/// Which of `customers` have one of `products` in their carts.
pub(super) async fn list_holders(db: &impl ConnectionTrait, products: &[Uuid], customers: &[Uuid]) -> Result<Vec<Uuid>> {
    let holding = Query::select()
        .column(cart_line::Column::CartId)
        .from(cart_line::Entity)
        .and_where(cart_line::Column::ProductId.is_in(products.iter().copied()))
        .to_owned();
    let carts = cart::Entity::find().select_only().column(cart::Column::CustomerId);
    let carts = carts.filter(cart::Column::CustomerId.is_in(customers.iter().copied()));
    Ok(carts.filter(cart::Column::Id.in_subquery(holding)).into_tuple().all(db).await?)
}

/// Which of `customers` have one of `promos` applied to their carts.
pub(super) async fn list_appliers(db: &impl ConnectionTrait, promos: &[Uuid], customers: &[Uuid]) -> Result<Vec<Uuid>> {
    let carts = cart::Entity::find().select_only().column(cart::Column::CustomerId);
    let carts = carts.filter(cart::Column::CustomerId.is_in(customers.iter().copied()));
    Ok(carts.filter(cart::Column::PromoId.is_in(promos.iter().copied())).into_tuple().all(db).await?)
}
