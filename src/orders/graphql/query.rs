//! Reading orders.

use async_graphql::{Context, ID, Object};
use domain::access::{Actor, Role};
use domain::id::Kind;

use super::inputs::OrderFilterInput;
use super::order::{Order, OrderConnection, Paging, order_page};
use crate::graphql::connection::page_cost;
use crate::graphql::enums::PaymentMethod;
use crate::graphql::{Result, app, ids, viewer};
use crate::orders::service::{self, OrderFilter};

/// What orders add to Query.
#[derive(Debug, Default)]
pub struct OrdersQuery;

#[Object]
impl OrdersQuery {
    /// Signed in: an order that the viewer may see, else null.
    async fn order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the order, `ord_…`.")] id: ID,
    ) -> Result<Option<Order>> {
        let id = ids::parse(Kind::Order, &id)?;
        let Some(actor) = viewer(ctx) else { return Ok(None) };
        let order = service::find_order(app(ctx)?.db.reader(), id).await?;
        Ok(order.and_then(|row| Order::seen_by(row, actor)))
    }

    /// How orders can be paid here. Public. Cash always can; CARD and WALLET where the server has a provider of payments.
    async fn payment_methods(&self, ctx: &Context<'_>) -> Result<Vec<PaymentMethod>> {
        Ok(service::list_methods(app(ctx)?).into_iter().map(Into::into).collect())
    }
}

/// What orders add to Viewer.
#[derive(Debug)]
pub struct ViewerOrders(pub Actor);

#[Object]
impl ViewerOrders {
    /// The viewer's orders, newest first: those a customer placed, a partner carries or carried, a seller sold; all of them
    /// for an admin.
    #[graphql(complexity = "1 + page_cost(first, last) * child_complexity")]
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<OrderFilterInput>,
        #[graphql(desc = "Orders of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Orders of the page, from the end; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "`startCursor` of the page after.")] before: Option<String>,
    ) -> Result<OrderConnection> {
        let actor = self.0;
        order_page(ctx, actor, |filter| narrow(filter, actor), filter, None, Paging { first, after, last, before }).await
    }
}

/// Limits `filter` to what `actor` is a party to.
fn narrow(filter: &mut OrderFilter, actor: Actor) {
    match actor.role {
        Role::Customer => filter.customer = Some(actor.user),
        Role::Partner => filter.partner = Some(actor.user),
        // a seller without a store has no orders
        Role::Seller => filter.seller = Some(actor.seller.unwrap_or_default()),
        Role::Admin => {}
    }
}
