//! An order as partners see it before they claim it.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};
use domain::claims::shown_distance_m;
use domain::geo::{Circle, Point};
use domain::id::Kind;
use entity::order;

use crate::graphql::connection::connection;
use crate::graphql::scalars::{GeoPoint, GeoPointInput, Money};
use crate::graphql::{GraphError, Result, ids};

/// How far around the partner's point orders are looked for when they do not say, in kilometres.
const DEFAULT_RADIUS_KM: f64 = 5.0;

/// The circle that a partner asks for: `near` and `radiusKm`. Its centre is rounded, so that partners who are at the same place
/// are told the same, in one execution.
///
/// # Errors
/// `BAD_ARGUMENT` when the point is not on earth, the radius out of range, or a radius comes without a point.
pub(super) fn circle(near: Option<GeoPointInput>, radius_km: Option<f64>) -> Result<Option<Circle>> {
    let bad = |message| Err(GraphError::new("BAD_ARGUMENT", message));
    let Some(near) = near else {
        return if radius_km.is_some() { bad("radiusKm: needs a point in `near`.") } else { Ok(None) };
    };
    let Ok(centre) = near.check("near") else {
        return bad("near: latitude must be -90 to 90, longitude -180 to 180.");
    };
    match Circle::new(centre.rounded(), radius_km.unwrap_or(DEFAULT_RADIUS_KM)) {
        Some(circle) => Ok(Some(circle)),
        None => bad("radiusKm: must be above 0 and at most 50."),
    }
}

/// What a partner sees before the claim: no name, no phone, no exact address.
#[derive(Debug, Clone)]
pub struct AvailableOrder {
    row: order::Model,
    ready_at: DateTime<Utc>,
    from: Option<Point>,
}

impl AvailableOrder {
    /// The order `row` as seen from the point `from`, if the partner gave one.
    #[must_use]
    pub fn new(row: order::Model, from: Option<Point>) -> Self {
        let ready_at = row.ready_at.unwrap_or(row.updated_at);
        Self { row, ready_at, from }
    }

    fn pickup_point(&self) -> Point {
        Point { latitude: self.row.pickup_latitude, longitude: self.row.pickup_longitude }
    }
}

/// Kilometres with two decimals: finer would be noise.
fn km(metres: f64) -> f64 {
    (metres / 10.0).round() / 100.0
}

/// What a partner sees before the claim: no name, no phone, no exact address.
#[Object]
impl AvailableOrder {
    /// The order to claim, `ord_…`.
    async fn order_id(&self) -> ID {
        ids::id(Kind::Order, self.row.id)
    }

    /// Short, human, unique: e.g. `QC-7F3K-29B`.
    async fn number(&self) -> &str {
        &self.row.number
    }

    /// Where the goods are.
    async fn pickup(&self) -> GeoPoint {
        self.pickup_point().into()
    }

    /// The store that has packed it.
    async fn store_name(&self) -> &str {
        &self.row.store_name
    }

    /// Where the goods go, rounded to about a kilometre.
    async fn dropoff_area(&self) -> GeoPoint {
        Point { latitude: self.row.dropoff_latitude, longitude: self.row.dropoff_longitude }.area().into()
    }

    /// From store to door, in kilometres, as the crow flies; rounded to half a kilometre, which hides the door.
    async fn distance_km(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "metres on earth are far below 2^53")]
        let metres = shown_distance_m(self.row.distance_m) as f64;
        metres / 1000.0
    }

    /// From the point that the partner gave to the store, in kilometres, as the crow flies; null when none was given. The point is
    /// rounded to a thousandth of a degree, which is within 80 metres.
    async fn pickup_distance_km(&self) -> Option<f64> {
        self.from.map(|from| km(from.distance_m(self.pickup_point())))
    }

    /// How many pieces.
    async fn item_count(&self) -> i32 {
        self.row.item_count
    }

    /// What the delivery pays.
    async fn payout(&self) -> Money {
        Money::new(self.row.payout_minor, *self.row.currency)
    }

    /// When it was placed.
    async fn placed_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it was first ready to be picked up.
    async fn ready_at(&self) -> DateTime<Utc> {
        self.ready_at
    }
}

connection! {
    /// A page of orders that can be claimed, waiting longest first.
    AvailableOrderConnection, AvailableOrderEdge, AvailableOrder, counted
}
