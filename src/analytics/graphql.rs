//! The desks of admins and sellers, and the admins' feed.

mod jobs;
mod performance;
mod sales;

use std::collections::HashMap;
use std::time::Duration;

use async_graphql::{Context, ID, Object, SimpleObject, Subscription, Union};
use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{Actor, Audience, Reader, Role as RoleValue};
use domain::event::Topic;
use domain::id::Kind;
use domain::input;
use domain::order::OrderStatus as Status;
use futures_util::stream::BoxStream;
use uuid::Uuid;

pub use self::jobs::{DeadJob, DeadJobConnection, JobsMutation, RetryJobsInput, RetryJobsPayload};
pub use self::performance::{PartnerPerformance, PartnerPerformanceConnection};
pub use self::sales::{CategorySales, Interval, ProductSales, SalesBucket, SalesReport};
use super::service::stats;
use crate::accounts::graphql::{
    ApiKeyConnection, AuditEntryConnection, Seller, User, UserConnection, api_key_page, audit_page, user_page,
};
use crate::accounts::partners::{PARTNER_CHANGED, PartnerChange};
use crate::accounts::service::UserFilter;
use crate::app::App;
use crate::catalog::Search;
use crate::catalog::graphql::{
    Paging as ProductPaging, ProductConnection, ProductFilter, ProductSort, found_products, product_page,
};
use crate::graphql::connection::page_cost;
use crate::graphql::enums::{OrderStatus, Role};
use crate::graphql::scalars::{EventCursor, Money};
use crate::graphql::{GraphError, Result, Signed, actor, app, ids, reader};
use crate::inventory::service::low;
use crate::orders::graphql::{
    MAX_STATES, OrderChanged, OrderConnection, OrderFilterInput, OrderSort, Paging, order_page, order_version,
};
use crate::orders::service::OrderFilter;
use crate::platform::bus::Message;
use crate::platform::error::Denial;
use crate::platform::page::PageArgs;
use crate::stream::{Policy, Snapshot, SnapshotCursors, Source, StreamReset, follow, payload};
use crate::webhooks::graphql::{WebhookEndpointConnection, webhook_endpoint_page};

/// The platform at this moment.
#[derive(Debug, Clone, SimpleObject)]
pub struct LiveStats {
    /// The moment, by the database's clock.
    pub at: DateTime<Utc>,
    /// Orders in each state, every state once.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    pub orders_by_status: Vec<StatusCount>,
    /// Orders placed today (UTC) that were not cancelled and did not fail.
    pub orders_today: i32,
    /// What those of them come to that are sales, which one that is not paid yet is not: the `total` of `sales` for today.
    pub revenue_today: Money,
    /// Partners who take orders now.
    pub active_partners: i32,
    /// Partners who carry an order now.
    pub busy_partners: i32,
    /// Orders that wait for a partner; counted up to 1,000.
    pub unassigned_orders: i32,
    /// How long the first of them has been waiting, in seconds; null when none is.
    pub oldest_unassigned_seconds: Option<i32>,
    /// Half of today's deliveries took no longer than this from order to door, in seconds; null before the first.
    pub median_delivery_seconds: Option<i32>,
    /// Nineteen in twenty took no longer, in seconds; null before the first.
    pub p95_delivery_seconds: Option<i32>,
}

/// How many orders are in a state.
#[derive(Debug, Clone, SimpleObject)]
pub struct StatusCount {
    /// The state.
    pub status: OrderStatus,
    /// How many.
    pub count: i32,
}

/// How old figures may be that are answered with at once. Whoever follows them is told of what came with an event: younger ones.
const RECENT: TimeDelta = TimeDelta::seconds(1);

impl LiveStats {
    async fn now(app: &App) -> Result<Self> {
        Self::since(app, app.clock.now()).await
    }

    async fn since(app: &App, since: DateTime<Utc>) -> Result<Self> {
        let now = stats(app, since).await?;
        Ok(Self {
            at: now.at,
            orders_by_status: now
                .by_status
                .iter()
                .map(|(status, count)| StatusCount { status: (*status).into(), count: *count })
                .collect(),
            orders_today: now.orders_today,
            revenue_today: Money::new(now.revenue_minor, app.config.currency),
            active_partners: now.active_partners,
            busy_partners: now.busy_partners,
            unassigned_orders: now.unassigned,
            oldest_unassigned_seconds: now.oldest_unassigned,
            median_delivery_seconds: now.median_delivery,
            p95_delivery_seconds: now.p95_delivery,
        })
    }
}

/// What the desks add to Query.
#[derive(Debug, Default)]
pub struct DesksQuery;

#[Object]
impl DesksQuery {
    /// Sellers only, and only what is theirs.
    #[graphql(guard = "Signed::as_one_of(&[RoleValue::Seller])")]
    async fn seller(&self, ctx: &Context<'_>) -> Result<SellerDesk> {
        let actor = actor(ctx)?;
        Ok(SellerDesk { actor, seller: actor.seller.ok_or(Denial::Forbidden)? })
    }

    /// Admins only: the whole platform.
    #[graphql(guard = "Signed::as_one_of(&[RoleValue::Admin])")]
    async fn admin(&self, ctx: &Context<'_>) -> Result<AdminDesk> {
        Ok(AdminDesk(actor(ctx)?))
    }
}

/// Sellers only, and only what is theirs.
#[derive(Debug)]
pub struct SellerDesk {
    actor: Actor,
    seller: Uuid,
}

/// Sellers only, and only what is theirs.
#[Object]
impl SellerDesk {
    /// The store.
    async fn seller(&self, ctx: &Context<'_>) -> Result<Seller> {
        Seller::load(ctx, self.seller).await
    }

    /// The store's products of which no more than their threshold can be bought, newest first, on sale or not.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn low_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Products of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<ProductConnection> {
        let page = PageArgs::new(&("lowStock", self.seller), first, after.as_deref(), None, None)?;
        let search = Search { seller: Some(self.seller), with_inactive: true, ..Search::default() };
        found_products(ctx, Some(&self.actor), &search, Some(low()), &page).await
    }

    /// The store's products, newest first unless sorted otherwise: those that are not on sale as well, unless the filter has
    /// `activeOnly: true`.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them; a `sellerId` that is not the store's finds nothing.")] filter: Option<
            ProductFilter,
        >,
        #[graphql(desc = "The order; absent: RELEVANCE with `search`, NEWEST without.")] sort: Option<ProductSort>,
        #[graphql(desc = "Words that must all occur in name, SKU, tags or description; at most 200 characters.")]
        search: Option<String>,
        #[graphql(desc = "Products of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<ProductConnection> {
        let is_active_only = filter.as_ref().is_some_and(|filter| filter.active_only == Some(true));
        let own = |search: &mut Search| {
            search.with_inactive = !is_active_only;
            // both conditions: what is another's is not the store's
            if search.seller.replace(self.seller).is_some_and(|wanted| wanted != self.seller) {
                search.ids = Some(Vec::new());
            }
        };
        let paging = ProductPaging { first, after, ..ProductPaging::default() };
        product_page(ctx, own, filter, sort, search, paging).await
    }

    /// The store's orders, newest first unless sorted otherwise.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<OrderFilterInput>,
        #[graphql(desc = "How they are sorted; NEWEST when absent.")] sort: Option<OrderSort>,
        #[graphql(desc = "Orders of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<OrderConnection> {
        let own = |filter: &mut OrderFilter| {
            // both conditions: what is another's is not the store's
            if filter.seller.replace(self.seller).is_some_and(|wanted| wanted != self.seller) {
                filter.status = Some(Vec::new());
            }
        };
        let paging = Paging { first, after, ..Paging::default() };
        order_page(ctx, self.actor, own, filter, sort, paging).await
    }

    /// What the store sold in a period.
    async fn sales(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Orders placed then or later.")] from: DateTime<Utc>,
        #[graphql(desc = "Orders placed before then; after `from`.")] to: DateTime<Utc>,
        #[graphql(desc = "What the period is cut into, at most 1,000 of them.")] interval: Interval,
    ) -> Result<SalesReport> {
        SalesReport::new(ctx, Some(self.seller), (from, to), interval)
    }
}

/// Admins only: the whole platform.
#[derive(Debug)]
pub struct AdminDesk(Actor);

/// Admins only: the whole platform.
#[Object]
impl AdminDesk {
    /// Every order, newest first unless sorted otherwise.
    #[graphql(complexity = "1 + page_cost(first, last) * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection, a filter and a sort")]
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<OrderFilterInput>,
        #[graphql(desc = "How they are sorted; NEWEST when absent.")] sort: Option<OrderSort>,
        #[graphql(desc = "Orders of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Orders of the page, from the end; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "`startCursor` of the page after.")] before: Option<String>,
    ) -> Result<OrderConnection> {
        order_page(ctx, self.0, |_| {}, filter, sort, Paging { first, after, last, before }).await
    }

    /// Users, newest first.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this role.")] role: Option<Role>,
        #[graphql(desc = "Whose name or e-mail address contains this; at most 200 characters.")] search: Option<String>,
        #[graphql(desc = "Users of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<UserConnection> {
        let filter = UserFilter { role: role.map(Into::into), search, available: None };
        user_page(ctx, filter, first, after).await
    }

    /// What those did who may do more than others, newest first.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what this user did.")] actor_id: Option<ID>,
        #[graphql(desc = "Entries of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<AuditEntryConnection> {
        audit_page(ctx, actor_id.as_ref(), first, after).await
    }

    /// API keys, newest first: those that work, and those that do not any more.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Keys of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<ApiKeyConnection> {
        api_key_page(ctx, first, after.as_deref()).await
    }

    /// Partners, newest first.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn partners(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those who take orders now, or only those who do not.")] available: Option<bool>,
        #[graphql(desc = "Partners of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<UserConnection> {
        let filter = UserFilter { role: Some(RoleValue::Partner), search: None, available };
        user_page(ctx, filter, first, after).await
    }

    /// What the platform, or one of its stores, sold in a period.
    async fn sales(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Orders placed then or later.")] from: DateTime<Utc>,
        #[graphql(desc = "Orders placed before then; after `from`.")] to: DateTime<Utc>,
        #[graphql(desc = "What the period is cut into, at most 1,000 of them.")] interval: Interval,
        #[graphql(desc = "Only of this store.")] seller_id: Option<ID>,
    ) -> Result<SalesReport> {
        let seller = seller_id.map(|id| ids::parse(Kind::Seller, &id)).transpose()?;
        SalesReport::new(ctx, seller, (from, to), interval)
    }

    /// How partners did in a period, newest partner first.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn partner_performance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What happened then or later.")] from: DateTime<Utc>,
        #[graphql(desc = "What happened before then; after `from`, and no more than 367 days of UTC in all.")] to: DateTime<
            Utc,
        >,
        #[graphql(desc = "Partners of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<PartnerPerformanceConnection> {
        performance::page(ctx, (from, to), first, after).await
    }

    /// Addresses of other systems that are told of what happens, newest first.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn webhook_endpoints(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Endpoints of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<WebhookEndpointConnection> {
        webhook_endpoint_page(ctx, first, after.as_deref()).await
    }

    /// Work in the background that was given up, what was asked for last first. `retryJobs` has it tried again,
    /// `discardJobs` removes messages that nobody can have.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn dead_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Jobs of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<DeadJobConnection> {
        jobs::page(ctx, first, after).await
    }

    /// The platform at this moment, or up to a second before.
    async fn live_stats(&self, ctx: &Context<'_>) -> Result<LiveStats> {
        let app = app(ctx)?;
        LiveStats::since(app, app.clock.now() - RECENT).await
    }
}

/// An item of adminUpdates.
#[derive(Debug, Clone, Union)]
pub enum AdminUpdatesItem {
    /// The platform as it is now.
    Snapshot(AdminSnapshot),
    /// An order changed.
    Order(Box<OrderChanged>),
    /// A partner went online or offline.
    Partner(PartnerChanged),
    /// What follows is new.
    Reset(StreamReset),
}

/// The platform as it is now: what the feed begins with.
#[derive(Debug, Clone, SimpleObject)]
pub struct AdminSnapshot {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    /// Its figures.
    pub stats: LiveStats,
}

/// A partner went online or offline.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct PartnerChanged {
    /// Pass it as `after` to resume.
    pub cursor: EventCursor,
    #[graphql(skip)]
    partner: Uuid,
}

#[async_graphql::ComplexObject]
impl PartnerChanged {
    /// The partner, as they are now.
    async fn partner(&self, ctx: &Context<'_>) -> Result<User> {
        User::load(ctx, self.partner).await
    }
}

struct Platform {
    reader: Reader,
    status: Option<Vec<Status>>,
}

impl Source for Platform {
    type Item = AdminUpdatesItem;

    fn topic(&self) -> Topic {
        Topic::Platform
    }

    /// Admins all see the same.
    fn audience(&self) -> Audience {
        Audience::Role
    }

    fn selection(&self) -> String {
        self.status.as_ref().map(|wanted| format!("{wanted:?}")).unwrap_or_default()
    }

    async fn snapshot(&self, app: &App, cursors: SnapshotCursors) -> Result<Snapshot<AdminUpdatesItem>> {
        let snapshot = AdminSnapshot { cursor: cursors.only(), stats: LiveStats::now(app).await? };
        // it shows no order, so no event is left out
        Ok(Snapshot { items: vec![AdminUpdatesItem::Snapshot(snapshot)], seen: HashMap::new() })
    }

    fn version(&self, message: &Message) -> Option<(Uuid, i32)> {
        order_version(message)
    }

    async fn item(&self, _: &App, message: &Message, cursor: EventCursor) -> Result<Option<AdminUpdatesItem>> {
        Ok(self.change(message, cursor))
    }

    fn reset(&self, reset: StreamReset) -> Option<AdminUpdatesItem> {
        Some(AdminUpdatesItem::Reset(reset))
    }
}

impl Platform {
    fn change(&self, message: &Message, cursor: EventCursor) -> Option<AdminUpdatesItem> {
        if &*message.kind == PARTNER_CHANGED {
            let change: PartnerChange = payload(message)?;
            return Some(AdminUpdatesItem::Partner(PartnerChanged { cursor, partner: change.partner }));
        }
        let changed = OrderChanged::read(message, self.reader, cursor)?;
        let is_wanted = self.status.as_ref().is_none_or(|wanted| wanted.contains(&changed.status()));
        is_wanted.then(|| AdminUpdatesItem::Order(Box::new(changed)))
    }
}

/// The platform's figures: read once for all admins who ask the same, and no more often than once a second.
struct Figures;

impl Source for Figures {
    type Item = LiveStats;

    fn topic(&self) -> Topic {
        Topic::Platform
    }

    fn audience(&self) -> Audience {
        Audience::Role
    }

    fn policy(&self) -> Policy {
        Policy::Latest(Duration::from_secs(1))
    }

    async fn snapshot(&self, app: &App, _: SnapshotCursors) -> Result<Snapshot<LiveStats>> {
        Ok(Snapshot { items: vec![LiveStats::now(app).await?], seen: HashMap::new() })
    }

    fn version(&self, _: &Message) -> Option<(Uuid, i32)> {
        None
    }

    async fn item(&self, app: &App, _: &Message, _: EventCursor) -> Result<Option<LiveStats>> {
        LiveStats::now(app).await.map(Some)
    }

    /// What is told is the present, always: there is nothing to start anew.
    fn reset(&self, _: StreamReset) -> Option<LiveStats> {
        None
    }
}

/// What the desks add to Subscription.
#[derive(Debug, Default)]
pub struct DesksSubscription;

#[Subscription]
impl DesksSubscription {
    /// Admins: every order of the platform, and partners going online and offline. Begins with the platform's figures.
    #[graphql(guard = "Signed::as_one_of(&[RoleValue::Admin])")]
    async fn admin_updates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only orders that a change left in one of these states; at most 10.")] status: Option<
            Vec<OrderStatus>,
        >,
        #[graphql(desc = "The last cursor received: what came since is sent first.")] after: Option<EventCursor>,
    ) -> Result<BoxStream<'static, Result<AdminUpdatesItem>>> {
        let named = status.as_deref().unwrap_or_default();
        input::list("status", named, MAX_STATES).map_err(|no| GraphError::bad_argument(&no))?;
        let status = status.map(|list| list.into_iter().map(Into::into).collect());
        let reader = reader(ctx).ok_or(Denial::Unauthenticated)?;
        follow(ctx, Platform { reader, status }, after).await
    }

    /// Admins: the platform's figures now, and again when something changed, at most once a second, counting the first. A slow
    /// client gets the newest, not a backlog.
    #[graphql(guard = "Signed::as_one_of(&[RoleValue::Admin])")]
    async fn live_stats(&self, ctx: &Context<'_>) -> Result<BoxStream<'static, Result<LiveStats>>> {
        follow(ctx, Figures, None).await
    }
}
