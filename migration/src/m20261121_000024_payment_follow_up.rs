//! How often a provider broke at a payment, when it was called off there, and until when an order waits for what it says.

use sea_orm_migration::prelude::*;

use crate::columns::{at_null, int, run};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time
        add(manager, "payments", int("broken").default(0).to_owned()).await?;
        add(manager, "payments", at_null("called_off_at")).await?;
        add(manager, "orders", at_null("payment_asked_until")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "ALTER TABLE orders DROP COLUMN payment_asked_until",
                "ALTER TABLE payments DROP COLUMN called_off_at",
                "ALTER TABLE payments DROP COLUMN broken",
            ],
        )
        .await
    }
}

async fn add(manager: &SchemaManager<'_>, table: &str, mut column: ColumnDef) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(Alias::new(table)).add_column(&mut column).to_owned()).await
}
