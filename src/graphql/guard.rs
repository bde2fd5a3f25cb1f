//! Who may use a field at all. What they then may see is decided by the field's own slice.

use async_graphql::{Context, Guard};
use domain::access::Role;

use super::context::reader;
use super::error::GraphError;
use crate::platform::error::Denial;

/// Lets in whoever is signed in with one of some roles: `#[graphql(guard = "Signed::any()")]`,
/// `#[graphql(guard = "Signed::as_one_of(&[Role::Admin])")]`.
#[derive(Debug, Clone, Copy)]
pub struct Signed(&'static [Role]);

impl Signed {
    /// Any role.
    #[must_use]
    pub const fn any() -> Self {
        Self(&[Role::Customer, Role::Partner, Role::Seller, Role::Admin])
    }

    /// One of `roles`.
    #[must_use]
    pub const fn as_one_of(roles: &'static [Role]) -> Self {
        Self(roles)
    }
}

impl Guard for Signed {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        let role = reader(ctx).and_then(|reader| reader.role).ok_or_else(|| GraphError::from(Denial::Unauthenticated))?;
        if self.0.contains(&role) { Ok(()) } else { Err(GraphError::from(Denial::Forbidden).into()) }
    }
}
