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
use crate::platform::jobs::{self, Failure, Hands, Job, NewJob};
use crate::platform::mailer::Mail;
use crate::platform::sms::TextMessage;

/// The job that sends a notification by mail.
pub const EMAIL: &str = "notifications.email";

/// The job that sends a notification as a text message.
pub const SMS: &str = "notifications.sms";

/// How many an instance sends at once: of each way a few, so that a provider that says nothing holds up no mails, and no mail server
/// text messages. Proofs of mailboxes, which somebody sits and waits for, are of no group: there are hands left for them.
pub const HANDS: Hands = Hands { all: 10, of_group: 4, shared: 6 };

/// How old a notification may be that is still sent as a text message: nobody wants to hear at night that their dinner is on its
/// way.
const FRESH: TimeDelta = TimeDelta::minutes(30);

/// Which notification is to be sent.
#[derive(Debug, Serialize, Deserialize)]
struct ToSend {
    notification: Uuid,
}

/// Has each of `rows` sent by the ways that it is worth: one statement for all that go one way. Each way is a group.
pub(super) async fn enqueue(app: &App, tx: &Tx, rows: &[notification::Model], at: DateTime<Utc>) -> Result<()> {
    let mailed = rows.iter().filter(|row| row.kind.is_mailed());
    let texted = rows.iter().filter(|row| row.kind.is_texted());
    enqueue_as(app, tx, EMAIL, mailed, at).await?;
    enqueue_as(app, tx, SMS, texted, at).await
}

async fn enqueue_as(
    app: &App,
    tx: &Tx,
    kind: &'static str,
    rows: impl Iterator<Item = &notification::Model>,
    at: DateTime<Utc>,
) -> Result<()> {
    let wanted: Vec<ToSend> = rows.map(|row| ToSend { notification: row.id }).collect();
    let new = wanted.iter().map(|payload| {
        let key = payload.notification.to_string();
        NewJob { id: app.ids.uuid(), kind, key, payload, run_at: at, at }
    });
    jobs::enqueue_all(tx, Some(kind), new).await
}

/// The notification of `job` and who it is for; `None` when it is forgotten, or its user may not sign in any more.
async fn find(app: &App, job: &Job) -> Result<Option<(notification::Model, user::Model)>, Failure> {
    let ToSend { notification } = job.payload()?;
    let Some(row) = service::find(app.db.reader(), notification).await? else { return Ok(None) };
    let user = accounts::find_user(app.db.reader(), row.user_id).await?.filter(|user| user.is_active);
    Ok(user.map(|user| (row, user)))
}

/// Sends the notification of `job` by mail, if its user has proven that the address is theirs. Whoever signed up with another's
/// would have mails sent there whose words they choose, by the name of a store.
///
/// # Errors
/// When it cannot be sent now, or ever.
pub async fn mail(app: &App, job: &Job) -> Result<(), Failure> {
    let Some((row, user)) = find(app, job).await?.filter(|(_, user)| user.email_verified_at.is_some()) else {
        return Ok(());
    };
    let (subject, text, html) = templates::mail(&row, &app.config.public_url);
    app.mailer.send(&Mail { id: row.id, to: user.email, subject, text, html: Some(html) }).await
}

/// Sends the notification of `job` as a text message, if its user has a telephone, and it is not too old. Numbers are not proven, and
/// messages cost money: so many go to one user and to one number in an hour, and what is more goes nowhere.
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
    let (of_user, of_number) = (format!("text messages of {}", user.id), format!("text messages to {to}"));
    let Some(counted) = app.texts.take(&[&of_user, &of_number]).await else {
        tracing::info!(notification = %row.id, "a text message is not sent: there were too many in this hour");
        return Ok(());
    };
    let sent = app.sms.send(&TextMessage { id: row.id, to, text: templates::text_message(&row) }).await;
    if sent.is_err() {
        // it is counted when it is tried again
        counted.give_back().await;
    }
    sent
}
