//! What is in a cart, what it costs today, and what changed under it.
//!
//! A line that nobody could buy now, because the product is not on sale or sold out, counts nothing. Every other line counts as
//! it stands, also one that asks for more than is left: the customer decides how many fewer it shall be. What a cart costs is
//! [`quote`]d as an order is, so a cart without problems costs what its order will.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::pricing::{Line, PriceRule, Quote, quote};
use crate::promo::{PromoProblem, Terms, Uses};

/// The most lines of a cart, and of an order.
pub const MAX_LINES: usize = 100;

/// The most pieces of one line.
pub const MAX_QUANTITY: i32 = 1_000;

/// The id of a customer's cart: the customer's own with the version 8 (RFC 9562, section 5.8). There is one cart a customer, so
/// it needs none of its own; it is there before the cart is, and no line of a cart, whose ids have the version 7, can have it.
#[must_use]
pub fn cart_id(customer: Uuid) -> Uuid {
    let bits = customer.as_u128() & !(0xF << 76) | (0x8 << 76);
    Uuid::from_u128(bits)
}

/// Whether `id`, of a cart or of a line of one, is that of a cart.
#[must_use]
pub fn is_cart_id(id: Uuid) -> bool {
    id.get_version_num() == 8
}

/// What a product costs today, and how many can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Minor units a piece.
    pub unit_minor: i64,
    /// Pieces.
    pub available: i32,
}

/// A line of a cart, and what it meets today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Pieces.
    pub quantity: i32,
    /// What a piece cost when the customer last set the line, in minor units.
    pub seen_minor: i64,
    /// Today's offer; `None` when the product is not on sale.
    pub offer: Option<Offer>,
}

/// What changed under a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// None is left.
    OutOfStock,
    /// Fewer are left than the line asks for.
    InsufficientStock {
        /// So many.
        available: i32,
    },
    /// A piece costs something else than it did.
    PriceChanged {
        /// What it cost, in minor units.
        old_minor: i64,
        /// What it costs.
        new_minor: i64,
    },
    /// The product is not on sale.
    ProductUnavailable,
    /// The promo code takes nothing off.
    PromoInvalid(PromoProblem),
}

impl Item {
    /// What changed under it.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let Some(Offer { unit_minor, available }) = self.offer else { return vec![Problem::ProductUnavailable] };
        if available <= 0 {
            return vec![Problem::OutOfStock];
        }
        let short = (available < self.quantity).then_some(Problem::InsufficientStock { available });
        let changed = Problem::PriceChanged { old_minor: self.seen_minor, new_minor: unit_minor };
        short.into_iter().chain((unit_minor != self.seen_minor).then_some(changed)).collect()
    }

    /// What it costs as a line of an order; `None` when it counts nothing.
    #[must_use]
    pub fn priced(&self) -> Option<Line> {
        let offer = self.offer.filter(|offer| offer.available > 0)?;
        Some(Line { unit_minor: offer.unit_minor, quantity: self.quantity })
    }
}

/// What a cart comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appraisal {
    /// Its sums.
    pub quote: Quote,
    /// What changed under it: by the line, from 0, or of the cart as a whole.
    pub problems: Vec<(Option<usize>, Problem)>,
}

/// Prices a cart of `items` with the promo code of these terms, which was used so often. A code that does not hold takes nothing
/// off; that an empty cart is worth too little for one is no problem.
#[must_use]
pub fn appraise(items: &[Item], promo: Option<(Terms, Uses)>, rule: PriceRule, now: DateTime<Utc>) -> Appraisal {
    let lines: Vec<Line> = items.iter().filter_map(Item::priced).collect();
    let mut problems: Vec<(Option<usize>, Problem)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        problems.extend(item.problems().into_iter().map(|problem| (Some(index), problem)));
    }
    let subtotal = quote(&lines, 0, rule).subtotal_minor;
    let discount = match promo.map(|(terms, uses)| terms.check(uses, now).and_then(|()| terms.discount_minor(subtotal))) {
        None => 0,
        Some(Ok(discount)) => discount,
        Some(Err(PromoProblem::BelowMinimum(_))) if items.is_empty() => 0,
        Some(Err(problem)) => {
            problems.push((None, Problem::PromoInvalid(problem)));
            0
        }
    };
    Appraisal { quote: quote(&lines, discount, rule), problems }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promo::Reduction;

    const RULE: PriceRule =
        PriceRule { tax_basis_points: 500, delivery_fee_minor: 2500, free_delivery_from_minor: Some(19900) };

    fn item(quantity: i32, seen_minor: i64, offer: Option<(i64, i32)>) -> Item {
        Item { quantity, seen_minor, offer: offer.map(|(unit_minor, available)| Offer { unit_minor, available }) }
    }

    fn appraised(items: &[Item], promo: Option<(Terms, Uses)>) -> Appraisal {
        appraise(items, promo, RULE, DateTime::UNIX_EPOCH)
    }

    fn half_from(minimum_subtotal_minor: i64) -> (Terms, Uses) {
        let reduction = Reduction::Percent(5_000);
        let (starts_at, ends_at, max_uses, max_uses_per_customer) = (None, None, None, None);
        (Terms { reduction, minimum_subtotal_minor, starts_at, ends_at, max_uses, max_uses_per_customer }, Uses::default())
    }

    #[test]
    fn a_cart_has_the_id_of_its_customer_and_no_line_has_such_an_id() {
        let customer: Uuid = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        assert_eq!(cart_id(customer).to_string(), "01890a5d-ac96-874b-bcce-b302099a8057");
        assert!(is_cart_id(cart_id(customer)) && !is_cart_id(customer));
    }

    #[test]
    fn an_empty_cart_costs_nothing() {
        let Appraisal { quote, problems } = appraised(&[], Some(half_from(1)));
        assert_eq!((quote.total_minor, quote.delivery_fee_minor), (0, 0));
        assert_eq!(problems, []);
    }

    #[test]
    fn what_cannot_be_bought_counts_nothing_and_the_rest_as_it_stands() {
        let items = [item(2, 1000, None), item(1, 500, Some((500, 0))), item(3, 1000, Some((1100, 2)))];
        let Appraisal { quote, problems } = appraised(&items, None);
        assert_eq!(quote.subtotal_minor, 3300, "at today's price");
        let expected = [
            (Some(0), Problem::ProductUnavailable),
            (Some(1), Problem::OutOfStock),
            (Some(2), Problem::InsufficientStock { available: 2 }),
            (Some(2), Problem::PriceChanged { old_minor: 1000, new_minor: 1100 }),
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn a_code_that_does_not_hold_takes_nothing_off() {
        let items = [item(1, 1000, Some((1000, 9)))];
        assert_eq!(appraised(&items, Some(half_from(1000))).quote.discount_minor, 500);
        let Appraisal { quote, problems } = appraised(&items, Some(half_from(1001)));
        assert_eq!(quote.discount_minor, 0);
        assert_eq!(problems, [(None, Problem::PromoInvalid(PromoProblem::BelowMinimum(1001)))]);
    }

    #[test]
    fn a_cart_without_problems_costs_what_its_order_does() {
        // a linear congruential generator: the same walk every time, no dependency
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((state >> 33) % bound).unwrap()
        };
        for _ in 0..10_000 {
            let items: Vec<Item> = (0..next(8))
                .map(|_| {
                    let (quantity, seen) = (i32::try_from(1 + next(1_000)).unwrap(), 1 + next(1_000_000_000));
                    let offer = (next(5) > 0).then(|| (if next(3) == 0 { 1 + next(1_000) } else { seen }, next(1_500)));
                    item(quantity, seen, offer.map(|(unit, left)| (unit, i32::try_from(left).unwrap())))
                })
                .collect();
            let reduction = if next(2) == 0 {
                Reduction::Percent(i32::try_from(1 + next(10_000)).unwrap())
            } else {
                Reduction::Amount(1 + next(1_000_000))
            };
            let (mut promo, uses) = half_from(next(2_000_000));
            promo.reduction = reduction;
            promo.max_uses = (next(4) == 0).then(|| i32::try_from(next(2)).unwrap());
            let Appraisal { quote: q, problems } = appraised(&items, Some((promo, uses)));
            assert_eq!(q.total_minor, q.subtotal_minor - q.discount_minor + q.delivery_fee_minor + q.tax_minor);
            for part in [q.subtotal_minor, q.discount_minor, q.delivery_fee_minor, q.tax_minor, q.total_minor] {
                assert!(part >= 0, "{q:?}");
            }
            if problems.is_empty() && !items.is_empty() {
                let lines: Vec<Line> =
                    items.iter().map(|i| Line { unit_minor: i.seen_minor, quantity: i.quantity }).collect();
                let subtotal = lines.iter().map(|line| line.total_minor()).sum();
                assert_eq!(q, quote(&lines, promo.discount_minor(subtotal).unwrap(), RULE));
            }
        }
    }
}
