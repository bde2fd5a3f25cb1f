//! API keys, with which programs act in somebody's name.

use sea_orm_migration::prelude::*;

use crate::columns::{at, at_null, drop_tables, id, json, references, run, table, text, uuid, uuid_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("api_keys")
                    .col(id("id"))
                    .col(text("name"))
                    .col(text("prefix"))
                    // SHA-256 of the key: a copy of the table lets nobody in
                    .col(text("secret_hash"))
                    .col(json("scopes"))
                    // in whose name it acts: the admin who made it, or the user of its store
                    .col(uuid("user_id"))
                    .col(uuid_null("seller_id"))
                    .col(uuid("creator_id"))
                    .col(at("created_at"))
                    .col(at_null("last_used_at"))
                    .col(at_null("expires_at"))
                    .col(at_null("revoked_at"))
                    .foreign_key(&mut references("api_keys", "user_id", "users", "id"))
                    .foreign_key(&mut references("api_keys", "seller_id", "sellers", "id"))
                    .foreign_key(&mut references("api_keys", "creator_id", "users", "id"))
                    .to_owned(),
            )
            .await?;
        run(
            manager,
            &[
                "CREATE UNIQUE INDEX api_keys_secret_idx ON api_keys (secret_hash)",
                "CREATE INDEX api_keys_user_idx ON api_keys (user_id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["api_keys"]).await
    }
}
