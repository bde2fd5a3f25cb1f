//! What the devices of a user are told of their notifications.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The event that somebody is notified; payload [`NotificationSent`].
pub const NOTIFICATION_SENT: &str = "notification.sent";

/// The event that somebody has read notifications; payload [`NotificationsRead`].
pub const NOTIFICATIONS_READ: &str = "notification.read";

/// Somebody is notified. What of, is read where it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationSent {
    /// The notification.
    pub notification_id: Uuid,
}

/// Somebody has read notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationsRead {
    /// How many were unread until then.
    pub marked: u64,
}
