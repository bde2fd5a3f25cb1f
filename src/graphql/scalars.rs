//! Scalars and small values: money, points, cursors of events.

use async_graphql::{Enum, InputObject, InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::error::Rejection;
use domain::geo::Point;
use domain::money::{Currency, Money as Amount};

/// An exact decimal number of at most 28 digits, as text: `"49.50"`. Of clients a JSON number is taken too. Nothing is ever
/// rounded: what cannot be said exactly is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal(pub rust_decimal::Decimal);

/// An exact decimal number as a text, e.g. `"49.50"`; never a float.
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        // the library's own scalar rounds the 29th digit away
        let exact = |text: &str| rust_decimal::Decimal::from_str_exact(text).map(Self);
        let read = match &value {
            Value::String(text) => exact(text),
            Value::Number(number) => exact(&number.to_string()),
            _ => return Err(InputValueError::expected_type(value)),
        };
        read.map_err(|_| InputValueError::custom("not a decimal number of at most 28 digits"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An amount of money: a decimal text with the currency's number of decimals, never a float.
#[derive(Debug, Clone, SimpleObject)]
pub struct Money {
    /// The amount, e.g. `"49.50"`.
    pub amount: Decimal,
    /// Its currency.
    pub currency: CurrencyCode,
}

impl Money {
    /// `minor` units of `currency`.
    #[must_use]
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { amount: Decimal(Amount::new(minor, currency).to_decimal()), currency: currency.into() }
    }
}

/// ISO 4217 currencies that a store may sell in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Currency")]
pub enum CurrencyCode {
    /// Indian rupee.
    #[graphql(name = "INR")]
    Inr,
    /// United States dollar.
    #[graphql(name = "USD")]
    Usd,
    /// Euro.
    #[graphql(name = "EUR")]
    Eur,
    /// Pound sterling.
    #[graphql(name = "GBP")]
    Gbp,
    /// Japanese yen; it has no decimals.
    #[graphql(name = "JPY")]
    Jpy,
    /// UAE dirham.
    #[graphql(name = "AED")]
    Aed,
    /// Singapore dollar.
    #[graphql(name = "SGD")]
    Sgd,
    /// Brazilian real.
    #[graphql(name = "BRL")]
    Brl,
}

/// A position on the earth, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, SimpleObject)]
pub struct GeoPoint {
    /// Degrees north of the equator, -90 to 90.
    pub latitude: f64,
    /// Degrees east of Greenwich, -180 to 180.
    pub longitude: f64,
}

impl From<Point> for GeoPoint {
    fn from(point: Point) -> Self {
        Self { latitude: point.latitude, longitude: point.longitude }
    }
}

/// A position on the earth, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, InputObject, serde::Serialize)]
pub struct GeoPointInput {
    /// Degrees north of the equator, -90 to 90.
    pub latitude: f64,
    /// Degrees east of Greenwich, -180 to 180.
    pub longitude: f64,
}

impl GeoPointInput {
    /// The point, when it is on the earth.
    ///
    /// # Errors
    /// `INVALID_INPUT` at `field`.
    pub fn check(self, field: &str) -> Result<Point, Rejection> {
        Point::new(self.latitude, self.longitude)
            .ok_or_else(|| Rejection::invalid(field, "Latitude must be -90 to 90, longitude -180 to 180."))
    }
}

/// Where a subscription is in its stream. Opaque: pass the last one received as `after` to resume.
///
/// As text: base64url of a version byte, a byte of flags, and the numbers below, big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCursor {
    /// The incarnation of the log.
    pub epoch: i32,
    /// Which stream: a hash of its topic and of what it leaves out.
    pub stream: u32,
    /// The place in the log that it has come to.
    pub position: i64,
    /// What is to be looked at before it is gone on from there. `None`: everything up to `position` is known.
    pub doubt: Option<Doubt>,
    /// Whether it stands within a first picture of several items: only the whole of it can be gone on from.
    pub is_partial: bool,
}

/// A stream of several topics cannot tell from a message on one of them whether the others brought all of theirs. So it says how
/// many there were: if the log has more, one was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// The place in the log up to which everything is known; before the cursor's position.
    pub known: i64,
    /// Events of the stream's topics that it has passed since, up to the cursor's position.
    pub count: u32,
}

/// The form that [`EventCursor`] has as text.
const CURSOR_VERSION: u8 = 2;

/// And the form with a [`Doubt`].
const DOUBTFUL_VERSION: u8 = 3;

impl EventCursor {
    /// As clients see it.
    #[must_use]
    pub fn encode(self) -> String {
        let mut bytes = Vec::with_capacity(30);
        let version = if self.doubt.is_some() { DOUBTFUL_VERSION } else { CURSOR_VERSION };
        bytes.extend([version, u8::from(self.is_partial)]);
        bytes.extend(self.epoch.to_be_bytes());
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(self.position.to_be_bytes());
        if let Some(Doubt { known, count }) = self.doubt {
            bytes.extend(known.to_be_bytes());
            bytes.extend(count.to_be_bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`EventCursor::encode`] wrote; `None` for anything else.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (head, doubt) = bytes.split_first_chunk::<18>()?;
        let [version, flags @ (0 | 1), e0, e1, e2, e3, s0, s1, s2, s3, position @ ..] = *head else { return None };
        let position = i64::from_be_bytes(position);
        let doubt = match (version, doubt) {
            (CURSOR_VERSION, []) => None,
            (DOUBTFUL_VERSION, [known @ .., c0, c1, c2, c3]) => {
                let known = i64::from_be_bytes(known.try_into().ok()?);
                let count = u32::from_be_bytes([*c0, *c1, *c2, *c3]);
                if known >= position {
                    return None;
                }
                Some(Doubt { known, count })
            }
            _ => return None,
        };
        Some(Self {
            epoch: i32::from_be_bytes([e0, e1, e2, e3]),
            stream: u32::from_be_bytes([s0, s1, s2, s3]),
            position,
            doubt,
            is_partial: flags == 1,
        })
    }
}

/// Where a subscription is in its stream. Opaque: pass the last one received as `after` to resume.
#[Scalar(name = "EventCursor")]
impl ScalarType for EventCursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        Self::decode(text).ok_or_else(|| InputValueError::custom("not a cursor of a subscription"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_itself_and_nothing_else_is_one() {
        let sure = EventCursor { epoch: -5, stream: u32::MAX, position: i64::MAX - 1, doubt: None, is_partial: false };
        let doubtful = EventCursor { doubt: Some(Doubt { known: i64::MAX - 2, count: u32::MAX }), ..sure };
        for cursor in [sure, EventCursor { is_partial: true, ..sure }, doubtful] {
            assert_eq!(EventCursor::decode(&cursor.encode()), Some(cursor));
        }
        assert_eq!(
            EventCursor::decode(&EventCursor { position: i64::MAX - 2, ..doubtful }.encode()),
            None,
            "of what is known"
        );
        for bad in ["", "x", "MS4z", "AgIAAAAAAAAAAAAAAAAAAAAA", "AQAAAAAAAAAAAAAAAAAAAAAA", "AgAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(EventCursor::decode(bad), None, "{bad:?}");
        }
    }
}
