//! The event log: what happened, written in the transaction that made it happen.
//!
//! The row is the record; the bus only says that there is something to read. An event is in the database with its change,
//! or neither is.

use chrono::{DateTime, Utc};
use domain::event::Topic;
use entity::event;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::EntityTrait;
use serde::Serialize;
use uuid::Uuid;

use super::db::Tx;
use super::error::Result;

/// An event about to be logged.
#[derive(Debug)]
pub struct NewEvent<'a, P> {
    /// Public as `evt_…`; receivers drop what they have seen.
    pub id: Uuid,
    /// What happened, past tense: `order.changed`.
    pub kind: &'static str,
    /// Whom it concerns.
    pub topics: &'a [Topic],
    /// Absolute state, not a delta: a duplicate does no harm.
    pub payload: &'a P,
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
}

/// Logs `new` in `tx`. It reaches subscribers after the commit, on every instance.
///
/// # Errors
/// When the payload cannot be written as JSON, or the database fails.
pub async fn append<P: Serialize + Sync>(tx: &Tx, new: &NewEvent<'_, P>) -> Result<()> {
    event::Entity::insert(row(new)?).exec_without_returning(&**tx).await?;
    tx.mark_appended(new.topics);
    Ok(())
}

/// Logs many events in `tx`, in their order, a thousand in a statement.
///
/// # Errors
/// When a payload cannot be written as JSON, or the database fails.
pub async fn append_all<P: Serialize + Sync>(tx: &Tx, new: &[NewEvent<'_, P>]) -> Result<()> {
    for new in new.chunks(1_000) {
        let rows = new.iter().map(row).collect::<Result<Vec<_>>>()?;
        event::Entity::insert_many(rows).exec_without_returning(&**tx).await?;
        for new in new {
            tx.mark_appended(new.topics);
        }
    }
    Ok(())
}

fn row<P: Serialize>(new: &NewEvent<'_, P>) -> Result<event::ActiveModel> {
    let topics: Vec<String> = new.topics.iter().map(Topic::to_string).collect();
    Ok(event::ActiveModel {
        id: NotSet,
        position: Set(None),
        event_id: Set(new.id),
        kind: Set(new.kind.to_owned()),
        topics: Set(topics.join(" ")),
        payload: Set(serde_json::to_value(new.payload)?),
        at: Set(new.at),
    })
}
