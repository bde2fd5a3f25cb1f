//! Mails and text messages, by jobs: at least once, by the notification's id.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{notification, user};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{service, templates};
use crate::accounts::service as accounts;
use crate::app::App;
use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::jobs::{self, Failure, Job, NewJob};
use crate::platform::mailer::Mail;
use crate::platform::sms::TextMessage;

/// The job that sends a notification by mail.
pub const EMAIL: &str = "notifications.email";

/// The job that sends a notification as a text message.
pub const SMS: &str = "notifications.sms";

/// How old a notification may be that is still sent as a text message: nobody wants to hear at night that their dinner is on its
/// way.
const FRESH: TimeDelta = TimeDelta::minutes(30);

/// Which notification is to be sent.
#[derive(Debug, Serialize, Deserialize)]
struct ToSend {
    notification: Uuid,
}

/// Has each of `rows` sent by the ways that it is worth: one statement for all of them.
pub(super) async fn enqueue(app: &App, tx: &Tx, rows: &[notification::Model], at: DateTime<Utc>) -> Result<()> {
    let ways = rows.iter().flat_map(|row| [(row, EMAIL, row.kind.is_mailed()), (row, SMS, row.kind.is_texted())]);
    let wanted: Vec<(&str, ToSend)> =
        ways.filter(|(_, _, is_wanted)| *is_wanted).map(|(row, kind, _)| (kind, ToSend { notification: row.id })).collect();
    let new = wanted.iter().map(|(kind, payload)| NewJob {
        id: app.ids.uuid(),
        kind,
        key: payload.notification.to_string(),
        payload,
        run_at: at,
        at,
    });
    jobs::enqueue_all(tx, None, new).await
}

/// The notification of `job` and who it is for; `None` when it is forgotten, or its user may not sign in any more.
async fn find(app: &App, job: &Job) -> Result<Option<(notification::Model, user::Model)>, Failure> {
    let ToSend { notification } = job.payload()?;
    let Some(row) = service::find(app.db.reader(), notification).await? else { return Ok(None) };
    let user = accounts::find_user(app.db.reader(), row.user_id).await?.filter(|user| user.is_active);
    Ok(user.map(|user| (row, user)))
}

/// Sends the notification of `job` by mail.
///
/// # Errors
/// When it cannot be sent now, or ever.
pub async fn mail(app: &App, job: &Job) -> Result<(), Failure> {
    let Some((row, user)) = find(app, job).await? else { return Ok(()) };
    let (subject, text, html) = templates::mail(&row, &app.config.public_url);
    app.mailer.send(&Mail { id: row.id, to: user.email, subject, text, html: Some(html) }).await
}

/// Sends the notification of `job` as a text message, if its user has a telephone and it is not too old.
///
/// # Errors
/// When it cannot be sent now, or ever.
pub async fn text(app: &App, job: &Job) -> Result<(), Failure> {
    let Some((row, user)) = find(app, job).await? else { return Ok(()) };
    let Some(to) = user.phone else { return Ok(()) };
    if app.clock.db_now(app.db.reader()).await? - row.created_at > FRESH {
        tracing::info!(notification = %row.id, "a text message is too old to be sent");
        return Ok(());
    }
    app.sms.send(&TextMessage { id: row.id, to, text: templates::text_message(&row) }).await
}
