//! Settings of access tokens.

use super::{Reader, Secret};

/// The least bytes of a secret.
const MIN_SECRET: usize = 32;

impl Reader {
    /// What access tokens are signed with, and what is accepted besides.
    pub(super) fn jwt_secrets(&mut self, is_embedded: bool) -> [Option<Secret>; 2] {
        let secrets = ["JWT_SECRET", "JWT_SECRET_ALSO"].map(|name| {
            let secret = self.optional(name);
            if secret.as_ref().is_some_and(|secret| secret.len() < MIN_SECRET) {
                self.mistakes.push(format!("{name}: must have at least {MIN_SECRET} bytes"));
            }
            secret.map(Secret)
        });
        if secrets[0].is_none() && !is_embedded {
            self.mistakes
                .push("JWT_SECRET: is required with PostgreSQL or Redis, and must be the same on every instance".to_owned());
        }
        if secrets[0].is_none() && secrets[1].is_some() {
            self.mistakes.push("JWT_SECRET_ALSO: needs JWT_SECRET".to_owned());
        }
        secrets
    }
}
