//! The record of what those did who may do more than others: who, what, to what, before, after, in which request.
//!
//! An entry is written in the transaction of the change: it is there with the change, or neither is. It holds what a reader
//! needs to understand the change, never a secret or what somebody could sign in with. Entries are not removed.

use chrono::{DateTime, Utc};
use domain::access::{Actor, RequestName};
use domain::id::{self, Kind};
use entity::audit_entry;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryTrait as _,
};
use serde_json::Value;
use uuid::Uuid;

use super::db::Tx;
use super::error::Result;
use super::page::{self, Page, PageArgs, Sort};

/// On whose word something is done.
#[derive(Debug, Clone, Copy, Default)]
pub struct By {
    /// The user; none: an operator at the machine.
    pub user: Option<Uuid>,
    /// The API key that was used, if one was.
    pub api_key: Option<Uuid>,
    /// The request that asked for it.
    pub request: Option<RequestName>,
}

impl From<Actor> for By {
    fn from(actor: Actor) -> Self {
        Self { user: Some(actor.user), api_key: actor.key.map(|key| key.id), request: actor.request }
    }
}

impl From<Option<Actor>> for By {
    fn from(actor: Option<Actor>) -> Self {
        actor.map(Self::from).unwrap_or_default()
    }
}

/// An entry about to be written.
#[derive(Debug)]
pub struct NewEntry {
    /// Public as `aud_…`.
    pub id: Uuid,
    /// On whose word.
    pub by: By,
    /// What was done: the thing and the verb, `user.update`.
    pub action: &'static str,
    /// To what.
    pub target: Option<(Kind, Uuid)>,
    /// What of it was so before; none when it is new. No secrets.
    pub before: Option<Value>,
    /// What is so since. No secrets.
    pub after: Option<Value>,
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
}

/// Writes `entry` in `tx`.
///
/// # Errors
/// When the database fails.
pub async fn append(tx: &Tx, entry: NewEntry) -> Result<()> {
    let row = audit_entry::Model {
        id: entry.id,
        actor_id: entry.by.user,
        api_key_id: entry.by.api_key,
        action: entry.action.to_owned(),
        target_id: entry.target.map(|(kind, target)| id::encode(kind, target)),
        before: entry.before.map(|before| before.to_string()),
        after: entry.after.map(|after| after.to_string()),
        request_id: entry.by.request.map(|request| request.as_str().to_owned()),
        at: entry.at,
    };
    audit_entry::Entity::insert(row.into_active_model()).exec_without_returning(&**tx).await?;
    Ok(())
}

/// A page of entries, newest first: all, or those of one user.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &impl ConnectionTrait, actor: Option<Uuid>, args: &PageArgs) -> Result<Page<audit_entry::Model>> {
    let find =
        audit_entry::Entity::find().apply_if(actor, |find, actor| find.filter(audit_entry::Column::ActorId.eq(actor)));
    let newest_first = Sort { column: None, id: audit_entry::Column::Id, is_descending: true };
    page::fetch(find, args, newest_first, db, |entry: &audit_entry::Model| (None, entry.id), |_| None).await
}

/// The entries of `ids` that exist.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<audit_entry::Model>> {
    Ok(audit_entry::Entity::find().filter(audit_entry::Column::Id.is_in(ids.to_vec())).all(db).await?)
}
