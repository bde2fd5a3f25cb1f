//! Webhooks: endpoints, and a log of what they were sent. Jobs may belong to a group, of which few are done at once.

use sea_orm_migration::prelude::*;

use crate::columns::{
    at, at_null, boolean, drop_tables, id, int, int_null, json, references, run, table, text, text_null, uuid,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("webhook_endpoints")
                    .col(id("id"))
                    .col(text("url"))
                    .col(json("topics"))
                    .col(text("secret"))
                    .col(text_null("previous_secret"))
                    .col(at_null("previous_until"))
                    .col(boolean("is_active"))
                    .col(at_null("failing_since"))
                    .col(uuid("creator_id"))
                    .col(at("created_at"))
                    .col(at("updated_at"))
                    .foreign_key(&mut references("webhook_endpoints", "creator_id", "users", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("webhook_deliveries")
                    .col(id("id"))
                    .col(uuid("endpoint_id"))
                    .col(uuid("event_id"))
                    .col(text("topic"))
                    .col(text("status"))
                    .col(text("body"))
                    .col(int("attempts"))
                    .col(int_null("last_status_code"))
                    .col(text_null("last_error"))
                    .col(at_null("next_attempt_at"))
                    .col(at_null("sending_until"))
                    .col(at("created_at"))
                    .col(at_null("ended_at"))
                    .foreign_key(&mut references("webhook_deliveries", "endpoint_id", "webhook_endpoints", "id"))
                    .to_owned(),
            )
            .await?;
        manager.alter_table(Table::alter().table(Alias::new("jobs")).add_column(text_null("group_key")).to_owned()).await?;
        run(
            manager,
            &[
                // whatever the code above believes, an endpoint is told of an event once for each topic
                "CREATE UNIQUE INDEX webhook_deliveries_event_key ON webhook_deliveries (endpoint_id, event_id, topic)",
                "CREATE INDEX webhook_deliveries_list_idx ON webhook_deliveries (endpoint_id, id)",
                "CREATE INDEX webhook_deliveries_failed_idx ON webhook_deliveries (endpoint_id, id) WHERE status = 'FAILED'",
                "CREATE INDEX webhook_deliveries_ended_idx ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["ALTER TABLE jobs DROP COLUMN group_key"]).await?;
        drop_tables(manager, &["webhook_deliveries", "webhook_endpoints"]).await
    }
}
