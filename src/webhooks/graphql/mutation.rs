//! What is done with webhook endpoints.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::id::Kind;

use super::{WebhookDelivery, WebhookEndpoint, WebhookTopic, managers};
use crate::graphql::{Outcome, Result, UserError, actor, app, ids};
use crate::webhooks::service::{self, Endpoint, EndpointChange, NewEndpoint};

/// An endpoint to make.
#[derive(Debug, Clone, InputObject)]
pub struct CreateWebhookEndpointInput {
    /// Where messages go: an address of `https:` on the public internet, unless the server is configured otherwise. At most
    /// 2,048 characters, without user name, password or fragment.
    pub url: String,
    /// What they are about; at least one. With an API key, what that may read: `FORBIDDEN` otherwise.
    pub topics: Vec<WebhookTopic>,
}

/// What is to change about an endpoint; what is absent or null stays.
#[derive(Debug, Clone, InputObject)]
pub struct UpdateWebhookEndpointInput {
    /// Which endpoint.
    pub endpoint_id: ID,
    /// Where messages go from now on, also those that are yet to be sent again.
    pub url: Option<String>,
    /// What they are about from now on; at least one. With an API key, what that may read: `FORBIDDEN` otherwise.
    pub topics: Option<Vec<WebhookTopic>>,
    /// Whether it is told of anything. What happens while it is paused it is never told of, and what waits is given up.
    pub active: Option<bool>,
    /// Whether it gets a new signing secret. The one before goes on signing beside it for a day, or as configured; five may at a time.
    pub rotate_secret: Option<bool>,
}

/// A message to send again.
#[derive(Debug, Clone, InputObject)]
pub struct RedeliverWebhookInput {
    /// Which.
    pub delivery_id: ID,
}

/// What came of making an endpoint.
#[derive(Debug, SimpleObject)]
pub struct CreateWebhookEndpointPayload {
    /// The endpoint; null when nothing was done.
    pub endpoint: Option<WebhookEndpoint>,
    /// What its messages are signed with, `whsec_…`. Shown once: keep it.
    pub secret: Option<String>,
    /// Why nothing was done; empty when it was.
    pub user_errors: Vec<UserError>,
}

/// What came of a mutation on an endpoint.
#[derive(Debug, SimpleObject)]
pub struct WebhookEndpointPayload {
    /// The endpoint; null when nothing was done.
    pub endpoint: Option<WebhookEndpoint>,
    /// What its messages are signed with from now on, `whsec_…`, when that was asked for. Shown once: keep it.
    pub secret: Option<String>,
    /// Why nothing was done; empty when it was.
    pub user_errors: Vec<UserError>,
}

/// What came of a mutation on a delivery.
#[derive(Debug, SimpleObject)]
pub struct WebhookDeliveryPayload {
    /// The delivery; null when nothing was done.
    pub delivery: Option<WebhookDelivery>,
    /// Why nothing was done; empty when it was.
    pub user_errors: Vec<UserError>,
}

/// What webhooks add to Mutation.
#[derive(Debug, Default)]
pub struct WebhooksMutation;

#[Object]
impl WebhooksMutation {
    /// Admins: has another system told of what happens from now on. Its messages are signed after the Standard Webhooks
    /// specification, are sent at least once, and again for more than a day while they are not taken. It goes on when the session or the
    /// API key ends by which it was made.
    #[graphql(guard = "managers()")]
    async fn create_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint.")] input: CreateWebhookEndpointInput,
    ) -> Result<CreateWebhookEndpointPayload> {
        let new = NewEndpoint { url: input.url, topics: input.topics.into_iter().map(Into::into).collect() };
        let Outcome { value, user_errors } = Outcome::of(service::create(app(ctx)?, actor(ctx)?, new).await)?;
        let (endpoint, secret) = shown(value);
        Ok(CreateWebhookEndpointPayload { endpoint, secret, user_errors })
    }

    /// Admins: changes an endpoint, pauses or activates it, or gives it a new signing secret. An API key has to be good for all that
    /// the endpoint was told of and will be, unless it only pauses it.
    #[graphql(guard = "managers()")]
    async fn update_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which endpoint, and what changes.")] input: UpdateWebhookEndpointInput,
    ) -> Result<WebhookEndpointPayload> {
        let change = EndpointChange {
            endpoint: ids::parse(Kind::WebhookEndpoint, &input.endpoint_id)?,
            url: input.url,
            topics: input.topics.map(|topics| topics.into_iter().map(Into::into).collect()),
            is_active: input.active,
            rotates_secret: input.rotate_secret.unwrap_or_default(),
        };
        let Outcome { value, user_errors } = Outcome::of(service::update(app(ctx)?, actor(ctx)?, change).await)?;
        let (endpoint, secret) = shown(value);
        Ok(WebhookEndpointPayload { endpoint, secret, user_errors })
    }

    /// Admins: sends a message again, whatever became of it before, with the same `webhook-id` and body.
    #[graphql(guard = "managers()")]
    async fn redeliver_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which message.")] input: RedeliverWebhookInput,
    ) -> Result<WebhookDeliveryPayload> {
        let delivery = ids::parse(Kind::WebhookDelivery, &input.delivery_id)?;
        let redelivered = service::redeliver(app(ctx)?, actor(ctx)?, delivery).await;
        let Outcome { value, user_errors } = Outcome::of(redelivered)?;
        Ok(WebhookDeliveryPayload { delivery: value.map(WebhookDelivery), user_errors })
    }
}

fn shown(value: Option<Endpoint>) -> (Option<WebhookEndpoint>, Option<String>) {
    match value {
        Some(Endpoint { row, secret }) => (Some(WebhookEndpoint(row)), secret.map(|secret| secret.expose())),
        None => (None, None),
    }
}
