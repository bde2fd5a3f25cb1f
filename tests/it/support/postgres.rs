//! PostgreSQL for the tests: one server a process, one database a test, cloned from a migrated template.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use migration::MigratorTrait as _;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database as Orm, DatabaseConnection};
use tokio::sync::{Mutex, OnceCell};

use super::processes::{Folder, Server, User, command, find_program, on_a_free_port, unique};

const TEMPLATE: &str = "qc_template";

struct Postgres {
    /// Held so that it dies with this process, not before.
    _server: Server,
    port: u16,
    /// A template cannot be cloned by two at once.
    cloning: Mutex<()>,
}

static POSTGRES: OnceCell<Postgres> = OnceCell::const_new();

/// A database of one test; dropped with this value.
#[derive(Debug)]
pub(crate) struct PostgresDatabase {
    name: String,
    port: u16,
    folder: Folder,
}

impl PostgresDatabase {
    /// A new one with the newest schema and nothing in it.
    pub(crate) async fn new() -> Self {
        let postgres = POSTGRES.get_or_init(start).await;
        let database = Self { name: format!("qc_{}", unique()), port: postgres.port, folder: Folder::new("files") };
        let _turn = postgres.cloning.lock().await;
        administer(postgres.port, &format!("CREATE DATABASE {} TEMPLATE {TEMPLATE}", database.name)).await;
        database
    }

    /// For `DATABASE_URL`.
    pub(crate) fn url(&self) -> String {
        url(self.port, &self.name)
    }

    /// Where its server listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// For `DATABASE_URL`, where the way to it begins at `addr`.
    pub(crate) fn url_at(&self, addr: SocketAddr) -> String {
        url(addr.port(), &self.name)
    }

    /// For what the servers of this test write beside the database.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a backup, and says where it is.
    pub(crate) async fn dump(&self) -> PathBuf {
        let dump = self.folder.path().join("dump");
        let file = format!("--file={}", dump.display());
        self.run("pg_dump", &["--format=custom", &file, &self.name]).await;
        dump
    }

    /// Puts a backup in the place of all there is.
    pub(crate) async fn restore(&self, dump: &Path) {
        self.run("dropdb", &["--force", &self.name]).await;
        self.run("createdb", &[&self.name]).await;
        let (into, dump) = (format!("--dbname={}", self.name), dump.display().to_string());
        self.run("pg_restore", &[&into, "--exit-on-error", &dump]).await;
    }

    /// Runs one of PostgreSQL's own programs.
    async fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = std::process::Command::new(find_bin().join(program));
        command.args(["--host=127.0.0.1", "--username=postgres", &format!("--port={}", self.port)]).args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A connection past the application.
    pub(crate) async fn connect(&self) -> DatabaseConnection {
        connect(self.port, &self.name).await
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let (port, name) = (self.port, self.name.clone());
        // Beside the next test: hundreds of databases would fill a small disk. Nothing waits for it, and the server may be
        // gone before.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                if let Ok(connection) = Orm::connect(options(port, "postgres")).await {
                    let _ = connection.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
                }
            });
        });
    }
}

fn url(port: u16, name: &str) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/{name}")
}

fn options(port: u16, name: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url(port, name));
    options.max_connections(1).sqlx_logging(false);
    options
}

async fn connect(port: u16, name: &str) -> DatabaseConnection {
    Orm::connect(options(port, name)).await.unwrap()
}

async fn administer(port: u16, sql: &str) {
    // connections belong to the runtime of one test: each statement has its own
    let connection = connect(port, "postgres").await;
    connection.execute_unprepared(sql).await.unwrap();
    connection.close().await.unwrap();
}

async fn start() -> Postgres {
    let (server, port) = tokio::task::spawn_blocking(start_server).await.unwrap();
    administer(port, &format!("CREATE DATABASE {TEMPLATE}")).await;
    let template = connect(port, TEMPLATE).await;
    migration::Migrator::up(&template, None).await.unwrap();
    template.close().await.unwrap();
    Postgres { _server: server, port, cloning: Mutex::new(()) }
}

fn start_server() -> (Server, u16) {
    let bin = find_bin();
    on_a_free_port(|port| {
        let folder = Folder::new("postgres");
        let user = User::instead_of_root(folder.path());
        if let Some(user) = user {
            user.own(folder.path());
        }
        let data = folder.path().join("data");
        let init = command(&bin.join("initdb"), user, folder.path())
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--pgdata"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(init.status.success(), "initdb failed:\n{}", String::from_utf8_lossy(&init.stderr));
        let mut line = vec![bin.join("postgres").into_os_string(), "-D".into(), data.into_os_string()];
        let sockets = folder.path().display().to_string();
        for setting in [
            format!("port={port}"),
            format!("unix_socket_directories={sockets}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "max_connections=300".to_owned(),
            // nothing in it outlives the tests
            "fsync=off".to_owned(),
            "synchronous_commit=off".to_owned(),
            "full_page_writes=off".to_owned(),
            // a vacuum in the template would make cloning wait
            "autovacuum=off".to_owned(),
        ] {
            line.extend(["-c".into(), setting.into()]);
        }
        Server::start(folder, user, "QUIT", &line)
    })
}

/// The folder of `initdb` and `postgres`: `PG_BIN`, else that of the PATH, else the distribution's newest.
fn find_bin() -> PathBuf {
    if let Some(bin) = std::env::var_os("PG_BIN") {
        let bin = PathBuf::from(bin);
        assert!(bin.join("initdb").is_file(), "there is no initdb in PG_BIN, {}", bin.display());
        return bin;
    }
    let initdb = find_program("initdb", &installed(Path::new("/usr/lib/postgresql"))).expect(
        "the tests start a PostgreSQL of their own, but there is no initdb: run tests/run, which says what to install",
    );
    // a link on the PATH has no other programs beside it
    std::fs::canonicalize(initdb).unwrap().parent().unwrap().to_path_buf()
}

/// Folders of the versions in `root`, newest first.
fn installed(root: &Path) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut versions: Vec<(u32, PathBuf)> = folders.filter_map(|path| Some((version(&path)?, path.join("bin")))).collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, bin)| bin).collect()
}
