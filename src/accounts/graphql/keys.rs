//! API keys as admins see them.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::access::{Actor, Role};
use domain::id::Kind;
use entity::api_key;
use uuid::Uuid;

use super::loaders::ApiKeyLoader;
use super::user::Seller;
use crate::accounts::service::{self, NewApiKey};
use crate::graphql::connection::connection;
use crate::graphql::loaders::load;
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app, ids};
use crate::platform::page::PageArgs;

/// What an API key may be used for; never for more than the user in whose name it acts may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::keys::ApiScope")]
pub enum ApiScope {
    /// Reading products, categories and stock, and following them.
    ProductsRead,
    /// Making, changing and importing products, categories and stock.
    ProductsWrite,
    /// Reading and following orders, their payments and deliveries.
    OrdersRead,
    /// Taking orders through their steps, cancelling them, and refunds.
    OrdersWrite,
    /// Reading claims, and which partners there are.
    ClaimsRead,
    /// Giving orders to partners with `assignOrder`.
    ClaimsWrite,
    /// Webhook endpoints and their deliveries. A key has others told of what it may read itself: of orders, payments and deliveries
    /// with `ORDERS_READ`, of the inventory with `PRODUCTS_READ`. Endpoints are the platform's, and stay when the key ends.
    WebhooksManage,
    /// Sales, live figures, and how partners do.
    AnalyticsRead,
}

/// A key with which a program uses this API in place of somebody who signs in.
#[derive(Debug, Clone)]
pub struct ApiKey(pub api_key::Model);

/// A key with which a program uses this API: `Authorization: Bearer qck_…`. Without a store it acts in the name of the admin who
/// made it, and stops working when that admin is deactivated or given another role; with a store as the user of the store.
/// What it may ask is what its scopes allow of that.
#[Object]
impl ApiKey {
    /// Opaque, `key_…`; not the key itself.
    pub async fn id(&self) -> ID {
        ids::id(Kind::ApiKey, self.0.id)
    }

    /// What it is for, in the words of whoever made it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What the key begins with, to tell keys apart.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// What it may be used for.
    async fn scopes(&self) -> Vec<ApiScope> {
        service::scopes(&self.0).iter().map(ApiScope::from).collect()
    }

    /// The store that it is restricted to; null: the whole platform.
    async fn seller(&self, ctx: &Context<'_>) -> Result<Option<Seller>> {
        match self.0.seller_id {
            Some(seller) => Seller::load(ctx, seller).await.map(Some),
            None => Ok(None),
        }
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was used last, to the minute; null when it never was.
    async fn last_used_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_used_at
    }

    /// When it stops working; null when it does so only when it is revoked.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }

    /// When it was revoked; null when it was not.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }
}

connection! {
    /// A page of API keys, newest first.
    ApiKeyConnection, ApiKeyEdge, ApiKey
}

/// An API key to make.
#[derive(Debug, Clone, InputObject)]
pub struct CreateApiKeyInput {
    /// What it is for; 1 to 80 characters.
    pub name: String,
    /// What it may be used for; at least one, each once.
    pub scopes: Vec<ApiScope>,
    /// The store that it is restricted to: it then acts as its user. When absent it acts in your name.
    pub seller_id: Option<ID>,
    /// When it stops working, at most ten years from now; when absent it does so only when it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An API key to revoke.
#[derive(Debug, Clone, InputObject)]
pub struct RevokeApiKeyInput {
    /// Which.
    pub api_key_id: ID,
}

/// What came of making an API key.
#[derive(Debug, SimpleObject)]
pub struct CreateApiKeyPayload {
    /// The key; null when there are userErrors.
    pub api_key: Option<ApiKey>,
    /// What a program sends as its bearer token, `qck_…`. Shown once: keep it.
    pub secret: Option<String>,
    /// Why nothing was done.
    pub user_errors: Vec<UserError>,
}

/// What came of a mutation on an API key.
#[derive(Debug, SimpleObject)]
pub struct ApiKeyPayload {
    /// The key; null when there are userErrors.
    pub api_key: Option<ApiKey>,
    /// Why nothing was done.
    pub user_errors: Vec<UserError>,
}

/// What API keys add to Mutation.
#[derive(Debug, Default)]
pub struct ApiKeysMutation;

#[Object]
impl ApiKeysMutation {
    /// Admins, signed in themselves: makes a key with which a program may use this API.
    #[graphql(guard = "Signed::as_one_of(&[Role::Admin])")]
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is for, and what it may do.")] input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload> {
        let new = NewApiKey {
            name: input.name,
            scopes: input.scopes.into_iter().map(Into::into).collect(),
            seller: input.seller_id.map(|id| ids::parse(Kind::Seller, &id)).transpose()?,
            expires_at: input.expires_at,
        };
        let Outcome { value, user_errors } = Outcome::of(service::create_key(app(ctx)?, actor(ctx)?, new).await)?;
        let (api_key, secret) = match value {
            Some(issued) => (Some(ApiKey(issued.row)), Some(issued.secret.expose().to_owned())),
            None => (None, None),
        };
        Ok(CreateApiKeyPayload { api_key, secret, user_errors })
    }

    /// Admins, signed in themselves: revokes a key at once. Its WebSockets close with 4403, its event streams end. Revoking it
    /// again changes nothing.
    #[graphql(guard = "Signed::as_one_of(&[Role::Admin])")]
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key.")] input: RevokeApiKeyInput,
    ) -> Result<ApiKeyPayload> {
        let key = ids::parse(Kind::ApiKey, &input.api_key_id)?;
        let Outcome { value, user_errors } = Outcome::of(service::revoke_key(app(ctx)?, actor(ctx)?, key).await)?;
        Ok(ApiKeyPayload { api_key: value.map(ApiKey), user_errors })
    }
}

/// A page of all API keys, for admins.
///
/// # Errors
/// `BAD_CURSOR`; faults of the database.
pub async fn api_key_page(ctx: &Context<'_>, first: Option<i32>, after: Option<&str>) -> Result<ApiKeyConnection> {
    let args = PageArgs::new(&"apiKeys", first, after, None, None)?;
    Ok(service::list_keys(app(ctx)?.db.reader(), &args).await?.map(ApiKey).into())
}

/// Whether `actor` may see API keys.
#[must_use]
pub fn may_manage_keys(actor: Actor) -> bool {
    service::may_manage_keys(actor)
}

/// The key `id`.
///
/// # Errors
/// When the database fails.
pub async fn find_api_key(ctx: &Context<'_>, id: Uuid) -> Result<Option<ApiKey>> {
    Ok(load::<ApiKeyLoader, _>(ctx, id).await?.map(ApiKey))
}
