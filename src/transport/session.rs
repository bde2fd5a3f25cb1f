//! Who is at the other end of a connection that lasts, and until when.
//!
//! A token is checked when the connection begins, but a connection outlives tokens, sessions and roles. So every operation
//! is asked for by whoever the token stands for at that moment, and the connection ends with its token or its session.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{Data, Executor, Request, Response};
use chrono::{DateTime, Utc};
use domain::access::Actor;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::Value;
use tokio::sync::SetOnce;

use super::token;
use crate::app::App;
use crate::config::Secret;
use crate::graphql::context::Viewer;
use crate::graphql::{GraphError, Result, authenticate};
use crate::platform::doors::{Door, SignIn};
use crate::platform::error::Denial;

/// Operations that one socket may have open.
const MAX_OPERATIONS: usize = 100;

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
        let standing = token.map(|token| Standing::enter(&self.app, token)).transpose()?;
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
                () = self.app.clock.until(*expires_at) => {}
                () = door.closed() => {}
            },
        }
    }
}

/// What a session rests on.
struct Standing {
    token: Secret,
    expires_at: DateTime<Utc>,
    door: Door,
}

impl Standing {
    /// Enters the door of the token's session. Only then is it asked whether the session is good.
    fn enter(app: &App, token: Secret) -> Result<Self> {
        let claims = app.keys.read(token.expose(), app.clock.now())?;
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(Denial::InvalidToken)?;
        let door = app.doors.enter(SignIn { user: claims.sub, session: claims.sid });
        Ok(Self { token, expires_at, door })
    }

    /// Whoever the token stands for now.
    async fn actor(&self, app: &App) -> Result<Actor> {
        authenticate(app, self.token.expose()).await
    }
}

/// Executes for whoever the session stands for at that moment, and not too much at once.
#[derive(Clone)]
pub(super) struct Guarded<E> {
    executor: E,
    session: Session,
    open: Arc<AtomicUsize>,
}

impl<E> Guarded<E> {
    pub(super) fn new(executor: E, session: Session) -> Self {
        Self { executor, session, open: Arc::default() }
    }

    /// A place among the socket's operations, if there is one left.
    fn place(&self) -> Result<Place> {
        let place = Place(Arc::clone(&self.open));
        if self.open.fetch_add(1, Ordering::Relaxed) < MAX_OPERATIONS {
            Ok(place)
        } else {
            Err(GraphError::retryable("TOO_MANY_OPERATIONS", format!("A socket may have {MAX_OPERATIONS} operations open.")))
        }
    }
}

/// An operation's place, free again when it is dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<E: Executor> Executor for Guarded<E> {
    async fn execute(&self, request: Request) -> Response {
        match self.session.viewer().await {
            Ok(viewer) => self.executor.execute(request.data(viewer)).await,
            Err(error) => error.into_response(),
        }
    }

    fn execute_stream(&self, request: Request, session_data: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let guarded = self.clone();
        let begin = async move {
            let begun = async { Ok((guarded.place()?, guarded.session.viewer().await?)) }.await;
            match begun {
                Ok((place, viewer)) => {
                    let answers = guarded.executor.execute_stream(request.data(viewer), session_data);
                    // the place is kept as long as the stream is
                    answers
                        .map(move |answer| {
                            let _kept = &place;
                            answer
                        })
                        .boxed()
                }
                Err(error) => stream::once(std::future::ready(GraphError::into_response(error))).boxed(),
            }
        };
        begin.flatten_stream().boxed()
    }
}

#[cfg(test)]
mod tests;
