//! The tables of accounts.

use chrono::{DateTime, Utc};
use domain::access::Role;
use entity::{PasswordHash, Text, partner, seller, user};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, LockType, OnConflict, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
};
use serde::Serialize;
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::page::{self, Page, PageArgs, Sort};
use crate::platform::search::containing;

pub mod addresses;
pub mod keys;
pub mod mailed;
pub mod partners;
pub mod profile;
pub mod sessions;

/// Which users a list has; what is absent does not narrow it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct UserFilter {
    /// Those of this role.
    pub role: Option<Role>,
    /// Those whose name or e-mail address contains this. Case matters only beyond ASCII, and only with SQLite.
    pub search: Option<String>,
    /// Partners who take orders now, or who do not.
    pub available: Option<bool>,
}

/// Inserts `user`, unless the address is taken. The unique index decides: of two at once, one is told no.
///
/// # Errors
/// When the database fails.
pub async fn insert_user(db: &impl ConnectionTrait, user: user::Model) -> Result<bool> {
    let rows = user::Entity::insert(user.into_active_model())
        .on_conflict(OnConflict::column(user::Column::Email).do_nothing().to_owned())
        .exec_without_returning(db)
        .await?;
    Ok(rows == 1)
}

/// Inserts what a partner has besides a user.
///
/// # Errors
/// When the database fails.
pub async fn insert_partner(db: &impl ConnectionTrait, partner: partner::Model) -> Result<()> {
    partner::Entity::insert(partner.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// Inserts a store.
///
/// # Errors
/// When the database fails.
pub async fn insert_seller(db: &impl ConnectionTrait, seller: seller::Model) -> Result<()> {
    seller::Entity::insert(seller.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// The user `id`.
///
/// # Errors
/// When the database fails.
pub async fn find_user(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<user::Model>> {
    Ok(user::Entity::find_by_id(id).one(db).await?)
}

/// The user of an e-mail address in lower case.
///
/// # Errors
/// When the database fails.
pub async fn find_user_by_email(db: &impl ConnectionTrait, email: &str) -> Result<Option<user::Model>> {
    Ok(user::Entity::find().filter(user::Column::Email.eq(email)).one(db).await?)
}

/// Admins who may sign in, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn list_admins(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<Uuid>> {
    let admins = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(user::Column::Role.eq(Text(Role::Admin)))
        .filter(user::Column::IsActive.eq(true))
        .order_by_asc(user::Column::Id)
        .limit(limit);
    Ok(admins.into_tuple().all(db).await?)
}

/// Whether the user is active and has the password that was checked; if so, both stay until the transaction ends, so a
/// password cannot change between its check and the session that rests on it.
///
/// # Errors
/// When the database fails.
pub async fn lock_user_as_checked(db: &impl ConnectionTrait, checked: &user::Model) -> Result<bool> {
    let row = user::Entity::find_by_id(checked.id)
        .filter(user::Column::IsActive.eq(true))
        .filter(user::Column::PasswordHash.eq(checked.password_hash.clone()))
        .lock_shared()
        .one(db)
        .await?;
    Ok(row.is_some())
}

/// Whether the user is active and has `role`; if so, both stay until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn lock_user_as(db: &impl ConnectionTrait, id: Uuid, role: Role) -> Result<bool> {
    let find =
        user::Entity::find_by_id(id).filter(user::Column::IsActive.eq(true)).filter(user::Column::Role.eq(Text(role)));
    Ok(find.lock_shared().one(db).await?.is_some())
}

/// Whether the user is active and has `role`; if so, both stay until the transaction ends, and nobody else who asks so is let
/// in before.
///
/// # Errors
/// When the database fails.
pub async fn lock_user_alone(db: &impl ConnectionTrait, id: Uuid, role: Role) -> Result<bool> {
    let find =
        user::Entity::find_by_id(id).filter(user::Column::IsActive.eq(true)).filter(user::Column::Role.eq(Text(role)));
    Ok(find.lock(LockType::NoKeyUpdate).one(db).await?.is_some())
}

/// The user `id`, if they are active: they stay so until the transaction ends, with the password that they have.
///
/// # Errors
/// When the database fails.
pub async fn lock_active_user(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<user::Model>> {
    let find = user::Entity::find_by_id(id).filter(user::Column::IsActive.eq(true));
    Ok(find.lock(LockType::NoKeyUpdate).one(db).await?)
}

/// Gives the active user `id` another password in place of `old`; without that, in place of whichever they have. Gives them
/// as they then are, or `None` when the old one is not theirs (any more).
///
/// # Errors
/// When the database fails.
pub async fn update_password(
    db: &impl ConnectionTrait,
    id: Uuid,
    old: Option<&PasswordHash>,
    new: &PasswordHash,
    now: DateTime<Utc>,
) -> Result<Option<user::Model>> {
    let mut changed = user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(new.clone()))
        .col_expr(user::Column::UpdatedAt, Expr::value(now))
        .filter(user::Column::Id.eq(id))
        .filter(user::Column::IsActive.eq(true))
        .apply_if(old, |update, old| update.filter(user::Column::PasswordHash.eq(old.clone())))
        .exec_with_returning(db)
        .await?;
    Ok(changed.pop())
}

/// Notes that the user's address has been proven. The first time stays.
///
/// # Errors
/// When the database fails.
pub async fn update_email_verified(db: &impl ConnectionTrait, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    user::Entity::update_many()
        .col_expr(user::Column::EmailVerifiedAt, Expr::value(now))
        .filter(user::Column::Id.eq(id))
        .filter(user::Column::EmailVerifiedAt.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// The users of `ids` that exist; what they are stays so until the transaction ends. Always locked in one order, so that
/// two who lock each other wait instead of failing.
///
/// # Errors
/// When the database fails.
pub async fn lock_users(db: &impl ConnectionTrait, ids: [Uuid; 2]) -> Result<Vec<user::Model>> {
    let find = user::Entity::find().filter(user::Column::Id.is_in(ids)).order_by_asc(user::Column::Id);
    Ok(find.lock(LockType::NoKeyUpdate).all(db).await?)
}

/// Gives the user `id` a role, and lets them sign in or not. Gives the user as they then are.
///
/// # Errors
/// When the database fails.
pub async fn update_user_access(
    db: &impl ConnectionTrait,
    id: Uuid,
    role: Role,
    is_active: bool,
    now: DateTime<Utc>,
) -> Result<Option<user::Model>> {
    let mut changed = user::Entity::update_many()
        .col_expr(user::Column::Role, Expr::value(Text(role)))
        .col_expr(user::Column::IsActive, Expr::value(is_active))
        .col_expr(user::Column::UpdatedAt, Expr::value(now))
        .filter(user::Column::Id.eq(id))
        .exec_with_returning(db)
        .await?;
    Ok(changed.pop())
}

/// Whether `user` has a store.
///
/// # Errors
/// When the database fails.
pub async fn has_store(db: &impl ConnectionTrait, user: Uuid) -> Result<bool> {
    Ok(find_seller_of(db, user).await?.is_some())
}

/// The users of `ids` that exist.
///
/// # Errors
/// When the database fails.
pub async fn list_users_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<user::Model>> {
    Ok(user::Entity::find().filter(user::Column::Id.is_in(ids.to_vec())).all(db).await?)
}

/// A page of users, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list_users(db: &impl ConnectionTrait, filter: &UserFilter, args: &PageArgs) -> Result<Page<user::Model>> {
    let newest_first = Sort { column: None, id: user::Column::Id, is_descending: true };
    page::fetch(select_users(filter), args, newest_first, db, |user: &user::Model| (None, user.id), |_| None).await
}

/// How many users a list has, up to a limit, and whether that is all.
///
/// # Errors
/// When the database fails.
pub async fn count_users(db: &impl ConnectionTrait, filter: &UserFilter) -> Result<(i32, bool)> {
    page::count(select_users(filter), db).await
}

fn select_users(filter: &UserFilter) -> Select<user::Entity> {
    let mut select = user::Entity::find();
    if let Some(role) = filter.role {
        select = select.filter(user::Column::Role.eq(Text(role)));
    }
    if let Some(search) = &filter.search {
        // spelt as the indexes of PostgreSQL are (`users_name_search_idx`, `users_email_search_idx`)
        let like = || containing(&search.to_lowercase());
        let name = Expr::expr(Func::lower(Expr::col((user::Entity, user::Column::Name))));
        let email = Expr::col((user::Entity, user::Column::Email));
        select = select.filter(name.like(like()).or(email.like(like())));
    }
    if let Some(available) = filter.available {
        let partners = Query::select()
            .column(partner::Column::UserId)
            .from(partner::Entity)
            .and_where(partner::Column::IsAvailable.eq(available))
            .to_owned();
        select = select.filter(user::Column::Id.in_subquery(partners));
    }
    select
}

/// What the users of `ids` have as partners.
///
/// # Errors
/// When the database fails.
pub async fn list_partners_by_users(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<partner::Model>> {
    Ok(partner::Entity::find().filter(partner::Column::UserId.is_in(ids.to_vec())).all(db).await?)
}

/// The store `id`.
///
/// # Errors
/// When the database fails.
pub async fn find_seller(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<seller::Model>> {
    Ok(seller::Entity::find_by_id(id).one(db).await?)
}

/// The store of `user`, if they have one.
///
/// # Errors
/// When the database fails.
pub async fn find_seller_of(db: &impl ConnectionTrait, user: Uuid) -> Result<Option<seller::Model>> {
    Ok(seller::Entity::find().filter(seller::Column::UserId.eq(user)).one(db).await?)
}

/// Counts a score of the store.
///
/// # Errors
/// When the database fails.
pub async fn update_seller_rating(db: &impl ConnectionTrait, id: Uuid, score: i32) -> Result<()> {
    seller::Entity::update_many()
        .col_expr(seller::Column::RatingSum, Expr::col(seller::Column::RatingSum).add(score))
        .col_expr(seller::Column::RatingCount, Expr::col(seller::Column::RatingCount).add(1))
        .filter(seller::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// The first `limit` stores of this name.
///
/// # Errors
/// When the database fails.
pub async fn list_sellers_named(db: &impl ConnectionTrait, name: &str, limit: u64) -> Result<Vec<seller::Model>> {
    let named = seller::Entity::find().filter(seller::Column::StoreName.eq(name));
    Ok(named.order_by_asc(seller::Column::Id).limit(limit).all(db).await?)
}

/// The stores of `ids` that exist.
///
/// # Errors
/// When the database fails.
pub async fn list_sellers_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<seller::Model>> {
    Ok(seller::Entity::find().filter(seller::Column::Id.is_in(ids.to_vec())).all(db).await?)
}
