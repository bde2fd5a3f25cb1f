//! The servers that are measured: the real program, in either shape, or the broadcaster beside it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::api::{Api, People};
use crate::process::{Folder, Guarded};
use crate::services::Services;
use crate::{Outcome, broadcaster};

/// Settings that let one machine be all clients, of versions that have them. By default they bound how many sockets and
/// subscriptions one user or address may open, what they may ask, and how many accounts they may make.
const UNBOUNDED: [(&str, &str); 7] = [
    ("MAX_SOCKETS_PER_USER", "0"),
    ("MAX_SOCKETS_PER_ADDRESS", "0"),
    ("MAX_SUBSCRIPTIONS_PER_USER", "0"),
    ("MAX_SUBSCRIPTIONS_PER_ADDRESS", "0"),
    ("BUDGET_PER_USER", "0"),
    ("BUDGET_PER_ADDRESS", "0"),
    ("ATTEMPTS_PER_ADDRESS", "0"),
];

/// What the server prints when it can be connected to; the address follows.
const READY: &str = "GraphQL    http://";

/// Signs the tokens of instances that share a database. Nothing outlives the measurement.
const SECRET: &str = "a secret of the load program, and of nothing else";

/// The program to measure.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: PathBuf,
    settings: Vec<(String, String)>,
}

/// Where instances that work together keep what they share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    /// For `DATABASE_URL`.
    pub(crate) database_url: String,
    /// For `REDIS_URL`.
    pub(crate) redis_url: String,
}

/// A database with people in it, and whatever else servers need that share it.
#[derive(Debug)]
pub(crate) struct Site {
    program: Program,
    settings: Vec<(&'static str, String)>,
    // dropped after every server that uses them, since those are made from this
    folder: Folder,
    _services: Option<Services>,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    process: Guarded,
    addr: SocketAddr,
    // after the process that uses it
    _folder: Folder,
}

impl Program {
    /// The program at `path`, with `settings` of the user's besides those that the measurement needs.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) fn new(path: &Path, settings: &[(String, String)]) -> Outcome<Self> {
        let path = std::fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let help = Command::new(&path).arg("--help").env_clear().output()?;
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        let known = UNBOUNDED.iter().filter(|(name, _)| help.contains(name));
        let mut all: Vec<(String, String)> = known.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        // sockets are to live as long as the measurement
        all.push(("ACCESS_TOKEN_SECONDS".to_owned(), "86400".to_owned()));
        all.push(("LOG".to_owned(), "warn".to_owned()));
        all.extend_from_slice(settings);
        Ok(Self { path, settings: all })
    }

    /// Its name and version.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) fn version(&self) -> Outcome<String> {
        let output = Command::new(&self.path).arg("--version").env_clear().output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// A new SQLite database, for one server.
    ///
    /// # Errors
    /// When there is no place for it.
    pub(crate) fn embedded(&self) -> Outcome<Site> {
        let folder = Folder::new("site")?;
        let database_url = format!("sqlite://{}", folder.path().join("load.db").display());
        let settings = vec![("DATABASE_URL", database_url), ("JWT_SECRET", SECRET.to_owned())];
        Ok(Site { program: self.clone(), settings, folder, _services: None })
    }

    /// A PostgreSQL database, which must be empty or hold the demo's data, and a Redis: for as many servers as one likes.
    /// `services` run as long as the site is there.
    ///
    /// # Errors
    /// When the database cannot be migrated.
    pub(crate) fn shared(&self, shared: Shared, services: Option<Services>) -> Outcome<Site> {
        let settings =
            vec![("DATABASE_URL", shared.database_url), ("REDIS_URL", shared.redis_url), ("JWT_SECRET", SECRET.to_owned())];
        let site = Site { program: self.clone(), settings, folder: Folder::new("site")?, _services: services };
        let migrated = site.command(&site.folder).arg("migrate").output()?;
        if !migrated.status.success() {
            return Err(format!("cannot migrate: {}", String::from_utf8_lossy(&migrated.stderr).trim()).into());
        }
        Ok(site)
    }
}

impl Site {
    /// Everyone who is needed. They are made by a server that ends: hashing passwords takes more memory than many sockets
    /// do, and is not what is measured.
    ///
    /// # Errors
    /// When that server fails.
    pub(crate) async fn people(&self) -> Outcome<People> {
        let server = self.start_with(&[("DEMO", "true")])?;
        Api::new(server.addr()).people().await
    }

    /// A server. It must be gone before the site is.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(&self) -> Outcome<Server> {
        self.start_with(&[("DEMO", "false")])
    }

    /// One that answers and leaves the background work to others, which needs a site with Redis.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start_without_work(&self) -> Outcome<Server> {
        self.start_as(&["serve", "--no-work"], &[("DEMO", "false")])
    }

    fn start_with(&self, settings: &[(&str, &str)]) -> Outcome<Server> {
        self.start_as(&["serve"], settings)
    }

    fn start_as(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Outcome<Server> {
        let folder = Folder::new("server")?;
        let mut command = self.command(&folder);
        command.args(arguments).env("LISTEN_ADDR", "127.0.0.1:0").envs(settings.iter().copied());
        Server::start(&mut command, folder, READY, Signal::TERM)
    }

    fn command(&self, folder: &Folder) -> Command {
        let mut command = Command::new(&self.program.path);
        command.current_dir(folder.path()).env_clear();
        command.envs(self.settings.iter().map(|(name, value)| (*name, value)));
        command.envs(self.program.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Server {
    /// The bare broadcaster.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn broadcaster() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("broadcaster");
        Self::start(&mut command, Folder::new("broadcaster")?, broadcaster::READY, Signal::KILL)
    }

    fn start(command: &mut Command, folder: Folder, ready: &str, signal: Signal) -> Outcome<Self> {
        let (process, output) = Guarded::serve(command, folder.path(), ready, signal)?;
        let addr = address(&output, ready).ok_or_else(|| format!("no address in: {output}"))?;
        Ok(Self { process, addr, _folder: folder })
    }

    /// Where it listens.
    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Ends it at once, as if its machine had died.
    pub(crate) fn kill(self) {
        self.process.kill();
    }
}

/// The address after `ready` in what a server printed.
fn address(output: &str, ready: &str) -> Option<SocketAddr> {
    let (_, rest) = output.split_once(ready)?;
    let end = rest.find(|c: char| c == '/' || c.is_whitespace())?;
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_taken_from_what_a_server_prints() {
        let banner = "\n  GraphiQL   http://127.0.0.1:7/graphiql\n  GraphQL    http://127.0.0.1:4711/graphql\n";
        assert_eq!(address(banner, READY), Some(([127, 0, 0, 1], 4711).into()));
        assert_eq!(address("broadcaster: http://127.0.0.1:9\n", broadcaster::READY), Some(([127, 0, 0, 1], 9).into()));
        assert_eq!(address("nothing", READY), None);
    }

    #[test]
    fn the_broadcaster_starts_with_the_text_that_is_waited_for() {
        // the rest of its output is the address and the end of the line
        assert_eq!(address(&format!("{}127.0.0.1:80\n", broadcaster::READY), broadcaster::READY).unwrap().port(), 80);
    }
}
