//! Batched loading: rows that one answer needs many times over are read in one statement.

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};
use std::hash::Hash;

use super::error::{GraphError, Result};
use crate::platform::error::Error;

/// The value of `key` in the loader `L`, asked for together with the other keys of this moment.
///
/// # Errors
/// Those of the loader.
pub async fn load<L, K>(ctx: &Context<'_>, key: K) -> Result<Option<<L as Loader<K>>::Value>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    L: Loader<K, Error = GraphError>,
{
    let loader = ctx
        .data::<DataLoader<L>>()
        .map_err(|e| GraphError::from(Error::fault("finding a loader in the context", e.message)))?;
    loader.load_one(key).await
}

/// As [`load`], for a row that must exist because another refers to it.
///
/// # Errors
/// Those of the loader; a fault when the row is missing.
pub async fn load_existing<L, K>(ctx: &Context<'_>, key: K) -> Result<<L as Loader<K>>::Value>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    L: Loader<K, Error = GraphError>,
{
    match load::<L, K>(ctx, key).await? {
        Some(value) => Ok(value),
        None => Err(Error::fault("loading a row that another refers to", "it does not exist").into()),
    }
}

/// A loader of rows by their own ids: `$list` reads them in one statement.
macro_rules! by_id {
    ($(#[$meta:meta])* $loader:ident, $row:ty, $list:path) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $loader(pub $crate::app::App);

        impl async_graphql::dataloader::Loader<uuid::Uuid> for $loader {
            type Value = $row;
            type Error = $crate::graphql::GraphError;

            async fn load(
                &self,
                ids: &[uuid::Uuid],
            ) -> $crate::graphql::Result<std::collections::HashMap<uuid::Uuid, $row>> {
                let rows = $list(self.0.db.reader(), ids).await?;
                Ok(rows.into_iter().map(|row| (row.id, row)).collect())
            }
        }
    };
}

pub(crate) use by_id;
