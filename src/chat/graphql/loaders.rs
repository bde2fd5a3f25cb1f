//! Messages of many chats, in one statement each.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::message;
use uuid::Uuid;

use crate::app::App;
use crate::chat::service;
use crate::graphql::loaders::by_id;
use crate::graphql::{GraphError, Result};

by_id! {
    /// Messages by id, whoever asks: what they may see is decided by `Message::seen_by`.
    MessageLoader, message::Model, service::list_by_ids
}

/// An end of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct End {
    /// Of which order.
    pub order: Uuid,
    /// Messages, at the most.
    pub limit: u64,
    /// Whether it is the newest of them, newest first, or the oldest, oldest first.
    pub is_backward: bool,
}

/// The ends of chats.
#[derive(Debug)]
pub struct MessagesLoader(pub App);

impl Loader<End> for MessagesLoader {
    type Value = Vec<message::Model>;
    type Error = GraphError;

    async fn load(&self, ends: &[End]) -> Result<HashMap<End, Vec<message::Model>>> {
        let mut orders_by_kind: HashMap<(u64, bool), Vec<Uuid>> = HashMap::new();
        for end in ends {
            orders_by_kind.entry((end.limit, end.is_backward)).or_default().push(end.order);
        }
        let (db, mut found): (_, HashMap<End, Vec<_>>) = (self.0.db.reader(), HashMap::new());
        for ((limit, is_backward), orders) in orders_by_kind {
            let rows = if is_backward {
                service::list_last(db, &orders, limit).await?
            } else {
                service::list_first(db, &orders, limit).await?
            };
            for row in rows {
                found.entry(End { order: row.order_id, limit, is_backward }).or_default().push(row);
            }
        }
        Ok(found)
    }
}
