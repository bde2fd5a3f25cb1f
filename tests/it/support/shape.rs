//! The two shapes of the server, and tests that hold in both.

use std::collections::HashMap;
use std::path::PathBuf;

use migration::{Migrator, MigratorTrait as _};
use quick_commerce::config::Config;
use sea_orm::Database;
use tokio::sync::OnceCell;

use super::postgres::PostgresDatabase;
use super::processes::{Folder, unique};
use super::redis::Redis;

/// Signs the access tokens of every test.
const SECRET: &str = "a secret of the tests, and of nothing else";

/// The name of an `SQLite` database in its folder.
const FILE: &str = "test.db";

static MIGRATED: OnceCell<Vec<u8>> = OnceCell::const_new();

/// How the server is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `SQLite`, and everything in one process.
    Embedded,
    /// PostgreSQL and Redis.
    Production,
}

/// The database of one test; gone with this value.
#[derive(Debug)]
pub(crate) enum TestDatabase {
    /// A copy of the migrated template, in a folder of its own.
    Sqlite(Folder),
    /// A clone of the migrated template.
    Postgres(PostgresDatabase),
}

impl TestDatabase {
    /// A new one with the newest schema and nothing in it.
    pub(crate) async fn new(shape: Shape) -> Self {
        match shape {
            Shape::Embedded => {
                let (migrated, folder) = (MIGRATED.get_or_init(migrate).await, Folder::new("sqlite"));
                std::fs::write(folder.path().join(FILE), migrated).unwrap();
                Self::Sqlite(folder)
            }
            Shape::Production => Self::Postgres(PostgresDatabase::new().await),
        }
    }

    /// For `DATABASE_URL`.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => url(folder),
            Self::Postgres(database) => database.url(),
        }
    }

    /// Where every instance over it writes its mails.
    pub(crate) fn mail_folder(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("mail"),
            Self::Postgres(database) => database.folder().join("mail"),
        }
    }
}

fn url(folder: &Folder) -> String {
    format!("sqlite://{}", folder.path().join(FILE).display())
}

/// The file of a migrated database: to migrate one takes longer than most tests.
async fn migrate() -> Vec<u8> {
    let folder = Folder::new("template");
    let db = Database::connect(format!("{}?mode=rwc", url(&folder))).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    db.close().await.unwrap();
    std::fs::read(folder.path().join(FILE)).unwrap()
}

/// The configuration of a test: the defaults, over `database` and, if one is given, the Redis at `redis_url`.
pub(crate) fn config(database: &TestDatabase, redis_url: Option<String>) -> Config {
    let mut settings: HashMap<&str, String> = HashMap::from([
        ("DATABASE_URL", database.url()),
        ("DATABASE_CONNECTIONS", "8".to_owned()),
        ("REDIS_PREFIX", format!("test{}", unique())),
        ("JWT_SECRET", SECRET.to_owned()),
        ("DEMO", "false".to_owned()),
        ("DRAIN_SECONDS", "0".to_owned()),
        ("PAYMENT_PROVIDER", "sandbox".to_owned()),
        ("MAIL_FOLDER", database.mail_folder().display().to_string()),
    ]);
    settings.extend(redis_url.map(|url| ("REDIS_URL", url)));
    Config::load(None, |name| settings.get(name).cloned()).unwrap()
}

/// The configuration of one instance of `shape` over `database`.
pub(crate) async fn config_of(shape: Shape, database: &TestDatabase) -> Config {
    match shape {
        Shape::Embedded => config(database, None),
        Shape::Production => config(database, Some(Redis::shared().await.url())),
    }
}

/// Makes two tests of each function `async fn name(shape: Shape)`: `name::embedded` and `name::production`.
///
/// The functions themselves stay outside, where rustfmt and editors see ordinary code.
macro_rules! over_both_shapes {
    ($($name:ident),+ $(,)?) => {
        $(
            mod $name {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn embedded() {
                    Box::pin(super::$name($crate::support::Shape::Embedded)).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn production() {
                    Box::pin(super::$name($crate::support::Shape::Production)).await;
                }
            }
        )+
    };
}

pub(crate) use over_both_shapes;
