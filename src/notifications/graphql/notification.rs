//! A notification, and the viewer's list of them.

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::access::Actor;
use domain::id::Kind;
use entity::notification;
use uuid::Uuid;

use crate::graphql::connection::{Count, PageInfo, page_cost, page_info};
use crate::graphql::loaders::{by_id, load};
use crate::graphql::{Result, app, ids, reader};
use crate::notifications::service;
use crate::orders::graphql::{Order, OrderLoader};
use crate::platform::page::PageArgs;

by_id! {
    /// Notifications by id, whosever they are.
    NotificationLoader, notification::Model, service::list_by_ids
}

/// Something that the viewer is told of.
#[derive(Debug, Clone)]
pub struct Notification(notification::Model);

impl Notification {
    /// `row` as the user `reader` sees it; `None` when it is somebody else's.
    #[must_use]
    pub fn seen_by(row: notification::Model, reader: Option<Uuid>) -> Option<Self> {
        (reader == Some(row.user_id)).then_some(Self(row))
    }
}

/// Something that the viewer is told of.
#[Object]
impl Notification {
    /// Opaque, `ntf_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Notification, self.0.id)
    }

    /// What it is about, such as `ORDER_CONFIRMED`, `PAYMENT_FAILED`, `DELIVERY_IN_TRANSIT`, `LOW_STOCK` or `CHAT_MESSAGE`. New
    /// kinds may be added: show the title of those that you do not know.
    async fn kind(&self) -> &'static str {
        domain::Named::name(*self.0.kind)
    }

    /// One line, in plain English.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// A sentence or two, in plain English: text, not HTML.
    async fn body(&self) -> &str {
        &self.0.body
    }

    /// The order that it is about; null when it is about none, or about one that is the viewer's no more.
    async fn order(&self, ctx: &Context<'_>) -> Result<Option<Order>> {
        let (Some(id), Some(reader)) = (self.0.order_id, reader(ctx)) else { return Ok(None) };
        Ok(load::<OrderLoader, _>(ctx, id).await?.and_then(|row| Order::seen_by(row, reader)))
    }

    /// When the viewer had read it; null until then.
    async fn read_at(&self) -> Option<DateTime<Utc>> {
        self.0.read_at
    }

    /// When it happened.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// A page of the viewer's notifications, newest first.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct NotificationConnection {
    /// The rows of this page, each with its cursor.
    pub edges: Vec<NotificationEdge>,
    /// What the page is part of.
    pub page_info: PageInfo,
    #[graphql(skip)]
    user: Uuid,
}

/// A row and its place in the list.
#[derive(Debug, Clone, SimpleObject)]
pub struct NotificationEdge {
    /// Where the row is; pass it as `after`.
    pub cursor: String,
    /// The row.
    pub node: Notification,
}

#[ComplexObject]
impl NotificationConnection {
    /// The rows of this page without their cursors.
    async fn nodes(&self) -> Vec<&Notification> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// How many of all the viewer's notifications are unread.
    async fn unread_count(&self, ctx: &Context<'_>) -> Result<Count> {
        Ok(service::count_unread(app(ctx)?.db.reader(), self.user).await?.into())
    }
}

/// What notifications add to Viewer.
#[derive(Debug)]
pub struct ViewerNotifications(pub Actor);

#[Object]
impl ViewerNotifications {
    /// What the viewer is told of, newest first. Kept for some time, 90 days unless the operator says otherwise.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whether to leave out what was read.", default_with = "Some(false)")] unread_only: Option<bool>,
        #[graphql(desc = "Notifications of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<NotificationConnection> {
        let (user, is_unread_only) = (self.0.user, unread_only.unwrap_or_default());
        let list = ("notifications", user, is_unread_only);
        let args = PageArgs::new(&list, first, after.as_deref(), None, None)?;
        let page = service::list(app(ctx)?.db.reader(), user, is_unread_only, &args).await?.map(Notification);
        let page_info = page_info(&page);
        let edges = page.rows.into_iter().map(|(cursor, node)| NotificationEdge { cursor, node }).collect();
        Ok(NotificationConnection { edges, page_info, user })
    }
}
