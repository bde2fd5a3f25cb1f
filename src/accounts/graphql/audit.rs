//! What those did who may do more than others, as admins see it.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use domain::id::Kind;
use entity::audit_entry;
use uuid::Uuid;

use super::keys::{ApiKey, find_api_key};
use super::user::User;
use crate::app::App;
use crate::graphql::connection::connection;
use crate::graphql::{GraphError, Result, app, ids};
use crate::platform::audit;
use crate::platform::page::PageArgs;

/// What somebody did who may do more than others.
#[derive(Debug, Clone)]
pub struct AuditEntry(audit_entry::Model);

impl From<audit_entry::Model> for AuditEntry {
    fn from(row: audit_entry::Model) -> Self {
        Self(row)
    }
}

/// What somebody did who may do more than others. Only admins see it.
#[Object]
impl AuditEntry {
    /// Opaque, `aud_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::AuditEntry, self.0.id)
    }

    /// Who did it; null when an operator did it at the machine.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.actor_id {
            Some(actor) => User::load(ctx, actor).await.map(Some),
            None => Ok(None),
        }
    }

    /// The API key with which a program did it in their name; null when they did it themselves.
    async fn api_key(&self, ctx: &Context<'_>) -> Result<Option<ApiKey>> {
        match self.0.api_key_id {
            Some(key) => find_api_key(ctx, key).await,
            None => Ok(None),
        }
    }

    /// What was done: the thing and the verb, e.g. `user.update`, `order.assign`, `refund.create`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// To what; null where the thing has no id, as promo codes, which `after` names.
    async fn target_id(&self) -> Option<ID> {
        self.0.target_id.clone().map(ID)
    }

    /// What was so before, as a JSON object; null for what is new.
    async fn before(&self) -> Option<&str> {
        self.0.before.as_deref()
    }

    /// What was so since, as a JSON object.
    async fn after(&self) -> Option<&str> {
        self.0.after.as_deref()
    }

    /// The request that asked for it, as the server's log names it.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

connection! {
    /// A page of the audit log, newest first.
    AuditEntryConnection, AuditEntryEdge, AuditEntry
}

/// Entries by id.
#[derive(Debug)]
pub struct AuditEntryLoader(pub App);

impl Loader<Uuid> for AuditEntryLoader {
    type Value = audit_entry::Model;
    type Error = GraphError;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, audit_entry::Model>> {
        let rows = audit::list_by_ids(self.0.db.reader(), ids).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// A page of the audit log, for admins: all of it, or what one user did.
///
/// # Errors
/// `INVALID_ID`, `BAD_CURSOR`; faults of the database.
pub async fn audit_page(
    ctx: &Context<'_>,
    actor: Option<&ID>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<AuditEntryConnection> {
    let actor = actor.map(|actor| ids::parse(Kind::User, actor)).transpose()?;
    let args = PageArgs::new(&("auditLog", actor), first, after.as_deref(), None, None)?;
    let page = audit::list(app(ctx)?.db.reader(), actor, &args).await?;
    Ok(page.map(AuditEntry::from).into())
}
