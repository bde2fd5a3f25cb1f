//! Where many partners are, and who may know: one question each.

use std::collections::{HashMap, HashSet};

use async_graphql::dataloader::Loader;
use chrono::{DateTime, Utc};
use domain::fix::Fix;
use uuid::Uuid;

use crate::app::App;
use crate::graphql::{GraphError, Result};
use crate::orders::service::{Recipient, list_deliverers_for};
use crate::tracking::service;

/// Where partners are, by the partner's user.
#[derive(Debug)]
pub struct FixLoader(pub App);

impl Loader<Uuid> for FixLoader {
    type Value = Fix;
    type Error = GraphError;

    async fn load(&self, partners: &[Uuid]) -> Result<HashMap<Uuid, Fix>> {
        let fixes = service::list_fixes(&self.0, partners).await;
        Ok(partners.iter().zip(fixes).filter_map(|(partner, fix)| Some((*partner, fix?))).collect())
    }
}

/// Since when a partner carries any order for somebody, who do so at this moment.
#[derive(Debug)]
pub struct DelivererLoader(pub App);

impl Loader<(Uuid, Recipient)> for DelivererLoader {
    type Value = DateTime<Utc>;
    type Error = GraphError;

    async fn load(&self, keys: &[(Uuid, Recipient)]) -> Result<HashMap<(Uuid, Recipient), DateTime<Utc>>> {
        let mut partners_by: HashMap<Recipient, HashSet<Uuid>> = HashMap::new();
        for (partner, recipient) in keys {
            partners_by.entry(*recipient).or_default().insert(*partner);
        }
        let mut found = HashMap::new();
        for (recipient, partners) in partners_by {
            let partners: Vec<Uuid> = partners.into_iter().collect();
            let deliverers = list_deliverers_for(self.0.db.reader(), &partners, recipient).await?;
            found.extend(deliverers.into_iter().map(|(partner, since)| ((partner, recipient), since)));
        }
        Ok(found)
    }
}
