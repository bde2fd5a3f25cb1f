//! Who is told what of an event.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::claims::ClaimStatus;
use domain::id::{Kind, encode};
use domain::notification::NotificationKind;
use domain::order::OrderEventType;
use domain::webhook::{WEBHOOK_PAUSED, WebhookPaused};
use entity::{Text, notification, product};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::service;
use super::templates::{self, Words};
use crate::accounts::service as accounts;
use crate::catalog::service as catalog;
use crate::chat::event::{MESSAGE_SENT, MessageSent};
use crate::inventory::event::{STOCK_FELL, StockFell};
use crate::orders::event::{ORDER_CHANGED, OrderChange};
use crate::orders::service as orders;
use crate::platform::Result;
use crate::platform::bus::Message;
use crate::platform::db::Tx;

/// What somebody is to be told.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    user: Uuid,
    kind: NotificationKind,
    words: Words,
    order: Option<Uuid>,
    event: Uuid,
    at: DateTime<Utc>,
}

impl Notice {
    pub(super) fn into_row(self, id: Uuid) -> notification::Model {
        notification::Model {
            id,
            user_id: self.user,
            event_id: self.event,
            kind: Text(self.kind),
            title: self.words.title,
            body: self.words.body,
            order_id: self.order,
            created_at: self.at,
            read_at: None,
        }
    }
}

/// Looks up who is meant, for the events of one batch.
pub(super) struct Recipients<'a> {
    tx: &'a Tx,
    /// The users behind stores.
    sellers: HashMap<Uuid, Option<Uuid>>,
    /// What has run low of each seller's.
    fallen: HashMap<Uuid, Vec<(product::Model, StockFell)>>,
    notices: Vec<Notice>,
}

impl<'a> Recipients<'a> {
    pub(super) fn new(tx: &'a Tx) -> Self {
        Self { tx, sellers: HashMap::new(), fallen: HashMap::new(), notices: Vec::new() }
    }

    pub(super) fn into_notices(self) -> Vec<Notice> {
        self.notices
    }

    /// Adds who is to be told of `message`. Of most events nobody is.
    pub(super) async fn add(&mut self, message: &Message) -> Result<()> {
        match &*message.kind {
            ORDER_CHANGED => match payload(message) {
                Some(change) => self.of_order(message, &change).await,
                None => Ok(()),
            },
            STOCK_FELL => match payload(message) {
                Some(fell) => self.of_stock(message, fell).await,
                None => Ok(()),
            },
            MESSAGE_SENT => match payload(message) {
                Some(sent) => self.of_chat(message, &sent).await,
                None => Ok(()),
            },
            WEBHOOK_PAUSED => match payload(message) {
                Some(paused) => self.of_webhook(message, &paused).await,
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn tell(&mut self, message: &Message, user: Uuid, kind: NotificationKind, words: Words, order: Option<Uuid>) {
        self.notices.push(Notice { user, kind, words, order, event: message.event_id, at: message.at });
    }

    async fn of_order(&mut self, message: &Message, change: &OrderChange) -> Result<()> {
        let OrderChange { event, order, .. } = change;
        let r#type = *event.r#type;
        // nobody is told what they did themselves
        let is_other = |user: Uuid| event.actor_id != Some(user);
        if let Some(kind) = kind_of(r#type) {
            let words = templates::to_customer(order, r#type, event.note.as_deref());
            if let Some(words) = words.filter(|_| is_other(order.customer_id)) {
                self.tell(message, order.customer_id, kind, words, Some(order.id));
            }
            if let Some(words) = templates::to_store(order, r#type)
                && let Some(seller) = self.seller(order.seller_id).await?.filter(|seller| is_other(*seller))
            {
                self.tell(message, seller, kind, words, Some(order.id));
            }
        }
        if r#type == OrderEventType::Assigned
            && let Some(partner) = order.partner_id.filter(|partner| is_other(*partner))
        {
            let words = templates::assigned(order);
            self.tell(message, partner, NotificationKind::DeliveryAssigned, words, Some(order.id));
        }
        if change.may_end_chat() {
            for claim in orders::list_claims_ended(&**self.tx, order.id, event.at).await? {
                // who gave it back knows, and who only looked at it had nothing
                if *claim.status != ClaimStatus::Released && claim.accepted_at.is_some() && is_other(claim.partner_id) {
                    let words = templates::withdrawn(order, r#type);
                    self.tell(message, claim.partner_id, NotificationKind::DeliveryWithdrawn, words, Some(order.id));
                }
            }
        }
        Ok(())
    }

    /// A seller is told of all that fell in this batch at once: an import may lower a thousand.
    async fn of_stock(&mut self, message: &Message, fell: StockFell) -> Result<()> {
        for product in catalog::list_by_ids(&**self.tx, &[fell.product]).await? {
            let Some(seller) = self.seller(product.seller_id).await?.filter(|seller| fell.by != Some(*seller)) else {
                continue;
            };
            let fallen = self.fallen.entry(seller).or_default();
            fallen.retain(|(before, _)| before.id != product.id);
            fallen.push((product, fell));
            let words = templates::low_stock(fallen);
            let mut known = self.notices.iter_mut();
            match known.find(|notice| (notice.user, notice.kind) == (seller, NotificationKind::LowStock)) {
                Some(notice) => notice.words = words,
                None => self.tell(message, seller, NotificationKind::LowStock, words, None),
            }
        }
        Ok(())
    }

    /// Whoever has an unread word of a chat already is not told once more.
    async fn of_chat(&mut self, message: &Message, sent: &MessageSent) -> Result<()> {
        let Some(order) = orders::find_order(&**self.tx, sent.order_id).await? else { return Ok(()) };
        let seller = self.seller(sent.seller_id).await?;
        let parties = [Some(sent.customer_id), seller, sent.partner_id];
        let others: Vec<Uuid> = parties.into_iter().flatten().filter(|user| *user != sent.sender_id).collect();
        let kind = NotificationKind::ChatMessage;
        let waiting = service::list_waiting(self.tx, &others, order.id).await?;
        for user in others {
            let is_told = self.notices.iter().any(|notice| {
                (notice.user, notice.kind, notice.order) == (user, kind, Some(order.id)) // of this batch
            });
            if !is_told && !waiting.contains(&user) {
                self.tell(message, user, kind, templates::chat_message(&order), Some(order.id));
            }
        }
        Ok(())
    }

    async fn of_webhook(&mut self, message: &Message, paused: &WebhookPaused) -> Result<()> {
        let words = templates::webhook_paused(&encode(Kind::WebhookEndpoint, paused.endpoint), paused.reason);
        for admin in accounts::list_admins(&**self.tx).await? {
            self.tell(message, admin, NotificationKind::WebhookPaused, words.clone(), None);
        }
        Ok(())
    }

    /// The user behind a store.
    async fn seller(&mut self, store: Uuid) -> Result<Option<Uuid>> {
        if let Some(user) = self.sellers.get(&store) {
            return Ok(*user);
        }
        let user = accounts::find_seller(&**self.tx, store).await?.map(|seller| seller.user_id);
        self.sellers.insert(store, user);
        Ok(user)
    }
}

/// What customers and stores are told of a change, if anything.
const fn kind_of(r#type: OrderEventType) -> Option<NotificationKind> {
    match r#type {
        OrderEventType::Placed => Some(NotificationKind::OrderPlaced),
        OrderEventType::Confirmed => Some(NotificationKind::OrderConfirmed),
        OrderEventType::Ready => Some(NotificationKind::OrderReady),
        OrderEventType::Assigned => Some(NotificationKind::OrderAssigned),
        OrderEventType::PickedUp => Some(NotificationKind::OrderPickedUp),
        OrderEventType::InTransit => Some(NotificationKind::DeliveryInTransit),
        OrderEventType::Delivered => Some(NotificationKind::OrderDelivered),
        OrderEventType::Cancelled => Some(NotificationKind::OrderCancelled),
        OrderEventType::Failed => Some(NotificationKind::OrderFailed),
        OrderEventType::PaymentSucceeded => Some(NotificationKind::PaymentSucceeded),
        OrderEventType::PaymentFailed => Some(NotificationKind::PaymentFailed),
        OrderEventType::Refunded => Some(NotificationKind::PaymentRefunded),
        OrderEventType::Preparing
        | OrderEventType::ClaimHeld
        | OrderEventType::ClaimReleased
        | OrderEventType::ClaimExpired
        | OrderEventType::Rated => None,
    }
}

/// Reads a payload. One that is not what its kind says is logged, and nobody is told of it.
fn payload<P: DeserializeOwned>(message: &Message) -> Option<P> {
    P::deserialize(&*message.payload)
        .inspect_err(|error| tracing::error!(%error, kind = %message.kind, "an event's payload cannot be read"))
        .ok()
}
