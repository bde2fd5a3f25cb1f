//! Orders, their lines and their timeline.

use sea_orm_migration::prelude::*;

use crate::columns::{
    at, at_null, bigint, double, drop_tables, id, int, json, references, run, table, text, text_null, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("orders")
                    .col(id("id"))
                    .col(text("number"))
                    .col(int("version"))
                    .col(text("status"))
                    .col(uuid("customer_id"))
                    .col(uuid("seller_id"))
                    // the live claim and its partner; null while nobody has the order
                    .col(uuid_null("claim_id"))
                    .col(text_null("claim_status"))
                    // its deadline, beside it: one row decides who has an order and until when
                    .col(at_null("claim_expires_at"))
                    // whoever has accepted it, kept once it is delivered or failed
                    .col(uuid_null("partner_id"))
                    .col(text("currency"))
                    .col(bigint("subtotal_minor"))
                    .col(bigint("discount_minor"))
                    .col(bigint("delivery_fee_minor"))
                    .col(bigint("tax_minor"))
                    .col(bigint("total_minor"))
                    .col(bigint("payout_minor"))
                    .col(int("item_count"))
                    .col(text("payment_method"))
                    .col(text("payment_status"))
                    .col(json("delivery_address"))
                    .col(text("store_name"))
                    .col(double("pickup_latitude"))
                    .col(double("pickup_longitude"))
                    .col(double("dropoff_latitude"))
                    .col(double("dropoff_longitude"))
                    .col(bigint("distance_m"))
                    .col(text("delivery_code"))
                    .col(int("proof_failures"))
                    .col(text_null("note"))
                    .col(at("created_at"))
                    .col(at("updated_at"))
                    .col(at_null("ready_at"))
                    .col(at_null("delivered_at"))
                    .foreign_key(&mut references("orders", "customer_id", "users", "id"))
                    .foreign_key(&mut references("orders", "seller_id", "sellers", "id"))
                    .foreign_key(&mut references("orders", "partner_id", "users", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("order_items")
                    .col(id("id"))
                    .col(uuid("order_id"))
                    .col(uuid("product_id"))
                    .col(int("position"))
                    .col(text("name"))
                    .col(text("sku"))
                    .col(int("quantity"))
                    .col(bigint("unit_minor"))
                    .col(bigint("line_minor"))
                    .foreign_key(&mut references("order_items", "order_id", "orders", "id"))
                    .foreign_key(&mut references("order_items", "product_id", "products", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("order_events")
                    .col(id("id"))
                    .col(uuid("order_id"))
                    .col(int("order_version"))
                    .col(text("type"))
                    .col(text_null("from_status"))
                    .col(text("status"))
                    .col(uuid_null("actor_id"))
                    .col(text_null("actor_role"))
                    .col(text_null("note"))
                    .col(at("at"))
                    .foreign_key(&mut references("order_events", "order_id", "orders", "id"))
                    .to_owned(),
            )
            .await?;
        run(
            manager,
            &[
                "CREATE UNIQUE INDEX orders_number_key ON orders (number)",
                "CREATE INDEX orders_customer_idx ON orders (customer_id, id)",
                "CREATE INDEX orders_seller_idx ON orders (seller_id, id)",
                "CREATE INDEX orders_partner_idx ON orders (partner_id, id)",
                "CREATE INDEX orders_available_idx ON orders (ready_at, id) WHERE status = 'READY' AND claim_id IS NULL",
                "CREATE INDEX orders_status_idx ON orders (status, id)",
                "CREATE INDEX orders_created_idx ON orders (created_at)",
                "CREATE INDEX orders_updated_idx ON orders (updated_at, id)",
                "CREATE INDEX orders_total_idx ON orders (total_minor, id)",
                "CREATE INDEX orders_delivered_idx ON orders (delivered_at) WHERE delivered_at IS NOT NULL",
                "CREATE INDEX orders_claim_due_idx ON orders (claim_expires_at) WHERE claim_expires_at IS NOT NULL",
                "CREATE UNIQUE INDEX order_items_order_key ON order_items (order_id, position)",
                // an order's versions are contiguous: two writers of one version cannot both commit
                "CREATE UNIQUE INDEX order_events_version_key ON order_events (order_id, order_version)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["order_events", "order_items", "orders"]).await
    }
}
