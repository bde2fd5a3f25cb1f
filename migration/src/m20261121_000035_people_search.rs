//! Indexes by which an admin's search finds users whose name or e-mail address contains a text.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite has nothing of the kind for texts that are in the middle of others, but a table of its own with triggers: it is for
        // one small shop, whose users are read in milliseconds. The extension is there since products are searched for by it.
        if manager.get_database_backend() == DbBackend::Postgres {
            run(
                manager,
                &[
                    "CREATE INDEX users_name_search_idx ON users USING gin (lower(name) gin_trgm_ops)",
                    "CREATE INDEX users_email_search_idx ON users USING gin (email gin_trgm_ops)",
                ],
            )
            .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            run(manager, &["DROP INDEX users_email_search_idx", "DROP INDEX users_name_search_idx"]).await?;
        }
        Ok(())
    }
}
