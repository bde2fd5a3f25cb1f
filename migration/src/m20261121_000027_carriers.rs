//! An index of who carries an order at this moment.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite would take an index on the status, which leads to other orders as well, for the better way: there the column is spelt
        // so that none is for it
        let is_sqlite = manager.get_database_backend() == DbBackend::Sqlite;
        let status = if is_sqlite { "coalesce(status, status)" } else { "status" };
        let carried = format!("{status} IN ('ASSIGNED', 'PICKED_UP', 'IN_TRANSIT') AND claim_status = 'ACCEPTED'");
        run(manager, &[&format!("CREATE INDEX orders_carried_idx ON orders (partner_id) WHERE {carried}")]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["DROP INDEX orders_carried_idx"]).await
    }
}
