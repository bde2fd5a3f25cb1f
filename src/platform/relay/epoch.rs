//! The epoch: which incarnation of the log there is.
//!
//! A position means something within its epoch only. A database that was restored to an earlier state has given away
//! positions that it does not know of, and gives them again, to other events: under another epoch nobody takes the one for
//! the other.

use sea_orm::ConnectionTrait;

use super::FEED;
use crate::platform::error::Result;
use crate::platform::ids::Ids;
use crate::platform::lease;

/// Makes sure that the log has an epoch. One that it has stays.
///
/// # Errors
/// When the database fails.
pub async fn prepare(db: &impl ConnectionTrait, ids: &Ids) -> Result<()> {
    lease::ensure(db, FEED, draw(ids)).await
}

/// Gives the log another epoch: every cursor given so far is then one of another log. For a database that was restored to
/// an earlier state, before the first instance starts on it.
///
/// # Errors
/// When the database fails.
pub async fn new_epoch(db: &impl ConnectionTrait, ids: &Ids) -> Result<()> {
    lease::begin_epoch(db, FEED, draw(ids)).await
}

/// An epoch at random, of two thousand million; never 0, which is none.
pub(super) fn draw(ids: &Ids) -> i32 {
    let most = i32::MAX.unsigned_abs();
    i32::try_from(1 + ids.below(u64::from(most))).unwrap_or(i32::MAX)
}
