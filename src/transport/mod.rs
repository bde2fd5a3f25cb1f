//! How requests come in: HTTP, WebSocket, pages.

mod accept;
mod error;
mod event_stream;
mod frame;
pub mod graphiql;
mod health;
mod http;
mod listener;
mod metrics;
mod peer;
mod resources;
mod session;
mod socket;
mod token;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use self::error::Refusal;
use self::health::Process;
pub use self::listener::{Listener, bind, listen};
use self::metrics::Metrics;
pub use self::peer::Peer;
use crate::app::App;
use crate::graphql::context::RequestId;
use crate::platform::ids::Ids;
use crate::platform::quota::Quota;
use crate::stream::Engine;

/// Where the API is.
const API: &str = "/graphql";

/// The header that names a request, in both directions.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The end of the server, as its connections see it.
#[derive(Debug, Clone)]
pub struct Shutdown {
    /// Cancelled when the server stops: WebSockets and event streams then [leave](Self::leave), and the instance is not ready
    /// any more.
    pub begun: CancellationToken,
    /// The open WebSockets and event streams.
    pub sockets: TaskTracker,
    /// Within which they leave.
    pub drain: Duration,
    ids: Ids,
}

impl Shutdown {
    /// A server that runs. When it stops, its WebSockets and event streams leave within `drain`.
    #[must_use]
    pub fn new(ids: Ids, drain: Duration) -> Self {
        Self { begun: CancellationToken::new(), sockets: TaskTracker::new(), drain, ids }
    }

    /// Waits until it is this caller's turn to leave: a moment of its own, at random within the drain time after the end
    /// began. Clients come back at once, and all of them together would be a storm. Who asks later leaves at once: a caller
    /// asks once, and keeps the future.
    pub async fn leave(&self) {
        if self.begun.is_cancelled() {
            return;
        }
        self.begun.cancelled().await;
        let most = u64::try_from(self.drain.as_millis()).unwrap_or(u64::MAX);
        sleep(Duration::from_millis(self.ids.below(most))).await;
    }
}

/// What the handlers share.
#[derive(Debug, Clone)]
struct Transport<E> {
    app: App,
    executor: E,
    engine: Engine,
    metrics: Arc<Metrics>,
    shutdown: Shutdown,
    quota: Quota,
}

/// Everything that the server answers to: the API (`executor`), its pages and its health, and the routes of `extra`; with
/// the engine that runs the subscriptions, for whoever has it watch the log.
pub fn router<E: Executor>(app: App, executor: E, extra: Router, shutdown: Shutdown) -> (Router, Engine) {
    let engine = Engine::new(app.clone(), executor.clone());
    let metrics = Arc::new(Metrics::default());
    let process = Process::new(app.clone(), shutdown.begun.clone(), Some((engine.clone(), Arc::clone(&metrics))));
    let cors = cors(&app.config.cors_origins);
    let body_bytes = app.config.limits.body_bytes;
    let quota = Quota::new(app.config.sockets_per_user, app.config.sockets_per_address);
    let (for_app, for_engine, for_metrics) = (app.clone(), engine.clone(), Arc::clone(&metrics));
    let transport = Transport { app: for_app, executor, engine: for_engine, metrics: for_metrics, shutdown, quota };
    let router = Router::new()
        .route(API, get(http::get::<E>).post(http::post::<E>))
        .merge(graphiql::router())
        .with_state(transport)
        .merge(process.router())
        .merge(extra)
        .fallback(async |Extension(id): Extension<RequestId>| Refusal::not_found().respond(&id))
        .method_not_allowed_fallback(async |Extension(id): Extension<RequestId>| Refusal::wrong_method().respond(&id))
        .layer(DefaultBodyLimit::max(body_bytes))
        .layer(from_fn(frame::contain))
        .layer(CompressionLayer::new().gzip(true));
    let router = match cors {
        Some(cors) => router.layer(cors),
        None => router,
    };
    let router = router
        .layer(SetResponseHeaderLayer::if_not_present(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        .layer(from_fn_with_state((app, metrics), frame::observe));
    (router, engine)
}

/// What a process answers to that only works: how it is. It stops when `end` is cancelled.
pub fn worker_router(app: App, end: CancellationToken) -> Router {
    Process::new(app, end, None).router()
}

/// What browsers' pages of other origins may do. `None`: nothing.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    // Any header is as good as another: nothing here is signed in by a cookie, so a page has no rights that it does not
    // bring along.
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([REQUEST_ID, header::RETRY_AFTER])
        .max_age(Duration::from_hours(1));
    Some(layer)
}

#[cfg(test)]
mod tests;
