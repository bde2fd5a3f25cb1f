//! The protocols are spoken as their authors check it: with their own programs, against the real server.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use crate::support::processes::{self, Folder};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! { every_audit_of_graphql_over_http_is_met }

/// The `graphql-http` package's audits: what the specification demands, what it recommends, and what it allows.
async fn every_audit_of_graphql_over_http_is_met(shape: Shape) {
    let app = TestApp::start(shape).await;
    let audit = run("http-audit.mjs", &[&format!("http://{}/graphql", app.addr)]).await;
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

/// What the schema promises is written down apart from it, so that no change of the code changes the promise.
#[tokio::test]
async fn the_schema_keeps_what_the_contract_promises() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (contract, schema) = (root.join("docs/contract.graphql"), root.join("schema.graphql"));
    let compare = async |schema: &Path| {
        let compared = run("contract.mjs", &[contract.to_str().unwrap(), schema.to_str().unwrap()]).await;
        (compared.status.success(), String::from_utf8(compared.stdout).unwrap() + &String::from_utf8_lossy(&compared.stderr))
    };
    let (is_kept, said) = compare(&schema).await;
    assert!(is_kept && said == "0 differences\n", "{said}");

    let (folder, text) = (Folder::new("contract"), std::fs::read_to_string(&schema).unwrap());
    let changed = folder.path().join("changed.graphql");
    for (before, after) in [
        ("  number: String!", "  no: String!"),
        ("  placeOrder(", "  createOrder("),
        ("failedOnly: Boolean = false", "failedOnly: Boolean = true"),
    ] {
        assert!(text.contains(before), "{before} is not in schema.graphql: take something else that is");
        std::fs::write(&changed, text.replace(before, after)).unwrap();
        let (is_kept, said) = compare(&changed).await;
        assert!(!is_kept && !said.contains("\n0 differences"), "{after} was not noticed: {said}");
    }
}

/// Runs one of the programs of `tests/protocol` with `arguments`.
async fn run(program: &str, arguments: &[&str]) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/protocol");
    assert!(
        folder.join("node_modules").is_dir(),
        "the checks are not installed: run tests/run, or `npm ci` in {}",
        folder.display()
    );
    let mut command = Command::new("node");
    processes::output(command.arg(program).args(arguments).current_dir(&folder)).await
}
