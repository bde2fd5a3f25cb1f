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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCursor(pub i64);

/// Where a subscription is in its stream. Opaque: pass the last one received as `after` to resume.
#[Scalar(name = "EventCursor")]
impl ScalarType for EventCursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        let wrong = || InputValueError::custom("not a cursor of this server");
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        let text = String::from_utf8(bytes).map_err(|_| wrong())?;
        text.strip_prefix("1.").and_then(|position| position.parse().ok()).map(Self).ok_or_else(wrong)
    }

    fn to_value(&self) -> Value {
        Value::String(URL_SAFE_NO_PAD.encode(format!("1.{}", self.0)))
    }
}
