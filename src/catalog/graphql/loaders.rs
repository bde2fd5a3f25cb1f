//! What many answers need from the catalogue, read in one statement.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{category, product};
use uuid::Uuid;

use crate::app::App;
use crate::catalog::service;
use crate::graphql::loaders::by_id;
use crate::graphql::{GraphError, Result};

by_id! {
    /// Products by id.
    ProductLoader, product::Model, service::list_by_ids
}

/// Categories by id.
#[derive(Debug)]
pub struct CategoryLoader(pub App);

impl Loader<Uuid> for CategoryLoader {
    type Value = category::Model;
    type Error = GraphError;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, category::Model>> {
        let rows = service::list_categories_by_ids(&self.0, ids).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// How many products are on sale, by category.
#[derive(Debug)]
pub struct ProductCountLoader(pub App);

impl Loader<Uuid> for ProductCountLoader {
    type Value = i64;
    type Error = GraphError;

    async fn load(&self, categories: &[Uuid]) -> Result<HashMap<Uuid, i64>> {
        Ok(service::count_by_category(&self.0, categories).await?)
    }
}
