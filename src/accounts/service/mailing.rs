//! Mails with which people prove that a mailbox is theirs. Each is a job that knows whose it is and no more: the token is made
//! when the mail is, so that no log, no table and no job ever holds it, but for its hash.

use chrono::{DateTime, Utc};
use domain::access::MailedPurpose;
use entity::{mailed_token, user};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::letters;
use crate::accounts::repo;
use crate::app::App;
use crate::config::Secret;
use crate::platform::Result;
use crate::platform::db::{Tx, retry};
use crate::platform::jobs::{self, Failure, Job, NewJob};
use crate::platform::tokens::new_secret;

/// The job that mails a link to another password.
pub const PASSWORD_RESET: &str = "accounts.send_password_reset";

/// The job that mails a link that proves the address.
pub const EMAIL_VERIFICATION: &str = "accounts.send_email_verification";

/// A mail to be sent.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Mailing {
    /// To whom; none: to nobody, which takes whoever asked for it just as long.
    user: Option<Uuid>,
    /// The mail's own id, the same however often it is tried.
    mail: Uuid,
}

/// Has a link to another password mailed to `user`, whose address is `email`, after `tx`; if there is none, to nobody. One that
/// waits to be sent is not sent then: there is one at a time.
///
/// The job is named after the address, whosever it is: of requests at once for one address each waits for the one before to
/// commit, and would it do so for users only, the time would tell who is one.
pub(super) async fn ask_for_reset(app: &App, tx: &Tx, email: &str, user: Option<Uuid>, at: DateTime<Utc>) -> Result<()> {
    let payload = Mailing { user, mail: app.ids.uuid() };
    let key = app.keys.pseudonym("password resets", email);
    jobs::enqueue(tx, NewJob { id: app.ids.uuid(), kind: PASSWORD_RESET, key, payload: &payload, run_at: at, at }).await
}

/// Has a link that proves their address mailed to `user` after `tx`. One that waits to be sent is not sent then.
pub(super) async fn ask_for_proof(app: &App, tx: &Tx, user: Uuid, at: DateTime<Utc>) -> Result<()> {
    let payload = Mailing { user: Some(user), mail: app.ids.uuid() };
    let (kind, key) = (EMAIL_VERIFICATION, user.to_string());
    jobs::enqueue(tx, NewJob { id: app.ids.uuid(), kind, key, payload: &payload, run_at: at, at }).await
}

/// Mails a link to another password to whom `job` says.
///
/// # Errors
/// Those of the mailer and the database.
pub async fn send_password_reset(app: &App, job: &Job) -> Result<(), Failure> {
    let mailing: Mailing = job.payload()?;
    match issue(app, mailing.user, MailedPurpose::ResetPassword).await? {
        Some((user, token)) => app.mailer.send(&letters::password_reset(app, mailing.mail, user.email, &token)).await,
        None => Ok(()),
    }
}

/// Mails a link that proves the address to whom `job` says, if they have not proven it yet.
///
/// # Errors
/// Those of the mailer and the database.
pub async fn send_email_verification(app: &App, job: &Job) -> Result<(), Failure> {
    let mailing: Mailing = job.payload()?;
    match issue(app, mailing.user, MailedPurpose::VerifyEmail).await? {
        Some((user, token)) => app.mailer.send(&letters::email_verification(app, mailing.mail, user.email, &token)).await,
        None => Ok(()),
    }
}

/// A new token for `user`, unless there is nobody to mail it to. Those that were mailed before work as well: who asks twice
/// may open either mail.
async fn issue(app: &App, user: Option<Uuid>, purpose: MailedPurpose) -> Result<Option<(user::Model, Secret)>> {
    match user {
        Some(user) => retry(|| issue_once(app, user, purpose)).await,
        None => Ok(None),
    }
}

async fn issue_once(app: &App, user: Uuid, purpose: MailedPurpose) -> Result<Option<(user::Model, Secret)>> {
    let tx = app.db.begin().await?;
    let found = repo::find_user(&*tx, user).await?.filter(|user| user.is_active);
    let is_done = |user: &user::Model| purpose == MailedPurpose::VerifyEmail && user.email_verified_at.is_some();
    let Some(user) = found.filter(|user| !is_done(user)) else { return Ok(None) };
    let now = app.clock.db_now(&*tx).await?;
    let (token, token_hash) = new_secret(&app.ids);
    let lifetime = match purpose {
        MailedPurpose::ResetPassword => app.config.mail.password_reset,
        MailedPurpose::VerifyEmail => app.config.mail.email_verification,
    };
    let (user_id, purpose, expires_at) = (user.id, purpose.into(), now + lifetime);
    let row = mailed_token::Model { token_hash, user_id, purpose, created_at: now, expires_at, used_at: None };
    repo::mailed::insert_token(&*tx, row).await?;
    tx.commit().await?;
    Ok(Some((user, Secret::new(token))))
}
