//! Messages for whoever listens now.

use std::collections::HashSet;

use entity::{event, relay};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{BATCH, FEED, Relay, Step, log, names};
use crate::platform::bus::Message;
use crate::platform::error::Result;

impl Relay {
    /// Publishes a batch of the events that have positions, from where the last one ended, if this instance holds the lease
    /// or can have it.
    ///
    /// # Errors
    /// When the database or the bus fails; what was not published, and perhaps some that was, is published by a later call.
    pub async fn publish(&self) -> Result<Step> {
        let feed = relay::Entity::find_by_id(FEED.to_owned()).one(self.db.reader()).await?;
        let Some(feed) = feed.filter(|feed| feed.published < feed.position) else { return Ok(Step::Moved(0)) };
        // While the row has this instance's name, nobody has taken over, though the lease may have run out: it may at any
        // moment. Two who publish the same do no harm, since each goes on where the log says.
        let published = if feed.holder == self.me {
            feed.published
        } else {
            let tx = self.db.begin().await?;
            let Some(lease) = self.lease(&tx).await? else { return Ok(Step::NotMine) };
            tx.commit().await?;
            lease.published
        };
        let rows = event::Entity::find()
            .filter(event::Column::Position.gt(published))
            .order_by_asc(event::Column::Position)
            .limit(BATCH)
            .all(self.db.reader())
            .await?;
        let Some(last) = rows.last().and_then(|row| row.position) else { return Ok(Step::Moved(0)) };
        let count = rows.len() as u64;
        self.bus.publish(self.chained(rows, published).await?).await?;
        relay::Entity::update_many()
            .col_expr(relay::Column::Published, Expr::value(last))
            .filter(relay::Column::Name.eq(FEED))
            .filter(relay::Column::Holder.eq(self.me))
            // another may have had the lease in between, and have come further
            .filter(relay::Column::Published.lt(last))
            .exec(self.db.writer())
            .await?;
        Ok(Step::Moved(count))
    }

    /// What `rows`, the events after `position`, are to each of their topics, as the log names them: one that only a newer
    /// instance knows is for that one to hear. A message names the one before it.
    async fn chained(&self, rows: Vec<event::Model>, position: i64) -> Result<Vec<(String, Message)>> {
        let concerned: HashSet<String> = rows.iter().flat_map(|row| names(&row.topics)).map(str::to_owned).collect();
        let mut newest = log::newest(self.db.reader(), concerned.into_iter().collect(), position).await?;
        let mut messages = Vec::with_capacity(rows.len());
        for mut row in rows {
            let of = std::mem::take(&mut row.topics);
            let message = log::message(row, 0);
            for topic in names(&of) {
                let previous = newest.insert(topic.to_owned(), message.position).unwrap_or(0);
                messages.push((topic.to_owned(), Message { previous, ..message.clone() }));
            }
        }
        Ok(messages)
    }
}
