//! Users and what each role adds to them; sessions and their refresh tokens; addresses.

use sea_orm_migration::prelude::*;

use crate::columns::{
    at, at_null, boolean, double, double_null, drop_tables, id, int, references, run, table, text, text_null, uuid,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("users")
                    .col(id("id"))
                    .col(text("email"))
                    .col(text("password_hash"))
                    .col(text("name"))
                    .col(text_null("phone"))
                    .col(text("role"))
                    .col(boolean("is_active"))
                    .col(at_null("email_verified_at"))
                    .col(at("created_at"))
                    .col(at("updated_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("partners")
                    .col(id("user_id"))
                    .col(text("vehicle"))
                    .col(text_null("vehicle_number"))
                    .col(text_null("license_number"))
                    .col(boolean("is_available"))
                    .col(int("capacity"))
                    .col(int("active_deliveries"))
                    .col(int("completed_deliveries"))
                    .foreign_key(&mut references("partners", "user_id", "users", "id"))
                    .check(Expr::cust("capacity >= 1"))
                    .check(Expr::cust("active_deliveries >= 0"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("sellers")
                    .col(id("id"))
                    .col(uuid("user_id"))
                    .col(text("store_name"))
                    .col(double("latitude"))
                    .col(double("longitude"))
                    .col(text("preparation"))
                    .col(at("created_at"))
                    .foreign_key(&mut references("sellers", "user_id", "users", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("addresses")
                    .col(id("id"))
                    .col(uuid("user_id"))
                    .col(text("label"))
                    .col(text("line1"))
                    .col(text_null("line2"))
                    .col(text("city"))
                    .col(text_null("region"))
                    .col(text("postal_code"))
                    .col(text("country"))
                    .col(double_null("latitude"))
                    .col(double_null("longitude"))
                    .col(text_null("instructions"))
                    .col(boolean("is_default"))
                    .col(at("created_at"))
                    .foreign_key(&mut references("addresses", "user_id", "users", "id"))
                    .to_owned(),
            )
            .await?;
        sign_in(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["refresh_tokens", "sessions", "addresses", "sellers", "partners", "users"]).await
    }
}

/// Sessions and their tokens, and the indexes of all.
async fn sign_in(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("sessions")
                .col(id("id"))
                .col(uuid("user_id"))
                .col(at("created_at"))
                .col(at("expires_at"))
                .col(at_null("ended_at"))
                .foreign_key(&mut references("sessions", "user_id", "users", "id"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            table("refresh_tokens")
                // SHA-256 of the token: a copy of the table signs nobody in
                .col(text("token_hash").primary_key().to_owned())
                .col(uuid("session_id"))
                .col(at("created_at"))
                .col(at("expires_at"))
                .col(at_null("used_at"))
                .foreign_key(&mut references("refresh_tokens", "session_id", "sessions", "id"))
                .to_owned(),
        )
        .await?;
    run(
        manager,
        &[
            "CREATE UNIQUE INDEX users_email_key ON users (email)",
            "CREATE INDEX users_role_idx ON users (role, id)",
            "CREATE UNIQUE INDEX sellers_user_key ON sellers (user_id)",
            "CREATE INDEX addresses_user_idx ON addresses (user_id, id)",
            "CREATE INDEX sessions_user_idx ON sessions (user_id)",
            "CREATE INDEX refresh_tokens_session_idx ON refresh_tokens (session_id)",
        ],
    )
    .await
}
