//! Carts, and promo codes with who used them.

use sea_orm_migration::prelude::*;

use crate::columns::{
    at, at_null, bigint, bigint_null, drop_tables, id, int, int_null, references, run, table, text, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        promos(manager).await?;
        manager
            .create_table(
                table("carts")
                    .col(id("id"))
                    .col(uuid("customer_id"))
                    .col(uuid_null("promo_id"))
                    .col(int("version"))
                    .col(at("updated_at"))
                    .foreign_key(&mut references("carts", "customer_id", "users", "id"))
                    .foreign_key(&mut references("carts", "promo_id", "promos", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("cart_lines")
                    .col(id("id"))
                    .col(uuid("cart_id"))
                    .col(uuid("product_id"))
                    .col(int("quantity"))
                    // what a piece cost when the customer last set the line
                    .col(bigint("unit_minor"))
                    .col(at("added_at"))
                    .foreign_key(&mut references("cart_lines", "cart_id", "carts", "id"))
                    .foreign_key(&mut references("cart_lines", "product_id", "products", "id"))
                    .check(Expr::cust("quantity >= 1"))
                    .to_owned(),
            )
            .await?;
        run(
            manager,
            &[
                // a cart's id is made of its customer's, so the primary key lets a customer have one; a second unique index
                // would be a second place for two who fill it at once to collide
                "CREATE INDEX carts_customer_idx ON carts (customer_id)",
                "CREATE INDEX carts_promo_idx ON carts (promo_id) WHERE promo_id IS NOT NULL",
                "CREATE UNIQUE INDEX cart_lines_product_key ON cart_lines (cart_id, product_id)",
                "CREATE INDEX cart_lines_product_idx ON cart_lines (product_id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["cart_lines", "carts", "promo_redemptions", "promo_customers", "promos"]).await
    }
}

/// Promo codes; how often each customer used one; by which orders.
async fn promos(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("promos")
                .col(id("id"))
                .col(text("code"))
                .col(int_null("percent_basis_points"))
                .col(bigint_null("amount_minor"))
                .col(bigint("minimum_subtotal_minor"))
                .col(text("currency"))
                .col(at_null("starts_at"))
                .col(at_null("ends_at"))
                .col(int_null("max_uses"))
                .col(int_null("max_uses_per_customer"))
                .col(int("uses"))
                // when its window next begins or ends; null once nothing of that is to be announced
                .col(at_null("next_edge_at"))
                .col(at("created_at"))
                .check(Expr::cust("(percent_basis_points IS NULL) <> (amount_minor IS NULL)"))
                // the last line of defence; the conditional update never comes near it
                .check(Expr::cust("uses >= 0 AND (max_uses IS NULL OR uses <= max_uses)"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            table("promo_customers")
                .col(uuid("promo_id"))
                .col(uuid("customer_id"))
                .col(int("uses"))
                .primary_key(Index::create().col(Alias::new("promo_id")).col(Alias::new("customer_id")))
                .foreign_key(&mut references("promo_customers", "promo_id", "promos", "id"))
                .foreign_key(&mut references("promo_customers", "customer_id", "users", "id"))
                .check(Expr::cust("uses >= 0"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            table("promo_redemptions")
                // an order has one promo code: written before the order, in its transaction
                .col(id("order_id"))
                .col(uuid("promo_id"))
                .col(uuid("customer_id"))
                .col(at("redeemed_at"))
                .col(at_null("given_back_at"))
                .foreign_key(&mut references("promo_redemptions", "promo_id", "promos", "id"))
                .foreign_key(&mut references("promo_redemptions", "customer_id", "users", "id"))
                .to_owned(),
        )
        .await?;
    run(
        manager,
        &[
            "CREATE UNIQUE INDEX promos_code_key ON promos (code)",
            "CREATE INDEX promos_next_edge_idx ON promos (next_edge_at) WHERE next_edge_at IS NOT NULL",
            "CREATE INDEX promo_redemptions_promo_idx ON promo_redemptions (promo_id)",
        ],
    )
    .await
}
