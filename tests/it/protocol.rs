//! The protocols are spoken as their authors check it: with their own programs, against the real server.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::process::Command;

use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! { every_audit_of_graphql_over_http_is_met }

/// The `graphql-http` package's audits: what the specification demands, what it recommends, and what it allows.
async fn every_audit_of_graphql_over_http_is_met(shape: Shape) {
    let app = TestApp::start(shape).await;
    let audit = run("http-audit.mjs", &format!("http://{}/graphql", app.addr)).await;
    let [out, err] = [&audit.stdout, &audit.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    let results = out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect::<Vec<_>>();
    let unmet = results.iter().filter(|result| result["status"] != "ok").collect::<Vec<_>>();
    assert!(audit.status.success() && unmet.is_empty(), "{}\n{unmet:#?}\n{err}", audit.status);
    for level in ["MUST", "SHOULD", "MAY"] {
        assert!(
            results.iter().any(|result| result["level"] == level),
            "no audit of what the server {level} do:\n{out}\n{err}"
        );
    }
}

/// Runs one of the programs of `tests/protocol` against `address`.
async fn run(program: &str, address: &str) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/protocol");
    assert!(
        folder.join("node_modules").is_dir(),
        "the checks are not installed: run tests/run, or `npm ci` in {}",
        folder.display()
    );
    let mut command = Command::new("node");
    command.args([program, address]).current_dir(&folder).stdin(Stdio::null()).kill_on_drop(true);
    command.output().await.unwrap()
}
