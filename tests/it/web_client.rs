//! The web client as people see it: Playwright plays its stories in Chromium, with a browser for each role, against the
//! program itself, which it starts, kills and starts again (`client-examples/web/e2e`).

use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::client_examples::example;
use crate::support::processes::{self, OF_A_PROGRAM};

/// How long a page may take for anything, while other tests have the machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// Four browsers at once are enough, and there is one folder for what is built.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Builds the pages and plays the stories in `files`, or all of them, against `instances` of the program, set up by `settings`.
pub(crate) async fn play(files: &[&str], name: &str, instances: u32, settings: &Value, has_nginx: bool) {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = example("web");
    let run = async |program: &str, args: &[&str]| {
        let program = folder.join("node_modules/.bin").join(program);
        let mut command = Command::new(program);
        command.args(args).current_dir(&folder);
        command
            .env("QC_SERVER", env!("CARGO_BIN_EXE_quick-commerce"))
            .env("QC_SETTINGS", settings.to_string())
            .env("QC_INSTANCES", instances.to_string())
            .env("QC_NGINX", u8::from(has_nginx).to_string())
            .env("QC_PATIENCE_MS", PATIENCE.as_millis().to_string())
            .env_remove("PICTURES");
        let done = processes::output(&mut command).await;
        let [out, err] = [&done.stdout, &done.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert!(done.status.success(), "{}\n{out}\n{err}", done.status);
        out
    };
    run("vite", &["build", "--logLevel", "warn"]).await;
    // pictures of what failed stay there
    let results = format!("--output=test-results/{name}");
    // before it is ended from here, and nothing is known of what it waited for
    let limit = format!("--global-timeout={}", (OF_A_PROGRAM * 9 / 10).as_millis());
    let out = run("playwright", &[&["test", &results, &limit], files].concat()).await;
    assert!(out.contains(" passed"), "{out}");
    assert_eq!(out.contains(" skipped"), !has_nginx, "what is about nginx, and nothing else, is left out: {out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_desks_live_through_a_kill_and_everybody_can_use_them() {
    play(&[], "embedded", 1, &json!({}), false).await;
}
