//! Signing in, staying signed in, signing out.

use std::net::IpAddr;

use chrono::{DateTime, SubsecRound as _, Utc};
use domain::access::Actor;
use domain::event::Topic;
use domain::id::Kind;
use domain::input;
use entity::{refresh_token, session, user};
use serde_json::json;
use uuid::Uuid;

use super::keys;
use crate::accounts::error::AccountsError;
use crate::accounts::event::{AccessEnded, record_ended};
use crate::accounts::repo::{self, keys::LiveKey};
use crate::app::App;
use crate::config::Secret;
use crate::platform::Result;
use crate::platform::actors::Actors;
use crate::platform::audit::{self, By, NewEntry};
use crate::platform::cache::CacheKey;
use crate::platform::db::{Tx, retry};
use crate::platform::doors::SignIn;
use crate::platform::error::{Denial, Error};
use crate::platform::limits::Principal;
use crate::platform::throttle::Deed;
use crate::platform::tokens::{hash_secret, new_secret};

/// Somebody who has just proven who they are.
#[derive(Debug)]
pub struct SignedIn {
    /// Who it is.
    pub user: user::Model,
    /// What they show from now on.
    pub tokens: Tokens,
}

/// The tokens of a session.
#[derive(Debug)]
pub struct Tokens {
    /// Shown with each request.
    pub access: Secret,
    /// When it stops working.
    pub access_expires_at: DateTime<Utc>,
    /// Exchanged, once, for new tokens.
    pub refresh: Secret,
    /// When it stops working.
    pub refresh_expires_at: DateTime<Utc>,
}

/// Signs in with a password.
///
/// # Errors
/// `INVALID_CREDENTIALS`, in the same words and after the same work, for an unknown address, an inactive account and a
/// wrong password; `RATE_LIMITED` after too many attempts at the account or `from` an address, whatever the password is.
pub async fn login(app: &App, from: Option<IpAddr>, email: &str, password: &Secret) -> Result<SignedIn> {
    let attempt = app.throttle.check(Deed::Login, Some(email), from).await?;
    let signed_in = sign_in(app, email, password).await?;
    attempt.succeeded().await;
    Ok(signed_in)
}

async fn sign_in(app: &App, email: &str, password: &Secret) -> Result<SignedIn> {
    let user = match input::known_email("email", email) {
        Ok(email) => repo::find_user_by_email(app.db.reader(), &email).await?.filter(|user| user.is_active),
        Err(_) => None,
    };
    let stored = user.as_ref().map(|user| user.password_hash.0.clone());
    let is_right = app.passwords.verify(password.expose().to_owned(), stored).await?;
    match user {
        Some(user) if is_right => retry(|| sign_in_once(app, &user)).await?.ok_or_else(|| {
            // deactivated, or given another password, while this one was being checked
            AccountsError::InvalidCredentials.into()
        }),
        _ => Err(AccountsError::InvalidCredentials.into()),
    }
}

/// Signs in the account of `email` without its password, for the command line. That is on the record.
///
/// # Errors
/// `NOT_FOUND` when no active account has that address.
pub async fn issue_token(app: &App, email: &str) -> Result<SignedIn> {
    let email = input::known_email("email", email)?;
    let user = repo::find_user_by_email(app.db.reader(), &email).await?.ok_or(AccountsError::NoSuchAccount)?;
    retry(|| issue_token_once(app, &user)).await?.ok_or_else(|| AccountsError::NoSuchAccount.into())
}

async fn issue_token_once(app: &App, user: &user::Model) -> Result<Option<SignedIn>> {
    let tx = app.db.begin().await?;
    if !repo::lock_user_as_checked(&*tx, user).await? {
        return Ok(None);
    }
    let at = app.clock.db_now(&*tx).await?;
    let entry = NewEntry {
        id: app.ids.uuid(),
        // an operator
        by: By::default(),
        action: "token.issue",
        target: Some((Kind::User, user.id)),
        before: None,
        after: Some(json!({ "command": "token", "role": user.role })),
        at,
    };
    audit::append(&tx, entry).await?;
    let signed_in = open(app, &tx, user.clone()).await?;
    tx.commit().await?;
    Ok(Some(signed_in))
}

/// A session for `checked`, if the account is still as it was when it was checked.
async fn sign_in_once(app: &App, checked: &user::Model) -> Result<Option<SignedIn>> {
    let tx = app.db.begin().await?;
    if !repo::lock_user_as_checked(&*tx, checked).await? {
        return Ok(None);
    }
    let signed_in = open(app, &tx, checked.clone()).await?;
    tx.commit().await?;
    Ok(Some(signed_in))
}

/// Exchanges a refresh token for new tokens of the same session. Each works once: if it is used again, it has been stolen,
/// from the client or by it, and the session ends for both.
///
/// # Errors
/// `INVALID_TOKEN` when it is unknown, used or expired, or its session has ended.
pub async fn refresh(app: &App, token: &Secret) -> Result<SignedIn> {
    let hash = hash_secret(token.expose());
    retry(|| refresh_once(app, &hash)).await?.ok_or_else(|| AccountsError::InvalidRefreshToken.into())
}

async fn refresh_once(app: &App, hash: &str) -> Result<Option<SignedIn>> {
    let tx = app.db.begin().await?;
    repo::sessions::lock_session_of_token(&*tx, hash).await?;
    let now = app.clock.db_now(&*tx).await?;
    let Some(id) = repo::sessions::update_refresh_token_used(&*tx, hash, now).await? else {
        let ended = repo::sessions::update_session_of_used_token_ended(&*tx, hash, now).await?;
        if let Some(session) = &ended {
            record_ended(app, &tx, AccessEnded { user: session.user_id, session: Some(session.id) }, now).await?;
        }
        // the refusal is the client's; the end of the session stays
        tx.commit().await?;
        if ended.is_some() {
            tracing::warn!("a used refresh token was used again: its session is ended");
        }
        return Ok(None);
    };
    let found = repo::sessions::find_session_with_user(&*tx, id).await?;
    let (session, user) =
        found.ok_or_else(|| Error::fault("reading the session of a refresh token", "it does not exist"))?;
    let tokens = issue(app, &tx, &session, now).await?;
    tx.commit().await?;
    Ok(Some(SignedIn { user, tokens }))
}

/// Signs `actor` out, here or `everywhere`. Gives how many sessions ended.
///
/// # Errors
/// When the database fails.
pub async fn logout(app: &App, actor: &Actor, everywhere: bool) -> Result<u64> {
    retry(|| logout_once(app, actor, everywhere)).await
}

async fn logout_once(app: &App, actor: &Actor, everywhere: bool) -> Result<u64> {
    let tx = app.db.begin().await?;
    let now = app.clock.db_now(&*tx).await?;
    let only = (!everywhere).then_some(actor.session);
    let ended = end(app, &tx, AccessEnded { user: actor.user, session: only }, now).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends a session, or all of a user's, and says so to every instance. Gives how many ended.
pub(super) async fn end(app: &App, tx: &Tx, what: AccessEnded, now: DateTime<Utc>) -> Result<u64> {
    let ended = repo::sessions::update_sessions_ended(&**tx, what.user, what.session, now).await?;
    if ended > 0 {
        record_ended(app, tx, what, now).await?;
    }
    Ok(ended)
}

/// Ends every session of `user` but for `kept`, and says so to every instance; new tokens for that one. `None` when it has
/// ended itself.
pub(super) async fn keep_only(app: &App, tx: &Tx, user: Uuid, kept: Uuid, now: DateTime<Utc>) -> Result<Option<Tokens>> {
    let Some(session) = repo::sessions::lock_session(&**tx, kept, user).await? else { return Ok(None) };
    if repo::sessions::update_other_sessions_ended(&**tx, user, kept, now).await? > 0 {
        record_ended(app, tx, AccessEnded { user, session: None }, now).await?;
    }
    issue(app, tx, &session, now).await.map(Some)
}

/// What a connection rests on that is opened with a token.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Whose it is: a session, or an API key in its place.
    pub sign_in: SignIn,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a connection rests on that is opened with `token`: an access token or an API key. Whether it is still good is asked
/// by [`authenticate`], once the door is entered.
///
/// # Errors
/// [`Denial::InvalidToken`] when it is malformed or expired, or no such key works.
pub async fn find_standing(app: &App, token: &str) -> Result<Standing> {
    if keys::is_key(token) {
        let LiveKey { actor, expires_at, .. } = keys::find(app, token).await?;
        return Ok(Standing { sign_in: SignIn { user: actor.user, session: actor.session }, expires_at });
    }
    let claims = app.keys.read(token, app.clock.now())?;
    let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(Denial::InvalidToken)?;
    Ok(Standing { sign_in: SignIn { user: claims.sub, session: claims.sid }, expires_at: Some(expires_at) })
}

/// Whose budget whoever shows `token` says to use, without asking the database: the user of an access token, or an API key.
/// `None`: a key that was not shown to this instance before.
///
/// # Errors
/// [`Denial::InvalidToken`] when it is malformed or expired.
pub fn claim(app: &App, token: &str) -> Result<Option<Principal>> {
    if keys::is_key(token) {
        return Ok(keys::owner(app, token).map(|owner| Principal::ApiKey(owner.session)));
    }
    Ok(Some(Principal::User(app.keys.read(token, app.clock.now())?.sub)))
}

/// Who is signed in with a session: nobody, once it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct OfSession(SignIn);

impl CacheKey for OfSession {
    type Value = Option<Actor>;

    fn topic(&self) -> Topic {
        Actors::topic(self.0.user)
    }
}

/// Whoever `token` stands for, in one query, or none when that was asked a moment ago ([`Actors`]): for an access token its user,
/// with the role that they have now; for an API key the user in whose name it acts.
///
/// # Errors
/// [`Denial::InvalidToken`] when it is malformed, expired or revoked, its session has ended, or the user is not active.
pub async fn authenticate(app: &App, token: &str) -> Result<Actor> {
    if keys::is_key(token) {
        return keys::authenticate(app, token).await;
    }
    let claims = app.keys.read(token, app.clock.now())?;
    let read = async {
        let now = app.clock.sql_now(app.db.backend());
        repo::sessions::find_actor(app.db.reader(), claims.sid, claims.sub, now).await
    };
    let of = OfSession(SignIn { user: claims.sub, session: claims.sid });
    app.actors.kept().get(&of, read).await?.ok_or_else(|| Denial::InvalidToken.into())
}

/// Opens a session for `user`.
pub(super) async fn open(app: &App, tx: &Tx, user: user::Model) -> Result<SignedIn> {
    let now = app.clock.db_now(&**tx).await?;
    let session = session::Model {
        id: app.ids.uuid(),
        user_id: user.id,
        created_at: now,
        expires_at: now + app.config.session,
        ended_at: None,
    };
    repo::sessions::insert_session(&**tx, session.clone()).await?;
    let tokens = issue(app, tx, &session, now).await?;
    Ok(SignedIn { user, tokens })
}

/// New tokens for `session`; none outlives it.
async fn issue(app: &App, tx: &Tx, session: &session::Model, now: DateTime<Utc>) -> Result<Tokens> {
    let (refresh, token_hash) = new_secret(&app.ids);
    let refresh_expires_at = (now + app.config.refresh_token).min(session.expires_at);
    let row = refresh_token::Model {
        token_hash,
        session_id: session.id,
        created_at: now,
        expires_at: refresh_expires_at,
        used_at: None,
    };
    repo::sessions::insert_refresh_token(&**tx, row).await?;
    // by the clock that will read it, and in whole seconds, which is all that a token holds
    let signed_at = app.clock.now().trunc_subsecs(0);
    let expires_at = (signed_at + app.config.access_token).min(session.expires_at.trunc_subsecs(0));
    let (access, access_expires_at) = app.keys.sign(session.user_id, session.id, signed_at, expires_at - signed_at)?;
    Ok(Tokens { access: Secret::new(access), access_expires_at, refresh: Secret::new(refresh), refresh_expires_at })
}
