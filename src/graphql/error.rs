//! Errors as clients see them: a stable code, nothing of the inside.

use async_graphql::ErrorExtensions as _;
use domain::error::Rejection;

use crate::platform::error::{Denial, Error, Fault};

/// `Result` of resolvers.
pub type Result<T, E = GraphError> = std::result::Result<T, E>;

/// A top-level error. Not `Display`: async-graphql would send that text to the client as it is.
#[derive(Debug, Clone)]
pub struct GraphError {
    code: &'static str,
    message: String,
    is_retryable: bool,
    retry_after_ms: Option<u32>,
}

impl GraphError {
    /// An error with `code`, for a person in `message`.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), is_retryable: false, retry_after_ms: None }
    }

    /// The same for what may succeed when it is sent again.
    #[must_use]
    pub fn retryable(code: &'static str, message: impl Into<String>) -> Self {
        Self { is_retryable: true, ..Self::new(code, message) }
    }

    /// The same, which may succeed in so many milliseconds.
    #[must_use]
    pub fn after(self, milliseconds: u32) -> Self {
        Self { retry_after_ms: Some(milliseconds), ..self }
    }

    /// What whoever asks too much is told, with the milliseconds after which they may ask again.
    #[must_use]
    pub fn rate_limited(milliseconds: u32) -> Self {
        let seconds = milliseconds.div_ceil(1_000);
        Self::retryable("RATE_LIMITED", format!("Too much at once: try again in {seconds} s.")).after(milliseconds)
    }

    /// The same refusal for an argument of a field that has no `userErrors`.
    #[must_use]
    pub fn bad_argument(refusal: &Rejection) -> Self {
        Self::new("BAD_ARGUMENT", format!("{}: {}", refusal.field.join("."), refusal.message))
    }

    /// What clients see of any fault.
    #[must_use]
    pub fn internal() -> Self {
        Self::retryable("INTERNAL", "Something went wrong on our side.")
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// For a person.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.is_retryable
    }

    /// Milliseconds after which the same request may succeed, where that is known.
    #[must_use]
    pub const fn retry_after_ms(&self) -> Option<u32> {
        self.retry_after_ms
    }

    /// The answer to a request that got no further.
    #[must_use]
    pub fn into_response(self) -> async_graphql::Response {
        async_graphql::Response::from_errors(vec![self.into_server_error()])
    }

    /// The error of a request as a whole: without a place in its document.
    pub(super) fn into_server_error(self) -> async_graphql::ServerError {
        let async_graphql::Error { message, extensions, .. } = self.into();
        let mut error = async_graphql::ServerError::new(message, None);
        error.extensions = extensions;
        error
    }

    /// Logs `fault`, once and here, and masks it. The request's id is in the span.
    fn masked(fault: &Fault) -> Self {
        tracing::error!(doing = fault.doing, error = %fault.source, "internal error");
        Self::internal()
    }

    fn denied(denial: Denial) -> Self {
        match denial {
            Denial::Unauthenticated => Self::new("UNAUTHENTICATED", "Sign in first."),
            Denial::InvalidToken => Self::new("INVALID_TOKEN", "The access token is not valid any more."),
            Denial::Forbidden => Self::new("FORBIDDEN", "Your role may not use this."),
            Denial::InvalidId => Self::new("INVALID_ID", "This is not an id of the expected type."),
            Denial::BadCursor => Self::new("BAD_CURSOR", "This cursor does not belong to this list."),
            Denial::BadPage => Self::new("BAD_PAGE", "Give either `first` or `last`, between 1 and 100."),
            Denial::Overloaded => {
                Self::retryable("OVERLOADED", "Too many sign-ins at once; try again in a moment.").after(1_000)
            }
            Denial::RateLimited(milliseconds) => Self::rate_limited(milliseconds),
            Denial::BadArgument(message) => Self::new("BAD_ARGUMENT", message),
        }
    }
}

impl From<Error> for GraphError {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(denial) => Self::denied(denial),
            // where a field has no `userErrors`, the refusal is a top-level error with the same code
            Error::Rejected(rejection) => Self::new(domain::Named::name(rejection.code), rejection.message),
            Error::Fault(fault) => Self::masked(&fault),
        }
    }
}

impl From<Denial> for GraphError {
    fn from(denial: Denial) -> Self {
        Self::denied(denial)
    }
}

impl From<GraphError> for async_graphql::Error {
    fn from(error: GraphError) -> Self {
        Self::new(error.message).extend_with(|_, extensions| {
            extensions.set("code", error.code);
            extensions.set("retryable", error.is_retryable);
            if let Some(wait) = error.retry_after_ms {
                extensions.set("retryAfterMs", wait);
            }
        })
    }
}
