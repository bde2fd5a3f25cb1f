//! `node` and `nodes`: anything by its id, as far as the viewer may see it.

use async_graphql::{Context, ID, Interface, Object};
use domain::access::{Actor, Role};
use domain::id::{self, Kind};
use futures_util::future::try_join_all;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::loaders::load;
use super::scopes::may_find;
use super::{Result, app, viewer};
use crate::accounts::graphql::{
    Address, AddressesLoader, ApiKey, AuditEntry, AuditEntryLoader, Seller, SellerLoader, User, UserLoader, find_api_key,
    may_manage_keys,
};
use crate::cart::graphql::{self as cart, Cart, CartLine, CartNode};
use crate::catalog::graphql::{Category, CategoryLoader, Product, ProductLoader};
use crate::chat::graphql::{Message, MessageLoader};
use crate::inventory::graphql::{MovementLoader, StockMovement};
use crate::notifications::graphql::{Notification, NotificationLoader};
use crate::orders::graphql::{Claim, ClaimLoader, EventLoader, ItemLoader, Order, OrderEvent, OrderItem, OrderLoader};
use crate::payments::graphql::{Payment, PaymentLoader, Refund, RefundLoader};
use crate::platform::error::Denial;
use crate::webhooks::graphql::{
    WebhookDelivery, WebhookEndpoint, find_webhook_delivery, find_webhook_endpoint, may_see_webhooks,
};

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
    /// A webhook endpoint.
    WebhookEndpoint(Box<WebhookEndpoint>),
    /// A delivery of a webhook.
    WebhookDelivery(Box<WebhookDelivery>),
    /// An API key.
    ApiKey(Box<ApiKey>),
    /// An entry of the audit log.
    AuditEntry(Box<AuditEntry>),
    /// A message in an order's chat.
    Message(Message),
    /// A notification.
    Notification(Notification),
}

/// What nodes add to Query.
#[derive(Debug, Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Anything by its id; null when it does not exist or the viewer may not see it.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Its id, of any type.")] id: ID) -> Result<Option<Node>> {
        Box::pin(Finder::new(ctx).find(&id)).await
    }

    /// Several by their ids, in the order asked for; null for each that does not exist or may not be seen.
    #[graphql(complexity = "1 + ids.len() * child_complexity")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Their ids, of any type; at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MAX_NODES {
            return Err(Denial::BadArgument("ids: at most 100.").into());
        }
        let finder = Finder::new(ctx);
        try_join_all(ids.iter().map(|id| finder.find(id))).await
    }
}

/// Finds what one request asks for: rows of one kind in one statement, and the viewer's cart once.
struct Finder<'a> {
    ctx: &'a Context<'a>,
    cart: OnceCell<Cart>,
}

impl<'a> Finder<'a> {
    fn new(ctx: &'a Context<'a>) -> Self {
        Self { ctx, cart: OnceCell::new() }
    }

    async fn find(&self, id: &ID) -> Result<Option<Node>> {
        let (ctx, viewer) = (self.ctx, viewer(self.ctx));
        let (kind, uuid) = id::decode_any(id).map_err(|_| Denial::InvalidId)?;
        if let Some(key) = viewer.and_then(|viewer| viewer.key)
            && !may_find(key.scopes, kind)
        {
            return Ok(None);
        }
        Ok(match (kind, viewer) {
            (Kind::Category, _) => load::<CategoryLoader, _>(ctx, uuid).await?.map(|row| Node::Category(Category(row))),
            (Kind::Product, _) => {
                let is_shown = |row: &Product| viewer.is_some_and(|viewer| row.may_be_managed_by(viewer));
                let found = load::<ProductLoader, _>(ctx, uuid).await?.map(Product);
                let found = found.filter(|product| product.0.is_active || is_shown(product));
                found.map(|product| Node::Product(Box::new(product)))
            }
            (Kind::Seller, _) => load::<SellerLoader, _>(ctx, uuid).await?.map(|row| Node::Seller(Seller(row))),
            (_, Some(actor)) => self.find_private(actor, kind, uuid).await?,
            (_, None) => None,
        })
    }

    /// What only some may see.
    async fn find_private(&self, actor: Actor, kind: Kind, id: Uuid) -> Result<Option<Node>> {
        let ctx = self.ctx;
        Ok(match kind {
            Kind::User if actor.user == id || actor.role == Role::Admin => {
                load::<UserLoader, _>(ctx, id).await?.map(|row| Node::User(Box::new(User::new(row))))
            }
            Kind::Address => {
                let own = load::<AddressesLoader, _>(ctx, actor.user).await?.unwrap_or_default();
                own.into_iter().find(|row| row.id == id).map(|row| Node::Address(Box::new(row.into())))
            }
            Kind::Cart => {
                let cart = self.cart.get_or_try_init(|| async { Cart::of(app(ctx)?, actor).await }).await?;
                cart::node_of(cart, actor, id).map(|found| match found {
                    CartNode::Cart(cart) => Node::Cart(cart),
                    CartNode::Line(line) => Node::CartLine(line),
                })
            }
            Kind::Order => self.order(actor, id).await?.map(|order| Node::Order(Box::new(order))),
            Kind::OrderItem => match load::<ItemLoader, _>(ctx, id).await? {
                Some(row) => {
                    let order = self.order(actor, row.order_id).await?;
                    order.map(|order| Node::OrderItem(OrderItem::new(row, order.currency())))
                }
                None => None,
            },
            Kind::Event => match load::<EventLoader, _>(ctx, id).await? {
                Some(row) => self.order(actor, row.order_id).await?.map(|order| Node::OrderEvent(order.event(row, None))),
                None => None,
            },
            Kind::Claim => match load::<ClaimLoader, _>(ctx, id).await? {
                Some(row) if row.partner_id == actor.user => Some(Node::Claim(Claim(row))),
                Some(row) => self.order(actor, row.order_id).await?.map(|_| Node::Claim(Claim(row))),
                None => None,
            },
            Kind::Payment => self.payment(actor, id).await?.map(|payment| Node::Payment(Box::new(payment))),
            Kind::Refund => match load::<RefundLoader, _>(ctx, id).await? {
                Some(row) => self.payment(actor, row.payment_id).await?.map(|_| Node::Refund(Box::new(Refund(row)))),
                None => None,
            },
            Kind::WebhookEndpoint if may_see_webhooks(actor) => {
                find_webhook_endpoint(ctx, id).await?.map(|found| Node::WebhookEndpoint(Box::new(found)))
            }
            Kind::WebhookDelivery if may_see_webhooks(actor) => {
                find_webhook_delivery(ctx, id).await?.map(|found| Node::WebhookDelivery(Box::new(found)))
            }
            Kind::Message => match load::<MessageLoader, _>(ctx, id).await? {
                Some(row) => {
                    let order = load::<OrderLoader, _>(ctx, row.order_id).await?;
                    order.and_then(|order| Message::seen_by(row, &order, actor)).map(Node::Message)
                }
                None => None,
            },
            Kind::Notification => {
                let row = load::<NotificationLoader, _>(ctx, id).await?;
                row.and_then(|row| Notification::seen_by(row, Some(actor.user))).map(Node::Notification)
            }
            Kind::StockMovement => match load::<MovementLoader, _>(ctx, id).await? {
                Some(row) => {
                    let product = load::<ProductLoader, _>(ctx, row.product_id).await?.map(Product);
                    let is_shown = product.is_some_and(|product| product.may_be_managed_by(actor));
                    is_shown.then_some(Node::StockMovement(StockMovement(row)))
                }
                None => None,
            },
            Kind::ApiKey if may_manage_keys(actor) => {
                find_api_key(ctx, id).await?.map(|found| Node::ApiKey(Box::new(found)))
            }
            Kind::AuditEntry if actor.role == Role::Admin => {
                load::<AuditEntryLoader, _>(ctx, id).await?.map(|row| Node::AuditEntry(Box::new(AuditEntry::from(row))))
            }
            _ => None,
        })
    }

    async fn payment(&self, actor: Actor, id: Uuid) -> Result<Option<Payment>> {
        let Some(row) = load::<PaymentLoader, _>(self.ctx, id).await? else { return Ok(None) };
        Ok(self.order(actor, row.order_id).await?.and_then(|order| order.payment(row)))
    }

    async fn order(&self, actor: Actor, id: Uuid) -> Result<Option<Order>> {
        Ok(load::<OrderLoader, _>(self.ctx, id).await?.and_then(|row| Order::seen_by(row, actor)))
    }
}
