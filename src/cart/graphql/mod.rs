//! Carts and promo codes as clients see them.

mod mutation;
mod promo;
mod subscription;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::access::{Actor, Role};
use domain::cart::{MAX_LINES, Problem, is_cart_id};
use domain::id::Kind;
use domain::money::Currency;
use uuid::Uuid;

use super::error::promo_message;
use super::service::{self, CartView, LineView};
use crate::app::App;
use crate::catalog::graphql::Product;
use crate::graphql::scalars::Money;
use crate::graphql::{Result, app, ids};

pub use mutation::{ApplyPromoCodeInput, CartMutation, CartPayload, SetCartLineInput};
pub use promo::{CreatePromoInput, Promo, PromoPayload, PromosMutation};
pub use subscription::CartSubscription;

/// What a customer is about to order, priced now.
#[derive(Debug, Clone)]
pub struct Cart(CartView);

impl Cart {
    /// The cart of `actor`; an empty one when nothing was ever put into it.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn of(app: &App, actor: Actor) -> Result<Self> {
        let view = match actor.role {
            Role::Customer => service::view(app, actor.user).await?,
            _ => service::empty_view(app, actor.user).await?,
        };
        Ok(Self(view))
    }

    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.0.currency)
    }

    fn line(&self, index: usize) -> Option<CartLine> {
        self.0.lines.get(index).map(|line| CartLine { line: line.clone(), currency: self.0.currency })
    }
}

/// What a customer is about to order, priced now as the order would be. What changed under it is in `problems`.
#[Object]
impl Cart {
    /// Opaque, `crt_…`; the same for ever.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Cart, self.0.id)
    }

    /// What is in it, in the order in which it was put in: at most 100 products of one store.
    #[graphql(complexity = "1 + MAX_LINES * child_complexity")]
    async fn lines(&self) -> Vec<CartLine> {
        (0..self.0.lines.len()).filter_map(|index| self.line(index)).collect()
    }

    /// The lines' sum. A line that cannot be bought now, being sold out or no longer on sale, counts nothing.
    async fn subtotal(&self) -> Money {
        self.money(self.0.quote.subtotal_minor)
    }

    /// What the promo code takes off; never more than the subtotal. A percentage is rounded once, half away from zero.
    async fn discount(&self) -> Money {
        self.money(self.0.quote.discount_minor)
    }

    /// What the delivery costs; nothing while there is nothing to deliver.
    async fn delivery_fee(&self) -> Money {
        self.money(self.0.quote.delivery_fee_minor)
    }

    /// Tax on the goods after discount, rounded once, half away from zero.
    async fn tax(&self) -> Money {
        self.money(self.0.quote.tax_minor)
    }

    /// What is to pay: subtotal − discount + delivery fee + tax. Pass it as `expectedTotal` of placeOrder.
    async fn total(&self) -> Money {
        self.money(self.0.quote.total_minor)
    }

    /// The promo code that is applied, in capitals, also when it takes nothing off any more.
    async fn promo_code(&self) -> Option<&str> {
        self.0.promo_code.as_deref()
    }

    /// What changed under the cart since its lines were last set. With anything but `PRICE_CHANGED` among them it cannot be
    /// ordered as it is.
    #[graphql(complexity = "1 + (2 * MAX_LINES + 1) * child_complexity")]
    async fn problems(&self) -> Vec<CartProblem> {
        self.0.problems.iter().map(|(index, problem)| CartProblem::new(self, *index, *problem)).collect()
    }

    /// Goes up with every change that its customer makes, and never down: of two answers the one with the lower is the older.
    /// Prices, stocks and promo codes change under a cart without it. 0 while none was made.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When its customer last changed it; of a cart that nothing was ever put into, when they registered.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// A product in a cart.
#[derive(Debug, Clone)]
pub struct CartLine {
    line: LineView,
    currency: Currency,
}

/// A product in a cart.
#[Object]
impl CartLine {
    /// Opaque, `crt_…`, as that of the cart itself: `node` tells the two apart.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Cart, self.line.id)
    }

    /// The product.
    async fn product(&self) -> Product {
        Product(self.line.product.clone())
    }

    /// How many pieces.
    async fn quantity(&self) -> i32 {
        self.line.quantity
    }

    /// What one piece costs now.
    async fn unit_price(&self) -> Money {
        Money::new(self.line.product.price_minor, *self.line.product.currency)
    }

    /// What the line adds to the subtotal: unit price times quantity, or nothing when it cannot be bought now.
    async fn line_total(&self) -> Money {
        Money::new(self.line.total_minor, self.currency)
    }
}

/// What changed under the cart since the line was added; data, not an error.
#[derive(Debug, Clone, SimpleObject)]
pub struct CartProblem {
    /// What changed.
    pub kind: CartProblemKind,
    /// The line that it concerns; null when it is the promo code.
    pub line: Option<CartLine>,
    /// One sentence for a person, in English.
    pub message: String,
    /// With `INSUFFICIENT_STOCK` and `OUT_OF_STOCK`: how many can be had.
    pub available: Option<i32>,
    /// With `PRICE_CHANGED`: what a piece cost when the line was last set.
    pub old_price: Option<Money>,
    /// With `PRICE_CHANGED`: what a piece costs now.
    pub new_price: Option<Money>,
}

/// What can change under a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CartProblemKind {
    /// None is left. The line counts nothing.
    OutOfStock,
    /// Fewer are left than the line asks for. It counts as it stands.
    InsufficientStock,
    /// A piece costs something else than when the line was last set. It counts the new price; setting it again accepts that.
    PriceChanged,
    /// The product is no longer on sale. The line counts nothing.
    ProductUnavailable,
    /// The promo code does not hold, or not for this cart. It takes nothing off.
    PromoInvalid,
}

impl CartProblem {
    fn new(cart: &Cart, index: Option<usize>, problem: Problem) -> Self {
        let line = index.and_then(|index| cart.line(index));
        let name = line.as_ref().map_or("", |line| &line.line.product.name);
        let of = |kind, message| Self { kind, line: None, message, available: None, old_price: None, new_price: None };
        let said = match problem {
            Problem::OutOfStock => {
                Self { available: Some(0), ..of(CartProblemKind::OutOfStock, format!("{name} is sold out.")) }
            }
            Problem::InsufficientStock { available } => {
                let said = of(CartProblemKind::InsufficientStock, format!("Only {available} of {name} can be had."));
                Self { available: Some(available), ..said }
            }
            Problem::PriceChanged { old_minor, new_minor } => {
                let (old, new) = (cart.money(old_minor), cart.money(new_minor));
                let said = of(CartProblemKind::PriceChanged, format!("The price of {name} has changed."));
                Self { old_price: Some(old), new_price: Some(new), ..said }
            }
            Problem::ProductUnavailable => of(CartProblemKind::ProductUnavailable, format!("{name} is no longer on sale.")),
            Problem::PromoInvalid(problem) => {
                of(CartProblemKind::PromoInvalid, promo_message(Some(&problem), cart.0.currency))
            }
        };
        Self { line, ..said }
    }
}

/// A cart, or a line of one.
#[derive(Debug, Clone)]
pub enum CartNode {
    /// The whole.
    Cart(Box<Cart>),
    /// A line.
    Line(Box<CartLine>),
}

/// What `id` names in `cart`, which is that of `actor`: nobody sees another's. The ids of carts and of lines are told apart by
/// the version that their bits have.
#[must_use]
pub fn node_of(cart: &Cart, actor: Actor, id: Uuid) -> Option<CartNode> {
    if is_cart_id(id) {
        return (id == domain::cart::cart_id(actor.user)).then(|| CartNode::Cart(Box::new(cart.clone())));
    }
    let index = cart.0.lines.iter().position(|line| line.id == id)?;
    cart.line(index).map(|line| CartNode::Line(Box::new(line)))
}

/// What carts add to Viewer.
#[derive(Debug)]
pub struct ViewerCart(pub Actor);

#[Object]
impl ViewerCart {
    /// What the viewer is about to order. Every customer has one, empty at first; of other roles it is always empty.
    async fn cart(&self, ctx: &Context<'_>) -> Result<Cart> {
        Cart::of(app(ctx)?, self.0).await
    }
}
