//! Work that was given up: an admin sees it, of whichever kind, and has it tried again; so do the metrics.

use std::collections::BTreeSet;

use entity::job;
use quick_commerce::platform::jobs;
use quick_commerce::serve;
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::json;

use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    work_of_every_kind_that_was_given_up_is_seen_and_tried_again,
}

const DEAD: &str = "{ admin { deadJobs(first: 100) { nodes { kind attempts lastError } } } }";

const RETRY: &str =
    "mutation($input: RetryJobsInput!) { retryJobs(input: $input) { retried userErrors { code message field } } }";

async fn work_of_every_kind_that_was_given_up_is_seen_and_tried_again(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let kinds = serve::job_kinds(&app.app);
    assert!(kinds.contains("webhooks.send") && kinds.contains("payments.refund") && kinds.len() >= 11, "{kinds:?}");
    let metrics = app.http.get("/metrics").await;
    let metrics = metrics.text();
    for kind in &kinds {
        for outcome in ["done", "failed"] {
            let attempts = format!("quick_commerce_job_attempts_total{{kind=\"{kind}\",outcome=\"{outcome}\"}}");
            assert!(metrics.contains(&attempts), "{attempts} is not among\n{metrics}");
        }
    }
    let now = app.clock.now();
    let rows = kinds.iter().map(|kind| {
        let row = job::Model {
            id: app.app.ids.uuid(),
            kind: (*kind).to_owned(),
            key: "nothing of the kind".to_owned(),
            group_key: None,
            // what none of them can read
            payload: json!(7),
            attempts: 3,
            run_at: now,
            last_error: Some("It was of no use.".to_owned()),
            created_at: now,
            died_at: Some(now),
        };
        row.into_active_model()
    });
    job::Entity::insert_many(rows).exec_without_returning(app.app.db.writer()).await.unwrap();
    let seen = async || {
        let answer = admin.query(DEAD, json!({})).await;
        let nodes = answer.data()["admin"]["deadJobs"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| (node["kind"].as_str().unwrap().to_owned(), node["attempts"].as_i64().unwrap())).collect()
    };
    let expected: BTreeSet<(String, i64)> = kinds.iter().map(|kind| ((*kind).to_owned(), 3)).collect();
    assert_eq!(seen().await, expected);
    let dead = format!("quick_commerce_jobs_dead {}\n", kinds.len());
    crate::support::wait::until(async || app.http.get("/metrics").await.text().contains(&dead)).await;
    for kind in &kinds {
        let retried = admin.mutate(RETRY, json!({ "kind": kind })).await;
        assert_eq!(retried.ok("retryJobs")["retried"], 1, "{kind}");
    }
    // each was tried by a worker that knows it, which cannot read it, and is given up again
    crate::support::wait::until(async || {
        let given_up: BTreeSet<(String, i64)> = seen().await;
        given_up == kinds.iter().map(|kind| ((*kind).to_owned(), 1)).collect()
    })
    .await;
    assert_eq!(jobs::backlog(app.app.db.reader()).await.unwrap().waiting, 0);
}
