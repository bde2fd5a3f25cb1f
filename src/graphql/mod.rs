//! What the slices' GraphQL parts share: context, guards, errors, ids, pages, scalars.

pub mod budget;
mod complete;
pub mod connection;
pub mod context;
pub mod enums;
pub mod error;
mod finish;
pub mod guard;
pub mod ids;
pub mod limits;
pub mod loaders;
pub mod node;
mod observe;
mod prepare;
pub mod scalars;
mod schema;
pub mod scopes;
mod subscription_root;
mod typename;
pub mod user_error;
mod variables;
pub mod visitor;

pub use context::{actor, app, origin, reader, viewer};
pub use error::{GraphError, Result};
pub use finish::name_request;
pub use guard::Signed;
pub use schema::{Schema, build_schema, build_schema_gathering, sdl};
pub use user_error::{Outcome, UserError};
pub use visitor::{Authority, Visitor};

/// Whoever a bearer token belongs to.
///
/// # Errors
/// `INVALID_TOKEN` when it is malformed, expired or revoked, or its session has ended.
pub async fn authenticate(app: &crate::app::App, token: &str) -> Result<domain::access::Actor> {
    Ok(crate::accounts::service::authenticate(app, token).await?)
}

/// Whose budget whoever shows a bearer token says to use, without asking the database; `None`: that cannot be told.
///
/// # Errors
/// `INVALID_TOKEN` when it is malformed or expired.
pub fn claim(app: &crate::app::App, token: &str) -> Result<Option<crate::platform::limits::Principal>> {
    Ok(crate::accounts::service::claim(app, token)?)
}

/// What a connection rests on that is opened with a bearer token.
///
/// # Errors
/// `INVALID_TOKEN` when it is malformed, expired, or no key that works.
pub async fn find_standing(app: &crate::app::App, token: &str) -> Result<crate::accounts::service::Standing> {
    Ok(crate::accounts::service::find_standing(app, token).await?)
}
