//! Servers that a test process starts, and that never outlive it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// How long a server may take to start or to end; a busy machine needs a multiple of the usual second.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a program may take that ends by itself: the longest builds a program, or plays every story in browsers.
pub(crate) const OF_A_PROGRAM: Duration = Duration::from_mins(20);

/// PostgreSQL and Redis say this in their log, and only once they do is the port theirs.
const READY: &str = "eady to accept connections";

/// Its name in the server's folder.
const LOG: &str = "log";

/// Runs the server and waits for the end of the test process: then the other end of its standard input closes, whatever
/// the process died of. A stop that was asked for takes the folder with it; after a failure the log is still wanted.
const WATCHDOG: &str = r#"
signal=$1 folder=$2
shift 2
trap '' INT TERM HUP
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(
    read -r _ <&3
    : >"$folder/stopping"
    kill -s "$signal" "$server"
) &
watcher=$!
exec 3<&-
wait "$server"
status=$?
if [ -e "$folder/stopping" ]; then rm -rf "$folder"; else kill -s KILL "$watcher"; fi
exit "$status"
"#;

/// What a program printed once it has ended. One that does not end by itself is ended, or the tests would wait for it for ever.
pub(crate) async fn output(program: &mut tokio::process::Command) -> Output {
    let output = program.stdin(Stdio::null()).kill_on_drop(true).output();
    tokio::time::timeout(OF_A_PROGRAM, output).await.expect("it ends by itself").unwrap()
}

/// A program of a test; it dies with this value, and nothing of it is waited for without an end.
#[derive(Debug)]
pub(crate) struct Program(Child);

impl Program {
    /// Starts it; what it prints goes where `command` says.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    /// What it prints up to and including the line with `word`; its standard output must be a pipe.
    pub(crate) async fn says(&mut self, word: &'static str) -> String {
        let output = BufReader::new(self.0.stdout.take().expect("its output is a pipe, read once"));
        let read = tokio::task::spawn_blocking(move || {
            let (mut said, mut lines) = (String::new(), output.lines().map(Result::unwrap));
            while !said.contains(word) {
                said += &lines.next().unwrap_or_else(|| panic!("it ended before it said {word}: {said}"));
                said.push('\n');
            }
            said
        });
        if let Ok(said) = tokio::time::timeout(PATIENCE, read).await {
            return said.unwrap();
        }
        // or the reader would wait on
        let _ = self.0.kill();
        panic!("it does not say {word}");
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// How it ended.
    pub(crate) async fn code(&mut self) -> Option<i32> {
        let ended = async {
            loop {
                if let Some(status) = self.0.try_wait().unwrap() {
                    return status.code();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("it ends")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A number that no other caller in this process gets.
pub(crate) fn unique() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// A new folder, removed with this value.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        loop {
            let path = std::env::temp_dir().join(format!("qc-test-{name}-{}-{}", std::process::id(), unique()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // left behind by a process that had the same id
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("cannot make the folder {}: {error}", path.display()),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // a folder that cannot be removed is no reason to fail a test
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A user to run a server as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// PostgreSQL refuses to run as root: then it runs as its own user, or as nobody. `None` when nobody is root.
    pub(crate) fn instead_of_root(folder: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        if std::fs::metadata(folder).unwrap().uid() != 0 {
            return None;
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap();
        let user = ["postgres", "nobody"].iter().find_map(|name| {
            let fields: Vec<&str> =
                users.lines().map(|line| line.split(':').collect()).find(|f: &Vec<&str>| f[0] == *name)?;
            Some(Self { uid: fields.get(2)?.parse().ok()?, gid: fields.get(3)?.parse().ok()? })
        });
        Some(user.expect("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody"))
    }

    /// Gives `folder` to this user.
    pub(crate) fn own(self, folder: &Path) {
        std::os::unix::fs::chown(folder, Some(self.uid), Some(self.gid)).unwrap();
    }
}

/// `command`, as `user` if one is given, in the C locale and far from the folder of the sources.
pub(crate) fn command(program: &Path, user: Option<User>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C");
    if let Some(User { uid, gid }) = user {
        command.uid(uid).gid(gid);
    }
    command
}

/// A server that dies with this value, and at the latest with this process.
#[derive(Debug)]
pub(crate) struct Server {
    watchdog: Child,
    // after the server that uses it
    folder: Folder,
}

impl Server {
    /// Starts `command` with its log in `folder`, and waits until it is ready. `signal` is what ends it.
    ///
    /// # Errors
    /// The end of its log, when it does not start.
    pub(crate) fn start(folder: Folder, user: Option<User>, signal: &str, line: &[OsString]) -> Result<Self, String> {
        Self::start_saying(READY, folder, user, signal, line)
    }

    /// The same of a server that says `ready` once it is.
    ///
    /// # Errors
    /// The end of its log, when it does not start.
    pub(crate) fn start_saying(
        ready: &str,
        folder: Folder,
        user: Option<User>,
        signal: &str,
        line: &[OsString],
    ) -> Result<Self, String> {
        let log = File::create(folder.path().join(LOG)).unwrap();
        let watchdog = command(Path::new("/bin/sh"), user, folder.path())
            .args(["-c", WATCHDOG, "watchdog", signal])
            .arg(folder.path())
            .args(line)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            // an interrupt from the terminal is for the tests; the watchdog is still needed then
            .process_group(0)
            .spawn()
            .unwrap();
        let mut server = Self { watchdog, folder };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = server.log();
            let end = server.watchdog.try_wait().unwrap();
            if end.is_none() && text.contains(ready) {
                return Ok(server);
            }
            if end.is_some() || Instant::now() > deadline {
                let lines: Vec<&str> = text.lines().collect();
                let tail = lines[lines.len().saturating_sub(20)..].join("\n");
                return Err(format!("{} did not start ({end:?}); the end of its log:\n{tail}", line[0].display()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.watchdog.try_wait().unwrap().is_none()
    }

    /// What it has said.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.folder.path().join(LOG)).unwrap()).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// Starts a server on a port that was free a moment ago, and tries again when somebody else was faster.
pub(crate) fn on_a_free_port(mut start: impl FnMut(u16) -> Result<Server, String>) -> (Server, u16) {
    let mut errors = Vec::new();
    for _ in 0..3 {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        match start(port) {
            Ok(server) => return (server, port),
            Err(error) => errors.push(error),
        }
    }
    panic!("{}", errors.join("\n"));
}

/// A port on which nobody listens, and nobody else can: connections to it are refused for as long as this is there.
#[derive(Debug)]
pub(crate) struct ClosedPort {
    pub(crate) addr: SocketAddr,
    _socket: Socket,
}

impl ClosedPort {
    /// Any one.
    pub(crate) fn any() -> Self {
        Self::at(0)
    }

    /// This one, on which somebody has listened until now.
    pub(crate) fn at(port: u16) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
        let addr = socket.local_addr().unwrap().as_socket().unwrap();
        Self { addr, _socket: socket }
    }
}

/// The program `name`: on the PATH, or in one of `folders`.
pub(crate) fn find_program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(folders.iter().cloned()).map(|f| f.join(name)).find(|f| f.is_file())
}
