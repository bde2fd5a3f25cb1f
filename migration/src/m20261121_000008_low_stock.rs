//! Whether a stock is low, and whether it was before it last moved.

use sea_orm_migration::prelude::*;

use crate::columns::{boolean, run};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["is_low", "was_low"] {
            let mut column = boolean(name).default(false).to_owned();
            manager.alter_table(Table::alter().table(Alias::new("stocks")).add_column(&mut column).to_owned()).await?;
        }
        run(
            manager,
            &[
                "UPDATE stocks SET is_low = TRUE, was_low = TRUE WHERE on_hand - reserved <= low_stock_threshold",
                "CREATE INDEX stocks_low_idx ON stocks (product_id) WHERE is_low",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "DROP INDEX stocks_low_idx",
                "ALTER TABLE stocks DROP COLUMN was_low",
                "ALTER TABLE stocks DROP COLUMN is_low",
            ],
        )
        .await
    }
}
