//! The examples that others begin with work as they are written, against the real server.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use quick_commerce::demo;
use tokio::process::Command;

use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! { the_story_ends_well }

/// The folder of the example `name`, which must be installed.
pub(crate) fn example(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("client-examples").join(name);
    assert!(
        folder.join("node_modules").is_dir(),
        "the example is not installed: run tests/run, or `npm ci` in {}",
        folder.display()
    );
    folder
}

async fn the_story_ends_well(shape: Shape) {
    let app = TestApp::start(shape).await;
    assert!(demo::seed(&app.app).await.unwrap(), "the database was empty");
    let story = Command::new("node")
        .args(["story.mjs", &format!("http://{}", app.addr)])
        .current_dir(example("story"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let [out, err] = [&story.stdout, &story.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(story.status.success() && out.trim_end().ends_with("story: ok"), "{}\n{out}\n{err}", story.status);
}
