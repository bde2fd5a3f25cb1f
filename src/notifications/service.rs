//! Use-cases of notifications: read, and marked as read.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::access::Actor;
use domain::error::Rejection;
use domain::event::Topic;
use domain::input;
use entity::notification;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::event::{NOTIFICATION_SENT, NOTIFICATIONS_READ, NotificationSent, NotificationsRead};
use super::recipients::Notice;
use super::{repo, sending};
use crate::app::App;
use crate::platform::Result;
use crate::platform::db::{Tx, retry};
use crate::platform::outbox::{self, NewEvent};
use crate::platform::page::{Page, PageArgs};

/// Notifications that one request may mark.
const MAX_MARKED: usize = 100;

/// Notifies everybody of `notices`, as far as they are not, in `tx`: they find it in the app, their devices hear of it, and what
/// is worth a mail or a text message is sent after the commit.
///
/// # Errors
/// When the database fails.
pub(super) async fn notify(app: &App, tx: &Tx, notices: Vec<Notice>) -> Result<()> {
    if notices.is_empty() {
        return Ok(());
    }
    let now = app.clock.db_now(&**tx).await?;
    let rows = notices.into_iter().map(|notice| notice.into_row(app.ids.uuid())).collect();
    let new = repo::insert_new(&**tx, rows).await?;
    let told: Vec<(Topic, NotificationSent)> =
        new.iter().map(|row| (Topic::Inbox(row.user_id), NotificationSent { notification_id: row.id })).collect();
    let events: Vec<_> = told
        .iter()
        .map(|(topic, payload)| NewEvent {
            id: app.ids.uuid(),
            kind: NOTIFICATION_SENT,
            topics: std::slice::from_ref(topic),
            payload,
            at: now,
        })
        .collect();
    outbox::append_all(tx, &events).await?;
    sending::enqueue(app, tx, &new, now).await
}

/// Which notifications are meant.
#[derive(Debug, Clone)]
pub enum Which {
    /// These.
    Ids(Vec<Uuid>),
    /// All that there are.
    All,
}

impl Which {
    /// What a client means by `ids` and `all`, of which it gives one.
    ///
    /// # Errors
    /// `INVALID_INPUT` at `ids`.
    pub fn of(ids: Option<Vec<Uuid>>, all: Option<bool>) -> Result<Self, Rejection> {
        match (ids, all.unwrap_or_default()) {
            (None, true) => Ok(Self::All),
            (Some(ids), false) if !ids.is_empty() => {
                input::list("ids", &ids, MAX_MARKED)?;
                Ok(Self::Ids(ids))
            }
            _ => Err(Rejection::invalid("ids", "Give either some ids, or all: true.")),
        }
    }
}

/// Marks notifications of the actor's as read, once and for good; how many were unread until now.
///
/// # Errors
/// `NOT_FOUND` at the first of the ids that is none of theirs; then nothing is marked.
pub async fn mark_read(app: &App, actor: Actor, which: &Which) -> Result<u64> {
    retry(|| mark_read_once(app, actor, which)).await
}

async fn mark_read_once(app: &App, actor: Actor, which: &Which) -> Result<u64> {
    let tx = app.db.begin().await?;
    let ids = match which {
        Which::All => None,
        Which::Ids(ids) => {
            let own: HashSet<Uuid> = repo::list_own(&*tx, actor.user, ids).await?;
            if let Some(place) = ids.iter().position(|id| !own.contains(id)) {
                return Err(Rejection::not_found("notification").at(&format!("ids.{place}")).into());
            }
            Some(ids.as_slice())
        }
    };
    let at = app.clock.db_now(&*tx).await?;
    let marked = repo::update_read(&*tx, actor.user, ids, at).await?;
    if marked > 0 {
        let (topics, payload) = ([Topic::Inbox(actor.user)], NotificationsRead { marked });
        let id = app.ids.uuid();
        outbox::append(&tx, &NewEvent { id, kind: NOTIFICATIONS_READ, topics: &topics, payload: &payload, at }).await?;
        tx.commit().await?;
    }
    Ok(marked)
}

/// The notification `id`, whosever it is.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<notification::Model>> {
    Ok(repo::find(db, id).await?)
}

/// The notifications `ids`, whosever they are.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<notification::Model>> {
    Ok(repo::list_by_ids(db, ids).await?)
}

/// A page of a user's notifications, newest first.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list(
    db: &impl ConnectionTrait,
    user: Uuid,
    is_unread_only: bool,
    args: &PageArgs,
) -> Result<Page<notification::Model>> {
    repo::list(db, user, is_unread_only, args).await
}

/// How many unread ones a user has, up to a limit, and whether that is exact.
///
/// # Errors
/// When the database fails.
pub async fn count_unread(db: &impl ConnectionTrait, user: Uuid) -> Result<(i32, bool)> {
    repo::count_unread(db, user).await
}

/// Removes the oldest notifications from before `before`, at most `limit`; how many.
pub(super) async fn delete_old(app: &App, before: DateTime<Utc>, limit: u64) -> Result<u64> {
    Ok(repo::delete_old(app.db.writer(), before, limit).await?)
}

/// To which of `users` it would be nothing new that there are messages in the chat of which of `orders`: one statement.
pub(super) async fn list_waiting(tx: &Tx, users: Vec<Uuid>, orders: Vec<Uuid>) -> Result<HashSet<(Uuid, Uuid)>> {
    Ok(repo::list_with_unread(&**tx, users, domain::notification::NotificationKind::ChatMessage, orders).await?)
}
