//! Use-cases of chats.

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{Actor, Party, Reader, Role};
use domain::event::Topic;
use domain::id::{Kind, encode};
use domain::{chat, input};
use entity::{MessageBody, Text, message, order};
use sea_orm::ConnectionTrait;
use serde_json::json;
use uuid::Uuid;

use super::error::ChatError;
use super::event::{MESSAGE_SENT, MESSAGES_READ, MessageSent, MessagesRead};
use super::repo;
use crate::app::App;
use crate::orders::service as orders;
use crate::platform::Result;
use crate::platform::audit::{self, NewEntry};
use crate::platform::db::{Tx, retry};
use crate::platform::idempotency::{self, Begun, Request};
use crate::platform::outbox::{self, NewEvent};
use crate::platform::page::{Page, PageArgs};

pub use super::repo::key;

/// What `reader` is to the chat of `order`; `None`: nothing, so there is no such chat for them. Of partners only the one who
/// carries the order, or brought it.
#[must_use]
pub fn party(order: &order::Model, reader: impl Into<Reader>) -> Option<Party> {
    let party = orders::party(order, reader)?;
    (party != Party::Partner || orders::carrier(order).is_some()).then_some(party)
}

/// Whether messages may be sent in the chat of `order` at `now`.
#[must_use]
pub fn is_open(app: &App, order: &order::Model, now: DateTime<Utc>) -> bool {
    let grace = TimeDelta::from_std(app.config.chat_grace).unwrap_or(TimeDelta::MAX / 4);
    chat::is_open(*order.status, order.carried_until, now, grace)
}

/// A message to be sent.
#[derive(Clone)]
pub struct Send {
    /// In the chat of which order.
    pub order: Uuid,
    /// 1 to 2,000 characters.
    pub body: String,
}

impl std::fmt::Debug for Send {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Send").field("order", &self.order).finish_non_exhaustive()
    }
}

/// Sends a message, once for each key.
///
/// # Errors
/// `INVALID_INPUT` at `body`; at `orderId`: `NOT_FOUND` for an order whose chat is nothing to the actor, `CHAT_CLOSED` when it is
/// not open, or takes no more of them.
pub async fn send(app: &App, actor: Actor, key: &str, send: Send) -> Result<message::Model> {
    let send = Send { body: input::paragraph("body", &send.body, 1, chat::MAX_BODY)?, ..send };
    let request = Request::new(actor.principal(), "sendMessage", key, &(send.order, &send.body))?;
    retry(|| send_once(app, actor, &request, &send)).await
}

async fn send_once(app: &App, actor: Actor, request: &Request, send: &Send) -> Result<message::Model> {
    let tx = app.db.begin().await?;
    let began = app.clock.db_now(&*tx).await?;
    let done = idempotency::begin::<Uuid>(&tx, request, began).await?;
    // from here on nobody ends the order, gives it to another, or writes in its chat
    let order = orders::lock_order(&tx, send.order).await?.ok_or(ChatError::NotFound)?;
    let party = party(&order, actor).ok_or(ChatError::NotFound)?;
    if let Begun::Done(id) = done {
        return repo::find_message(&*tx, id).await?.ok_or_else(|| ChatError::NotFound.into());
    }
    // asked after the lock was had, however long that took
    let at = app.clock.db_now(&*tx).await?;
    if !is_open(app, &order, at) {
        return Err(ChatError::Closed.into());
    }
    let role = role_of(party);
    if repo::count_of_sender(&*tx, order.id, actor.user).await? >= chat::MAX_OF_PARTY {
        return Err(ChatError::Full.into());
    }
    let row = message::Model {
        id: app.ids.uuid(),
        order_id: order.id,
        number: repo::last_number(&*tx, order.id).await? + 1,
        sender_id: actor.user,
        sender_role: Text(role),
        body: MessageBody(send.body.clone()),
        sent_at: at,
        read_at: None,
    };
    repo::insert_message(&*tx, row.clone()).await?;
    let sent = MessageSent {
        message_id: row.id,
        number: row.number,
        order_id: order.id,
        sender_id: actor.user,
        customer_id: order.customer_id,
        seller_id: order.seller_id,
        partner_id: orders::carrier(&order),
        sent_at: at,
    };
    append(app, &tx, MESSAGE_SENT, order.id, &sent, at).await?;
    if party == Party::Admin {
        // that they spoke, and not what they said: the chat has it
        let (id, target) = (app.ids.uuid(), Some((Kind::Order, order.id)));
        let after = Some(json!({ "message": encode(Kind::Message, row.id) }));
        audit::append(&tx, NewEntry { id, by: actor.into(), action: "chat.send", target, before: None, after, at }).await?;
    }
    idempotency::finish(&tx, request, &row.id).await?;
    tx.commit().await?;
    Ok(row)
}

/// Says that `actor` has read the chat of `order` up to the message `up_to`; how many that were new to it. What an admin reads
/// is not marked: the order's own people want to know whether they read each other.
///
/// # Errors
/// `NOT_FOUND` at `orderId` or `upTo` for what is nothing to the actor.
pub async fn mark_read(app: &App, actor: Actor, order: Uuid, up_to: Uuid) -> Result<u64> {
    retry(|| mark_read_once(app, actor, order, up_to)).await
}

async fn mark_read_once(app: &App, actor: Actor, order: Uuid, up_to: Uuid) -> Result<u64> {
    let tx = app.db.begin().await?;
    let order = orders::lock_order(&tx, order).await?.ok_or(ChatError::NotFound)?;
    let party = party(&order, actor).ok_or(ChatError::NotFound)?;
    let last = repo::find_message(&*tx, up_to).await?.filter(|row| row.order_id == order.id);
    let last = last.ok_or(ChatError::NoSuchMessage)?;
    if party == Party::Admin {
        return Ok(0);
    }
    let (at, reader_role) = (app.clock.db_now(&*tx).await?, role_of(party));
    let marked = repo::update_read(&*tx, order.id, reader_role, last.number, at).await?;
    if marked > 0 {
        let read = MessagesRead { order_id: order.id, reader_role, up_to_id: last.id, read_at: at };
        append(app, &tx, MESSAGES_READ, order.id, &read, at).await?;
        tx.commit().await?;
    }
    Ok(marked)
}

async fn append<P: serde::Serialize + Sync>(
    app: &App,
    tx: &Tx,
    kind: &'static str,
    order: Uuid,
    payload: &P,
    at: DateTime<Utc>,
) -> Result<()> {
    let topics = [Topic::Chat(order)];
    outbox::append(tx, &NewEvent { id: app.ids.uuid(), kind, topics: &topics, payload, at }).await
}

const fn role_of(party: Party) -> Role {
    match party {
        Party::Customer => Role::Customer,
        Party::Seller => Role::Seller,
        Party::Partner => Role::Partner,
        Party::Admin => Role::Admin,
    }
}

/// The messages `ids`.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<message::Model>> {
    Ok(repo::list_by_ids(db, ids).await?)
}

/// A page of the chat of `order`, oldest first.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list_messages(db: &impl ConnectionTrait, order: Uuid, args: &PageArgs) -> Result<Page<message::Model>> {
    repo::list_messages(db, order, args).await
}

/// The first `limit` messages of each of `orders`, oldest first: one statement.
///
/// # Errors
/// When the database fails.
pub async fn list_first(db: &impl ConnectionTrait, orders: &[Uuid], limit: u64) -> Result<Vec<message::Model>> {
    Ok(repo::list_first(db, orders, limit).await?)
}

/// The last `limit` messages of each of `orders`, newest first: one statement.
///
/// # Errors
/// When the database fails.
pub async fn list_last(db: &impl ConnectionTrait, orders: &[Uuid], limit: u64) -> Result<Vec<message::Model>> {
    Ok(repo::list_last(db, orders, limit).await?)
}
