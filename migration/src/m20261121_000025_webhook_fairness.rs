//! Webhooks: several secrets that were replaced, each with its own end; when an endpoint last failed; what waits for an endpoint is
//! counted. Due jobs are found by their kind.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::{at_null, json, run, text_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time
        add(manager, json("replaced_secrets").default("[]").to_owned()).await?;
        add(manager, at_null("last_failed_at")).await?;
        let one = match manager.get_database_backend() {
            DbBackend::Postgres => {
                "jsonb_build_array(jsonb_build_object('secret', previous_secret, 'until', previous_until))"
            }
            _ => "json_array(json_object('secret', previous_secret, 'until', previous_until))",
        };
        let carry_over = format!("UPDATE webhook_endpoints SET replaced_secrets = {one} WHERE previous_until IS NOT NULL");
        run(
            manager,
            &[
                &carry_over,
                "ALTER TABLE webhook_endpoints DROP COLUMN previous_secret",
                "ALTER TABLE webhook_endpoints DROP COLUMN previous_until",
                "CREATE INDEX webhook_deliveries_waiting_idx ON webhook_deliveries (endpoint_id, next_attempt_at)
                 WHERE status = 'PENDING'",
                "CREATE INDEX jobs_kind_due_idx ON jobs (kind, run_at, id) WHERE died_at IS NULL",
                "DROP INDEX jobs_due_idx",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add(manager, text_null("previous_secret")).await?;
        add(manager, at_null("previous_until")).await?;
        run(
            manager,
            &[
                "CREATE INDEX jobs_due_idx ON jobs (run_at, id) WHERE died_at IS NULL",
                "DROP INDEX jobs_kind_due_idx",
                "DROP INDEX webhook_deliveries_waiting_idx",
                "ALTER TABLE webhook_endpoints DROP COLUMN last_failed_at",
                "ALTER TABLE webhook_endpoints DROP COLUMN replaced_secrets",
            ],
        )
        .await
    }
}

async fn add(manager: &SchemaManager<'_>, mut column: ColumnDef) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(Alias::new("webhook_endpoints")).add_column(&mut column).to_owned()).await
}
