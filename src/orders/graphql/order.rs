//! An order as one of its parties sees it.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use domain::access::{Actor, Party, Reader, Role, Situation, viewer_actions};
use domain::estimate;
use domain::id::Kind;
use entity::{order, order_event, payment};

use super::claim::Claim;
use super::inputs::{OrderFilterInput, OrderSort};
use super::item::OrderItem;
use super::loaders::{ClaimLoader, ItemsLoader, OrderLoader, RatingLoader, TimelineLoader};
use super::rating::Rating;
use super::timeline::{OrderEvent, OrderEventConnection};
use crate::accounts::graphql::{Address, Seller, User};
use crate::chat::graphql::{self as chat, MessageConnection};
use crate::graphql::connection::{connection, is_counted, page_cost};
use crate::graphql::enums::{OrderAction, OrderStatus, PaymentMethod, PaymentStatus};
use crate::graphql::loaders::{load, load_existing};
use crate::graphql::scalars::{EventCursor, Money};
use crate::graphql::{Result, app, ids, reader};
use crate::orders::service::{self, OrderFilter};
use crate::payments::graphql::{Payment, PaymentsLoader};
use crate::payments::service as payments;
use crate::platform::page::{Page, PageArgs};

/// An order: what was bought, where it is, and who carries it.
#[derive(Debug, Clone)]
pub struct Order {
    row: order::Model,
    party: Option<Party>,
    /// When it is expected, by one who knows where its partner is.
    expected: Option<DateTime<Utc>>,
}

impl Order {
    /// `row` as `reader` sees it; `None` when they may not know that it exists.
    #[must_use]
    pub fn seen_by(row: order::Model, reader: impl Into<Reader>) -> Option<Self> {
        let party = service::party(&row, reader)?;
        Some(Self { row, party: Some(party), expected: None })
    }

    /// `row` to the partner from whom its last change took it: nothing personal any more.
    #[must_use]
    pub const fn lost(row: order::Model) -> Self {
        Self { row, party: None, expected: None }
    }

    /// The same, expected `at` by one who knows where its partner is; `None`: by its stage alone.
    #[must_use]
    pub fn expected_at(self, at: Option<DateTime<Utc>>) -> Self {
        Self { expected: at, ..self }
    }

    /// A payment of the order as the viewer sees it; `None` when they may not know of it.
    #[must_use]
    pub fn payment(&self, row: payment::Model) -> Option<Payment> {
        let party = self.party.filter(|party| *party != Party::Partner)?;
        Some(Payment::new(row, party == Party::Customer))
    }

    /// An entry of the order's timeline as the viewer sees it; `cursor` is its place in the order's stream, where that is known.
    #[must_use]
    pub const fn event(&self, row: order_event::Model, cursor: Option<EventCursor>) -> OrderEvent {
        OrderEvent::new(row, self.party, cursor)
    }

    /// The order behind a claim that the viewer made or may see, or behind something that refers to it. Once the claim has
    /// ended and the order is another's, it tells a partner nothing personal any more.
    #[must_use]
    pub fn of_claim(row: order::Model, ctx: &Context<'_>) -> Self {
        let party = reader(ctx).and_then(|reader| service::party(&row, reader));
        Self { row, party, expected: None }
    }

    /// Where the order is.
    #[must_use]
    pub fn status_value(&self) -> domain::order::OrderStatus {
        *self.row.status
    }

    /// Of its amounts.
    #[must_use]
    pub fn currency(&self) -> domain::money::Currency {
        *self.row.currency
    }

    fn money(&self, minor: i64) -> Money {
        Money::new(minor, *self.row.currency)
    }
}

/// An order: what was bought, where it is, and who carries it.
#[Object]
impl Order {
    /// Opaque, `ord_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Order, self.row.id)
    }

    /// Short, human, unique: e.g. `QC-7F3K-29B`.
    async fn number(&self) -> &str {
        &self.row.number
    }

    /// Goes up by one with every change; the gap check of orderUpdates and the guard of `expectedVersion`.
    async fn version(&self) -> i32 {
        self.row.version
    }

    /// Where the order is.
    async fn status(&self) -> OrderStatus {
        self.row.status.0.into()
    }

    /// Who ordered; without a name to a partner whose claim on it has ended before the goods were picked up.
    async fn customer(&self, ctx: &Context<'_>) -> Result<User> {
        let user = User::load(ctx, self.row.customer_id).await?;
        if self.party.is_none() {
            return Ok(user.hiding_name());
        }
        let is_shown = self.party == Some(Party::Partner) && service::shows_phones(&self.row);
        Ok(if is_shown { user.revealing_phone() } else { user })
    }

    /// Whose store it is from.
    async fn seller(&self, ctx: &Context<'_>) -> Result<Seller> {
        Seller::load(ctx, self.row.seller_id).await
    }

    /// What was bought, in the order given.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn items(&self, ctx: &Context<'_>) -> Result<Vec<OrderItem>> {
        let lines = load::<ItemsLoader, _>(ctx, self.row.id).await?.unwrap_or_default();
        Ok(lines.into_iter().map(|line| OrderItem::new(line, *self.row.currency)).collect())
    }

    /// The lines' sum.
    async fn subtotal(&self) -> Money {
        self.money(self.row.subtotal_minor)
    }

    /// What was taken off.
    async fn discount(&self) -> Money {
        self.money(self.row.discount_minor)
    }

    /// The promo code that the discount comes from, in capitals; null when there is none, and to partners.
    async fn promo_code(&self) -> Option<&str> {
        let is_shown = matches!(self.party, Some(Party::Customer | Party::Seller | Party::Admin));
        self.row.promo_code.as_deref().filter(|_| is_shown)
    }

    /// What the delivery cost.
    async fn delivery_fee(&self) -> Money {
        self.money(self.row.delivery_fee_minor)
    }

    /// Tax on the goods after discount.
    async fn tax(&self) -> Money {
        self.money(self.row.tax_minor)
    }

    /// What is to pay: subtotal − discount + delivery fee + tax.
    async fn total(&self) -> Money {
        self.money(self.row.total_minor)
    }

    /// Null to a partner who does not hold the order's claim.
    async fn delivery_address(&self) -> Option<Address> {
        let party = self.party?;
        service::shows_address(&self.row, party).then(|| self.row.delivery_address.clone().into())
    }

    /// The claim that binds the order to a partner, or did until it was delivered; null while nobody has it.
    async fn claim(&self, ctx: &Context<'_>) -> Result<Option<Claim>> {
        let (Some(_), Some(id)) = (self.party, self.row.claim_id) else { return Ok(None) };
        Ok(load::<ClaimLoader, _>(ctx, id).await?.map(Claim))
    }

    /// Who carries, or carried, it; null until a partner has accepted it.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let (Some(party), Some(id)) = (self.party, service::carrier(&self.row)) else { return Ok(None) };
        let user = User::load(ctx, id).await?;
        let is_shown = party == Party::Customer && service::shows_phones(&self.row);
        Ok(Some(if is_shown { user.revealing_phone() } else { user }))
    }

    /// Its payments, the failed ones too, oldest first. Empty to partners.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn payments(&self, ctx: &Context<'_>) -> Result<Vec<Payment>> {
        let Some(party) = self.party.filter(|party| *party != Party::Partner) else { return Ok(Vec::new()) };
        let payments = load::<PaymentsLoader, _>(ctx, self.row.id).await?.unwrap_or_default();
        Ok(payments.into_iter().map(|row| Payment::new(row, party == Party::Customer)).collect())
    }

    /// Where the money is.
    async fn payment_status(&self) -> PaymentStatus {
        self.row.payment_status.0.into()
    }

    /// How it is paid.
    async fn payment_method(&self) -> PaymentMethod {
        self.row.payment_method.0.into()
    }

    /// What the viewer may do with it now.
    async fn viewer_actions(&self, ctx: &Context<'_>) -> Result<Vec<OrderAction>> {
        let claim = self.row.claim_status.map(|status| status.0).filter(|status| status.is_live());
        let (payment_method, payment_status) = (*self.row.payment_method, *self.row.payment_status);
        let (status, is_rated) = (*self.row.status, self.row.rated_at.is_some());
        let is_chat_open = self.party.is_some() && chat::is_open(ctx, &self.row).await?;
        let mut now =
            Situation { status, claim, payment_method, payment_status, is_money_left: true, is_rated, is_chat_open };
        if matches!(self.party, Some(Party::Seller | Party::Admin)) && now.is_refundable() {
            let payments = load::<PaymentsLoader, _>(ctx, self.row.id).await?.unwrap_or_default();
            now.is_money_left = payments::is_refundable(&payments);
        }
        let is_partner = reader(ctx).is_some_and(|reader| reader.role == Some(Role::Partner));
        // to a partner who is nothing to it the order may be on offer; nobody else sees an order that is not theirs
        let actions = if self.party.is_some() || is_partner { viewer_actions(self.party, now) } else { Vec::new() };
        Ok(actions.into_iter().map(Into::into).collect())
    }

    /// What its people wrote to each other, oldest first. Empty to a partner who does not carry it.
    #[graphql(complexity = "1 + page_cost(first, last) * child_complexity")]
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Messages of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Messages of the page, from the end; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "`startCursor` of the page after.")] before: Option<String>,
    ) -> Result<MessageConnection> {
        chat::page_of(ctx, &self.row, first, after.as_deref(), last, before.as_deref()).await
    }

    /// What happened to it, oldest first. Empty to a partner whose claim on it has ended before the goods were picked up.
    #[graphql(complexity = "1 + page_cost(first, None) * child_complexity")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Entries of the page, 1 to 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "`endCursor` of the page before.")] after: Option<String>,
    ) -> Result<OrderEventConnection> {
        let args = PageArgs::new(&("timeline", self.row.id), first, after.as_deref(), None, None)?;
        // what became of it is no business of a partner who lost it
        if self.party.is_none() {
            return Ok(Page { rows: Vec::new(), has_next: false, has_previous: false }.into());
        }
        let page = match args.start() {
            // timelines of many orders at once: versions count from one, so the first so many are known by their numbers
            Some(limit) => {
                let rows = load::<TimelineLoader, _>(ctx, (self.row.id, limit)).await?.unwrap_or_default();
                args.cut(rows, service::event_key)
            }
            None => service::list_events(app(ctx)?.db.reader(), self.row.id, &args).await?,
        };
        Ok(page.map(|row| self.event(row, None)).into())
    }

    /// The code that the customer shows at the door; visible to the customer alone.
    async fn delivery_code(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        if self.party != Some(Party::Customer) {
            return Ok(None);
        }
        // an event's copy of the order is without it
        if self.row.delivery_code.is_empty() {
            return Ok(Some(load_existing::<OrderLoader, _>(ctx, self.row.id).await?.delivery_code));
        }
        Ok(Some(self.row.delivery_code.clone()))
    }

    /// When it is likely to be handed over: the last change of the order, and what the stages that are left and the ride usually
    /// take. An estimate from that change, not from now: it moves when the order does, and may have passed. In deliveryTracking it
    /// goes by where the partner is. Null once the order has ended, and when the way is too long to say.
    async fn estimated_delivery_at(&self) -> Option<DateTime<Utc>> {
        self.party?;
        self.expected.or_else(|| estimate::delivery_at(*self.row.status, self.row.updated_at, self.row.distance_m))
    }

    /// What the customer thought of it: seen by its customer, its store, admins, and the partner who delivered it. Null until the
    /// customer has said so.
    async fn rating(&self, ctx: &Context<'_>) -> Result<Option<Rating>> {
        // the row of an event says whether there was one then
        if self.party.is_none() || self.row.rated_at.is_none() {
            return Ok(None);
        }
        Ok(load::<RatingLoader, _>(ctx, self.row.id).await?.map(Rating::from))
    }

    /// When it was handed over; null until then.
    async fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.row.delivered_at
    }

    /// The customer's note for the store and the partner.
    async fn note(&self) -> Option<&str> {
        self.row.note.as_deref().filter(|_| self.party.is_some())
    }

    /// When it was placed.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }
}

connection! {
    /// A page of orders.
    OrderConnection, OrderEdge, Order, counted
}

/// The arguments of a Relay connection, as they came.
#[derive(Debug, Default)]
pub struct Paging {
    /// Rows from the start.
    pub first: Option<i32>,
    /// After this cursor.
    pub after: Option<String>,
    /// Rows from the end.
    pub last: Option<i32>,
    /// Before this cursor.
    pub before: Option<String>,
}

/// A page of the orders that `filter` lets through within `scope`, which the viewer's role sets and no filter widens.
///
/// # Errors
/// `BAD_ARGUMENT`, `INVALID_ID`, `BAD_CURSOR`; faults of the database.
pub async fn order_page(
    ctx: &Context<'_>,
    actor: Actor,
    scope: impl FnOnce(&mut OrderFilter),
    filter: Option<OrderFilterInput>,
    sort: Option<OrderSort>,
    paging: Paging,
) -> Result<OrderConnection> {
    let mut filter = filter.unwrap_or_default().check()?;
    scope(&mut filter);
    let sort = sort.map(Into::into).unwrap_or_default();
    let Paging { first, after, last, before } = paging;
    let args = PageArgs::new(&("orders", &filter, sort), first, after.as_deref(), last, before.as_deref())?;
    let reader = app(ctx)?.db.reader();
    let page = service::list_orders(reader, &filter, sort, &args).await?;
    let count = if is_counted(ctx) { Some(service::count_orders(reader, &filter).await?) } else { None };
    let page = page.map(|row| {
        let party = service::party(&row, actor);
        Order { row, party, expected: None }
    });
    Ok((page, count).into())
}
