//! The database: SQLite in this process, or PostgreSQL.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use domain::event::Topic;
use sea_orm::sqlx::{self, Connection as _, PgConnection};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
    RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tokio::sync::{Notify, watch};

use super::cache::Cache;
use super::error::Result;

/// How often a transaction is run again after a deadlock, a serialization failure or a busy SQLite.
const ATTEMPTS: u32 = 6;

/// How long a request waits for a connection before it fails, and a statement for a lock; also SQLite's wait for another process's
/// lock.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long PostgreSQL keeps a transaction, and its locks, of which it hears nothing: of an instance that lost its network, or that
/// hangs. Nothing here waits for anything but the database within a transaction.
const IDLE: Duration = Duration::from_mins(1);

/// How long the first connection may take.
const PROBE: Duration = Duration::from_secs(5);

/// Connections to the database.
///
/// SQLite has one writer at a time. Its writers share one connection here and queue for it in order, because writers that
/// meet inside SQLite poll for the lock and can starve; readers have their own connections and never wait (WAL).
#[derive(Debug, Clone)]
pub struct Db {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    appended: Arc<Notify>,
    enqueued: watch::Sender<()>,
    numbered: Arc<watch::Sender<()>>,
    statements: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    cache: Cache,
    hearer: Arc<OnceLock<Hearer>>,
}

/// Connections to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// That run a statement, or are held by a transaction.
    pub busy: u64,
    /// That wait for the next.
    pub idle: u64,
    /// The most that there may be.
    pub limit: u64,
}

/// Whoever wants to hear of every statement.
struct Hearer(Box<dyn Fn(&Statement) + Send + Sync>);

impl fmt::Debug for Hearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hearer")
    }
}

/// An open transaction. Dropped without [`Tx::commit`], it is rolled back.
#[derive(Debug)]
pub struct Tx {
    inner: DatabaseTransaction,
    /// Of the events that it appended.
    topics: Mutex<Vec<Topic>>,
    appended: Arc<Notify>,
    has_jobs: AtomicBool,
    enqueued: watch::Sender<()>,
    cache: Cache,
    after: Mutex<After>,
}

/// What is to be done after a commit.
#[derive(Default)]
struct After(Vec<Box<dyn FnOnce() + Send>>);

impl fmt::Debug for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("After").field(&self.0.len()).finish()
    }
}

impl Deref for Tx {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.inner
    }
}

impl Tx {
    /// Makes everything since `begin` true at once. When there are events, what this instance's cache knew of their topics
    /// is forgotten, and the relay is woken; when there are jobs, the workers are.
    ///
    /// # Errors
    /// When the database refuses; then nothing happened.
    pub async fn commit(self) -> Result<()> {
        let committed = self.inner.commit().await;
        // also when it failed: it may have been the answer that did not come
        for after in self.after.into_inner().unwrap_or_else(PoisonError::into_inner).0 {
            after();
        }
        committed?;
        let topics = self.topics.into_inner().unwrap_or_else(PoisonError::into_inner);
        for topic in &topics {
            self.cache.forget(*topic);
        }
        if !topics.is_empty() {
            self.appended.notify_one();
        }
        if self.has_jobs.into_inner() {
            self.enqueued.send_replace(());
        }
        Ok(())
    }

    /// Has `after` done once this is committed, before whoever commits it goes on; also when it is not known whether it was. It must
    /// not wait for anything.
    pub fn after_commit(&self, after: impl FnOnce() + Send + 'static) {
        self.after.lock().unwrap_or_else(PoisonError::into_inner).0.push(Box::new(after));
    }

    /// Says that the event log grew by an event of `topics`.
    pub(super) fn mark_appended(&self, topics: &[Topic]) {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(topics);
    }

    /// Says that there is a job more.
    pub(super) fn mark_enqueued(&self) {
        self.has_jobs.store(true, Ordering::Relaxed);
    }
}

impl Db {
    /// Connects to `url`, `sqlite://FILE` or `postgres://…`, with at most `connections` of them; what is committed makes
    /// `cache` forget.
    ///
    /// # Errors
    /// When the database cannot be reached or opened.
    pub async fn connect(url: &str, connections: u32, cache: Cache) -> std::result::Result<Self, DbErr> {
        let (appended, enqueued, statements) = (Arc::default(), watch::Sender::new(()), Arc::new(AtomicU64::new(0)));
        let (numbered, refused) = (Arc::new(watch::Sender::new(())), Arc::new(AtomicU64::new(0)));
        let hearer = Arc::new(OnceLock::<Hearer>::new());
        let counted = |mut connection: DatabaseConnection| {
            let (statements, hearer) = (Arc::clone(&statements), Arc::clone(&hearer));
            let refused = Arc::clone(&refused);
            connection.set_metric_callback(move |info| {
                statements.fetch_add(1, Ordering::Relaxed);
                refused.fetch_add(u64::from(info.failed), Ordering::Relaxed);
                if let Some(Hearer(hear)) = hearer.get() {
                    hear(info.statement);
                }
            });
            connection
        };
        if url.starts_with("sqlite:") {
            let writer = counted(Database::connect(sqlite(url, 1)).await?);
            let reader = counted(Database::connect(sqlite(url, connections.max(1))).await?);
            return Ok(Self { writer, reader, appended, enqueued, numbered, statements, refused, cache, hearer });
        }
        probe(url).await?;
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(connections.max(2))
            .acquire_timeout(PATIENCE)
            .connect_timeout(Duration::from_secs(5))
            .sqlx_logging(false)
            .map_sqlx_postgres_opts(|postgres| {
                let millis = |limit: Duration| limit.as_millis().to_string();
                postgres.options([("lock_timeout", millis(PATIENCE)), ("idle_in_transaction_session_timeout", millis(IDLE))])
            });
        let pool = counted(Database::connect(options).await?);
        Ok(Self { writer: pool.clone(), reader: pool, appended, enqueued, numbered, statements, refused, cache, hearer })
    }

    /// For reading outside a transaction.
    #[must_use]
    pub const fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For migrations and maintenance; use-cases write through [`Db::begin`].
    #[must_use]
    pub const fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Which database this is.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// How many statements this instance has sent, begins and commits aside.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// How many of them the database refused, for whatever reason: also deadlocks, which [`retry`] hides.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Has `hear` called after each statement from now on, with what was sent: to have the database explain it. The first
    /// caller's is kept.
    pub fn on_statement(&self, hear: impl Fn(&Statement) + Send + Sync + 'static) {
        let _ = self.hearer.set(Hearer(Box::new(hear)));
    }

    /// Rung after each commit of this instance that appended to the event log.
    #[must_use]
    pub fn appended(&self) -> &Notify {
        &self.appended
    }

    /// Changes after each commit of this instance that left a job to be done.
    #[must_use]
    pub fn enqueued(&self) -> watch::Receiver<()> {
        self.enqueued.subscribe()
    }

    /// Changes whenever this instance has given positions to events of the log.
    #[must_use]
    pub fn numbered(&self) -> watch::Receiver<()> {
        self.numbered.subscribe()
    }

    /// Says that events were given positions.
    pub(super) fn mark_numbered(&self) {
        self.numbered.send_replace(());
    }

    /// Opens a transaction for writing. SQLite takes its write lock at once: a reader that turns writer halfway is refused
    /// when another wrote in between.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin(&self) -> Result<Tx> {
        let options =
            TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
        let inner = self.writer.begin_with_options(options).await?;
        let (appended, enqueued) = (Arc::clone(&self.appended), self.enqueued.clone());
        let (has_jobs, cache) = (AtomicBool::new(false), self.cache.clone());
        Ok(Tx { inner, topics: Mutex::default(), appended, has_jobs, enqueued, cache, after: Mutex::default() })
    }

    /// The connections that are open now: how many of them are at work, and how many wait for work; and how many there may be.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let count = |size: u32, idle: usize, limit: u32| {
            let idle = u64::try_from(idle).unwrap_or(u64::MAX);
            Connections { busy: u64::from(size).saturating_sub(idle), idle, limit: limit.into() }
        };
        if self.backend() == DbBackend::Postgres {
            let pool = self.reader.get_postgres_connection_pool();
            return count(pool.size(), pool.num_idle(), pool.options().get_max_connections());
        }
        let [reader, writer] = [&self.reader, &self.writer].map(|pool| {
            let pool = pool.get_sqlite_connection_pool();
            count(pool.size(), pool.num_idle(), pool.options().get_max_connections())
        });
        Connections { busy: reader.busy + writer.busy, idle: reader.idle + writer.idle, limit: reader.limit + writer.limit }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> std::result::Result<(), DbErr> {
        self.reader.ping().await
    }

    /// Gives the connections back, after what runs on them has finished.
    ///
    /// # Errors
    /// When a connection cannot be closed.
    pub async fn close(&self) -> std::result::Result<(), DbErr> {
        self.reader.close_by_ref().await?;
        self.writer.close_by_ref().await
    }
}

/// Lets nobody else write the table of `E` until the transaction that `db` is ends. On SQLite, nobody else writes anything.
///
/// # Errors
/// When the database fails.
pub async fn lock_table<E: EntityTrait>(db: &impl ConnectionTrait) -> std::result::Result<(), DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        let table = E::default().table_name().to_owned();
        db.execute_unprepared(&format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")).await?;
    }
    Ok(())
}

/// Runs a use-case, and again from its start when the database asks for that: after a deadlock, a serialization failure
/// or a busy SQLite. `once` begins its own transaction and commits it; what it did in vain was rolled back.
///
/// # Errors
/// Those of `once`; the database's own once it has failed too often.
pub async fn retry<T, Once: Future<Output = Result<T>>>(once: impl Fn() -> Once) -> Result<T> {
    let mut attempt = 1;
    loop {
        match once().await {
            Err(error) if attempt < ATTEMPTS && error.is_transient() => {
                tracing::debug!(attempt, "the database asks to run the transaction again");
                // grows, so that whoever collided does not collide again at once
                tokio::time::sleep(Duration::from_millis(3 << attempt)).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Connects once, without the pool: the pool tries again until its time is up and then says only that.
async fn probe(url: &str) -> std::result::Result<(), DbErr> {
    let connected = tokio::time::timeout(PROBE, PgConnection::connect(url)).await;
    let failed = |error: sqlx::Error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)));
    match connected {
        Ok(connection) => connection.map_err(failed)?.close().await.map_err(failed),
        Err(_) => Err(DbErr::Conn(RuntimeErr::Internal("no answer in five seconds".to_owned()))),
    }
}

fn sqlite(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).acquire_timeout(PATIENCE).sqlx_logging(false).map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(PATIENCE)
            // WAL lets readers go on beside the writer; with less than FULL, what was committed since the last checkpoint may
            // be gone after a loss of power, and somebody was told that it is there
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL")
    });
    options
}
