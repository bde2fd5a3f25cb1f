//! The partners' desk.

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use domain::access::{Actor, Role};
use domain::calendar::Period;
use domain::input;

use super::available::{AvailableOrder, AvailableOrderConnection, circle};
use super::earnings::Earnings;
use crate::dispatch::earnings;
use crate::graphql::connection::{is_counted, page_cost};
use crate::graphql::enums::ClaimStatus;
use crate::graphql::scalars::GeoPointInput;
use crate::graphql::{GraphError, Result, Signed, actor, app};
use crate::orders::graphql::{Claim, ClaimConnection, MAX_STATES, OrderConnection, OrderFilterInput, Paging, order_page};
use crate::orders::service;
use crate::platform::page::PageArgs;

/// What dispatch adds to Query.
#[derive(Debug, Default)]
pub struct DispatchQuery;

#[Object]
impl DispatchQuery {
    /// Partners only: what can be claimed, and what they carry.
    #[graphql(guard = "Signed::as_one_of(&[Role::Partner])")]
    async fn partner(&self, ctx: &Context<'_>) -> Result<PartnerDesk> {
        Ok(PartnerDesk(actor(ctx)?))
    }
}

/// Partners only.
#[derive(Debug)]
pub struct PartnerDesk(Actor);

/// Which claims to list.
#[derive(Debug, Clone, InputObject)]
pub struct ClaimFilter {
    /// In one of these states; at most 10.
    pub status: Option<Vec<ClaimStatus>>,
}

/// Partners only.
#[Object]
impl PartnerDesk {
    /// Orders that can be claimed now, waiting longest first.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn available_orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Where you are: only orders to be picked up around here, with their distance from here. Rounded to a \
                          thousandth of a degree, which is within 80 metres."
        )]
        near: Option<GeoPointInput>,
        #[graphql(desc = "How far around `near` to look, in kilometres: above 0, at most 50; 5 when absent.")]
        radius_km: Option<f64>,
        #[graphql(desc = "Orders of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<AvailableOrderConnection> {
        let reader = app(ctx)?.db.reader();
        let circle = circle(near, radius_km)?;
        let args = PageArgs::new(&("availableOrders", circle), first, after.as_deref(), None, None)?;
        let page = service::list_offered(reader, circle, &args).await?;
        let count = if is_counted(ctx) { Some(service::count_offered(reader, circle).await?) } else { None };
        Ok((page.map(|row| AvailableOrder::new(row, circle.map(|circle| circle.centre))), count).into())
    }

    /// The partner's claims, live and ended, newest first.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn claims(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<ClaimFilter>,
        #[graphql(desc = "Claims of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<ClaimConnection> {
        let status = filter.and_then(|filter| filter.status);
        let named = status.as_deref().unwrap_or_default();
        input::list("filter.status", named, MAX_STATES).map_err(|no| GraphError::bad_argument(&no))?;
        let status: Option<Vec<domain::claims::ClaimStatus>> = status.map(|list| list.into_iter().map(Into::into).collect());
        let args = PageArgs::new(&("claims", &status), first, after.as_deref(), None, None)?;
        let reader = app(ctx)?.db.reader();
        Ok(service::list_claims_of(reader, self.0.user, status.as_deref(), &args).await?.map(Claim).into())
    }

    /// Orders that the partner carries or carried, newest first.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<OrderFilterInput>,
        #[graphql(desc = "Orders of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<OrderConnection> {
        let user = self.0.user;
        let paging = Paging { first, after, ..Paging::default() };
        order_page(ctx, self.0, |filter| filter.partner = Some(user), filter, None, paging).await
    }

    /// What the partner earned in a period, by days of UTC.
    async fn earnings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Orders delivered then or later.")] from: DateTime<Utc>,
        #[graphql(desc = "Orders delivered before then; after `from`, and no more than 367 days of UTC in all.")]
        to: DateTime<Utc>,
    ) -> Result<Earnings> {
        let app = app(ctx)?;
        let period = Period::new(from, to).map_err(|no| GraphError::bad_argument(&no))?;
        let days = period.days().map_err(|no| GraphError::bad_argument(&no))?;
        let found = earnings::read(app, self.0.user, period, &days).await?;
        Ok(Earnings { found, currency: app.config.currency })
    }
}
