//! Work that is done after the transaction that asked for it.

use sea_orm::entity::prelude::*;
use serde_json::Value;

/// Work that is done after the transaction that asked for it, by whichever instance comes first.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    /// Its own.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What is to be done.
    pub kind: String,
    /// With what; one job of a kind for each key.
    pub key: String,
    /// Those of which few are done at once; none: as many as there are workers.
    pub group_key: Option<String>,
    /// What the work needs to know.
    #[sea_orm(column_type = "JsonBinary")]
    pub payload: Value,
    /// How often it was begun.
    pub attempts: i32,
    /// How often it was written down how that ended; fewer while it is worked on, and when servers died over it.
    pub ended_attempts: i32,
    /// When it is to be tried; while it is worked on: when another takes it over.
    pub run_at: DateTimeUtc,
    /// Why it failed the last time.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTimeUtc,
    /// When it was given up.
    pub died_at: Option<DateTimeUtc>,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
