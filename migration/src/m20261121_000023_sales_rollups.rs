//! What was sold, summed by the hour as orders become sales or cease to be, and where the jobs are that were given up.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::{bigint, boolean, drop_tables, id, int, run, table, text, uuid};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                // what of each order is in the sums below, so that it can be taken out again
                table("sales_orders")
                    .col(id("order_id"))
                    .col(int("version"))
                    .col(boolean("is_counted"))
                    // before this version: what a change adds or takes out is told by the two
                    .col(boolean("was_counted"))
                    // seconds since 1970
                    .col(bigint("hour"))
                    .col(uuid("seller_id"))
                    .col(text("currency"))
                    .col(bigint("total_minor"))
                    .to_owned(),
            )
            .await?;
        let key = |columns: &[&str]| {
            let mut key = Index::create();
            for column in columns {
                key.col(Alias::new(*column));
            }
            key
        };
        manager
            .create_table(
                table("sales_hours")
                    .col(uuid("seller_id"))
                    .col(text("currency"))
                    .col(bigint("hour"))
                    .col(bigint("orders"))
                    .col(bigint("total_minor"))
                    .primary_key(&mut key(&["seller_id", "currency", "hour"]))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("sales_hour_products")
                    .col(uuid("seller_id"))
                    .col(text("currency"))
                    .col(bigint("hour"))
                    .col(uuid("product_id"))
                    .col(bigint("quantity"))
                    .col(bigint("total_minor"))
                    .primary_key(&mut key(&["seller_id", "currency", "hour", "product_id"]))
                    .to_owned(),
            )
            .await?;
        let hour = match manager.get_database_backend() {
            DbBackend::Postgres => "CAST(EXTRACT(EPOCH FROM date_trunc('hour', created_at, 'UTC')) AS BIGINT)",
            _ => "CAST(strftime('%s', strftime('%Y-%m-%d %H:00:00', created_at)) AS BIGINT)",
        };
        run(
            manager,
            &[
                // The orders that are there, as they are: their later versions are events, and earlier ones change nothing. The
                // sums are made of the copy, not of the orders, which go on meanwhile.
                &format!(
                    "INSERT INTO sales_orders (order_id, version, is_counted, was_counted, hour, seller_id, currency, total_minor)
                     SELECT id, version, status NOT IN ('PENDING', 'CANCELLED', 'FAILED'), FALSE, {hour}, seller_id, currency,
                            total_minor
                     FROM orders"
                ),
                "INSERT INTO sales_hours (seller_id, currency, hour, orders, total_minor)
                 SELECT seller_id, currency, hour, COUNT(*), SUM(total_minor) FROM sales_orders WHERE is_counted
                 GROUP BY seller_id, currency, hour",
                "INSERT INTO sales_hour_products (seller_id, currency, hour, product_id, quantity, total_minor)
                 SELECT s.seller_id, s.currency, s.hour, i.product_id, SUM(i.quantity), SUM(i.line_minor)
                 FROM sales_orders s JOIN order_items i ON i.order_id = s.order_id WHERE s.is_counted
                 GROUP BY s.seller_id, s.currency, s.hour, i.product_id",
                "CREATE INDEX sales_hours_hour_idx ON sales_hours (currency, hour)",
                "CREATE INDEX sales_hour_products_hour_idx ON sales_hour_products (currency, hour)",
                // admins page through what was given up
                "CREATE INDEX jobs_dead_idx ON jobs (id) WHERE died_at IS NOT NULL",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["DROP INDEX jobs_dead_idx"]).await?;
        drop_tables(manager, &["sales_hour_products", "sales_hours", "sales_orders"]).await
    }
}
