//! One version of an order: its timeline.

use domain::access::Role;
use domain::order::{OrderEventType, OrderStatus};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Text;

/// One version of an order: its timeline.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "order_events")]
pub struct Model {
    /// Public as `evt_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The order.
    pub order_id: Uuid,
    /// The version it made.
    pub order_version: i32,
    /// What happened.
    #[sea_orm(column_name = "type")]
    pub r#type: Text<OrderEventType>,
    /// Where the order was.
    pub from_status: Option<Text<OrderStatus>>,
    /// Where it is since.
    pub status: Text<OrderStatus>,
    /// Who did it; none when the server itself.
    pub actor_id: Option<Uuid>,
    /// As what.
    pub actor_role: Option<Text<Role>>,
    /// In the actor's words.
    pub note: Option<String>,
    /// When.
    pub at: DateTimeUtc,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
