//! Who asks.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::app::App;
use crate::config::Secret;
use crate::graphql::context::Viewer;
use crate::graphql::{Authority, Result, authenticate, claim};
use crate::platform::error::Denial;
use crate::platform::limits::Principal;

/// Whoever the header `Authorization` of one request names; nobody when it is absent or empty.
pub(super) struct Bearer {
    app: App,
    token: Option<Secret>,
    /// Whose budget it says to use.
    claimed: Option<Principal>,
}

impl Bearer {
    /// Reads the header, and asks nobody.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when what it has is none of this server's.
    pub(super) fn read(app: &App, headers: &HeaderMap) -> Result<Self> {
        let token = bearer(headers)?;
        let claimed = match &token {
            Some(token) => claim(app, token.expose())?,
            None => None,
        };
        Ok(Self { app: app.clone(), token, claimed })
    }
}

impl Authority for Bearer {
    fn principal(&self, from: IpAddr) -> Option<Principal> {
        if self.token.is_some() { self.claimed } else { Some(Principal::address(from)) }
    }

    fn viewer(&self) -> BoxFuture<'_, Result<Viewer>> {
        Box::pin(async {
            Ok(Viewer(match &self.token {
                Some(token) => Some(authenticate(&self.app, token.expose()).await?),
                None => None,
            }))
        })
    }
}

/// The token in the header `Authorization`; none when it is absent or empty.
///
/// # Errors
/// `INVALID_TOKEN` when it is not a text.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<Secret>> {
    match headers.get(header::AUTHORIZATION).map(HeaderValue::to_str) {
        None => Ok(None),
        Some(Ok(value)) => Ok(secret(value)),
        Some(Err(_)) => Err(Denial::InvalidToken.into()),
    }
}

/// The token in the payload of `connection_init` under `Authorization`, in any letter case.
///
/// # Errors
/// `INVALID_TOKEN` when it is not a text.
pub(super) fn of_payload(payload: &Value) -> Result<Option<Secret>> {
    let fields = payload.as_object().into_iter().flatten();
    let value = fields.filter(|(name, _)| name.eq_ignore_ascii_case("authorization")).map(|(_, value)| value).next();
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(value)) => Ok(secret(value)),
        Some(_) => Err(Denial::InvalidToken.into()),
    }
}

fn secret(value: &str) -> Option<Secret> {
    Some(token(value)).filter(|token| !token.is_empty()).map(|token| Secret::new(token.to_owned()))
}

/// The token of `Bearer TOKEN` (RFC 6750, section 2.1; the scheme in any letter case), or of `TOKEN` alone.
fn token(value: &str) -> &str {
    let value = value.trim();
    match value.split_once(char::is_whitespace) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        None if value.eq_ignore_ascii_case("bearer") => "",
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_may_be_written_in_any_case_or_left_out() {
        for (value, expected) in [
            ("Bearer abc", "abc"),
            ("bearer   abc ", "abc"),
            (" BEARER\tabc", "abc"),
            ("abc", "abc"),
            ("Bearer", ""),
            ("Bearer ", ""),
            ("", ""),
            ("Basic abc", "Basic abc"),
        ] {
            assert_eq!(token(value), expected, "{value:?}");
        }
    }
}
