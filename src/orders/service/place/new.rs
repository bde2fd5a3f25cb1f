//! The rows of a new order.

use chrono::{DateTime, Utc};
use domain::access::Actor;
use domain::area::{self, Grain};
use domain::geo::Point;
use domain::order::{OrderStatus, PaymentStatus};
use domain::pricing::{Line, Quote};
use entity::json::DeliveryAddress;
use entity::{Text, order, order_item, product, seller};
use uuid::Uuid;

use super::{Place, PlaceLine, is_paid_in_advance};
use crate::app::App;
use crate::cart::promos::Redeemed;
use crate::platform::ids::Ids;

/// Letters and digits that are not taken for one another when read aloud: Crockford's base32.
const NUMBER_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// All that a new order is made of.
pub(super) struct New<'a> {
    pub(super) app: &'a App,
    pub(super) id: Uuid,
    pub(super) actor: Actor,
    pub(super) seller: &'a seller::Model,
    pub(super) address: DeliveryAddress,
    pub(super) lines: &'a [PlaceLine],
    pub(super) quote: Quote,
    pub(super) promo: Option<Redeemed>,
    pub(super) place: &'a Place,
    pub(super) at: DateTime<Utc>,
}

impl New<'_> {
    /// Whether it waits for its payment: one that costs nothing waits for nothing.
    pub(super) const fn is_awaited(&self) -> bool {
        is_paid_in_advance(self.place.payment_method) && self.quote.total_minor > 0
    }

    pub(super) fn order(&self) -> order::Model {
        let Self { app, seller, address, quote, place, at, .. } = self;
        let payment_status = if quote.total_minor == 0 { PaymentStatus::Paid } else { PaymentStatus::Pending };
        let pickup = Point { latitude: seller.latitude, longitude: seller.longitude };
        let dropoff = Point { latitude: address.latitude, longitude: address.longitude };
        #[expect(clippy::cast_possible_truncation, reason = "half the earth's circumference in metres fits")]
        let distance_m = pickup.distance_m(dropoff).round() as i64;
        order::Model {
            id: self.id,
            number: number(&app.ids),
            version: 1,
            status: Text(OrderStatus::Pending),
            customer_id: self.actor.user,
            seller_id: seller.id,
            claim_id: None,
            claim_status: None,
            claim_expires_at: None,
            partner_id: None,
            currency: Text(app.config.currency),
            subtotal_minor: quote.subtotal_minor,
            discount_minor: quote.discount_minor,
            delivery_fee_minor: quote.delivery_fee_minor,
            tax_minor: quote.tax_minor,
            total_minor: quote.total_minor,
            refunded_minor: 0,
            payout_minor: app.config.payout.payout_minor(distance_m),
            item_count: self.lines.iter().map(|line| line.quantity).sum(),
            payment_method: Text(place.payment_method),
            payment_status: Text(payment_status),
            payment_due_at: None,
            payment_asked_until: None,
            promo_id: self.promo.as_ref().map(|promo| promo.promo),
            promo_code: self.promo.as_ref().map(|promo| promo.code.clone()),
            delivery_address: address.clone(),
            store_name: seller.store_name.clone(),
            pickup_latitude: pickup.latitude,
            pickup_longitude: pickup.longitude,
            pickup_cell: area::cell(pickup, Grain::Fine).cast_signed(),
            pickup_region: area::cell(pickup, Grain::Wide).cast_signed(),
            dropoff_latitude: dropoff.latitude,
            dropoff_longitude: dropoff.longitude,
            distance_m,
            proof_failures: 0,
            delivery_code: format!("{:04}", app.ids.below(10_000)),
            note: place.note.clone(),
            created_at: *at,
            updated_at: *at,
            ready_at: None,
            delivered_at: None,
            rated_at: None,
            carried_until: None,
        }
    }

    pub(super) fn items(&self, products: &[product::Model]) -> Vec<order_item::Model> {
        let lines = products.iter().zip(self.lines);
        (0..)
            .zip(lines)
            .map(|(position, (product, line))| order_item::Model {
                id: self.app.ids.uuid(),
                order_id: self.id,
                product_id: product.id,
                position,
                name: product.name.clone(),
                sku: product.sku.clone(),
                quantity: line.quantity,
                unit_minor: product.price_minor,
                line_minor: Line { unit_minor: product.price_minor, quantity: line.quantity }.total_minor(),
            })
            .collect()
    }
}

/// A number such as `QC-7F3K-29B`.
fn number(ids: &Ids) -> String {
    let letters: String = ids.bytes::<7>().iter().map(|byte| char::from(NUMBER_ALPHABET[usize::from(byte & 31)])).collect();
    let (head, tail) = letters.split_at(4);
    format!("QC-{head}-{tail}")
}
