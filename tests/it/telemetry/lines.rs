//! Logs for programs: with `LOG_FORMAT=json` each line is one JSON object, and says of which request it is.

use sea_orm::ConnectionTrait as _;
use serde_json::Value;

use super::*;

/// A server whose outputs are one file, as containers have them.
struct Logging {
    process: Program,
    folder: Folder,
}

impl Logging {
    fn start(settings: &[(&str, &str)]) -> Self {
        let folder = Folder::new("lines");
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let (output, errors) = (log.try_clone().unwrap(), log);
        let settings: Vec<_> = ALWAYS.iter().chain(&[("LOG_FORMAT", "json")]).chain(settings).copied().collect();
        let process = Program::start(program(&folder, &[], &settings).stdout(output).stderr(errors));
        Self { process, folder }
    }

    /// Ends it as an operator does.
    async fn end(mut self) -> Self {
        self.process.signal("TERM");
        assert_eq!(self.process.code().await, Some(0));
        self
    }
}

/// What a server has logged, each line read.
fn lines(server: &Logging) -> Vec<Value> {
    let log = std::fs::read_to_string(server.folder.path().join("log")).unwrap();
    // the last one may not be whole yet
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"));
    whole.lines().map(read).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_it_does_not_start_is_a_line_of_the_log() {
    let nowhere = "postgres://quick:secret-of-the-database@127.0.0.1:1/nothing";
    let redis = Redis::shared().await.url();
    let mut server = Logging::start(&[("LOG", "error"), ("DATABASE_URL", nowhere), ("REDIS_URL", &*redis)]);
    let code = server.process.code().await;
    let lines = lines(&server);
    assert_eq!((code, lines.len()), (Some(1), 1), "{lines:?}");
    let message = lines[0]["fields"]["message"].as_str().unwrap();
    assert!(lines[0]["level"] == "ERROR" && message.contains("database"), "{message}");
    assert!(!message.contains("secret-of-the-database"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_the_log_is_json_with_the_request_s_id() {
    let parts = TestParts::build(Shape::Production).await;
    let config = &parts.app.config;
    let server = Logging::start(&[
        ("LOG", "info,quick_commerce=debug"),
        ("SLOW_OPERATION_MS", "1"),
        ("DATABASE_URL", config.database_url.expose()),
        ("REDIS_URL", config.redis_url.as_ref().unwrap().expose()),
        ("REDIS_PREFIX", &config.redis_prefix),
    ]);
    until(async || lines(&server).iter().any(|line| line["fields"]["message"] == "running")).await;
    let running = lines(&server).into_iter().find(|line| line["fields"]["message"] == "running").unwrap();
    // it says in the log where it is, and nothing on standard output
    let http = Http::new(running["fields"]["address"].as_str().unwrap().parse().unwrap());
    let ask = async |id: &str, document: &str| {
        let headers = [("content-type", "application/json"), ("x-request-id", id)];
        let body = json!({ "query": document }).to_string();
        http.send(Method::POST, "/graphql", &headers, body).await.unwrap()
    };
    let register =
        "mutation { register(input: { email: \"json@test.example\", password: \"correct horse battery\", name: \"J\" })
        { userErrors { code } } }";
    assert_eq!(ask("slow_1", register).await.status, StatusCode::OK);
    // what goes wrong inside
    parts.app.db.writer().execute_unprepared("ALTER TABLE categories RENAME TO elsewhere").await.unwrap();
    let broken = ask("broken_1", "{ categories { id } }").await;
    assert_eq!(broken.json()["errors"][0]["extensions"]["code"], "INTERNAL", "{}", broken.text());
    // the innermost span is that of the operation, and the request's is around it
    let is_of =
        |line: &Value, id: &str| line["spans"].as_array().is_some_and(|all| all.iter().any(|it| it["request_id"] == id));
    let of = |id: &'static str| lines(&server).into_iter().filter(move |line| is_of(line, id));
    let is_slow = |line: &Value| line["fields"]["message"] == "a slow operation";
    until(async || of("slow_1").any(|line| is_slow(&line)) && of("broken_1").any(|line| line["level"] == "ERROR")).await;
    assert_eq!(of("broken_1").filter(|line| line["level"] == "ERROR").count(), 1, "it is logged once");
    let server = server.end().await;
    for line in lines(&server) {
        for field in ["timestamp", "level", "target", "fields"] {
            assert!(!line[field].is_null(), "{field} in {line}");
        }
        assert!(!line.to_string().contains("json@test.example") && !line.to_string().contains("correct horse"), "{line}");
    }
}
