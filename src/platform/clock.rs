//! Time. The database's clock judges every deadline, so that instances whose clocks differ agree.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::error::Result;

/// The clock of this process, and the way to the database's.
///
/// Both are moved by the same offset, which is zero outside tests: a test lets two minutes pass by moving the clock.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<Offset>);

#[derive(Debug, Default)]
struct Offset {
    millis: AtomicI64,
    /// Rung when it changes.
    moved: Notify,
}

impl Clock {
    /// The clock of the machine.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// Lets `by` pass at once, on every copy of this clock.
    pub fn advance(&self, by: Duration) {
        self.0.millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        self.0.moved.notify_waiters();
    }

    /// By how much it is ahead of the machine's: nothing outside tests.
    #[must_use]
    pub fn offset(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.0.millis.load(Ordering::SeqCst))
    }

    /// Now by this process, in microseconds, which is what both databases keep.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "the one place where the system's clock is read")]
        let now = Utc::now();
        (now + self.offset()).trunc_subsecs(6)
    }

    /// Resolves once [`Clock::now`] is at or after `at`: also when the clock is moved there.
    pub async fn until(&self, at: DateTime<Utc>) {
        loop {
            // before the look: a move in between wakes it
            let moved = self.0.moved.notified();
            // a time that has passed is no duration
            let Ok(left) = (at - self.now()).to_std() else { return };
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = sleep(left) => {}
                () = moved => {}
            }
        }
    }

    /// Now by the database. With SQLite, which runs in this process, that is [`Clock::now`].
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn db_now(&self, db: &impl ConnectionTrait) -> Result<DateTime<Utc>> {
        match db.get_database_backend() {
            DbBackend::Postgres => {
                let ask = Statement::from_string(DbBackend::Postgres, "SELECT clock_timestamp() AS now");
                let now: DateTime<Utc> = match db.query_one_raw(ask).await? {
                    Some(row) => row.try_get("", "now")?,
                    None => return Ok(self.now()),
                };
                Ok((now + self.offset()).trunc_subsecs(6))
            }
            _ => Ok(self.now()),
        }
    }

    /// Now by the database, as part of a statement: judged when the row is at hand, not when the statement was sent, so
    /// waiting for a lock cannot stretch a deadline.
    #[must_use]
    pub fn sql_now(&self, backend: DbBackend) -> Expr {
        match backend {
            DbBackend::Postgres => {
                Expr::cust(format!("(clock_timestamp() + interval '{} milliseconds')", self.offset().num_milliseconds()))
            }
            _ => Expr::value(self.now()),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn waiting_ends_when_the_time_comes_or_the_clock_is_moved_there() {
        let clock = Clock::system();
        let now = clock.now();
        clock.until(now).await;
        clock.until(now + TimeDelta::milliseconds(5)).await;
        assert!(clock.now() >= now + TimeDelta::milliseconds(5));

        let there = clock.clone();
        let at = now + TimeDelta::hours(2);
        let mut waiting = Box::pin(there.until(at));
        assert!(waiting.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_hours(1));
        assert!(waiting.as_mut().now_or_never().is_none(), "an hour is left");
        clock.advance(Duration::from_hours(1));
        waiting.await;
    }
}
