//! Work that was given up, as admins look at it.

use domain::input;
use entity::job;
use serde_json::json;

use crate::app::App;
use crate::platform::Result;
use crate::platform::audit::{self, By, NewEntry};
use crate::platform::db::retry;
use crate::platform::jobs;
use crate::platform::page::{Page, PageArgs};

/// The most characters of a kind's name.
const MAX_KIND: usize = 80;

/// A page of the jobs that were given up, those that were asked for last first: one statement.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list_dead(app: &App, args: &PageArgs) -> Result<Page<job::Model>> {
    jobs::page_of_dead(app.db.reader(), args).await
}

/// Has jobs that were given up tried again, those of `kind` or all, on the word of an admin or, by nobody, of an operator at
/// the command line; how many. Twice does no harm: those are not given up any more.
///
/// # Errors
/// A rejection at `kind`; when the database fails.
pub async fn retry_dead(app: &App, by: impl Into<By>, kind: Option<String>) -> Result<u64> {
    let kind = kind.map(|kind| input::line("kind", &kind, 1, MAX_KIND)).transpose()?;
    let by = by.into();
    retry(|| retry_once(app, by, kind.as_deref())).await
}

async fn retry_once(app: &App, by: By, kind: Option<&str>) -> Result<u64> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    let retried = jobs::revive(&tx, kind, at).await?;
    let mut after = json!({ "kind": kind, "retried": retried });
    if by.user.is_none() {
        after["command"] = "jobs retry".into();
    }
    let after = Some(after);
    let id = app.ids.uuid();
    let entry = NewEntry { id, by, action: "jobs.retry", target: None, before: None, after, at };
    audit::append(&tx, entry).await?;
    tx.commit().await?;
    Ok(retried)
}
