//! What is mailed to people to prove that a mailbox is theirs, and the record of what those did who run the platform.

use sea_orm_migration::prelude::*;

use crate::columns::{at, at_null, drop_tables, id, references, run, table, text, text_null, uuid, uuid_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("mailed_tokens")
                    // SHA-256 of the token: a copy of the table opens no account
                    .col(text("token_hash").primary_key().to_owned())
                    .col(uuid("user_id"))
                    .col(text("purpose"))
                    .col(at("created_at"))
                    .col(at("expires_at"))
                    .col(at_null("used_at"))
                    .foreign_key(&mut references("mailed_tokens", "user_id", "users", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("audit_entries")
                    .col(id("id"))
                    .col(uuid_null("actor_id"))
                    .col(uuid_null("api_key_id"))
                    .col(text("action"))
                    .col(text_null("target_id"))
                    .col(text_null("before"))
                    .col(text_null("after"))
                    .col(text_null("request_id"))
                    .col(at("at"))
                    .foreign_key(&mut references("audit_entries", "actor_id", "users", "id"))
                    .to_owned(),
            )
            .await?;
        run(
            manager,
            &[
                "CREATE INDEX mailed_tokens_user_idx ON mailed_tokens (user_id)",
                "CREATE INDEX mailed_tokens_expires_idx ON mailed_tokens (expires_at)",
                "CREATE INDEX audit_entries_actor_idx ON audit_entries (actor_id, id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["audit_entries", "mailed_tokens"]).await
    }
}
