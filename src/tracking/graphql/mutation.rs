//! What partners' devices say.

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use domain::access::Role;
use domain::fix::Report;

use crate::accounts::graphql::User;
use crate::dispatch::graphql::PartnerPayload;
use crate::graphql::scalars::GeoPointInput;
use crate::graphql::{Outcome, Result, Signed, actor, app};
use crate::tracking::service;

/// Where your device is.
#[derive(Debug, Clone, InputObject)]
pub struct ReportLocationInput {
    /// Where.
    pub point: GeoPointInput,
    /// Where it is heading, in degrees clockwise from north, 0 to 360.
    pub heading: Option<f64>,
    /// How fast it is, in kilometres an hour, 0 to 300.
    pub speed_kmh: Option<f64>,
    /// The radius in metres within which it is likely to be, 0 to 10,000.
    pub accuracy_m: Option<f64>,
    /// When it was there, by its own clock; now, unless it is said. Not more than ten seconds ahead, and not longer ago than positions
    /// are kept, which is ten minutes unless the server is set up otherwise.
    pub recorded_at: Option<DateTime<Utc>>,
}

impl ReportLocationInput {
    fn parse(&self) -> crate::platform::Result<Report> {
        Ok(Report {
            point: self.point.check("point")?,
            heading: self.heading,
            speed_kmh: self.speed_kmh,
            accuracy_m: self.accuracy_m,
            recorded_at: self.recorded_at,
        })
    }
}

/// What tracking adds to Mutation.
#[derive(Debug, Default)]
pub struct TrackingMutation;

#[Object]
impl TrackingMutation {
    /// Partners: says where you are, as often as you like. The newest by `recordedAt` is the one that is known: what comes late
    /// changes nothing, and is no error. It is forgotten after some minutes, and when you go offline. Of what you carry, the
    /// customer and the store see it until it is delivered. Who asks for nothing but `userErrors` is answered without the
    /// database.
    #[graphql(guard = "Signed::as_one_of(&[Role::Partner])")]
    async fn report_location(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where you are.")] input: ReportLocationInput,
    ) -> Result<PartnerPayload> {
        let (app, actor) = (app(ctx)?, actor(ctx)?);
        let reported = match input.parse() {
            Ok(report) => service::report(app, actor.user, report).await,
            Err(refusal) => Err(refusal),
        };
        let Outcome { value, user_errors } = Outcome::of(reported)?;
        // nothing is read that nobody asks for
        let is_asked = value.is_some() && ctx.look_ahead().field("user").exists();
        let user = if is_asked { Some(User::load(ctx, actor.user).await?) } else { None };
        Ok(PartnerPayload { user, user_errors })
    }
}
