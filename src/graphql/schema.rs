//! The schema: the slices' parts, merged.

use async_graphql::{EmptyMutation, EmptySubscription, MergedObject, Object};

use crate::app::App;

/// Everything that can be read.
#[derive(Default, MergedObject)]
pub struct Query(ServerQuery);

/// The schema that clients use.
pub type Schema = async_graphql::Schema<Query, EmptyMutation, EmptySubscription>;

/// The server itself.
#[derive(Debug, Default)]
pub struct ServerQuery;

#[Object]
impl ServerQuery {
    /// Version of the server, e.g. `0.1.0`. Public.
    async fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// Builds the schema over `app`.
#[must_use]
pub fn build_schema(app: &App) -> Schema {
    Schema::build(Query::default(), EmptyMutation, EmptySubscription).data(app.clone()).finish()
}
