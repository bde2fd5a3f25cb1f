//! The database's schema, step by step, for SQLite and PostgreSQL alike.
//!
//! Migrations only expand: a column or table is added in one release, filled and used in the next, and dropped when no
//! running instance reads it, so that old and new instances can share a database during a roll-out. They never import
//! `entity`: what a migration did must not change when an entity does.

use std::collections::HashSet;

use sea_orm_migration::prelude::*;
pub use sea_orm_migration::prelude::{MigratorTrait, SchemaManager};
use sea_orm_migration::sea_orm::DatabaseConnection;

mod columns;
mod m20261121_000001_accounts;
mod m20261121_000002_catalog;
mod m20261121_000003_orders;
mod m20261121_000004_dispatch;
mod m20261121_000005_platform;
mod m20261121_000006_epoch;
mod m20261121_000007_unpaid_orders;
mod m20261121_000008_low_stock;
mod m20261121_000009_carts;
mod m20261121_000010_payments;
mod m20261121_000011_sales;
mod m20261121_000012_search;
mod m20261121_000013_ratings;
mod m20261121_000014_consumers;
mod m20261121_000015_areas;
mod m20261121_000016_locations;
mod m20261121_000017_people;
mod m20261121_000018_api_keys;
mod m20261121_000019_chat;
mod m20261121_000020_notifications;
mod m20261121_000021_webhooks;
mod m20261121_000023_sales_rollups;
mod m20261121_000024_payment_follow_up;
mod m20261121_000025_webhook_fairness;
mod m20261121_000027_carriers;
mod m20261121_000031_sales_refunds;
mod m20261121_000032_skipped_events;
mod m20261121_000033_order_counts;
mod m20261121_000034_lost_attempts;
mod m20261121_000035_people_search;

/// Every migration, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_accounts::Migration),
            Box::new(m20261121_000002_catalog::Migration),
            Box::new(m20261121_000003_orders::Migration),
            Box::new(m20261121_000004_dispatch::Migration),
            Box::new(m20261121_000005_platform::Migration),
            Box::new(m20261121_000006_epoch::Migration),
            Box::new(m20261121_000007_unpaid_orders::Migration),
            Box::new(m20261121_000008_low_stock::Migration),
            Box::new(m20261121_000009_carts::Migration),
            Box::new(m20261121_000010_payments::Migration),
            Box::new(m20261121_000011_sales::Migration),
            Box::new(m20261121_000012_search::Migration),
            Box::new(m20261121_000013_ratings::Migration),
            Box::new(m20261121_000014_consumers::Migration),
            Box::new(m20261121_000015_areas::Migration),
            Box::new(m20261121_000016_locations::Migration),
            Box::new(m20261121_000021_webhooks::Migration),
            Box::new(m20261121_000024_payment_follow_up::Migration),
            Box::new(m20261121_000017_people::Migration),
            Box::new(m20261121_000019_chat::Migration),
            Box::new(m20261121_000020_notifications::Migration),
            Box::new(m20261121_000018_api_keys::Migration),
            Box::new(m20261121_000023_sales_rollups::Migration),
            Box::new(m20261121_000025_webhook_fairness::Migration),
            Box::new(m20261121_000027_carriers::Migration),
            Box::new(m20261121_000031_sales_refunds::Migration),
            Box::new(m20261121_000032_skipped_events::Migration),
            Box::new(m20261121_000033_order_counts::Migration),
            Box::new(m20261121_000034_lost_attempts::Migration),
            Box::new(m20261121_000035_people_search::Migration),
        ]
    }
}

/// The names of the migrations of this release that the database does not have, oldest first. That it has those of a later release
/// is no fault, as it is to [`MigratorTrait::get_pending_migrations`]: servers of before go on with the schema of the next release,
/// so they also start on it.
///
/// # Errors
/// When the database cannot be read.
pub async fn pending(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let table = Migrator::migration_table_name();
    let mut applied = HashSet::new();
    // only looked for: who serves may have no right to make a table
    if SchemaManager::new(db).has_table(table.to_string()).await? {
        let versions = Query::select().column("version").from(table).to_owned();
        for row in db.query_all(&versions).await? {
            applied.insert(row.try_get::<String>("", "version")?);
        }
    }
    let names = Migrator::migrations().into_iter().map(|migration| migration.name().to_owned());
    Ok(names.filter(|name| !applied.contains(name)).collect())
}
