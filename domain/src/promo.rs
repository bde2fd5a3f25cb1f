//! Promo codes: what one takes off, and when it may.
//!
//! A percentage is of the lines' sum, rounded once, half away from zero. An amount takes off at most the lines' sum.

use chrono::{DateTime, Utc};

use crate::error::Rejection;
use crate::input;
use crate::pricing::share_minor;

/// All of it, in hundredths of a percent.
pub const WHOLE_BASIS_POINTS: i32 = 10_000;

/// What a code takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// So many hundredths of a percent, 1 to [`WHOLE_BASIS_POINTS`].
    Percent(i32),
    /// So many minor units.
    Amount(i64),
}

/// A code's terms. What is `None` is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What it takes off.
    pub reduction: Reduction,
    /// The lines' sum that it asks for, in minor units; 0: any.
    pub minimum_subtotal_minor: i64,
    /// It holds from then on.
    pub starts_at: Option<DateTime<Utc>>,
    /// It holds until just before then.
    pub ends_at: Option<DateTime<Utc>>,
    /// Orders that it may be used for in all.
    pub max_uses: Option<i32>,
    /// Orders of one customer that it may be used for.
    pub max_uses_per_customer: Option<i32>,
}

/// How often a code was used, by orders that still count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    /// By anybody.
    pub all: i32,
    /// By the customer who asks.
    pub customer: i32,
}

/// Why a code takes nothing off. The text is for the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PromoProblem {
    /// Its time has not come.
    #[error("This promo code is not valid yet.")]
    NotYet,
    /// Its time is over.
    #[error("This promo code is no longer valid.")]
    Over,
    /// All of its uses are taken.
    #[error("This promo code has been used up.")]
    UsedUp,
    /// The customer has had their share.
    #[error("You have used this promo code as often as one customer may.")]
    UsedByCustomer,
    /// The goods are worth too little; how much they have to be worth, in minor units.
    #[error("The goods are worth too little for this promo code.")]
    BelowMinimum(i64),
}

impl Terms {
    /// Whether the code may be used at all, whatever it is used for.
    ///
    /// # Errors
    /// The reason, when it may not.
    pub fn check(&self, uses: Uses, now: DateTime<Utc>) -> Result<(), PromoProblem> {
        if self.starts_at.is_some_and(|start| now < start) {
            return Err(PromoProblem::NotYet);
        }
        if self.ends_at.is_some_and(|end| end <= now) {
            return Err(PromoProblem::Over);
        }
        // the customer's own limit first: it is the reason that concerns them
        if self.max_uses_per_customer.is_some_and(|max| max <= uses.customer) {
            return Err(PromoProblem::UsedByCustomer);
        }
        if self.max_uses.is_some_and(|max| max <= uses.all) {
            return Err(PromoProblem::UsedUp);
        }
        Ok(())
    }

    /// What the code takes off goods worth `subtotal_minor`: never more than that, never less than nothing.
    ///
    /// # Errors
    /// [`PromoProblem::BelowMinimum`].
    pub fn discount_minor(&self, subtotal_minor: i64) -> Result<i64, PromoProblem> {
        if subtotal_minor < self.minimum_subtotal_minor {
            return Err(PromoProblem::BelowMinimum(self.minimum_subtotal_minor));
        }
        let discount = match self.reduction {
            Reduction::Percent(points) => share_minor(subtotal_minor, points),
            Reduction::Amount(minor) => minor,
        };
        Ok(discount.clamp(0, subtotal_minor.max(0)))
    }
}

/// A code as it is kept: 3 to 40 letters, digits, dashes and underscores, in capitals.
///
/// # Errors
/// A [`Rejection`] at `field`.
pub fn code(field: &str, value: &str) -> Result<String, Rejection> {
    let value = input::line(field, value, 3, 40)?;
    if value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        Ok(value.to_ascii_uppercase())
    } else {
        Err(Rejection::invalid(field, "Must be letters, digits, dashes and underscores."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::MAX_MINOR;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn terms(reduction: Reduction) -> Terms {
        Terms {
            reduction,
            minimum_subtotal_minor: 0,
            starts_at: None,
            ends_at: None,
            max_uses: None,
            max_uses_per_customer: None,
        }
    }

    #[test]
    fn a_percentage_is_rounded_once_half_away_from_zero() {
        let ten = terms(Reduction::Percent(1_000));
        assert_eq!(ten.discount_minor(4_994), Ok(499));
        assert_eq!(ten.discount_minor(4_995), Ok(500));
        // two lines of 2,505 would be 251 each: the sum is rounded, not its parts
        assert_eq!(ten.discount_minor(5_010), Ok(501));
        assert_eq!(terms(Reduction::Percent(WHOLE_BASIS_POINTS)).discount_minor(5_010), Ok(5_010));
    }

    #[test]
    fn an_amount_takes_off_no_more_than_there_is() {
        assert_eq!(terms(Reduction::Amount(500)).discount_minor(700), Ok(500));
        assert_eq!(terms(Reduction::Amount(500)).discount_minor(300), Ok(300));
        assert_eq!(terms(Reduction::Amount(500)).discount_minor(0), Ok(0));
    }

    #[test]
    fn a_minimum_is_reached_exactly() {
        let terms = Terms { minimum_subtotal_minor: 1_000, ..terms(Reduction::Amount(100)) };
        assert_eq!(terms.discount_minor(999), Err(PromoProblem::BelowMinimum(1_000)));
        assert_eq!(terms.discount_minor(1_000), Ok(100));
    }

    #[test]
    fn a_window_holds_its_first_moment_and_not_its_last() {
        let terms = Terms { starts_at: Some(at(10)), ends_at: Some(at(20)), ..terms(Reduction::Amount(100)) };
        let uses = Uses::default();
        assert_eq!(terms.check(uses, at(9)), Err(PromoProblem::NotYet));
        assert_eq!(terms.check(uses, at(10)), Ok(()));
        assert_eq!(terms.check(uses, at(19)), Ok(()));
        assert_eq!(terms.check(uses, at(20)), Err(PromoProblem::Over));
    }

    #[test]
    fn a_limit_is_the_last_use_that_is_allowed() {
        let terms = Terms { max_uses: Some(5), max_uses_per_customer: Some(2), ..terms(Reduction::Amount(100)) };
        assert_eq!(terms.check(Uses { all: 4, customer: 1 }, at(0)), Ok(()));
        assert_eq!(terms.check(Uses { all: 5, customer: 1 }, at(0)), Err(PromoProblem::UsedUp));
        assert_eq!(terms.check(Uses { all: 4, customer: 2 }, at(0)), Err(PromoProblem::UsedByCustomer));
    }

    #[test]
    fn the_largest_basket_is_reduced_without_overflow() {
        // a hundred lines of a thousand pieces at the highest price
        let subtotal = MAX_MINOR * 1_000 * 100;
        assert_eq!(terms(Reduction::Percent(WHOLE_BASIS_POINTS)).discount_minor(subtotal), Ok(subtotal));
        assert_eq!(terms(Reduction::Percent(3_333)).discount_minor(subtotal), Ok(subtotal / 10_000 * 3_333));
    }

    #[test]
    fn codes_are_kept_in_capitals() {
        assert_eq!(code("code", " summer-10 ").unwrap(), "SUMMER-10");
        for bad in ["", "ab", "a b c", "süß", "a\0bc", &"x".repeat(41)] {
            assert_eq!(code("code", bad).unwrap_err().field, ["code"], "{bad:?}");
        }
    }
}
