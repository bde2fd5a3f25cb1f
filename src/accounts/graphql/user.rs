//! Users, and what a role adds to one.

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::access::Role as RoleValue;
use domain::id::Kind;
use domain::input;
use domain::rating::average;
use entity::{partner, seller, user};
use uuid::Uuid;

use super::address::Address;
use super::loaders::{AddressesLoader, PartnerLoader, SellerLoader, UserLoader};
use crate::accounts::service::{self, UserFilter};
use crate::graphql::connection::{connection, is_counted};
use crate::graphql::enums::{Preparation, Role, VehicleType};
use crate::graphql::loaders::{load, load_existing};
use crate::graphql::scalars::GeoPoint;
use crate::graphql::{GraphError, Result, app, ids, reader};
use crate::platform::page::PageArgs;
use crate::tracking::graphql::PartnerLocation;

/// Somebody with an account.
#[derive(Debug, Clone)]
pub struct User {
    model: user::Model,
    reveal_phone: bool,
    /// Whether the answer goes to this user although the request came from nobody, as after signing in.
    is_own: bool,
    hide_name: bool,
}

impl User {
    /// As the viewer may see them.
    #[must_use]
    pub const fn new(model: user::Model) -> Self {
        Self { model, reveal_phone: false, is_own: false, hide_name: false }
    }

    /// The same with the telephone number: for the other party of an active delivery.
    #[must_use]
    pub fn revealing_phone(self) -> Self {
        Self { reveal_phone: true, ..self }
    }

    /// The same without the name: for whoever has no business with them any more.
    #[must_use]
    pub fn hiding_name(self) -> Self {
        Self { hide_name: true, ..self }
    }

    /// As they see themselves: for whoever has just proven to be this user.
    pub(super) const fn own(model: user::Model) -> Self {
        Self { model, reveal_phone: true, is_own: true, hide_name: false }
    }

    /// The user `id`, batched with others of the same request.
    ///
    /// # Errors
    /// A fault when they do not exist.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> Result<Self> {
        load_existing::<UserLoader, _>(ctx, id).await.map(Self::new)
    }

    /// Whether the answer goes to this user, or to an admin.
    fn is_for_self_or_admin(&self, ctx: &Context<'_>) -> bool {
        self.is_own
            || reader(ctx).is_some_and(|reader| reader.user == Some(self.model.id) || reader.role == Some(RoleValue::Admin))
    }
}

/// Somebody with an account.
#[Object]
impl User {
    /// Opaque, `usr_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::User, self.model.id)
    }

    /// As the user writes it; a dash where the viewer has no business with them any more.
    async fn name(&self) -> &str {
        if self.hide_name { "—" } else { &self.model.name }
    }

    /// What the user is.
    async fn role(&self) -> Role {
        self.model.role.0.into()
    }

    /// Null unless the viewer is this user or an admin. API keys take `ORDERS_READ` or `ORDERS_WRITE`.
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        self.is_for_self_or_admin(ctx).then_some(self.model.email.as_str())
    }

    /// Null unless the viewer is this user, an admin, or the other party of an active delivery. API keys take `ORDERS_READ` or
    /// `ORDERS_WRITE`.
    async fn phone(&self, ctx: &Context<'_>) -> Option<&str> {
        let phone = self.model.phone.as_deref();
        phone.filter(|_| self.reveal_phone || self.is_for_self_or_admin(ctx))
    }

    /// Whether the e-mail address has been proven.
    async fn email_verified(&self) -> bool {
        self.model.email_verified_at.is_some()
    }

    /// Whether the user may sign in.
    async fn active(&self) -> bool {
        self.model.is_active
    }

    /// When they registered.
    async fn created_at(&self) -> DateTime<Utc> {
        self.model.created_at
    }

    /// Saved addresses, oldest first. Empty unless the viewer is this user or an admin.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn addresses(&self, ctx: &Context<'_>) -> Result<Vec<Address>> {
        if !self.is_for_self_or_admin(ctx) {
            return Ok(Vec::new());
        }
        let rows = load::<AddressesLoader, _>(ctx, self.model.id).await?;
        Ok(rows.unwrap_or_default().into_iter().map(Address::from).collect())
    }

    /// Only for role PARTNER.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Option<PartnerProfile>> {
        if self.model.role.0 != RoleValue::Partner {
            return Ok(None);
        }
        Ok(load::<PartnerLoader, _>(ctx, self.model.id).await?.map(PartnerProfile::from))
    }
}

/// What role PARTNER adds to a user.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct PartnerProfile {
    #[graphql(skip)]
    user: Uuid,
    /// What they ride.
    vehicle: VehicleType,
    /// Its plate.
    vehicle_number: Option<String>,
    /// Whether they take orders now.
    available: bool,
    /// How many orders this partner may carry at once; enforced for claims and for assignment by an admin.
    capacity: i32,
    /// Orders that they hold or carry now.
    active_deliveries: i32,
    /// Orders that they have delivered.
    completed_deliveries: i32,
    /// What customers gave for orders that they delivered, 1 to 5 on average, rounded half up to one decimal; null before the
    /// first.
    rating: Option<f64>,
}

impl From<partner::Model> for PartnerProfile {
    fn from(row: partner::Model) -> Self {
        Self {
            user: row.user_id,
            vehicle: row.vehicle.0.into(),
            vehicle_number: row.vehicle_number,
            available: row.is_available,
            capacity: row.capacity,
            active_deliveries: row.active_deliveries,
            completed_deliveries: row.completed_deliveries,
            rating: average(row.rating_sum, row.rating_count),
        }
    }
}

#[ComplexObject]
impl PartnerProfile {
    /// Where they are, as far as their device has said in the last minutes: to themselves, to admins while they take orders or carry
    /// one, and to the customer and the seller of an order that they carry at this moment, from `ASSIGNED` to `IN_TRANSIT`, but not
    /// where they were before they took it. Null to everybody else.
    async fn location(&self, ctx: &Context<'_>) -> Result<Option<PartnerLocation>> {
        PartnerLocation::of(ctx, self.user, self.available || self.active_deliveries > 0).await
    }
}

/// A store.
#[derive(Debug, Clone)]
pub struct Seller(pub seller::Model);

impl Seller {
    /// The store `id`, batched with others of the same request.
    ///
    /// # Errors
    /// A fault when it does not exist.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> Result<Self> {
        load_existing::<SellerLoader, _>(ctx, id).await.map(Self)
    }
}

/// A store.
#[Object]
impl Seller {
    /// Opaque, `sel_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Seller, self.0.id)
    }

    /// As customers see it.
    async fn store_name(&self) -> &str {
        &self.0.store_name
    }

    /// Where partners pick up.
    async fn location(&self) -> GeoPoint {
        GeoPoint { latitude: self.0.latitude, longitude: self.0.longitude }
    }

    /// What customers gave for orders from it, 1 to 5 on average, rounded half up to one decimal; null before the first.
    async fn rating(&self) -> Option<f64> {
        average(self.0.rating_sum, self.0.rating_count)
    }

    /// Whether its orders wait for it to pack them. Seller's own and admins' view; null for everyone else.
    async fn preparation(&self, ctx: &Context<'_>) -> Option<Preparation> {
        let reader = reader(ctx)?;
        let is_shown = reader.role == Some(RoleValue::Admin) || reader.seller == Some(self.0.id);
        is_shown.then(|| self.0.preparation.0.into())
    }
}

connection! {
    /// A page of users, newest first.
    UserConnection, UserEdge, User, counted
}

/// A page of the users that `filter` lets through, for admins.
///
/// # Errors
/// `BAD_ARGUMENT`, `BAD_CURSOR`; faults of the database.
pub async fn user_page(
    ctx: &Context<'_>,
    mut filter: UserFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<UserConnection> {
    if let Some(text) = &mut filter.search {
        // a database may refuse characters that no name has
        *text = input::line("search", text, 0, 200).map_err(|no| GraphError::bad_argument(&no))?;
    }
    let app = app(ctx)?;
    let args = PageArgs::new(&("users", &filter), first, after.as_deref(), None, None)?;
    let page = service::list_users(app, &filter, &args).await?.map(User::new);
    let count = if is_counted(ctx) { Some(service::count_users(app, &filter).await?) } else { None };
    Ok((page, count).into())
}
