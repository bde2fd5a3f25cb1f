//! Positions for what is committed.

use entity::{event, event_topic, relay};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Statement};

use super::{BATCH, FEED, LEASE, Relay, Step, epoch};
use crate::platform::db::Tx;
use crate::platform::error::Result;
use crate::platform::lease;

impl Relay {
    /// Gives positions to a batch of committed events that have none, if this instance holds the lease or can have it. Asks
    /// nothing of the bus.
    ///
    /// # Errors
    /// When the database fails; then nothing happened.
    pub async fn number(&self) -> Result<Step> {
        // everything has a position: most of the time, and then nothing is written
        if !self.is_waiting().await? {
            return Ok(Step::Moved(0));
        }
        let tx = self.db.begin().await?;
        let Some(lease) = self.lease(&tx).await? else { return Ok(Step::NotMine) };
        // rows of one order are in the order of its versions: each waited for the order's row lock
        let number = Statement::from_sql_and_values(
            tx.get_database_backend(),
            "UPDATE events SET position = batch.position FROM ( \
               SELECT id, $1 + row_number() OVER (ORDER BY id) AS position \
               FROM (SELECT id FROM events WHERE position IS NULL ORDER BY id LIMIT $2) AS waiting \
             ) AS batch WHERE events.id = batch.id",
            [lease.position.into(), BATCH.cast_signed().into()],
        );
        let numbered = tx.execute_raw(number).await?.rows_affected();
        if numbered > 0 {
            relay::Entity::update_many()
                .col_expr(relay::Column::Position, Expr::value(lease.position + numbered.cast_signed()))
                .filter(relay::Column::Name.eq(FEED))
                .exec(&*tx)
                .await?;
            index_topics(&tx, lease.position).await?;
        }
        tx.commit().await?;
        Ok(Step::Moved(numbered))
    }

    /// Takes or renews the lease, whose row is then locked until `tx` ends; `None` when it is another's. A feed that is not
    /// there yet gets its row first.
    pub(super) async fn lease(&self, tx: &Tx) -> Result<Option<relay::Model>> {
        let taken = lease::take(tx, &self.clock, FEED, self.me, LEASE).await?;
        if taken.is_some() || relay::Entity::find_by_id(FEED.to_owned()).one(&**tx).await?.is_some() {
            return Ok(taken);
        }
        lease::ensure(&**tx, FEED, epoch::draw(&self.ids)).await?;
        lease::take(tx, &self.clock, FEED, self.me, LEASE).await
    }
}

/// Notes which topics the events after `position` belong to.
async fn index_topics(tx: &Tx, position: i64) -> Result<()> {
    let rows: Vec<(i64, String)> = event::Entity::find()
        .select_only()
        .column(event::Column::Position)
        .column(event::Column::Topics)
        .filter(event::Column::Position.gt(position))
        .into_tuple()
        .all(&**tx)
        .await?;
    let topics = rows.iter().flat_map(|(position, topics)| {
        topics.split(' ').map(|topic| event_topic::ActiveModel { topic: Set(topic.to_owned()), position: Set(*position) })
    });
    event_topic::Entity::insert_many(topics).exec_without_returning(&**tx).await?;
    Ok(())
}
