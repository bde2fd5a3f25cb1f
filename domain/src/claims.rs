//! Claims: how a partner gets an order, for how long, and for how much.

use crate::named::named_enum;

named_enum! {
    /// Where a claim is. `HELD` and `ACCEPTED` are live; an order has at most one live claim.
    pub enum ClaimStatus {
        /// Locked for the partner until it expires.
        Held = "HELD",
        /// Taken; to be picked up before it expires.
        Accepted = "ACCEPTED",
        /// Delivered or failed.
        Completed = "COMPLETED",
        /// Given back by the partner.
        Released = "RELEASED",
        /// Its time ran out.
        Expired = "EXPIRED",
        /// Taken away by a cancellation or an admin.
        Revoked = "REVOKED",
    }
}

impl ClaimStatus {
    /// Whether it binds the order to the partner.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Held | Self::Accepted)
    }
}

named_enum! {
    /// What a partner rides.
    pub enum VehicleType {
        /// A bicycle.
        Bicycle = "BICYCLE",
        /// A scooter.
        Scooter = "SCOOTER",
        /// A motorbike.
        Bike = "BIKE",
        /// A car.
        Car = "CAR",
        /// A van.
        Van = "VAN",
        /// None: on foot.
        OnFoot = "ON_FOOT",
    }
}

/// What a delivery pays: a base and so much for each kilometre begun by a metre, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayoutRule {
    /// For any delivery.
    pub base_minor: i64,
    /// For each kilometre, prorated by the metre.
    pub per_km_minor: i64,
}

impl PayoutRule {
    /// The payout for `distance_m` metres from store to door; fractions of a minor unit are given to the partner.
    #[must_use]
    pub fn payout_minor(self, distance_m: i64) -> i64 {
        let distance_m = distance_m.max(0);
        self.base_minor + (self.per_km_minor * distance_m + 999) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payout_grows_with_the_distance_and_rounds_up() {
        let rule = PayoutRule { base_minor: 2000, per_km_minor: 800 };
        assert_eq!(rule.payout_minor(0), 2000);
        assert_eq!(rule.payout_minor(1), 2001);
        assert_eq!(rule.payout_minor(2500), 4000);
        assert_eq!(rule.payout_minor(-5), 2000);
    }
}
