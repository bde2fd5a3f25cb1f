//! The witness of `deploy/smoke` looks on while behind nginx an instance is killed, Redis starts anew, and an instance is sent
//! away: without containers, and each of it the real thing.

use std::process::Stdio;

use quick_commerce::demo;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

use super::*;
use crate::client_examples::example;
use crate::support::TestParts;
use crate::support::redis::Redis;
use crate::support::serving::Serving;

/// How long the witness orders between one trouble and the next.
const A_WHILE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_witness_of_a_deployment_sees_nothing_go_wrong() {
    let parts = TestParts::build(Shape::Production).await;
    assert!(demo::seed(&parts.app).await.unwrap(), "the database was empty");
    let mut redis = Redis::private().await;
    let url = redis.url();
    let settings = [
        ("DATABASE_URL", parts.app.config.database_url.expose()),
        ("REDIS_URL", url.as_str()),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("DRAIN_SECONDS", "1"),
    ];
    let (killed, replaced, new) =
        tokio::join!(Serving::start(&settings), Serving::start(&settings), Serving::start(&settings));
    let instances = [killed.addr, replaced.addr, new.addr];
    let nginx = Nginx::start(Place { instances: &instances, trusted: NOBODY, rate: FREELY, stripe_key: "" }).await;

    let mut witness = Command::new("node");
    witness.arg("witness.mjs").current_dir(example("../deploy/simulator")).env("RUN_SECONDS", "3600");
    witness.env("QC_URL", format!("http://{}", nginx.addr));
    let mut witness = witness.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut said = BufReader::new(witness.stdout.take().unwrap());
    let mut begun = String::new();
    while !begun.contains("orders for") {
        let line = timeout(PATIENCE, said.read_line(&mut begun)).await.expect("it begins").unwrap();
        assert!(line > 0, "it ended: {begun}");
    }

    sleep(A_WHILE).await;
    killed.signal("KILL");
    assert_eq!(killed.code().await, None, "without a word");
    sleep(A_WHILE).await;
    redis.kill();
    sleep(A_WHILE).await;
    redis.start_again();
    sleep(A_WHILE).await;
    replaced.signal("TERM");
    assert_eq!(replaced.code().await, Some(0));
    sleep(A_WHILE).await;

    let id = witness.id().expect("it runs").to_string();
    assert!(std::process::Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
    let mut rest = String::new();
    let ended = timeout(2 * PATIENCE, async {
        said.read_to_string(&mut rest).await.unwrap();
        witness.wait().await.unwrap()
    });
    let status = ended.await.expect("it ends once everybody has been told");
    assert!(status.success() && rest.contains("each told in full to every follower"), "{status}\n{begun}{rest}");
}
