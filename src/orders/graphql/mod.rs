//! Orders as clients see them.

mod claim;
mod inputs;
mod item;
mod loaders;
mod mutation;
mod order;
mod paying;
mod query;
mod rating;
mod subscription;
mod timeline;

pub use claim::{Claim, ClaimConnection, ClaimPayload};
pub use inputs::{MAX_STATES, OrderFilterInput, OrderSort};
pub use item::OrderItem;
pub use loaders::{
    ClaimLoader, EventLoader, ItemLoader, ItemsLoader, OrderLoader, PositionLoader, RatingLoader, TimeLoader, TimelineLoader,
};
pub use mutation::{OrderPayload, OrdersMutation};
pub use order::{Order, OrderConnection, Paging, order_page};
pub use paying::{PaymentPayload, PaymentsMutation};
pub use query::{OrdersQuery, ViewerOrders};
pub use rating::{RateOrderInput, Rating, RatingsMutation};
pub use subscription::{OrderChanged, OrderSnapshot, OrderUpdatesItem, OrdersSubscription, order_version};
pub use timeline::OrderEvent;
