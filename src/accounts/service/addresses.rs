//! The addresses that customers save.
//!
//! Whoever has any has exactly one default among them: the first that they saved, until they choose another.

use chrono::{DateTime, Utc};
use domain::access::Actor;
use entity::address;
use uuid::Uuid;

use super::NewAddress;
use crate::accounts::error::AccountsError;
use crate::accounts::repo::{addresses as repo, lock_user_alone};
use crate::app::App;
use crate::platform::Result;
use crate::platform::db::{Tx, retry};
use crate::platform::error::Denial;

/// The most addresses that one user may save.
pub const MAX_ADDRESSES: usize = 50;

/// Saves `new` as an address of `actor`'s, or in the place of theirs that is `id`.
///
/// # Errors
/// `NOT_FOUND` at `addressId` when it is not theirs; `INVALID_INPUT` at `address` when they have [`MAX_ADDRESSES`];
/// [`Denial::Forbidden`] when they are not what they were any more.
pub async fn save_address(app: &App, actor: Actor, id: Option<Uuid>, new: NewAddress) -> Result<address::Model> {
    retry(|| save_once(app, actor, id, &new)).await
}

async fn save_once(app: &App, actor: Actor, id: Option<Uuid>, new: &NewAddress) -> Result<address::Model> {
    let tx = app.db.begin().await?;
    let now = app.clock.db_now(&*tx).await?;
    let saved = lock(&tx, actor).await?;
    let before = match id {
        Some(id) => Some(saved.iter().find(|address| address.id == id).ok_or(AccountsError::NoSuchAddress)?),
        None if saved.len() >= MAX_ADDRESSES => return Err(AccountsError::TooManyAddresses.into()),
        None => None,
    };
    let mut row = before.map_or_else(|| empty(app.ids.uuid(), actor.user, now), Clone::clone);
    fill(&mut row, new);
    let default = saved.iter().find(|address| address.is_default);
    row.is_default = new.is_default || default.is_none_or(|default| default.id == row.id);
    if let Some(default) = default.filter(|default| row.is_default && default.id != row.id) {
        repo::update_is_default(&*tx, default.id, false).await?;
    }
    if before.is_some() {
        repo::update_address(&*tx, row.clone()).await?;
    } else {
        repo::insert_address(&*tx, row.clone()).await?;
    }
    tx.commit().await?;
    Ok(row)
}

/// Forgets the address `id` of `actor`'s; orders keep the copies that they have. When it was the default, their oldest is.
///
/// # Errors
/// `NOT_FOUND` at `addressId` when it is not theirs; [`Denial::Forbidden`] when they are not what they were any more.
pub async fn remove_address(app: &App, actor: Actor, id: Uuid) -> Result<()> {
    retry(|| remove_once(app, actor, id)).await
}

async fn remove_once(app: &App, actor: Actor, id: Uuid) -> Result<()> {
    let tx = app.db.begin().await?;
    let saved = lock(&tx, actor).await?;
    let removed = saved.iter().find(|address| address.id == id).ok_or(AccountsError::NoSuchAddress)?;
    repo::delete_address(&*tx, id).await?;
    // oldest first
    if let Some(next) = saved.iter().find(|address| removed.is_default && address.id != id) {
        repo::update_is_default(&*tx, next.id, true).await?;
    }
    tx.commit().await
}

/// The actor's addresses, oldest first, which nobody else changes until the transaction ends: so many and which of them is the
/// default is decided over all of them.
async fn lock(tx: &Tx, actor: Actor) -> Result<Vec<address::Model>> {
    if !lock_user_alone(&**tx, actor.user, actor.role).await? {
        return Err(Denial::Forbidden.into());
    }
    repo::list_addresses_of(&**tx, &[actor.user]).await
}

const fn empty(id: Uuid, user_id: Uuid, created_at: DateTime<Utc>) -> address::Model {
    address::Model {
        id,
        user_id,
        label: String::new(),
        line1: String::new(),
        line2: None,
        city: String::new(),
        region: None,
        postal_code: String::new(),
        country: String::new(),
        latitude: None,
        longitude: None,
        instructions: None,
        is_default: false,
        created_at,
    }
}

/// Writes `new` over `row`, all but whether it is the default.
fn fill(row: &mut address::Model, new: &NewAddress) {
    let new = new.clone();
    row.label = new.label;
    row.line1 = new.line1;
    row.line2 = new.line2;
    row.city = new.city;
    row.region = new.region;
    row.postal_code = new.postal_code;
    row.country = new.country;
    row.latitude = new.point.map(|point| point.latitude);
    row.longitude = new.point.map(|point| point.longitude);
    row.instructions = new.instructions;
}
