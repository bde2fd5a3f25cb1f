//! What other systems are told of events: which webhooks they are, and what of them is public.
//!
//! The log is the server's own: its events hold rows as they are stored. What leaves is said here, field by field, and holds no
//! code at the door, no name, address or note of a person, and no place.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::id::{self, Kind};
use domain::money::Money;
use domain::order::{OrderEventType, PaymentMethod, PaymentStatus};
use domain::webhook::{WEBHOOK_PAUSED, WebhookPaused, WebhookTopic};
use entity::{order, product, stock};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::catalog::event::{CATEGORY_CHANGED, CategoryChange, PRODUCT_CHANGED, ProductChange};
use crate::inventory::event::{STOCK_FELL, StockFell};
use crate::inventory::service::available;
use crate::orders::event::{ORDER_CHANGED, OrderChange};
use crate::payments::event::{PAYMENT_STARTED, PaymentStarted};

/// An event of the log that other systems may be told of.
#[derive(Debug, Clone)]
pub enum Public {
    /// An order has a new version.
    Order(Box<OrderChange>),
    /// A customer began to pay.
    Payment(PaymentStarted),
    /// A product, its price or its stock changed.
    Product(ProductChange),
    /// A stock fell to its threshold.
    Stock(StockFell),
    /// A category changed.
    Category(CategoryChange),
    /// An endpoint was paused.
    Paused(WebhookPaused),
}

/// Products with their stocks, by their ids.
pub type Products = HashMap<Uuid, (product::Model, Option<stock::Model>)>;

impl Public {
    /// Reads an event of the log; `None` when nobody outside is told of its kind.
    #[must_use]
    pub fn read(kind: &str, payload: &Value) -> Option<Self> {
        // what cannot be read is of another release, and was logged with what it was about
        fn read<T: serde::de::DeserializeOwned>(kind: &str, payload: &Value) -> Option<T> {
            let read = T::deserialize(payload);
            read.inspect_err(|error| tracing::error!(%error, kind, "an event's payload cannot be read")).ok()
        }
        match kind {
            ORDER_CHANGED => read(kind, payload).map(Box::new).map(Self::Order),
            PAYMENT_STARTED => read(kind, payload).map(Self::Payment),
            PRODUCT_CHANGED => read(kind, payload).map(Self::Product),
            STOCK_FELL => read(kind, payload).map(Self::Stock),
            CATEGORY_CHANGED => read(kind, payload).map(Self::Category),
            WEBHOOK_PAUSED => read(kind, payload).map(Self::Paused),
            _ => None,
        }
    }

    /// The topics of the webhooks that tell of it.
    #[must_use]
    pub fn topics(&self) -> Vec<WebhookTopic> {
        match self {
            Self::Order(change) => order_topics(change),
            Self::Payment(_) => vec![WebhookTopic::PaymentInitiated],
            Self::Product(ProductChange { is_rating: false, .. }) => vec![WebhookTopic::InventoryUpdated],
            Self::Stock(_) => vec![WebhookTopic::InventoryLowStock],
            // of a product that was only rated a message would say nothing that another has not said
            Self::Product(_) | Self::Category(_) | Self::Paused(_) => Vec::new(),
        }
    }

    /// The product that it is about.
    #[must_use]
    pub const fn product(&self) -> Option<Uuid> {
        match self {
            Self::Product(change) => Some(change.product),
            Self::Stock(fell) => Some(fell.product),
            _ => None,
        }
    }

    /// What is said of it. Of a product, also what `products` know of it now.
    #[must_use]
    pub fn data(&self, products: &Products) -> Value {
        match self {
            Self::Order(change) => order_data(change),
            Self::Payment(started) => json!({ "payment": {
                "id": id::encode(Kind::Payment, started.payment),
                "provider": started.provider,
                "status": PaymentStatus::Pending,
                "amount": amount(started.amount),
                "currency": started.amount.currency,
            }, "order": {
                "id": id::encode(Kind::Order, started.order),
                "number": started.number,
                "customerId": id::encode(Kind::User, started.customer),
                "sellerId": id::encode(Kind::Seller, started.seller),
            } }),
            Self::Product(ProductChange { product, has_left_sale, .. }) => {
                let product = product_data(*product, products);
                json!({ "product": product, "hasLeftSale": has_left_sale })
            }
            Self::Stock(StockFell { product, available, threshold, .. }) => {
                let product = product_data(*product, products);
                json!({ "product": product, "available": available, "lowStockThreshold": threshold })
            }
            Self::Category(change) => json!({ "category": { "id": id::encode(Kind::Category, change.category) } }),
            Self::Paused(paused) => json!({ "endpoint": { "id": id::encode(Kind::WebhookEndpoint, paused.endpoint) } }),
        }
    }
}

/// What the stream of all events says of one: nothing besides that it happened, for kinds that nobody outside is told of.
#[must_use]
pub fn stream_data(kind: &str, payload: &Value) -> Value {
    Public::read(kind, payload).map_or_else(|| json!({}), |event| event.data(&Products::new()))
}

/// The body of a webhook.
#[must_use]
pub fn body(topic: WebhookTopic, at: DateTime<Utc>, data: &Value) -> String {
    json!({ "type": topic.message_type(), "timestamp": at, "data": data }).to_string()
}

fn order_topics(change: &OrderChange) -> Vec<WebhookTopic> {
    use OrderEventType as Type;

    let OrderChange { event, order, .. } = change;
    let mut topics = Vec::new();
    if event.from_status.is_some_and(|from| from != event.status) {
        topics.push(WebhookTopic::OrderStatusChanged);
    }
    match *event.r#type {
        Type::Placed => topics.push(WebhookTopic::OrderCreated),
        Type::Confirmed => topics.push(WebhookTopic::OrderConfirmed),
        Type::Cancelled => topics.push(WebhookTopic::OrderCancelled),
        Type::PaymentSucceeded => topics.push(WebhookTopic::PaymentSuccess),
        // of an order that is paid it is a refund that failed, or a payment that nobody needs any more
        Type::PaymentFailed if *order.payment_status == PaymentStatus::Failed => topics.push(WebhookTopic::PaymentFailed),
        Type::Assigned => topics.push(WebhookTopic::DeliveryAssigned),
        Type::InTransit => topics.push(WebhookTopic::DeliveryInTransit),
        Type::Delivered => {
            topics.push(WebhookTopic::DeliveryCompleted);
            let is_paid_at_door = *order.payment_method == PaymentMethod::CashOnDelivery;
            if is_paid_at_door && *order.payment_status == PaymentStatus::Paid {
                topics.push(WebhookTopic::PaymentSuccess);
            }
        }
        Type::PaymentFailed
        | Type::Preparing
        | Type::Ready
        | Type::ClaimHeld
        | Type::ClaimReleased
        | Type::ClaimExpired
        | Type::PickedUp
        | Type::Failed
        | Type::Refunded
        | Type::Rated => {}
    }
    topics
}

fn order_data(change: &OrderChange) -> Value {
    let OrderChange { event, order, .. } = change;
    json!({ "event": {
        "id": id::encode(Kind::Event, event.id),
        "type": event.r#type,
        "fromStatus": event.from_status,
        "actorRole": event.actor_role,
    }, "order": public_order(order) })
}

fn public_order(order: &order::Model) -> Value {
    let money = |minor| amount(Money::new(minor, *order.currency));
    json!({
        "id": id::encode(Kind::Order, order.id),
        "number": order.number,
        "version": order.version,
        "status": order.status,
        "customerId": id::encode(Kind::User, order.customer_id),
        "sellerId": id::encode(Kind::Seller, order.seller_id),
        "partnerId": order.partner_id.map(|partner| id::encode(Kind::User, partner)),
        "itemCount": order.item_count,
        "currency": order.currency,
        "subtotal": money(order.subtotal_minor),
        "discount": money(order.discount_minor),
        "deliveryFee": money(order.delivery_fee_minor),
        "tax": money(order.tax_minor),
        "total": money(order.total_minor),
        "paymentMethod": order.payment_method,
        "paymentStatus": order.payment_status,
        "createdAt": order.created_at,
        "updatedAt": order.updated_at,
        "readyAt": order.ready_at,
        "deliveredAt": order.delivered_at,
    })
}

fn product_data(product: Uuid, products: &Products) -> Value {
    let id = id::encode(Kind::Product, product);
    let Some((product, stock)) = products.get(&product) else { return json!({ "id": id }) };
    let price = Money::new(product.price_minor, *product.currency);
    json!({
        "id": id,
        "sku": product.sku,
        "name": product.name,
        "sellerId": id::encode(Kind::Seller, product.seller_id),
        "active": product.is_active,
        "price": amount(price),
        "currency": product.currency,
        "stock": stock.as_ref().map(|stock| json!({
            "onHand": stock.on_hand,
            "reserved": stock.reserved,
            "available": available(stock),
            "lowStockThreshold": stock.low_stock_threshold,
        })),
    })
}

/// An amount as the API writes it: a decimal in a text.
fn amount(money: Money) -> String {
    money.to_decimal().to_string()
}
