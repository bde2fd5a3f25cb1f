//! Claims on orders.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::id::Kind;
use entity::claim;

use super::loaders::{OrderLoader, TimeLoader};
use super::order::Order;
use crate::accounts::graphql::User;
use crate::graphql::connection::connection;
use crate::graphql::enums::ClaimStatus;
use crate::graphql::loaders::load_existing;
use crate::graphql::{Outcome, Result, UserError, ids};
use crate::orders::service::claims::Claimed;

/// A partner's claim on an order.
#[derive(Debug, Clone)]
pub struct Claim(pub claim::Model);

/// A partner's claim on an order.
#[Object]
impl Claim {
    /// Opaque, `clm_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Claim, self.0.id)
    }

    /// The order it is on.
    async fn order(&self, ctx: &Context<'_>) -> Result<Order> {
        let order = load_existing::<OrderLoader, _>(ctx, self.0.order_id).await?;
        Ok(Order::of_claim(order, ctx))
    }

    /// Who made it.
    async fn partner(&self, ctx: &Context<'_>) -> Result<User> {
        User::load(ctx, self.0.partner_id).await
    }

    /// Where it is.
    async fn status(&self) -> ClaimStatus {
        self.0.status.0.into()
    }

    /// When it was made.
    async fn held_at(&self) -> DateTime<Utc> {
        self.0.held_at
    }

    /// When it was accepted; null while it is only held.
    async fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.0.accepted_at
    }

    /// When it ends by itself: to be accepted (HELD) or picked up (ACCEPTED) before. Null once the goods are picked up.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }

    /// When it ended; null while it lives.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }

    /// The server's time now: count down to `expiresAt` from this, not from the device's clock.
    async fn server_time(&self, ctx: &Context<'_>) -> Result<DateTime<Utc>> {
        load_existing::<TimeLoader, _>(ctx, ()).await
    }
}

connection! {
    /// A page of claims, newest first.
    ClaimConnection, ClaimEdge, Claim
}

/// What came of a mutation on a claim.
#[derive(Debug, SimpleObject)]
pub struct ClaimPayload {
    /// The claim; null when there are userErrors.
    pub claim: Option<Claim>,
    /// Its order; null when there are userErrors.
    pub order: Option<Order>,
    /// Why nothing was done.
    pub user_errors: Vec<UserError>,
}

impl ClaimPayload {
    /// Sorts a use-case's result.
    ///
    /// # Errors
    /// Faults and denials.
    pub fn of(ctx: &Context<'_>, result: crate::platform::Result<Claimed>) -> Result<Self> {
        let Outcome { value, user_errors } = Outcome::of(result)?;
        let (claim, order) = value.map(|claimed| (Claim(claimed.claim), Order::of_claim(claimed.order, ctx))).unzip();
        Ok(Self { claim, order, user_errors })
    }
}
