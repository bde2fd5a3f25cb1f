//! Who is told what of an event.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::claims::ClaimStatus;
use domain::id::{Kind, encode};
use domain::notification::NotificationKind;
use domain::order::OrderEventType;
use domain::webhook::{WEBHOOK_PAUSED, WebhookPaused};
use entity::{Text, claim, notification, order, product};
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

/// What somebody may be told of.
enum Told {
    Order(Box<OrderChange>),
    Stock(StockFell),
    Chat(MessageSent),
    Webhook(WebhookPaused),
}

impl Told {
    /// Of most events nobody is told.
    fn read(message: &Message) -> Option<Self> {
        match &*message.kind {
            ORDER_CHANGED => payload(message).map(Box::new).map(Self::Order),
            STOCK_FELL => payload(message).map(Self::Stock),
            MESSAGE_SENT => payload(message).map(Self::Chat),
            WEBHOOK_PAUSED => payload(message).map(Self::Webhook),
            _ => None,
        }
    }
}

/// Who is to be told what of `messages`. What has to be looked up is looked up for all of them: as many statements for a hundred
/// events as for one of each kind.
///
/// # Errors
/// When the database fails.
pub(super) async fn list_notices(tx: &Tx, messages: &[Message]) -> Result<Vec<Notice>> {
    let told: Vec<(&Message, Told)> = messages.iter().filter_map(|message| Some((message, Told::read(message)?))).collect();
    let mut recipients = Recipients { known: Known::look_up(tx, &told).await?, fallen: HashMap::new(), notices: Vec::new() };
    for (message, told) in &told {
        match told {
            Told::Order(change) => recipients.of_order(message, change),
            Told::Stock(fell) => recipients.of_stock(message, *fell),
            Told::Chat(sent) => recipients.of_chat(message, sent),
            Told::Webhook(paused) => recipients.of_webhook(message, paused),
        }
    }
    Ok(recipients.notices)
}

/// What the events of one batch refer to.
#[derive(Default)]
struct Known {
    /// Products that run low, by id.
    products: HashMap<Uuid, product::Model>,
    /// Orders in whose chats somebody wrote, by id.
    orders: HashMap<Uuid, order::Model>,
    /// The users behind stores.
    sellers: HashMap<Uuid, Uuid>,
    /// Who has an unread word of whose chat, by user and order.
    waiting: HashSet<(Uuid, Uuid)>,
    /// Claims that changes ended, by order.
    ended: HashMap<Uuid, Vec<claim::Model>>,
    admins: Vec<Uuid>,
}

impl Known {
    /// Looks up what `told` refers to: at most one statement for each of the fields.
    async fn look_up(tx: &Tx, told: &[(&Message, Told)]) -> Result<Self> {
        let (mut products, mut chats, mut ends) = (HashSet::new(), Vec::new(), Vec::new());
        let (mut stores, mut is_for_admins) = (HashSet::new(), false);
        for (_, told) in told {
            match told {
                Told::Order(change) => {
                    if templates::to_store(&change.order, *change.event.r#type).is_some() {
                        stores.insert(change.order.seller_id);
                    }
                    if change.may_end_chat() {
                        ends.push((change.order.id, change.event.at));
                    }
                }
                Told::Stock(fell) => {
                    products.insert(fell.product);
                }
                Told::Chat(sent) => {
                    stores.insert(sent.seller_id);
                    chats.push(sent);
                }
                Told::Webhook(_) => is_for_admins = true,
            }
        }
        let mut known = Self::default();
        if !products.is_empty() {
            let rows = catalog::list_by_ids(&**tx, &Vec::from_iter(products)).await?;
            stores.extend(rows.iter().map(|row| row.seller_id));
            known.products = rows.into_iter().map(|row| (row.id, row)).collect();
        }
        if !stores.is_empty() {
            known.sellers = accounts::list_seller_users(&**tx, &Vec::from_iter(stores)).await?;
        }
        if !chats.is_empty() {
            let ids: HashSet<Uuid> = chats.iter().map(|sent| sent.order_id).collect();
            let ids = Vec::from_iter(ids);
            let rows = orders::list_orders_by_ids(&**tx, &ids).await?;
            known.orders = rows.into_iter().map(|row| (row.id, row)).collect();
            let users: HashSet<Uuid> = chats.iter().flat_map(|sent| known.readers(sent)).collect();
            known.waiting = service::list_waiting(tx, users.into_iter().collect(), ids).await?;
        }
        if !ends.is_empty() {
            for row in orders::list_claims_ended(&**tx, &ends).await? {
                known.ended.entry(row.order_id).or_default().push(row);
            }
        }
        if is_for_admins {
            known.admins = accounts::list_admins(&**tx).await?;
        }
        Ok(known)
    }

    /// Who takes part in a chat, but for whoever wrote.
    fn readers(&self, sent: &MessageSent) -> impl Iterator<Item = Uuid> + use<> {
        let seller = self.sellers.get(&sent.seller_id).copied();
        let (parties, sender) = ([Some(sent.customer_id), seller, sent.partner_id], sent.sender_id);
        parties.into_iter().flatten().filter(move |user| *user != sender)
    }
}

/// Decides who is told, for the events of one batch.
struct Recipients {
    known: Known,
    /// What has run low of each seller's.
    fallen: HashMap<Uuid, Vec<(product::Model, StockFell)>>,
    notices: Vec<Notice>,
}

impl Recipients {
    fn tell(&mut self, message: &Message, user: Uuid, kind: NotificationKind, words: Words, order: Option<Uuid>) {
        self.notices.push(Notice { user, kind, words, order, event: message.event_id, at: message.at });
    }

    fn of_order(&mut self, message: &Message, change: &OrderChange) {
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
                && let Some(seller) = self.known.sellers.get(&order.seller_id).copied().filter(|seller| is_other(*seller))
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
            let ended = self.known.ended.get(&order.id).into_iter().flatten();
            let is_by_this = |claim: &&claim::Model| is_same_time(claim.ended_at, event.at);
            // who gave it back knows, and who only looked at it had nothing
            let is_told = |claim: &&claim::Model| {
                *claim.status != ClaimStatus::Released && claim.accepted_at.is_some() && is_other(claim.partner_id)
            };
            let losers: Vec<Uuid> = ended.filter(is_by_this).filter(is_told).map(|claim| claim.partner_id).collect();
            for partner in losers {
                let words = templates::withdrawn(order, r#type);
                self.tell(message, partner, NotificationKind::DeliveryWithdrawn, words, Some(order.id));
            }
        }
    }

    /// A seller is told of all that fell in this batch at once: an import may lower a thousand.
    fn of_stock(&mut self, message: &Message, fell: StockFell) {
        let Some(product) = self.known.products.get(&fell.product).cloned() else { return };
        let seller = self.known.sellers.get(&product.seller_id).copied();
        let Some(seller) = seller.filter(|seller| fell.by != Some(*seller)) else { return };
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

    /// Whoever has an unread word of a chat already is not told once more.
    fn of_chat(&mut self, message: &Message, sent: &MessageSent) {
        let Some(order) = self.known.orders.get(&sent.order_id) else { return };
        let (order_id, words) = (order.id, templates::chat_message(order));
        let readers: Vec<Uuid> = self.known.readers(sent).collect();
        for user in readers {
            // from here on also by what is told in this batch
            if self.known.waiting.insert((user, order_id)) {
                self.tell(message, user, NotificationKind::ChatMessage, words.clone(), Some(order_id));
            }
        }
    }

    fn of_webhook(&mut self, message: &Message, paused: &WebhookPaused) {
        let words = templates::webhook_paused(&encode(Kind::WebhookEndpoint, paused.endpoint), paused.reason);
        for admin in self.known.admins.clone() {
            self.tell(message, admin, NotificationKind::WebhookPaused, words.clone(), None);
        }
    }
}

/// Whether what ended at `end` ended `at`, as far as the databases can tell times apart.
fn is_same_time(end: Option<DateTime<Utc>>, at: DateTime<Utc>) -> bool {
    end.is_some_and(|end| end.timestamp_micros() == at.timestamp_micros())
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
