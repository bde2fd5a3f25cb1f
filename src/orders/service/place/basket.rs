//! What a new order buys: what its request names, or the customer's cart.

use domain::access::Actor;
use domain::money::Currency;
use entity::{cart, product, seller};
use uuid::Uuid;

use super::{Place, PlaceLine};
use crate::accounts::service as accounts;
use crate::cart::promos::Which;
use crate::cart::service as carts;
use crate::catalog::service as catalog;
use crate::orders::error::OrderError;
use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::error::Error;

/// What is to be bought.
pub(super) struct Basket {
    /// One line a product.
    pub(super) lines: Vec<PlaceLine>,
    /// The cart that they are from, which is locked.
    pub(super) cart: Option<cart::Model>,
    /// What a piece of each line cost when it was put into the cart, in minor units; nothing of other lines.
    seen_minor: Vec<i64>,
}

impl Basket {
    /// The lines of the request, or of the cart when it names none. Of two orders of one cart the second waits here, and then
    /// finds it empty.
    pub(super) async fn of(tx: &Tx, actor: Actor, place: &Place) -> Result<Self> {
        if let Some(lines) = &place.lines {
            return Ok(Self { lines: lines.clone(), cart: None, seen_minor: Vec::new() });
        }
        let (cart, rows) = carts::lock(tx, actor.user).await?.ok_or(OrderError::Empty)?;
        let lines = rows.iter().map(|row| PlaceLine { product: row.product_id, quantity: row.quantity }).collect();
        Ok(Self { lines, cart: Some(cart), seen_minor: rows.iter().map(|row| row.unit_minor).collect() })
    }

    /// Whether a price is another than the customer saw in the cart.
    pub(super) fn has_new_prices(&self, products: &[product::Model]) -> bool {
        self.seen_minor.iter().zip(products).any(|(seen, product)| *seen != product.price_minor)
    }

    /// The promo code to use: the one that the request names, or that of the cart.
    pub(super) fn promo<'a>(&self, place: &'a Place) -> Option<Which<'a>> {
        let of_cart = self.cart.as_ref().and_then(|cart| cart.promo_id);
        place.promo_code.as_deref().map(Which::Named).or(of_cart.map(Which::OfCart))
    }

    /// A refusal of a line says where the customer finds it: among the items of the request, or in the cart.
    pub(super) fn naming(&self, error: Error) -> Error {
        match error {
            Error::Rejected(mut rejection)
                if self.cart.is_some() && rejection.field.first().is_some_and(|at| at == "items") =>
            {
                rejection.field.splice(0..1, ["cart".to_owned(), "lines".to_owned()]);
                Error::Rejected(rejection)
            }
            other => other,
        }
    }
}

/// Whether `products`, whose stocks are taken, are still sold at the prices that they were read with. They stay so then until
/// `tx` ends.
pub(super) async fn is_still_sold(tx: &Tx, products: &[product::Model]) -> Result<bool> {
    let ids: Vec<Uuid> = products.iter().map(|product| product.id).collect();
    let held = catalog::hold(tx, &ids).await?;
    let is_same = |read: &product::Model| {
        held.iter().any(|now| {
            now.id == read.id && now.is_active && now.price_minor == read.price_minor && now.currency == read.currency
        })
    };
    Ok(products.iter().all(is_same))
}

/// The products of the lines, in their order, and the one seller of all. What is priced in another currency than the
/// platform's, which may have been changed, cannot be bought.
pub(super) async fn goods(tx: &Tx, lines: &[PlaceLine], currency: Currency) -> Result<(Vec<product::Model>, seller::Model)> {
    let ids: Vec<Uuid> = lines.iter().map(|line| line.product).collect();
    let found = catalog::list_by_ids(&**tx, &ids).await?;
    let mut products: Vec<product::Model> = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let product =
            found.iter().find(|product| product.id == line.product && product.is_active && *product.currency == currency);
        let product = product.ok_or(OrderError::Unavailable { line: index })?;
        if products.first().is_some_and(|first| first.seller_id != product.seller_id) {
            return Err(OrderError::OtherSeller { line: index }.into());
        }
        products.push(product.clone());
    }
    let seller = products.first().map(|product| product.seller_id).ok_or(OrderError::Empty)?;
    let seller = accounts::find_seller(&**tx, seller).await?.ok_or(OrderError::Unavailable { line: 0 })?;
    Ok((products, seller))
}
