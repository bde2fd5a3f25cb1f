//! What consumers set aside is kept with what is needed to take it: events are removed by their age, and what nobody could take
//! has none.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::{at, bigint, drop_tables, json, run, table, text, uuid};

const OLD: &str = "skipped_events";
const NEW: &str = "skipped_events_whole";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table(NEW)
                    .col(text("consumer"))
                    .col(uuid("event_id"))
                    .col(bigint("position"))
                    .col(text("kind"))
                    .col(json("payload"))
                    .col(at("at"))
                    .primary_key(Index::create().col(Alias::new("consumer")).col(Alias::new("event_id")))
                    .to_owned(),
            )
            .await?;
        // whose event is no more could not be taken before this either
        let whole = format!(
            "INSERT INTO {NEW} (consumer, event_id, position, kind, payload, at)
             SELECT s.consumer, s.event_id, e.position, e.kind, e.payload, e.at
             FROM {OLD} s JOIN events e ON e.event_id = s.event_id WHERE e.position IS NOT NULL"
        );
        run(manager, &[&whole]).await?;
        drop_tables(manager, &[OLD]).await?;
        manager.rename_table(Table::rename().table(Alias::new(NEW), Alias::new(OLD)).to_owned()).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => run(manager, &[&format!("ALTER INDEX {NEW}_pkey RENAME TO {OLD}_pkey")]).await,
            // SQLite names it after the table
            _ => Ok(()),
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["position", "kind", "payload", "at"] {
            let drop = Table::alter().table(Alias::new(OLD)).drop_column(Alias::new(column)).to_owned();
            manager.alter_table(drop).await?;
        }
        Ok(())
    }
}
