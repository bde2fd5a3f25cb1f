//! The tables of sessions and their refresh tokens.

use chrono::{DateTime, Utc};
use domain::access::{Actor, Role};
use entity::{Text, refresh_token, seller, session, user};
use sea_orm::sea_query::{Expr, ExprTrait as _, LockType, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QuerySelect, RelationDef};
use uuid::Uuid;

use crate::platform::Result;

/// Inserts a session.
///
/// # Errors
/// When the database fails.
pub async fn insert_session(db: &impl ConnectionTrait, session: session::Model) -> Result<()> {
    session::Entity::insert(session.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// Inserts a refresh token.
///
/// # Errors
/// When the database fails.
pub async fn insert_refresh_token(db: &impl ConnectionTrait, token: refresh_token::Model) -> Result<()> {
    refresh_token::Entity::insert(token.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// Uses up the token: one statement takes it, only if it is unused, unexpired, and of a live session of an active user.
/// Gives the session that it belongs to, or `None` when it was not taken.
///
/// # Errors
/// When the database fails.
pub async fn update_refresh_token_used(
    db: &impl ConnectionTrait,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>> {
    let live = Query::select()
        .column((session::Entity, session::Column::Id))
        .from(session::Entity)
        .inner_join(user::Entity, session::Column::UserId.into_expr().equals((user::Entity, user::Column::Id)))
        .and_where(session::Column::EndedAt.is_null())
        .and_where(session::Column::ExpiresAt.gt(now))
        .and_where(user::Column::IsActive.eq(true))
        .to_owned();
    let taken = refresh_token::Entity::update_many()
        .col_expr(refresh_token::Column::UsedAt, Expr::value(now))
        .filter(refresh_token::Column::TokenHash.eq(token_hash))
        .filter(refresh_token::Column::UsedAt.is_null())
        .filter(refresh_token::Column::ExpiresAt.gt(now))
        .filter(refresh_token::Column::SessionId.in_subquery(live))
        .exec_with_returning(db)
        .await?;
    Ok(taken.first().map(|token| token.session_id))
}

/// Ends the session of a token that has been used before. Gives the session if it was live until now.
///
/// # Errors
/// When the database fails.
pub async fn update_session_of_used_token_ended(
    db: &impl ConnectionTrait,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<session::Model>> {
    let used: SelectStatement = Query::select()
        .column(refresh_token::Column::SessionId)
        .from(refresh_token::Entity)
        .and_where(refresh_token::Column::TokenHash.eq(token_hash))
        .and_where(refresh_token::Column::UsedAt.is_not_null())
        .to_owned();
    let mut ended = session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::Id.in_subquery(used))
        .exec_with_returning(db)
        .await?;
    Ok(ended.pop())
}

/// Ends the live sessions of `user`: all of them, or `only` one. Gives how many ended.
///
/// # Errors
/// When the database fails.
pub async fn update_sessions_ended(
    db: &impl ConnectionTrait,
    user: Uuid,
    only: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<u64> {
    let mut end = session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now))
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now));
    if let Some(only) = only {
        end = end.filter(session::Column::Id.eq(only));
    }
    Ok(end.exec(db).await?.rows_affected)
}

/// Ends the live sessions of `user` but for `kept`, whose refresh tokens work no more. Gives how many ended.
///
/// # Errors
/// When the database fails.
pub async fn update_other_sessions_ended(
    db: &impl ConnectionTrait,
    user: Uuid,
    kept: Uuid,
    now: DateTime<Utc>,
) -> Result<u64> {
    refresh_token::Entity::update_many()
        .col_expr(refresh_token::Column::UsedAt, Expr::value(now))
        .filter(refresh_token::Column::SessionId.eq(kept))
        .filter(refresh_token::Column::UsedAt.is_null())
        .exec(db)
        .await?;
    let end = session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now))
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::Id.ne(kept))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now));
    Ok(end.exec(db).await?.rows_affected)
}

/// The session `id`, if it is `user`'s and has not ended; until the transaction ends it gets no other tokens (`refresh` waits).
///
/// # Errors
/// When the database fails.
pub async fn lock_session(db: &impl ConnectionTrait, id: Uuid, user: Uuid) -> Result<Option<session::Model>> {
    let live =
        session::Entity::find_by_id(id).filter(session::Column::UserId.eq(user)).filter(session::Column::EndedAt.is_null());
    Ok(live.lock(LockType::NoKeyUpdate).one(db).await?)
}

/// Has whoever wants the session of this refresh token for themselves wait until the transaction ends, and waits for them: a token
/// that is made while others of the session are used up would not be one of those.
///
/// # Errors
/// When the database fails.
pub async fn lock_session_of_token(db: &impl ConnectionTrait, token_hash: &str) -> Result<()> {
    let its: SelectStatement = Query::select()
        .column(refresh_token::Column::SessionId)
        .from(refresh_token::Entity)
        .and_where(refresh_token::Column::TokenHash.eq(token_hash))
        .to_owned();
    let locked = session::Entity::find().filter(session::Column::Id.in_subquery(its)).lock(LockType::NoKeyUpdate);
    locked.select_only().column(session::Column::Id).into_tuple::<Uuid>().one(db).await?;
    Ok(())
}

/// A session with its user.
///
/// # Errors
/// When the database fails.
pub async fn find_session_with_user(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<(session::Model, user::Model)>> {
    let find = session::Entity::find_by_id(id).join(JoinType::InnerJoin, its_user()).select_also(user::Entity);
    Ok(find.one(db).await?.and_then(|(session, user)| user.map(|user| (session, user))))
}

/// Whoever is signed in with `session`, if it is `user`'s and live by `now`, and the user is active.
///
/// # Errors
/// When the database fails.
pub async fn find_actor(db: &impl ConnectionTrait, session: Uuid, user: Uuid, now: Expr) -> Result<Option<Actor>> {
    let found: Option<(Text<Role>, Option<Uuid>)> = session::Entity::find_by_id(session)
        .join(JoinType::InnerJoin, its_user())
        .join(JoinType::LeftJoin, its_seller())
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::EndedAt.is_null())
        .filter(Expr::col((session::Entity, session::Column::ExpiresAt)).gt(now))
        .filter(user::Column::IsActive.eq(true))
        .select_only()
        .column(user::Column::Role)
        .column_as(seller::Column::Id, "seller_id")
        .into_tuple()
        .one(db)
        .await?;
    Ok(found.map(|(Text(role), seller)| {
        // a store outlives the role of who ran it
        let seller = seller.filter(|_| role == Role::Seller);
        Actor { user, role, seller, session, key: None, request: None }
    }))
}

/// Which of `sessions` are live by `now`, of active users.
///
/// # Errors
/// When the database fails.
pub async fn list_live_sessions(db: &impl ConnectionTrait, sessions: &[Uuid], now: Expr) -> Result<Vec<Uuid>> {
    let live = session::Entity::find()
        .join(JoinType::InnerJoin, its_user())
        .filter(session::Column::Id.is_in(sessions.iter().copied()))
        .filter(session::Column::EndedAt.is_null())
        .filter(Expr::col((session::Entity, session::Column::ExpiresAt)).gt(now))
        .filter(user::Column::IsActive.eq(true))
        .select_only()
        .column(session::Column::Id);
    Ok(live.into_tuple().all(db).await?)
}

fn its_user() -> RelationDef {
    session::Entity::belongs_to(user::Entity).from(session::Column::UserId).to(user::Column::Id).into()
}

/// A store belongs to a user, not to a session: the join saves the way by `users`.
fn its_seller() -> RelationDef {
    session::Entity::belongs_to(seller::Entity).from(session::Column::UserId).to(seller::Column::UserId).into()
}

/// Removes refresh tokens that expired before `before`, at most `limit`; how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_old_tokens(db: &impl ConnectionTrait, before: DateTime<Utc>, limit: u64) -> Result<u64> {
    let old = refresh_token::Entity::find()
        .select_only()
        .column(refresh_token::Column::TokenHash)
        .filter(refresh_token::Column::ExpiresAt.lt(before))
        .limit(limit);
    let old: Vec<String> = old.into_tuple().all(db).await?;
    let delete = refresh_token::Entity::delete_many().filter(refresh_token::Column::TokenHash.is_in(old));
    Ok(delete.exec(db).await?.rows_affected)
}

/// Removes sessions that were over before `before` and have no tokens left, at most `limit`; how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_old_sessions(db: &impl ConnectionTrait, before: DateTime<Utc>, limit: u64) -> Result<u64> {
    let tokens = Query::select()
        .expr(Expr::value(1))
        .from(refresh_token::Entity)
        .and_where(
            Expr::col((refresh_token::Entity, refresh_token::Column::SessionId))
                .equals((session::Entity, session::Column::Id)),
        )
        .to_owned();
    let old = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::ExpiresAt.lt(before))
        .filter(Expr::exists(tokens).not())
        .limit(limit);
    let old: Vec<Uuid> = old.into_tuple().all(db).await?;
    Ok(session::Entity::delete_many().filter(session::Column::Id.is_in(old)).exec(db).await?.rows_affected)
}
