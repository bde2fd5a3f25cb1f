//! [Traps](super::traps) in SQLite, which has one that writes: who is trapped keeps everybody else from writing, and so there is one
//! at a time. It is a statement without an end.

use std::time::Duration;

use quick_commerce::app::App;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection};
use tokio::time::{Instant, sleep};

use super::traps::{PATIENCE, Trap};

/// For how long nobody else may write before somebody is taken for trapped: no transaction of a server is as long.
const LONG: Duration = Duration::from_secs(2);

/// Numbers without an end: a trigger cannot say so itself.
const ENDLESS: &str = "CREATE VIEW IF NOT EXISTS endless AS
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers) SELECT n FROM numbers";

/// A trap that is set, in a database of SQLite.
pub(super) struct Snare {
    app: App,
    trap: Trap,
    /// Looks whether anybody can write.
    looker: DatabaseConnection,
}

impl Snare {
    pub(super) async fn set(app: &App, trap: Trap) -> Self {
        let Trap { before, when, .. } = &trap;
        let trigger =
            format!("CREATE TRIGGER snare BEFORE {before} FOR EACH ROW WHEN {when} BEGIN SELECT count(*) FROM endless; END");
        for statement in [ENDLESS, &trigger] {
            app.db.writer().execute_unprepared(statement).await.unwrap();
        }
        let mut one = ConnectOptions::new(app.config.database_url.expose());
        one.max_connections(1);
        let looker = Database::connect(one).await.unwrap();
        looker.execute_unprepared("PRAGMA busy_timeout = 0").await.unwrap();
        Self { app: app.clone(), trap, looker }
    }

    /// Waits until somebody is in it.
    pub(super) async fn until_sprung(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut free = Instant::now();
        while free.elapsed() < LONG {
            if self.looker.execute_unprepared("BEGIN IMMEDIATE").await.is_ok() {
                self.looker.execute_unprepared("ROLLBACK").await.unwrap();
                free = Instant::now();
            }
            assert!(free < deadline, "nobody came to {:?}", self.trap.what);
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Takes it away. Nobody may be in it.
    pub(super) async fn take_away(self) {
        self.looker.close().await.unwrap();
        self.app.db.writer().execute_unprepared("DROP TRIGGER snare").await.unwrap();
    }
}
