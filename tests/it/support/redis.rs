//! Redis for the tests: one server a process, a prefix of its own for each test; or a private one, to be killed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult};
use tokio::sync::OnceCell;

use super::processes::{ClosedPort, Folder, Server, find_program, on_a_free_port};

static SHARED: OnceCell<Redis> = OnceCell::const_new();

/// A Redis server.
#[derive(Debug)]
pub(crate) struct Redis {
    server: Option<Server>,
    port: u16,
    /// Held while it is dead, so that it can come back there.
    held: Option<ClosedPort>,
}

impl Redis {
    /// The one that the tests of this process share. Each takes a `redis_prefix` of its own.
    pub(crate) async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::private).await
    }

    /// One for a single test, which may kill it and start it again.
    pub(crate) async fn private() -> Self {
        let (server, port) = tokio::task::spawn_blocking(|| on_a_free_port(start)).await.unwrap();
        Self { server: Some(server), port, held: None }
    }

    /// For `REDIS_URL`.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A connection for what a test asks itself.
    pub(crate) async fn connect(&self) -> MultiplexedConnection {
        connect_to(&self.url()).await.unwrap()
    }

    /// Where it listens, whether or not it runs.
    pub(crate) fn addr(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Ends it as a power cut would: no goodbye, and nothing is kept.
    pub(crate) fn kill(&mut self) {
        tokio::task::block_in_place(|| drop(self.server.take()));
        self.held = Some(ClosedPort::at(self.port));
    }

    /// Starts it again, empty, on the same port.
    pub(crate) fn start_again(&mut self) {
        assert!(self.server.is_none(), "this Redis was not killed");
        self.held = None;
        self.server = Some(tokio::task::block_in_place(|| start(self.port)).unwrap());
    }
}

/// A connection to the Redis at `url`. It waits longer than the library does by itself (half a second): on a machine where
/// everything runs at once an answer may take that long, and that it came is what a test is about.
///
/// # Errors
/// When nothing answers there, or it refuses.
pub(crate) async fn connect_to(url: &str) -> RedisResult<MultiplexedConnection> {
    let patience = Some(Duration::from_secs(20));
    let config = AsyncConnectionConfig::new().set_connection_timeout(patience).set_response_timeout(patience);
    Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await
}

fn start(port: u16) -> Result<Server, String> {
    let folders: Vec<PathBuf> = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].map(PathBuf::from).into();
    let program = ["redis-server", "valkey-server"].iter().find_map(|name| find_program(name, &folders)).expect(
        "the tests start a Redis of their own, but there is no redis-server: run tests/run, which says what to install",
    );
    let folder = Folder::new("redis");
    let line = line(&program, port, folder.path());
    Server::start(folder, None, "KILL", &line)
}

fn line(program: &Path, port: u16, folder: &Path) -> Vec<std::ffi::OsString> {
    let port = port.to_string();
    let mut line = vec![program.as_os_str().to_owned()];
    line.extend(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"].map(Into::into));
    line.push(folder.as_os_str().to_owned());
    line
}
