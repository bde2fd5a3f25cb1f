//! Notifications, live.

use std::collections::HashMap;

use async_graphql::{Context, SimpleObject, Subscription, Union};
use domain::access::Audience;
use domain::event::Topic;
use futures_util::stream::BoxStream;
use uuid::Uuid;

use super::notification::Notification;
use crate::app::App;
use crate::graphql::scalars::EventCursor;
use crate::graphql::{Result, Signed, reader};
use crate::notifications::event::{NOTIFICATION_SENT, NOTIFICATIONS_READ, NotificationSent as Sent};
use crate::notifications::service;
use crate::platform::bus::Message;
use crate::platform::error::Denial;
use crate::stream::{Snapshot, SnapshotCursors, Source, StreamReset, follow, payload};

/// An item of notifications.
#[derive(Debug, Clone, Union)]
pub enum NotificationItem {
    /// How many there are now.
    Snapshot(NotificationSnapshot),
    /// There is a new one.
    Sent(Box<NotificationSent>),
    /// Some were read.
    Read(NotificationsRead),
    /// What follows is new.
    Reset(StreamReset),
}

/// How many notifications the viewer has not read: what their stream begins with.
#[derive(Debug, Clone, SimpleObject)]
pub struct NotificationSnapshot {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    /// Unread ones; 1,000 stands for that many or more.
    pub unread: i32,
}

/// There is a new notification.
#[derive(Debug, Clone, SimpleObject)]
pub struct NotificationSent {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    /// What the viewer is told of.
    pub notification: Notification,
    /// Unread ones now, with this; 1,000 stands for that many or more.
    pub unread: i32,
}

/// The viewer has read notifications, perhaps on another device.
#[derive(Debug, Clone, SimpleObject)]
pub struct NotificationsRead {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    /// Those that are left unread; 1,000 stands for that many or more.
    pub unread: i32,
}

/// The notifications of one user.
struct Mine {
    user: Uuid,
}

impl Mine {
    async fn unread(&self, app: &App) -> Result<i32> {
        Ok(service::count_unread(app.db.reader(), self.user).await?.0)
    }
}

impl Source for Mine {
    type Item = NotificationItem;

    fn topic(&self) -> Topic {
        Topic::Inbox(self.user)
    }

    fn audience(&self) -> Audience {
        Audience::User
    }

    async fn snapshot(&self, app: &App, cursors: SnapshotCursors) -> Result<Snapshot<NotificationItem>> {
        let snapshot = NotificationSnapshot { cursor: cursors.only(), unread: self.unread(app).await? };
        Ok(Snapshot { items: vec![NotificationItem::Snapshot(snapshot)], seen: HashMap::new() })
    }

    /// A snapshot shows none: one that it has counted may still be told, with the number that there are then.
    fn version(&self, _: &Message) -> Option<(Uuid, i32)> {
        None
    }

    async fn item(&self, app: &App, message: &Message, cursor: EventCursor) -> Result<Option<NotificationItem>> {
        Ok(self.items(app, &[(message, cursor)]).await?.pop().flatten())
    }

    async fn items(&self, app: &App, asked: &[(&Message, EventCursor)]) -> Result<Vec<Option<NotificationItem>>> {
        let sent = |message: &Message| if &*message.kind == NOTIFICATION_SENT { payload::<Sent>(message) } else { None };
        let sent: Vec<Option<Uuid>> = asked.iter().map(|(message, _)| Some(sent(message)?.notification_id)).collect();
        let ids: Vec<Uuid> = sent.iter().flatten().copied().collect();
        let rows = if ids.is_empty() { Vec::new() } else { service::list_by_ids(app.db.reader(), &ids).await? };
        let rows: HashMap<Uuid, _> = rows.into_iter().map(|row| (row.id, row)).collect();
        let is_count = |message: &Message| &*message.kind == NOTIFICATIONS_READ;
        if rows.is_empty() && !asked.iter().any(|(message, _)| is_count(message)) {
            return Ok(asked.iter().map(|_| None).collect());
        }
        let unread = self.unread(app).await?;
        let item = |(&(message, cursor), sent): (&(&Message, EventCursor), Option<Uuid>)| {
            if is_count(message) {
                return Some(NotificationItem::Read(NotificationsRead { cursor, unread }));
            }
            let row = rows.get(&sent?)?.clone();
            let notification = Notification::seen_by(row, Some(self.user))?;
            Some(NotificationItem::Sent(Box::new(NotificationSent { cursor, notification, unread })))
        };
        Ok(asked.iter().zip(sent).map(item).collect())
    }

    fn reset(&self, reset: StreamReset) -> Option<NotificationItem> {
        Some(NotificationItem::Reset(reset))
    }
}

/// What notifications add to Subscription.
#[derive(Debug, Default)]
pub struct NotificationsSubscription;

#[Subscription]
impl NotificationsSubscription {
    /// How many notifications the viewer has not read, then each new one as it comes, and the number that is left whenever some
    /// were read.
    #[graphql(guard = "Signed::any()")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The last cursor received: what came since is sent first.")] after: Option<EventCursor>,
    ) -> Result<BoxStream<'static, Result<NotificationItem>>> {
        let user = reader(ctx).and_then(|reader| reader.user).ok_or(Denial::Unauthenticated)?;
        follow(ctx, Mine { user }, after).await
    }
}
