//! What an order costs: exact, in integer minor units.
//!
//! `total = subtotal − discount + delivery fee + tax`. There is one rounding rule, half away from zero, and two places for it:
//! a discount in percent is rounded once, on the subtotal, and tax once, on the goods after discount. Nothing else is ever
//! rounded. The largest basket, [`MAX_MINOR`](crate::money::MAX_MINOR) × 1,000 pieces × 100 lines, is far from overflow.

/// The platform's prices, from configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceRule {
    /// Tax on goods, in hundredths of a percent: 500 is 5 %.
    pub tax_basis_points: u32,
    /// Fee for a delivery, in minor units.
    pub delivery_fee_minor: i64,
    /// Goods worth this much after discount are delivered free; `None`: never.
    pub free_delivery_from_minor: Option<i64>,
}

/// One line: so many pieces at so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Minor units a piece.
    pub unit_minor: i64,
    /// Pieces.
    pub quantity: i32,
}

impl Line {
    /// Minor units for the whole line.
    #[must_use]
    pub fn total_minor(self) -> i64 {
        self.unit_minor.saturating_mul(i64::from(self.quantity))
    }
}

/// The sums of an order, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// The lines.
    pub subtotal_minor: i64,
    /// Taken off.
    pub discount_minor: i64,
    /// For the delivery.
    pub delivery_fee_minor: i64,
    /// On the goods after discount.
    pub tax_minor: i64,
    /// To pay.
    pub total_minor: i64,
}

/// So many hundredths of a percent of `minor`, which is not negative, rounded half away from zero.
#[must_use]
pub fn share_minor(minor: i64, basis_points: i32) -> i64 {
    let share = (i128::from(minor) * i128::from(basis_points) + 5_000) / 10_000;
    i64::try_from(share).unwrap_or(i64::MAX)
}

/// Prices `lines`; a discount above the subtotal counts as the subtotal. Where there is nothing to deliver, nothing is to pay.
#[must_use]
pub fn quote(lines: &[Line], discount_minor: i64, rule: PriceRule) -> Quote {
    let subtotal_minor = lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.total_minor()));
    let discount_minor = discount_minor.clamp(0, subtotal_minor);
    let goods_minor = subtotal_minor - discount_minor;
    let is_free = lines.is_empty() || rule.free_delivery_from_minor.is_some_and(|from| goods_minor >= from);
    let delivery_fee_minor = if is_free { 0 } else { rule.delivery_fee_minor };
    let tax_minor = share_minor(goods_minor, i32::try_from(rule.tax_basis_points).unwrap_or(i32::MAX));
    let total_minor = goods_minor.saturating_add(delivery_fee_minor).saturating_add(tax_minor);
    Quote { subtotal_minor, discount_minor, delivery_fee_minor, tax_minor, total_minor }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: PriceRule =
        PriceRule { tax_basis_points: 500, delivery_fee_minor: 2500, free_delivery_from_minor: Some(19900) };

    #[test]
    fn a_small_order_pays_for_its_delivery() {
        let quote = quote(&[Line { unit_minor: 4950, quantity: 2 }, Line { unit_minor: 10, quantity: 1 }], 0, RULE);
        let expected =
            Quote { subtotal_minor: 9910, discount_minor: 0, delivery_fee_minor: 2500, tax_minor: 496, total_minor: 12906 };
        assert_eq!(quote, expected, "495.5 rounds away from zero");
    }

    #[test]
    fn free_delivery_is_judged_after_the_discount() {
        let lines = [Line { unit_minor: 20000, quantity: 1 }];
        assert_eq!(quote(&lines, 0, RULE).delivery_fee_minor, 0);
        assert_eq!(quote(&lines, 101, RULE).delivery_fee_minor, 2500);
    }

    #[test]
    fn the_largest_basket_is_priced_exactly() {
        let line = Line { unit_minor: crate::money::MAX_MINOR, quantity: 1_000 };
        let rule = PriceRule { tax_basis_points: 10_000, ..RULE };
        let quote = quote(&[line; 100], 1, rule);
        assert_eq!(quote.total_minor, 2 * (crate::money::MAX_MINOR * 100_000 - 1));
    }

    #[test]
    fn nothing_costs_nothing() {
        assert_eq!(quote(&[], 5, RULE).total_minor, 0);
    }

    #[test]
    fn parts_always_sum_to_the_total_and_nothing_is_negative() {
        // a linear congruential generator: the same walk every time, no dependency
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut next = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((state >> 33) % bound).unwrap()
        };
        for _ in 0..10_000 {
            let lines: Vec<Line> = (0..next(12))
                .map(|_| Line { unit_minor: next(1_000_000_000), quantity: i32::try_from(next(1_000)).unwrap() })
                .collect();
            let rule = PriceRule {
                tax_basis_points: u32::try_from(next(10_000)).unwrap(),
                delivery_fee_minor: next(100_000),
                free_delivery_from_minor: (next(2) == 1).then(|| next(1_000_000)),
            };
            let q = quote(&lines, next(2_000_000_000) - 1_000_000, rule);
            // reckoned without any of the code above, and wider than it
            let pieces = lines.iter().map(|line| i128::from(line.unit_minor) * i128::from(line.quantity));
            assert_eq!(i128::from(q.subtotal_minor), pieces.sum::<i128>(), "{lines:?}");
            let of_lines: i64 = lines.iter().map(|line| line.total_minor()).sum();
            assert_eq!(of_lines + q.delivery_fee_minor + q.tax_minor - q.discount_minor, q.total_minor, "{q:?}");
            assert!(q.discount_minor <= q.subtotal_minor, "{q:?}");
            for part in [q.subtotal_minor, q.discount_minor, q.delivery_fee_minor, q.tax_minor, q.total_minor] {
                assert!(part >= 0, "{q:?}");
            }
        }
    }
}
