//! Waiting for what nobody announces.

use std::time::Duration;

use entity::{event, job};
use quick_commerce::accounts::service::mailing;
use quick_commerce::app::App;
use quick_commerce::notifications::sending;
use quick_commerce::platform::{consumers, relay};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbBackend, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, Statement,
};

/// How long anything may take to come true.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(5);

/// Waits until all that follows from what has happened has happened: every event was told and taken by every consumer, and
/// nobody waits for a mail or a text message. Where an instance was killed that may be as long as the lease of a job; see
/// [`until_taken`].
pub(crate) async fn until_quiet(app: &App) {
    let kinds = [sending::EMAIL, sending::SMS, mailing::PASSWORD_RESET, mailing::EMAIL_VERIFICATION];
    let unsent = job::Entity::find().filter(job::Column::Kind.is_in(kinds));
    until(|| async { is_taken(app).await && unsent.clone().count(app.db.reader()).await.unwrap() == 0 }).await;
}

/// Waits until every event was told and taken by every consumer.
pub(crate) async fn until_taken(app: &App) {
    until(|| is_taken(app)).await;
}

async fn is_taken(app: &App) -> bool {
    let db = app.db.reader();
    let told = || async { relay::settled(db).await.unwrap() };
    let Some(before) = told().await else { return false };
    let is_told = relay::published(db).await.unwrap() == before;
    let is_taken = consumers::lags(db).await.unwrap().iter().all(|(_, lag)| *lag == 0);
    // what a consumer logged meanwhile would have no position yet, or be after that one
    is_told && is_taken && told().await == Some(before)
}

/// Has every event numbered where nothing runs in the background.
pub(crate) async fn until_numbered(app: &App) {
    let unplaced = event::Entity::find().filter(event::Column::Position.is_null());
    until(|| async {
        app.relay().step().await.unwrap();
        unplaced.clone().one(app.db.reader()).await.unwrap().is_none()
    })
    .await;
}

/// Waits until `holds` says yes. Where there is an event to wait for, that is better.
pub(crate) async fn until<Answer: Future<Output = bool>>(holds: impl Fn() -> Answer) {
    until_or(holds, || "it comes true in time".to_owned()).await;
}

/// The same; `why` says what is so instead when it does not come true.
pub(crate) async fn until_or<Answer: Future<Output = bool>>(holds: impl Fn() -> Answer, why: impl FnOnce() -> String) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(EVERY).await;
        }
    };
    let has_come = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(has_come.is_ok(), "{}", why());
}

/// Waits until somebody waits for a lock of the database, which is PostgreSQL.
pub(crate) async fn until_a_lock_is_waited_for(app: &App) {
    until_locks_are_waited_for(app, 1).await;
}

/// The same for `many`.
pub(crate) async fn until_locks_are_waited_for(app: &App, many: i64) {
    let count = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let count = Statement::from_string(DbBackend::Postgres, count);
    until(|| async {
        let row = app.db.reader().query_one_raw(count.clone()).await.unwrap().unwrap();
        row.try_get::<i64>("", "n").unwrap() >= many
    })
    .await;
}
