//! The epoch of the event log: positions are compared within one epoch only.

use sea_orm_migration::prelude::*;

use crate::columns::{int, run};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // 0 is none: the application draws it, since the two databases have no common way to
        let epoch = int("epoch").default(0).to_owned();
        let table = Table::alter().table(Alias::new("relays")).add_column(epoch).to_owned();
        manager.alter_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["ALTER TABLE relays DROP COLUMN epoch"]).await
    }
}
