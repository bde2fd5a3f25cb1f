//! The table of API keys.

use chrono::{DateTime, Utc};
use domain::Named as _;
use domain::access::{Actor, Role};
use domain::keys::{ApiKey, ApiScope, Scopes};
use entity::json::Strings;
use entity::{Text, api_key, user};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QuerySelect, RelationDef,
    Select,
};
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::page::{self, Page, PageArgs, Sort};

/// A key that works, as it was found.
#[derive(Debug, Clone, Copy)]
pub struct LiveKey {
    /// As whom it acts.
    pub actor: Actor,
    /// When it was used last.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Inserts a key.
///
/// # Errors
/// When the database fails.
pub async fn insert_key(db: &impl ConnectionTrait, key: api_key::Model) -> Result<()> {
    api_key::Entity::insert(key.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// The key of this hash, if it works by `now`: neither expired nor revoked, and its user is active and still what the key
/// was made for.
///
/// # Errors
/// When the database fails.
pub async fn find_live_key(db: &impl ConnectionTrait, secret_hash: &str, now: Expr) -> Result<Option<LiveKey>> {
    type Row = (Uuid, Uuid, Option<Uuid>, Strings, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
    let found: Option<Row> = live(now)
        .filter(api_key::Column::SecretHash.eq(secret_hash))
        .select_only()
        .column(api_key::Column::Id)
        .column(api_key::Column::UserId)
        .column(api_key::Column::SellerId)
        .column(api_key::Column::Scopes)
        .column(api_key::Column::LastUsedAt)
        .column(api_key::Column::ExpiresAt)
        .into_tuple()
        .one(db)
        .await?;
    Ok(found.map(|(id, user, seller, names, last_used_at, expires_at)| {
        let role = if seller.is_some() { Role::Seller } else { Role::Admin };
        let key = Some(ApiKey { id, scopes: scopes_of(&names) });
        let actor = Actor { user, role, seller, session: id, key, request: None };
        LiveKey { actor, last_used_at, expires_at }
    }))
}

/// The scopes of these names.
#[must_use]
pub fn scopes_of(names: &Strings) -> Scopes {
    names.0.iter().filter_map(|name| ApiScope::from_name(name).ok()).collect()
}

/// Which of `ids` are keys that work by `now`.
///
/// # Errors
/// When the database fails.
pub async fn list_live_keys(db: &impl ConnectionTrait, ids: &[Uuid], now: Expr) -> Result<Vec<Uuid>> {
    let live = live(now).filter(api_key::Column::Id.is_in(ids.iter().copied()));
    Ok(live.select_only().column(api_key::Column::Id).into_tuple().all(db).await?)
}

/// Keys that work by `now`.
fn live(now: Expr) -> Select<api_key::Entity> {
    let of_role = |role: Role| user::Column::Role.eq(Text(role));
    let is_still = Condition::any()
        .add(Condition::all().add(api_key::Column::SellerId.is_null()).add(of_role(Role::Admin)))
        .add(Condition::all().add(api_key::Column::SellerId.is_not_null()).add(of_role(Role::Seller)));
    let expires_at = Expr::col((api_key::Entity, api_key::Column::ExpiresAt));
    api_key::Entity::find()
        .join(JoinType::InnerJoin, its_user())
        .filter(api_key::Column::RevokedAt.is_null())
        .filter(Condition::any().add(api_key::Column::ExpiresAt.is_null()).add(expires_at.gt(now)))
        .filter(user::Column::IsActive.eq(true))
        .filter(is_still)
}

fn its_user() -> RelationDef {
    api_key::Entity::belongs_to(user::Entity).from(api_key::Column::UserId).to(user::Column::Id).into()
}

/// Whether a key acts in the name of `user` that was not revoked.
///
/// # Errors
/// When the database fails.
pub async fn has_keys(db: &impl ConnectionTrait, user: Uuid) -> Result<bool> {
    let keys = api_key::Entity::find().filter(api_key::Column::UserId.eq(user)).filter(api_key::Column::RevokedAt.is_null());
    let any: Option<Uuid> = keys.select_only().column(api_key::Column::Id).limit(1).into_tuple().one(db).await?;
    Ok(any.is_some())
}

/// Says that the key was used, unless that was said after `before`.
///
/// # Errors
/// When the database fails.
pub async fn update_key_used(db: &impl ConnectionTrait, id: Uuid, now: DateTime<Utc>, before: DateTime<Utc>) -> Result<()> {
    let is_due = Condition::any().add(api_key::Column::LastUsedAt.is_null()).add(api_key::Column::LastUsedAt.lte(before));
    api_key::Entity::update_many()
        .col_expr(api_key::Column::LastUsedAt, Expr::value(now))
        .filter(api_key::Column::Id.eq(id))
        .filter(is_due)
        .exec(db)
        .await?;
    Ok(())
}

/// Revokes the key. Gives it as it is since; `None`: there is none, or it was revoked before.
///
/// # Errors
/// When the database fails.
pub async fn update_key_revoked(db: &impl ConnectionTrait, id: Uuid, now: DateTime<Utc>) -> Result<Option<api_key::Model>> {
    let mut revoked = api_key::Entity::update_many()
        .col_expr(api_key::Column::RevokedAt, Expr::value(now))
        .filter(api_key::Column::Id.eq(id))
        .filter(api_key::Column::RevokedAt.is_null())
        .exec_with_returning(db)
        .await?;
    Ok(revoked.pop())
}

/// The key `id`.
///
/// # Errors
/// When the database fails.
pub async fn find_key(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<api_key::Model>> {
    Ok(api_key::Entity::find_by_id(id).one(db).await?)
}

/// The keys of `ids` that exist.
///
/// # Errors
/// When the database fails.
pub async fn list_keys_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<api_key::Model>> {
    Ok(api_key::Entity::find().filter(api_key::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

/// A page of all keys, newest first.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list_keys(db: &impl ConnectionTrait, args: &PageArgs) -> Result<Page<api_key::Model>> {
    let newest_first = Sort { column: None, id: api_key::Column::Id, is_descending: true };
    page::fetch(api_key::Entity::find(), args, newest_first, db, |row: &api_key::Model| (None, row.id), |_| None).await
}
