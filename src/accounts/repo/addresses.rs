//! The table of saved addresses.

use entity::address;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::platform::Result;

/// The address `id`, if it is `user`'s.
///
/// # Errors
/// When the database fails.
pub async fn find_address(db: &impl ConnectionTrait, user: Uuid, id: Uuid) -> Result<Option<address::Model>> {
    Ok(address::Entity::find_by_id(id).filter(address::Column::UserId.eq(user)).one(db).await?)
}

/// The addresses of `users`, each user's oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list_addresses_of(db: &impl ConnectionTrait, users: &[Uuid]) -> Result<Vec<address::Model>> {
    let of_them = address::Entity::find().filter(address::Column::UserId.is_in(users.to_vec()));
    Ok(of_them.order_by_asc(address::Column::Id).all(db).await?)
}

/// Saves a new address.
///
/// # Errors
/// When the database fails.
pub async fn insert_address(db: &impl ConnectionTrait, row: address::Model) -> Result<()> {
    address::Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// Writes what can change of an address.
///
/// # Errors
/// When the database fails.
pub async fn update_address(db: &impl ConnectionTrait, row: address::Model) -> Result<()> {
    let mut row = row.into_active_model().reset_all();
    row.user_id = sea_orm::ActiveValue::NotSet;
    row.created_at = sea_orm::ActiveValue::NotSet;
    row.update_without_returning(db).await?;
    Ok(())
}

/// Says whether an address is the one that is chosen unless another is named.
///
/// # Errors
/// When the database fails.
pub async fn update_is_default(db: &impl ConnectionTrait, id: Uuid, is_default: bool) -> Result<()> {
    address::Entity::update_many()
        .col_expr(address::Column::IsDefault, Expr::value(is_default))
        .filter(address::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Forgets an address.
///
/// # Errors
/// When the database fails.
pub async fn delete_address(db: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    address::Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}
