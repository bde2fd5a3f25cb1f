//! How partners did, as admins see it.

use async_graphql::{Context, Object};
use chrono::{DateTime, Utc};
use domain::calendar::Period;
use domain::rating::average;
use entity::user;

use crate::accounts::graphql::User;
use crate::analytics::performance::{self, Performance};
use crate::graphql::connection::connection;
use crate::graphql::{GraphError, Result, app};
use crate::platform::page::PageArgs;

/// How a partner did in a period. Deliveries count when the order was delivered in it, claims when they ended in it.
#[derive(Debug, Clone)]
pub struct PartnerPerformance {
    partner: user::Model,
    found: Performance,
}

/// As far as GraphQL's `Int` goes.
fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// How a partner did in a period. Deliveries count when the order was delivered in it, claims when they ended in it.
#[Object]
impl PartnerPerformance {
    /// The partner, as they are now.
    async fn partner(&self) -> User {
        User::new(self.partner.clone())
    }

    /// Orders that they delivered; 2,147,483,647 stands for more as well.
    async fn deliveries(&self) -> i32 {
        small(self.found.deliveries)
    }

    /// Half of these took no longer from order to door, in seconds; null when there are none.
    async fn median_delivery_seconds(&self) -> Option<i32> {
        self.found.median_seconds.map(small)
    }

    /// What customers gave for these, 1 to 5 on average, rounded half up to one decimal; null when none was rated.
    async fn rating(&self) -> Option<f64> {
        average(self.found.rating_sum, self.found.rating_count)
    }

    /// Claims that the partner gave back; 2,147,483,647 stands for more as well.
    async fn released_claims(&self) -> i32 {
        small(self.found.released)
    }

    /// Claims whose time ran out before they were accepted or the goods picked up; 2,147,483,647 stands for more as well.
    async fn expired_claims(&self) -> i32 {
        small(self.found.expired)
    }
}

connection! {
    /// A page of what partners did, newest partner first.
    PartnerPerformanceConnection, PartnerPerformanceEdge, PartnerPerformance
}

/// A page of what partners did `from` then `to`.
///
/// # Errors
/// `BAD_ARGUMENT`, with the argument's name; `BAD_CURSOR`; faults of the database.
pub(super) async fn page(
    ctx: &Context<'_>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    first: Option<i32>,
    after: Option<String>,
) -> Result<PartnerPerformanceConnection> {
    let period = Period::new(from, to).map_err(|no| GraphError::bad_argument(&no))?;
    // what a partner did is counted for each answer
    period.days().map_err(|no| GraphError::bad_argument(&no))?;
    let args = PageArgs::new(&("partnerPerformance", from, to), first, after.as_deref(), None, None)?;
    let page = performance::list(app(ctx)?, period, &args).await?;
    Ok(page.map(|(partner, found)| PartnerPerformance { partner, found }).into())
}
