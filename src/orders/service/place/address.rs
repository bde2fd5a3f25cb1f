//! Where a new order goes.

use domain::access::Actor;
use domain::error::Rejection;
use entity::json::DeliveryAddress;

use super::Place;
use crate::accounts::service as accounts;
use crate::app::App;
use crate::orders::error::OrderError;
use crate::platform::Result;
use crate::platform::db::Tx;

/// A copy of the address that `place` gives or names.
pub(super) async fn address(app: &App, tx: &Tx, actor: Actor, place: &Place) -> Result<DeliveryAddress> {
    if let Some(new) = &place.address {
        let point = new.point.ok_or(OrderError::NoLocation)?;
        let new = new.clone();
        return Ok(DeliveryAddress {
            id: app.ids.uuid(),
            label: new.label,
            line1: new.line1,
            line2: new.line2,
            city: new.city,
            region: new.region,
            postal_code: new.postal_code,
            country: new.country,
            latitude: point.latitude,
            longitude: point.longitude,
            instructions: new.instructions,
        });
    }
    let id = place.address_id.ok_or(OrderError::Address)?;
    let saved = accounts::find_address(&**tx, actor.user, id).await?.ok_or(OrderError::NoSuchAddress)?;
    let (Some(latitude), Some(longitude)) = (saved.latitude, saved.longitude) else {
        return Err(Rejection::from(OrderError::NoLocation).at("addressId").into());
    };
    Ok(DeliveryAddress {
        // an id of its own: the saved address may change, this copy does not
        id: app.ids.uuid(),
        label: saved.label,
        line1: saved.line1,
        line2: saved.line2,
        city: saved.city,
        region: saved.region,
        postal_code: saved.postal_code,
        country: saved.country,
        latitude,
        longitude,
        instructions: saved.instructions,
    })
}
