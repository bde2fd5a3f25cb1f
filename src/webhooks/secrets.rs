//! Secrets that webhooks are signed with. They have to be known to sign, so they are stored encrypted: whoever reads the
//! database, or a copy of it, cannot sign.
//!
//! The key is made from `WEBHOOK_KEY`, or else from the secret of the access tokens, or else, embedded, from the installation's own
//! key beside its database. What is stored names its key: while a key is
//! being replaced, the one before still decrypts, and the clean-up encrypts anew what it finds under that.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::app::App;
use crate::platform::error::{Error, Result};
use crate::platform::ids::Ids;
use crate::platform::tokens::hmac;

/// What secrets begin with, as clients see them.
const PREFIX: &str = "whsec_";

/// Bytes of a new secret; the specification asks for 24 to 64.
const LENGTH: usize = 32;

/// What the key is derived for.
const PURPOSE: &str = "signing secrets of webhooks";

/// Bytes that a stored secret names its key by.
const KEY_ID_LEN: usize = 4;

/// A secret that an endpoint's messages are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Vec<u8>);

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl SigningSecret {
    /// A new one.
    #[must_use]
    pub fn new(ids: &Ids) -> Self {
        Self(ids.bytes::<LENGTH>().to_vec())
    }

    /// Reads one as clients see it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        STANDARD.decode(text.strip_prefix(PREFIX)?).ok().map(Self)
    }

    /// As clients see it.
    #[must_use]
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// What signs.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A key that encrypts secrets.
struct StorageKey {
    id: [u8; KEY_ID_LEN],
    key: LessSafeKey,
}

impl StorageKey {
    fn new(bytes: &[u8; 32]) -> Result<Self> {
        let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(bytes));
        let key = UnboundKey::new(&AES_256_GCM_SIV, bytes).map_err(|error| Error::fault("making a key", error))?;
        Ok(Self { id: [a, b, c, d], key: LessSafeKey::new(key) })
    }

    fn current(app: &App) -> Result<Self> {
        match (&app.config.webhooks.key, &app.storage_key) {
            (Some(key), _) => Self::derived(key.expose()),
            // that of the access tokens is another at each start
            (None, Some(key)) if app.config.jwt_secret.is_none() => Self::derived(key.expose()),
            _ => Self::new(&app.keys.derive(PURPOSE)),
        }
    }

    /// Those that may have encrypted what is stored, the current one first. The key that is derived from the access tokens'
    /// secret is among them, and the installation's own: they were there before `WEBHOOK_KEY` was set.
    fn all(app: &App) -> Result<Vec<Self>> {
        let mut keys = vec![Self::current(app)?];
        for before in [&app.config.webhooks.key_before, &app.storage_key].into_iter().flatten() {
            keys.push(Self::derived(before.expose())?);
        }
        for key in app.keys.derive_all(PURPOSE) {
            keys.push(Self::new(&key)?);
        }
        Ok(keys)
    }

    fn derived(key: &str) -> Result<Self> {
        Self::new(&hmac(key.as_bytes()).chain_update(PURPOSE).finalize().into_bytes().into())
    }
}

/// `secret` as it is stored for `endpoint`: for another endpoint it is of no use.
///
/// # Errors
/// When it cannot be encrypted.
pub fn seal(app: &App, endpoint: Uuid, secret: &SigningSecret) -> Result<String> {
    let (StorageKey { id, key }, nonce) = (StorageKey::current(app)?, app.ids.bytes::<NONCE_LEN>());
    let mut sealed = secret.0.clone();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(endpoint.as_bytes()), &mut sealed)
        .map_err(|error| Error::fault("encrypting a signing secret", error))?;
    Ok(STANDARD.encode([&id[..], &nonce, &sealed].concat()))
}

/// The secret that is `stored` for `endpoint`; `None` when none of the keys that are known encrypted it.
///
/// # Errors
/// When a key cannot be made.
pub fn open(app: &App, endpoint: Uuid, stored: &str) -> Result<Option<SigningSecret>> {
    let Ok(bytes) = STANDARD.decode(stored) else { return Ok(None) };
    let Some((id, rest)) = bytes.split_first_chunk::<KEY_ID_LEN>() else { return Ok(None) };
    let Some((nonce, sealed)) = rest.split_first_chunk::<NONCE_LEN>() else { return Ok(None) };
    let Some(key) = StorageKey::all(app)?.into_iter().find(|key| key.id == *id) else { return Ok(None) };
    let mut sealed = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = key.key.open_in_place(nonce, Aad::from(endpoint.as_bytes()), &mut sealed);
    Ok(opened.ok().map(|secret| SigningSecret(secret.to_vec())))
}

/// Whether what is `stored` is encrypted with the current key.
///
/// # Errors
/// When a key cannot be made.
pub fn is_current(app: &App, stored: &str) -> Result<bool> {
    let bytes = STANDARD.decode(stored).unwrap_or_default();
    Ok(bytes.starts_with(&StorageKey::current(app)?.id))
}
