//! Categories, products, and the stock of each product with its ledger.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::{
    at, bigint, bigint_null, boolean, drop_tables, id, int, json, references, run, table, text, text_null, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(table("categories").col(id("id")).col(text("slug")).col(text("name")).to_owned()).await?;
        manager
            .create_table(
                table("products")
                    .col(id("id"))
                    .col(text("sku"))
                    .col(uuid("seller_id"))
                    .col(uuid("category_id"))
                    .col(text("name"))
                    // the name in lower case: what NAME sorts by, and searches look at
                    .col(text("name_key"))
                    // name, SKU, tags and description in lower case
                    .col(text("search_text"))
                    .col(text("description"))
                    .col(bigint("price_minor"))
                    .col(bigint_null("compare_at_minor"))
                    .col(text("currency"))
                    .col(json("images"))
                    .col(json("tags"))
                    .col(boolean("is_active"))
                    .col(bigint("sold_count"))
                    .col(at("created_at"))
                    .col(at("updated_at"))
                    .foreign_key(&mut references("products", "seller_id", "sellers", "id"))
                    .foreign_key(&mut references("products", "category_id", "categories", "id"))
                    .check(Expr::cust("price_minor >= 0"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("product_tags")
                    .col(uuid("product_id"))
                    .col(text("tag"))
                    .primary_key(Index::create().col(Alias::new("tag")).col(Alias::new("product_id")))
                    .foreign_key(&mut references("product_tags", "product_id", "products", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("stocks")
                    .col(id("product_id"))
                    .col(int("on_hand"))
                    .col(int("reserved"))
                    .col(int("low_stock_threshold"))
                    .foreign_key(&mut references("stocks", "product_id", "products", "id"))
                    // the last line of defence; the conditional updates never come near it
                    .check(Expr::cust("reserved >= 0 AND on_hand >= reserved"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("stock_movements")
                    .col(id("id"))
                    .col(uuid("product_id"))
                    .col(int("delta"))
                    .col(int("on_hand_after"))
                    .col(text("reason"))
                    .col(uuid_null("actor_id"))
                    .col(uuid_null("order_id"))
                    .col(text_null("note"))
                    .col(at("at"))
                    .foreign_key(&mut references("stock_movements", "product_id", "products", "id"))
                    .to_owned(),
            )
            .await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            // byte order, as in SQLite: the same page on both, whatever the server's locale
            run(manager, &["ALTER TABLE products ALTER COLUMN name_key TYPE text COLLATE \"C\""]).await?;
        }
        run(
            manager,
            &[
                "CREATE UNIQUE INDEX categories_slug_key ON categories (slug)",
                "CREATE UNIQUE INDEX products_sku_key ON products (sku)",
                "CREATE INDEX products_newest_idx ON products (created_at, id)",
                "CREATE INDEX products_price_idx ON products (price_minor, id)",
                "CREATE INDEX products_name_idx ON products (name_key, id)",
                "CREATE INDEX products_best_selling_idx ON products (sold_count, id)",
                "CREATE INDEX products_category_idx ON products (category_id, created_at, id)",
                "CREATE INDEX products_seller_idx ON products (seller_id, created_at, id)",
                "CREATE INDEX stock_movements_product_idx ON stock_movements (product_id, id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["stock_movements", "stocks", "product_tags", "products", "categories"]).await
    }
}
