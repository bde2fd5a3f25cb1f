//! The event log as its readers see it: where it ends, and what came since a position.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::event::Topic;
use entity::{event, relay};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement, Value,
};
use uuid::Uuid;

use super::FEED;
use crate::platform::bus::Message;
use crate::platform::error::Result;

/// Where the log ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// Which incarnation of the log this is: positions of another say nothing here. 0 while there is no log.
    pub epoch: i32,
    /// The position of the newest event that has one; 0 before the first.
    pub position: i64,
}

/// Where the log ends: a subscriber that has a snapshot read after this misses nothing from here.
///
/// # Errors
/// When the database fails.
pub async fn head(db: &impl ConnectionTrait) -> Result<Head> {
    let feed = relay::Entity::find_by_id(FEED.to_owned()).one(db).await?;
    Ok(feed.map_or_else(Head::default, |feed| Head { epoch: feed.epoch, position: feed.position }))
}

/// A position that no event has passed which was committed before this was called; `None` while one of them has no position
/// yet, so that nothing can be said.
///
/// # Errors
/// When the database fails.
pub async fn settled(db: &impl ConnectionTrait) -> Result<Option<i64>> {
    let waiting = event::Entity::find().select_only().column(event::Column::Id).filter(event::Column::Position.is_null());
    // asked first: what had a position then is not after the head that is read now
    if waiting.limit(1).into_tuple::<i64>().one(db).await?.is_some() {
        return Ok(None);
    }
    Ok(Some(head(db).await?.position))
}

/// The position up to which the log was handed to the bus.
///
/// # Errors
/// When the database fails.
pub async fn published(db: &impl ConnectionTrait) -> Result<i64> {
    Ok(relay::Entity::find_by_id(FEED.to_owned()).one(db).await?.map_or(0, |lease| lease.published))
}

/// What is committed and not with the bus yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outbox {
    /// So many events.
    pub depth: u64,
    /// When the oldest of them happened.
    pub oldest: Option<DateTime<Utc>>,
}

/// What is committed and not with the bus yet.
///
/// # Errors
/// When the database fails.
pub async fn outbox(db: &impl ConnectionTrait) -> Result<Outbox> {
    let is_behind = event::Column::Position.gt(published(db).await?);
    let (depth, oldest): (i64, Option<DateTime<Utc>>) = event::Entity::find()
        .select_only()
        .column_as(event::Column::Id.count(), "depth")
        .column_as(event::Column::At.min(), "oldest")
        .filter(Condition::any().add(event::Column::Position.is_null()).add(is_behind))
        .into_tuple()
        .one(db)
        .await?
        .unwrap_or_default();
    Ok(Outbox { depth: depth.unsigned_abs(), oldest })
}

/// What came after a position.
#[derive(Debug)]
pub enum Since {
    /// These, oldest first; and everything up to this position is now known.
    Messages(Vec<Message>, i64),
    /// More than is kept, or more than is worth replaying.
    Forgotten,
    /// The position lies ahead of the log: it is not one of this log's.
    Unknown,
}

/// The events of `topic` after `position`, unless they are more than `limit` or some may be no longer kept.
///
/// # Errors
/// When the database fails.
pub async fn since(db: &impl ConnectionTrait, topic: Topic, position: i64, limit: u64) -> Result<Since> {
    page_since(db, &[topic], position, limit, limit).await
}

/// The same of several topics, as one stream; and of the events only the first `size`: if there are as many, more may follow
/// after the last of them.
///
/// # Errors
/// When the database fails.
pub async fn page_since(db: &impl ConnectionTrait, topics: &[Topic], position: i64, limit: u64, size: u64) -> Result<Since> {
    let head = head(db).await?.position;
    if position > head || position < 0 {
        return Ok(Since::Unknown);
    }
    if position == head {
        return Ok(Since::Messages(Vec::new(), head));
    }
    let Some(mut mine) = between(db, topics, position, i64::MAX, limit).await? else { return Ok(Since::Forgotten) };
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let is_whole = mine.len() <= size;
    mine.truncate(size);
    let rows = if mine.is_empty() {
        Vec::new()
    } else {
        let mine = event::Entity::find().filter(event::Column::Position.is_in(mine.iter().copied()));
        mine.order_by_asc(event::Column::Position).all(db).await?
    };
    // asked last: what was still kept now was kept while it was read
    if rows.len() != mine.len() || floor(db).await?.is_none_or(|floor| floor > position + 1) {
        return Ok(Since::Forgotten);
    }
    // nothing of the topics lies between where the caller stands and the first
    let before = std::iter::once(position).chain(mine.iter().copied());
    let messages = rows.into_iter().zip(before).map(|(row, previous)| message(row, previous)).collect();
    let last = mine.last().copied().unwrap_or(position);
    Ok(Since::Messages(messages, if is_whole { last.max(head) } else { last }))
}

/// The positions of the events of `topics` after `after` and up to `to`, in order. `None`: they are more than `limit`; however many
/// there are, not much more than that of the index is read. (An event that is of several of the topics counts for each.)
///
/// # Errors
/// When the database fails.
pub async fn between(
    db: &impl ConnectionTrait,
    topics: &[Topic],
    after: i64,
    to: i64,
    limit: u64,
) -> Result<Option<Vec<i64>>> {
    let backend = db.get_database_backend();
    let places = |form: fn(usize) -> String| (4..topics.len() + 4).map(form).collect::<Vec<_>>().join(", ");
    // Each topic from where it was, until there are enough, and in no order: to have the first of all topics' all of them would
    // have to be read. PostgreSQL is told so, lest it read along another index; SQLite does nothing else.
    let entries = if backend == DbBackend::Postgres {
        format!(
            "SELECT e.position FROM (VALUES {}) AS asked (topic) CROSS JOIN LATERAL ( \
               SELECT position FROM event_topics \
               WHERE topic = asked.topic AND position > $1 AND position <= $2 ORDER BY position LIMIT $3 \
             ) AS e LIMIT $3",
            places(|place| format!("(${place})"))
        )
    } else {
        format!(
            "SELECT position FROM event_topics WHERE topic IN ({}) AND position > $1 AND position <= $2 LIMIT $3",
            places(|place| format!("${place}"))
        )
    };
    let sql = format!("SELECT position, count(*) AS entries FROM ({entries}) AS found GROUP BY position ORDER BY position");
    let most = limit.saturating_add(1).min(i64::MAX.unsigned_abs()).cast_signed();
    let values =
        [after.into(), to.into(), most.into()].into_iter().chain(topics.iter().map(|topic| topic.to_string().into()));
    let (mut positions, mut entries) = (Vec::new(), 0_i64);
    for row in db.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await? {
        positions.push(row.try_get("", "position")?);
        entries += row.try_get::<i64>("", "entries")?;
    }
    Ok((entries < most).then_some(positions))
}

/// Whether the log has `count` events of `topics` after `after` and up to `to`, neither more nor fewer, and keeps all that it ever
/// had there.
///
/// # Errors
/// When the database fails.
pub async fn has_between(db: &impl ConnectionTrait, topics: &[Topic], after: i64, to: i64, count: u64) -> Result<bool> {
    let found = between(db, topics, after, to, count).await?;
    // asked last: what was still kept now was kept while it was counted
    Ok(found.is_some_and(|found| found.len() as u64 == count) && floor(db).await?.is_some_and(|floor| floor <= after + 1))
}

/// Events of `topic`, and of no other, that are committed and wait for their position, at most `limit`: for whoever cannot
/// wait with them. Their position is 0.
///
/// # Errors
/// When the database fails.
pub async fn waiting(db: &impl ConnectionTrait, topic: Topic, limit: u64) -> Result<Vec<Message>> {
    let find = event::Entity::find()
        .filter(event::Column::Position.is_null())
        .filter(event::Column::Topics.eq(topic.to_string()))
        .order_by_asc(event::Column::Id)
        .limit(limit);
    Ok(find.all(db).await?.into_iter().map(|row| message(row, 0)).collect())
}

/// Which topics have moved since a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Each of them once, with the position of its newest event up to `known`.
    pub topics: Vec<(Topic, i64)>,
    /// Everything up to this position is now known: whoever asks again, asks from here.
    pub known: i64,
}

/// The topics that have events after position `after`. About `limit` entries of the index are read, in the order of their
/// positions, and every event wholly; nothing came since when `known` is still `after`.
///
/// # Errors
/// When the database fails.
pub async fn moved(db: &impl ConnectionTrait, after: i64, limit: u64) -> Result<Moved> {
    let values = [after.into(), limit.max(1).cast_signed().into()];
    let sql = "SELECT topic, max(position) AS position FROM event_topics WHERE position > $1 AND position <= ( \
         SELECT max(position) FROM ( \
           SELECT position FROM event_topics WHERE position > $1 ORDER BY position LIMIT $2 \
         ) AS next) GROUP BY topic";
    let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    let mut moved = Moved { topics: Vec::with_capacity(rows.len()), known: after };
    for row in rows {
        let (topic, position): (String, i64) = (row.try_get("", "topic")?, row.try_get("", "position")?);
        moved.known = moved.known.max(position);
        moved.topics.extend(topic.parse().ok().map(|topic| (topic, position)));
    }
    Ok(moved)
}

/// The oldest position that is kept; `None` when the log is empty.
pub(super) async fn floor(db: &impl ConnectionTrait) -> Result<Option<i64>> {
    let oldest = event::Entity::find()
        .select_only()
        .column(event::Column::Position)
        .filter(event::Column::Position.is_not_null())
        .order_by_asc(event::Column::Position)
        .limit(1);
    Ok(oldest.into_tuple().one(db).await?)
}

/// The positions of the events `ids`, of those that are kept and have one.
///
/// # Errors
/// When the database fails.
pub async fn positions(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<(Uuid, i64)>> {
    let find = event::Entity::find()
        .select_only()
        .column(event::Column::EventId)
        .column(event::Column::Position)
        .filter(event::Column::EventId.is_in(ids.to_vec()))
        .filter(event::Column::Position.is_not_null());
    Ok(find.into_tuple().all(db).await?)
}

/// The position of the newest event of each of `topics` up to `position`; a topic of which none is kept has 0.
pub(super) async fn newest(db: &impl ConnectionTrait, topics: Vec<String>, position: i64) -> Result<HashMap<String, i64>> {
    if topics.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<String> = (2..topics.len() + 2).map(|place| format!("(${place})")).collect();
    // one look into the index for each topic, however many events there are
    let sql = format!(
        "WITH asked (topic) AS (VALUES {}) SELECT asked.topic AS topic, coalesce(( \
           SELECT max(e.position) FROM event_topics AS e WHERE e.topic = asked.topic AND e.position <= $1 \
         ), 0) AS position FROM asked",
        places.join(", ")
    );
    let values = std::iter::once(Value::from(position)).chain(topics.into_iter().map(Value::from));
    let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    let mut newest = HashMap::with_capacity(rows.len());
    for row in rows {
        newest.insert(row.try_get("", "topic")?, row.try_get("", "position")?);
    }
    Ok(newest)
}

/// The message that tells of `row`.
pub(in crate::platform) fn message(row: event::Model, previous: i64) -> Message {
    Message {
        position: row.position.unwrap_or_default(),
        previous,
        event_id: row.event_id,
        kind: row.kind.into(),
        at: row.at,
        payload: row.payload.into(),
    }
}
