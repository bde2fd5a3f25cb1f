//! Promo codes: made by admins, applied to carts, used by orders.

use chrono::{DateTime, Datelike as _, SubsecRound as _, Utc};
use domain::access::Actor;
use domain::input;
use domain::money::{Currency, Money};
use domain::promo::{self, PromoProblem, Reduction, Terms, Uses, WHOLE_BASIS_POINTS};
use entity::{Text, promo_redemption};
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

use super::error::CartError;
use super::event;
use super::repo::promos as repo;
use crate::app::App;
use crate::platform::Result;
use crate::platform::audit::{self, NewEntry};
use crate::platform::db::{Tx, retry};

/// The most uses that a limit may allow.
const MAX_USES: i32 = 1_000_000_000;

/// A promo code as an admin describes it, not yet checked.
#[derive(Debug, Clone, Default)]
pub struct NewPromo {
    /// As customers write it, in any case.
    pub code: String,
    /// What it takes off, in percent; this or `amount_off`.
    pub percent_off: Option<Decimal>,
    /// What it takes off, in the store's currency.
    pub amount_off: Option<Decimal>,
    /// The lines' sum that it asks for.
    pub minimum_subtotal: Option<Decimal>,
    /// It holds from then on; from now on when absent.
    pub starts_at: Option<DateTime<Utc>>,
    /// It holds until just before then; for ever when absent.
    pub ends_at: Option<DateTime<Utc>>,
    /// Orders that it may be used for in all.
    pub max_uses: Option<i32>,
    /// Orders of one customer that it may be used for.
    pub max_uses_per_customer: Option<i32>,
}

/// Makes a promo code, on the word of an admin or, without one, of an operator.
///
/// # Errors
/// `INVALID_INPUT` at the field; `ALREADY_EXISTS` for the code.
pub async fn create(app: &App, by: Option<Actor>, new: NewPromo) -> Result<entity::promo::Model> {
    let promo = check(app, &new)?;
    retry(|| create_once(app, by, promo.clone())).await
}

async fn create_once(app: &App, by: Option<Actor>, mut promo: entity::promo::Model) -> Result<entity::promo::Model> {
    let tx = app.db.begin().await?;
    let now = app.clock.db_now(&*tx).await?;
    if promo.ends_at.is_some_and(|end| end <= now) {
        return Err(CartError::Window.into());
    }
    promo.created_at = now;
    promo.next_edge_at = next_edge(&promo, now);
    if !repo::insert_promo(&*tx, promo.clone()).await? {
        return Err(CartError::CodeTaken.into());
    }
    // a promo code has no id for clients: it is known by its name
    let after = json!({
        "code": promo.code, "percentBasisPoints": promo.percent_basis_points, "amountMinor": promo.amount_minor,
        "minimumSubtotalMinor": promo.minimum_subtotal_minor, "currency": promo.currency, "startsAt": promo.starts_at,
        "endsAt": promo.ends_at, "maxUses": promo.max_uses, "maxUsesPerCustomer": promo.max_uses_per_customer,
    });
    let id = app.ids.uuid();
    let entry =
        NewEntry { id, by: by.into(), action: "promo.create", target: None, before: None, after: Some(after), at: now };
    audit::append(&tx, entry).await?;
    tx.commit().await?;
    Ok(promo)
}

fn check(app: &App, new: &NewPromo) -> Result<entity::promo::Model> {
    let currency = app.config.currency;
    let (percent, amount) = match (new.percent_off, new.amount_off) {
        (Some(percent), None) => (Some(basis_points(percent)?), None),
        (None, Some(amount)) => match minor("amountOff", amount, currency)? {
            0 => return Err(CartError::NoAmount.into()),
            minor => (None, Some(minor)),
        },
        _ => return Err(CartError::Reduction.into()),
    };
    for (field, at) in [("startsAt", new.starts_at), ("endsAt", new.ends_at)] {
        // the type knows more years than a database does
        if at.is_some_and(|at| !(0..=9999).contains(&at.year())) {
            return Err(CartError::Year(field).into());
        }
    }
    if new.starts_at.zip(new.ends_at).is_some_and(|(start, end)| end <= start) {
        return Err(CartError::Window.into());
    }
    let limit = |field, max: Option<i32>| max.map(|max| input::number(field, max, 1, MAX_USES)).transpose();
    Ok(entity::promo::Model {
        id: app.ids.uuid(),
        code: promo::code("code", &new.code)?,
        percent_basis_points: percent,
        amount_minor: amount,
        minimum_subtotal_minor: new.minimum_subtotal.map_or(Ok(0), |least| minor("minimumSubtotal", least, currency))?,
        currency: Text(currency),
        // what is kept is what is answered: both databases keep microseconds
        starts_at: new.starts_at.map(|at| at.trunc_subsecs(6)),
        ends_at: new.ends_at.map(|at| at.trunc_subsecs(6)),
        max_uses: limit("maxUses", new.max_uses)?,
        max_uses_per_customer: limit("maxUsesPerCustomer", new.max_uses_per_customer)?,
        uses: 0,
        next_edge_at: None,
        created_at: DateTime::UNIX_EPOCH,
    })
}

fn basis_points(percent: Decimal) -> Result<i32, CartError> {
    let points = percent.checked_mul(100.into()).filter(|points| points.fract().is_zero());
    let points = points.and_then(|points| i32::try_from(points.trunc()).ok());
    points.filter(|points| (1..=WHOLE_BASIS_POINTS).contains(points)).ok_or(CartError::Percent)
}

fn minor(field: &'static str, amount: Decimal, currency: Currency) -> Result<i64, CartError> {
    Ok(Money::from_decimal(amount, currency).map_err(|error| CartError::Amount(field, error))?.minor)
}

/// When, after `now`, the window of `promo` next begins or ends.
pub(super) fn next_edge(promo: &entity::promo::Model, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    [promo.starts_at, promo.ends_at].into_iter().flatten().find(|edge| *edge > now)
}

/// What `promo` says. One whose amounts are of another currency than the shop's, which may have been changed, is over.
pub(super) fn terms(promo: &entity::promo::Model, currency: Currency) -> Terms {
    let reduction = match (promo.percent_basis_points, promo.amount_minor) {
        (Some(points), _) => Reduction::Percent(points),
        (None, amount) => Reduction::Amount(amount.unwrap_or(0)),
    };
    let is_foreign = *promo.currency != currency;
    Terms {
        reduction,
        minimum_subtotal_minor: promo.minimum_subtotal_minor,
        starts_at: promo.starts_at.filter(|_| !is_foreign),
        ends_at: if is_foreign { Some(DateTime::UNIX_EPOCH) } else { promo.ends_at },
        max_uses: promo.max_uses,
        max_uses_per_customer: promo.max_uses_per_customer,
    }
}

/// The promo code that is spelt `code`, when it would take something off goods worth `subtotal_minor` now.
///
/// # Errors
/// `PROMO_INVALID` at `code`, and why.
pub(super) async fn find_valid(app: &App, customer: Uuid, code: &str, subtotal_minor: i64) -> Result<entity::promo::Model> {
    let currency = app.config.currency;
    let refuse = |problem| CartError::Promo { field: "code", problem, currency };
    // what can be no code is not sent to the database, which could refuse the text itself
    let code = promo::code("code", code).map_err(|_| refuse(None))?;
    let db = app.db.reader();
    let promo = repo::find_promo_by_code(db, &code).await?.ok_or_else(|| refuse(None))?;
    let uses = Uses { all: promo.uses, customer: repo::find_uses(db, promo.id, customer).await? };
    let terms = terms(&promo, currency);
    let valid = terms.check(uses, app.clock.db_now(db).await?).and_then(|()| terms.discount_minor(subtotal_minor));
    valid.map_err(|problem| refuse(Some(problem)))?;
    Ok(promo)
}

/// Which promo code an order uses.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// The one that is spelt like this.
    Named(&'a str),
    /// The one that is applied to its cart.
    OfCart(Uuid),
}

impl Which<'_> {
    /// Where a refusal is said to be.
    const fn field(self) -> &'static str {
        match self {
            Self::Named(_) => "promoCode",
            Self::OfCart(_) => "cart.promoCode",
        }
    }
}

/// A promo code that an order has used.
#[derive(Debug, Clone)]
pub struct Redeemed {
    /// The promo code.
    pub promo: Uuid,
    /// In capitals.
    pub code: String,
    /// What it takes off.
    pub discount_minor: i64,
}

/// An order that wants to use a promo code.
#[derive(Debug, Clone, Copy)]
pub struct Redemption {
    /// The order, which is written later in the same transaction.
    pub order: Uuid,
    /// Whose.
    pub customer: Uuid,
    /// What its lines sum up to.
    pub subtotal_minor: i64,
    /// When.
    pub at: DateTime<Utc>,
}

/// Has an order use a promo code, or, when the caller drops `tx`, not. Its row is locked from here on: of many who want the last
/// use one gets it.
///
/// # Errors
/// `PROMO_INVALID` at `promoCode`, or at `cart.promoCode` of the cart's own, and why.
pub async fn redeem(app: &App, tx: &Tx, which: Which<'_>, redemption: Redemption) -> Result<Redeemed> {
    let Redemption { order, customer, subtotal_minor, at } = redemption;
    let currency = app.config.currency;
    let refuse = |problem| CartError::Promo { field: which.field(), problem, currency };
    let found = match which {
        Which::Named(code) => match promo::code("promoCode", code) {
            Ok(code) => repo::find_promo_by_code(&**tx, &code).await?,
            Err(_) => None,
        },
        Which::OfCart(id) => repo::find_promo(&**tx, id).await?,
    };
    let found = found.filter(|found| *found.currency == currency).ok_or_else(|| refuse(None))?;
    let discount_minor = terms(&found, currency).discount_minor(subtotal_minor).map_err(|problem| refuse(Some(problem)))?;
    let now = app.clock.sql_now(app.db.backend());
    let taken = repo::update_taking_use(&**tx, found.id, &now).await?;
    let Some(promo) = taken else {
        return Err(refuse(Some(why_not(app, tx, found.id, customer).await?)).into());
    };
    if !repo::upsert_customer_use(&**tx, promo.id, customer, promo.max_uses_per_customer).await? {
        return Err(refuse(Some(PromoProblem::UsedByCustomer)).into());
    }
    let row = promo_redemption::Model {
        order_id: order,
        promo_id: promo.id,
        customer_id: customer,
        redeemed_at: at,
        given_back_at: None,
    };
    repo::insert_redemption(&**tx, row).await?;
    if promo.max_uses == Some(promo.uses) {
        event::promo_changed(tx, &app.ids, promo.id, at).await?;
    }
    // the customer's own limit may be reached, and their cart have the code
    event::cart_changed(tx, &app.ids, customer, at).await?;
    Ok(Redeemed { promo: promo.id, code: promo.code, discount_minor })
}

/// Which part of the condition did not hold, from what was read right after it.
async fn why_not(app: &App, tx: &Tx, promo: Uuid, customer: Uuid) -> Result<PromoProblem> {
    let Some(promo) = repo::find_promo(&**tx, promo).await? else { return Ok(PromoProblem::Over) };
    let uses = Uses { all: promo.uses, customer: repo::find_uses(&**tx, promo.id, customer).await? };
    let now = app.clock.db_now(&**tx).await?;
    // somebody may have given a use back in between: it was used up all the same
    Ok(terms(&promo, app.config.currency).check(uses, now).err().unwrap_or(PromoProblem::UsedUp))
}

/// Gives back the use that `order` made of a promo code, if it made one: the order is called off, or was not paid in time.
/// Calling it twice does no harm. Comes after the lock of the order's row and before its stock.
///
/// # Errors
/// Faults of the database.
pub async fn give_back(app: &App, tx: &Tx, order: Uuid, at: DateTime<Utc>) -> Result<()> {
    let Some(redemption) = repo::update_redemption_given_back(&**tx, order, at).await? else { return Ok(()) };
    let promo_redemption::Model { promo_id, customer_id, .. } = redemption;
    let promo = repo::update_giving_use_back(&**tx, promo_id).await?;
    repo::update_customer_giving_use_back(&**tx, promo_id, customer_id).await?;
    if promo.is_some_and(|promo| promo.max_uses == Some(promo.uses + 1)) {
        event::promo_changed(tx, &app.ids, promo_id, at).await?;
    }
    event::cart_changed(tx, &app.ids, customer_id, at).await
}
