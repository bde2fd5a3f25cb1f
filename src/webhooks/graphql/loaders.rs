//! What many answers need of webhooks, read in one statement.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{webhook_delivery, webhook_endpoint};
use uuid::Uuid;

use crate::app::App;
use crate::graphql::loaders::by_id;
use crate::graphql::{GraphError, Result};
use crate::webhooks::service;

by_id! {
    /// Endpoints by id.
    WebhookEndpointLoader, webhook_endpoint::Model, service::list_by_ids
}

by_id! {
    /// Deliveries by id.
    WebhookDeliveryLoader, webhook_delivery::Model, service::list_deliveries_by_ids
}

/// The newest deliveries of endpoints, by endpoint, whether only failed ones, and how many.
#[derive(Debug)]
pub struct WebhookDeliveriesLoader(pub App);

type Key = (Uuid, bool, u64);

impl Loader<Key> for WebhookDeliveriesLoader {
    type Value = Vec<webhook_delivery::Model>;
    type Error = GraphError;

    async fn load(&self, keys: &[Key]) -> Result<HashMap<Key, Vec<webhook_delivery::Model>>> {
        let mut alike: HashMap<(bool, u64), Vec<Uuid>> = HashMap::new();
        for &(endpoint, failed_only, limit) in keys {
            alike.entry((failed_only, limit)).or_default().push(endpoint);
        }
        let mut newest: HashMap<_, Vec<_>> = HashMap::new();
        for ((failed_only, limit), endpoints) in alike {
            let reader = self.0.db.reader();
            for delivery in service::list_newest_deliveries(reader, &endpoints, failed_only, limit).await? {
                newest.entry((delivery.endpoint_id, failed_only, limit)).or_default().push(delivery);
            }
        }
        Ok(newest)
    }
}
