//! A password's hash, which nothing prints.

use std::fmt;

use sea_orm::DeriveValueType;

/// Argon2id, as a PHC string. Neither shown by `Debug` nor serialised: a row of users may be logged or sent by mistake.
#[derive(Clone, Default, PartialEq, Eq, DeriveValueType)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
