//! The real Prometheus with the repository's rules, as `deploy/observability/prometheus.yml` has them. Where servers are is a
//! matter of place, and how often it looks is a matter of patience; the rest is as it stands.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::http::Http;
use super::processes::{Folder, Server, find_program, on_a_free_port};
use crate::readme::{read, with};

/// It says so once it answers.
const READY: &str = "Server is ready to receive web requests";

/// A Prometheus that dies with this value.
#[derive(Debug)]
pub(crate) struct Prometheus {
    http: Http,
    _server: Server,
}

impl Prometheus {
    /// Starts one that looks at these instances and at this worker, every second.
    pub(crate) async fn start(instances: &[SocketAddr], worker: SocketAddr) -> Self {
        Self::start_with(config(instances, &[worker], &[])).await
    }

    /// Starts one that looks at this nginx, every second.
    pub(crate) async fn start_for_front(front: SocketAddr) -> Self {
        Self::start_with(config(&[], &[], &[front])).await
    }

    async fn start_with(config: String) -> Self {
        let start = move || on_a_free_port(|port| start(port, &config));
        let (server, port) = tokio::task::spawn_blocking(start).await.unwrap();
        Self { http: Http::new(([127, 0, 0, 1], port).into()), _server: server }
    }

    /// What it answers to an expression: a list of numbers with their labels.
    pub(crate) async fn ask(&self, expression: &str) -> Vec<Value> {
        let query = serde_urlencoded::to_string([("query", expression)]).unwrap();
        let answer = self.http.get(&format!("/api/v1/query?{query}")).await.json();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    /// Its rules, with how each of them is.
    pub(crate) async fn rules(&self) -> Vec<Value> {
        let answer = self.http.get("/api/v1/rules").await.json();
        let groups = answer["data"]["groups"].as_array().unwrap();
        groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).cloned().collect()
    }
}

/// The configuration, with these servers instead of those that Docker's names stand for.
fn config(instances: &[SocketAddr], workers: &[SocketAddr], fronts: &[SocketAddr]) -> String {
    let by_name = |name, port| {
        format!(
            "dns_sd_configs:\n      - names: [{name}]\n        type: A\n        port: {port}\n        refresh_interval: 10s\n"
        )
    };
    let listed = |targets: &[SocketAddr]| {
        let targets: Vec<_> = targets.iter().map(|addr| format!("\"{addr}\"")).collect();
        format!("static_configs:\n      - targets: [{}]\n", targets.join(", "))
    };
    let replaced = [
        (&*by_name("api", 8080), listed(instances)),
        (&*by_name("worker", 8080), listed(workers)),
        (&*by_name("nginx", 8081), listed(fronts)),
        ("scrape_interval: 15s", "scrape_interval: 1s".to_owned()),
        ("evaluation_interval: 15s", "evaluation_interval: 1s".to_owned()),
    ];
    with(read("deploy/observability/prometheus.yml"), &replaced)
}

fn start(port: u16, config: &str) -> Result<Server, String> {
    let taken_out = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/deploy-packages/usr/bin");
    let program = find_program("prometheus", &[taken_out]).expect("there is no Prometheus: run tests/run, which brings it");
    let folder = Folder::new("prometheus");
    let file = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    file("alerts.yml", &read("deploy/observability/alerts.yml"));
    let config = file("prometheus.yml", config);
    let line = [
        program.into_os_string(),
        format!("--config.file={}", config.display()).into(),
        format!("--storage.tsdb.path={}", folder.path().join("data").display()).into(),
        format!("--web.listen-address=127.0.0.1:{port}").into(),
    ];
    Server::start_saying(READY, folder, None, "TERM", &line)
}
