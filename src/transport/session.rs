//! Who is at the other end of a connection that lasts, and until when.
//!
//! A token is checked when the connection begins, but a connection outlives tokens, sessions and roles. So every operation
//! is asked for by whoever the token stands for at that moment, and the connection ends with its token or its session.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use domain::access::Actor;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::SetOnce;

use super::token;
use crate::app::App;
use crate::config::Secret;
use crate::graphql::budget::{charge_failure, stake};
use crate::graphql::context::Viewer;
use crate::graphql::{Authority, Result, authenticate, claim, find_standing};
use crate::platform::doors::Door;
use crate::platform::limits::Principal;

/// The sign-in of a socket or an event stream; a clone is the same one.
#[derive(Clone)]
pub(super) struct Session {
    app: App,
    /// Absent before it begins; `None` when it began without a token.
    standing: Arc<SetOnce<Option<Standing>>>,
    /// Who it was when it began, if anybody.
    who: Arc<OnceLock<Principal>>,
    /// Where it comes from: who pays for a token that is not valid.
    from: Option<IpAddr>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    /// Of nobody yet.
    pub(super) fn new(app: App) -> Self {
        Self { app, standing: Arc::default(), who: Arc::default(), from: None }
    }

    /// Of nobody yet, who is at `from`.
    pub(super) fn at(app: App, from: IpAddr) -> Self {
        Self { from: Some(from), ..Self::new(app) }
    }

    /// Begins it with the payload of `connection_init`. Gives whoever is signed in by it.
    ///
    /// # Errors
    /// `INVALID_TOKEN`; `RATE_LIMITED`; a fault when it cannot be told.
    pub(super) async fn begin(&self, payload: &Value) -> Result<Option<Actor>> {
        self.begin_with_token(token::of_payload(payload)?).await
    }

    /// Begins it with an access token, or as nobody's.
    ///
    /// # Errors
    /// As [`Session::begin`].
    pub(super) async fn begin_with_token(&self, token: Option<Secret>) -> Result<Option<Actor>> {
        let (Some(from), Some(shown)) = (self.from, &token) else { return self.enter(token).await };
        let who = match claim(&self.app, shown.expose()) {
            Ok(who) => who,
            Err(error) => return Err(charge_failure(&self.app, from).await.err().unwrap_or(error)),
        };
        // before the database is asked; whoever it is has it back
        let stake = stake(&self.app, who.unwrap_or_else(|| Principal::address(from))).await?;
        let entered = self.enter(token).await;
        let is_invalid = matches!(&entered, Err(error) if error.code() == "INVALID_TOKEN");
        if who.is_none() && is_invalid {
            return entered;
        }
        self.app.budgets.settle(&stake, 0).await;
        match entered {
            Err(error) if is_invalid => Err(charge_failure(&self.app, from).await.err().unwrap_or(error)),
            entered => entered,
        }
    }

    async fn enter(&self, token: Option<Secret>) -> Result<Option<Actor>> {
        let standing = match token {
            Some(token) => Some(Standing::enter(&self.app, token).await?),
            None => None,
        };
        let actor = match &standing {
            Some(standing) => Some(standing.actor(&self.app).await?),
            None => None,
        };
        if let Some(actor) = &actor {
            self.who.get_or_init(|| Principal::signed_in(actor));
        }
        // a second `connection_init` closes the socket before it comes here
        let _ = self.standing.set(standing);
        Ok(actor)
    }

    /// Whoever it stands for now.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when they are not signed in any more; a fault when it cannot be told.
    pub(super) async fn viewer(&self) -> Result<Viewer> {
        match self.standing.get() {
            None | Some(None) => Ok(Viewer(None)),
            Some(Some(standing)) => Ok(Viewer(Some(standing.actor(&self.app).await?))),
        }
    }

    /// Resolves once its token has expired or its session has ended, within a second on every instance; never for one that
    /// began without a token.
    pub(super) async fn ended(&self) {
        match self.standing.wait().await {
            None => std::future::pending().await,
            Some(Standing { expires_at, door, .. }) => tokio::select! {
                () = self.expired(*expires_at) => {}
                () = door.closed() => {}
            },
        }
    }
}

impl Session {
    async fn expired(&self, at: Option<DateTime<Utc>>) {
        match at {
            Some(at) => self.app.clock.until(at).await,
            None => std::future::pending().await,
        }
    }
}

/// What a session rests on.
struct Standing {
    token: Secret,
    expires_at: Option<DateTime<Utc>>,
    door: Door,
}

impl Standing {
    /// Enters the door of the token's session, or of the key. Only then is it asked whether that is good.
    async fn enter(app: &App, token: Secret) -> Result<Self> {
        let found = find_standing(app, token.expose()).await?;
        let (door, expires_at) = (app.doors.enter(found.sign_in), found.expires_at);
        Ok(Self { token, expires_at, door })
    }

    /// Whoever the token stands for now.
    async fn actor(&self, app: &App) -> Result<Actor> {
        authenticate(app, self.token.expose()).await
    }
}

impl Authority for Session {
    fn principal(&self, from: IpAddr) -> Option<Principal> {
        Some(self.who.get().copied().unwrap_or_else(|| Principal::address(from)))
    }

    fn viewer(&self) -> BoxFuture<'_, Result<Viewer>> {
        Box::pin(self.viewer())
    }
}

#[cfg(test)]
mod tests;
