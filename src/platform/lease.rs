//! The lease of a feed's relay: one instance at a time, by the database's clock.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::relay;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::clock::Clock;
use super::db::{Db, Tx};
use super::error::Result;

/// Makes sure that the feed `name` has its row, and an epoch: `epoch`, unless it has one.
///
/// # Errors
/// When the database fails.
pub async fn ensure(db: &impl ConnectionTrait, name: &str, epoch: i32) -> Result<()> {
    let unless_it_has_one = OnConflict::column(relay::Column::Name)
        .update_column(relay::Column::Epoch)
        .action_and_where(relay::Column::Epoch.eq(0))
        .to_owned();
    relay::Entity::insert(new(name, epoch)).on_conflict(unless_it_has_one).exec_without_returning(db).await?;
    Ok(())
}

/// Gives the feed `name` the epoch `epoch`.
///
/// # Errors
/// When the database fails.
pub async fn begin_epoch(db: &impl ConnectionTrait, name: &str, epoch: i32) -> Result<()> {
    let instead = OnConflict::column(relay::Column::Name).update_column(relay::Column::Epoch).to_owned();
    relay::Entity::insert(new(name, epoch)).on_conflict(instead).exec_without_returning(db).await?;
    Ok(())
}

/// A feed that nobody relays yet.
fn new(name: &str, epoch: i32) -> relay::ActiveModel {
    relay::ActiveModel {
        name: Set(name.to_owned()),
        holder: Set(Uuid::nil()),
        expires_at: Set(DateTime::<Utc>::UNIX_EPOCH),
        position: Set(0),
        published: Set(0),
        epoch: Set(epoch),
    }
}

/// Takes or renews the lease of `name` for `holder`, for `lifetime`, in one conditional statement; the row is then locked
/// until `tx` ends. `None` when another holds it.
///
/// # Errors
/// When the database fails.
pub async fn take(tx: &Tx, clock: &Clock, name: &str, holder: Uuid, lifetime: Duration) -> Result<Option<relay::Model>> {
    let now = clock.db_now(&**tx).await?;
    let until = now + TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::seconds(5));
    let mut taken = relay::Entity::update_many()
        .col_expr(relay::Column::Holder, Expr::value(holder))
        .col_expr(relay::Column::ExpiresAt, Expr::value(until))
        .filter(relay::Column::Name.eq(name))
        .filter(Condition::any().add(relay::Column::Holder.eq(holder)).add(relay::Column::ExpiresAt.lt(now)))
        .exec_with_returning(&**tx)
        .await?;
    Ok(taken.pop())
}

/// Gives the lease of `name` back before its time, if `holder` has it.
///
/// # Errors
/// When the database fails.
pub async fn release(db: &Db, name: &str, holder: Uuid) -> Result<()> {
    relay::Entity::update_many()
        .col_expr(relay::Column::Holder, Expr::value(Uuid::nil()))
        .col_expr(relay::Column::ExpiresAt, Expr::value(DateTime::<Utc>::UNIX_EPOCH))
        .filter(relay::Column::Name.eq(name))
        .filter(relay::Column::Holder.eq(holder))
        .exec(db.writer())
        .await?;
    Ok(())
}
