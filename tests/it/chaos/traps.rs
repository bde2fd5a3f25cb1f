//! Traps in the database: whoever is about to write a certain row stands still, so that it can be killed right there.

use std::collections::BTreeSet;
use std::time::Duration;

use quick_commerce::app::App;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, Statement, TransactionTrait as _};
use tokio::time::{Instant, sleep};

/// How long it may take until somebody is in each trap: shorter than a job may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

/// The class of the locks that say whose trap it is: the first who comes has it, and those after pass.
const TAKEN: i32 = 7;

/// The class of the locks that those who are trapped wait for.
const HELD: i32 = 8;

/// Where somebody is to be trapped.
#[derive(Debug)]
pub(super) struct Trap {
    /// What for, for the report of who was never trapped.
    pub(super) what: String,
    /// Before which statement: `UPDATE ON jobs`.
    pub(super) before: &'static str,
    /// Of which row.
    pub(super) when: String,
}

impl Trap {
    pub(super) fn new(what: &str, before: &'static str, when: &str) -> Self {
        Self { what: what.to_owned(), before, when: when.to_owned() }
    }
}

/// Traps that are set, in a database of PostgreSQL.
pub(super) struct Traps {
    app: App,
    set: Vec<Trap>,
    /// Has what those wait for who are trapped.
    holder: DatabaseTransaction,
}

impl Traps {
    pub(super) async fn set(app: &App, traps: Vec<Trap>) -> Self {
        let holder = app.db.writer().begin().await.unwrap();
        for (number, Trap { before, when, .. }) in traps.iter().enumerate() {
            holder.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({HELD}, {number})")).await.unwrap();
            let function = format!(
                "CREATE FUNCTION trap_{number}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     IF pg_try_advisory_xact_lock({TAKEN}, {number}) THEN
                         PERFORM pg_advisory_xact_lock({HELD}, {number});
                     END IF;
                     IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                     RETURN NEW;
                 END $$"
            );
            let trigger = format!(
                "CREATE TRIGGER trap_{number} BEFORE {before} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION trap_{number}()"
            );
            for statement in [function, trigger] {
                app.db.writer().execute_unprepared(&statement).await.unwrap();
            }
        }
        Self { app: app.clone(), set: traps, holder }
    }

    /// Waits until somebody is in each of them.
    pub(super) async fn until_sprung(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let trapped = self.trapped().await;
            let empty: Vec<&str> =
                (0..).zip(&self.set).filter(|(n, _)| !trapped.contains(n)).map(|(_, t)| t.what.as_str()).collect();
            if empty.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "nobody came to {empty:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn trapped(&self) -> BTreeSet<i32> {
        let waiting = format!(
            "SELECT CAST(CAST(objid AS bigint) AS int) AS number FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = {HELD}
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        );
        let rows = self.app.db.reader().query_all_raw(Statement::from_string(DbBackend::Postgres, waiting)).await.unwrap();
        rows.iter().map(|row| row.try_get("", "number").unwrap()).collect()
    }

    /// Takes the traps away, and ends the connections of those who are in them: the server that had them is dead, and no statement
    /// of it shall come to its end because the database has not noticed yet.
    pub(super) async fn take_away(self) {
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = {HELD}
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        );
        self.app.db.writer().execute_unprepared(&end).await.unwrap();
        while !self.trapped().await.is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
        self.holder.rollback().await.unwrap();
        for (number, Trap { before, .. }) in self.set.iter().enumerate() {
            let (_, table) = before.split_once(" ON ").unwrap();
            let drop = format!("DROP TRIGGER trap_{number} ON {table}; DROP FUNCTION trap_{number}()");
            self.app.db.writer().execute_unprepared(&drop).await.unwrap();
        }
    }
}
