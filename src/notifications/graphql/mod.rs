//! Notifications as clients see them.

mod mutation;
mod notification;
mod subscription;

pub use mutation::NotificationsMutation;
pub use notification::{Notification, NotificationLoader, ViewerNotifications};
pub use subscription::NotificationsSubscription;
