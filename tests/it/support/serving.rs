//! The program itself, serving in a process of its own.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tokio::net::TcpStream;

use super::processes::{Folder, Program};
use super::wait::until;
use crate::commands::{ALWAYS, program};

/// The program, serving; it dies with this value.
pub(crate) struct Serving {
    process: Program,
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
        let mut process = Program::start(command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()));
        let said = process.says("/graphiql").await;
        let addr = said.trim_end().rsplit("http://").next().unwrap().trim_end_matches("/graphiql").parse().unwrap();
        Self { process, addr, log, _folder: folder }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Waits until the first signal has come through: nobody is let in any more.
    pub(crate) async fn is_closed(&self) {
        until(|| async { TcpStream::connect(self.addr).await.is_err() }).await;
    }

    /// How it ended.
    pub(crate) async fn code(mut self) -> Option<i32> {
        self.process.code().await
    }
}
