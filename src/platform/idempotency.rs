//! Requests that are done once however often they are sent.
//!
//! The key is inserted in the transaction of the work itself, before the work. Of two requests with one key, the second
//! waits at the unique index until the first has committed or rolled back: it then finds the outcome, or does the work.
//! Nothing is ever "in progress" for a third to see.

use domain::error::{ErrorCode, Rejection};
use entity::idempotency_key as keys;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::db::Tx;
use super::error::Result;
use chrono::{DateTime, Utc};

/// One request, as the client identifies it.
#[derive(Debug, Clone)]
pub struct Request {
    principal: Uuid,
    operation: &'static str,
    key: String,
    hash: String,
}

/// What [`begin`] found.
#[derive(Debug)]
pub enum Begun<T> {
    /// Nobody has done this: do it, then [`finish`].
    New,
    /// It was done; this came of it.
    Done(T),
}

impl Request {
    /// `principal` asks for `operation` with `input` under `key`.
    ///
    /// # Errors
    /// A [`Rejection`] when the key is empty, too long or not printable; a fault when `input` cannot be hashed.
    pub fn new(principal: Uuid, operation: &'static str, key: &str, input: &impl Serialize) -> Result<Self> {
        let key = domain::input::idempotency_key(key)?;
        let hash = hex::encode(Sha256::digest(serde_json::to_vec(input)?));
        Ok(Self { principal, operation, key, hash })
    }
}

/// Takes the key, or finds what was done under it.
///
/// # Errors
/// `IDEMPOTENCY_MISMATCH` when the key was used with other input.
pub async fn begin<T: DeserializeOwned>(tx: &Tx, request: &Request, now: DateTime<Utc>) -> Result<Begun<T>> {
    let row = keys::ActiveModel {
        principal_id: Set(request.principal),
        operation: Set(request.operation.to_owned()),
        key: Set(request.key.clone()),
        request_hash: Set(request.hash.clone()),
        outcome: Set(serde_json::Value::Null),
        created_at: Set(now),
    };
    let taken = keys::Entity::insert(row)
        .on_conflict(
            OnConflict::columns([keys::Column::PrincipalId, keys::Column::Operation, keys::Column::Key])
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(&**tx)
        .await?;
    if taken == 1 {
        return Ok(Begun::New);
    }
    let done = find(tx, request).await?.ok_or_else(|| sea_orm::DbErr::RecordNotFound("idempotency key".to_owned()))?;
    if done.request_hash != request.hash {
        let message = "This idempotency key was used with other input.";
        return Err(Rejection::new(ErrorCode::IdempotencyMismatch, message).at("idempotencyKey").into());
    }
    Ok(Begun::Done(serde_json::from_value(done.outcome)?))
}

/// Records what came of the work, in its transaction.
///
/// # Errors
/// When the database fails.
pub async fn finish<T: Serialize>(tx: &Tx, request: &Request, outcome: &T) -> Result<()> {
    if let Some(row) = find(tx, request).await? {
        let mut row = row.into_active_model();
        row.outcome = Set(serde_json::to_value(outcome)?);
        row.update(&**tx).await?;
    }
    Ok(())
}

/// Gives the key back, in the transaction of work that was refused but is to be committed all the same.
///
/// # Errors
/// When the database fails.
pub async fn forget(tx: &Tx, request: &Request) -> Result<()> {
    let key = (request.principal, request.operation.to_owned(), request.key.clone());
    keys::Entity::delete_by_id(key).exec(&**tx).await?;
    Ok(())
}

async fn find(tx: &Tx, request: &Request) -> Result<Option<keys::Model>> {
    let key = (request.principal, request.operation.to_owned(), request.key.clone());
    Ok(keys::Entity::find_by_id(key).one(&**tx).await?)
}
