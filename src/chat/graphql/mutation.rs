//! Writing and reading.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::id::Kind;

use super::message::Message;
use crate::chat::service::{self, Send};
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app, ids};

/// A message to an order's people.
#[derive(Clone, InputObject)]
pub struct SendMessageInput {
    /// 1 to 255 characters; the same key sends once.
    pub idempotency_key: String,
    /// In the chat of which order.
    pub order_id: ID,
    /// 1 to 2,000 characters.
    pub body: String,
}

/// What came of a message.
#[derive(Debug, SimpleObject)]
pub struct MessagePayload {
    /// The message; null when there are userErrors.
    pub message: Option<Message>,
    /// Why it was not sent.
    pub user_errors: Vec<UserError>,
}

/// How far you have read.
#[derive(Debug, Clone, InputObject)]
pub struct MarkMessagesReadInput {
    /// The chat of which order.
    pub order_id: ID,
    /// The last message that you have read: those before it count as read, too.
    pub up_to: ID,
}

/// What came of having read.
#[derive(Debug, SimpleObject)]
pub struct MarkMessagesReadPayload {
    /// How many messages were unread until now.
    pub marked: i32,
    /// Why nothing was marked.
    pub user_errors: Vec<UserError>,
}

/// What chats add to Mutation.
#[derive(Debug, Default)]
pub struct ChatMutation;

#[Object]
impl ChatMutation {
    /// Writes in the chat of an order: its customer, its store, the partner who carries it, and admins. From a partner's accepted
    /// claim until some time after the order's end; else `CHAT_CLOSED`. A party may send 250 messages in one chat.
    #[graphql(guard = "Signed::any()")]
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To whose people, and what.")] input: SendMessageInput,
    ) -> Result<MessagePayload> {
        let send = Send { order: ids::parse(Kind::Order, &input.order_id)?, body: input.body };
        let result = service::send(app(ctx)?, actor(ctx)?, &input.idempotency_key, send).await;
        let Outcome { value, user_errors } = Outcome::of(result)?;
        Ok(MessagePayload { message: value.map(Message::own), user_errors })
    }

    /// Says that you have read a chat up to a message. What the others sent until there is marked as read, once and for good, and
    /// whoever follows the chat hears of it. An admin's reading is not marked.
    #[graphql(guard = "Signed::any()")]
    async fn mark_messages_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which chat, and how far.")] input: MarkMessagesReadInput,
    ) -> Result<MarkMessagesReadPayload> {
        let (order, up_to) = (ids::parse(Kind::Order, &input.order_id)?, ids::parse(Kind::Message, &input.up_to)?);
        let Outcome { value, user_errors } = Outcome::of(service::mark_read(app(ctx)?, actor(ctx)?, order, up_to).await)?;
        let marked = i32::try_from(value.unwrap_or_default()).unwrap_or(i32::MAX);
        Ok(MarkMessagesReadPayload { marked, user_errors })
    }
}
