//! Ratings of orders, with the sums that they make, and one default address for each user.

use sea_orm_migration::prelude::*;

use crate::columns::{at, at_null, bigint, drop_tables, id, int, references, run, table, text_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What is rated with an order.
const RATED: [&str; 3] = ["products", "sellers", "partners"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("ratings")
                    // an order is rated once
                    .col(id("order_id"))
                    .col(int("score"))
                    .col(text_null("comment"))
                    .col(at("at"))
                    .foreign_key(&mut references("ratings", "order_id", "orders", "id"))
                    .check(Expr::cust("score BETWEEN 1 AND 5"))
                    .to_owned(),
            )
            .await?;
        // SQLite adds one column at a time
        add(manager, "orders", at_null("rated_at")).await?;
        for table in RATED {
            for name in ["rating_sum", "rating_count"] {
                add(manager, table, bigint(name).default(0).to_owned()).await?;
            }
        }
        run(
            manager,
            &[
                // of several, the oldest stays
                "UPDATE addresses SET is_default = FALSE WHERE is_default AND EXISTS (SELECT 1 FROM addresses AS older \
                 WHERE older.user_id = addresses.user_id AND older.is_default AND older.id < addresses.id)",
                // whatever the code above believes, a user has one default at most
                "CREATE UNIQUE INDEX addresses_one_default_key ON addresses (user_id) WHERE is_default",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["DROP INDEX addresses_one_default_key", "ALTER TABLE orders DROP COLUMN rated_at"]).await?;
        for table in RATED {
            for name in ["rating_sum", "rating_count"] {
                run(manager, &[&format!("ALTER TABLE {table} DROP COLUMN {name}")]).await?;
            }
        }
        drop_tables(manager, &["ratings"]).await
    }
}

async fn add(manager: &SchemaManager<'_>, table: &str, mut column: ColumnDef) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(Alias::new(table)).add_column(&mut column).to_owned()).await
}
