//! Of a job's attempts it is counted which ended with somebody writing down how: those in which a server died are not held against it.

use sea_orm_migration::prelude::*;

use crate::columns::{int, run};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut column = int("ended_attempts").default(0).to_owned();
        manager.alter_table(Table::alter().table(Alias::new("jobs")).add_column(&mut column).to_owned()).await?;
        // of those before, nobody knows better
        run(manager, &["UPDATE jobs SET ended_attempts = attempts"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["ALTER TABLE jobs DROP COLUMN ended_attempts"]).await
    }
}
