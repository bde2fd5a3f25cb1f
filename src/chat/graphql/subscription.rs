//! A chat, live.

use std::collections::HashMap;

use async_graphql::{Context, ID, SimpleObject, Subscription, Union};
use chrono::{DateTime, Utc};
use domain::access::{Audience, Reader, Role as RoleValue};
use domain::event::Topic;
use domain::id::Kind;
use entity::order;
use futures_util::stream::BoxStream;
use uuid::Uuid;

use super::message::Message;
use crate::app::App;
use crate::chat::event::{MESSAGE_SENT, MESSAGES_READ, MessageSent as Sent, MessagesRead as Read};
use crate::chat::service;
use crate::graphql::enums::Role;
use crate::graphql::scalars::EventCursor;
use crate::graphql::{GraphError, Result, Signed, ids, reader};
use crate::orders::event::{ORDER_CHANGED, OrderChange};
use crate::orders::graphql::order_version;
use crate::orders::service as orders;
use crate::platform::bus::Message as BusMessage;
use crate::platform::error::Denial;
use crate::stream::{Snapshot, SnapshotCursors, Source, StreamReset, follow, payload};

/// Messages that a chat begins with.
const MAX_SNAPSHOT: usize = 100;

/// An item of chatMessages.
#[derive(Debug, Clone, Union)]
pub enum ChatItem {
    /// The chat as it is now.
    Snapshot(ChatSnapshot),
    /// Somebody wrote.
    Sent(Box<MessageSent>),
    /// Somebody has read.
    Read(MessagesRead),
    /// What follows is new.
    Reset(StreamReset),
}

/// The chat as it is now: what its stream begins with.
#[derive(Debug, Clone, SimpleObject)]
pub struct ChatSnapshot {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    /// The newest messages, oldest first; 100 at most.
    #[graphql(complexity = "1 + MAX_SNAPSHOT * child_complexity")]
    pub messages: Vec<Message>,
    /// Whether there are older ones: see `Order.messages`.
    pub more: bool,
}

/// Somebody wrote in the chat.
#[derive(Debug, Clone, SimpleObject)]
pub struct MessageSent {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    /// What they wrote.
    pub message: Message,
}

/// Somebody has read the chat: messages up to this one that other parties than theirs sent, and that were unread, are read since
/// then.
#[derive(Debug, Clone, SimpleObject)]
pub struct MessagesRead {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    /// What they are to the order.
    pub reader_role: Role,
    /// The last message that they have read.
    pub up_to: ID,
    /// When they had.
    pub read_at: DateTime<Utc>,
}

/// What the numbers of an order's messages are versions of, beside the order itself.
const fn numbers_of(order: Uuid) -> Uuid {
    Uuid::from_u128(!order.as_u128())
}

/// The chat of one order.
struct Chat {
    reader: Reader,
    order: Uuid,
}

impl Chat {
    /// The order, if the reader takes part in its chat.
    async fn order(&self, app: &App) -> Result<Option<order::Model>> {
        let order = orders::find_order(app.db.reader(), self.order).await?;
        Ok(order.filter(|order| service::party(order, self.reader).is_some()))
    }
}

impl Source for Chat {
    type Item = ChatItem;

    fn topic(&self) -> Topic {
        Topic::Chat(self.order)
    }

    /// Admins all see the same of an order. To others it says who they are to it, and what they may do.
    fn audience(&self) -> Audience {
        if self.reader.role == Some(RoleValue::Admin) { Audience::Role } else { Audience::User }
    }

    async fn authorise(&self, app: &App) -> Result<()> {
        match self.order(app).await? {
            Some(_) => Ok(()),
            None => Err(GraphError::new("NOT_FOUND", "There is no such order.")),
        }
    }

    async fn snapshot(&self, app: &App, cursors: SnapshotCursors) -> Result<Snapshot<ChatItem>> {
        // read before the messages: who lost the order in between sees none of those that came since
        let mut rows = service::list_last(app.db.reader(), &[self.order], MAX_SNAPSHOT as u64 + 1).await?;
        let Some(order) = self.order(app).await? else {
            return Err(GraphError::new("NOT_FOUND", "There is no such order."));
        };
        let more = rows.len() > MAX_SNAPSHOT;
        let newest = rows.first().map(|newest| (numbers_of(self.order), newest.number));
        // of a change before this one it is nothing to them that it took the order from them
        let seen = newest.into_iter().chain([(order.id, order.version)]).collect();
        rows.truncate(MAX_SNAPSHOT);
        let messages = rows.into_iter().rev().filter_map(|row| Message::seen_by(row, &order, self.reader)).collect();
        let snapshot = ChatSnapshot { cursor: cursors.only(), messages, more };
        Ok(Snapshot { items: vec![ChatItem::Snapshot(snapshot)], seen })
    }

    fn version(&self, message: &BusMessage) -> Option<(Uuid, i32)> {
        match &*message.kind {
            ORDER_CHANGED => order_version(message),
            MESSAGE_SENT => payload::<Sent>(message).map(|sent| (numbers_of(sent.order_id), sent.number)),
            _ => None,
        }
    }

    async fn item(&self, app: &App, message: &BusMessage, cursor: EventCursor) -> Result<Option<ChatItem>> {
        Ok(self.items(app, &[(message, cursor)]).await?.pop().flatten())
    }

    async fn items(&self, app: &App, asked: &[(&BusMessage, EventCursor)]) -> Result<Vec<Option<ChatItem>>> {
        let sent = |message: &BusMessage| if &*message.kind == MESSAGE_SENT { payload::<Sent>(message) } else { None };
        let sent: Vec<Option<Uuid>> = asked.iter().map(|(message, _)| Some(sent(message)?.message_id)).collect();
        let ids: Vec<Uuid> = sent.iter().flatten().copied().collect();
        let rows = if ids.is_empty() { Vec::new() } else { service::list_by_ids(app.db.reader(), &ids).await? };
        let rows: HashMap<Uuid, _> = rows.into_iter().map(|row| (row.id, row)).collect();
        // asked after they were read, and of now: what is replayed may be from before somebody lost the order
        let order = if rows.is_empty() { None } else { self.order(app).await? };
        let item = |(&(message, cursor), sent): (&(&BusMessage, EventCursor), Option<Uuid>)| {
            if &*message.kind == MESSAGES_READ {
                let read = payload::<Read>(message)?;
                return Some(ChatItem::Read(MessagesRead {
                    cursor,
                    reader_role: read.reader_role.into(),
                    up_to: ids::id(Kind::Message, read.up_to_id),
                    read_at: read.read_at,
                }));
            }
            let row = rows.get(&sent?)?.clone();
            let message = Message::seen_by(row, order.as_ref()?, self.reader)?;
            Some(ChatItem::Sent(Box::new(MessageSent { cursor, message })))
        };
        Ok(asked.iter().zip(sent).map(item).collect())
    }

    /// A partner hears of a chat until the order is theirs no more.
    fn ends(&self, message: &BusMessage) -> bool {
        let is_lost = |change: OrderChange| change.is_lost_by(self.reader);
        &*message.kind == ORDER_CHANGED && payload(message).is_some_and(is_lost)
    }

    fn reset(&self, reset: StreamReset) -> Option<ChatItem> {
        Some(ChatItem::Reset(reset))
    }
}

/// What chats add to Subscription.
#[derive(Debug, Default)]
pub struct ChatSubscription;

#[Subscription]
impl ChatSubscription {
    /// Whoever takes part in the chat of an order: its newest messages, then each that is sent, and how far the others have read.
    /// Completes for a partner who does not have the order any more.
    #[graphql(guard = "Signed::any()")]
    async fn chat_messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the order, `ord_…`.")] order_id: ID,
        #[graphql(desc = "The last cursor received: what came since is sent first.")] after: Option<EventCursor>,
    ) -> Result<BoxStream<'static, Result<ChatItem>>> {
        let reader = reader(ctx).ok_or(Denial::Unauthenticated)?;
        follow(ctx, Chat { reader, order: ids::parse(Kind::Order, &order_id)? }, after).await
    }
}
