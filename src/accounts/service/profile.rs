//! What people say about themselves.

use domain::access::{Actor, Role};
use domain::claims::VehicleType;
use domain::geo::Point;
use domain::input;
use domain::order::Preparation;
use entity::user;

use super::optional_line;
use super::registration::checked_phone;
use crate::accounts::error::AccountsError;
use crate::accounts::repo::profile as repo;
use crate::accounts::{partners, repo::profile::StoreChange};
use crate::app::App;
use crate::platform::Result;
use crate::platform::db::retry;
use crate::platform::error::Denial;

/// What is to change about somebody's own account; what is absent stays. Not yet checked.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    /// As they write it.
    pub name: Option<String>,
    /// How to call them; empty: not any more.
    pub phone: Option<String>,
    /// What a partner rides.
    pub vehicle: Option<VehicleType>,
    /// Its plate; empty: it has none.
    pub vehicle_number: Option<String>,
    /// A seller's store, as customers see it.
    pub store_name: Option<String>,
    /// Whether orders wait for the store to pack them. Holds for orders placed from then on.
    pub preparation: Option<Preparation>,
    /// Where partners pick up. Holds for orders placed from then on.
    pub location: Option<Point>,
}

/// The same within every limit, and the actor's to say.
#[derive(Debug, Clone)]
struct Checked {
    name: Option<String>,
    /// Empty: none.
    phone: Option<String>,
    vehicle: Option<VehicleType>,
    /// Empty: none.
    vehicle_number: Option<String>,
    store: StoreChange,
}

impl ProfileChange {
    /// Fields that are of another role than `role`, by their names in the API.
    fn foreign(&self, role: Role) -> Option<&'static str> {
        let fields = [
            ("vehicle", Role::Partner, self.vehicle.is_some()),
            // there is nothing to take away, and so nothing wrong with it
            ("vehicleNumber", Role::Partner, self.vehicle_number.as_ref().is_some_and(|number| !number.is_empty())),
            ("storeName", Role::Seller, self.store_name.is_some()),
            ("preparation", Role::Seller, self.preparation.is_some()),
            ("location", Role::Seller, self.location.is_some()),
        ];
        fields.into_iter().find(|(_, of, is_given)| *is_given && *of != role).map(|(field, ..)| field)
    }

    fn check(self, role: Role) -> Result<Checked> {
        if let Some(field) = self.foreign(role) {
            return Err(AccountsError::NotOfRole(field).into());
        }
        let name = self.name.map(|name| input::line("name", &name, 1, 120)).transpose()?;
        let phone = self.phone.map(|phone| checked_phone(Some(&phone))).transpose()?;
        let number = self.vehicle_number.map(|number| optional_line("vehicleNumber", Some(&number), 20)).transpose()?;
        let store_name = self.store_name.map(|name| input::line("storeName", &name, 1, 120)).transpose()?;
        Ok(Checked {
            name,
            phone: phone.map(Option::unwrap_or_default),
            vehicle: self.vehicle,
            vehicle_number: number.map(Option::unwrap_or_default),
            store: StoreChange { name: store_name, preparation: self.preparation, location: self.location },
        })
    }
}

/// Changes what `actor` says about themselves: everybody their name and telephone number, partners what they ride, sellers
/// their store. Orders that were placed before are not touched.
///
/// # Errors
/// `INVALID_INPUT` at a field that breaks a limit or is of another role; [`Denial::Forbidden`] when the actor is not what
/// they were any more.
pub async fn update_profile(app: &App, actor: Actor, change: ProfileChange) -> Result<user::Model> {
    let change = change.check(actor.role)?;
    retry(|| update_profile_once(app, actor, &change)).await
}

async fn update_profile_once(app: &App, actor: Actor, change: &Checked) -> Result<user::Model> {
    let tx = app.db.begin().await?;
    let now = app.clock.db_now(&*tx).await?;
    let (name, phone) = (change.name.as_deref(), change.phone.as_deref());
    // the user first, as in every change of an account: its role and whether it is active stay until the end
    let user = repo::update_user(&*tx, actor.user, actor.role, name, phone, now).await?.ok_or(Denial::Forbidden)?;
    match actor.role {
        Role::Partner => {
            repo::update_vehicle(&*tx, actor.user, change.vehicle, change.vehicle_number.as_deref()).await?;
            partners::record_changed(app, &tx, actor.user).await?;
        }
        Role::Seller => repo::update_store(&*tx, actor.user, &change.store).await?,
        Role::Customer | Role::Admin => {}
    }
    tx.commit().await?;
    Ok(user)
}
