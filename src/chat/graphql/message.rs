//! A message.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use domain::access::Reader;
use domain::id::Kind;
use entity::{message, order};

use super::loaders::{End, MessagesLoader};
use crate::accounts::graphql::User;
use crate::chat::service;
use crate::graphql::connection::connection;
use crate::graphql::enums::Role;
use crate::graphql::loaders::{load, load_existing};
use crate::graphql::{Result, app, ids, reader};
use crate::orders::graphql::{Order, OrderLoader, TimeLoader};
use crate::platform::page::{Page, PageArgs};

/// A message in the chat of an order.
#[derive(Debug, Clone)]
pub struct Message(message::Model);

impl Message {
    /// `row`, which is in the chat of `order`, as `reader` sees it; `None` when they may not know that it exists.
    #[must_use]
    pub fn seen_by(row: message::Model, order: &order::Model, reader: impl Into<Reader>) -> Option<Self> {
        service::party(order, reader).filter(|_| row.order_id == order.id).map(|_| Self(row))
    }

    /// `row`, which its reader has just sent.
    pub(super) const fn own(row: message::Model) -> Self {
        Self(row)
    }
}

/// A message in the chat of an order.
#[Object]
impl Message {
    /// Opaque, `msg_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Message, self.0.id)
    }

    /// In whose chat it is.
    async fn order(&self, ctx: &Context<'_>) -> Result<Order> {
        Ok(Order::of_claim(load_existing::<OrderLoader, _>(ctx, self.0.order_id).await?, ctx))
    }

    /// Who sent it.
    async fn sender(&self, ctx: &Context<'_>) -> Result<User> {
        User::load(ctx, self.0.sender_id).await
    }

    /// What the sender is to the order.
    async fn sender_role(&self) -> Role {
        self.0.sender_role.0.into()
    }

    /// In the sender's words.
    async fn body(&self) -> &str {
        &self.0.body.0
    }

    /// When it was sent.
    async fn sent_at(&self) -> DateTime<Utc> {
        self.0.sent_at
    }

    /// When somebody of another party, admins aside, had read it; null until then.
    async fn read_at(&self) -> Option<DateTime<Utc>> {
        self.0.read_at
    }
}

connection! {
    /// A page of a chat, oldest first.
    MessageConnection, MessageEdge, Message
}

/// Whether messages may be sent in the chat of `order` now.
///
/// # Errors
/// Faults of the database.
pub async fn is_open(ctx: &Context<'_>, order: &order::Model) -> Result<bool> {
    // of most orders the clock decides nothing
    let at = match order.carried_until {
        Some(end) => load::<TimeLoader, _>(ctx, ()).await?.unwrap_or(end),
        None => order.updated_at,
    };
    Ok(service::is_open(app(ctx)?, order, at))
}

/// A page of the chat of `order`; an empty one for whoever does not take part in it.
///
/// # Errors
/// `BAD_PAGE`, `BAD_CURSOR`; faults of the database.
pub async fn page_of(
    ctx: &Context<'_>,
    order: &order::Model,
    first: Option<i32>,
    after: Option<&str>,
    last: Option<i32>,
    before: Option<&str>,
) -> Result<MessageConnection> {
    let args = PageArgs::new(&("messages", order.id), first, after, last, before)?;
    let party = match reader(ctx) {
        // a subscription may show the order as it was when it was this partner's: what is said in it now is another's
        Some(reader) if reader.role == Some(domain::access::Role::Partner) => {
            let now = load::<OrderLoader, _>(ctx, order.id).await?;
            now.and_then(|now| service::party(&now, reader))
        }
        Some(reader) => service::party(order, reader),
        None => None,
    };
    if party.is_none() {
        return Ok(Page { rows: Vec::new(), has_next: false, has_previous: false }.into());
    }
    let page = if args.after().is_none() && args.before().is_none() {
        // the ends of many chats at once
        let end = End { order: order.id, limit: args.size() + 1, is_backward: args.is_backward() };
        args.cut(load::<MessagesLoader, _>(ctx, end).await?.unwrap_or_default(), service::key)
    } else {
        service::list_messages(app(ctx)?.db.reader(), order.id, &args).await?
    };
    Ok(page.map(Message).into())
}
