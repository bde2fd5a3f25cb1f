//! What is asked of the server, and what it answers.

use crate::schema;

/// Where a subscription is; opaque.
#[derive(cynic::Scalar, Debug, Clone)]
pub struct EventCursor(pub String);

// ─────────────────────────────── signing in ───────────────────────────────

#[derive(cynic::QueryVariables)]
pub struct SignInVariables {
    pub input: LoginInput,
}

#[derive(cynic::InputObject, Debug, Clone)]
pub struct LoginInput {
    pub email: String,
    pub password: String,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Mutation", variables = "SignInVariables")]
pub struct SignIn {
    #[arguments(input: $input)]
    pub login: AuthPayload,
}

#[derive(cynic::QueryVariables)]
pub struct RenewVariables {
    pub input: RefreshTokensInput,
}

#[derive(cynic::InputObject, Debug)]
pub struct RefreshTokensInput {
    pub refresh_token: String,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Mutation", variables = "RenewVariables")]
pub struct Renew {
    #[arguments(input: $input)]
    pub refresh_tokens: AuthPayload,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct AuthPayload {
    pub tokens: Option<AuthTokens>,
    pub user_errors: Vec<UserError>,
}

#[derive(cynic::QueryFragment, Debug, Clone)]
pub struct AuthTokens {
    pub access_token: String,
    pub refresh_token: String,
}

/// Why the server refused: the rules said no.
#[derive(cynic::QueryFragment, Debug)]
pub struct UserError {
    pub message: String,
}

// ──────────────────────────────── the store ───────────────────────────────

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query")]
pub struct Desk {
    pub seller: SellerDesk,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct SellerDesk {
    pub seller: Seller,
    #[arguments(first: 10)]
    pub low_stock: ProductConnection,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct Seller {
    pub store_name: String,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct ProductConnection {
    pub nodes: Vec<Product>,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct Product {
    pub name: String,
    pub available: i32,
}

// ─────────────────────────────── its orders ───────────────────────────────

#[derive(cynic::QueryVariables, Debug, Clone, Default)]
pub struct WaitingVariables {
    pub after: Option<String>,
}

/// Orders that are not packed yet, those first that have waited longest.
#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "WaitingVariables")]
pub struct Waiting {
    pub seller: WaitingDesk,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "SellerDesk", variables = "WaitingVariables")]
pub struct WaitingDesk {
    #[arguments(filter: { status: [CONFIRMED, PREPARING] }, sort: OLDEST, first: 100, after: $after)]
    pub orders: OrderConnection,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct OrderConnection {
    pub nodes: Vec<Order>,
    pub page_info: PageInfo,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct PageInfo {
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
}

#[derive(cynic::QueryVariables, Debug, Clone, Default)]
pub struct FollowVariables {
    pub after: Option<EventCursor>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Subscription", variables = "FollowVariables")]
pub struct Follow {
    #[arguments(after: $after)]
    pub seller_order_updates: Update,
}

/// An item of the subscription.
#[derive(cynic::InlineFragments, Debug)]
#[cynic(graphql_type = "OrderUpdatesItem")]
pub enum Update {
    /// An order as it is; these come first.
    Snapshot(OrderSnapshot),
    /// An order as a change left it.
    Changed(OrderChanged),
    /// Nothing happened, further on.
    Position(StreamPosition),
    /// Changes are missing; orders as they are follow.
    Reset(StreamReset),
    /// Of a kind that came after this program.
    #[cynic(fallback)]
    Other,
}

impl Update {
    /// Where the subscription is with this item.
    #[must_use]
    pub fn cursor(&self) -> Option<&EventCursor> {
        match self {
            Self::Snapshot(item) => Some(&item.cursor),
            Self::Changed(item) => Some(&item.cursor),
            Self::Position(item) => Some(&item.cursor),
            Self::Reset(item) => Some(&item.cursor),
            Self::Other => None,
        }
    }
}

#[derive(cynic::QueryFragment, Debug)]
pub struct OrderSnapshot {
    pub cursor: EventCursor,
    pub order: Order,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct OrderChanged {
    pub cursor: EventCursor,
    pub order: Order,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct StreamPosition {
    pub cursor: EventCursor,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct StreamReset {
    pub cursor: EventCursor,
}

#[derive(cynic::QueryFragment, Debug, Clone)]
pub struct Order {
    pub id: cynic::Id,
    pub number: String,
    pub version: i32,
    pub status: OrderStatus,
    pub items: Vec<OrderItem>,
}

#[derive(cynic::QueryFragment, Debug, Clone)]
pub struct OrderItem {
    pub name: String,
    pub quantity: i32,
}

#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum OrderStatus {
    Confirmed,
    Preparing,
    Ready,
    /// Of no interest here, or one that came after this program.
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryVariables)]
pub struct TakeStepVariables {
    pub input: UpdateOrderStatusInput,
}

#[derive(cynic::InputObject, Debug)]
pub struct UpdateOrderStatusInput {
    pub idempotency_key: String,
    pub order_id: cynic::Id,
    pub status: OrderStatus,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i32>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Mutation", variables = "TakeStepVariables")]
pub struct TakeStep {
    #[arguments(input: $input)]
    pub update_order_status: OrderPayload,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct OrderPayload {
    pub order: Option<Order>,
    pub user_errors: Vec<UserError>,
}
