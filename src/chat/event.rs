//! What subscribers are told of a chat.
//!
//! Never what was written: the log is kept for a time of its own, is read whole by those who follow it, and may be copied to other
//! systems. Whoever may read a message finds it by its id.

use chrono::{DateTime, Utc};
use domain::access::Role;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The event that somebody wrote; payload [`MessageSent`].
pub const MESSAGE_SENT: &str = "chat.message_sent";

/// The event that somebody has read; payload [`MessagesRead`].
pub const MESSAGES_READ: &str = "chat.messages_read";

/// Somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSent {
    /// Which message.
    pub message_id: Uuid,
    /// Its place in the chat.
    pub number: i32,
    /// In whose chat.
    pub order_id: Uuid,
    /// Who wrote.
    pub sender_id: Uuid,
    /// The order's customer.
    pub customer_id: Uuid,
    /// The order's store.
    pub seller_id: Uuid,
    /// Who carried the order at that moment; `None`: it was called off before.
    pub partner_id: Option<Uuid>,
    /// When.
    pub sent_at: DateTime<Utc>,
}

/// Somebody has read what others wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesRead {
    /// In whose chat.
    pub order_id: Uuid,
    /// Who, to the order.
    pub reader_role: Role,
    /// The last message that they had before them.
    pub up_to_id: Uuid,
    /// When.
    pub read_at: DateTime<Utc>,
}
