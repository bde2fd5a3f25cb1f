//! Products as clients see them.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Object};
use entity::product;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::graphql::loaders::load_existing;
use crate::graphql::{GraphError, Result};
use crate::platform::Error;

/// Products by id.
#[derive(Debug)]
pub struct ProductLoader(pub App);

impl Loader<Uuid> for ProductLoader {
    type Value = product::Model;
    type Error = GraphError;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, product::Model>> {
        let find = product::Entity::find().filter(product::Column::Id.is_in(ids.to_vec()));
        let rows = find.all(self.0.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// Something that a seller sells.
#[derive(Debug, Clone)]
pub struct Product(pub product::Model);

impl Product {
    /// The product `id`, batched with others of the same request.
    ///
    /// # Errors
    /// A fault when it does not exist.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> Result<Self> {
        load_existing::<ProductLoader, _>(ctx, id).await.map(Self)
    }
}

#[Object]
impl Product {
    /// As shown.
    async fn name(&self) -> &str {
        &self.0.name
    }
}
