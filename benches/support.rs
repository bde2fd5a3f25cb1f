//! What every one of them begins with.

use quick_commerce::app::{Ambient, App};
use quick_commerce::config::Config;

/// What a measurement comes to.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// An error of the server's, which is nobody's to match here.
pub(crate) fn broken(error: &quick_commerce::platform::Error) -> String {
    format!("{error:?}")
}

/// Runs `measure` over the database and the Redis that the command line names, `postgres://…` and `redis://…`; without them over SQLite in
/// a temporary file, and without Redis. `name` is that of the bench.
///
/// # Errors
/// When the server cannot be set up, and those of `measure`.
pub(crate) fn run(name: &str, measure: impl AsyncFnOnce(&App) -> Outcome) -> Outcome {
    let folder = std::env::temp_dir().join(format!("quick-commerce-{name}-{}", std::process::id()));
    // beside them cargo gives an option of its own
    let given = |scheme: &str| std::env::args().skip(1).find(|argument| argument.starts_with(scheme));
    let url = given("postgres").unwrap_or_else(|| format!("sqlite://{}", folder.join("bench.db").display()));
    let setting = |name: &str| match name {
        "DATABASE_URL" => Some(url.clone()),
        "REDIS_URL" => given("redis"),
        "JWT_SECRET" => Some("a secret of this measurement, and of nothing else".to_owned()),
        _ => None,
    };
    let measured = tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let app = App::build(Config::load(None, setting)?, Ambient::default()).await?;
        app.migrate().await?;
        measure(&app).await
    });
    // there is none with PostgreSQL
    let _ = std::fs::remove_dir_all(folder);
    measured
}
