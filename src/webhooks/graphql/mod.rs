//! Webhook endpoints as those who run the platform see them.

mod loaders;
mod mutation;

use async_graphql::{Context, Enum, ID, Object};
use chrono::{DateTime, Utc};
use domain::access::{Actor, Role};
use domain::id::Kind;
use entity::{webhook_delivery, webhook_endpoint};
use uuid::Uuid;

use super::service;
use crate::graphql::connection::{connection, page_cost};
use crate::graphql::loaders::load;
use crate::graphql::{Result, Signed, app, ids};
use crate::platform::page::PageArgs;

pub use loaders::{WebhookDeliveriesLoader, WebhookDeliveryLoader, WebhookEndpointLoader};
pub use mutation::{CreateWebhookEndpointInput, RedeliverWebhookInput, UpdateWebhookEndpointInput, WebhooksMutation};

/// Who may use the fields of webhooks at all; `service::may_manage` says the same of what they do.
fn managers() -> Signed {
    Signed::as_one_of(&[Role::Admin])
}

/// Whether `actor` may see endpoints and their deliveries.
#[must_use]
pub fn may_see_webhooks(actor: Actor) -> bool {
    service::may_manage(actor)
}

/// What a webhook is about. New values may be added: tolerate what you do not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::webhook::WebhookTopic")]
pub enum WebhookTopic {
    /// `order.created`: an order was placed.
    OrderCreated,
    /// `order.confirmed`: an order is certain to be paid.
    OrderConfirmed,
    /// `order.cancelled`: an order was called off.
    OrderCancelled,
    /// `order.status_changed`: an order is in another state than before, whichever.
    OrderStatusChanged,
    /// `payment.initiated`: a customer began to pay through a provider.
    PaymentInitiated,
    /// `payment.success`: an order was paid, through a provider or at the door.
    PaymentSuccess,
    /// `payment.failed`: a payment of an unpaid order failed.
    PaymentFailed,
    /// `delivery.assigned`: a partner has taken an order.
    DeliveryAssigned,
    /// `delivery.in_transit`: the goods are on the way to the customer.
    DeliveryInTransit,
    /// `delivery.completed`: the goods were handed over.
    DeliveryCompleted,
    /// `inventory.updated`: a product, its price or its stock changed.
    InventoryUpdated,
    /// `inventory.low_stock`: a stock fell to its threshold.
    InventoryLowStock,
}

/// What became of telling an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::webhook::WebhookDeliveryStatus")]
pub enum WebhookDeliveryStatus {
    /// It is to be sent, or sent again.
    Pending,
    /// The endpoint took it: it answered with a status of 200 to 299.
    Delivered,
    /// It was given up, or there was no room for it among those that wait; `redeliverWebhook` sends it again.
    Failed,
}

/// An address of another system that is told of what happens.
#[derive(Debug, Clone)]
pub struct WebhookEndpoint(pub webhook_endpoint::Model);

/// An address of another system that is told of what happens, after the Standard Webhooks specification.
#[Object]
impl WebhookEndpoint {
    /// Opaque, `whk_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::WebhookEndpoint, self.0.id)
    }

    /// Where messages go.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// What they are about.
    async fn topics(&self) -> Vec<WebhookTopic> {
        service::topics(&self.0).into_iter().map(WebhookTopic::from).collect()
    }

    /// Whether it is told of anything. The server pauses an endpoint that answers 410, and one to which nothing has got through
    /// for days, or for one day while more waits for it than may.
    async fn active(&self) -> bool {
        self.0.is_active
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// What it was sent, newest first. What has ended is kept for a time only.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Deliveries of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Only those that were given up.", default_with = "Some(false)")] failed_only: Option<bool>,
    ) -> Result<WebhookDeliveryConnection> {
        let (endpoint, failed_only) = (self.0.id, failed_only.unwrap_or_default());
        let page = PageArgs::new(&("deliveries", endpoint, failed_only), first, after.as_deref(), None, None)?;
        let rows = match page.start() {
            Some(limit) => {
                let newest = load::<WebhookDeliveriesLoader, _>(ctx, (endpoint, failed_only, limit)).await?;
                service::start_of_log(newest.unwrap_or_default(), &page)
            }
            // a cursor is of one endpoint: there is nothing to read it together with
            None => service::list_deliveries(app(ctx)?.db.reader(), endpoint, failed_only, &page).await?,
        };
        Ok(rows.map(WebhookDelivery).into())
    }
}

/// A message to an endpoint, and what became of it.
#[derive(Debug, Clone)]
pub struct WebhookDelivery(pub webhook_delivery::Model);

/// A message to an endpoint, and what became of it.
#[Object]
impl WebhookDelivery {
    /// Opaque, `whd_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::WebhookDelivery, self.0.id)
    }

    /// The event that it tells of, `evt_…`; one event may be of several topics.
    async fn event_id(&self) -> ID {
        ids::id(Kind::Event, self.0.event_id)
    }

    /// As what it tells of it.
    async fn topic(&self) -> WebhookTopic {
        self.0.topic.0.into()
    }

    /// What became of it.
    async fn status(&self) -> WebhookDeliveryStatus {
        self.0.status.0.into()
    }

    /// How often it was begun to be sent.
    async fn attempts(&self) -> i32 {
        self.0.attempts
    }

    /// The HTTP status of the last answer; null when there was none yet.
    async fn last_status_code(&self) -> Option<i32> {
        self.0.last_status_code
    }

    /// Why it did not get through the last time; null when it did, or was not tried yet.
    async fn last_error(&self) -> Option<&str> {
        self.0.last_error.as_deref()
    }

    /// When it is sent again; null unless it is PENDING.
    async fn next_attempt_at(&self) -> Option<DateTime<Utc>> {
        self.0.next_attempt_at
    }

    /// When it was written down, a moment after the event.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

connection! {
    /// A page of webhook endpoints.
    WebhookEndpointConnection, WebhookEndpointEdge, WebhookEndpoint
}

connection! {
    /// A page of deliveries.
    WebhookDeliveryConnection, WebhookDeliveryEdge, WebhookDelivery
}

/// A page of all endpoints, newest first, for the admins' desk.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn webhook_endpoint_page(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<&str>,
) -> Result<WebhookEndpointConnection> {
    let args = PageArgs::new(&"webhookEndpoints", first, after, None, None)?;
    Ok(service::list(app(ctx)?.db.reader(), &args).await?.map(WebhookEndpoint).into())
}

/// The endpoint `id`.
///
/// # Errors
/// When the database fails.
pub async fn find_webhook_endpoint(ctx: &Context<'_>, id: Uuid) -> Result<Option<WebhookEndpoint>> {
    Ok(load::<WebhookEndpointLoader, _>(ctx, id).await?.map(WebhookEndpoint))
}

/// The delivery `id`.
///
/// # Errors
/// When the database fails.
pub async fn find_webhook_delivery(ctx: &Context<'_>, id: Uuid) -> Result<Option<WebhookDelivery>> {
    Ok(load::<WebhookDeliveryLoader, _>(ctx, id).await?.map(WebhookDelivery))
}
