//! The area that an order is picked up in, and the indexes of what partners did.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::{bigint, run};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMNS: [&str; 2] = ["pickup_cell", "pickup_region"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            // 0: not known, of orders that are there already, and of those that instances before this place; readers look at
            // these as well
            let mut column = bigint(column).default(0).to_owned();
            manager.alter_table(Table::alter().table(Alias::new("orders")).add_column(&mut column).to_owned()).await?;
        }
        // SQLite would take an index on the status, which leads to all that are ready, for the better way: there the column is
        // spelt so that none is for it
        let is_sqlite = manager.get_database_backend() == DbBackend::Sqlite;
        let status = if is_sqlite { "coalesce(status, status)" } else { "status" };
        run(
            manager,
            &[
                &format!("CREATE INDEX orders_cell_idx ON orders (pickup_cell) WHERE {status} = 'READY' AND claim_id IS NULL"),
                &format!("CREATE INDEX orders_region_idx ON orders (pickup_region) WHERE {status} = 'READY' AND claim_id IS NULL"),
                "CREATE INDEX orders_partner_delivered_idx ON orders (partner_id, delivered_at) WHERE delivered_at IS NOT NULL",
                "CREATE INDEX claims_partner_ended_idx ON claims (partner_id, ended_at) WHERE ended_at IS NOT NULL",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let indexes = [
            "DROP INDEX claims_partner_ended_idx",
            "DROP INDEX orders_partner_delivered_idx",
            "DROP INDEX orders_region_idx",
            "DROP INDEX orders_cell_idx",
        ];
        run(manager, &indexes).await?;
        for column in COLUMNS {
            run(manager, &[&format!("ALTER TABLE orders DROP COLUMN {column}")]).await?;
        }
        Ok(())
    }
}
