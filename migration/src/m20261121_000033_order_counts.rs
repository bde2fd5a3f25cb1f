//! How many orders are in each state, counted beside the sums of sales.

use sea_orm_migration::prelude::*;

use crate::columns::{bigint, drop_tables, run, table, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(table("order_counts").col(text("status").primary_key()).col(bigint("orders")).to_owned())
            .await?;
        run(
            manager,
            &[
                "ALTER TABLE sales_orders ADD COLUMN status text NOT NULL DEFAULT ''",
                // before the version that was looked at last
                "ALTER TABLE sales_orders ADD COLUMN was_status text",
                // nobody counts meanwhile: that takes the same row
                "UPDATE consumers SET position = position WHERE name = 'analytics.sales'",
                // of a version that is not counted yet it is counted here: that finds nothing to change
                "UPDATE sales_orders SET status = (SELECT o.status FROM orders o WHERE o.id = sales_orders.order_id)",
                "INSERT INTO order_counts (status, orders) SELECT status, COUNT(*) FROM sales_orders GROUP BY status",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["ALTER TABLE sales_orders DROP COLUMN was_status", "ALTER TABLE sales_orders DROP COLUMN status"])
            .await?;
        drop_tables(manager, &["order_counts"]).await
    }
}
