//! Who is behind a session or an API key, kept in this process for a moment: a client that asks many times a second costs one
//! statement a second.
//!
//! What is known of a user is forgotten as soon as this instance commits the end of a session or a key of theirs, and when the bus,
//! or the log, tells of one that ended elsewhere. Whatever becomes of the bus, nothing is known for longer than a second
//! ([`MAX_AGE`](super::cache::MAX_AGE)).

use domain::event::Topic;
use moka::sync::Cache as Entries;
use uuid::Uuid;

use super::cache::Cache;
use super::doors::SignIn;

/// Sessions and keys of which it is known who they are.
const MOST: u64 = 20_000;

/// Keys of which it is known whose they are.
const MOST_KEYS: u64 = 10_000;

/// What is known; a clone is another handle to the same.
#[derive(Debug, Clone)]
pub struct Actors {
    kept: Cache,
    /// By the hash of its secret. It does not change, so nothing forgets it; it says nothing of whether the key works.
    keys: Entries<String, SignIn>,
}

impl Default for Actors {
    fn default() -> Self {
        Self { kept: Cache::new(MOST), keys: Entries::new(MOST_KEYS) }
    }
}

impl Actors {
    /// Where it is kept, by keys of the topic [`Actors::topic`].
    #[must_use]
    pub const fn kept(&self) -> &Cache {
        &self.kept
    }

    /// What makes the knowledge of `user` bad. It is their own, so whatever else is said there costs them a statement, and nobody
    /// else.
    #[must_use]
    pub const fn topic(user: Uuid) -> Topic {
        Topic::Inbox(user)
    }

    /// Forgets who `user` is, on every session and key of theirs; also what is being read at this moment.
    pub fn forget(&self, user: Uuid) {
        self.kept.forget(Self::topic(user));
    }

    /// Forgets who everybody is.
    pub fn forget_all(&self) {
        self.kept.forget_all();
    }

    /// Whose the API key of this hash is, if it was ever shown here: the user, and the key in the place of a session.
    #[must_use]
    pub fn of_key(&self, hash: &str) -> Option<SignIn> {
        self.keys.get(hash)
    }

    /// Remembers whose it is.
    pub fn learn_key(&self, hash: String, of: SignIn) {
        self.keys.insert(hash, of);
    }
}
