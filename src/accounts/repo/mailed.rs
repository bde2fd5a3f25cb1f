//! The tokens that were mailed to people.

use chrono::{DateTime, Utc};
use domain::access::MailedPurpose;
use entity::{Text, mailed_token, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::platform::Result;

/// Inserts a token.
pub(in crate::accounts) async fn insert_token(db: &impl ConnectionTrait, token: mailed_token::Model) -> Result<()> {
    mailed_token::Entity::insert(token.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// Whose token this is, if it works by `now` and they are active.
pub(in crate::accounts) async fn find_user_of(
    db: &impl ConnectionTrait,
    token_hash: &str,
    purpose: MailedPurpose,
    now: DateTime<Utc>,
) -> Result<Option<user::Model>> {
    let token = mailed_token::Entity::find_by_id(token_hash)
        .filter(mailed_token::Column::Purpose.eq(Text(purpose)))
        .filter(mailed_token::Column::UsedAt.is_null())
        .filter(mailed_token::Column::ExpiresAt.gt(now))
        .one(db)
        .await?;
    let Some(token) = token else { return Ok(None) };
    Ok(user::Entity::find_by_id(token.user_id).filter(user::Column::IsActive.eq(true)).one(db).await?)
}

/// Uses up the token, if it works by `now`: one statement, so that of two who have it one gets in.
pub(in crate::accounts) async fn update_used(
    db: &impl ConnectionTrait,
    token_hash: &str,
    purpose: MailedPurpose,
    now: DateTime<Utc>,
) -> Result<bool> {
    let used = mailed_token::Entity::update_many()
        .col_expr(mailed_token::Column::UsedAt, Expr::value(now))
        .filter(mailed_token::Column::TokenHash.eq(token_hash))
        .filter(mailed_token::Column::Purpose.eq(Text(purpose)))
        .filter(mailed_token::Column::UsedAt.is_null())
        .filter(mailed_token::Column::ExpiresAt.gt(now))
        .exec(db)
        .await?;
    Ok(used.rows_affected == 1)
}

/// Makes every token of `user` for `purpose` useless.
pub(in crate::accounts) async fn update_all_used(
    db: &impl ConnectionTrait,
    user: Uuid,
    purpose: MailedPurpose,
    now: DateTime<Utc>,
) -> Result<()> {
    mailed_token::Entity::update_many()
        .col_expr(mailed_token::Column::UsedAt, Expr::value(now))
        .filter(mailed_token::Column::UserId.eq(user))
        .filter(mailed_token::Column::Purpose.eq(Text(purpose)))
        .filter(mailed_token::Column::UsedAt.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Removes tokens that expired before `before`, at most `limit`; how many.
pub(in crate::accounts) async fn delete_old(db: &impl ConnectionTrait, before: DateTime<Utc>, limit: u64) -> Result<u64> {
    let old = mailed_token::Entity::find()
        .select_only()
        .column(mailed_token::Column::TokenHash)
        .filter(mailed_token::Column::ExpiresAt.lt(before))
        .limit(limit);
    let old: Vec<String> = old.into_tuple().all(db).await?;
    let delete = mailed_token::Entity::delete_many().filter(mailed_token::Column::TokenHash.is_in(old));
    Ok(delete.exec(db).await?.rows_affected)
}
