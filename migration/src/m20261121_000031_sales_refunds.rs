//! What of orders went back to their customers, at the orders and in the sums of hours.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::{bigint, run};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMNS: [(&str, &str); 4] = [
    ("orders", "refunded_minor"),
    ("sales_orders", "refunded_minor"),
    // before the version that was looked at last
    ("sales_orders", "was_refunded_minor"),
    ("sales_hours", "refunded_minor"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in COLUMNS {
            let mut column = bigint(column).default(0).to_owned();
            manager.alter_table(Table::alter().table(Alias::new(table)).add_column(&mut column).to_owned()).await?;
        }
        let hour = match manager.get_database_backend() {
            DbBackend::Postgres => "CAST(EXTRACT(EPOCH FROM date_trunc('hour', created_at, 'UTC')) AS BIGINT)",
            _ => "CAST(strftime('%s', strftime('%Y-%m-%d %H:00:00', created_at)) AS BIGINT)",
        };
        let refunded = "(SELECT CAST(SUM(r.amount_minor) AS BIGINT) FROM refunds r JOIN payments p ON p.id = r.payment_id
                         WHERE p.order_id = orders.id AND r.status = 'REFUNDED')";
        // what was paid beyond the total, as twice, went back first
        let beyond = "(SELECT CAST(SUM(p.amount_minor) AS BIGINT) FROM payments p
                       WHERE p.order_id = orders.id AND p.status NOT IN ('PENDING', 'AUTHORIZED', 'FAILED'))
                      - total_minor";
        run(
            manager,
            &[
                // nobody counts meanwhile: that takes the same row
                "UPDATE consumers SET position = position WHERE name = 'analytics.sales'",
                &format!(
                    "UPDATE orders SET refunded_minor = CASE
                         WHEN {beyond} <= 0 THEN {refunded}
                         WHEN {refunded} > {beyond} THEN {refunded} - ({beyond})
                         ELSE 0 END
                     WHERE id IN (SELECT p.order_id FROM payments p JOIN refunds r ON r.payment_id = p.id
                                  WHERE r.status = 'REFUNDED')"
                ),
                // All sums are made anew, of the orders as they are now: events that are not counted yet were written by who did
                // not know what went back, and are of no later version.
                "DELETE FROM sales_hour_products",
                "DELETE FROM sales_hours",
                "DELETE FROM sales_orders",
                &format!(
                    "INSERT INTO sales_orders (order_id, version, is_counted, was_counted, hour, seller_id, currency, total_minor,
                                               refunded_minor, was_refunded_minor)
                     SELECT id, version, status NOT IN ('PENDING', 'CANCELLED', 'FAILED'), FALSE, {hour}, seller_id, currency,
                            total_minor, refunded_minor, 0
                     FROM orders"
                ),
                "INSERT INTO sales_hours (seller_id, currency, hour, orders, total_minor, refunded_minor)
                 SELECT seller_id, currency, hour, COUNT(*), SUM(total_minor), SUM(refunded_minor)
                 FROM sales_orders WHERE is_counted
                 GROUP BY seller_id, currency, hour",
                "INSERT INTO sales_hour_products (seller_id, currency, hour, product_id, quantity, total_minor)
                 SELECT s.seller_id, s.currency, s.hour, i.product_id, SUM(i.quantity), SUM(i.line_minor)
                 FROM sales_orders s JOIN order_items i ON i.order_id = s.order_id WHERE s.is_counted
                 GROUP BY s.seller_id, s.currency, s.hour, i.product_id",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in COLUMNS {
            run(manager, &[&format!("ALTER TABLE {table} DROP COLUMN {column}")]).await?;
        }
        Ok(())
    }
}
