//! Waiting for what nobody announces.

use std::time::Duration;

use quick_commerce::app::App;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

/// How long anything may take to come true.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(5);

/// Waits until `holds` says yes. Where there is an event to wait for, that is better.
pub(crate) async fn until<Answer: Future<Output = bool>>(holds: impl Fn() -> Answer) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes true in time");
}

/// Waits until somebody waits for a lock of the database, which is PostgreSQL.
pub(crate) async fn until_a_lock_is_waited_for(app: &App) {
    let count = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let count = Statement::from_string(DbBackend::Postgres, count);
    until(|| async {
        let row = app.db.reader().query_one_raw(count.clone()).await.unwrap().unwrap();
        row.try_get::<i64>("", "n").unwrap() > 0
    })
    .await;
}
