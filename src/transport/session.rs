//! Who is at the other end of a socket, asked again for as long as it is open.
//!
//! A token is checked when the socket begins, but a socket outlives tokens, sessions and roles. So every operation is asked
//! for by whoever the token stands for at that moment, and the socket is closed once it stands for nobody.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_graphql::{Data, Executor, Request, Response};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::Value;
use tokio::time::sleep;

use super::token;
use crate::app::App;
use crate::config::Secret;
use crate::graphql::context::Viewer;
use crate::graphql::{GraphError, Result};

/// Operations that one socket may have open.
const MAX_OPERATIONS: usize = 100;

/// How often a token is checked while nothing is asked for.
const CHECK: Duration = Duration::from_secs(15);

/// The sign-in of a socket; a clone is the same one.
#[derive(Clone)]
pub(super) struct Session {
    app: App,
    token: Arc<OnceLock<Secret>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    /// Of nobody yet.
    pub(super) fn new(app: App) -> Self {
        Self { app, token: Arc::default() }
    }

    /// Begins it with the payload of `connection_init`.
    ///
    /// # Errors
    /// `INVALID_TOKEN`; a fault when it cannot be told.
    pub(super) async fn begin(&self, payload: &Value) -> Result<()> {
        if let Some(token) = token::of_payload(payload)? {
            crate::graphql::authenticate(&self.app, token.expose()).await?;
            // a second `connection_init` closes the socket before it comes here
            self.token.get_or_init(|| token);
        }
        Ok(())
    }

    /// Whoever it stands for now.
    ///
    /// # Errors
    /// As [`Session::begin`].
    async fn viewer(&self) -> Result<Viewer> {
        match self.token.get() {
            None => Ok(Viewer(None)),
            Some(token) => Ok(Viewer(Some(crate::graphql::authenticate(&self.app, token.expose()).await?))),
        }
    }

    /// Resolves once it stands for nobody any more; never for a socket that began without a token.
    pub(super) async fn ended(&self) {
        loop {
            sleep(CHECK).await;
            if self.viewer().await.is_err_and(|error| error.code() == "INVALID_TOKEN") {
                return;
            }
        }
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
