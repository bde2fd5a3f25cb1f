//! The event log (outbox), the lease of the relay that numbers it, and idempotency keys.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::{at, bigint, bigint_null, drop_tables, json, run, table, text, uuid};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Insertion order, not feed order: the number is drawn before the commit that makes the row visible.
        let serial = match manager.get_database_backend() {
            DbBackend::Postgres => {
                ColumnDef::new(Alias::new("id")).custom(Alias::new("bigserial")).not_null().primary_key().to_owned()
            }
            _ => ColumnDef::new(Alias::new("id")).integer().not_null().auto_increment().primary_key().to_owned(),
        };
        manager
            .create_table(
                Table::create()
                    .table(Alias::new("events"))
                    .col(serial)
                    // the event's place in the feed; given after the commit by the one relay that holds the lease
                    .col(bigint_null("position"))
                    .col(uuid("event_id"))
                    .col(text("kind"))
                    .col(text("topics"))
                    .col(json("payload"))
                    .col(at("at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                // written with the position: a subscriber's replay reads its own topic, not everybody's events
                table("event_topics")
                    .col(text("topic"))
                    .col(bigint("position"))
                    .primary_key(Index::create().col(Alias::new("topic")).col(Alias::new("position")))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("relays")
                    .col(text("name").primary_key().to_owned())
                    .col(uuid("holder"))
                    .col(at("expires_at"))
                    .col(bigint("position"))
                    .col(bigint("published"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("idempotency_keys")
                    .col(uuid("principal_id"))
                    .col(text("operation"))
                    .col(text("key"))
                    .col(text("request_hash"))
                    .col(json("outcome"))
                    .col(at("created_at"))
                    .primary_key(
                        Index::create().col(Alias::new("principal_id")).col(Alias::new("operation")).col(Alias::new("key")),
                    )
                    .to_owned(),
            )
            .await?;
        run(
            manager,
            &[
                "CREATE UNIQUE INDEX events_event_key ON events (event_id)",
                "CREATE UNIQUE INDEX events_position_key ON events (position)",
                "CREATE INDEX event_topics_position_idx ON event_topics (position)",
                "CREATE INDEX events_unplaced_idx ON events (id) WHERE position IS NULL",
                "CREATE INDEX idempotency_keys_created_idx ON idempotency_keys (created_at)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["idempotency_keys", "relays", "event_topics", "events"]).await
    }
}
