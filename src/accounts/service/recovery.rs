//! Other passwords, and addresses that are proven.
//!
//! Whoever is given another password is signed out wherever the old one signed them in. Locks are taken in one order, the
//! user's row before tokens and sessions: a reset and a change of the same password wait for each other, and the later one
//! finds what the first has made of the account.

use std::net::IpAddr;

use domain::access::{Actor, MailedPurpose};
use domain::input;
use entity::{PasswordHash, user};
use uuid::Uuid;

use super::{SignedIn, mailing, passwords, sessions};
use crate::accounts::error::AccountsError;
use crate::accounts::event::AccessEnded;
use crate::accounts::repo;
use crate::app::App;
use crate::config::Secret;
use crate::platform::Result;
use crate::platform::db::retry;
use crate::platform::error::Denial;
use crate::platform::throttle::Deed;
use crate::platform::tokens::hash_secret;

/// Has a link to another password mailed to the account of `email`, if there is one that is active. Whether there is nobody
/// learns, neither by the answer nor by the time it takes: the same is written either way, and waits for the same; the rest is a job.
///
/// # Errors
/// `INVALID_INPUT` when it is no e-mail address; [`Denial::RateLimited`] when the account or whoever is at `from` has had too
/// many mails lately.
pub async fn request_password_reset(app: &App, from: Option<IpAddr>, email: &str) -> Result<()> {
    let email = input::email("email", email)?;
    let _counted = app.throttle.check(Deed::SendEmail, Some(&email), from).await?;
    let user = repo::find_user_by_email(app.db.reader(), &email).await?.filter(|user| user.is_active);
    let user = user.map(|user| user.id);
    retry(|| request_once(app, &email, user)).await
}

async fn request_once(app: &App, email: &str, user: Option<Uuid>) -> Result<()> {
    let tx = app.db.begin().await?;
    let now = app.clock.db_now(&*tx).await?;
    mailing::ask_for_reset(app, &tx, email, user, now).await?;
    tx.commit().await
}

/// Gives whoever was mailed `token` another password, ends all their sessions, and signs them in anew. The mail was theirs to
/// read, so their address is proven with it.
///
/// # Errors
/// `INVALID_TOKEN` at `token` when it is unknown, used or expired; `WEAK_PASSWORD` at `newPassword`, and the token still
/// works; [`Denial::RateLimited`] when too many tokens were tried from `from`.
pub async fn reset_password(app: &App, from: Option<IpAddr>, token: &Secret, password: &Secret) -> Result<SignedIn> {
    check(password, "")?;
    let attempt = app.throttle.check(Deed::RedeemSecret, None, from).await?;
    let hash = hash_secret(token.expose());
    let now = app.clock.db_now(app.db.reader()).await?;
    let user = repo::mailed::find_user_of(app.db.reader(), &hash, MailedPurpose::ResetPassword, now).await?;
    let user = user.ok_or(AccountsError::InvalidMailedToken)?;
    check(password, &user.email)?;
    let new = hashed(app, password).await?;
    let signed_in = retry(|| reset_once(app, user.id, &hash, &new)).await?;
    attempt.succeeded().await;
    Ok(signed_in)
}

async fn reset_once(app: &App, user: Uuid, token_hash: &str, new: &PasswordHash) -> Result<SignedIn> {
    let tx = app.db.begin().await?;
    if repo::lock_active_user(&*tx, user).await?.is_none() {
        return Err(AccountsError::InvalidMailedToken.into());
    }
    let now = app.clock.db_now(&*tx).await?;
    if !repo::mailed::update_used(&*tx, token_hash, MailedPurpose::ResetPassword, now).await? {
        return Err(AccountsError::InvalidMailedToken.into());
    }
    // other mails of the kind are worth as much as this one was
    repo::mailed::update_all_used(&*tx, user, MailedPurpose::ResetPassword, now).await?;
    repo::update_email_verified(&*tx, user, now).await?;
    let user = repo::update_password(&*tx, user, None, new, now).await?.ok_or(AccountsError::InvalidMailedToken)?;
    sessions::end(app, &tx, AccessEnded { user: user.id, session: None }, now).await?;
    let signed_in = sessions::open(app, &tx, user).await?;
    tx.commit().await?;
    Ok(signed_in)
}

/// Gives `actor` another password, and ends their other sessions. This one goes on with new tokens; its refresh token of
/// before works no more, nor do links that were mailed to choose another password.
///
/// # Errors
/// `INVALID_CREDENTIALS` at `currentPassword` when it is not theirs, or not any more; `WEAK_PASSWORD` at `newPassword`;
/// [`Denial::InvalidToken`] when the session has ended meanwhile; [`Denial::RateLimited`] after too many wrong passwords of the
/// account, or from `from`.
pub async fn change_password(
    app: &App,
    from: Option<IpAddr>,
    actor: Actor,
    current: &Secret,
    new: &Secret,
) -> Result<SignedIn> {
    let user = repo::find_user(app.db.reader(), actor.user).await?.ok_or(Denial::InvalidToken)?;
    // before any work: a hash takes long
    check(new, &user.email)?;
    let attempt = app.throttle.check(Deed::ChangePassword, Some(&user.email), from).await?;
    let stored = Some(user.password_hash.0.clone());
    if !app.passwords.verify(current.expose().to_owned(), stored).await? {
        return Err(AccountsError::WrongPassword.into());
    }
    attempt.succeeded().await;
    let new = hashed(app, new).await?;
    retry(|| change_once(app, actor, &user.password_hash, &new)).await
}

async fn change_once(app: &App, actor: Actor, old: &PasswordHash, new: &PasswordHash) -> Result<SignedIn> {
    let tx = app.db.begin().await?;
    let now = app.clock.db_now(&*tx).await?;
    // only in place of the one that was checked: a reset may have come first
    let user = repo::update_password(&*tx, actor.user, Some(old), new, now).await?;
    let user = user.ok_or(AccountsError::WrongPassword)?;
    repo::mailed::update_all_used(&*tx, user.id, MailedPurpose::ResetPassword, now).await?;
    let tokens = sessions::keep_only(app, &tx, user.id, actor.session, now).await?.ok_or(Denial::InvalidToken)?;
    tx.commit().await?;
    Ok(SignedIn { user, tokens })
}

/// Whether `password` is good enough for the account of `email`.
fn check(password: &Secret, email: &str) -> Result<(), AccountsError> {
    passwords::check(password.expose(), email).map_err(AccountsError::WeakNewPassword)
}

async fn hashed(app: &App, password: &Secret) -> Result<PasswordHash> {
    Ok(PasswordHash(app.passwords.hash(password.expose().to_owned()).await?))
}

/// Has a link mailed to `actor` that proves their address, unless it is proven. Links of before work for as long as they would have.
///
/// # Errors
/// [`Denial::RateLimited`] when the account or whoever is at `from` has had too many mails lately.
pub async fn request_email_verification(app: &App, from: Option<IpAddr>, actor: Actor) -> Result<()> {
    let user = repo::find_user(app.db.reader(), actor.user).await?.ok_or(Denial::InvalidToken)?;
    let _counted = app.throttle.check(Deed::SendEmail, Some(&user.email), from).await?;
    if user.email_verified_at.is_some() {
        return Ok(());
    }
    retry(|| request_proof_once(app, user.id)).await
}

async fn request_proof_once(app: &App, user: Uuid) -> Result<()> {
    let tx = app.db.begin().await?;
    let now = app.clock.db_now(&*tx).await?;
    mailing::ask_for_proof(app, &tx, user, now).await?;
    tx.commit().await
}

/// Notes that whoever was mailed `token` has proven their address.
///
/// # Errors
/// `INVALID_TOKEN` at `token` when it is unknown, used or expired; [`Denial::RateLimited`] when too many tokens were tried from
/// `from`.
pub async fn verify_email(app: &App, from: Option<IpAddr>, token: &Secret) -> Result<user::Model> {
    let attempt = app.throttle.check(Deed::RedeemSecret, None, from).await?;
    let hash = hash_secret(token.expose());
    let user = retry(|| verify_once(app, &hash)).await?;
    attempt.succeeded().await;
    Ok(user)
}

async fn verify_once(app: &App, token_hash: &str) -> Result<user::Model> {
    let tx = app.db.begin().await?;
    let now = app.clock.db_now(&*tx).await?;
    let found = repo::mailed::find_user_of(&*tx, token_hash, MailedPurpose::VerifyEmail, now).await?;
    let user = found.ok_or(AccountsError::InvalidMailedToken)?.id;
    let user = repo::lock_active_user(&*tx, user).await?.ok_or(AccountsError::InvalidMailedToken)?;
    if !repo::mailed::update_used(&*tx, token_hash, MailedPurpose::VerifyEmail, now).await? {
        return Err(AccountsError::InvalidMailedToken.into());
    }
    repo::mailed::update_all_used(&*tx, user.id, MailedPurpose::VerifyEmail, now).await?;
    repo::update_email_verified(&*tx, user.id, now).await?;
    tx.commit().await?;
    Ok(user::Model { email_verified_at: user.email_verified_at.or(Some(now)), ..user })
}
