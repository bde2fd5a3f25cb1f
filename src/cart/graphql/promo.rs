//! Promo codes, for those who make them.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::access::Role;
use entity::promo;

use crate::cart::promos::{self, NewPromo};
use crate::graphql::scalars::{Decimal, Money};
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app};

/// A promo code to make. Exactly one of `percentOff` and `amountOff`.
#[derive(Debug, InputObject)]
pub struct CreatePromoInput {
    /// As customers write it: 3 to 40 letters, digits, dashes and underscores, in any case.
    pub code: String,
    /// What it takes off the lines' sum, in percent: above 0, at most 100, at most two decimals.
    pub percent_off: Option<Decimal>,
    /// What it takes off, in the store's currency; never more than the lines' sum.
    pub amount_off: Option<Decimal>,
    /// The lines' sum that it asks for, in the store's currency; any when absent.
    pub minimum_subtotal: Option<Decimal>,
    /// It holds from then on; at once when absent.
    pub starts_at: Option<DateTime<Utc>>,
    /// It holds until just before then; for ever when absent.
    pub ends_at: Option<DateTime<Utc>>,
    /// How many orders may use it, 1 to 1,000,000,000; any number when absent.
    pub max_uses: Option<i32>,
    /// How many orders of one customer may use it, 1 to 1,000,000,000; any number when absent.
    pub max_uses_per_customer: Option<i32>,
}

/// A promo code.
#[derive(Debug, Clone, SimpleObject)]
pub struct Promo {
    /// In capitals; unique.
    pub code: String,
    /// What it takes off, in percent; null when it takes off an amount.
    pub percent_off: Option<Decimal>,
    /// What it takes off; null when it takes off a percentage.
    pub amount_off: Option<Money>,
    /// The lines' sum that it asks for; null: any.
    pub minimum_subtotal: Option<Money>,
    /// It holds from then on; null: from the start.
    pub starts_at: Option<DateTime<Utc>>,
    /// It holds until just before then; null: for ever.
    pub ends_at: Option<DateTime<Utc>>,
    /// How many orders may use it; null: any number.
    pub max_uses: Option<i32>,
    /// How many orders of one customer may use it; null: any number.
    pub max_uses_per_customer: Option<i32>,
    /// How many orders use it. One that is called off, or not paid in time, gives its use back.
    pub uses: i32,
}

impl From<promo::Model> for Promo {
    fn from(row: promo::Model) -> Self {
        let money = |minor| Money::new(minor, *row.currency);
        Self {
            percent_off: row.percent_basis_points.map(|points| Decimal(rust_decimal::Decimal::new(points.into(), 2))),
            amount_off: row.amount_minor.map(money),
            minimum_subtotal: Some(row.minimum_subtotal_minor).filter(|minor| *minor > 0).map(money),
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            max_uses: row.max_uses,
            max_uses_per_customer: row.max_uses_per_customer,
            uses: row.uses,
            code: row.code,
        }
    }
}

/// What came of making a promo code.
#[derive(Debug, SimpleObject)]
pub struct PromoPayload {
    /// The promo code; null when nothing was done.
    pub promo: Option<Promo>,
    /// Why nothing was done; empty when it was.
    pub user_errors: Vec<UserError>,
}

/// Making promo codes.
#[derive(Debug, Default)]
pub struct PromosMutation;

#[Object]
impl PromosMutation {
    /// Makes a promo code. `ALREADY_EXISTS` when there is one of this name, also one whose time is over. For admins.
    #[graphql(guard = "Signed::as_one_of(&[Role::Admin])")]
    async fn create_promo(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The promo code.")] input: CreatePromoInput,
    ) -> Result<PromoPayload> {
        let amount = |amount: Option<Decimal>| amount.map(|Decimal(amount)| amount);
        let new = NewPromo {
            code: input.code,
            percent_off: amount(input.percent_off),
            amount_off: amount(input.amount_off),
            minimum_subtotal: amount(input.minimum_subtotal),
            starts_at: input.starts_at,
            ends_at: input.ends_at,
            max_uses: input.max_uses,
            max_uses_per_customer: input.max_uses_per_customer,
        };
        let Outcome { value, user_errors } = Outcome::of(promos::create(app(ctx)?, Some(actor(ctx)?), new).await)?;
        Ok(PromoPayload { promo: value.map(Promo::from), user_errors })
    }
}
