//! `quick-commerce serve` and `quick-commerce worker`: what goes on until a signal.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use super::{Failure, Outcome, close, open_files, ready, say};
use crate::config::Config;
use crate::{demo, serve, transport};

/// Serves until a signal.
pub(super) async fn run(config: &Config, work: bool) -> Outcome {
    let mut signals = Signals::new()?;
    open_files::allow();
    // first, so that a port that somebody listens on is told before anything is touched
    let port = bind(config)?;
    let app = ready(config).await?;
    if config.is_demo {
        demo::seed(&app).await.map_err(|error| Failure::of(&error))?;
    }
    let listener = listen(config, port)?;
    let running = serve::start(app.clone(), listener, work).await;
    if config.is_log_json {
        // nobody is at a terminal, and whoever reads the two outputs as one has JSON on every line
        tracing::info!(address = %serve::reachable(running.addr), version = env!("CARGO_PKG_VERSION"), "running");
    } else {
        say(&banner(running.addr, config.is_demo))?;
    }
    signals.next().await;
    tracing::info!("stopping; a second signal ends it at once");
    signals
        .unless_again(async {
            running.stop().await;
            close(&app).await
        })
        .await
}

/// Does the background work until a signal.
pub(super) async fn work(config: &Config) -> Outcome {
    if config.redis_url.is_none() {
        return Err(Failure::usage("a worker needs REDIS_URL: without it no other process hears of its events"));
    }
    let mut signals = Signals::new()?;
    open_files::allow();
    let port = bind(config)?;
    let app = ready(config).await?;
    let listener = listen(config, port)?;
    let work = serve::start_worker(&app, listener);
    signals.next().await;
    signals
        .unless_again(async {
            work.stop().await;
            close(&app).await
        })
        .await
}

fn bind(config: &Config) -> Outcome<TcpSocket> {
    transport::bind(config.listen_addr).map_err(|error| cannot_listen(config, &error))
}

fn listen(config: &Config, port: TcpSocket) -> Outcome<TcpListener> {
    transport::listen(port).map_err(|error| cannot_listen(config, &error))
}

fn cannot_listen(config: &Config, error: &io::Error) -> Failure {
    Failure::new(format!("cannot listen on {} (LISTEN_ADDR): {error}", config.listen_addr))
}

/// What a person at the terminal wants to know.
fn banner(addr: SocketAddr, is_demo: bool) -> String {
    let host = serve::reachable(addr);
    let mut text = format!(
        "Quick Commerce {} is running.\n\n  GraphiQL   http://{host}/graphiql\n  GraphQL    http://{host}/graphql\n  \
         WebSocket  ws://{host}/graphql (graphql-transport-ws)\n\n",
        env!("CARGO_PKG_VERSION")
    );
    if is_demo {
        let _ = writeln!(text, "Demo accounts, all with the password `{}`:\n", demo::PASSWORD);
        for account in &demo::ACCOUNTS {
            let _ = writeln!(text, "  {:<20} {}", account.email, account.role);
        }
        text.push('\n');
    }
    text
}

/// What asks the program to end: Ctrl-C, and SIGTERM where there is such a thing.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Outcome<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let failed = |error: std::io::Error| Failure::new(format!("cannot listen to signals: {error}"));
            Ok(Self { terminate: signal(SignalKind::terminate()).map_err(failed)? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }

    /// Waits for `end`, unless it is asked for the end once more.
    async fn unless_again(&mut self, end: impl Future<Output = Outcome>) -> Outcome {
        tokio::select! {
            outcome = end => outcome,
            () = self.next() => Err(Failure::new("ended before everything was finished")),
        }
    }
}
