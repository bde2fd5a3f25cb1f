//! Work that was given up, as admins look at it.

use chrono::{DateTime, Utc};
use domain::error::{ErrorCode, Rejection};
use domain::id::Kind;
use domain::input;
use entity::job;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::platform::Result;
use crate::platform::audit::{self, By, NewEntry};
use crate::platform::db::{Tx, retry};
use crate::platform::jobs::{self, Dead};
use crate::platform::page::{Page, PageArgs};

/// The most characters of a kind's name.
const MAX_KIND: usize = 80;

/// Where the payload of each kind of job says what it is about, and what that is. Of the others nothing is shown: a payload may hold
/// what is nobody's business.
const SUBJECTS: &[(&str, &str, Kind)] = &[
    ("payments.cancel", "id", Kind::Payment),
    ("payments.refund", "id", Kind::Refund),
    ("payments.ask", "id", Kind::Order),
    ("accounts.send_password_reset", "user", Kind::User),
    ("accounts.send_email_verification", "user", Kind::User),
    ("notifications.email", "notification", Kind::Notification),
    ("notifications.sms", "notification", Kind::Notification),
    ("webhooks.send", "delivery", Kind::WebhookDelivery),
    ("consumers.skipped", "event", Kind::Event),
    ("sweeps.overdue", "id", Kind::Order),
];

/// The kinds that only tell somebody something. The others are about money or orders: they are to be seen through.
const MESSAGES: &[&str] = &[
    "accounts.send_password_reset",
    "accounts.send_email_verification",
    "notifications.email",
    "notifications.sms",
    "webhooks.send",
];

/// The sweep that is about promo codes, which are known by their text and by no id.
const OF_CODES: &str = "cart.promo_edges";

/// What `job` is about, if that has an id.
#[must_use]
pub fn subject(job: &job::Model) -> Option<(Kind, Uuid)> {
    if job.payload.get("sweep").is_some_and(|sweep| sweep == OF_CODES) {
        return None;
    }
    let (_, field, kind) = SUBJECTS.iter().find(|(name, ..)| *name == job.kind)?;
    let id = job.payload.get(field)?.as_str()?.parse().ok()?;
    Some((*kind, id))
}

/// A page of the jobs that were given up, those that were asked for last first: one statement.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list_dead(app: &App, args: &PageArgs) -> Result<Page<job::Model>> {
    jobs::page_of_dead(app.db.reader(), args).await
}

/// Has jobs that were given up tried again, the one of `id`, those of `kind` or all, on the word of an admin or, by nobody, of an
/// operator at the command line; how many. Twice does no harm: those are not given up any more.
///
/// # Errors
/// A rejection at `kind`; `NOT_FOUND` at `id` when that was not given up, or is of another kind; when the database fails.
pub async fn retry_dead(app: &App, by: impl Into<By>, id: Option<Uuid>, kind: Option<String>) -> Result<u64> {
    let kind = checked(kind)?;
    let (by, which) = (by.into(), Dead { id, kind: kind.as_deref() });
    retry(|| retry_once(app, by, which)).await
}

fn checked(kind: Option<String>) -> Result<Option<String>> {
    Ok(kind.map(|kind| input::line("kind", &kind, 1, MAX_KIND)).transpose()?)
}

async fn retry_once(app: &App, by: By, which: Dead<'_>) -> Result<u64> {
    let Dead { id: job, kind } = which;
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    let retried = jobs::revive(&tx, which, at).await?;
    if job.is_some() && retried == 0 {
        return Err(Rejection::new(ErrorCode::NotFound, "There is no such work that was given up.").at("id").into());
    }
    let after = json!({ "kind": kind, "retried": retried });
    record(app, &tx, by, "jobs.retry", job, after, at).await?;
    tx.commit().await?;
    Ok(retried)
}

/// Removes messages that were given up, the one of `id` or those of `kind`, on the word of an admin or, by nobody, of an operator at
/// the command line: nobody will be told. How many.
///
/// # Errors
/// A rejection at `kind` when neither is said, or it is no message's; `NOT_FOUND` at `id` when no message was given up that is it, or it
/// is of another kind; when the database fails.
pub async fn discard_dead(app: &App, by: impl Into<By>, id: Option<Uuid>, kind: Option<String>) -> Result<u64> {
    let kind = checked(kind)?;
    match &kind {
        None if id.is_none() => {
            return Err(Rejection::invalid("kind", "Say which work: of which kind, or by its id.").into());
        }
        Some(kind) if !MESSAGES.contains(&&**kind) => {
            let message = format!("Only messages can be discarded: {}.", MESSAGES.join(", "));
            return Err(Rejection::invalid("kind", message).into());
        }
        _ => {}
    }
    let (by, which) = (by.into(), Dead { id, kind: kind.as_deref() });
    retry(|| discard_once(app, by, which)).await
}

async fn discard_once(app: &App, by: By, which: Dead<'_>) -> Result<u64> {
    let Dead { id: job, kind } = which;
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    let discarded = jobs::discard(&tx, which, MESSAGES).await?;
    if job.is_some() && discarded == 0 {
        return Err(Rejection::new(ErrorCode::NotFound, "There is no such message that was given up.").at("id").into());
    }
    let after = json!({ "kind": kind, "discarded": discarded });
    record(app, &tx, by, "jobs.discard", job, after, at).await?;
    tx.commit().await?;
    Ok(discarded)
}

/// Has the audit log say what was done to the one `job`, or to several.
async fn record(
    app: &App,
    tx: &Tx,
    by: By,
    action: &'static str,
    job: Option<Uuid>,
    mut after: Value,
    at: DateTime<Utc>,
) -> Result<()> {
    if by.user.is_none() {
        after["command"] = action.replace('.', " ").into();
    }
    let target = job.map(|job| (Kind::Job, job));
    audit::append(tx, NewEntry { id: app.ids.uuid(), by, action, target, before: None, after: Some(after), at }).await
}
