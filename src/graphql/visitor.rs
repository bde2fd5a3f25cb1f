//! Who asks, before and after it is found out.
//!
//! A token says whose it is, and whoever knows the secret can tell that it does; whether it still counts, only the database knows.
//! So an operation is paid from the budget of whoever it says it is of, and only then it is asked.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use domain::access::Actor;
use futures_util::future::BoxFuture;

use super::context::Viewer;
use super::error::{GraphError, Result};
use crate::platform::limits::Principal;

/// Who asks; asked again whenever an operation is executed anew.
pub trait Authority: Send + Sync + 'static {
    /// Whose budget it is, of somebody at `from`, as far as that can be told without asking the database: `None` where it cannot.
    fn principal(&self, _from: IpAddr) -> Option<Principal> {
        None
    }

    /// Whoever it is at this moment.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when they are not signed in any more; a fault when it cannot be told.
    fn viewer(&self) -> BoxFuture<'_, Result<Viewer>>;
}

/// Who asks, in the data of a request in place of [`Viewer`]: it is found out between the payment and the execution. A clone is the
/// same one.
#[derive(Clone)]
pub struct Visitor(Arc<Inner>);

struct Inner {
    authority: Arc<dyn Authority>,
    found: OnceLock<Viewer>,
    refused: OnceLock<GraphError>,
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor").field("found", &self.0.found).finish_non_exhaustive()
    }
}

impl Visitor {
    /// Whoever `authority` says.
    #[must_use]
    pub fn new(authority: Arc<dyn Authority>) -> Self {
        Self(Arc::new(Inner { authority, found: OnceLock::new(), refused: OnceLock::new() }))
    }

    /// Who it was found to be; nobody before that.
    #[must_use]
    pub fn actor(&self) -> Option<Actor> {
        self.0.found.get().and_then(|viewer| viewer.0)
    }

    /// Why the request was refused, if it was for who asks.
    #[must_use]
    pub fn refusal(&self) -> Option<GraphError> {
        self.0.refused.get().cloned()
    }

    /// Finds out who it is.
    ///
    /// # Errors
    /// As [`Authority::viewer`].
    pub(super) async fn identify(&self) -> Result<Viewer> {
        let viewer = self.0.authority.viewer().await?;
        Ok(*self.0.found.get_or_init(|| viewer))
    }

    /// Says why they are refused.
    pub(super) fn refuse(&self, error: GraphError) {
        self.0.refused.get_or_init(|| error);
    }
}
