//! What admins do to accounts.

use domain::access::{Actor, Role};
use domain::error::Rejection;
use domain::id::Kind;
use domain::input;
use entity::user;
use serde_json::{Value, json};
use uuid::Uuid;

use super::registration::{Draft, Extra, Registration};
use super::{mailing, sessions};
use crate::accounts::error::AccountsError;
use crate::accounts::event::{AccessEnded, record_ended};
use crate::accounts::{partners, repo};
use crate::app::App;
use crate::platform::audit::{self, NewEntry};
use crate::platform::db::{Tx, retry};
use crate::platform::error::{Denial, Error, Result};

/// Most orders that a partner may be allowed to carry at once.
const MAX_CAPACITY: i32 = 100;

/// What is to change about a user; what is absent stays.
#[derive(Debug, Clone, Copy)]
pub struct UserChange {
    /// Who.
    pub user: Uuid,
    /// What they are from now on.
    pub role: Option<Role>,
    /// Whether they may sign in.
    pub is_active: Option<bool>,
    /// How many orders they may carry at once.
    pub capacity: Option<i32>,
}

/// Changes what a user may do, for the admin `actor`. Whoever is deactivated or given another role is signed out everywhere,
/// at once; a partner stops taking orders with it, and keeps those they carry.
///
/// # Errors
/// `NOT_FOUND` at `userId`; `INVALID_INPUT` at `role`, `active` or `capacity`; [`Denial::Forbidden`] when the actor is no
/// admin any more.
pub async fn update_user(app: &App, actor: Actor, change: UserChange) -> Result<user::Model> {
    let capacity = change.capacity.map(|capacity| input::number("capacity", capacity, 1, MAX_CAPACITY)).transpose()?;
    let change = UserChange { capacity, ..change };
    retry(|| update_user_once(app, actor, change)).await
}

/// An account that an admin makes for somebody.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// What they say of themselves; `partner` and `seller` only for the role that they are of.
    pub registration: Registration,
    /// What they are.
    pub role: Role,
}

/// Makes an account of any role for the admin `actor`; nobody is signed in. The person is asked by mail to prove the address.
///
/// # Errors
/// Those of [`register`](super::register); `INVALID_INPUT` at `partner` or `seller` when it is of another role, or when a
/// seller has no store; [`Denial::Forbidden`] when the actor is no admin any more.
pub async fn create_user(app: &App, actor: Actor, new: NewUser) -> Result<user::Model> {
    let NewUser { registration: Registration { email, password, name, phone, partner, seller }, role } = new;
    let extra = Extra::of_role(role, partner.as_ref(), seller.as_ref())?;
    let draft = Draft::new(app, &email, &password, &name, phone.as_deref(), extra).await?;
    retry(|| create_user_once(app, actor, &draft)).await
}

async fn create_user_once(app: &App, actor: Actor, draft: &Draft) -> Result<user::Model> {
    let tx = app.db.begin().await?;
    if !repo::lock_user_as(&*tx, actor.user, Role::Admin).await? {
        return Err(Denial::Forbidden.into());
    }
    let user = draft.insert(app, &tx).await?;
    mailing::ask_for_proof(app, &tx, user.id, user.created_at).await?;
    record_created(app, &tx, Some(actor), &user).await?;
    tx.commit().await?;
    Ok(user)
}

/// Writes down who made the account `user`.
pub(super) async fn record_created(app: &App, tx: &Tx, by: Option<Actor>, user: &user::Model) -> Result<()> {
    let (id, target, at) = (app.ids.uuid(), Some((Kind::User, user.id)), user.created_at);
    let after = Some(json!({ "role": user.role, "active": user.is_active }));
    audit::append(tx, NewEntry { id, by: by.into(), action: "user.create", target, before: None, after, at }).await
}

/// What an admin may change of `user`, for the record.
async fn described(tx: &Tx, user: &user::Model) -> Result<Value> {
    let capacity = repo::partners::find_partner(&**tx, user.id).await?.map(|partner| partner.capacity);
    Ok(json!({ "role": user.role, "active": user.is_active, "capacity": capacity }))
}

async fn update_user_once(app: &App, actor: Actor, change: UserChange) -> Result<user::Model> {
    let tx = app.db.begin().await?;
    // both: of two admins who take each other's rights, the second has none by then, and one admin is left
    let locked = repo::lock_users(&*tx, [actor.user, change.user]).await?;
    if !locked.iter().any(|user| user.id == actor.user && user.is_active && user.role.0 == Role::Admin) {
        return Err(Denial::Forbidden.into());
    }
    let before = locked.into_iter().find(|user| user.id == change.user);
    let before = before.ok_or_else(|| Rejection::not_found("user").at("userId"))?;
    let role = change.role.unwrap_or(before.role.0);
    let is_active = change.is_active.unwrap_or(before.is_active);
    if change.capacity.is_some() && role != Role::Partner {
        return Err(AccountsError::NoCapacity.into());
    }
    check(&tx, actor, &before, role, is_active).await?;

    let now = app.clock.db_now(&*tx).await?;
    let was = described(&tx, &before).await?;
    let after = repo::update_user_access(&*tx, before.id, role, is_active, now).await?;
    let after = after.ok_or_else(|| Error::fault("changing a user that is locked", "it does not exist"))?;
    // also of whoever gets rights, whose keys were good for nothing before
    let (actors, user) = (app.actors.clone(), after.id);
    tx.after_commit(move || actors.forget(user));
    if role != before.role.0 || (before.is_active && !is_active) {
        let all = AccessEnded { user: before.id, session: None };
        let ended = sessions::end(app, &tx, all, now).await?;
        // keys are not sessions: what they have open ends with the rights of the user, who may not be signed in
        if ended == 0 && repo::keys::has_keys(&*tx, before.id).await? {
            record_ended(app, &tx, all, now).await?;
        }
    }
    if role == Role::Partner || before.role.0 == Role::Partner {
        change_partner(app, &tx, &after, change.capacity).await?;
    }
    let (id, target, is) = (app.ids.uuid(), Some((Kind::User, after.id)), described(&tx, &after).await?);
    let (before, after_json) = (Some(was), Some(is));
    let entry = NewEntry { id, by: actor.into(), action: "user.update", target, before, after: after_json, at: now };
    audit::append(&tx, entry).await?;
    tx.commit().await?;
    if !after.is_active || role != Role::Partner {
        partners::forget_where(app, after.id).await;
    }
    Ok(after)
}

/// Whether `before` may become that.
async fn check(tx: &Tx, actor: Actor, before: &user::Model, role: Role, is_active: bool) -> Result<()> {
    if actor.user == before.id && !is_active {
        return Err(AccountsError::OwnAccount.into());
    }
    if role == before.role.0 {
        return Ok(());
    }
    match role {
        _ if actor.user == before.id => Err(AccountsError::OwnRole.into()),
        Role::Partner if repo::partners::find_partner(&**tx, before.id).await?.is_none() => {
            Err(AccountsError::NoPartner.into())
        }
        Role::Seller if !repo::has_store(&**tx, before.id).await? => Err(AccountsError::NoSeller.into()),
        _ => Ok(()),
    }
}

/// What the change means for a user who is or was a partner.
async fn change_partner(app: &App, tx: &Tx, user: &user::Model, capacity: Option<i32>) -> Result<()> {
    let mut is_news = false;
    if let Some(capacity) = capacity {
        is_news |= repo::partners::update_capacity(&**tx, user.id, capacity).await?;
    }
    if user.role.0 != Role::Partner || !user.is_active {
        is_news |= repo::partners::update_availability(&**tx, user.id, false).await?.is_some();
    }
    if is_news { partners::record_changed(app, tx, user.id).await } else { Ok(()) }
}
