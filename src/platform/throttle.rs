//! Throttles of what can be guessed, or what bothers somebody else: signing in, signing up, e-mails of accounts.
//!
//! Attempts are counted by account, whether or not there is one of that name, and by address. Some are free, the next have to
//! wait, and longer each time ([`TryRule`]). Whoever comes too early is refused before anything is
//! looked up, also with the right password: what they would be told tells them nothing. It is counted for their address.
//!
//! Whoever signed in from an address has attempts of their own there: strangers elsewhere do not keep them waiting.
//!
//! ```ignore
//! let attempt = app.throttle.check(Deed::Login, Some(email), from).await?;
//! // … and once it was right:
//! attempt.succeeded().await;
//! ```

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use domain::input;

use super::error::{Denial, Result};
use super::limits::{Counted, Counters, Forgiven, Key, Principal, Reason, Store, Try, TryRule, Usual, Verdict};
use crate::config::Attempts;

/// What is attempted. What guesses at the same secret is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// To sign in with a password.
    Login,
    /// To prove oneself by the password to somebody who is signed in, as whoever changes it does.
    ChangePassword,
    /// To make an account.
    Register,
    /// To have an e-mail sent to whoever owns an account.
    SendEmail,
    /// To show a secret that came by e-mail.
    RedeemSecret,
}

impl Deed {
    /// What is counted together.
    const fn scope(self) -> &'static str {
        match self {
            Self::Login | Self::ChangePassword => "password",
            Self::Register => "register",
            Self::SendEmail => "e-mail",
            Self::RedeemSecret => "secret",
        }
    }

    /// Whether one that succeeds was none to be counted. Accounts and e-mails are counted because they were made.
    const fn is_a_guess(self) -> bool {
        matches!(self, Self::Login | Self::ChangePassword | Self::RedeemSecret)
    }

    /// Whether it is the owner's of an account, as far as they have signed in from there before.
    const fn is_owners(self) -> bool {
        matches!(self, Self::Login | Self::ChangePassword | Self::SendEmail)
    }

    /// Whether one that succeeds signs in.
    const fn signs_in(self) -> bool {
        matches!(self, Self::Login | Self::Register)
    }
}

/// The throttles of an instance, or its share in those of all; a clone is another handle to the same.
#[derive(Clone)]
pub struct Throttle(Arc<Inner>);

struct Inner {
    store: Store,
    rules: Attempts,
    counters: Counters,
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("rules", &self.0.rules).finish_non_exhaustive()
    }
}

/// An attempt that was let through, and is counted as one that failed until it [succeeds](Self::succeeded).
#[derive(Debug)]
#[must_use = "one that succeeds has to say so"]
pub struct Attempt {
    throttle: Throttle,
    deed: Deed,
    /// Whose tries it was counted among: the account's, or its owner's at this address.
    account: Option<Key>,
    address: Option<Key>,
    /// The account at this address.
    usual: Option<Key>,
}

impl Throttle {
    /// With `rules`, counted in `store`.
    #[must_use]
    pub fn new(store: Store, rules: Attempts, counters: Counters) -> Self {
        Self(Arc::new(Inner { store, rules, counters }))
    }

    /// Counts an attempt of somebody at `from` at the account of the e-mail address `account`, whatever the client wrote there,
    /// in one step with the look whether there may be one. What is absent is not counted.
    ///
    /// # Errors
    /// [`Denial::RateLimited`] when it comes too early; it is counted for the address alone then.
    pub async fn check(&self, deed: Deed, account: Option<&str>, from: Option<IpAddr>) -> Result<Attempt> {
        let Inner { store, rules, counters } = &*self.0;
        let key = |name: String| store.key(&format!("{}: {name}", deed.scope()));
        let account = account.filter(|_| rules.per_account > 0).map(normal);
        let from = from.map(|from| Principal::address(from).name());
        let rule = |free| TryRule { free, first_ms: millis(rules.delay), longest_ms: millis(rules.max_delay) };
        // where it is remembered who signed in there, and nothing else
        let usual = account.as_ref().zip(from.as_ref()).map(|(account, from)| {
            let name = format!("account {account} at {from}");
            Usual { tries: key(name.clone()), key: store.key(&format!("known: {name}")) }
        });
        let account =
            account.map(|account| Counted { key: key(format!("account {account}")), rule: rule(rules.per_account) });
        let from = from.filter(|_| rules.per_address > 0);
        let address = from.map(|from| Counted { key: key(from), rule: rule(rules.per_address) });
        let (mut counted_at, address_key) = (account.map(|one| one.key), address.map(|one| one.key));
        if account.is_some() || address.is_some() {
            let wanted = Try { account, address, usual: usual.filter(|_| deed.is_owners()) };
            let Verdict { wait_ms, is_known } = store.admit(wanted).await;
            if wait_ms > 0 {
                counters.count(Reason::Attempts);
                return Err(Denial::RateLimited(u32::try_from(wait_ms).unwrap_or(u32::MAX)).into());
            }
            if is_known {
                counted_at = usual.map(|usual| usual.tries);
            }
        }
        let usual = usual.map(|usual| usual.key);
        Ok(Attempt { throttle: self.clone(), deed, account: counted_at, address: address_key, usual })
    }
}

impl Attempt {
    /// It was right: the attempts among which it was counted are forgotten. The address's are not, but for this one, or whoever has
    /// an account of their own could guess at others for ever. Whoever signed in is known there from now on.
    pub async fn succeeded(self) {
        let Self { throttle, deed, account, address, usual } = self;
        let (all, one) = if deed.is_a_guess() { (account, address) } else { (None, None) };
        let forgiven = Forgiven { all, one, known: usual.filter(|_| deed.signs_in()) };
        if all.is_some() || one.is_some() || forgiven.known.is_some() {
            throttle.0.store.forgive(forgiven).await;
        }
    }
}

/// One form of an account's name, also where it is none.
fn normal(account: &str) -> String {
    input::email("email", account).unwrap_or_else(|_| account.trim().to_lowercase())
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
