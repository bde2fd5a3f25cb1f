//! Addresses: saved ones, and where an order goes.

use async_graphql::{ID, InputObject, Object};
use domain::error::Rejection;
use domain::geo::Point;
use domain::id::Kind;
use domain::input;
use entity::address;
use entity::json::DeliveryAddress;
use uuid::Uuid;

use crate::accounts::service::{NewAddress, optional_line};
use crate::graphql::ids;
use crate::graphql::scalars::{GeoPoint, GeoPointInput};

/// Where somebody lives or works: saved by them, or copied into an order when it was placed.
#[derive(Debug, Clone)]
pub struct Address {
    id: Uuid,
    fields: NewAddress,
}

impl From<address::Model> for Address {
    fn from(row: address::Model) -> Self {
        let point = row.latitude.zip(row.longitude).and_then(|(latitude, longitude)| Point::new(latitude, longitude));
        let fields = NewAddress {
            label: row.label,
            line1: row.line1,
            line2: row.line2,
            city: row.city,
            region: row.region,
            postal_code: row.postal_code,
            country: row.country,
            point,
            instructions: row.instructions,
            is_default: row.is_default,
        };
        Self { id: row.id, fields }
    }
}

impl From<DeliveryAddress> for Address {
    fn from(copy: DeliveryAddress) -> Self {
        let fields = NewAddress {
            label: copy.label,
            line1: copy.line1,
            line2: copy.line2,
            city: copy.city,
            region: copy.region,
            postal_code: copy.postal_code,
            country: copy.country,
            point: Point::new(copy.latitude, copy.longitude),
            instructions: copy.instructions,
            is_default: false,
        };
        Self { id: copy.id, fields }
    }
}

/// Where somebody lives or works: saved by them, or copied into an order when it was placed.
#[Object]
impl Address {
    /// Opaque, `adr_…`.
    pub async fn id(&self) -> ID {
        ids::id(Kind::Address, self.id)
    }

    /// What the user calls it, e.g. `Home`.
    async fn label(&self) -> &str {
        &self.fields.label
    }

    /// Street and number.
    async fn line1(&self) -> &str {
        &self.fields.line1
    }

    /// Floor, flat.
    async fn line2(&self) -> Option<&str> {
        self.fields.line2.as_deref()
    }

    /// City.
    async fn city(&self) -> &str {
        &self.fields.city
    }

    /// State or province.
    async fn region(&self) -> Option<&str> {
        self.fields.region.as_deref()
    }

    /// Postal code, as written in its country.
    async fn postal_code(&self) -> &str {
        &self.fields.postal_code
    }

    /// ISO 3166-1 alpha-2 code of the country, e.g. `IN`.
    async fn country(&self) -> &str {
        &self.fields.country
    }

    /// Where it is; null when nobody has said.
    async fn location(&self) -> Option<GeoPoint> {
        self.fields.point.map(Into::into)
    }

    /// For the partner at the door.
    async fn instructions(&self) -> Option<&str> {
        self.fields.instructions.as_deref()
    }

    /// Whether it is chosen unless another is named. Always false for an order's copy.
    async fn is_default(&self) -> bool {
        self.fields.is_default
    }
}

/// An address.
#[derive(Debug, Clone, InputObject, serde::Serialize)]
pub struct AddressInput {
    /// What the user calls it, e.g. `Home`; 1 to 60 characters.
    pub label: String,
    /// Street and number; 1 to 200 characters.
    pub line1: String,
    /// Floor, flat; at most 200 characters.
    pub line2: Option<String>,
    /// City; 1 to 100 characters.
    pub city: String,
    /// State or province; at most 100 characters.
    pub region: Option<String>,
    /// Postal code; 1 to 20 characters.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2 code of the country, e.g. `IN`.
    pub country: String,
    /// Where it is.
    pub location: Option<GeoPointInput>,
    /// For the partner at the door; at most 500 characters.
    pub instructions: Option<String>,
    /// Whether it is chosen unless another is named; false when absent. Only of addresses that are saved.
    pub is_default: Option<bool>,
}

impl AddressInput {
    /// The address, when every field is within its limits. `prefix` is the path of this input, e.g. `address`; empty when
    /// it is the mutation's input itself.
    ///
    /// # Errors
    /// `INVALID_INPUT` at the field at fault.
    pub fn check(&self, prefix: &str) -> Result<NewAddress, Rejection> {
        let at = |field: &str| if prefix.is_empty() { field.to_owned() } else { format!("{prefix}.{field}") };
        let instructions = self.instructions.as_deref();
        let instructions = instructions.map(|text| input::paragraph(&at("instructions"), text, 0, 500)).transpose()?;
        Ok(NewAddress {
            label: input::line(&at("label"), &self.label, 1, 60)?,
            line1: input::line(&at("line1"), &self.line1, 1, 200)?,
            line2: optional_line(&at("line2"), self.line2.as_deref(), 200)?,
            city: input::line(&at("city"), &self.city, 1, 100)?,
            region: optional_line(&at("region"), self.region.as_deref(), 100)?,
            postal_code: input::line(&at("postalCode"), &self.postal_code, 1, 20)?,
            country: input::country(&at("country"), &self.country)?,
            point: self.location.map(|location| location.check(&at("location"))).transpose()?,
            instructions: instructions.filter(|text| !text.is_empty()),
            is_default: self.is_default.unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> AddressInput {
        AddressInput {
            label: "Home".to_owned(),
            line1: " 1 Main Street ".to_owned(),
            line2: Some("  ".to_owned()),
            city: "Bengaluru".to_owned(),
            region: None,
            postal_code: "560001".to_owned(),
            country: "in".to_owned(),
            location: Some(GeoPointInput { latitude: 12.97, longitude: 77.59 }),
            instructions: Some("Ring twice.\nThen wait.".to_owned()),
            is_default: None,
        }
    }

    #[test]
    fn an_address_is_tidied() {
        let address = home().check("").unwrap();
        assert_eq!((address.line1.as_str(), address.line2, address.country.as_str()), ("1 Main Street", None, "IN"));
        assert_eq!(address.point, Point::new(12.97, 77.59));
        assert!(!address.is_default);
    }

    #[test]
    fn a_refusal_names_the_path_within_the_input() {
        let input = AddressInput { postal_code: String::new(), ..home() };
        assert_eq!(input.check("address").unwrap_err().field, ["address", "postalCode"]);
        assert_eq!(input.check("").unwrap_err().field, ["postalCode"]);
        let input = AddressInput { location: Some(GeoPointInput { latitude: 91.0, longitude: 0.0 }), ..home() };
        assert_eq!(input.check("address").unwrap_err().field, ["address", "location"]);
    }
}
