//! The program as an operator meets it: what it says when it cannot start, and how it starts and stops when it can.

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use axum::http::StatusCode;
use entity::{audit_entry, job, product, stock};
use quick_commerce::platform::cache::Cache;
use quick_commerce::platform::db::Db;
use quick_commerce::platform::relay;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
};

use crate::support::http::Http;
use crate::support::processes::{ClosedPort, Folder, Program};
use crate::support::serving::Serving;
use crate::support::shape::TestDatabase;
use crate::support::{Shape, TestParts, over_both_shapes};

over_both_shapes! {
    a_file_of_products_is_imported,
    rows_of_a_file_that_are_refused_are_said_by_their_lines,
    what_was_imported_before_it_broke_is_said,
    jobs_that_were_given_up_are_listed_and_tried_again,
}

/// How long a program may take that ends by itself.
const PATIENCE: Duration = Duration::from_mins(1);

/// Signs the access tokens of these tests.
pub(crate) const SECRET: &str = "a secret of the tests, and of nothing else";

/// What the program needs in a test, whatever else it is set.
pub(crate) const ALWAYS: [(&str, &str); 3] = [("LISTEN_ADDR", "127.0.0.1:0"), ("JWT_SECRET", SECRET), ("DEMO", "false")];

/// The program in an empty folder, with nothing in its environment but `settings`.
pub(crate) fn program(folder: &Folder, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quick-commerce"));
    command.current_dir(folder.path()).args(arguments).env_clear().envs(settings.iter().copied());
    command
}

fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    run_in(&Folder::new("command"), arguments, settings)
}

fn run_in(folder: &Folder, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    output(&mut program(folder, arguments, settings))
}

/// What a program that ends by itself prints; one that does not is ended, or the tests would wait for it for ever.
pub(crate) fn output(program: &mut Command) -> Output {
    let child = program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id().to_string();
    let (ended, waits) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        if waits.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").args(["-s", "KILL", &pid]).status();
        }
    });
    let output = child.wait_with_output().unwrap();
    drop(ended);
    watchdog.join().unwrap();
    output
}

/// What the program says of itself; it says nothing else that looks like a fault, and no secret.
fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for never in ["panicked", "backtrace", "hunter2"] {
        assert!(!said.contains(never), "{said}");
    }
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("quick-commerce: ")).collect();
    assert_eq!(lines.len(), 1, "one line says it: {said}");
    lines[0].to_owned()
}

#[test]
fn every_mistake_of_the_configuration_is_named_at_once() {
    let output = run(
        &[],
        &[
            ("LISTEN_ADDR", "nowhere"),
            ("DATABASE_URL", "mysql://u:hunter2@h/x"),
            ("CURRENCY", "XXX"),
            ("JWT_SECRET", "short"),
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    complaint(&output);
    let said = String::from_utf8_lossy(&output.stderr);
    for name in ["LISTEN_ADDR", "DATABASE_URL", "CURRENCY", "JWT_SECRET"] {
        assert!(said.contains(&format!("\n  {name}: ")), "{name} in {said}");
    }
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&[], &[("LISTEN_ADDR", &address)]);
    assert_eq!(output.status.code(), Some(1));
    let line = complaint(&output);
    assert!(line.contains(&address) && line.contains("LISTEN_ADDR"), "{line}");
}

#[test]
fn a_database_that_is_down_is_one_clear_line() {
    let closed = ClosedPort::any();
    let url = format!("postgres://u:hunter2@{}/x", closed.addr);
    let output = run(&[], &[("LISTEN_ADDR", "127.0.0.1:0"), ("DATABASE_URL", &url), ("JWT_SECRET", SECRET)]);
    assert_eq!(output.status.code(), Some(1));
    let line = complaint(&output);
    assert!(line.contains("DATABASE_URL") && line.contains("refused"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_url_that_is_none_is_one_clear_line() {
    let database = TestDatabase::new(Shape::Production).await;
    let settings = [("DATABASE_URL", database.url()), ("REDIS_URL", "postgres://:hunter2@127.0.0.1".to_owned())];
    let output = tokio::task::spawn_blocking(move || {
        let settings: Vec<_> =
            ALWAYS.into_iter().chain(settings.iter().map(|(name, value)| (*name, value.as_str()))).collect();
        run(&[], &settings)
    });
    let output = output.await.unwrap();
    assert_ne!(output.status.code(), Some(0));
    complaint(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("REDIS_URL"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_down_is_said_and_waited_for() {
    let database = TestDatabase::new(Shape::Production).await;
    let closed = ClosedPort::any();
    let redis_url = format!("redis://:hunter2@{}", closed.addr);
    let server = Serving::start(&[("DATABASE_URL", &database.url()), ("REDIS_URL", &redis_url)]).await;
    let http = Http::new(server.addr);
    assert_eq!(http.get("/healthz").await.status, StatusCode::OK, "it is no reason to start it anew");
    assert_eq!(http.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let said = server.log();
    assert!(said.contains("Redis cannot be reached yet") && !said.contains("hunter2"), "{said}");
    server.signal("TERM");
    assert_eq!(server.code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_starts_with_nothing_and_stops_when_told() {
    let folder = Folder::new("command");
    let mut command = program(&folder, &[], &[("LISTEN_ADDR", "127.0.0.1:0")]);
    let mut server = Program::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    let said = server.says("customer2@demo.test").await;
    for part in ["/graphiql", "/graphql", "ws://127.0.0.1:", "admin@demo.test", "`quick-commerce`"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    server.signal("TERM");
    assert_eq!(server.code().await, Some(0));
}

#[test]
fn an_admin_is_made_and_gets_a_token() {
    let folder = Folder::new("command");
    let settings = [("JWT_SECRET", SECRET), ("ADMIN_PASSWORD", "correct horse battery staple")];
    let make = ["admin", "create", "--email", "root@test.example", "--name", "Root"];
    let made = run_in(&folder, &make, &settings);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let token = run_in(&folder, &["token", "root@test.example"], &settings);
    assert!(token.status.success(), "{}", String::from_utf8_lossy(&token.stderr));
    assert_eq!(String::from_utf8_lossy(&token.stdout).trim().split('.').count(), 3, "a JSON Web Token has three parts");
    let again = run_in(&folder, &make, &settings);
    assert_eq!(again.status.code(), Some(1), "the address is taken");
    complaint(&again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_epoch_is_drawn_when_an_operator_says_so() {
    let parts = TestParts::build(Shape::Production).await;
    let before = relay::head(parts.app.db.reader()).await.unwrap();
    let url = parts.database.url();
    let output = tokio::task::spawn_blocking(move || run(&["new-epoch"], &[("DATABASE_URL", &url), ("JWT_SECRET", SECRET)]));
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let after = relay::head(parts.app.db.reader()).await.unwrap();
    assert!(after.epoch > 0 && after.epoch != before.epoch, "{before:?}, then {after:?}");
    assert_eq!(after.position, before.position);
}

/// A database with the demo's stores, and the program over it.
struct Demo {
    database: TestDatabase,
    folder: Folder,
}

impl Demo {
    async fn new(shape: Shape) -> Self {
        let demo = Self { database: TestDatabase::new(shape).await, folder: Folder::new("import") };
        let seeded = demo.run(&["seed"]).await;
        assert!(seeded.status.success(), "{}", String::from_utf8_lossy(&seeded.stderr));
        demo
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command =
            program(&self.folder, arguments, &[("DATABASE_URL", &self.database.url()), ("JWT_SECRET", SECRET)]);
        tokio::task::spawn_blocking(move || output(&mut command)).await.unwrap()
    }

    /// Imports a file of these lines for a demo store.
    async fn import(&self, lines: &str, more: &[&str]) -> Output {
        std::fs::write(self.folder.path().join("products.csv"), lines).unwrap();
        self.run(&[&["import", "products.csv", "--seller", "Indiranagar Fresh"], more].concat()).await
    }

    /// The product of an SKU, and how many there are of it.
    async fn see(&self, sku: &str) -> Option<(product::Model, i32)> {
        let db = Db::connect(&self.database.url(), 1, Cache::new(0)).await.unwrap();
        let found = product::Entity::find().filter(product::Column::Sku.eq(sku)).one(db.reader()).await.unwrap()?;
        let stock = stock::Entity::find_by_id(found.id).one(db.reader()).await.unwrap().unwrap();
        Some((found, stock.on_hand))
    }
}

/// What the record has of `action`: by whom, of what, and what came of it.
async fn record(url: &str, action: &str) -> Vec<(Option<uuid::Uuid>, Option<String>, serde_json::Value)> {
    let db = Db::connect(url, 1, Cache::new(0)).await.unwrap();
    let entries = audit_entry::Entity::find().filter(audit_entry::Column::Action.eq(action));
    let entries = entries.order_by_asc(audit_entry::Column::Id).all(db.reader()).await.unwrap();
    let read = |entry: audit_entry::Model| {
        (entry.actor_id, entry.target_id, serde_json::from_str(entry.after.as_deref().unwrap()).unwrap())
    };
    entries.into_iter().map(read).collect()
}

/// What is on standard output and on standard error, and the exit code.
fn said(output: &Output) -> (String, String, i32) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
}

async fn a_file_of_products_is_imported(shape: Shape) {
    let demo = Demo::new(shape).await;
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/products.csv");
    // by the store's name, and by its seller's address
    for (seller, more, summary) in [
        ("Indiranagar Fresh", vec!["--dry-run"], "4 rows: 4 would be new, 0 would be changed, 0 refused.\n"),
        ("Indiranagar Fresh", vec!["--all-or-nothing"], "4 rows: 4 new, 0 changed, 0 refused.\n"),
        ("Seller@demo.test", vec![], "4 rows: 0 new, 4 changed, 0 refused.\n"),
    ] {
        let (out, err, code) = said(&demo.run(&[&["import", sample, "--seller", seller], more.as_slice()].concat()).await);
        assert_eq!((out.as_str(), code), (summary, 0), "{err}");
        assert_eq!(demo.see("SAMPLE-001").await.is_some(), !more.contains(&"--dry-run"));
    }
    let imports = record(&demo.database.url(), "products.import").await;
    let afters: Vec<_> = imports.iter().map(|(_, _, after)| after.clone()).collect();
    let import =
        |created, updated| serde_json::json!({ "command": "import", "created": created, "updated": updated, "refused": 0 });
    assert_eq!(afters, [import(4, 0), import(0, 4)], "what changed nothing is not on the record");
    assert!(imports.iter().all(|(by, target, _)| by.is_none() && target.as_ref().unwrap().starts_with("sel_")));
    let (bread, there) = demo.see("SAMPLE-003").await.unwrap();
    assert_eq!((bread.description.as_str(), bread.price_minor, there), ("Sliced.\nBaked this morning.", 5_500, 25));
    assert_eq!((bread.tags.0.join(","), bread.images.0.len()), ("bread,vegan".to_owned(), 0));

    // more than a batch, without the fields that may be missing: what products have stays
    let many: Vec<String> = (0..2_300).map(|n| format!("bulk-{n},Thing {n},,bakery,{n}.99,{n}\n")).collect();
    let many = many.concat();
    let lines = format!("sku,name,description,categorySlug,price,stock\n{many}SAMPLE-003,Bread,,bakery,50,20\n");
    let (out, err, code) = said(&demo.import(&lines, &[]).await);
    assert_eq!((out.as_str(), code), ("2301 rows: 2300 new, 1 changed, 0 refused.\n", 0), "{err}");
    assert_eq!(err, "1000 rows read\n2000 rows read\n2301 rows read\n", "no bar where nobody sees it");
    assert_eq!(demo.see("bulk-2299").await.unwrap().1, 2_299);
    let (bread, there) = demo.see("SAMPLE-003").await.unwrap();
    assert_eq!((bread.name.as_str(), bread.tags.0.len(), there), ("Bread", 2, 20));
}

async fn rows_of_a_file_that_are_refused_are_said_by_their_lines(shape: Shape) {
    let demo = Demo::new(shape).await;
    let header = "\u{feff}sku,name,description,categorySlug,price,stock,tags";
    let lines = format!(
        "{header}\ngood-1,One,\"Two\nlines\",bakery,10,1,a|b\ngood-2,Two,,bakery,10,2,\nx-1,One,,nowhere,10,1,\n\
         x-2,One,,bakery,ten,1,\nx-3,One,,bakery,10,1.5,\nx-4,One\ngood-1,Again,,bakery,10,1,\n,One,,bakery,10,1,\n"
    );
    let expected = [
        "line 5 (SKU x-1): categorySlug: There is no such category.",
        "line 6 (SKU x-2): price: Must be a decimal number, such as 49.50.",
        "line 7 (SKU x-3): stock: Must be a whole number.",
        "line 8: 2 fields where the first line has 7",
        "line 9 (SKU good-1): sku: Line 2 has this SKU, too.",
        "line 10: sku: Must not be empty.",
    ];
    // it says the same whether or not the rest is written
    for more in [vec!["--all-or-nothing"], vec!["--dry-run"], vec![]] {
        assert!(demo.see("good-1").await.is_none(), "nothing was written yet");
        let output = demo.import(&lines, &more).await;
        complaint(&output);
        let (_, err, code) = said(&output);
        let lines: Vec<&str> = err.lines().filter(|line| line.starts_with("line ")).collect();
        assert_eq!((lines, code), (expected.to_vec(), 1), "{more:?}: {err}");
    }
    assert_eq!(demo.see("good-1").await.unwrap().0.description, "Two\nlines");
    let (out, err, code) = said(&demo.import("sku,name\n", &[]).await);
    assert_eq!((out.as_str(), code), ("", 1));
    assert!(err.contains("description, categorySlug, price, stock"), "{err}");
    let (_, err, code) = said(&demo.import("sku,colour\n", &[]).await);
    assert!(code == 1 && err.contains("\"colour\""), "{err}");
    let (_, err, code) = said(&demo.run(&["import", "nowhere.csv", "--seller", "Indiranagar Fresh"]).await);
    assert!(code == 1 && err.contains("nowhere.csv"), "{err}");
    let (_, err, code) = said(&demo.run(&["import", "products.csv", "--seller", "Nobody's"]).await);
    assert!(code == 1 && err.contains("There is no such store"), "{err}");
    let many: Vec<String> = (0..1_001).map(|n| format!("bulk-{n},Thing,,bakery,1,1,\n")).collect();
    let many = many.concat();
    let (_, err, code) = said(&demo.import(&format!("{header}\n{many}"), &["--all-or-nothing"]).await);
    assert!(code == 2 && err.contains("1000 rows"), "{err}");
    assert!(demo.see("bulk-0").await.is_none());
}

async fn what_was_imported_before_it_broke_is_said(shape: Shape) {
    let demo = Demo::new(shape).await;
    let db = Db::connect(&demo.database.url(), 1, Cache::new(0)).await.unwrap();
    let broken: &[&str] = match shape {
        Shape::Embedded => &["CREATE TRIGGER broken BEFORE INSERT ON products WHEN new.sku = 'bulk-1500'
            BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"],
        Shape::Production => &[
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the disk is full'; END $$",
            "CREATE TRIGGER broken BEFORE INSERT ON products FOR EACH ROW WHEN (NEW.sku = 'bulk-1500')
            EXECUTE FUNCTION broken()",
        ],
    };
    for statement in broken {
        db.writer().execute_unprepared(statement).await.unwrap();
    }
    let many: Vec<String> = (0..2_300).map(|n| format!("bulk-{n},Thing {n},,bakery,{n}.99,{n}\n")).collect();
    let lines = format!("sku,name,description,categorySlug,price,stock\n{}", many.concat());
    let output = demo.import(&lines, &[]).await;
    let (out, err, code) = said(&output);
    assert_eq!((out.as_str(), code), ("2000 rows read, and so far: 1000 new, 0 changed, 0 refused.\n", 1), "{err}");
    assert_eq!((demo.see("bulk-999").await.is_some(), demo.see("bulk-1000").await.is_some()), (true, false));
}

async fn jobs_that_were_given_up_are_listed_and_tried_again(shape: Shape) {
    let demo = Demo::new(shape).await;
    let db = Db::connect(&demo.database.url(), 1, Cache::new(0)).await.unwrap();
    let at = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let dead = [(0, "payments.refund"), (1, "payments.refund"), (2, "payments.cancel")].map(|(number, kind)| {
        let row = job::Model {
            id: uuid::Uuid::from_u128(number),
            kind: kind.to_owned(),
            key: format!("key-{number}"),
            group_key: None,
            payload: serde_json::json!({}),
            attempts: 22,
            ended_attempts: 22,
            run_at: at,
            last_error: Some("Stripe:\n401".to_owned()),
            created_at: at,
            died_at: Some(at + chrono::TimeDelta::seconds(i64::try_from(number).unwrap())),
        };
        row.into_active_model()
    });
    job::Entity::insert_many(dead).exec_without_returning(db.writer()).await.unwrap();
    let say = async |arguments: &[&str]| {
        let (out, err, code) = said(&demo.run(&[&["jobs"], arguments].concat()).await);
        assert_eq!(code, 0, "{err}");
        out
    };
    let listed = say(&["list"]).await;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines[0], "2023-11-14T22:13:22Z payments.cancel key-2 after 22 tries: Stripe:401");
    assert_eq!((lines.len(), lines[3]), (4, "3 jobs were given up."));
    assert_eq!(say(&["retry", "--kind", "payments.refund"]).await, "2 jobs are tried again.\n");
    let refund = job::Entity::find().filter(job::Column::Key.eq("key-0")).one(db.reader()).await.unwrap().unwrap();
    assert_eq!((refund.died_at, refund.attempts), (None, 0));
    assert!(refund.run_at > at, "from now on");
    assert_eq!(say(&["retry"]).await, "1 jobs are tried again.\n");
    assert_eq!(say(&["list"]).await, "0 jobs were given up.\n");
    let retry = |kind: Option<&str>, retried: i32| {
        (None, None, serde_json::json!({ "command": "jobs retry", "kind": kind, "retried": retried }))
    };
    assert_eq!(record(&demo.database.url(), "jobs.retry").await, [retry(Some("payments.refund"), 2), retry(None, 1)]);
    assert_eq!(say(&["discard", "--kind", "notifications.sms"]).await, "0 messages were discarded.\n");
    let discarded = serde_json::json!({ "command": "jobs discard", "kind": "notifications.sms", "discarded": 0 });
    assert_eq!(record(&demo.database.url(), "jobs.discard").await, [(None, None, discarded)]);
    let (_, err, code) = said(&demo.run(&["jobs", "discard", "--kind", "payments.refund"]).await);
    assert!(code != 0 && err.contains("Only messages can be discarded"), "{code}: {err}");
    // a token by the command line is on the record, and not the token
    let (token, err, code) = said(&demo.run(&["token", "customer@demo.test"]).await);
    assert_eq!(code, 0, "{err}");
    let tokens = record(&demo.database.url(), "token.issue").await;
    let [(None, Some(target), after)] = tokens.as_slice() else { panic!("{tokens:?}") };
    assert!(target.starts_with("usr_") && !token.is_empty());
    assert_eq!(*after, serde_json::json!({ "command": "token", "role": "CUSTOMER" }));
}
