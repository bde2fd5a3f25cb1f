//! Where partners were while they carried orders.

use sea_orm_migration::prelude::*;

use crate::columns::{at, bigint, double, double_null, drop_tables, references, run, table, uuid};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("partner_locations")
                    .col(uuid("partner_id"))
                    .col(bigint("minute"))
                    .col(double("latitude"))
                    .col(double("longitude"))
                    .col(double_null("heading"))
                    .col(double_null("speed_kmh"))
                    .col(double_null("accuracy_m"))
                    .col(at("recorded_at"))
                    // one a minute, however many write
                    .primary_key(Index::create().col(Alias::new("partner_id")).col(Alias::new("minute")))
                    .foreign_key(&mut references("partner_locations", "partner_id", "partners", "user_id"))
                    .to_owned(),
            )
            .await?;
        run(manager, &["CREATE INDEX partner_locations_minute_idx ON partner_locations (minute)"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["partner_locations"]).await
    }
}
