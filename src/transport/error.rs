//! Refusals of the transport itself, in the form of a GraphQL answer.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::accept::Media;
use crate::graphql::GraphError;
use crate::graphql::context::RequestId;

/// Seconds after which another connection may have ended.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("10");

/// Why a request is not passed on.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: GraphError,
}

/// The code that an answer refuses with, beside it: for whoever counts them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused(pub(super) &'static str);

impl Refusal {
    /// A refusal with `status`, a stable `code`, and a sentence for a person.
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, error: GraphError::new(code, message) }
    }

    /// 400: it is not a GraphQL request.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    /// 404.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing at this address. The API is at /graphql.")
    }

    /// 405.
    pub(super) fn wrong_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "This address does not take that method.")
    }

    /// 429: its address has as many connections open as one may have.
    pub(super) fn too_many_sockets() -> Self {
        let error = GraphError::retryable("TOO_MANY_SOCKETS", "Too many connections of your address are open.");
        Self { status: StatusCode::TOO_MANY_REQUESTS, error }
    }

    /// 429: its user has as many connections open as one may have.
    pub(super) fn too_many_sockets_of_user() -> Self {
        let error = GraphError::retryable("TOO_MANY_SOCKETS", "Too many of your connections are open.");
        Self { status: StatusCode::TOO_MANY_REQUESTS, error }
    }

    /// 500: something broke, and was logged.
    pub(super) fn internal() -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, error: GraphError::internal() }
    }

    /// 503: it took too long.
    pub(super) fn timeout() -> Self {
        let error = GraphError::retryable("TIMEOUT", "The request took too long and was given up.");
        Self { status: StatusCode::SERVICE_UNAVAILABLE, error }
    }

    /// 401 for a token that is not valid, so that clients get a new one; 429 for too many of them; 500 when that could not be told.
    pub(super) fn unauthenticated(error: GraphError) -> Self {
        let status = match error.code() {
            "INTERNAL" => StatusCode::INTERNAL_SERVER_ERROR,
            "RATE_LIMITED" => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::UNAUTHORIZED,
        };
        Self { status, error }
    }

    /// The refusal as it is sent to whoever asked for nothing of the API.
    pub(super) fn respond(self, id: &RequestId) -> Response {
        self.respond_as(None, id)
    }

    /// The refusal as it is sent, in the form that the client asked for if there is one.
    pub(super) fn respond_as(self, media: Option<Media>, id: &RequestId) -> Response {
        let Self { status, error } = self;
        let mut extensions = json!({ "code": error.code(), "retryable": error.is_retryable(), "requestId": id.0 });
        let wait = error.retry_after_ms();
        if let Some(wait) = wait {
            extensions["retryAfterMs"] = wait.into();
        }
        let body = json!({ "errors": [{ "message": error.message(), "extensions": extensions }] });
        let content_type = media.unwrap_or(Media::Json).of_refusal().content_type();
        let headers = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-store")];
        let mut response = (status, headers, body.to_string()).into_response();
        response.extensions_mut().insert(Refused(error.code()));
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            let seconds = wait.map_or(RETRY_AFTER, |wait| HeaderValue::from(wait.div_ceil(1_000)));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
