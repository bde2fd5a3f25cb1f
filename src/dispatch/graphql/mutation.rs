//! What partners and admins do about claims.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::access::Role;
use domain::id::Kind;

use crate::accounts::graphql::User;
use crate::accounts::partners;
use crate::dispatch::service::{Ask, ask};
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app, ids};
use crate::orders::graphql::ClaimPayload;

/// `accept: true` (the default) takes the order at once; false locks it for a short time, so that the partner can look at
/// it and then `acceptClaim`.
#[derive(Debug, Clone, InputObject)]
pub struct ClaimOrderInput {
    /// 1 to 255 characters; the same key claims once.
    pub idempotency_key: String,
    /// Which order.
    pub order_id: ID,
    /// Whether to take it at once.
    #[graphql(default_with = "Some(true)")]
    pub accept: Option<bool>,
}

/// A held claim to accept.
#[derive(Debug, Clone, InputObject)]
pub struct AcceptClaimInput {
    /// 1 to 255 characters; the same key accepts once.
    pub idempotency_key: String,
    /// Which claim.
    pub claim_id: ID,
}

/// A claim to give back before pick-up.
#[derive(Debug, Clone, InputObject)]
pub struct ReleaseClaimInput {
    /// 1 to 255 characters; the same key releases once.
    pub idempotency_key: String,
    /// Which claim.
    pub claim_id: ID,
    /// For the timeline; at most 500 characters.
    pub reason: Option<String>,
}

/// An order to give to a partner.
#[derive(Debug, Clone, InputObject)]
pub struct AssignOrderInput {
    /// 1 to 255 characters; the same key assigns once.
    pub idempotency_key: String,
    /// Which order.
    pub order_id: ID,
    /// To whom: the partner's user id.
    pub partner_id: ID,
}

/// Whether you take orders.
#[derive(Debug, Clone, InputObject)]
pub struct SetAvailabilityInput {
    /// Whether from now on.
    pub available: bool,
}

/// What came of a mutation on a partner.
#[derive(Debug, SimpleObject)]
pub struct PartnerPayload {
    /// The partner; null when there are userErrors.
    pub user: Option<User>,
    /// Why nothing was done.
    pub user_errors: Vec<UserError>,
}

/// What dispatch adds to Mutation.
#[derive(Debug, Default)]
pub struct DispatchMutation;

#[Object]
impl DispatchMutation {
    /// Partners: claims an order that is available. Of all that try at once, exactly one gets it; the others get `CLAIM_LOST`.
    #[graphql(guard = "Signed::as_one_of(&[Role::Partner])")]
    async fn claim_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order, and whether to take it at once.")] input: ClaimOrderInput,
    ) -> Result<ClaimPayload> {
        let order = ids::parse(Kind::Order, &input.order_id)?;
        let wish = Ask::Claim { order, accept: input.accept.unwrap_or(true) };
        ClaimPayload::of(ctx, ask(app(ctx)?, actor(ctx)?, &input.idempotency_key, wish).await)
    }

    /// Partners: takes the order that they hold, before the hold expires.
    #[graphql(guard = "Signed::as_one_of(&[Role::Partner])")]
    async fn accept_claim(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which claim.")] input: AcceptClaimInput,
    ) -> Result<ClaimPayload> {
        let wish = Ask::Accept { claim: ids::parse(Kind::Claim, &input.claim_id)? };
        ClaimPayload::of(ctx, ask(app(ctx)?, actor(ctx)?, &input.idempotency_key, wish).await)
    }

    /// Partners: gives an order back before it is picked up. It is offered again at once.
    #[graphql(guard = "Signed::as_one_of(&[Role::Partner])")]
    async fn release_claim(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which claim, and why.")] input: ReleaseClaimInput,
    ) -> Result<ClaimPayload> {
        let wish = Ask::Release { claim: ids::parse(Kind::Claim, &input.claim_id)?, reason: input.reason };
        ClaimPayload::of(ctx, ask(app(ctx)?, actor(ctx)?, &input.idempotency_key, wish).await)
    }

    /// Admins: gives an order to a partner, up to pick-up; whoever had it loses it. The partner's availability and capacity
    /// hold here too.
    #[graphql(guard = "Signed::as_one_of(&[Role::Admin])")]
    async fn assign_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order, and to whom.")] input: AssignOrderInput,
    ) -> Result<ClaimPayload> {
        let order = ids::parse(Kind::Order, &input.order_id)?;
        let wish = Ask::Assign { order, partner: ids::parse(Kind::User, &input.partner_id)? };
        ClaimPayload::of(ctx, ask(app(ctx)?, actor(ctx)?, &input.idempotency_key, wish).await)
    }

    /// Partners: goes online or offline. Orders that are carried stay.
    #[graphql(guard = "Signed::as_one_of(&[Role::Partner])")]
    async fn set_availability(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whether you take orders.")] input: SetAvailabilityInput,
    ) -> Result<PartnerPayload> {
        let actor = actor(ctx)?;
        let Outcome { value, user_errors } =
            Outcome::of(partners::set_availability(app(ctx)?, actor, input.available).await)?;
        let user = if value.is_some() { Some(User::load(ctx, actor.user).await?) } else { None };
        Ok(PartnerPayload { user, user_errors })
    }
}
