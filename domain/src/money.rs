//! Money as integer minor units, exact at every step.

use rust_decimal::Decimal;

use crate::named::named_enum;

named_enum! {
    /// ISO 4217 currencies that a store may sell in.
    pub enum Currency {
        /// Indian rupee.
        Inr = "INR",
        /// United States dollar.
        Usd = "USD",
        /// Euro.
        Eur = "EUR",
        /// Pound sterling.
        Gbp = "GBP",
        /// Japanese yen; it has no minor unit.
        Jpy = "JPY",
        /// UAE dirham.
        Aed = "AED",
        /// Singapore dollar.
        Sgd = "SGD",
        /// Brazilian real.
        Brl = "BRL",
    }
}

impl Currency {
    /// Digits after the decimal point, from ISO 4217.
    #[must_use]
    pub const fn exponent(self) -> u32 {
        match self {
            Self::Jpy => 0,
            _ => 2,
        }
    }
}

/// The most that one amount may be, in minor units: large enough for any basket, small enough that sums of 1,000 of them
/// times 1,000,000 pieces cannot overflow.
pub const MAX_MINOR: i64 = 1_000_000_000;

/// An amount of one currency, in its minor unit (paise, cents; yen itself).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Money {
    /// Minor units.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// Why a decimal is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// More digits after the point than the currency has.
    #[error("has more decimal places than the currency")]
    TooPrecise,
    /// Above [`MAX_MINOR`]; of a sum: more than can be counted.
    #[error("is too large")]
    TooLarge,
}

impl Money {
    /// `minor` units of `currency`.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads a client's decimal of what may be asked for one thing. Nothing is rounded: what cannot be said exactly is refused.
    ///
    /// # Errors
    /// [`AmountError`] when it is negative, too precise or more than [`MAX_MINOR`].
    pub fn from_decimal(amount: Decimal, currency: Currency) -> Result<Self, AmountError> {
        match Self::sum_from_decimal(amount, currency) {
            Ok(money) if money.minor > MAX_MINOR => Err(AmountError::TooLarge),
            // of what is far too large, that is what is said
            Err(AmountError::TooPrecise) if amount > Decimal::from(MAX_MINOR) => Err(AmountError::TooLarge),
            read => read,
        }
    }

    /// Reads a client's decimal of what may be a sum, as [`Money::from_decimal`] but for the limit.
    ///
    /// # Errors
    /// [`AmountError`] when it is negative, too precise or more than can be counted.
    pub fn sum_from_decimal(amount: Decimal, currency: Currency) -> Result<Self, AmountError> {
        if amount.is_sign_negative() && !amount.is_zero() {
            return Err(AmountError::Negative);
        }
        let scaled = amount.checked_mul(Decimal::from(10_i64.pow(currency.exponent()))).ok_or(AmountError::TooLarge)?;
        if !scaled.fract().is_zero() {
            return Err(AmountError::TooPrecise);
        }
        let minor = i64::try_from(scaled.trunc()).map_err(|_| AmountError::TooLarge)?;
        Ok(Self { minor, currency })
    }

    /// The amount with exactly the currency's decimal places, e.g. `49.50`.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent())
    }
}

/// What one of `count` comes to when all come to `total_minor`: rounded to the minor unit, half away from zero, the one rule
/// of the platform. 0 of none.
#[must_use]
pub fn average_minor(total_minor: i64, count: i64) -> i64 {
    if count <= 0 {
        return 0;
    }
    let (total, count) = (i128::from(total_minor), i128::from(count));
    let away = if total < 0 { -count } else { count };
    // between the smallest and the largest of what it is the average of
    i64::try_from((2 * total + away) / (2 * count)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, currency: Currency) -> Result<i64, AmountError> {
        Money::from_decimal(text.parse().unwrap(), currency).map(|m| m.minor)
    }

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        assert_eq!(read("49.50", Currency::Inr), Ok(4950));
        assert_eq!(read("49.5000", Currency::Inr), Ok(4950));
        assert_eq!(read("0", Currency::Inr), Ok(0));
        assert_eq!(read("-0.00", Currency::Inr), Ok(0));
        assert_eq!(read("120", Currency::Jpy), Ok(120));
        assert_eq!(read("120.5", Currency::Jpy), Err(AmountError::TooPrecise));
        assert_eq!(read("0.001", Currency::Usd), Err(AmountError::TooPrecise));
        assert_eq!(read("-1", Currency::Usd), Err(AmountError::Negative));
        assert_eq!(read("10000000.01", Currency::Usd), Err(AmountError::TooLarge));
        assert_eq!(read("79228162514264337593543950335", Currency::Usd), Err(AmountError::TooLarge));
    }

    #[test]
    fn a_sum_may_be_larger_than_a_price() {
        let read = |text: &str, currency| Money::sum_from_decimal(text.parse().unwrap(), currency).map(|sum| sum.minor);
        assert_eq!(read("10000000.01", Currency::Usd), Ok(1_000_000_001));
        assert_eq!(read("92233720368547758.07", Currency::Usd), Ok(i64::MAX));
        assert_eq!(read("92233720368547758.08", Currency::Usd), Err(AmountError::TooLarge));
        assert_eq!(read("79228162514264337593543950335", Currency::Jpy), Err(AmountError::TooLarge));
        assert_eq!(read("0.001", Currency::Usd), Err(AmountError::TooPrecise));
        assert_eq!(read("-0.01", Currency::Usd), Err(AmountError::Negative));
    }

    #[test]
    fn an_average_is_rounded_half_away_from_zero() {
        assert_eq!([0, 1, 2, 3].map(|total| average_minor(total, 2)), [0, 1, 1, 2]);
        assert_eq!([4, 5].map(|total| average_minor(total, 3)), [1, 2]);
        assert_eq!(average_minor(-3, 2), -2);
        assert_eq!((average_minor(7, 0), average_minor(i64::MAX, 1)), (0, i64::MAX));
    }

    #[test]
    fn amounts_keep_their_decimal_places() {
        assert_eq!(Money::new(4950, Currency::Inr).to_decimal().to_string(), "49.50");
        assert_eq!(Money::new(4950, Currency::Jpy).to_decimal().to_string(), "4950");
    }
}
