//! What happens around every request: its id, its span, its count, and an answer even when its handler gives none.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::error::{Refusal, Refused};
use super::metrics::Metrics;
use super::peer;
use super::{API, REQUEST_ID};
use crate::app::App;
use crate::graphql::context::RequestId;
use crate::telemetry;

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longest id that is taken from a client.
const MAX_ID: usize = 64;

/// Names the request, and logs and counts its answer. The log has the path and nothing else of the request: queries,
/// variables and headers hold what users wrote.
pub(super) async fn observe(
    State((app, metrics)): State<(App, Arc<Metrics>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = given_id(&request).unwrap_or_else(|| app.ids.uuid().simple().to_string());
    let span =
        tracing::info_span!("request", request_id = id, method = %request.method(), path = %shown(request.uri().path()));
    if peer::is_trusted(request.extensions(), &app.config) {
        telemetry::follow(&span, request.headers());
    }
    request.extensions_mut().insert(RequestId(id.clone()));
    let is_probe = matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics");
    let is_api = request.uri().path() == API;
    let begun = app.clock.now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = app.clock.now() - begun;
    let status = response.status();
    if !is_probe {
        metrics.answered(status);
    }
    if let Some(Refused(code)) = response.extensions().get().filter(|_| is_api) {
        app.instruments.count_refusal(code);
    }
    let (status, ms) = (status.as_u16(), took.num_milliseconds());
    span.in_scope(
        || if is_probe { tracing::debug!(status, ms, "answered") } else { tracing::info!(status, ms, "answered") },
    );
    if let Ok(value) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// A path as the log has it: a part as long as a secret is cut short.
fn shown(path: &str) -> Cow<'_, str> {
    const LONG: usize = 32;
    if path.split('/').all(|part| part.len() < LONG) {
        return Cow::Borrowed(path);
    }
    let parts = path.split('/').map(|part| if part.len() < LONG { part } else { "…" });
    Cow::Owned(parts.collect::<Vec<_>>().join("/"))
}

/// The client's own id of the request, if it can be put into a log as it is.
fn given_id(request: &Request) -> Option<String> {
    let given = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = given.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    (is_plain && (1..=MAX_ID).contains(&given.len())).then(|| given.to_owned())
}

/// Answers for a handler that panics or does not come to an end.
pub(super) async fn contain(Extension(id): Extension<RequestId>, request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(PATIENCE, AssertUnwindSafe(next.run(request)).catch_unwind());
    match answer.await {
        Ok(Ok(response)) => response,
        // logged where it happened, by the hook that telemetry sets
        Ok(Err(_)) => Refusal::internal().respond(&id),
        Err(_) => {
            tracing::warn!("a request was given up");
            Refusal::timeout().respond(&id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_no_part_of_a_path_that_may_be_a_secret() {
        assert_eq!(shown("/webhooks/payments/sandbox"), "/webhooks/payments/sandbox");
        assert_eq!(shown(&format!("/sandbox/payments/sbx_secret_{}", "a".repeat(48))), "/sandbox/payments/…");
    }
}
