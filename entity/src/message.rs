//! A message in the chat of an order.

use domain::access::Role;
use sea_orm::entity::prelude::*;

use crate::{MessageBody, Text};

/// A message in the chat of an order.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    /// Public as `msg_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// In whose chat.
    pub order_id: Uuid,
    /// Its place there, from 1 and without gaps.
    pub number: i32,
    /// Who sent it.
    pub sender_id: Uuid,
    /// What they were to the order.
    pub sender_role: Text<Role>,
    /// In their words.
    pub body: MessageBody,
    /// When.
    pub sent_at: DateTimeUtc,
    /// When somebody of another party had read it.
    pub read_at: Option<DateTimeUtc>,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
