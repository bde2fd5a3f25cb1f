//! Who is at the other end of a connection that lasts, and until when.
//!
//! A token is checked when the connection begins, but a connection outlives tokens, sessions and roles. So every operation
//! is asked for by whoever the token stands for at that moment, and the connection ends with its token or its session.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::access::Actor;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::SetOnce;

use super::token;
use crate::app::App;
use crate::config::Secret;
use crate::graphql::context::Viewer;
use crate::graphql::{Result, authenticate, find_standing};
use crate::platform::doors::Door;
use crate::stream::Authority;

/// The sign-in of a socket or an event stream; a clone is the same one.
#[derive(Clone)]
pub(super) struct Session {
    app: App,
    /// Absent before it begins; `None` when it began without a token.
    standing: Arc<SetOnce<Option<Standing>>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    /// Of nobody yet.
    pub(super) fn new(app: App) -> Self {
        Self { app, standing: Arc::default() }
    }

    /// Begins it with the payload of `connection_init`. Gives whoever is signed in by it.
    ///
    /// # Errors
    /// `INVALID_TOKEN`; a fault when it cannot be told.
    pub(super) async fn begin(&self, payload: &Value) -> Result<Option<Actor>> {
        self.begin_with_token(token::of_payload(payload)?).await
    }

    /// Begins it with an access token, or as nobody's.
    ///
    /// # Errors
    /// As [`Session::begin`].
    pub(super) async fn begin_with_token(&self, token: Option<Secret>) -> Result<Option<Actor>> {
        let standing = match token {
            Some(token) => Some(Standing::enter(&self.app, token).await?),
            None => None,
        };
        let actor = match &standing {
            Some(standing) => Some(standing.actor(&self.app).await?),
            None => None,
        };
        // a second `connection_init` closes the socket before it comes here
        let _ = self.standing.set(standing);
        Ok(actor)
    }

    /// Whoever it stands for now.
    ///
    /// # Errors
    /// As [`Session::begin`].
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
    fn viewer(&self) -> BoxFuture<'_, Result<Viewer>> {
        Box::pin(self.viewer())
    }
}

#[cfg(test)]
mod tests;
