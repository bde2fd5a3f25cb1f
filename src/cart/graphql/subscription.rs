//! A cart, live.

use std::collections::HashMap;
use std::time::Duration;

use async_graphql::{Context, Subscription};
use domain::access::{Audience, Role};
use domain::event::Topic;
use futures_util::stream::BoxStream;
use uuid::Uuid;

use super::Cart;
use crate::app::App;
use crate::cart::service;
use crate::graphql::scalars::EventCursor;
use crate::graphql::{Result, Signed, reader};
use crate::platform::bus::Message;
use crate::platform::error::Denial;
use crate::stream::{Policy, Snapshot, SnapshotCursors, Source, StreamReset, follow};

/// How often a cart is told at the most: a flash sale changes the stock of a product many times a second.
const PAUSE: Duration = Duration::from_millis(100);

/// The cart of one customer: read once for all of their devices that ask the same.
struct Mine {
    customer: Uuid,
}

impl Source for Mine {
    type Item = Cart;

    fn topic(&self) -> Topic {
        Topic::Cart(self.customer)
    }

    fn audience(&self) -> Audience {
        Audience::User
    }

    fn policy(&self) -> Policy {
        Policy::Latest(PAUSE)
    }

    async fn snapshot(&self, app: &App, _: SnapshotCursors) -> Result<Snapshot<Cart>> {
        Ok(Snapshot { items: vec![Cart(service::view(app, self.customer).await?)], seen: HashMap::new() })
    }

    fn version(&self, _: &Message) -> Option<(Uuid, i32)> {
        None
    }

    /// Whatever the message says: the cart is priced anew, so each answer is the whole truth of its moment.
    async fn item(&self, app: &App, _: &Message, _: EventCursor) -> Result<Option<Cart>> {
        Ok(Some(Cart(service::view(app, self.customer).await?)))
    }

    /// What is told is the present, always: there is nothing to start anew.
    fn reset(&self, _: StreamReset) -> Option<Cart> {
        None
    }
}

/// What carts add to Subscription.
#[derive(Debug, Default)]
pub struct CartSubscription;

#[Subscription]
impl CartSubscription {
    /// Customers: the viewer's cart now, and again whenever it, a price, a stock or the promo code under it changes, at most ten
    /// times a second. A slow client gets the newest, not a backlog.
    #[graphql(guard = "Signed::as_one_of(&[Role::Customer])")]
    async fn cart_updates(&self, ctx: &Context<'_>) -> Result<BoxStream<'static, Result<Cart>>> {
        let customer = reader(ctx).and_then(|reader| reader.user).ok_or(Denial::Unauthenticated)?;
        follow(ctx, Mine { customer }, None).await
    }
}
