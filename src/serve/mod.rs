//! The server: listener, background work, shutdown.

mod consumers;
mod jobs;
mod payments;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::accounts::service::{cleaning, closing};
use crate::app::App;
use crate::cart::{watch as carts, windows};
use crate::catalog::cached;
use crate::demo;
use crate::dispatch::expiry;
use crate::graphql::build_schema;
use crate::notifications::pruning;
use crate::orders::service::paying;
use crate::stream::Engine;
use crate::tracking::{history, watch as locations};
use crate::transport::{self, Listener, Peer, Shutdown};
use crate::webhooks;

/// How long requests may take to finish when the server stops, and WebSockets beyond the time in which they leave; then how
/// long the background work may.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a background task that broke rests before it is started again.
const REST: Duration = Duration::from_secs(1);

/// The background work of an instance.
#[derive(Debug)]
pub struct Work {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Work {
    /// Starts it. `addr` is where the server listens, or would.
    #[must_use]
    pub fn start(app: &App, addr: SocketAddr) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        // Every background task of an instance, here and below and nowhere else. Each ends by itself once `stop` is cancelled.
        tasks.spawn(supervise("relay", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || {
                let relay = app.relay().with_stream(app.config.event_stream.clone(), webhooks::public::stream_data);
                relay.run(stop.clone())
            }
        }));
        tasks.spawn(supervise("claim expiry", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || expiry::run(app.clone(), stop.clone())
        }));
        tasks.spawn(supervise("promo codes", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || windows::run(app.clone(), stop.clone())
        }));
        tasks.spawn(supervise("payment expiry", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || paying::expiry::run(app.clone(), stop.clone())
        }));
        for (name, worker) in jobs::workers(app, addr) {
            let stop = stop.clone();
            tasks.spawn(supervise(name, stop.clone(), move || worker.clone().run(stop.clone())));
        }
        tasks.spawn(supervise("webhook clean-up", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || webhooks::cleaning::clean(app.clone(), stop.clone())
        }));
        for reader in consumers::consumers(app).readers(&app.db, &app.clock, &app.ids) {
            let stop = stop.clone();
            tasks.spawn(supervise("consumer", stop.clone(), move || reader.clone().run(stop.clone())));
        }
        tasks.spawn(supervise("session clean-up", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || cleaning::clean(app.clone(), stop.clone())
        }));
        tasks.spawn(supervise("location history", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || history::run(app.clone(), stop.clone())
        }));
        tasks.spawn(supervise("notification clean-up", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || pruning::run(app.clone(), stop.clone())
        }));
        tasks.spawn(supervise("retention", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || app.retention().run(stop.clone())
        }));
        Self { stop, tasks }
    }

    /// What every server needs, also one that leaves the work to others: it closes what is open for sessions that end, looks for
    /// events that the bus did not bring, tells carts of what changes under them, and looks where partners are whom somebody follows.
    fn watch(app: &App, engine: &Engine) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(supervise("closing of ended sessions", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || closing::watch(app.clone(), stop.clone())
        }));
        tasks.spawn(supervise("catalogue cache", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || cached::watch(app.clone(), stop.clone())
        }));
        tasks.spawn(supervise("carts", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || carts::watch(app.clone(), stop.clone())
        }));
        tasks.spawn(supervise("locations", stop.clone(), {
            let (app, stop) = (app.clone(), stop.clone());
            move || locations::watch(app.clone(), stop.clone())
        }));
        tasks.spawn(supervise("subscriptions", stop.clone(), {
            let (engine, stop) = (engine.clone(), stop.clone());
            move || engine.clone().watch(stop.clone())
        }));
        Self { stop, tasks }
    }

    /// Lets it come to an end: what is committed is relayed before.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if timeout(PATIENCE, async { while self.tasks.join_next().await.is_some() {} }).await.is_err() {
            tracing::warn!("background work did not end in time and was cut off");
            self.tasks.shutdown().await;
        }
    }
}

/// Runs a task to its end, and again when it panics: one broken event must not end the live ones for good.
async fn supervise<Task: Future<Output = ()>>(name: &'static str, stop: CancellationToken, task: impl Fn() -> Task) {
    while AssertUnwindSafe(task()).catch_unwind().await.is_err() {
        if stop.is_cancelled() {
            break;
        }
        tracing::error!(task = name, "a background task panicked and is started again");
        sleep(REST).await;
    }
}

/// Every kind of job that a server knows how to do.
#[must_use]
pub fn job_kinds(app: &App) -> BTreeSet<&'static str> {
    jobs::workers(app, app.config.listen_addr).iter().flat_map(|(_, worker)| worker.kinds()).collect()
}

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    shutdown: Shutdown,
    cut: CancellationToken,
    server: JoinHandle<()>,
    work: Vec<Work>,
}

/// Serves `app` on `listener` until the result is stopped or killed, with its background work when `work` is set.
#[expect(clippy::unused_async, reason = "callers may rely on a runtime being there, and on more being awaited here one day")]
pub async fn start(app: App, listener: TcpListener, work: bool) -> Running {
    let addr = listener.local_addr().unwrap_or(app.config.listen_addr);
    let (shutdown, cut) = (Shutdown::new(app.ids.clone(), app.config.drain), CancellationToken::new());
    let schema = build_schema(&app);
    let (router, engine) = transport::router(
        app.clone(),
        schema,
        demo::images::router().merge(payments::router(app.clone())),
        shutdown.clone(),
    );
    let work = std::iter::once(Work::watch(&app, &engine)).chain(work.then(|| Work::start(&app, addr))).collect();
    let service = router.into_make_service_with_connect_info::<Peer>();
    let serve = axum::serve(Listener::new(listener, cut.clone()), service)
        .with_graceful_shutdown(shutdown.begun.clone().cancelled_owned());
    let server = tokio::spawn(async move {
        if let Err(error) = serve.await {
            tracing::error!(%error, "the listener broke");
        }
    });
    Running { addr, shutdown, cut, server, work }
}

/// A worker that runs.
#[derive(Debug)]
pub struct Working {
    end: CancellationToken,
    server: JoinHandle<()>,
    work: Work,
}

/// Does the background work of `app`, and says on `listener` how it is, until the result is stopped.
pub fn start_worker(app: &App, listener: TcpListener) -> Working {
    let end = CancellationToken::new();
    let work = Work::start(app, listener.local_addr().unwrap_or(app.config.listen_addr));
    let router = transport::worker_router(app.clone(), end.clone());
    let serve = axum::serve(listener, router).with_graceful_shutdown(end.clone().cancelled_owned());
    let server = tokio::spawn(async move {
        if let Err(error) = serve.await {
            tracing::error!(%error, "the listener broke");
        }
    });
    Working { end, server, work }
}

impl Working {
    /// Ends the work once what is committed has been relayed.
    pub async fn stop(self) {
        self.end.cancel();
        self.work.stop().await;
        self.server.abort();
    }
}

impl Running {
    /// Accepts nothing more, lets the WebSockets leave one by one and requests finish, for the drain time and ten seconds,
    /// and ends the background work once it has relayed what they committed.
    pub async fn stop(self) {
        let Self { shutdown, cut, mut server, work, .. } = self;
        shutdown.begun.cancel();
        shutdown.sockets.close();
        let finished =
            timeout(shutdown.drain + PATIENCE, async { tokio::join!(&mut server, shutdown.sockets.wait()) }).await;
        if finished.is_err() {
            tracing::warn!("connections did not end in time and were cut off");
        }
        cut.cancel();
        server.abort();
        for work in work {
            work.stop().await;
        }
    }

    /// Ends everything at once, as a crash would: connections break, transactions roll back, nothing is relayed.
    pub fn kill(self) {
        self.cut.cancel();
        self.server.abort();
        // the tasks of a `JoinSet` are aborted with it
        drop(self.work);
    }
}

#[cfg(test)]
mod tests;
