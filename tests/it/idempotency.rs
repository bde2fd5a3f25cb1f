//! A request is done once however often it is sent.

use std::time::Duration;

use domain::error::ErrorCode;
use quick_commerce::app::App;
use quick_commerce::platform::idempotency::{self, Begun, Request};
use quick_commerce::platform::{Error, Result};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::support::{Shape, TestParts, over_both_shapes};

over_both_shapes! {
    of_sixteen_requests_with_one_key_one_is_done,
    a_request_that_rolled_back_leaves_the_work_to_the_next,
    a_key_with_other_input_is_refused,
    keys_of_different_people_have_nothing_to_do_with_each_other,
}

const ANNA: Uuid = Uuid::from_u128(1);
const BORIS: Uuid = Uuid::from_u128(2);

/// Does the "work", drawing `number`, unless it was done; whether it did, and the outcome.
async fn work(app: &App, request: &Request, number: u64) -> Result<(bool, u64)> {
    let tx = app.db.begin().await?;
    let now = app.clock.db_now(&*tx).await?;
    match idempotency::begin::<u64>(&tx, request, now).await? {
        Begun::Done(outcome) => Ok((false, outcome)),
        Begun::New => {
            // the others arrive meanwhile
            tokio::time::sleep(Duration::from_millis(20)).await;
            idempotency::finish(&tx, request, &number).await?;
            tx.commit().await?;
            Ok((true, number))
        }
    }
}

fn request(principal: Uuid, input: &str) -> Request {
    Request::new(principal, "test", "one key", &input).unwrap()
}

async fn of_sixteen_requests_with_one_key_one_is_done(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let mut requests = JoinSet::new();
    for number in 0..16 {
        let app = parts.app.clone();
        requests.spawn(async move { work(&app, &request(ANNA, "same"), number).await.unwrap() });
    }
    let results = requests.join_all().await;
    let done: Vec<u64> = results.iter().filter(|(is_new, _)| *is_new).map(|(_, outcome)| *outcome).collect();
    assert_eq!(done.len(), 1, "{results:?}");
    assert!(results.iter().all(|(_, outcome)| *outcome == done[0]), "everybody has the one outcome: {results:?}");
}

async fn a_request_that_rolled_back_leaves_the_work_to_the_next(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let (app, request) = (parts.app.clone(), request(ANNA, "same"));
    let first = app.db.begin().await.unwrap();
    let now = app.clock.db_now(&*first).await.unwrap();
    let begun = idempotency::begin::<u64>(&first, &request, now).await.unwrap();
    assert!(matches!(begun, Begun::New));
    let mut second = tokio::spawn({
        let (app, request) = (app.clone(), request.clone());
        async move { work(&app, &request, 2).await }
    });
    let early = tokio::time::timeout(Duration::from_millis(100), &mut second).await;
    assert!(early.is_err(), "the second waits while the first may still commit");
    drop(first);
    assert_eq!(second.await.unwrap().unwrap(), (true, 2));
    assert_eq!(work(&app, &request, 3).await.unwrap(), (false, 2));
}

async fn a_key_with_other_input_is_refused(shape: Shape) {
    let parts = TestParts::build(shape).await;
    work(&parts.app, &request(ANNA, "one thing"), 1).await.unwrap();
    match work(&parts.app, &request(ANNA, "another thing"), 2).await {
        Err(Error::Rejected(rejection)) => assert_eq!(rejection.code, ErrorCode::IdempotencyMismatch),
        other => panic!("a refusal was expected, not {other:?}"),
    }
}

async fn keys_of_different_people_have_nothing_to_do_with_each_other(shape: Shape) {
    let parts = TestParts::build(shape).await;
    assert_eq!(work(&parts.app, &request(ANNA, "same"), 1).await.unwrap(), (true, 1));
    assert_eq!(work(&parts.app, &request(BORIS, "other"), 2).await.unwrap(), (true, 2));
}
