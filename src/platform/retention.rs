//! What is kept for a time only: events that subscribers may still ask for, and idempotency keys.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{event, event_topic, idempotency_key as keys};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::consumers;
use super::db::Db;
use super::error::Result;
use super::sweep::Sweeper;

/// The name of the clean-up.
pub const SWEEP: &str = "platform.retention";

/// How often the clean-up runs.
const EVERY: Duration = Duration::from_mins(10);

/// How much longer events are kept for a consumer that has not taken them.
const HELD: TimeDelta = TimeDelta::days(7);

/// Rows removed in one statement, so that nothing waits long behind it.
const BATCH: u64 = 1_000;

/// The clean-up.
#[derive(Debug, Clone)]
pub struct Retention {
    db: Db,
    clock: Clock,
    sweeper: Sweeper,
    events: Duration,
    keys: Duration,
}

impl Retention {
    /// Keeps events for `events` and idempotency keys for `keys`; `sweeper` says when it is time to look.
    #[must_use]
    pub const fn new(db: Db, clock: Clock, sweeper: Sweeper, events: Duration, keys: Duration) -> Self {
        Self { db, clock, sweeper, events, keys }
    }

    /// Cleans up until `stop`. Instances may do so at once: what one removed, the other does not find.
    pub async fn run(self, stop: CancellationToken) {
        self.sweeper.clean_up(EVERY, stop, || self.sweep()).await;
    }

    /// Removes all that is older than it need be.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<()> {
        let now = self.clock.db_now(self.db.reader()).await?;
        while self.remove_events(before(now, self.events)).await? == BATCH {}
        while self.remove_keys(before(now, self.keys)).await? >= BATCH {}
        Ok(())
    }

    async fn remove_keys(&self, before: DateTime<Utc>) -> Result<u64> {
        let old: Vec<DateTime<Utc>> = keys::Entity::find()
            .select_only()
            .column(keys::Column::CreatedAt)
            .filter(keys::Column::CreatedAt.lt(before))
            .order_by_asc(keys::Column::CreatedAt)
            .limit(BATCH)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let Some(last) = old.last() else { return Ok(0) };
        let removed = keys::Entity::delete_many().filter(keys::Column::CreatedAt.lte(*last)).exec(self.db.writer()).await?;
        Ok(removed.rows_affected)
    }

    /// From the start of the log on, so that what is left has no holes. What was never published stays.
    async fn remove_events(&self, before: DateTime<Utc>) -> Result<u64> {
        let published = super::relay::published(self.db.reader()).await?;
        let taken = consumers::slowest(self.db.reader()).await?.unwrap_or(published);
        let old: Vec<(i64, DateTime<Utc>)> = event::Entity::find()
            .select_only()
            .column(event::Column::Position)
            .column(event::Column::At)
            .filter(event::Column::Position.lte(published))
            .order_by_asc(event::Column::Position)
            .limit(BATCH)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        // what a consumer has not taken is kept for it, but not for ever: it may be one that is no more
        let is_old = |(position, at): &&(i64, DateTime<Utc>)| *at < if *position <= taken { before } else { before - HELD };
        let Some((last, _)) = old.iter().take_while(is_old).last() else { return Ok(0) };
        // the events first: a reader that finds a topic's position without its event knows that it came too late
        let old = event::Column::Position.lte(*last);
        let removed = event::Entity::delete_many().filter(old).exec(self.db.writer()).await?;
        let old = event_topic::Column::Position.lte(*last);
        event_topic::Entity::delete_many().filter(old).exec(self.db.writer()).await?;
        Ok(removed.rows_affected)
    }
}

fn before(now: DateTime<Utc>, age: Duration) -> DateTime<Utc> {
    now - TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX / 4)
}
