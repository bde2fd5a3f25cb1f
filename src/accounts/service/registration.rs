//! Making accounts.

use std::net::IpAddr;

use domain::access::Role;
use domain::claims::VehicleType;
use domain::error::Rejection;
use domain::geo::Point;
use domain::input;
use domain::order::Preparation;
use entity::{PasswordHash, partner, seller, user};

use super::{SignedIn, administration, mailing, optional_line, passwords, sessions};
use crate::accounts::error::AccountsError;
use crate::accounts::repo;
use crate::app::App;
use crate::config::Secret;
use crate::platform::Result;
use crate::platform::db::{Tx, retry};
use crate::platform::throttle::Deed;

/// What somebody says of themselves when they sign up, unchecked.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Becomes the account's name for signing in.
    pub email: String,
    /// In the clear; it is hashed and dropped.
    pub password: Secret,
    /// As they write it.
    pub name: String,
    /// How to call them.
    pub phone: Option<String>,
    /// Makes the account a partner's.
    pub partner: Option<PartnerSignup>,
    /// Makes the account a seller's.
    pub seller: Option<SellerSignup>,
}

/// What a partner says besides.
#[derive(Debug, Clone)]
pub struct PartnerSignup {
    /// What they ride.
    pub vehicle: VehicleType,
    /// Its plate.
    pub vehicle_number: Option<String>,
    /// Their driving licence.
    pub license_number: Option<String>,
}

/// What a seller says besides.
#[derive(Debug, Clone)]
pub struct SellerSignup {
    /// The store's name.
    pub store_name: String,
    /// Where partners pick up.
    pub location: Point,
}

/// An account that may be made: checked, its password hashed.
pub(super) struct Draft {
    email: String,
    password_hash: PasswordHash,
    name: String,
    phone: Option<String>,
    extra: Extra,
}

/// What the role adds.
pub(super) enum Extra {
    Customer,
    Partner(PartnerSignup),
    Seller(SellerSignup),
    Admin,
}

impl Extra {
    /// A customer, unless one of the two is given.
    fn of(partner: Option<PartnerSignup>, seller: Option<SellerSignup>) -> Result<Self> {
        Ok(match (partner, seller) {
            (None, None) => Self::Customer,
            (Some(partner), None) => Self::partner(&partner)?,
            (None, Some(seller)) => Self::seller(&seller)?,
            (Some(_), Some(_)) => return Err(AccountsError::TwoRoles.into()),
        })
    }

    /// What `role` needs: of a partner who says nothing nothing is known, so they go on foot; a store is nowhere until
    /// somebody says where.
    pub(super) fn of_role(role: Role, partner: Option<&PartnerSignup>, seller: Option<&SellerSignup>) -> Result<Self> {
        if partner.is_some() && role != Role::Partner {
            return Err(AccountsError::NotOfRole("partner").into());
        }
        if seller.is_some() && role != Role::Seller {
            return Err(AccountsError::NotOfRole("seller").into());
        }
        match role {
            Role::Customer => Ok(Self::Customer),
            Role::Admin => Ok(Self::Admin),
            Role::Partner => {
                let on_foot = PartnerSignup { vehicle: VehicleType::OnFoot, vehicle_number: None, license_number: None };
                Self::partner(partner.unwrap_or(&on_foot))
            }
            Role::Seller => Self::seller(seller.ok_or(AccountsError::NoStore)?),
        }
    }

    fn partner(signup: &PartnerSignup) -> Result<Self> {
        Ok(Self::Partner(PartnerSignup {
            vehicle: signup.vehicle,
            vehicle_number: optional_line("partner.vehicleNumber", signup.vehicle_number.as_deref(), 20)?,
            license_number: optional_line("partner.licenseNumber", signup.license_number.as_deref(), 40)?,
        }))
    }

    fn seller(signup: &SellerSignup) -> Result<Self> {
        let store_name = input::line("seller.storeName", &signup.store_name, 1, 120)?;
        Ok(Self::Seller(SellerSignup { store_name, location: signup.location }))
    }

    const fn role(&self) -> Role {
        match self {
            Self::Customer => Role::Customer,
            Self::Partner(_) => Role::Partner,
            Self::Seller(_) => Role::Seller,
            Self::Admin => Role::Admin,
        }
    }
}

impl Draft {
    /// Checks what is given and hashes the password, before any transaction: a hash takes long.
    pub(super) async fn new(
        app: &App,
        email: &str,
        password: &Secret,
        name: &str,
        phone: Option<&str>,
        extra: Extra,
    ) -> Result<Self> {
        let (email, name, phone) = Self::check(email, password, name, phone)?;
        let password_hash = PasswordHash(app.passwords.hash(password.expose().to_owned()).await?);
        Ok(Self { email, password_hash, name, phone, extra })
    }

    /// Checks what can be checked at once: address, name and telephone number, as they are kept.
    fn check(email: &str, password: &Secret, name: &str, phone: Option<&str>) -> Result<(String, String, Option<String>)> {
        let email = input::email("email", email)?;
        let name = input::line("name", name, 1, 120)?;
        let phone = checked_phone(phone)?;
        passwords::check(password.expose(), &email).map_err(AccountsError::from)?;
        Ok((email, name, phone))
    }

    /// Inserts the account and what its role adds.
    pub(super) async fn insert(&self, app: &App, tx: &Tx) -> Result<user::Model> {
        let now = app.clock.db_now(&**tx).await?;
        let user = user::Model {
            id: app.ids.uuid(),
            email: self.email.clone(),
            password_hash: self.password_hash.clone(),
            name: self.name.clone(),
            phone: self.phone.clone(),
            role: self.extra.role().into(),
            is_active: true,
            email_verified_at: None,
            created_at: now,
            updated_at: now,
        };
        if !repo::insert_user(&**tx, user.clone()).await? {
            return Err(AccountsError::EmailTaken.into());
        }
        match &self.extra {
            Extra::Customer | Extra::Admin => {}
            Extra::Partner(signup) => {
                let partner = partner::Model {
                    user_id: user.id,
                    vehicle: signup.vehicle.into(),
                    vehicle_number: signup.vehicle_number.clone(),
                    license_number: signup.license_number.clone(),
                    is_available: false,
                    capacity: app.config.partner_capacity,
                    active_deliveries: 0,
                    completed_deliveries: 0,
                    rating_sum: 0,
                    rating_count: 0,
                };
                repo::insert_partner(&**tx, partner).await?;
            }
            Extra::Seller(signup) => {
                let seller = seller::Model {
                    id: app.ids.uuid(),
                    user_id: user.id,
                    store_name: signup.store_name.clone(),
                    latitude: signup.location.latitude,
                    longitude: signup.location.longitude,
                    preparation: Preparation::Automatic.into(),
                    rating_sum: 0,
                    rating_count: 0,
                    created_at: now,
                };
                repo::insert_seller(&**tx, seller).await?;
            }
        }
        Ok(user)
    }
}

/// A telephone number that may be left out; an empty one counts as left out.
pub(super) fn checked_phone(phone: Option<&str>) -> Result<Option<String>, Rejection> {
    phone.filter(|phone| !phone.trim().is_empty()).map(|phone| input::phone("phone", phone)).transpose()
}

/// Makes an account and signs it in: a customer's, or a partner's or seller's when the registration says so.
///
/// A partner starts unavailable with the configured capacity; a store packs automatically.
///
/// # Errors
/// `INVALID_INPUT` at the field at fault, `WEAK_PASSWORD`, `EMAIL_TAKEN`; `RATE_LIMITED` after too many registrations of the
/// address, or `from` there.
pub async fn register(app: &App, from: Option<IpAddr>, registration: Registration) -> Result<SignedIn> {
    let Registration { email, password, name, phone, partner, seller } = registration;
    let extra = Extra::of(partner, seller)?;
    // a form that is filled in wrong is no attempt
    Draft::check(&email, &password, &name, phone.as_deref())?;
    let attempt = app.throttle.check(Deed::Register, Some(&email), from).await?;
    let draft = Draft::new(app, &email, &password, &name, phone.as_deref(), extra).await?;
    let signed_in = retry(|| register_once(app, &draft)).await?;
    attempt.succeeded().await;
    Ok(signed_in)
}

async fn register_once(app: &App, draft: &Draft) -> Result<SignedIn> {
    let tx = app.db.begin().await?;
    let user = draft.insert(app, &tx).await?;
    mailing::ask_for_proof(app, &tx, user.id, user.created_at).await?;
    let signed_in = sessions::open(app, &tx, user).await?;
    tx.commit().await?;
    Ok(signed_in)
}

/// Makes an admin, for the command line; nobody is signed in. Whoever stands at the database is believed that the address is theirs.
///
/// # Errors
/// `INVALID_INPUT` at the field at fault, `WEAK_PASSWORD`, `EMAIL_TAKEN`.
pub async fn create_admin(app: &App, email: &str, password: &Secret, name: &str) -> Result<user::Model> {
    let draft = Draft::new(app, email, password, name, None, Extra::Admin).await?;
    retry(|| create_once(app, &draft)).await
}

async fn create_once(app: &App, draft: &Draft) -> Result<user::Model> {
    let tx = app.db.begin().await?;
    let user = draft.insert(app, &tx).await?;
    repo::update_email_verified(&*tx, user.id, user.created_at).await?;
    let user = user::Model { email_verified_at: Some(user.created_at), ..user };
    administration::record_created(app, &tx, None, &user).await?;
    tx.commit().await?;
    Ok(user)
}
