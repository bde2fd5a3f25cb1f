//! Values stored as JSON.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

/// A list of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Strings(pub Vec<String>);

/// A secret that another took the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedSecret {
    /// What signs, encrypted.
    pub secret: String,
    /// Until when it signs.
    pub until: sea_orm::prelude::DateTimeUtc,
}

/// Secrets that others took the place of, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct ReplacedSecrets(pub Vec<ReplacedSecret>);

/// Where an order goes, copied when it is placed: a later change of the saved address does not move the parcel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct DeliveryAddress {
    /// An id of its own: a copy is not the saved address.
    pub id: uuid::Uuid,
    /// What the user calls it.
    pub label: String,
    /// Street and number.
    pub line1: String,
    /// Floor, flat.
    pub line2: Option<String>,
    /// City.
    pub city: String,
    /// State or province.
    pub region: Option<String>,
    /// Postal code.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Degrees.
    pub latitude: f64,
    /// Degrees.
    pub longitude: f64,
    /// For the partner at the door.
    pub instructions: Option<String>,
}
