//! What partners earned, as they see it.

use async_graphql::{Object, SimpleObject};
use domain::calendar::MAX_DAYS;
use domain::money::Currency;

use crate::dispatch::earnings;
use crate::graphql::scalars::Money;

/// What a partner earned in a period, in days of UTC: an order counts on the day on which it was delivered, with the payout that it
/// was offered for. One in another currency than the platform's present one does not count. Sums are exact.
#[derive(Debug)]
pub struct Earnings {
    pub(super) found: earnings::Earnings,
    pub(super) currency: Currency,
}

/// What a partner earned on one day.
#[derive(Debug, SimpleObject)]
pub struct EarningsDay {
    /// The day in UTC, e.g. `2026-11-21`. Of the first and the last day of a period only what lies in the period counts.
    date: String,
    /// Orders delivered on it; 2,147,483,647 stands for more as well.
    deliveries: i32,
    /// The sum of their payouts.
    total: Money,
}

/// As far as GraphQL's `Int` goes.
fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// What a partner earned in a period, in days of UTC: an order counts on the day on which it was delivered, with the payout that it
/// was offered for. One in another currency than the platform's present one does not count. Sums are exact.
#[Object]
impl Earnings {
    /// Orders delivered; 2,147,483,647 stands for more as well.
    async fn deliveries(&self) -> i32 {
        small(self.found.deliveries)
    }

    /// The sum of their payouts.
    async fn total(&self) -> Money {
        Money::new(self.found.total_minor, self.currency)
    }

    /// Every day in UTC that the period touches, oldest first, also where nothing was delivered. Their sums are `deliveries`
    /// and `total`.
    #[graphql(complexity = "1 + MAX_DAYS * child_complexity")]
    async fn by_day(&self) -> Vec<EarningsDay> {
        let day = |day: &earnings::Day| EarningsDay {
            date: day.date.to_string(),
            deliveries: small(day.deliveries),
            total: Money::new(day.total_minor, self.currency),
        };
        self.found.days.iter().map(day).collect()
    }
}
