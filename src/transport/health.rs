//! Whether the server runs, and whether it can work.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Transport;
use super::metrics::JobNumbers;
use crate::platform::{consumers, jobs};

/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// 200 as long as the process answers at all.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// 200 when requests can be worked on; else 503, with a line for each part. A server that is stopping is not ready, so
/// that a load balancer sends no more.
pub(super) async fn ready<E>(State(transport): State<Transport<E>>) -> Response {
    let app = &transport.app;
    let (database, bus) = tokio::join!(tokio::time::timeout(PATIENCE, app.db.ping()), app.bus.is_ready());
    let parts = [
        ("database", database.is_ok_and(|answer| answer.is_ok())),
        ("bus", bus),
        ("server", !transport.shutdown.begun.is_cancelled()),
    ];
    let is_ready = parts.iter().all(|(_, is_up)| *is_up);
    let text = parts
        .map(|(part, is_up)| {
            format!(
                "{part}: {}
",
                if is_up { "ok" } else { "down" }
            )
        })
        .concat();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// The numbers.
pub(super) async fn metrics<E>(State(transport): State<Transport<E>>) -> Response {
    let Transport { app, engine, metrics, .. } = transport;
    // the numbers of this process do not wait for a database that is away
    let backlog = tokio::time::timeout(PATIENCE, jobs::backlog(app.db.reader())).await.ok().and_then(Result::ok);
    let lags = tokio::time::timeout(PATIENCE, consumers::lags(app.db.reader())).await.ok().and_then(Result::ok);
    let jobs = JobNumbers {
        done: app.jobs.done(),
        failed: app.jobs.failed(),
        by_kind: app.jobs.by_kind(),
        backlog,
        lags: lags.unwrap_or_default(),
        refunds_failed: app.refunds_failed.load(Ordering::Relaxed),
    };
    let (statements, refusals) = (app.db.statements(), app.budgets.refusals());
    let text = metrics.text(app.clock.now(), statements, app.cache.counts(), engine.counts(), &jobs, refusals);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
