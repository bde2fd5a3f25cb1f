//! What clients send about orders.

use async_graphql::{Enum, ID, InputObject};
use chrono::{DateTime, Datelike as _, Utc};
use domain::error::Rejection;
use domain::id::Kind;
use domain::input;

use crate::accounts::graphql::AddressInput;
use crate::graphql::enums::{OrderStatus, PaymentMethod};
use crate::graphql::scalars::Decimal;
use crate::graphql::{GraphError, Result, ids};
use crate::orders::service::{self, OrderFilter, Place, PlaceLine, Step};

/// The most states that a filter may name; there are no more.
pub const MAX_STATES: usize = 10;

/// Which orders to list; conditions that are given must all hold.
#[derive(Debug, Clone, Default, InputObject)]
#[graphql(name = "OrderFilter")]
pub struct OrderFilterInput {
    /// In one of these states; at most 10.
    pub status: Option<Vec<OrderStatus>>,
    /// Of this customer.
    pub customer_id: Option<ID>,
    /// Carried by this partner.
    pub partner_id: Option<ID>,
    /// Of this seller.
    pub seller_id: Option<ID>,
    /// Placed then or later.
    pub placed_from: Option<DateTime<Utc>>,
    /// Placed before then.
    pub placed_to: Option<DateTime<Utc>>,
    /// Whose number begins like this; at most 40 characters.
    pub search: Option<String>,
    /// True: ready and claimed by nobody. False: with a partner.
    pub unassigned: Option<bool>,
}

impl OrderFilterInput {
    /// Checks the limits.
    ///
    /// # Errors
    /// `BAD_ARGUMENT` and `INVALID_ID`.
    pub fn check(self) -> Result<OrderFilter> {
        let id = |kind, id: Option<ID>| id.map(|id| ids::parse(kind, &id)).transpose();
        self.limits().map_err(|no| GraphError::bad_argument(&no))?;
        Ok(OrderFilter {
            status: self.status.map(|list| list.into_iter().map(Into::into).collect()),
            customer: id(Kind::User, self.customer_id)?,
            partner: id(Kind::User, self.partner_id)?,
            seller: id(Kind::Seller, self.seller_id)?,
            placed_from: self.placed_from,
            placed_to: self.placed_to,
            search: self.search,
            unassigned: self.unassigned,
        })
    }
}

impl OrderFilterInput {
    fn limits(&self) -> Result<(), Rejection> {
        input::list("filter.status", self.status.as_deref().unwrap_or_default(), MAX_STATES)?;
        input::line("filter.search", self.search.as_deref().unwrap_or_default(), 0, 40)?;
        for (field, at) in [("filter.placedFrom", self.placed_from), ("filter.placedTo", self.placed_to)] {
            // the type knows more years than a database does
            if at.is_some_and(|at| !(0..=9999).contains(&at.year())) {
                return Err(Rejection::invalid(field, "Must be in the years 0 to 9999."));
            }
        }
        Ok(())
    }
}

/// How a list of orders is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "service::OrderSort")]
pub enum OrderSort {
    /// Newest first.
    Newest,
    /// Oldest first.
    Oldest,
    /// Dearest first.
    TotalDesc,
    /// Changed last first.
    Updated,
}

/// An order to place, of the items given here or, when there are none, of the cart. All items of one order are one seller's.
#[derive(Debug, Clone, InputObject)]
pub struct PlaceOrderInput {
    /// 1 to 255 characters; the same key places the order once, however often it is sent.
    pub idempotency_key: String,
    /// What to buy: 1 to 100 products, each once. Absent: what is in the cart, which is empty then.
    pub items: Option<Vec<OrderItemInput>>,
    /// A saved address of yours, with coordinates; or `address`.
    pub address_id: Option<ID>,
    /// A new address, with coordinates; or `addressId`.
    pub address: Option<AddressInput>,
    /// How it is paid.
    pub payment_method: PaymentMethod,
    /// A promo code. Absent: the one that is applied to the cart, when the cart is ordered.
    pub promo_code: Option<String>,
    /// For the store and the partner; at most 500 characters.
    pub note: Option<String>,
    /// Refuse with `CART_CHANGED` when the total is not this. Needed to order a cart whose prices have changed.
    pub expected_total: Option<Decimal>,
}

/// So many of a product.
#[derive(Debug, Clone, InputObject)]
pub struct OrderItemInput {
    /// The product.
    pub product_id: ID,
    /// How many pieces, 1 to 1,000.
    pub quantity: i32,
}

impl PlaceOrderInput {
    /// The key and the order, when every field is within its limits.
    pub(super) fn check(self) -> Result<Result<(String, Place), Rejection>> {
        let line = |item: OrderItemInput| {
            Ok(PlaceLine { product: ids::parse(Kind::Product, &item.product_id)?, quantity: item.quantity })
        };
        let lines = self.items.map(|items| items.into_iter().map(line).collect::<Result<Vec<_>>>()).transpose()?;
        let address_id = self.address_id.map(|id| ids::parse(Kind::Address, &id)).transpose()?;
        let checked = || {
            Ok((
                self.address.map(|address| address.check("address")).transpose()?,
                self.note.map(|note| input::paragraph("note", &note, 0, 500)).transpose()?.filter(|note| !note.is_empty()),
            ))
        };
        Ok(checked().map(|(address, note)| {
            let payment_method = self.payment_method.into();
            let expected_total = self.expected_total.map(|Decimal(total)| total);
            let promo_code = self.promo_code;
            let place = Place { lines, address_id, address, payment_method, promo_code, note, expected_total };
            (self.idempotency_key, place)
        }))
    }
}

/// A step of an order. Refused with `ILLEGAL_TRANSITION` unless your role may take it from the present status.
#[derive(Debug, Clone, InputObject)]
pub struct UpdateOrderStatusInput {
    /// 1 to 255 characters; the same key takes the step once.
    pub idempotency_key: String,
    /// Which order.
    pub order_id: ID,
    /// Where to.
    pub status: OrderStatus,
    /// For the timeline; at most 500 characters. An admin who delivers without the code says here why.
    pub note: Option<String>,
    /// Refuse with `VERSION_CONFLICT` when the order's version is not this.
    pub expected_version: Option<i32>,
    /// For DELIVERED: what the customer shows at the door.
    pub delivery_code: Option<String>,
}

impl UpdateOrderStatusInput {
    pub(super) fn check(self) -> Result<(String, Step)> {
        let order = ids::parse(Kind::Order, &self.order_id)?;
        let Self { note, expected_version, delivery_code, .. } = self;
        let (to, input) = (self.status.into(), Some("status"));
        Ok((self.idempotency_key, Step { order, to, input, note, expected_version, delivery_code }))
    }
}

/// An order to call off.
#[derive(Debug, Clone, InputObject)]
pub struct CancelOrderInput {
    /// 1 to 255 characters; the same key cancels once.
    pub idempotency_key: String,
    /// Which order.
    pub order_id: ID,
    /// For the timeline; at most 500 characters.
    pub reason: Option<String>,
}

impl CancelOrderInput {
    pub(super) fn check(self) -> Result<(String, Step)> {
        let order = ids::parse(Kind::Order, &self.order_id)?;
        let to = domain::order::OrderStatus::Cancelled;
        let note = self.reason;
        Ok((self.idempotency_key, Step { order, to, input: None, note, expected_version: None, delivery_code: None }))
    }
}
