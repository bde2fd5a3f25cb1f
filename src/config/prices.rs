//! What is charged besides the goods, and what is paid for a delivery.

use domain::claims::PayoutRule;
use domain::money::Currency;
use domain::pricing::PriceRule;

use super::Reader;

impl Reader {
    pub(super) fn prices(&mut self, currency: Currency) -> PriceRule {
        let tax_basis_points =
            self.parse("TAX_PERCENT", 0, "a percentage between 0 and 100 with at most two decimals", |text| {
                let points = text.parse::<rust_decimal::Decimal>().ok()?.checked_mul(100.into())?;
                let is_exact = points.fract().is_zero();
                u32::try_from(points.trunc()).ok().filter(|points| is_exact && *points <= 10_000)
            });
        let free_delivery_from_minor = match self.text("FREE_DELIVERY_FROM").as_str() {
            "never" => None,
            _ => Some(self.amount("FREE_DELIVERY_FROM", currency)),
        };
        PriceRule { tax_basis_points, delivery_fee_minor: self.amount("DELIVERY_FEE", currency), free_delivery_from_minor }
    }

    pub(super) fn payout(&mut self, currency: Currency) -> PayoutRule {
        PayoutRule { base_minor: self.amount("PAYOUT_BASE", currency), per_km_minor: self.amount("PAYOUT_PER_KM", currency) }
    }
}
