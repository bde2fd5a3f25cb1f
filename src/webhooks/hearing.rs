//! The consumer of the log that writes down what each endpoint is to be told.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::webhook::{WebhookDeliveryStatus, WebhookTopic};
use entity::{Text, product, webhook_delivery, webhook_endpoint};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::public::{self, Products, Public};
use super::{repo, sending, service};
use crate::app::App;
use crate::catalog::service as catalog;
use crate::inventory::service as inventory;
use crate::platform::Result;
use crate::platform::bus::Message;
use crate::platform::consumers::{Reaction, Start};
use crate::platform::db::Tx;

/// What is said of a message for which there was no room.
const TOO_MANY: &str = "too many messages wait for the endpoint";

/// Hears of events for the endpoints.
#[derive(Debug, Clone)]
pub struct Hearing(pub App);

impl Reaction for Hearing {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    fn start(&self) -> Start {
        Start::Next
    }

    fn react<'a>(&'a self, tx: &'a Tx, events: &'a [Message]) -> BoxFuture<'a, Result<()>> {
        hear(&self.0, tx, events).boxed()
    }
}

/// One thing to be told, to whoever is told of its topic.
struct News<'a> {
    message: &'a Message,
    event: Public,
    topic: WebhookTopic,
}

async fn hear(app: &App, tx: &Tx, events: &[Message]) -> Result<()> {
    let mut news = Vec::new();
    for message in events {
        let Some(event) = Public::read(&message.kind, &message.payload) else { continue };
        let topics = event.topics();
        news.extend(topics.into_iter().map(|topic| News { message, event: event.clone(), topic }));
    }
    if news.is_empty() {
        return Ok(());
    }
    let endpoints: Vec<(webhook_endpoint::Model, Vec<WebhookTopic>)> = repo::list_active_endpoints(&**tx)
        .await?
        .into_iter()
        .map(|endpoint| {
            let topics = service::topics(&endpoint);
            (endpoint, topics)
        })
        .collect();
    news.retain(|news| endpoints.iter().any(|(_, topics)| topics.contains(&news.topic)));
    if news.is_empty() {
        return Ok(());
    }
    let products = products(tx, &news).await?;
    let at = app.clock.db_now(&**tx).await?;
    let bodies: Vec<String> =
        news.iter().map(|news| public::body(news.topic, news.message.at, &news.event.data(&products))).collect();
    let ids: Vec<Uuid> = endpoints.iter().map(|(endpoint, _)| endpoint.id).collect();
    let waiting = repo::count_waiting(&**tx, &ids).await?;
    for (endpoint, topics) in &endpoints {
        let rows: Vec<webhook_delivery::Model> = news
            .iter()
            .zip(&bodies)
            // the log may be behind: what happened before there was an endpoint is none of its business
            .filter(|(news, _)| topics.contains(&news.topic) && news.message.at >= endpoint.created_at)
            .map(|(news, body)| webhook_delivery::Model {
                id: app.ids.uuid(),
                endpoint_id: endpoint.id,
                event_id: news.message.event_id,
                topic: Text(news.topic),
                status: Text(WebhookDeliveryStatus::Pending),
                body: body.clone(),
                attempts: 0,
                last_status_code: None,
                last_error: None,
                next_attempt_at: Some(at),
                sending_until: None,
                created_at: at,
                ended_at: None,
            })
            .collect();
        if !rows.is_empty() {
            let before = waiting.get(&endpoint.id).copied().unwrap_or_default();
            queue(app, tx, endpoint.id, rows, before, at).await?;
        }
    }
    Ok(())
}

/// Writes `rows` down for `endpoint`, for which `waiting` others wait, and has as many sent as there is room for. The rest stands in
/// the log as given up; if nothing has got through for a day besides, the endpoint is paused.
async fn queue(
    app: &App,
    tx: &Tx,
    endpoint: Uuid,
    mut rows: Vec<webhook_delivery::Model>,
    mut waiting: u64,
    at: DateTime<Utc>,
) -> Result<()> {
    let most = app.config.webhooks.max_waiting;
    // an import of thousands of products leaves room for what happens to orders
    let room = |topic: WebhookTopic| if topic.is_of_inventory() { most.div_ceil(2) } else { most };
    let (mut to_send, mut too_many) = (Vec::new(), 0_usize);
    for row in &mut rows {
        if waiting < room(*row.topic) {
            waiting += 1;
            to_send.push((row.id, *row.topic));
        } else {
            too_many += 1;
            row.status = Text(WebhookDeliveryStatus::Failed);
            row.last_error = Some(TOO_MANY.to_owned());
            (row.next_attempt_at, row.ended_at) = (None, Some(at));
        }
    }
    repo::insert_deliveries(&**tx, rows).await?;
    sending::enqueue(app, tx, endpoint, &to_send, at).await?;
    if too_many > 0 {
        tracing::warn!(%endpoint, waiting, too_many, "more webhooks than may wait for their endpoint were given up");
        sending::pause_if_failing(app, tx, endpoint, at).await?;
    }
    Ok(())
}

/// The products that `news` are of, as they are now.
async fn products(tx: &Tx, news: &[News<'_>]) -> Result<Products> {
    let ids: BTreeSet<Uuid> = news.iter().filter_map(|news| news.event.product()).collect();
    if ids.is_empty() {
        return Ok(Products::new());
    }
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let stocks = inventory::list_stocks_in(&**tx, &ids).await?;
    let mut stocks: HashMap<Uuid, _> = stocks.into_iter().map(|stock| (stock.product_id, stock)).collect();
    let products = catalog::list_by_ids(&**tx, &ids).await?;
    let with_stock = |product: product::Model| {
        let stock = stocks.remove(&product.id);
        (product.id, (product, stock))
    };
    Ok(products.into_iter().map(with_stock).collect())
}
