//! What customers thought of their orders.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::access::Role;
use domain::id::Kind;
use entity::rating;

use super::mutation::OrderPayload;
use crate::graphql::{Result, Signed, actor, app, ids};
use crate::orders::service;

/// What a customer thought of an order.
#[derive(Debug, Clone, SimpleObject)]
pub struct Rating {
    /// 1 to 5, which is best.
    score: i32,
    /// In the customer's words; null when they have none.
    comment: Option<String>,
    /// When they said so.
    at: DateTime<Utc>,
}

impl From<rating::Model> for Rating {
    fn from(row: rating::Model) -> Self {
        Self { score: row.score, comment: row.comment, at: row.at }
    }
}

/// What you think of an order.
#[derive(Debug, Clone, InputObject)]
pub struct RateOrderInput {
    /// An order of yours that was delivered.
    pub order_id: ID,
    /// 1 to 5, which is best.
    pub score: i32,
    /// At most 1,000 characters, for the store, the partner who delivered it, and admins.
    pub comment: Option<String>,
}

/// What ratings add to Mutation.
#[derive(Debug, Default)]
pub struct RatingsMutation;

#[Object]
impl RatingsMutation {
    /// Customers: rates an order that was delivered to them, once and for good. The score counts for its store, for the partner
    /// who delivered it, and for each of its products. Refused with `ALREADY_EXISTS` when it is rated, and with
    /// `ILLEGAL_TRANSITION` when it is not delivered.
    #[graphql(guard = "Signed::as_one_of(&[Role::Customer])")]
    async fn rate_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order, and what you think of it.")] input: RateOrderInput,
    ) -> Result<OrderPayload> {
        let order = ids::parse(Kind::Order, &input.order_id)?;
        let rate = service::Rate { order, score: input.score, comment: input.comment };
        let actor = actor(ctx)?;
        OrderPayload::of(actor, service::rate(app(ctx)?, actor, rate).await)
    }
}
