//! Processes that this one starts, and that never outlive it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;

/// How long a process may take to start.
const START: Duration = Duration::from_mins(1);

/// How long a process may take to end when asked to.
const STOP: Duration = Duration::from_secs(15);

/// Waits for the end of this process, whatever it dies of: then its standard input closes. A process that does not end when
/// it is asked to is ended.
const WATCHDOG: &str = r#"
trap '' INT TERM HUP
read -r _
kill -s "$1" "$2"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    kill -s 0 "$2" 2>/dev/null || exit
    sleep 1
done
kill -s KILL "$2"
"#;

/// A new folder, removed with this value.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Among the system's temporary files.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn new(name: &str) -> Outcome<Self> {
        for number in 0_u32.. {
            let path = std::env::temp_dir().join(format!("qc-load-{name}-{}-{number}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(format!("cannot make {}: {error}", path.display()).into()),
            }
        }
        Err("every name for a temporary folder is taken".into())
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // what cannot be removed costs space, no more
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process that ends with this value, and at the latest with this program.
#[derive(Debug)]
pub(crate) struct Guarded {
    child: Child,
    watchdog: Child,
    signal: Signal,
}

impl Guarded {
    /// Starts `command`; `signal` asks it to end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn spawn(command: &mut Command, signal: Signal) -> Outcome<Self> {
        let name = PathBuf::from(command.get_program());
        let mut child = command.spawn().map_err(|error| format!("cannot start {}: {error}", name.display()))?;
        let mut watchdog = Command::new("/bin/sh");
        watchdog.args(["-c", WATCHDOG, "watchdog", &signal.as_raw().to_string(), &child.id().to_string()]);
        match watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).spawn() {
            Ok(watchdog) => Ok(Self { child, watchdog, signal }),
            Err(error) => {
                let _ = child.kill();
                Err(error.into())
            }
        }
    }

    /// The same for a server: its output goes to a file in `folder`, and it is ready once that says `ready`. What the
    /// file then holds comes with it.
    ///
    /// # Errors
    /// When it cannot be started, ends, or does not get ready; with the end of its output.
    pub(crate) fn serve(command: &mut Command, folder: &Path, ready: &str, signal: Signal) -> Outcome<(Self, String)> {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let log_path = folder.join(format!("{name}.log"));
        let log = File::create(&log_path)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut guarded = Self::spawn(command, signal)?;
        let deadline = Instant::now() + START;
        loop {
            let ended = guarded.child.try_wait()?;
            let text = std::fs::read_to_string(&log_path)?;
            if ended.is_none() && text.contains(ready) {
                return Ok((guarded, text));
            }
            if ended.is_some() || Instant::now() > deadline {
                let lines: Vec<&str> = text.lines().collect();
                let tail = lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n");
                return Err(format!("{name} did not start; the end of what it said:\n{tail}").into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as if its machine had died.
    pub(crate) fn kill(mut self) {
        self.signal = Signal::KILL;
    }

    /// Its standard input and output, if they were piped; once.
    pub(crate) fn pipes(&mut self) -> Option<(std::process::ChildStdin, std::process::ChildStdout)> {
        Some((self.child.stdin.take()?, self.child.stdout.take()?))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // first, while the id is certain to be the process's
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        let deadline = Instant::now() + STOP;
        let _ = kill_process(Pid::from_child(&self.child), self.signal);
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_when_it_says_so_and_ends_with_its_value() {
        let folder = Folder::new("test").unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo here I am; exec sleep 1000"]);
        let (server, text) = Guarded::serve(&mut command, folder.path(), "I am", Signal::TERM).unwrap();
        assert_eq!(text, "here I am\n");
        let stat = format!("/proc/{}/stat", server.pid());
        assert!(Path::new(&stat).exists());
        drop(server);
        assert!(!Path::new(&stat).exists());
    }

    #[test]
    fn a_process_that_is_killed_is_not_asked() {
        let folder = Folder::new("test").unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap 'echo asked >&2; exit' TERM; echo here I am; while :; do sleep 0.01; done"]);
        let (server, _) = Guarded::serve(&mut command, folder.path(), "I am", Signal::TERM).unwrap();
        server.kill();
        assert_eq!(std::fs::read_to_string(folder.path().join("sh.log")).unwrap(), "here I am\n");
    }

    #[test]
    fn a_server_that_does_not_start_is_told_with_its_last_words() {
        let folder = Folder::new("test").unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo the port is taken >&2; exit 3"]);
        let error = Guarded::serve(&mut command, folder.path(), "ready", Signal::TERM).unwrap_err();
        assert!(error.to_string().contains("the port is taken"), "{error}");
    }
}
