//! Use-cases of accounts: signing up, signing in, and what other slices ask about users, stores and addresses.

use std::collections::HashMap;

use domain::access::{Actor, Role};
use domain::error::Rejection;
use domain::geo::Point;
use domain::id::Kind;
use domain::input;
use entity::{address, seller, user};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::error::AccountsError;
use super::repo;
use crate::app::App;
use crate::platform::db::Tx;
use crate::platform::page::{Page, PageArgs};
use crate::platform::{Error, Result};

mod addresses;
mod administration;
pub mod cleaning;
pub mod closing;
mod keys;
mod letters;
pub mod mailing;
mod passwords;
mod profile;
mod recovery;
mod registration;
mod sessions;

pub use super::repo::UserFilter;
pub use addresses::{MAX_ADDRESSES, remove_address, save_address};
pub use administration::{NewUser, UserChange, create_user, update_user};
pub use keys::{IssuedKey, NewApiKey, create_key, list_keys, may_manage_keys, revoke_key, scopes};
pub use profile::{ProfileChange, update_profile};
pub use recovery::{change_password, request_email_verification, request_password_reset, reset_password, verify_email};
pub use registration::{PartnerSignup, Registration, SellerSignup, create_admin, register};
pub use sessions::{SignedIn, Standing, Tokens, authenticate, claim, find_standing, issue_token, login, logout, refresh};

/// An address as a client gave it, checked.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct NewAddress {
    /// What the user calls it.
    pub label: String,
    /// Street and number.
    pub line1: String,
    /// Floor, flat.
    pub line2: Option<String>,
    /// City.
    pub city: String,
    /// State or province.
    pub region: Option<String>,
    /// Postal code.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Where it is, if the client knows.
    pub point: Option<Point>,
    /// For the partner at the door.
    pub instructions: Option<String>,
    /// Whether it is to be chosen unless another is named.
    pub is_default: bool,
}

/// The user `id`.
///
/// # Errors
/// When the database fails.
pub async fn find_user(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<user::Model>> {
    repo::find_user(db, id).await
}

/// A page of users, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list_users(app: &App, filter: &UserFilter, args: &PageArgs) -> Result<Page<user::Model>> {
    repo::list_users(app.db.reader(), filter, args).await
}

/// How many users [`list_users`] would give in all, up to a limit, and whether that is exact.
///
/// # Errors
/// When the database fails.
pub async fn count_users(app: &App, filter: &UserFilter) -> Result<(i32, bool)> {
    repo::count_users(app.db.reader(), filter).await
}

/// The store `id`, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn find_seller(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<seller::Model>> {
    repo::find_seller(db, id).await
}

/// The users behind the stores `ids`, by store: one statement.
///
/// # Errors
/// When the database fails.
pub async fn list_seller_users(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, Uuid>> {
    let stores = repo::list_sellers_by_ids(db, ids).await?;
    Ok(stores.into_iter().map(|store| (store.id, store.user_id)).collect())
}

/// The store `id`, which must exist because another row refers to it.
///
/// # Errors
/// A fault when it does not exist.
pub async fn get_seller(db: &impl ConnectionTrait, id: Uuid) -> Result<seller::Model> {
    let found = repo::find_seller(db, id).await?;
    found.ok_or_else(|| Error::fault("reading a store that another row refers to", "it does not exist"))
}

/// Counts a `score` of the store `id`.
///
/// # Errors
/// When the database fails.
pub async fn rate_seller(tx: &Tx, id: Uuid, score: i32) -> Result<()> {
    repo::update_seller_rating(&**tx, id, score).await
}

/// Admins who may sign in, at most a hundred.
///
/// # Errors
/// When the database fails.
pub async fn list_admins(db: &impl ConnectionTrait) -> Result<Vec<Uuid>> {
    repo::list_admins(db, 100).await
}

/// The seller that an operator means by a store's name, its id, or its seller's e-mail address: to act in their name.
///
/// # Errors
/// `NOT_FOUND` when there is none, `INVALID_INPUT` when several may be meant; both at `seller`.
pub async fn find_store(app: &App, text: &str) -> Result<Actor> {
    let db = app.db.reader();
    let name = input::line("seller", text, 1, 254)?;
    let store = if let Ok(id) = domain::id::decode(Kind::Seller, &name) {
        repo::find_seller(db, id).await?
    } else {
        let mut named = repo::list_sellers_named(db, &name, 2).await?;
        let owner = repo::find_user_by_email(db, &name.to_lowercase()).await?;
        // anybody may call their store what is another's address: neither of the two is chosen for the operator
        let is_meant = |store: &seller::Model| owner.as_ref().is_none_or(|owner| owner.id == store.user_id);
        if named.len() > 1 || !named.iter().all(is_meant) {
            return Err(AccountsError::ManyStores.into());
        }
        match owner {
            Some(owner) => repo::find_seller_of(db, owner.id).await?,
            None => named.pop(),
        }
    };
    let store = store.ok_or(AccountsError::NoSuchStore)?;
    Ok(Actor {
        user: store.user_id,
        role: Role::Seller,
        seller: Some(store.id),
        session: Uuid::nil(),
        key: None,
        request: None,
    })
}

/// The saved address `id`, if it is `user`'s.
///
/// # Errors
/// When the database fails.
pub async fn find_address(db: &impl ConnectionTrait, user: Uuid, id: Uuid) -> Result<Option<address::Model>> {
    repo::addresses::find_address(db, user, id).await
}

/// A line that may be left out; an empty one counts as left out, as forms send it.
pub(super) fn optional_line(field: &str, value: Option<&str>, max: usize) -> Result<Option<String>, Rejection> {
    let line = value.map(|value| input::line(field, value, 0, max)).transpose()?;
    Ok(line.filter(|line| !line.is_empty()))
}
