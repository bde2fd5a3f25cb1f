//! The real nginx with the repository's `nginx.conf`, as it stands but for where its error log is. What is a matter of place
//! (`place/http.conf` and `place/server.conf`) is made of Docker's templates (`deploy/nginx/templates`), as the image makes it
//! there.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::processes::{Folder, Server, find_program, on_a_free_port};
use super::tls::Certificate;
use crate::readme::{read, with};

/// nginx says this of itself once its ports are its own.
const READY: &str = "start worker process ";

/// Its error log, in its folder.
const ERRORS: &str = "errors";

/// As the server has it by default.
const MAX_BODY_BYTES: &str = "1048576";

/// The web app, as far as these tests need one.
const PAGE: &str = "<!doctype html><title>The app</title>";

/// A line of a script that is long enough to be compressed.
pub(crate) const LARGE: &str = "export const answer = 42;\n";

/// What stands for a script that the image has compressed.
pub(crate) const READY_MADE: &str = "compressed before";

/// What differs between one nginx and another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Where the instances are.
    pub(crate) instances: &'a [SocketAddr],
    /// Who is believed in `X-Forwarded-For`: addresses and networks, separated by commas.
    pub(crate) trusted: &'a str,
    /// How many requests a client may make for long, as nginx writes it: `50r/s`.
    pub(crate) rate: &'a str,
    /// The key by which the web app shows Stripe's form; empty for none.
    pub(crate) stripe_key: &'a str,
}

/// An nginx that dies with this value.
#[derive(Debug)]
pub(crate) struct Nginx {
    /// Where clients come in.
    pub(crate) addr: SocketAddr,
    /// The same over TLS, where it was started with that.
    pub(crate) tls: SocketAddr,
    /// Where Prometheus asks.
    pub(crate) watched: SocketAddr,
    /// Its error log, as `nginx.conf` has it.
    errors: PathBuf,
    server: Server,
}

impl Nginx {
    /// Starts one.
    pub(crate) async fn start(place: Place<'_>) -> Self {
        Self::start_with(place, None, shipped_conf()).await
    }

    /// Starts one that lets a client have so many connections instead of two thousand.
    pub(crate) async fn start_with_connections(place: Place<'_>, connections: usize) -> Self {
        let limit = ("limit_conn connections 2000;", format!("limit_conn connections {connections};"));
        Self::start_with(place, None, with(shipped_conf(), &[limit])).await
    }

    /// Starts one that clients come to over TLS as well, by `deploy/nginx/tls.conf.example`.
    pub(crate) async fn start_with_tls(place: Place<'_>, certificate: &Arc<Certificate>) -> Self {
        Self::start_with(place, Some(Arc::clone(certificate)), shipped_conf()).await
    }

    async fn start_with(place: Place<'_>, certificate: Option<Arc<Certificate>>, conf: String) -> Self {
        let http = http(place);
        let start = move || {
            let (mut tls, mut watched, mut errors) = (None, 0, PathBuf::new());
            let (server, port) = on_a_free_port(|port| {
                tls = certificate.as_deref().map(|certificate| (free_port(), certificate));
                watched = free_port();
                let http = with(http.clone(), &[("listen 8081;", format!("listen 127.0.0.1:{watched};"))]);
                let folder = Folder::new("nginx");
                errors = folder.path().join(ERRORS);
                start(folder, port, &conf, &http, tls)
            });
            (server, [port, tls.map_or(0, |(port, _)| port), watched], errors)
        };
        let (server, ports, errors) = tokio::task::spawn_blocking(start).await.unwrap();
        let [addr, tls, watched] = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        Self { addr, tls, watched, errors, server }
    }

    /// What it has said: all that it notices, and a line for each request.
    pub(crate) fn log(&self) -> String {
        self.server.log()
    }

    /// What it has said on standard error, were it not for the tests.
    pub(crate) fn errors(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap()
    }
}

/// One that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A file of `deploy/nginx`.
fn shipped(path: &str) -> String {
    read(&format!("deploy/nginx/{path}"))
}

/// `nginx.conf`, with its error log apart from what these tests have it say besides.
fn shipped_conf() -> String {
    with(read("nginx.conf"), &[("error_log               stderr ", format!("error_log {ERRORS} "))])
}

/// `place/http.conf`: Docker's template, but for names that are asked for again, which nginx 1.22 cannot.
fn http(Place { instances, trusted, rate, stripe_key }: Place<'_>) -> String {
    let by_name = "server ${API_HOST}:${API_PORT} resolve ";
    let template = shipped("templates/place/http.conf.template");
    assert_eq!(template.matches(by_name).count(), 1, "{template}");
    let mut lines = Vec::new();
    for line in template.lines().filter(|line| !line.starts_with("resolver")) {
        match line.trim_start().strip_prefix(by_name) {
            Some(rest) => lines.extend(instances.iter().map(|addr| format!("server {addr} {rest}"))),
            None => lines.push(line.to_owned()),
        }
    }
    let made = lines
        .join("\n")
        .replace("${REQUESTS_PER_SECOND}r/s", rate)
        .replace("${MAX_BODY_BYTES}", MAX_BODY_BYTES)
        .replace("${TRUSTED_PROXY_LINES}", &trusted_lines(trusted))
        .replace("${STRIPE_PUBLISHABLE_KEY}", stripe_key);
    assert!(!made.contains("${"), "{made}");
    made
}

/// A line for each of those who are trusted, as the image makes them.
fn trusted_lines(trusted: &str) -> String {
    let script = format!("{}\nprintf %s \"$TRUSTED_PROXY_LINES\"", shipped("trusted-proxy.envsh"));
    let made = Command::new("sh").args(["-c", &script]).env("TRUSTED_PROXY", trusted).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap()
}

/// `place/server.conf`: Docker's template, but for where it listens and where its files are.
fn server(port: u16, folder: &Path) -> String {
    let tls = folder.join("tls");
    let replaced = [
        ("listen 8080 ", format!("listen 127.0.0.1:{port} ")),
        ("root /srv/web;", format!("root {};", folder.join("web").display())),
        ("include /etc/nginx/tls/*.conf;", format!("include {}/*.conf;", tls.display())),
    ];
    placed("templates/place/server.conf.template", &replaced)
}

/// `tls.conf`: the example, but for where it listens and where its files are.
fn tls(port: u16, folder: &Path) -> String {
    let tls = folder.join("tls");
    let replaced = [
        // as nginx 1.22 has it, and newer ones still do
        ("listen 8443 ssl ", format!("listen 127.0.0.1:{port} ssl http2 ")),
        ("http2  on;", String::new()),
        ("/etc/nginx/tls/fullchain.pem;", format!("{};", tls.join("fullchain.pem").display())),
        ("/etc/nginx/tls/privkey.pem;", format!("{};", tls.join("privkey.pem").display())),
    ];
    placed("tls.conf.example", &replaced)
}

/// A file of `deploy/nginx` with something else in place of what it has, once each.
fn placed(path: &str, replaced: &[(&str, String)]) -> String {
    with(shipped(path), replaced)
}

fn start(
    folder: Folder,
    port: u16,
    conf: &str,
    http: &str,
    over_tls: Option<(u16, &Certificate)>,
) -> Result<Server, String> {
    let folders: Vec<PathBuf> = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].map(PathBuf::from).into();
    let program = find_program("nginx", &folders).expect("there is no nginx: run tests/run, which says what to install");
    let web = folder.path().join("web");
    let write = |path: &Path, text: &str| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(&web.join("index.html"), PAGE);
    write(&web.join("assets/app-1f2e3d.js"), "export {};\n");
    write(&web.join("assets/large-1f2e3d.js"), &LARGE.repeat(200));
    write(&web.join("assets/ready-1f2e3d.js"), &LARGE.repeat(200));
    write(&web.join("assets/ready-1f2e3d.js.gz"), READY_MADE);
    let config = folder.path().join("nginx.conf");
    write(&config, conf);
    write(&folder.path().join("place/http.conf"), http);
    write(&folder.path().join("place/server.conf"), &server(port, folder.path()));
    if let Some((port, certificate)) = over_tls {
        write(&folder.path().join("tls/fullchain.pem"), &certificate.pem);
        write(&folder.path().join("tls/privkey.pem"), &certificate.key);
        write(&folder.path().join("tls/tls.conf"), &tls(port, folder.path()));
    }
    let prefix = format!("{}/", folder.path().display());
    let mut line = vec![program.into_os_string()];
    line.extend(["-e", "stderr", "-p", &prefix].map(Into::into));
    line.extend(["-c".into(), config.into_os_string()]);
    // besides the file's own log, which does not say that all is well
    line.extend(["-g", "daemon off; error_log stderr notice;"].map(Into::into));
    Server::start_saying(READY, folder, None, "TERM", &line)
}
