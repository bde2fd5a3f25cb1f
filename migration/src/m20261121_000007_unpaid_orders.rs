//! Orders that wait for their payment, and the promo codes of orders.

use sea_orm_migration::prelude::*;

use crate::columns::{at_null, run, text_null, uuid_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMNS: [&str; 3] = ["payment_due_at", "promo_id", "promo_code"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time
        for column in [at_null(COLUMNS[0]), uuid_null(COLUMNS[1]), text_null(COLUMNS[2])] {
            let mut column = column;
            manager.alter_table(Table::alter().table(Alias::new("orders")).add_column(&mut column).to_owned()).await?;
        }
        run(manager, &["CREATE INDEX orders_payment_due_idx ON orders (payment_due_at) WHERE payment_due_at IS NOT NULL"])
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["DROP INDEX orders_payment_due_idx"]).await?;
        for column in COLUMNS {
            run(manager, &[&format!("ALTER TABLE orders DROP COLUMN {column}")]).await?;
        }
        Ok(())
    }
}
