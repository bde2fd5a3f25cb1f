//! `node` and `nodes`: anything by its id, as far as the viewer may see it.

use async_graphql::{Context, ID, Interface, Object};
use domain::access::{Actor, Role};
use domain::id::{self, Kind};
use futures_util::future::try_join_all;
use uuid::Uuid;

use super::{Result, app, viewer};
use crate::accounts::graphql::{Address, Seller, User};
use crate::accounts::service as accounts;
use crate::app::App;
use crate::cart::graphql::{self as cart, Cart, CartLine, CartNode};
use crate::catalog::graphql::{Category, Product};
use crate::catalog::service::{self as catalog, Which};
use crate::inventory::graphql::StockMovement;
use crate::inventory::service as inventory;
use crate::orders::graphql::{Claim, Order, OrderEvent, OrderItem};
use crate::orders::service as orders;
use crate::payments::graphql::{Payment, Refund};
use crate::payments::service as payments;
use crate::platform::error::Denial;

/// Ids that one `nodes` may ask for.
const MAX_NODES: usize = 100;

/// Anything that has an id of its own.
#[derive(Debug, Clone, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Opaque; its prefix says what it names."))]
pub enum Node {
    /// A user.
    User(Box<User>),
    /// A saved address.
    Address(Box<Address>),
    /// A store.
    Seller(Seller),
    /// A category.
    Category(Category),
    /// A product.
    Product(Box<Product>),
    /// A line of a stock ledger.
    StockMovement(StockMovement),
    /// A cart.
    Cart(Box<Cart>),
    /// A line of a cart.
    CartLine(Box<CartLine>),
    /// An order.
    Order(Box<Order>),
    /// A line of an order.
    OrderItem(OrderItem),
    /// An entry of an order's timeline.
    OrderEvent(OrderEvent),
    /// A claim.
    Claim(Claim),
    /// A payment.
    Payment(Box<Payment>),
    /// A refund.
    Refund(Box<Refund>),
}

/// What nodes add to Query.
#[derive(Debug, Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Anything by its id; null when it does not exist or the viewer may not see it.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Its id, of any type.")] id: ID) -> Result<Option<Node>> {
        find(app(ctx)?, viewer(ctx), &id).await
    }

    /// Several by their ids, in the order asked for; null for each that does not exist or may not be seen.
    #[graphql(complexity = "ids.len() * child_complexity")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Their ids, of any type; at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MAX_NODES {
            return Err(Denial::BadArgument("ids: at most 100.").into());
        }
        let (app, viewer) = (app(ctx)?, viewer(ctx));
        try_join_all(ids.iter().map(|id| find(app, viewer, id))).await
    }
}

async fn find(app: &App, viewer: Option<Actor>, id: &ID) -> Result<Option<Node>> {
    let (kind, uuid) = id::decode_any(id).map_err(|_| Denial::InvalidId)?;
    let db = app.db.reader();
    Ok(match (kind, viewer) {
        (Kind::Category, _) => {
            catalog::list_categories_by_ids(app, &[uuid]).await?.pop().map(|row| Node::Category(Category(row)))
        }
        (Kind::Product, _) => {
            let found = catalog::find(app, viewer.as_ref(), &Which::Id(uuid)).await?;
            found.map(|row| Node::Product(Box::new(Product(row))))
        }
        (Kind::Seller, _) => accounts::find_seller(db, uuid).await?.map(|row| Node::Seller(Seller(row))),
        (_, Some(actor)) => find_private(app, actor, kind, uuid).await?,
        (_, None) => None,
    })
}

/// What only some may see.
async fn find_private(app: &App, actor: Actor, kind: Kind, id: Uuid) -> Result<Option<Node>> {
    let db = app.db.reader();
    Ok(match kind {
        Kind::User if actor.user == id || actor.role == Role::Admin => {
            accounts::find_user(db, id).await?.map(|row| Node::User(Box::new(User::new(row))))
        }
        Kind::Address => accounts::find_address(db, actor.user, id).await?.map(|row| Node::Address(Box::new(row.into()))),
        Kind::Cart => cart::find_node(app, actor, id).await?.map(|found| match found {
            CartNode::Cart(cart) => Node::Cart(cart),
            CartNode::Line(line) => Node::CartLine(line),
        }),
        Kind::Order => find_order(app, actor, id).await?.map(|order| Node::Order(Box::new(order))),
        Kind::OrderItem => match orders::find_item(db, id).await? {
            Some(row) => {
                let order = find_order(app, actor, row.order_id).await?;
                order.map(|order| Node::OrderItem(OrderItem::new(row, order.currency())))
            }
            None => None,
        },
        Kind::Event => match orders::find_event(db, id).await? {
            Some(row) => {
                let order = find_order(app, actor, row.order_id).await?;
                order.map(|_| Node::OrderEvent(OrderEvent::stored(row)))
            }
            None => None,
        },
        Kind::Claim => match orders::find_claim(db, id).await? {
            Some(row) if row.partner_id == actor.user => Some(Node::Claim(Claim(row))),
            Some(row) => find_order(app, actor, row.order_id).await?.map(|_| Node::Claim(Claim(row))),
            None => None,
        },
        Kind::Payment => find_payment(app, actor, id).await?.map(|payment| Node::Payment(Box::new(payment))),
        Kind::Refund => match payments::find_refund(db, id).await? {
            Some(row) => find_payment(app, actor, row.payment_id).await?.map(|_| Node::Refund(Box::new(Refund(row)))),
            None => None,
        },
        Kind::StockMovement => match inventory::find_movement(app, id).await? {
            Some(row) => {
                let product = catalog::find(app, Some(&actor), &Which::Id(row.product_id)).await?;
                let is_shown = product.is_some_and(|product| catalog::may_manage(actor, &product));
                is_shown.then_some(Node::StockMovement(StockMovement(row)))
            }
            None => None,
        },
        _ => None,
    })
}

async fn find_payment(app: &App, actor: Actor, id: Uuid) -> Result<Option<Payment>> {
    let Some(row) = payments::find(app.db.reader(), id).await? else { return Ok(None) };
    Ok(find_order(app, actor, row.order_id).await?.and_then(|order| order.payment(row)))
}

async fn find_order(app: &App, actor: Actor, id: Uuid) -> Result<Option<Order>> {
    Ok(orders::find_order(app.db.reader(), id).await?.and_then(|row| Order::seen_by(row, actor)))
}
