//! Payments, their refunds, what the providers said of them, the sandbox's books, and jobs.

use sea_orm_migration::prelude::*;

use crate::columns::{
    at, at_null, bigint, drop_tables, id, int, json, references, run, table, text, text_null, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        payments(manager).await?;
        sandbox(manager).await?;
        manager
            .create_table(
                table("jobs")
                    .col(id("id"))
                    .col(text("kind"))
                    // one waiting job of a kind for each key
                    .col(text("key"))
                    .col(json("payload"))
                    .col(int("attempts"))
                    // when it is to be tried; while it is worked on: when it is taken over from a worker that died
                    .col(at("run_at"))
                    .col(text_null("last_error"))
                    .col(at("created_at"))
                    .col(at_null("died_at"))
                    .to_owned(),
            )
            .await?;
        run(
            manager,
            &[
                // whatever the code above believes, an order has one payment at a time that can still succeed
                "CREATE UNIQUE INDEX payments_one_open_key ON payments (order_id) WHERE status IN ('PENDING', 'AUTHORIZED')",
                "CREATE INDEX payments_order_idx ON payments (order_id, id)",
                "CREATE UNIQUE INDEX payments_provider_ref_key ON payments (provider, provider_ref)",
                "CREATE INDEX refunds_payment_idx ON refunds (payment_id, id)",
                "CREATE UNIQUE INDEX sandbox_intents_key ON sandbox_intents (payment_id)",
                "CREATE UNIQUE INDEX sandbox_intents_secret_key ON sandbox_intents (client_secret)",
                "CREATE UNIQUE INDEX jobs_key ON jobs (kind, key)",
                "CREATE INDEX jobs_due_idx ON jobs (run_at, id) WHERE died_at IS NULL",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = ["jobs", "sandbox_refunds", "sandbox_intents", "payment_events", "refunds", "payments"];
        drop_tables(manager, &tables).await
    }
}

async fn payments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("payments")
                .col(id("id"))
                .col(uuid("order_id"))
                .col(text("provider"))
                .col(text("status"))
                .col(text("currency"))
                .col(bigint("amount_minor"))
                // what went back or is on its way back: never more than was paid
                .col(bigint("refunded_minor"))
                .col(text_null("provider_ref"))
                .col(text_null("client_secret"))
                .col(text_null("failure_reason"))
                .col(at("created_at"))
                .col(at("updated_at"))
                .col(at_null("paid_at"))
                .check(Expr::cust("refunded_minor >= 0 AND refunded_minor <= amount_minor"))
                .foreign_key(&mut references("payments", "order_id", "orders", "id"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            table("refunds")
                .col(id("id"))
                .col(uuid("payment_id"))
                .col(bigint("amount_minor"))
                .col(text("currency"))
                .col(text_null("reason"))
                .col(text("status"))
                .col(uuid_null("actor_id"))
                .col(text_null("provider_ref"))
                .col(text_null("failure_reason"))
                .col(at("created_at"))
                .col(at("updated_at"))
                .foreign_key(&mut references("refunds", "payment_id", "payments", "id"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            table("payment_events")
                .col(text("provider"))
                .col(text("provider_event_id"))
                .col(uuid("payment_id"))
                .col(text("kind"))
                .col(at("at"))
                .primary_key(Index::create().col(Alias::new("provider")).col(Alias::new("provider_event_id")))
                .foreign_key(&mut references("payment_events", "payment_id", "payments", "id"))
                .to_owned(),
        )
        .await
}

/// The sandbox is a provider like any other: it knows our payments by what it was told, and refers to none of our tables.
async fn sandbox(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("sandbox_intents")
                .col(text("id").primary_key().to_owned())
                .col(uuid("payment_id"))
                .col(text("client_secret"))
                .col(text("status"))
                .col(text("currency"))
                .col(bigint("amount_minor"))
                .col(bigint("refunded_minor"))
                .col(at("created_at"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            table("sandbox_refunds")
                .col(id("id"))
                .col(text("intent_id"))
                .col(bigint("amount_minor"))
                .col(at("created_at"))
                .to_owned(),
        )
        .await
}
