//! Whether a process runs, whether it can work, and what it has counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::metrics::{self, JobNumbers, Metrics, Page, ProcessNumbers};
use super::resources;
use crate::app::App;
use crate::platform::{consumers, jobs, relay};
use crate::stream::Engine;

/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A process that is asked how it is.
#[derive(Debug, Clone)]
pub(super) struct Process {
    app: App,
    started: DateTime<Utc>,
    /// Cancelled when it stops.
    end: CancellationToken,
    /// What one has that answers requests.
    server: Option<(Engine, Arc<Metrics>)>,
}

impl Process {
    /// One that stops when `end` is cancelled.
    pub(super) fn new(app: App, end: CancellationToken, server: Option<(Engine, Arc<Metrics>)>) -> Self {
        let started = app.clock.now();
        Self { app, started, end, server }
    }

    /// The pages that it answers with.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(alive))
            .route("/readyz", get(ready))
            .route("/metrics", get(numbers))
            .with_state(self)
    }
}

/// 200 as long as the process answers at all.
async fn alive() -> &'static str {
    "ok\n"
}

/// 200 when requests can be worked on; else 503, with a line for each part. A server that is stopping is not ready, so
/// that a load balancer sends no more.
async fn ready(State(Process { app, end, .. }): State<Process>) -> Response {
    let (database, bus) = tokio::join!(tokio::time::timeout(PATIENCE, app.db.ping()), app.bus.is_ready());
    let parts = [("database", database.is_ok_and(|answer| answer.is_ok())), ("bus", bus), ("server", !end.is_cancelled())];
    let is_ready = parts.iter().all(|(_, is_up)| *is_up);
    let text = parts.map(|(part, is_up)| format!("{part}: {}\n", if is_up { "ok" } else { "down" })).concat();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// What a part answers; none when it fails or takes too long, which is no concern of the others.
async fn in_time<Answer, Error>(part: impl Future<Output = Result<Answer, Error>>) -> Option<Answer> {
    tokio::time::timeout(PATIENCE, part).await.ok()?.ok()
}

/// The numbers.
async fn numbers(State(Process { app, started, server, .. }): State<Process>) -> Response {
    let db = app.db.reader();
    // the numbers of this process do not wait for a database that is away
    let (backlog, lags, outbox) =
        tokio::join!(in_time(jobs::backlog(db)), in_time(consumers::lags(db)), in_time(relay::outbox(db)));
    let resources = tokio::task::spawn_blocking(resources::read).await.ok().flatten();
    let mut page = Page::default();
    page.tell_process(ProcessNumbers {
        started,
        now: app.clock.now(),
        resources,
        statements: app.db.statements(),
        connections: app.db.connections(),
        cache: app.cache.counts(),
        refusals: app.budgets.refusals(),
        outbox,
    });
    if let Some((engine, metrics)) = server {
        page.tell_connections(&metrics);
        page.tell_operations(&app.instruments);
        page.tell_engine(engine.counts());
    }
    page.tell_jobs(&JobNumbers {
        done: app.jobs.done(),
        failed: app.jobs.failed(),
        by_kind: app.jobs.by_kind(),
        sweeps: app.sweeps.by_kind(),
        backlog,
        lags: lags.unwrap_or_default(),
        refunds_failed: app.refunds_failed.load(Ordering::Relaxed),
    });
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], page.text()).into_response()
}
