//! Endpoints: made, changed and read by those who run the platform.

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{Actor, Role};
use domain::error::Rejection;
use domain::id::{Kind, encode};
use domain::keys::ApiScope;
use domain::webhook::WebhookTopic;
use domain::{Named as _, input};
use entity::json::{ReplacedSecret, ReplacedSecrets, Strings};
use entity::{webhook_delivery, webhook_endpoint};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::WebhookError;
use super::secrets::{self, SigningSecret};
use super::{repo, sending, url};
use crate::app::App;
use crate::platform::audit::{self, NewEntry};
use crate::platform::db::{Tx, retry};
use crate::platform::error::{Denial, Result};
use crate::platform::page::{Page, PageArgs};

/// The most endpoints: each is looked at for every event.
pub(super) const MAX_ENDPOINTS: usize = 100;

/// The most secrets that were replaced and still sign: as many more signatures does each message carry.
const MAX_REPLACED: usize = 5;

/// Whether `actor` may see and change endpoints: the one place that says so. An admin, also by a key that is for this.
#[must_use]
pub fn may_manage(actor: Actor) -> bool {
    actor.role == Role::Admin && actor.key.is_none_or(|key| key.scopes.has(ApiScope::WebhooksManage))
}

fn check_authority(actor: Actor) -> Result<()> {
    if may_manage(actor) { Ok(()) } else { Err(Denial::Forbidden.into()) }
}

/// Whoever acts by a key has nobody told of what that key may not read: an endpoint is as good as reading, and outlives the key.
fn check_reading(actor: Actor, topics: impl IntoIterator<Item = WebhookTopic>) -> Result<()> {
    let Some(key) = actor.key else { return Ok(()) };
    let may_read = topics.into_iter().all(|topic| key.scopes.has(topic.scope()));
    if may_read { Ok(()) } else { Err(Denial::Forbidden.into()) }
}

/// An endpoint to be made.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Where messages go.
    pub url: String,
    /// What they are about.
    pub topics: Vec<WebhookTopic>,
}

/// What is to change about an endpoint; what is absent stays.
#[derive(Debug, Clone)]
pub struct EndpointChange {
    /// Which endpoint.
    pub endpoint: Uuid,
    /// Where messages go.
    pub url: Option<String>,
    /// What they are about.
    pub topics: Option<Vec<WebhookTopic>>,
    /// Whether it is told of anything.
    pub is_active: Option<bool>,
    /// Whether it gets a new secret.
    pub rotates_secret: bool,
}

impl EndpointChange {
    /// Whether nothing is sent to anybody for it that would not have been.
    fn only_pauses(&self) -> bool {
        self.is_active == Some(false) && self.url.is_none() && self.topics.is_none() && !self.rotates_secret
    }
}

/// An endpoint, with its secret when that is new: it is not shown again.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The endpoint.
    pub row: webhook_endpoint::Model,
    /// Its new secret.
    pub secret: Option<SigningSecret>,
}

fn check_topics(topics: &[WebhookTopic]) -> Result<Strings, Rejection> {
    input::list("topics", topics, WebhookTopic::ALL.len())?;
    if topics.is_empty() {
        return Err(WebhookError::NoTopics.into());
    }
    let named = WebhookTopic::ALL.iter().filter(|topic| topics.contains(topic));
    Ok(Strings(named.map(|topic| topic.name().to_owned()).collect()))
}

/// What `endpoint` is told of.
#[must_use]
pub fn topics(endpoint: &webhook_endpoint::Model) -> Vec<WebhookTopic> {
    endpoint.topics.0.iter().filter_map(|name| WebhookTopic::from_name(name).ok()).collect()
}

/// Makes an endpoint.
///
/// # Errors
/// `INVALID_INPUT` at `url` or `topics`; `FORBIDDEN`, also for topics that the actor's key may not read.
pub async fn create(app: &App, actor: Actor, new: NewEndpoint) -> Result<Endpoint> {
    check_authority(actor)?;
    check_reading(actor, new.topics.iter().copied())?;
    let url = url::check(&app.config.webhooks, &new.url)?;
    let topics = check_topics(&new.topics)?;
    retry(|| create_once(app, actor, &url, &topics)).await
}

async fn create_once(app: &App, actor: Actor, url: &str, topics: &Strings) -> Result<Endpoint> {
    let tx = app.db.begin().await?;
    // of two who make the last one, the second counts the first's
    repo::lock_endpoints(&*tx).await?;
    if repo::count_endpoints(&*tx).await? >= MAX_ENDPOINTS as u64 {
        return Err(WebhookError::TooMany.into());
    }
    let (id, at) = (app.ids.uuid(), app.clock.db_now(&*tx).await?);
    let secret = SigningSecret::new(&app.ids);
    let row = webhook_endpoint::Model {
        id,
        url: url.to_owned(),
        topics: topics.clone(),
        secret: secrets::seal(app, id, &secret)?,
        replaced_secrets: ReplacedSecrets::default(),
        is_active: true,
        failing_since: None,
        last_failed_at: None,
        creator_id: actor.user,
        created_at: at,
        updated_at: at,
    };
    repo::insert_endpoint(&*tx, row.clone()).await?;
    let entry = Recorded { actor, action: "webhook.create", endpoint: id, before: None, after: described(&row), at };
    entry.write(app, &tx).await?;
    tx.commit().await?;
    Ok(Endpoint { row, secret: Some(secret) })
}

/// Changes an endpoint. A secret that is replaced goes on signing beside the new one for a while, so that receivers can change
/// over; each of several in that time until its own end. What waits for an endpoint that is paused is given up. One that is activated
/// again is given as long to work as a new one. By a key it takes the scopes for all that the endpoint was and will be told of, but
/// to pause it.
///
/// # Errors
/// `NOT_FOUND` at `endpointId`; `INVALID_INPUT` at `url`, `topics` or, when it was replaced too often lately, `rotateSecret`;
/// `FORBIDDEN`.
pub async fn update(app: &App, actor: Actor, change: EndpointChange) -> Result<Endpoint> {
    check_authority(actor)?;
    check_reading(actor, change.topics.iter().flatten().copied())?;
    let url = change.url.as_deref().map(|url| url::check(&app.config.webhooks, url)).transpose()?;
    let topics = change.topics.as_deref().map(check_topics).transpose()?;
    retry(|| update_once(app, actor, &change, url.as_deref(), topics.as_ref())).await
}

async fn update_once(
    app: &App,
    actor: Actor,
    change: &EndpointChange,
    url: Option<&str>,
    topics: Option<&Strings>,
) -> Result<Endpoint> {
    let tx = app.db.begin().await?;
    let mut row = repo::lock_endpoint(&*tx, change.endpoint).await?.ok_or(WebhookError::NoEndpoint)?;
    if actor.key.is_some() && !change.only_pauses() {
        check_reading(actor, self::topics(&row))?;
        // it would go to another address
        check_reading(actor, repo::list_waiting_topics(&*tx, row.id).await?)?;
    }
    let (at, before) = (app.clock.db_now(&*tx).await?, described(&row));
    let has_moved = url.is_some_and(|url| *url != row.url);
    if let Some(url) = url.filter(|url| *url != row.url) {
        url.clone_into(&mut row.url);
        // what did not get through elsewhere says nothing of it
        (row.failing_since, row.last_failed_at) = (None, None);
    }
    if let Some(topics) = topics {
        row.topics = topics.clone();
    }
    if let Some(is_active) = change.is_active {
        if is_active && !row.is_active {
            (row.failing_since, row.last_failed_at) = (None, None);
        }
        if !is_active && row.is_active {
            repo::update_giving_up(&*tx, row.id, sending::PAUSED, at).await?;
        }
        row.is_active = is_active;
    }
    let secret = change.rotates_secret.then(|| SigningSecret::new(&app.ids));
    if let Some(secret) = &secret {
        let overlap = TimeDelta::from_std(app.config.webhooks.overlap).unwrap_or_default();
        row.replaced_secrets.0.retain(|replaced| replaced.until > at);
        if row.replaced_secrets.0.len() >= MAX_REPLACED {
            return Err(WebhookError::TooManySecrets.into());
        }
        let secret = std::mem::replace(&mut row.secret, secrets::seal(app, row.id, secret)?);
        row.replaced_secrets.0.insert(0, ReplacedSecret { secret, until: at + overlap });
    }
    row.updated_at = at;
    repo::update_endpoint(&*tx, row.clone()).await?;
    let mut after = described(&row);
    // that there is another secret is no secret
    after["rotatedSecret"] = change.rotates_secret.into();
    after["changedUrl"] = has_moved.into();
    let entry = Recorded { actor, action: "webhook.update", endpoint: row.id, before: Some(before), after, at };
    entry.write(app, &tx).await?;
    tx.commit().await?;
    Ok(Endpoint { row, secret })
}

/// Has a message sent again, whatever became of it before, with the same id and body; how often it was tried goes on counting.
///
/// # Errors
/// `NOT_FOUND` or `INVALID_INPUT`, while its endpoint is paused, at `deliveryId`; `FORBIDDEN`, also for what the actor's key may not read.
pub async fn redeliver(app: &App, actor: Actor, delivery: Uuid) -> Result<webhook_delivery::Model> {
    check_authority(actor)?;
    retry(|| redeliver_once(app, actor, delivery)).await
}

async fn redeliver_once(app: &App, actor: Actor, id: Uuid) -> Result<webhook_delivery::Model> {
    let tx = app.db.begin().await?;
    let found = repo::find_delivery(&*tx, id).await?.ok_or(WebhookError::NoDelivery)?;
    check_reading(actor, [*found.topic])?;
    let endpoint = repo::lock_endpoint(&*tx, found.endpoint_id).await?.ok_or(WebhookError::NoDelivery)?;
    if !endpoint.is_active {
        return Err(WebhookError::Paused.into());
    }
    let at = app.clock.db_now(&*tx).await?;
    let delivery = repo::update_sending_again(&*tx, id, at).await?.ok_or(WebhookError::NoDelivery)?;
    sending::enqueue(app, &tx, endpoint.id, &[(delivery.id, *delivery.topic)], at).await?;
    let after = json!({ "delivery": encode(Kind::WebhookDelivery, id) });
    let entry = Recorded { actor, action: "webhook.redeliver", endpoint: endpoint.id, before: None, after, at };
    entry.write(app, &tx).await?;
    tx.commit().await?;
    Ok(delivery)
}

/// What the audit log says of an endpoint: not where in it a key may be, nor any secret.
fn described(endpoint: &webhook_endpoint::Model) -> Value {
    json!({
        "server": url::server(&endpoint.url),
        "topics": endpoint.topics.0,
        "active": endpoint.is_active,
    })
}

/// What somebody did to an endpoint, for the audit log.
struct Recorded {
    actor: Actor,
    action: &'static str,
    endpoint: Uuid,
    before: Option<Value>,
    after: Value,
    at: DateTime<Utc>,
}

impl Recorded {
    async fn write(self, app: &App, tx: &Tx) -> Result<()> {
        let Self { actor, action, endpoint, before, after, at } = self;
        let (id, target) = (app.ids.uuid(), Some((Kind::WebhookEndpoint, endpoint)));
        audit::append(tx, NewEntry { id, by: actor.into(), action, target, before, after: Some(after), at }).await
    }
}

/// A page of all endpoints, newest first.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list(db: &impl ConnectionTrait, args: &PageArgs) -> Result<Page<webhook_endpoint::Model>> {
    repo::list_endpoints(db, args).await
}

/// The endpoints `ids`.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<webhook_endpoint::Model>> {
    repo::list_endpoints_by_ids(db, ids).await
}

/// The deliveries `ids`.
///
/// # Errors
/// When the database fails.
pub async fn list_deliveries_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<webhook_delivery::Model>> {
    repo::list_deliveries_by_ids(db, ids).await
}

/// A page of an endpoint's deliveries, newest first; with `failed_only`, of those that were given up.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list_deliveries(
    db: &impl ConnectionTrait,
    endpoint: Uuid,
    failed_only: bool,
    args: &PageArgs,
) -> Result<Page<webhook_delivery::Model>> {
    repo::list_deliveries(db, endpoint, failed_only, args).await
}

/// The newest `limit` deliveries of each of `endpoints`, newest first. [`start_of_log`] makes a page of them.
///
/// # Errors
/// When the database fails.
pub async fn list_newest_deliveries(
    db: &impl ConnectionTrait,
    endpoints: &[Uuid],
    failed_only: bool,
    limit: u64,
) -> Result<Vec<webhook_delivery::Model>> {
    repo::list_newest_deliveries(db, endpoints, failed_only, limit).await
}

/// The page that begins a log, of its newest deliveries.
#[must_use]
pub fn start_of_log(newest: Vec<webhook_delivery::Model>, page: &PageArgs) -> Page<webhook_delivery::Model> {
    page.cut(newest, repo::delivery_key)
}

/// The secrets that sign what is sent to `endpoint` at `now`, the current one first; `None` when it cannot be read.
///
/// # Errors
/// When a key cannot be made.
pub(super) fn signing(
    app: &App,
    endpoint: &webhook_endpoint::Model,
    now: DateTime<Utc>,
) -> Result<Option<Vec<SigningSecret>>> {
    let Some(current) = secrets::open(app, endpoint.id, &endpoint.secret)? else { return Ok(None) };
    let mut signing = vec![current];
    for replaced in endpoint.replaced_secrets.0.iter().filter(|replaced| replaced.until > now) {
        signing.extend(secrets::open(app, endpoint.id, &replaced.secret)?);
    }
    Ok(Some(signing))
}
