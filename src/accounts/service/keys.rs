//! API keys: made and revoked by admins, and shown by programs in place of an access token.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{Actor, Role};
use domain::error::Rejection;
use domain::event::Topic;
use domain::id::{self, Kind};
use domain::keys::{ApiScope, Scopes};
use domain::{Named as _, input};
use entity::api_key;
use entity::json::Strings;
use sea_orm::ConnectionTrait;
use serde_json::json;
use tokio::time::timeout;
use uuid::Uuid;

use crate::accounts::error::AccountsError;
use crate::accounts::event::{AccessEnded, record_ended};
use crate::accounts::repo::{self, keys::LiveKey};
use crate::app::App;
use crate::config::Secret;
use crate::platform::Result;
use crate::platform::actors::Actors;
use crate::platform::audit::{self, NewEntry};
use crate::platform::cache::CacheKey;
use crate::platform::db::retry;
use crate::platform::doors::SignIn;
use crate::platform::error::{Denial, Error};
use crate::platform::page::{Page, PageArgs};
use crate::platform::tokens::{hash_secret, new_secret};

/// What every key begins with: who finds one lying about can tell what it is.
const MARK: &str = "qck_";

/// The longest name.
const MAX_NAME: usize = 80;

/// The longest that a key may be given to live, unless it is for ever.
const MAX_DAYS: i64 = 3_660;

/// How exactly it is known when a key was used last.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// How long a request waits for that to be written down. It is told another time.
const PATIENCE: Duration = Duration::from_secs(1);

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What it is for, in the words of whoever makes it.
    pub name: String,
    /// What it is good for.
    pub scopes: Vec<ApiScope>,
    /// The store that it is restricted to.
    pub seller: Option<Uuid>,
    /// When it stops working; none: when it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A new key, with its secret: that is not shown again.
#[derive(Debug)]
pub struct IssuedKey {
    /// The key.
    pub row: api_key::Model,
    /// What a program shows from now on.
    pub secret: Secret,
}

/// Whether `actor` may see, make and revoke keys: an admin, but not by a key, which could make itself a better one.
#[must_use]
pub fn may_manage_keys(actor: Actor) -> bool {
    actor.role == Role::Admin && actor.key.is_none()
}

fn check_authority(actor: Actor) -> Result<()> {
    if may_manage_keys(actor) { Ok(()) } else { Err(Denial::Forbidden.into()) }
}

/// What `key` is good for.
#[must_use]
pub fn scopes(key: &api_key::Model) -> Scopes {
    repo::keys::scopes_of(&key.scopes)
}

fn check_scopes(scopes: &[ApiScope]) -> Result<Strings, Rejection> {
    input::list("scopes", scopes, ApiScope::ALL.len())?;
    if scopes.is_empty() {
        return Err(AccountsError::NoScopes.into());
    }
    let distinct: HashSet<ApiScope> = scopes.iter().copied().collect();
    if distinct.len() < scopes.len() {
        return Err(AccountsError::RepeatedScope.into());
    }
    let named = ApiScope::ALL.iter().filter(|scope| distinct.contains(scope));
    Ok(Strings(named.map(|scope| scope.name().to_owned()).collect()))
}

/// Makes a key for the admin `actor`, in whose name it acts, or for the store that it is restricted to.
///
/// # Errors
/// `INVALID_INPUT` at `name`, `scopes` or `expiresAt`; `NOT_FOUND` at `sellerId`; [`Denial::Forbidden`] for anybody else, and
/// for keys.
pub async fn create_key(app: &App, actor: Actor, new: NewApiKey) -> Result<IssuedKey> {
    check_authority(actor)?;
    let name = input::line("name", &new.name, 1, MAX_NAME)?;
    let scopes = check_scopes(&new.scopes)?;
    retry(|| create_once(app, actor, &name, &scopes, &new)).await
}

async fn create_once(app: &App, actor: Actor, name: &str, scopes: &Strings, new: &NewApiKey) -> Result<IssuedKey> {
    let tx = app.db.begin().await?;
    if !repo::lock_user_as(&*tx, actor.user, Role::Admin).await? {
        return Err(Denial::Forbidden.into());
    }
    let user_id = match new.seller {
        Some(seller) => repo::find_seller(&*tx, seller).await?.ok_or(AccountsError::NoStoreOfKey)?.user_id,
        None => actor.user,
    };
    let (id, at) = (app.ids.uuid(), app.clock.db_now(&*tx).await?);
    if new.expires_at.is_some_and(|expires_at| expires_at <= at || expires_at > at + TimeDelta::days(MAX_DAYS)) {
        return Err(AccountsError::BadExpiry.into());
    }
    let (random, _) = new_secret(&app.ids);
    let prefix = format!("{MARK}{}", hex::encode(app.ids.bytes::<4>()));
    let secret = Secret::new(format!("{prefix}_{random}"));
    let row = api_key::Model {
        id,
        name: name.to_owned(),
        prefix,
        secret_hash: hash_secret(secret.expose()),
        scopes: scopes.clone(),
        user_id,
        seller_id: new.seller,
        creator_id: actor.user,
        created_at: at,
        last_used_at: None,
        expires_at: new.expires_at,
        revoked_at: None,
    };
    repo::keys::insert_key(&*tx, row.clone()).await?;
    let after = json!({
        "name": row.name, "prefix": row.prefix, "scopes": row.scopes.0, "expiresAt": row.expires_at,
        "sellerId": row.seller_id.map(|seller| id::encode(Kind::Seller, seller)),
    });
    let (entry, target, by) = (app.ids.uuid(), Some((Kind::ApiKey, id)), actor.into());
    let entry = NewEntry { id: entry, by, action: "apiKey.create", target, before: None, after: Some(after), at };
    audit::append(&tx, entry).await?;
    tx.commit().await?;
    Ok(IssuedKey { row, secret })
}

/// Revokes a key: what it has open is closed everywhere, within a second. One that is revoked already stays as it is.
///
/// # Errors
/// `NOT_FOUND` at `apiKeyId`; [`Denial::Forbidden`] for anybody but admins, and for keys.
pub async fn revoke_key(app: &App, actor: Actor, key: Uuid) -> Result<api_key::Model> {
    check_authority(actor)?;
    retry(|| revoke_once(app, actor, key)).await
}

async fn revoke_once(app: &App, actor: Actor, key: Uuid) -> Result<api_key::Model> {
    let tx = app.db.begin().await?;
    if !repo::lock_user_as(&*tx, actor.user, Role::Admin).await? {
        return Err(Denial::Forbidden.into());
    }
    let at = app.clock.db_now(&*tx).await?;
    let Some(row) = repo::keys::update_key_revoked(&*tx, key, at).await? else {
        return Ok(repo::keys::find_key(&*tx, key).await?.ok_or(AccountsError::NoKey)?);
    };
    record_ended(app, &tx, AccessEnded { user: row.user_id, session: Some(row.id) }, at).await?;
    let (before, after) = (Some(json!({ "revoked": false })), Some(json!({ "revoked": true, "prefix": row.prefix })));
    let (id, by, target) = (app.ids.uuid(), actor.into(), Some((Kind::ApiKey, row.id)));
    audit::append(&tx, NewEntry { id, by, action: "apiKey.revoke", target, before, after, at }).await?;
    tx.commit().await?;
    Ok(row)
}

/// A page of all keys, newest first.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list_keys(db: &impl ConnectionTrait, args: &PageArgs) -> Result<Page<api_key::Model>> {
    repo::keys::list_keys(db, args).await
}

/// Whether `token` is an API key, by the look of it.
pub(super) fn is_key(token: &str) -> bool {
    token.starts_with(MARK)
}

/// Whose the key `token` is, if it was shown to this instance before. Whether it works, that does not say.
pub(super) fn owner(app: &App, token: &str) -> Option<SignIn> {
    app.actors.of_key(&hash_secret(token))
}

/// The key `token`, if it works: one statement, by its hash.
///
/// # Errors
/// [`Denial::InvalidToken`] when there is no such key, it is expired or revoked, or its user may not do any more what it was
/// made for.
pub(super) async fn find(app: &App, token: &str) -> Result<LiveKey> {
    find_by_hash(app, &hash_secret(token)).await?.ok_or_else(|| Denial::InvalidToken.into())
}

async fn find_by_hash(app: &App, hash: &str) -> Result<Option<LiveKey>> {
    let now = app.clock.sql_now(app.db.backend());
    let found = repo::keys::find_live_key(app.db.reader(), hash, now).await?;
    if let Some(LiveKey { actor, .. }) = found {
        app.actors.learn_key(hash.to_owned(), SignIn { user: actor.user, session: actor.session });
    }
    Ok(found)
}

/// A key that works, by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct OfKey {
    user: Uuid,
    hash: String,
}

impl CacheKey for OfKey {
    type Value = Option<LiveKey>;

    fn topic(&self) -> Topic {
        Actors::topic(self.user)
    }
}

/// As whom the key `token` acts; that it was used is written down now and then.
///
/// # Errors
/// As [`find`].
pub(super) async fn authenticate(app: &App, token: &str) -> Result<Actor> {
    let hash = hash_secret(token);
    let read = async {
        let mut found = find_by_hash(app, &hash).await?;
        if let Some(key) = &mut found {
            note(app, key).await;
        }
        Ok::<_, Error>(found)
    };
    let found = match app.actors.of_key(&hash) {
        Some(SignIn { user, .. }) => app.actors.kept().get(&OfKey { user, hash: hash.clone() }, read).await?,
        // nobody knows whose end would make it bad
        None => Box::pin(read).await?,
    };
    let is_over = |key: &LiveKey| key.expires_at.is_some_and(|expires_at| expires_at <= app.clock.now());
    let mut key = found.filter(|key| !is_over(key)).ok_or(Denial::InvalidToken)?;
    note(app, &mut key).await;
    Ok(key.actor)
}

/// Writes down that `key` is used, unless that was done lately.
async fn note(app: &App, key: &mut LiveKey) {
    let now = app.clock.now();
    if key.last_used_at.is_some_and(|used| used + USED_EVERY > now) {
        return;
    }
    // whoever asks is not refused because this cannot be written
    match timeout(PATIENCE, note_use(app, key.actor.session)).await {
        Ok(Ok(())) => key.last_used_at = Some(now),
        Ok(Err(error)) => tracing::warn!(?error, "the use of an API key was not written down"),
        Err(_) => tracing::warn!("the use of an API key was not written down in time"),
    }
}

async fn note_use(app: &App, key: Uuid) -> Result<()> {
    let tx = app.db.begin().await?;
    let now = app.clock.db_now(&*tx).await?;
    repo::keys::update_key_used(&*tx, key, now, now - USED_EVERY).await?;
    tx.commit().await
}
