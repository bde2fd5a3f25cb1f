//! The program itself, with a few sockets: that it measures, not what.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The server that `cargo test --workspace` has built beside this program.
fn server() -> PathBuf {
    let server = Path::new(env!("CARGO_BIN_EXE_load")).with_file_name("quick-commerce");
    assert!(server.is_file(), "build the server first: cargo build");
    server
}

/// Runs it with `arguments`; the tables, and everything as JSON.
fn run(name: &str, arguments: &[&str]) -> (String, Value) {
    let json = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.json", std::process::id()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_load"));
    command.arg("run").arg("--server").arg(server()).arg("--json").arg(&json).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    std::fs::remove_file(&json).unwrap();
    (String::from_utf8(output.stdout).unwrap(), value)
}

#[test]
fn a_small_load_is_delivered_and_measured_in_both_shapes() {
    let small = ["--sockets", "20", "--messages", "400", "--latency-sockets", "20", "--seconds", "1", "--work", "10"];
    let (tables, json) = run("small", &small);
    assert_eq!(tables.matches("\n| 20 | ").count(), 2, "{tables}");
    let feed = &json["feed"][0];
    assert_eq!(feed["delivery"]["messages"], 400, "{json}");
    assert_eq!(feed["bare"]["same_rate"]["messages"], 400, "{json}");
    assert_eq!(feed["bare"]["flat_out"]["messages"], 400, "{json}");
    for shape in 0..2 {
        assert_eq!(json["latency"][shape]["from_commit"]["count"], 200, "{json}");
        assert_eq!(json["latency"][shape]["from_answer"]["count"], 200, "{json}");
    }
}

#[test]
fn an_event_reaches_every_idle_socket_of_several_servers() {
    let (tables, json) = run("idle", &["--idle", "30", "--instances", "2"]);
    assert!(tables.contains("\n| 30 | 0 | 2 | "), "{tables}");
    assert_eq!(json["idle"]["reached"], 30, "{json}");
}

#[test]
fn everybody_comes_back_from_an_instance_that_dies_and_is_told_what_they_missed() {
    let small = ["--measure", "storm", "--storm-sockets", "20", "--customers", "5", "--work", "10"];
    let (tables, json) = run("storm", &small);
    assert_eq!(tables.matches(" | 20 | 4 | ").count(), 2, "{tables}");
    assert_eq!(tables.matches(" | 20 | 5 | ").count(), 1, "{tables}");
    for follows in 0..3 {
        let storm = &json["storm"][follows];
        assert_eq!(storm["told"], storm["expected"], "{json}");
        assert_eq!(storm["back_us"]["count"], 20, "{json}");
        assert!(storm["missed_each"].as_f64().unwrap() >= 1.0, "{json}");
    }
}
