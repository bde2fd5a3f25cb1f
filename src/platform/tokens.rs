//! Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256, and nothing else accepted.

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::{Denial, Error, Result};
use super::ids::Ids;

const ISSUER: &str = "quick-commerce";

/// Signs and checks access tokens.
#[derive(Clone)]
pub struct Keys {
    encoding: EncodingKey,
    validation: Validation,
    /// Of the secret that signs.
    main: Half,
    /// Of another one that is accepted.
    also: Option<Half>,
}

/// What one secret is good for, besides signing tokens.
#[derive(Clone)]
struct Half {
    decoding: DecodingKey,
    root: Hmac<Sha256>,
}

impl Half {
    fn new(secret: &[u8]) -> Self {
        Self { decoding: DecodingKey::from_secret(secret), root: hmac(secret) }
    }

    fn derive(&self, purpose: &str) -> [u8; 32] {
        self.root.clone().chain_update(purpose.as_bytes()).finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

/// What an access token says. The role is not among it: it is read with the session, so a change is felt at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    /// Issuer: this server.
    pub iss: String,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Expires at, seconds since 1970.
    pub exp: i64,
}

impl Keys {
    /// Keys from a secret of at least 32 bytes, which signs. What was signed with `also` is accepted, too: while a secret is
    /// replaced some instances sign with the one, and some with the other.
    #[must_use]
    pub fn new(secret: &[u8], also: Option<&[u8]>) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // expiry is judged by the clock of the app, below
        validation.validate_exp = false;
        let (main, also) = (Half::new(secret), also.map(Half::new));
        Self { encoding: EncodingKey::from_secret(secret), validation, main, also }
    }

    /// A secret of its own for `purpose`: the same on every instance, and of no use to guess the others.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        self.main.derive(purpose)
    }

    /// All that another instance may have for `purpose` now, its own first.
    pub fn derive_all(&self, purpose: &str) -> impl Iterator<Item = [u8; 32]> {
        self.halves().map(move |half| half.derive(purpose))
    }

    fn halves(&self) -> impl Iterator<Item = &Half> {
        std::iter::once(&self.main).chain(&self.also)
    }

    /// What `value` is called where it must not stand itself, such as an e-mail address in a table of another matter: the same on
    /// every instance, and nobody without the secret finds `value` by trying.
    #[must_use]
    pub fn pseudonym(&self, purpose: &str, value: &str) -> String {
        let name = hmac(&self.derive(purpose)).chain_update(value.as_bytes()).finalize().into_bytes();
        hex::encode(name.get(..16).unwrap_or_default())
    }

    /// Signs a token for `user` in `session`, and says when it expires.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(
        &self,
        user: Uuid,
        session: Uuid,
        now: DateTime<Utc>,
        lifetime: TimeDelta,
    ) -> Result<(String, DateTime<Utc>)> {
        let expires = now + lifetime;
        let claims =
            Claims { sub: user, sid: session, iss: ISSUER.to_owned(), iat: now.timestamp(), exp: expires.timestamp() };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(|e| Error::fault("signing a token", e))?;
        Ok((token, expires))
    }

    /// Reads a token.
    ///
    /// # Errors
    /// [`Denial::InvalidToken`] for anything but an unexpired token of this server.
    pub fn read(&self, token: &str, now: DateTime<Utc>) -> Result<Claims> {
        let read = |half: &Half| jsonwebtoken::decode::<Claims>(token, &half.decoding, &self.validation).ok();
        let data = self.halves().find_map(read).ok_or(Denial::InvalidToken)?;
        if data.claims.exp <= now.timestamp() { Err(Denial::InvalidToken.into()) } else { Ok(data.claims) }
    }
}

/// HMAC-SHA-256 (RFC 2104) under `key`.
///
/// # Panics
/// Never: it takes keys of any length.
#[must_use]
#[expect(clippy::expect_used, reason = "the type says that a key may be of a wrong length; none is")]
pub fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// A new opaque secret of 256 bits for the client, and the hash that is stored in its place.
#[must_use]
pub fn new_secret(ids: &Ids) -> (String, String) {
    let secret = hex::encode(ids.bytes::<32>());
    let hash = hash_secret(&secret);
    (secret, hash)
}

/// The stored form of an opaque secret. It has 256 bits of randomness, so a fast hash is as good as a slow one.
#[must_use]
pub fn hash_secret(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
