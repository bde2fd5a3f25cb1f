//! Messages in the chats of orders, and when an order was last carried, from which its chat's end is reckoned.

use sea_orm_migration::prelude::*;

use crate::columns::{at, at_null, drop_tables, id, int, references, run, table, text, uuid};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("messages")
                    .col(id("id"))
                    .col(uuid("order_id"))
                    // its place in the chat, from 1 and without gaps
                    .col(int("number"))
                    .col(uuid("sender_id"))
                    .col(text("sender_role"))
                    .col(text("body"))
                    .col(at("sent_at"))
                    .col(at_null("read_at"))
                    .foreign_key(&mut references("messages", "order_id", "orders", "id"))
                    .foreign_key(&mut references("messages", "sender_id", "users", "id"))
                    .to_owned(),
            )
            .await?;
        let carried = Table::alter().table(Alias::new("orders")).add_column(at_null("carried_until")).to_owned();
        manager.alter_table(carried).await?;
        run(manager, &["CREATE UNIQUE INDEX messages_order_number_key ON messages (order_id, number)"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["ALTER TABLE orders DROP COLUMN carried_until"]).await?;
        drop_tables(manager, &["messages"]).await
    }
}
