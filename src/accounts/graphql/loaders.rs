//! Batched loading of what belongs to accounts.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{address, partner, seller, user};
use uuid::Uuid;

use crate::accounts::repo;
use crate::app::App;
use crate::graphql::{GraphError, Result};

/// Users by id.
#[derive(Debug)]
pub struct UserLoader(pub App);

impl Loader<Uuid> for UserLoader {
    type Value = user::Model;
    type Error = GraphError;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, user::Model>> {
        let rows = repo::list_users_by_ids(self.0.db.reader(), ids).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
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

/// Stores by id.
#[derive(Debug)]
pub struct SellerLoader(pub App);

impl Loader<Uuid> for SellerLoader {
    type Value = seller::Model;
    type Error = GraphError;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, seller::Model>> {
        let rows = repo::list_sellers_by_ids(self.0.db.reader(), ids).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
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
