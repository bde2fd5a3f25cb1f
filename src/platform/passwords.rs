//! Password hashing: argon2id, off the async threads, a few at a time.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::error::{Denial, Error, Result};
use super::ids::Ids;

/// Callers that may wait for each hash that runs: with two at once some seconds' worth. Whoever comes then is sent away.
const LINE_PER_PERMIT: usize = 64;

/// Hashes and checks passwords with the parameters that OWASP's Password Storage Cheat Sheet gives first for argon2id:
/// 19 MiB, two passes, one lane.
///
/// At most `permits` run at once: each needs a core and 19 MiB, and a burst of logins must not starve the rest.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
    /// Places in line, those at work among them.
    line: Arc<Semaphore>,
    /// The hash of a password that nobody has, so that an unknown account takes as long as a wrong password.
    decoy: Arc<str>,
    ids: Ids,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    /// A pool that runs `permits` hashes at once.
    ///
    /// # Errors
    /// When the decoy cannot be hashed.
    pub fn new(permits: usize, ids: Ids) -> Result<Self> {
        let params = Params::new(19 * 1024, 2, 1, None).map_err(|e| Error::fault("setting up argon2", e.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon2, &ids.bytes::<16>(), &ids.bytes::<16>())?.into();
        let permits = permits.max(1);
        let line = Arc::new(Semaphore::new(permits * LINE_PER_PERMIT));
        Ok(Self { argon2, permits: Arc::new(Semaphore::new(permits)), line, decoy, ids })
    }

    /// Hashes `password` with a new salt, as a PHC string.
    ///
    /// # Errors
    /// [`Denial::Overloaded`] when too many wait; when the hash cannot be made.
    pub async fn hash(&self, password: String) -> Result<String> {
        let (argon2, salt) = (self.argon2.clone(), self.ids.bytes::<16>());
        self.run(move || hash(&argon2, password.as_bytes(), &salt)).await?
    }

    /// Whether `password` is the one behind `stored`. Without `stored` the answer is no, after the same work.
    ///
    /// # Errors
    /// [`Denial::Overloaded`] when too many wait; when the work cannot be done.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool> {
        let (argon2, decoy) = (self.argon2.clone(), Arc::clone(&self.decoy));
        self.run(move || {
            let matches = argon2.verify_password(password.as_bytes(), stored.as_deref().unwrap_or(&decoy)).is_ok();
            matches && stored.is_some()
        })
        .await
    }

    /// Runs `work` when it is its turn. The permits go with the work, not with the caller: a client that hangs up does not
    /// let the next one in while its hash is still being made.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let place = Arc::clone(&self.line).try_acquire_owned().map_err(|_| Denial::Overloaded)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|e| Error::fault("waiting to hash", e))?;
        let work = move || {
            let done = work();
            drop((permit, place));
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|e| Error::fault("hashing a password", e))
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> Result<String> {
    let hash =
        argon2.hash_password_with_salt(password, salt).map_err(|e| Error::fault("hashing a password", e.to_string()))?;
    Ok(hash.to_string())
}
