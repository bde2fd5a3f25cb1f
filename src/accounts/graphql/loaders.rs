//! Batched loading of what belongs to accounts.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{address, api_key, partner, seller, user};
use uuid::Uuid;

use crate::accounts::repo;
use crate::app::App;
use crate::graphql::loaders::by_id;
use crate::graphql::{GraphError, Result};

by_id! {
    /// Users by id.
    UserLoader, user::Model, repo::list_users_by_ids
}

/// What users have as partners, by the user's id.
#[derive(Debug)]
pub struct PartnerLoader(pub App);

impl Loader<Uuid> for PartnerLoader {
    type Value = partner::Model;
    type Error = GraphError;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, partner::Model>> {
        let rows = repo::list_partners_by_users(self.0.db.reader(), ids).await?;
        Ok(rows.into_iter().map(|row| (row.user_id, row)).collect())
    }
}

by_id! {
    /// API keys by id.
    ApiKeyLoader, api_key::Model, repo::keys::list_keys_by_ids
}

by_id! {
    /// Stores by id.
    SellerLoader, seller::Model, repo::list_sellers_by_ids
}

/// Saved addresses by the user's id; a user without any has no entry.
#[derive(Debug)]
pub struct AddressesLoader(pub App);

impl Loader<Uuid> for AddressesLoader {
    type Value = Vec<address::Model>;
    type Error = GraphError;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<address::Model>>> {
        let mut of_users: HashMap<Uuid, Vec<address::Model>> = HashMap::new();
        for row in repo::addresses::list_addresses_of(self.0.db.reader(), ids).await? {
            of_users.entry(row.user_id).or_default().push(row);
        }
        Ok(of_users)
    }
}
