//! Claims of partners on orders.

use sea_orm_migration::prelude::*;

use crate::columns::{at, at_null, drop_tables, id, references, run, table, text, text_null, uuid};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("claims")
                    .col(id("id"))
                    .col(uuid("order_id"))
                    .col(uuid("partner_id"))
                    .col(text("status"))
                    .col(at("held_at"))
                    .col(at_null("accepted_at"))
                    .col(at_null("expires_at"))
                    .col(at_null("ended_at"))
                    .col(text_null("reason"))
                    .foreign_key(&mut references("claims", "order_id", "orders", "id"))
                    .foreign_key(&mut references("claims", "partner_id", "users", "id"))
                    .to_owned(),
            )
            .await?;
        run(
            manager,
            &[
                // one live claim an order, whatever the code above believes
                "CREATE UNIQUE INDEX claims_one_live_key ON claims (order_id) WHERE status IN ('HELD', 'ACCEPTED')",
                "CREATE INDEX claims_order_idx ON claims (order_id, id)",
                "CREATE INDEX claims_partner_idx ON claims (partner_id, id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["claims"]).await
    }
}
