//! The real nginx with the repository's `nginx.conf`, as it stands. What is a matter of place (`place/http.conf` and
//! `place/server.conf`) is written here, as Docker's templates (`deploy/nginx/templates`) write it there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::processes::{Folder, Server, find_program, on_a_free_port};

/// nginx says this of itself once its ports are its own.
const READY: &str = "start worker process ";

/// The web app, as far as these tests need one.
const PAGE: &str = "<!doctype html><title>The app</title>";

/// What differs between one nginx and another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Where the instances are.
    pub(crate) instances: &'a [SocketAddr],
    /// Who is believed in `X-Forwarded-For`: an address or a network.
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
    server: Server,
}

impl Nginx {
    /// Starts one.
    pub(crate) async fn start(place: Place<'_>) -> Self {
        let http = http(place);
        let (server, port) = tokio::task::spawn_blocking(move || on_a_free_port(|port| start(port, &http))).await.unwrap();
        Self { addr: ([127, 0, 0, 1], port).into(), server }
    }

    /// What it has said: its errors, and a line for each request.
    pub(crate) fn log(&self) -> String {
        self.server.log()
    }
}

/// `place/http.conf`: as Docker's template, but for names that are resolved, which nginx 1.22 cannot.
fn http(Place { instances, trusted, rate, stripe_key }: Place<'_>) -> String {
    let servers: Vec<String> = instances.iter().map(|addr| format!("server {addr} max_fails=1 fail_timeout=2s;")).collect();
    format!(
        "upstream api {{ zone api 256k; least_conn; {} keepalive 64; keepalive_timeout 50s; }}\n\
         limit_req_zone $client zone=requests:1m rate={rate};\n\
         set_real_ip_from {trusted};\n\
         map \"\" $stripe_publishable_key {{ default \"{stripe_key}\"; }}\n",
        servers.join(" ")
    )
}

fn start(port: u16, http: &str) -> Result<Server, String> {
    let folders: Vec<PathBuf> = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].map(PathBuf::from).into();
    let program = find_program("nginx", &folders).expect("there is no nginx: run tests/run, which says what to install");
    let folder = Folder::new("nginx");
    let web = folder.path().join("web");
    let write = |path: &Path, text: &str| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(&web.join("index.html"), PAGE);
    write(&web.join("assets/app-1f2e3d.js"), "export {};\n");
    let config = folder.path().join("nginx.conf");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("nginx.conf"), &config).unwrap();
    write(&folder.path().join("place/http.conf"), http);
    write(&folder.path().join("place/server.conf"), &format!("listen 127.0.0.1:{port};\nroot {};\n", web.display()));
    let prefix = format!("{}/", folder.path().display());
    let mut line = vec![program.into_os_string()];
    line.extend(["-e", "stderr", "-p", &prefix].map(Into::into));
    line.extend(["-c".into(), config.into_os_string()]);
    // besides the file's own log, which does not say that all is well
    line.extend(["-g", "daemon off; error_log stderr notice;"].map(Into::into));
    Server::start_saying(READY, folder, None, "TERM", &line)
}
