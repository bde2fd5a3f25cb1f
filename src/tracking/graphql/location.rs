//! Where a partner is, for those who may know.

use async_graphql::{Context, SimpleObject};
use chrono::{DateTime, Utc};
use domain::access::Role;
use domain::fix::Fix;
use uuid::Uuid;

use super::loaders::{DelivererLoader, FixLoader};
use crate::app::App;
use crate::graphql::loaders::load;
use crate::graphql::scalars::GeoPoint;
use crate::graphql::{Result, app, reader};
use crate::orders::service::Recipient;
use crate::tracking::service;

/// Where a partner was when their device last said so.
#[derive(Debug, Clone, SimpleObject)]
pub struct PartnerLocation {
    /// Where.
    pub point: GeoPoint,
    /// Where they were heading, in degrees clockwise from north, 0 to 360; null when the device did not say.
    pub heading: Option<f64>,
    /// How fast they were, in kilometres an hour; null when the device did not say.
    pub speed_kmh: Option<f64>,
    /// The radius in metres within which they were likely to be; null when the device did not say.
    pub accuracy_m: Option<f64>,
    /// When, by the device's clock.
    pub recorded_at: DateTime<Utc>,
    /// Whether that is so long ago that they may be elsewhere by now: 30 seconds, unless the server is set up otherwise.
    pub is_stale: bool,
}

impl PartnerLocation {
    /// `fix` as of now.
    pub(super) fn new(app: &App, fix: &Fix) -> Self {
        Self {
            point: fix.point.into(),
            heading: fix.heading,
            speed_kmh: fix.speed_kmh,
            accuracy_m: fix.accuracy_m,
            recorded_at: fix.recorded_at,
            is_stale: service::is_stale(app, fix),
        }
    }

    /// Where `partner` is, if the viewer may know; `is_at_work`: they take orders or carry one. Batched with others of the same
    /// request.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(ctx: &Context<'_>, partner: Uuid, is_at_work: bool) -> Result<Option<Self>> {
        let Some(reader) = reader(ctx) else { return Ok(None) };
        let recipient = match reader.role {
            Some(Role::Customer) => reader.user.map(Recipient::Customer),
            Some(Role::Seller) => reader.seller.map(Recipient::Seller),
            Some(Role::Partner | Role::Admin) | None => None,
        };
        // since when it is the viewer's business where they are
        let since = match (reader.role, recipient) {
            (Some(Role::Admin), _) => is_at_work.then_some(DateTime::<Utc>::MIN_UTC),
            (Some(Role::Partner), _) => (reader.user == Some(partner)).then_some(DateTime::<Utc>::MIN_UTC),
            (_, Some(recipient)) => load::<DelivererLoader, _>(ctx, (partner, recipient)).await?,
            _ => None,
        };
        let Some(since) = since else { return Ok(None) };
        let fix = load::<FixLoader, _>(ctx, partner).await?.filter(|fix| fix.is_since(since));
        let app = app(ctx)?;
        Ok(fix.map(|fix| Self::new(app, &fix)))
    }
}
