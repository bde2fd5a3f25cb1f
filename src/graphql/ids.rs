//! Ids between clients, who see a type prefix, and the server, which does not need it.

use async_graphql::ID;
use domain::id::{self, Kind};
use uuid::Uuid;

use super::error::Result;
use crate::platform::error::Denial;

/// `uuid` as clients see it.
#[must_use]
pub fn id(kind: Kind, uuid: Uuid) -> ID {
    ID(id::encode(kind, uuid))
}

/// Reads a client's id of `kind`.
///
/// # Errors
/// `INVALID_ID` when it is malformed or of another type.
pub fn parse(kind: Kind, id: &ID) -> Result<Uuid> {
    id::decode(kind, id).map_err(|_| Denial::InvalidId.into())
}
