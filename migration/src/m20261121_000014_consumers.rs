//! How far the consumers of the event log have read, and what they set aside.

use sea_orm_migration::prelude::*;

use crate::columns::{bigint, drop_tables, table, text, uuid};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(table("consumers").col(text("name").primary_key()).col(bigint("position")).to_owned()).await?;
        manager
            .create_table(
                table("skipped_events")
                    .col(text("consumer"))
                    .col(uuid("event_id"))
                    .primary_key(Index::create().col(Alias::new("consumer")).col(Alias::new("event_id")))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["skipped_events", "consumers"]).await
    }
}
