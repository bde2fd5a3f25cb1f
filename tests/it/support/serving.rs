//! The program itself, serving in a process of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;

use super::processes::Folder;
use super::wait::until;
use crate::commands::{ALWAYS, program};

/// How long its end may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program, serving; it dies with this value.
pub(crate) struct Serving {
    process: Child,
    pub(crate) addr: SocketAddr,
    log: PathBuf,
    // after the process that uses it
    _folder: Folder,
}

impl Serving {
    /// Starts it with `settings`, on a port of its own.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_by(settings, |command| command).await
    }

    /// The same by a shell that gives it so many files to open, unless it asks for more.
    pub(crate) async fn start_with_files(files: u32, settings: &[(&str, &str)]) -> Self {
        let shell = |command: Command| {
            let mut shell = Command::new("/bin/sh");
            shell.arg("-c").arg(format!("ulimit -S -n {files} && exec \"$0\"")).arg(command.get_program());
            shell.current_dir(command.get_current_dir().unwrap()).env_clear();
            shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            shell
        };
        Self::start_by(settings, shell).await
    }

    async fn start_by(settings: &[(&str, &str)], how: impl FnOnce(Command) -> Command) -> Self {
        let folder = Folder::new("serving");
        let log = folder.path().join("log");
        let settings: Vec<(&str, &str)> = ALWAYS.iter().chain(settings).copied().collect();
        let mut command = how(program(&folder, &[], &settings));
        let mut process = command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        let output = process.stdout.take().unwrap();
        let addr = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(output).lines().map(Result::unwrap);
            let line = lines.find(|line| line.contains("/graphiql")).expect("it says where it listens");
            line.split("http://").nth(1).unwrap().trim_end_matches("/graphiql").parse().unwrap()
        });
        Self { process, addr: addr.await.unwrap(), log, _folder: folder }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until the first signal has come through: nobody is let in any more.
    pub(crate) async fn is_closed(&self) {
        until(|| async { TcpStream::connect(self.addr).await.is_err() }).await;
    }

    /// How it ended.
    pub(crate) async fn code(mut self) -> Option<i32> {
        let ended = async {
            loop {
                if let Some(status) = self.process.try_wait().unwrap() {
                    return status.code();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("it ends")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
