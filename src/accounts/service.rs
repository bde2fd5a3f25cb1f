//! Use-cases of accounts.

use domain::access::Actor;

use crate::app::App;
use crate::platform::Result;
use crate::platform::error::Denial;

/// Whoever `token` belongs to.
///
/// # Errors
/// `INVALID_TOKEN`.
pub async fn authenticate(_app: &App, _token: &str) -> Result<Actor> {
    Err(Denial::InvalidToken.into())
}
