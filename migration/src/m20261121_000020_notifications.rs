//! What people are notified of.

use sea_orm_migration::prelude::*;

use crate::columns::{at, at_null, drop_tables, id, references, run, table, text, uuid, uuid_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("notifications")
                    .col(id("id"))
                    .col(uuid("user_id"))
                    // of the log, where it is kept for a shorter time
                    .col(uuid("event_id"))
                    .col(text("kind"))
                    .col(text("title"))
                    .col(text("body"))
                    .col(uuid_null("order_id"))
                    .col(at("created_at"))
                    .col(at_null("read_at"))
                    .foreign_key(&mut references("notifications", "user_id", "users", "id"))
                    .to_owned(),
            )
            .await?;
        run(
            manager,
            &[
                // whatever the code above believes, nobody is told the same twice
                "CREATE UNIQUE INDEX notifications_once_key ON notifications (event_id, user_id, kind)",
                "CREATE INDEX notifications_user_idx ON notifications (user_id, id)",
                "CREATE INDEX notifications_unread_idx ON notifications (user_id, id) WHERE read_at IS NULL",
                "CREATE INDEX notifications_age_idx ON notifications (created_at)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["notifications"]).await
    }
}
