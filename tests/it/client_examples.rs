//! The examples that others begin with work as they are written, against the real server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use quick_commerce::config::Config;
use quick_commerce::demo;
use tokio::process::Command;

use crate::commands::SECRET;
use crate::support::processes::{self, unique};
use crate::support::redis::Redis;
use crate::support::shape::TestDatabase;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    the_story_ends_well,
    the_partner_bot_delivers_each_order_once,
    a_third_party_s_program_works_with_a_key,
    the_packer_in_rust_packs_what_is_ordered,
    every_question_of_an_admin_has_an_answer,
    the_simulator_keeps_the_demo_busy,
}

/// The folder of the example `name`, which must be installed.
pub(crate) fn example(name: &str) -> PathBuf {
    installed(name, "node_modules", "npm ci")
}

/// The folder of the example `name`, in which `command` must have made `folder`.
fn installed(name: &str, folder: &str, command: &str) -> PathBuf {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("client-examples").join(name);
    assert!(
        example.join(folder).is_dir(),
        "the example is not installed: run tests/run, or `{command}` in {}",
        example.display()
    );
    example
}

/// A server with the demo data that sends webhooks to this machine too.
async fn shop(shape: Shape) -> (TestApp, String) {
    shop_with(shape, |_| {}).await
}

/// The same, with another configuration.
async fn shop_with(shape: Shape, change: impl FnOnce(&mut Config)) -> (TestApp, String) {
    let app = TestApp::start_with(shape, |config| {
        config.webhooks.is_http_allowed = true;
        config.webhooks.networks = vec!["127.0.0.0/8".parse().unwrap()];
        change(config);
    })
    .await;
    assert!(demo::seed(&app.app).await.unwrap(), "the database was empty");
    let url = format!("http://{}", app.addr);
    (app, url)
}

/// What `program` prints; it must succeed.
async fn output(program: &mut Command) -> String {
    let done = processes::output(program).await;
    let [out, err] = [&done.stdout, &done.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(done.status.success(), "{}\n{out}\n{err}", done.status);
    out
}

async fn the_story_ends_well(shape: Shape) {
    let (_app, url) = shop(shape).await;
    let out = output(Command::new("node").args(["story.mjs", &url]).current_dir(example("story"))).await;
    assert!(out.trim_end().ends_with("story: ok"), "{out}");
}

async fn the_partner_bot_delivers_each_order_once(shape: Shape) {
    let database = TestDatabase::new(shape).await;
    let mut selftest = Command::new("node");
    selftest.args(["--import", "tsx", "selftest/selftest.ts"]).current_dir(example("partner-bot")).env_remove("REDIS_URL");
    // it starts the server itself, and starts it anew while the bot is on its way
    selftest.env("SERVER_PROGRAM", env!("CARGO_BIN_EXE_quick-commerce"));
    selftest.env("DATABASE_URL", database.url()).env("DATABASE_CONNECTIONS", "8").env("JWT_SECRET", SECRET);
    if shape == Shape::Production {
        selftest.env("REDIS_URL", Redis::shared().await.url()).env("REDIS_PREFIX", format!("bot{}", unique()));
    }
    let out = output(&mut selftest).await;
    assert!(out.trim_end().ends_with("selftest: ok"), "{out}");
}

async fn a_third_party_s_program_works_with_a_key(shape: Shape) {
    let (app, url) = shop(shape).await;
    let folder = installed("python-integration", ".venv", "./install");
    let mut tests = Command::new(folder.join(".venv/bin/pytest"));
    tests.args(["-p", "no:cacheprovider"]).current_dir(folder).env_remove("REDIS_URL");
    tests.envs([("QC_URL", url.as_str()), ("QC_WEBHOOKS", "1")]);
    let skipped = match shape {
        // there is no Redis to read
        Shape::Embedded => true,
        Shape::Production => {
            let config = &app.app.config;
            let stream = format!("{}:{}", config.redis_prefix, config.event_stream.as_ref().unwrap().name);
            tests.env("REDIS_URL", Redis::shared().await.url()).env("REDIS_STREAM", stream);
            false
        }
    };
    let out = output(&mut tests).await;
    assert_eq!(out.contains(", 3 skipped"), skipped, "those of the stream, and no others: {out}");
    assert_eq!(out.contains("skipped"), skipped, "{out}");
}

async fn the_packer_in_rust_packs_what_is_ordered(shape: Shape) {
    // so that the packer's is worn out while it works
    let (_app, url) = shop_with(shape, |config| config.access_token = Duration::from_secs(20)).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("client-examples/rust-client");
    let mut tests = Command::new(env!("CARGO"));
    tests.args(["test", "--locked", "--", "--include-ignored"]).current_dir(folder).env("QC_URL", &url);
    let out = output(&mut tests).await;
    for name in [
        "the_program_prints_the_store_what_is_low_and_what_it_packs",
        "orders_are_packed_although_the_line_is_cut",
        "orders_are_packed_when_the_token_is_worn_out",
    ] {
        assert!(out.contains(&format!("test {name} ... ok")), "{name} in {out}");
    }
}

async fn every_question_of_an_admin_has_an_answer(shape: Shape) {
    let (_app, url) = shop(shape).await;
    output(Command::new("node").args(["ask.mjs", "all", &url]).current_dir(example("graphiql"))).await;
}

async fn the_simulator_keeps_the_demo_busy(shape: Shape) {
    let (_app, url) = shop(shape).await;
    let mut simulator = Command::new("node");
    simulator.arg("simulator.mjs").current_dir(example("../deploy/simulator")).env("QC_URL", &url);
    simulator.envs([("RUN_DELIVERIES", "2"), ("RUN_SECONDS", "180"), ("ORDERS_PER_MINUTE", "60")]);
    simulator.envs([("THINK_SECONDS", "1"), ("SPEED_KMH", "6000"), ("REPORT_SECONDS", "0.2")]);
    let out = output(&mut simulator).await;
    assert!(out.matches(" delivers ").count() >= 2, "{out}");
}
