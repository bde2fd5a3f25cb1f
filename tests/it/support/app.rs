//! A whole server for one test.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Deref;
use std::sync::Once;

use quick_commerce::app::{Ambient, App};
use quick_commerce::config::Config;
use quick_commerce::platform::clock::Clock;
use quick_commerce::platform::http::Names;
use quick_commerce::platform::ids::Entropy;
use quick_commerce::serve::{self, Running};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::actors::Api;
use super::shape::{Shape, TestDatabase, config_of};
use super::wait::until;

/// A server with a database of its own, on a port of its own. It is an [`Api`]: `app.customer()`.
#[derive(Debug)]
pub(crate) struct TestApp {
    /// What clients see of it.
    pub(crate) api: Api,
    /// Its time, and its database's: `app.clock.advance(…)`.
    pub(crate) clock: Clock,
    running: Running,
    // after what uses it
    database: TestDatabase,
}

impl Deref for TestApp {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl TestApp {
    /// Starts one with the defaults and an empty database.
    pub(crate) async fn start(shape: Shape) -> Self {
        Self::start_with(shape, |_| {}).await
    }

    /// The same, with another configuration.
    pub(crate) async fn start_with(shape: Shape, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_among(shape, Names::system(), change).await
    }

    /// The same, where servers that users name are where `names` says.
    pub(crate) async fn start_among(shape: Shape, names: Names, change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::new(shape).await;
        let mut config = config_of(shape, &database).await;
        change(&mut config);
        let clock = Clock::system();
        let app = build_among(config, clock.clone(), 0, names).await;
        let running = serve(&app).await;
        let api = Api::new(app, running.addr);
        Self { api, clock, running, database }
    }

    /// Ends the server as an operator would; the database stays until this is dropped.
    pub(crate) async fn stop(self) -> TestDatabase {
        self.running.stop().await;
        self.database
    }
}

/// An application over a migrated database, without a server: for tests of the parts.
#[derive(Debug)]
pub(crate) struct TestParts {
    /// The application.
    pub(crate) app: App,
    /// Its time, and its database's.
    pub(crate) clock: Clock,
    /// Its database.
    pub(crate) database: TestDatabase,
}

impl TestParts {
    /// Builds one; nothing runs in the background.
    pub(crate) async fn build(shape: Shape) -> Self {
        let database = TestDatabase::new(shape).await;
        let clock = Clock::system();
        let app = build(config_of(shape, &database).await, clock.clone(), 0).await;
        hears(&app).await;
        Self { app, clock, database }
    }
}

/// Waits until the bus of `app` listens: where nothing runs in the background, nobody finds out what was said before.
pub(crate) async fn hears(app: &App) {
    until(async || app.bus.is_live()).await;
}

/// Builds and migrates an application. `number` tells the instances of one test apart.
pub(crate) async fn build(config: Config, clock: Clock, number: u64) -> App {
    build_among(config, clock, number, Names::system()).await
}

async fn build_among(config: Config, clock: Clock, number: u64, names: Names) -> App {
    log();
    // the name of a test is that of its thread: every run of a test draws the same ids
    let mut seed = DefaultHasher::new();
    (std::thread::current().name(), number).hash(&mut seed);
    let app = App::build(config, Ambient { clock, entropy: Entropy::seeded(seed.finish()), names }).await.unwrap();
    app.migrate().await.unwrap();
    app
}

/// Serves `app` on a free port, background work included.
pub(crate) async fn serve(app: &App) -> Running {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    serve::start(app.clone(), listener, true).await
}

/// Serves `app` on a free port, and leaves the background work to others: nothing is told before a test says so.
pub(crate) async fn serve_alone(app: &App) -> (Api, Running) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let running = serve::start(app.clone(), listener, false).await;
    (Api::new(app.clone(), running.addr), running)
}

/// What the server logs is shown with a failed test; `TEST_LOG=debug` shows more.
fn log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter =
            std::env::var_os("TEST_LOG").map_or_else(|| "warn".into(), |filter| filter.to_string_lossy().into_owned());
        // a test that set up its own keeps it
        let _ = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_test_writer().try_init();
    });
}
