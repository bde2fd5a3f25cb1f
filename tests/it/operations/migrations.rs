//! Servers of the release before go on with the schema of the next: from one release to another it only grows.

use std::collections::{BTreeMap, BTreeSet};

use migration::{Migrator, MigratorTrait as _};
use quick_commerce::config::Config;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement, TransactionTrait as _};

use crate::commands::{self, ALWAYS, program};
use crate::support::actors::Api;
use crate::support::processes::Folder;
use crate::support::serving::Serving;
use crate::support::shape::TestDatabase;
use crate::support::story::{place_order, seller_with_product};
use crate::support::{Shape, TestParts, over_both_shapes};

over_both_shapes! {
    from_one_release_to_the_next_the_schema_only_grows,
    what_would_break_a_server_of_the_release_before_is_seen,
    a_server_of_the_release_before_starts_on_the_schema_of_the_next,
}

/// Every release, oldest first, and its last migration.
const RELEASES: &[(&str, &str)] = &[("0.1.0", "m20261121_000035_people_search")];

/// What a statement of an older server may rely on in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    kind: String,
    is_required: bool,
    has_default: bool,
}

/// A schema as an older server meets it.
#[derive(Debug, Default)]
struct Schema {
    /// By table, and then by name.
    columns: BTreeMap<String, BTreeMap<String, Column>>,
    /// What rows have to fulfil: the table, and the rule as the database writes it.
    rules: BTreeSet<(String, String)>,
}

impl Schema {
    async fn of(db: &impl sea_orm::ConnectionTrait) -> Self {
        let backend = db.get_database_backend();
        let (columns, rules) = match backend {
            DbBackend::Sqlite => (
                "SELECT m.name, c.name, upper(c.type), CASE WHEN c.\"notnull\" THEN 1 ELSE 0 END,
                        CASE WHEN c.dflt_value IS NULL THEN 0 ELSE 1 END
                 FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
                "SELECT m.name, 'unique ' || (SELECT group_concat(coalesce(name, '?')) FROM pragma_index_info(i.name))
                 FROM sqlite_master m JOIN pragma_index_list(m.name) i WHERE m.type = 'table' AND i.\"unique\" = 1
                 UNION ALL
                 SELECT m.name, 'refers to ' || f.\"table\" || ' by ' || f.\"from\"
                 FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
            ),
            _ => (
                "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
                        CASE WHEN a.attnotnull THEN 1 ELSE 0 END, CASE WHEN a.atthasdef THEN 1 ELSE 0 END
                 FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped",
                "SELECT c.relname::text, pg_get_constraintdef(r.oid)
                 FROM pg_class c JOIN pg_constraint r ON r.conrelid = c.oid
                 WHERE c.relnamespace = 'public'::regnamespace
                 UNION ALL
                 SELECT c.relname::text, 'unique ' || pg_get_indexdef(i.indexrelid)
                 FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid
                 WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique
                   AND NOT EXISTS (SELECT 1 FROM pg_constraint r WHERE r.conindid = i.indexrelid)",
            ),
        };
        let mut schema = Self::default();
        for row in db.query_all_raw(Statement::from_string(backend, columns)).await.unwrap() {
            let text = |index| row.try_get_by_index::<String>(index).unwrap();
            let number = |index| row.try_get_by_index::<i32>(index).unwrap() == 1;
            let column = Column { kind: text(2), is_required: number(3), has_default: number(4) };
            schema.columns.entry(text(0)).or_default().insert(text(1), column);
        }
        for row in db.query_all_raw(Statement::from_string(backend, rules)).await.unwrap() {
            let text = |index| row.try_get_by_index::<String>(index).unwrap();
            schema.rules.insert((text(0), text(1)));
        }
        schema
    }

    /// What there is in this schema by which servers that know the one of `before` would break.
    fn breaks(&self, before: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (table, columns) in &before.columns {
            let Some(now) = self.columns.get(table) else {
                found.push(format!("{table} is gone"));
                continue;
            };
            for (name, was) in columns {
                match now.get(name) {
                    None => found.push(format!("{table}.{name} is gone")),
                    Some(is) if is.kind != was.kind => {
                        found.push(format!("{table}.{name} was {}, is {}", was.kind, is.kind));
                    }
                    Some(is) if is.is_required && !was.is_required => found.push(format!("{table}.{name} is required now")),
                    Some(is) if was.has_default && is.is_required && !is.has_default => {
                        found.push(format!("{table}.{name} has no default any more"));
                    }
                    Some(_) => {}
                }
            }
            for (name, is) in now.iter().filter(|(name, _)| !columns.contains_key(*name)) {
                if is.is_required && !is.has_default {
                    found.push(format!("{table}.{name} is required, and not written by servers of before"));
                }
            }
        }
        for (table, rule) in self.rules.difference(&before.rules) {
            if before.columns.contains_key(table) {
                found.push(format!("{table} has a new rule: {rule}"));
            }
        }
        found
    }
}

/// A database without a table.
async fn empty(shape: Shape) -> (TestDatabase, DatabaseConnection) {
    match shape {
        Shape::Embedded => {
            let database = TestDatabase::Sqlite(Folder::new("empty"));
            let db = Database::connect(format!("{}?mode=rwc", database.url())).await.unwrap();
            (database, db)
        }
        Shape::Production => {
            let database = TestDatabase::new(shape).await;
            let db = Database::connect(database.url()).await.unwrap();
            db.execute_unprepared("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
            (database, db)
        }
    }
}

/// How many migrations there are up to the last of each release, and all there are.
fn steps() -> Vec<usize> {
    let names: Vec<String> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let place = |last: &str| names.iter().position(|name| name == last).expect("a release's last migration is one") + 1;
    RELEASES.iter().map(|(_, last)| place(last)).chain([names.len()]).collect()
}

#[test]
fn every_release_is_held_to_it() {
    assert_eq!(
        RELEASES.last().unwrap().0,
        env!("CARGO_PKG_VERSION"),
        "a new release is written down with its last migration"
    );
    assert!(steps().is_sorted(), "what was released has its place before all that came later");
}

async fn from_one_release_to_the_next_the_schema_only_grows(shape: Shape) {
    let (_database, db) = empty(shape).await;
    let (mut done, mut before) = (0, Schema::default());
    for (number, step) in steps().into_iter().enumerate() {
        if step > done {
            Migrator::up(&db, Some(u32::try_from(step - done).unwrap())).await.unwrap();
        }
        done = step;
        let now = Schema::of(&db).await;
        assert!(now.columns.contains_key("orders") && !now.rules.is_empty(), "it was read: {now:?}");
        let release = RELEASES.get(number).map_or("the next release", |(version, _)| version);
        assert_eq!(now.breaks(&before), Vec::<String>::new(), "{release} breaks servers of the release before");
        before = now;
    }
    db.close().await.unwrap();
}

async fn what_would_break_a_server_of_the_release_before_is_seen(shape: Shape) {
    let (_database, db) = empty(shape).await;
    Migrator::up(&db, None).await.unwrap();
    let before = Schema::of(&db).await;
    let both = [
        ("DROP TABLE ratings", "ratings is gone"),
        ("ALTER TABLE ratings RENAME TO marks", "ratings is gone"),
        ("ALTER TABLE users DROP COLUMN phone", "users.phone is gone"),
        ("ALTER TABLE users RENAME COLUMN phone TO telephone", "users.phone is gone"),
        ("CREATE UNIQUE INDEX one ON users (name)", "users has a new rule"),
        ("ALTER TABLE users ADD COLUMN friend BLOB REFERENCES users (id)", "users has a new rule"),
        ("CREATE TABLE friends (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)", ""),
        ("ALTER TABLE users ADD COLUMN nickname TEXT", ""),
        ("ALTER TABLE users ADD COLUMN points INTEGER NOT NULL DEFAULT 0", ""),
        ("CREATE INDEX by_name ON users (name)", ""),
    ];
    let on_postgres = [
        ("ALTER TABLE users ADD COLUMN nickname TEXT NOT NULL", "users.nickname is required"),
        ("ALTER TABLE users ALTER COLUMN phone SET NOT NULL", "users.phone is required now"),
        ("ALTER TABLE users ALTER COLUMN phone TYPE VARCHAR(9)", "users.phone was"),
        ("ALTER TABLE users ADD CHECK (name <> 'x')", "users has a new rule"),
        ("ALTER TABLE users ALTER COLUMN name DROP NOT NULL", ""),
    ];
    let more = if shape == Shape::Production { &on_postgres[..] } else { &[] };
    for (statement, expected) in both.iter().chain(more) {
        let statement = if shape == Shape::Production { statement.replace("BLOB", "UUID") } else { (*statement).to_owned() };
        let tx = db.begin().await.unwrap();
        tx.execute_unprepared(&statement).await.unwrap();
        let found = Schema::of(&tx).await.breaks(&before);
        tx.rollback().await.unwrap();
        if expected.is_empty() {
            assert_eq!(found, Vec::<String>::new(), "{statement}");
        } else {
            assert!(found.iter().any(|what| what.starts_with(expected)), "{statement}: {found:?}");
        }
    }
    db.close().await.unwrap();
}

/// The settings of a server over the database of `parts`.
fn settings(config: &Config) -> Vec<(&str, &str)> {
    let redis = config.redis_url.as_ref().map(|url| ("REDIS_URL", url.expose()));
    [("DATABASE_URL", config.database_url.expose()), ("REDIS_PREFIX", &*config.redis_prefix)]
        .into_iter()
        .chain(redis)
        .collect()
}

async fn a_server_of_the_release_before_starts_on_the_schema_of_the_next(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let db = parts.app.db.writer();
    for step in [
        "ALTER TABLE orders ADD COLUMN of_the_next_release VARCHAR",
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20991231_000001_of_the_next_release', 0)",
    ] {
        db.execute_unprepared(step).await.unwrap();
    }
    // `migrate` is run in front of every start of some, and there is nothing to do for it
    parts.app.migrate().await.unwrap();
    let server = Serving::start(&settings(&parts.app.config)).await;
    let api = Api::new(parts.app.clone(), server.addr);
    let (shop, customer) = tokio::join!(seller_with_product(&api, 10, "40.00"), api.customer());
    place_order(&customer, &shop.product_id, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_does_not_start_before_its_migrations() {
    let parts = TestParts::build(Shape::Production).await;
    let last = RELEASES.last().unwrap().1;
    let forget = format!("DELETE FROM seaql_migrations WHERE version = '{last}'");
    parts.app.db.writer().execute_unprepared(&forget).await.unwrap();
    let folder = Folder::new("pending");
    let settings: Vec<_> = ALWAYS.into_iter().chain(settings(&parts.app.config)).collect();
    let mut server = program(&folder, &["serve"], &settings);
    let output = tokio::task::spawn_blocking(move || commands::output(&mut server)).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("1 migration(s) are pending: run `quick-commerce migrate`"), "{said}");
}
