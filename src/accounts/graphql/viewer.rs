//! Whoever asks.

use async_graphql::{Context, MergedObject, Object};
use domain::access::Actor;

use super::user::User;
use crate::cart::graphql::ViewerCart;
use crate::graphql::budget::{RateLimit, rate_limit};
use crate::graphql::{Result, viewer};
use crate::notifications::graphql::ViewerNotifications;
use crate::orders::graphql::ViewerOrders;

/// What accounts adds to Query.
#[derive(Debug, Default)]
pub struct AccountsQuery;

#[Object]
impl AccountsQuery {
    /// Whoever is signed in, and what is theirs; null when nobody is.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        viewer(ctx)
            .map(|actor| Viewer(ViewerAccount(actor), ViewerCart(actor), ViewerOrders(actor), ViewerNotifications(actor)))
    }
}

/// Whoever is signed in, and what is theirs.
#[derive(Debug, MergedObject)]
pub struct Viewer(pub ViewerAccount, pub ViewerCart, pub ViewerOrders, pub ViewerNotifications);

/// The viewer's account.
#[derive(Debug)]
pub struct ViewerAccount(pub Actor);

#[Object]
impl ViewerAccount {
    /// The viewer as a user.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        User::load(ctx, self.0.user).await
    }

    /// What the viewer may still ask; every answer says it too, under `extensions.cost`.
    async fn rate_limit(&self, ctx: &Context<'_>) -> Result<RateLimit> {
        rate_limit(ctx)
    }
}
