//! A PostgreSQL and a Redis of one's own, for instances that work together.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::Outcome;
use crate::process::{Folder, Guarded};
use crate::server::Shared;

/// Both say this once they can be connected to.
const READY: &str = "eady to accept connections";

/// The two servers; they end with this value, and nothing of them is left.
#[derive(Debug)]
pub(crate) struct Services {
    /// Where they are.
    pub(crate) shared: Shared,
    _postgres: Guarded,
    _redis: Guarded,
    // after the servers that use it
    _folder: Folder,
}

impl Services {
    /// Starts both on free ports. The database keeps its promises as in production: it syncs each commit.
    ///
    /// # Errors
    /// When one is not installed, or does not start.
    pub(crate) fn start() -> Outcome<Self> {
        let folder = Folder::new("services")?;
        let (postgres, postgres_port) = postgres(folder.path())?;
        let (redis, redis_port) = redis(folder.path())?;
        let shared = Shared {
            database_url: format!("postgres://postgres@127.0.0.1:{postgres_port}/postgres"),
            redis_url: format!("redis://127.0.0.1:{redis_port}"),
        };
        Ok(Self { shared, _postgres: postgres, _redis: redis, _folder: folder })
    }
}

fn postgres(folder: &Path) -> Outcome<(Guarded, u16)> {
    let bin = postgres_bin()?;
    let user = instead_of_root(folder)?;
    if let Some((uid, gid)) = user {
        std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
    }
    let command = |program: &str| {
        use std::os::unix::process::CommandExt as _;
        let mut command = Command::new(bin.join(program));
        command.current_dir(folder).env("LC_ALL", "C");
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        command
    };
    let data = folder.join("data");
    let made = command("initdb")
        .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--pgdata"])
        .arg(&data)
        .output()?;
    if !made.status.success() {
        return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)).into());
    }
    let port = free_port()?;
    let mut server = command("postgres");
    server.arg("-D").arg(&data);
    for setting in [
        format!("port={port}"),
        format!("unix_socket_directories={}", folder.display()),
        "listen_addresses=127.0.0.1".to_owned(),
        "max_connections=300".to_owned(),
    ] {
        server.args(["-c", &setting]);
    }
    let (server, _) = Guarded::serve(&mut server, folder, READY, Signal::QUIT)?;
    Ok((server, port))
}

fn redis(folder: &Path) -> Outcome<(Guarded, u16)> {
    let folders = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].map(PathBuf::from);
    let program = ["redis-server", "valkey-server"].iter().find_map(|name| find(name, &folders));
    let program = program.ok_or("there is no redis-server: install it, or give --database-url and --redis-url")?;
    let port = free_port()?;
    let mut server = Command::new(program);
    server.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]);
    server.arg(folder);
    let (server, _) = Guarded::serve(&mut server, folder, READY, Signal::KILL)?;
    Ok((server, port))
}

/// A port that nobody listens on at this moment.
fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The folder of `initdb` and `postgres`: `PG_BIN`, else that of the PATH, else the distribution's newest.
fn postgres_bin() -> Outcome<PathBuf> {
    if let Some(bin) = std::env::var_os("PG_BIN") {
        return Ok(bin.into());
    }
    let entries = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let mut versions: Vec<(u32, PathBuf)> =
        entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))).collect();
    versions.sort();
    let installed: Vec<PathBuf> = versions.into_iter().rev().map(|(_, bin)| bin).collect();
    let initdb = find("initdb", &installed)
        .ok_or("there is no initdb of PostgreSQL: install it, set PG_BIN, or give --database-url and --redis-url")?;
    // a link on the PATH has no other programs beside it
    Ok(std::fs::canonicalize(initdb)?.parent().ok_or("initdb is in no folder")?.to_path_buf())
}

/// The program `name`: on the PATH, or in one of `folders`.
fn find(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(folders.iter().cloned()).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// PostgreSQL refuses to run as root: then it runs as its own user, or as nobody. `None` when nobody is root.
fn instead_of_root(folder: &Path) -> Outcome<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt as _;
    if std::fs::metadata(folder)?.uid() != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let user = ["postgres", "nobody"].iter().find_map(|name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2);
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    });
    Ok(Some(user.ok_or("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")?))
}
