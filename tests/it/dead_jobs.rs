//! Work that was given up: an admin sees it, of whichever kind, and has it tried again; so do the metrics.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::id::{Kind, encode};
use entity::job;
use quick_commerce::accounts::service::cleaning as sessions;
use quick_commerce::notifications::pruning;
use quick_commerce::platform::jobs;
use quick_commerce::serve;
use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    work_of_every_kind_that_was_given_up_is_seen_and_tried_again,
    one_piece_of_work_is_told_from_others_and_tried_again_by_itself,
    messages_are_discarded_and_nothing_else,
    what_could_not_be_mailed_is_forgotten_with_what_it_told_of,
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
            ended_attempts: 3,
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

const DISCARD: &str =
    "mutation($input: DiscardJobsInput!) { discardJobs(input: $input) { discarded userErrors { code message field } } }";

/// The kinds that may be discarded, in their order.
const MESSAGES: [&str; 5] = [
    "accounts.send_email_verification",
    "accounts.send_password_reset",
    "notifications.email",
    "notifications.sms",
    "webhooks.send",
];

/// One of each kind that was given up at `died_at`, by number; their kinds.
async fn give_up(app: &TestApp, died_at: DateTime<Utc>) -> Vec<&'static str> {
    let kinds: Vec<&str> = serve::job_kinds(&app.app).into_iter().collect();
    let rows = (1_u128..).zip(&kinds).map(|(place, kind)| {
        let row = job::Model {
            id: Uuid::from_u128(place),
            kind: (*kind).to_owned(),
            key: "nothing of the kind".to_owned(),
            group_key: None,
            payload: about(kind, Uuid::from_u128(place)).0,
            attempts: 3,
            ended_attempts: 3,
            run_at: died_at,
            last_error: None,
            created_at: died_at,
            died_at: Some(died_at),
        };
        row.into_active_model()
    });
    job::Entity::insert_many(rows).exec_without_returning(app.app.db.writer()).await.unwrap();
    kinds
}

async fn left(app: &TestApp) -> BTreeSet<String> {
    let jobs = job::Entity::find().filter(job::Column::DiedAt.is_not_null()).all(app.app.db.reader()).await.unwrap();
    jobs.into_iter().map(|job| job.kind).collect()
}

async fn messages_are_discarded_and_nothing_else(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let kinds = give_up(&app, app.clock.now()).await;
    let id = |of: &str| {
        let place = kinds.iter().position(|kind| *kind == of).unwrap();
        encode(Kind::Job, Uuid::from_u128(u128::try_from(place).unwrap() + 1))
    };
    let discard = async |input: Value| admin.mutate(DISCARD, input).await;
    for (input, field, code) in [
        (json!({}), "kind", "INVALID_INPUT"),
        (json!({ "kind": "payments.refund" }), "kind", "INVALID_INPUT"),
        (json!({ "id": id("payments.refund") }), "id", "NOT_FOUND"),
        (json!({ "id": id("webhooks.send"), "kind": "notifications.sms" }), "id", "NOT_FOUND"),
    ] {
        let answer = discard(input).await;
        assert_eq!(answer.user_errors("discardJobs")[0]["field"], json!([field]));
        assert_eq!(answer.refusal("discardJobs"), code);
    }
    assert_eq!(left(&app).await.len(), kinds.len());
    let twice = [discard(json!({ "id": id("webhooks.send") })), discard(json!({ "id": id("webhooks.send") }))];
    let mut twice: Vec<Value> = futures_util::future::join_all(twice)
        .await
        .iter()
        .map(|answer| answer.data()["discardJobs"]["discarded"].clone())
        .collect();
    twice.sort_by_key(Value::is_null);
    assert_eq!(twice, [json!(1), Value::Null], "once, of two who ask for it");
    for kind in &MESSAGES[..4] {
        assert_eq!(discard(json!({ "kind": kind })).await.ok("discardJobs")["discarded"], 1, "{kind}");
        assert_eq!(discard(json!({ "kind": kind })).await.ok("discardJobs")["discarded"], 0, "{kind}");
    }
    let others = kinds.iter().filter(|kind| !MESSAGES.contains(kind)).map(|kind| (*kind).to_owned());
    assert_eq!(left(&app).await, others.collect());
    let log = admin.query("{ admin { auditLog(first: 100) { nodes { action targetId after } } } }", json!({})).await;
    let log = log.data()["admin"]["auditLog"]["nodes"].as_array().unwrap().clone();
    let discarded: Vec<&Value> = log.iter().filter(|entry| entry["action"] == "jobs.discard").collect();
    assert!(discarded.iter().any(|entry| entry["targetId"] == id("webhooks.send")), "{log:?}");
    assert_eq!(discarded.len(), 9, "what was refused is not on the record: {log:?}");
}

async fn what_could_not_be_mailed_is_forgotten_with_what_it_told_of(shape: Shape) {
    let app = TestApp::start(shape).await;
    let days = app.app.config.notification_retention;
    let kinds = give_up(&app, app.clock.now() - days - Duration::from_hours(1)).await;
    sessions::sweep(&app.app).await.unwrap();
    pruning::sweep(&app.app).await.unwrap();
    let is_kept = |kind: &&&str| **kind == "webhooks.send" || !MESSAGES.contains(*kind);
    let kept = kinds.iter().filter(is_kept).map(|kind| (*kind).to_owned());
    assert_eq!(left(&app).await, kept.collect());
    job::Entity::delete_many().exec(app.app.db.writer()).await.unwrap();
    let kinds = give_up(&app, app.clock.now()).await;
    sessions::sweep(&app.app).await.unwrap();
    pruning::sweep(&app.app).await.unwrap();
    assert_eq!(left(&app).await.len(), kinds.len(), "somebody may look at what is new");
}

/// Where the payloads of each kind say what it is about, and what a payload may hold beside that nobody is to read.
fn about(kind: &str, uuid: Uuid) -> (Value, Option<Kind>) {
    match kind {
        "payments.cancel" => (json!({ "id": uuid, "broken": 0, "pending": 0 }), Some(Kind::Payment)),
        "payments.refund" => (json!({ "id": uuid, "broken": 0, "pending": 0 }), Some(Kind::Refund)),
        "payments.ask" => (json!({ "id": uuid, "broken": 0, "pending": 0 }), Some(Kind::Order)),
        "accounts.send_password_reset" | "accounts.send_email_verification" => {
            (json!({ "user": uuid, "mail": Uuid::nil() }), Some(Kind::User))
        }
        "notifications.email" | "notifications.sms" => (json!({ "notification": uuid }), Some(Kind::Notification)),
        "webhooks.send" => (json!({ "delivery": uuid }), Some(Kind::WebhookDelivery)),
        "consumers.skipped" => (json!({ "consumer": "webhooks", "event": uuid }), Some(Kind::Event)),
        "sweeps.overdue" => (json!({ "sweep": "orders.expire_unpaid", "id": uuid }), Some(Kind::Order)),
        "sandbox.late" | "sandbox.callback" => (json!({ "id": uuid, "secret": "hunter2" }), None),
        other => panic!("say what {other} is about, and in src/analytics/jobs.rs"),
    }
}

async fn one_piece_of_work_is_told_from_others_and_tried_again_by_itself(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let now = app.clock.now();
    let kinds: Vec<&str> = serve::job_kinds(&app.app).into_iter().collect();
    let mut expected = Vec::new();
    for (place, kind) in (1_u128..).zip(&kinds) {
        let (payload, of) = about(kind, Uuid::from_u128(place));
        let row = job::Model {
            id: app.app.ids.uuid(),
            kind: (*kind).to_owned(),
            key: format!("hunter2-{place}"),
            group_key: None,
            payload,
            attempts: 3,
            ended_attempts: 3,
            run_at: now,
            last_error: None,
            created_at: now,
            died_at: Some(now),
        };
        expected.push(json!({
            "id": encode(Kind::Job, row.id),
            "kind": kind,
            "subject": of.map(|of| encode(of, Uuid::from_u128(place))),
        }));
        job::Entity::insert(row.into_active_model()).exec_without_returning(app.app.db.writer()).await.unwrap();
    }
    let seen = async || {
        let answer = admin.query("{ admin { deadJobs(first: 100) { nodes { id kind subject } } } }", json!({})).await;
        let mut nodes = answer.data()["admin"]["deadJobs"]["nodes"].as_array().unwrap().clone();
        nodes.sort_by_key(|node| node["kind"].as_str().unwrap().to_owned());
        nodes
    };
    assert_eq!(seen().await, expected);
    // there is no such notification, so that this one is done at once; the others stay
    let place = kinds.iter().position(|kind| *kind == "notifications.email").unwrap();
    let one = expected.remove(place)["id"].clone();
    let refused = async |input: Value| {
        let answer = admin.mutate(RETRY, input).await;
        assert_eq!(answer.user_errors("retryJobs")[0]["field"], json!(["id"]));
        answer.refusal("retryJobs").to_owned()
    };
    assert_eq!(refused(json!({ "id": one, "kind": "payments.refund" })).await, "NOT_FOUND");
    assert_eq!(refused(json!({ "id": encode(Kind::Job, Uuid::nil()) })).await, "NOT_FOUND");
    let twice = [admin.mutate(RETRY, json!({ "id": one })), admin.mutate(RETRY, json!({ "id": one }))];
    let mut twice: Vec<Value> = futures_util::future::join_all(twice)
        .await
        .iter()
        .map(|answer| answer.data()["retryJobs"]["retried"].clone())
        .collect();
    twice.sort_by_key(Value::is_null);
    assert_eq!(twice, [json!(1), Value::Null], "once, of two who ask for it");
    assert_eq!(refused(json!({ "id": one })).await, "NOT_FOUND");
    crate::support::wait::until(async || jobs::backlog(app.app.db.reader()).await.unwrap().waiting == 0).await;
    assert_eq!(seen().await, expected);
    let log = admin.query("{ admin { auditLog(first: 1) { nodes { action targetId after } } } }", json!({})).await;
    let entry = &log.data()["admin"]["auditLog"]["nodes"][0];
    assert_eq!((&entry["action"], &entry["targetId"]), (&json!("jobs.retry"), &one), "{entry}");
}
