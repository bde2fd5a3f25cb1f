//! Stripe's scheme for signed webhooks, which the sandbox uses as well:
//! <https://docs.stripe.com/webhooks#verify-manually>.
//!
//! The header is `t=<seconds since 1970>,v1=<hex>`, where `v1` is HMAC-SHA-256 of `<t>.<body>`. There may be several `v1`,
//! while a secret is being replaced, and other schemes, which are not looked at.

use chrono::{DateTime, Utc};
use hmac::Mac as _;

use super::provider::WebhookError;
use crate::platform::tokens::hmac;

/// How far the time of a signature may be from now, either way.
const TOLERANCE_SECONDS: u64 = 300;

/// The header for `body`, signed at `at`.
#[must_use]
pub fn sign(secret: &[u8], body: &[u8], at: DateTime<Utc>) -> String {
    let time = at.timestamp().to_string();
    let code = hmac(secret).chain_update(time.as_bytes()).chain_update(b".").chain_update(body).finalize();
    format!("t={time},v1={}", hex::encode(code.into_bytes()))
}

/// Checks that `header` is a signature of `body` under `secret`, made within five minutes of `now`.
///
/// # Errors
/// [`WebhookError`] but for `Malformed`.
pub fn verify(secret: &[u8], header: Option<&str>, body: &[u8], now: DateTime<Utc>) -> Result<(), WebhookError> {
    let header = header.ok_or(WebhookError::NoSignature)?;
    let (mut time, mut codes) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=') {
            // a second time would leave open which one was signed
            Some(("t", _)) if time.is_some() => return Err(WebhookError::NoSignature),
            Some(("t", value)) => time = Some(value),
            Some(("v1", value)) => codes.extend(hex::decode(value)),
            _ => {}
        }
    }
    let time = time.ok_or(WebhookError::NoSignature)?;
    let seconds: i64 = time.parse().map_err(|_| WebhookError::NoSignature)?;
    if codes.is_empty() {
        return Err(WebhookError::NoSignature);
    }
    // the time as it was written is what was signed
    let expected = hmac(secret).chain_update(time.as_bytes()).chain_update(b".").chain_update(body);
    // compared in constant time
    if !codes.iter().any(|code| expected.clone().verify_slice(code).is_ok()) {
        return Err(WebhookError::Forged);
    }
    if now.timestamp().abs_diff(seconds) > TOLERANCE_SECONDS {
        return Err(WebhookError::Stale);
    }
    Ok(())
}
