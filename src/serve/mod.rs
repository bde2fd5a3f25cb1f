//! The server: listener, background work, shutdown.

mod consumers;
mod jobs;
mod payments;

use std::collections::BTreeSet;
use std::future::IntoFuture as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
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
#[derive(Debug, Default)]
pub struct Work {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Work {
    /// Starts it. `addr` is where the server listens, or would.
    #[must_use]
    pub fn start(app: &App, addr: SocketAddr) -> Self {
        // Every background task of an instance, here and below and nowhere else.
        let mut work = Self::default();
        work.add("relay", {
            let app = app.clone();
            move |stop| app.relay().with_stream(app.config.event_stream.clone(), webhooks::public::stream_data).run(stop)
        });
        work.add_of("claim expiry", app, expiry::run);
        work.add_of("promo codes", app, windows::run);
        work.add_of("payment expiry", app, paying::expiry::run);
        for (name, worker) in jobs::workers(app, addr) {
            work.add(name, move |stop| worker.clone().run(stop));
        }
        work.add_of("webhook clean-up", app, webhooks::cleaning::clean);
        for reader in consumers::consumers(app).readers(&app.db, &app.clock, &app.ids) {
            work.add("consumer", move |stop| reader.clone().run(stop));
        }
        work.add_of("session clean-up", app, cleaning::clean);
        work.add_of("location history", app, history::run);
        work.add_of("notification clean-up", app, pruning::run);
        work.add("retention", {
            let app = app.clone();
            move |stop| app.retention().run(stop)
        });
        work
    }

    /// What every server needs, also one that leaves the work to others: it closes what is open for sessions that end, looks for
    /// events that the bus did not bring, tells carts of what changes under them, and looks where partners are whom somebody follows.
    fn watch(app: &App, engine: &Engine) -> Self {
        let mut work = Self::default();
        work.add_of("closing of ended sessions", app, closing::watch);
        work.add_of("catalogue cache", app, cached::watch);
        work.add_of("carts", app, carts::watch);
        work.add_of("locations", app, locations::watch);
        let engine = engine.clone();
        work.add("subscriptions", move |stop| engine.clone().watch(stop));
        work
    }

    /// Starts `task`, which ends by itself once what it is given is cancelled.
    fn add<Task>(&mut self, name: &'static str, task: impl Fn(CancellationToken) -> Task + Send + 'static)
    where
        Task: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(supervise(name, self.stop.clone(), task));
    }

    /// The same of a task that needs nothing but the application.
    fn add_of<Task>(&mut self, name: &'static str, app: &App, task: impl Fn(App, CancellationToken) -> Task + Send + 'static)
    where
        Task: Future<Output = ()> + Send + 'static,
    {
        let app = app.clone();
        self.add(name, move |stop| task(app.clone(), stop));
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
async fn supervise<Task>(name: &'static str, stop: CancellationToken, task: impl Fn(CancellationToken) -> Task)
where
    Task: Future<Output = ()>,
{
    while AssertUnwindSafe(task(stop.clone())).catch_unwind().await.is_err() {
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
    let server = tokio::spawn(listen(serve.into_future()));
    Running { addr, shutdown, cut, server, work }
}

async fn listen(serve: impl Future<Output = io::Result<()>>) {
    if let Err(error) = serve.await {
        tracing::error!(%error, "the listener broke");
    }
}

/// The address at which a server that listens on `addr` is reached from its own machine.
#[must_use]
pub fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
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
    let server = tokio::spawn(listen(serve.into_future()));
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
        // at once: each may take all of its time
        join_all(work.into_iter().map(Work::stop)).await;
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
