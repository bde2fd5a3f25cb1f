//! The README is true: its settings, its links, and its tour, which is taken as it is printed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use quick_commerce::config::{SETTINGS, Setting};
use quick_commerce::demo;
use serde_json::{Map, Value, json};

use crate::support::http::Answer;
use crate::support::socket::Subscription;
use crate::support::{Shape, TestApp};

/// Differs each time: printed as it once was.
const VARYING: &[&str] = &["id", "number", "deliveryCode", "expiresAt"];

/// What the tour carries on, by variable: the answer that has it, and where.
const CARRIED: &[(&str, &str)] = &[
    ("productId", "/products/nodes/0/id"),
    ("orderId", "/placeOrder/order/id"),
    ("code", "/placeOrder/order/deliveryCode"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// This text with something else in place of what it has, once each.
pub(crate) fn with(text: String, replaced: &[(&str, String)]) -> String {
    replaced.iter().fold(text, |made, (there, here)| {
        assert_eq!(made.matches(there).count(), 1, "{there} in {made}");
        made.replace(there, here)
    })
}

/// The fenced blocks of a Markdown text, in order: language and text.
pub(crate) fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (None, Some((_, block))) => block.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

#[test]
fn the_table_of_settings_is_the_code_s() {
    let expected = SETTINGS.iter().map(|setting| {
        let default = if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
        format!("| `{}` | {default} | {} |", setting.name, setting.meaning)
    });
    let expected: Vec<String> = expected.collect();
    let readme = read("README.md");
    let table = readme.lines().skip_while(|line| *line != "| setting | default | meaning |").skip(2);
    let printed: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
    assert_eq!(printed, expected, "the table must be:\n{}", expected.join("\n"));
}

/// Settings that are the place's own in docker-compose.yml: the image has them, or a profile.
const OF_THE_PLACE: &[&str] = &["LISTEN_ADDR", "DEMO", "MAIL_FOLDER", "LOG_FORMAT"];

#[test]
fn every_setting_can_be_given_to_docker_compose() {
    let compose = read("docker-compose.yml");
    let block = compose.split_once("x-settings: &settings\n").unwrap().1.split_once("\nservices:").unwrap().0;
    let given: Vec<&str> =
        block.lines().filter_map(|line| line.trim_start().split_once(':').map(|(name, _)| name)).collect();
    for Setting { name, .. } in SETTINGS {
        assert_ne!(given.contains(name), OF_THE_PLACE.contains(name), "x-settings of docker-compose.yml and {name}");
    }
}

/// The Markdown files whose links are checked.
fn documents() -> Vec<PathBuf> {
    let mut documents = vec![root().join("README.md"), root().join("client-examples/README.md")];
    let examples = ["web", "story", "resume", "stream", "partner-bot", "python-integration", "rust-client", "graphiql"];
    documents.extend(examples.map(|example| root().join("client-examples").join(example).join("README.md")));
    for folder in ["docs", "docs/adr"] {
        let files = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        documents.extend(files.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    documents
}

#[test]
fn what_the_documents_link_to_exists() {
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let files = targets.map(|target| target.split('#').next().unwrap_or_default());
        for file in files.filter(|file| !file.is_empty() && !file.contains("://")) {
            assert!(document.with_file_name(file).exists(), "{} links to {file}", document.display());
        }
    }
}

/// Names of our files, such as `src/orders/mod.rs`, that stand in backticks.
fn named_files(text: &str) -> impl Iterator<Item = &str> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.filter(|span| {
        let is_ours =
            ["src/", "domain/", "entity/", "migration/", "tests/", "docs/"].iter().any(|top| span.starts_with(top));
        is_ours && !span.contains(|c: char| c.is_whitespace() || matches!(c, '*' | '{' | '…'))
    })
}

#[test]
fn the_files_that_the_documents_name_exist() {
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for file in named_files(&text) {
            let is_there = root().join(file).exists() || document.with_file_name(file).exists();
            assert!(is_there, "{} names {file}", document.display());
        }
    }
}

/// Someone who takes the tour: what they were told so far, and what they watch.
struct Tourist<'a> {
    app: &'a TestApp,
    tokens: HashMap<String, String>,
    variables: Map<String, Value>,
    answer: Value,
    watched: Vec<(String, Subscription)>,
}

impl Tourist<'_> {
    /// Does what a block says: runs it as whom its first line names.
    async fn run(&mut self, document: &str) {
        let who = document.lines().next().and_then(|line| line.strip_prefix("# As ")?.strip_suffix("@demo.test"));
        let mut actor = self.app.anonymous();
        if let Some(who) = who {
            actor = actor.with_token(&self.tokens[who]);
        }
        let variables = Value::Object(self.variables.clone());
        if document.lines().any(|line| line.starts_with("subscription ")) {
            let subscription = actor.subscribe(document, json!({})).await;
            self.watched.push((document.to_owned(), subscription));
            return;
        }
        let answer: Answer = actor.query(document, variables).await;
        assert!(answer.errors().is_empty(), "{document}\n{}", answer.body);
        self.answer = answer.data().clone();
        for (who, login) in self.answer.as_object().unwrap() {
            if let Some(token) = login.pointer("/tokens/accessToken").and_then(Value::as_str) {
                self.tokens.insert(who.clone(), token.to_owned());
            }
        }
        for (variable, pointer) in CARRIED {
            if let Some(value) = self.answer.pointer(pointer) {
                self.variables.insert((*variable).to_owned(), value.clone());
            }
        }
    }

    /// Compares what a block says with the last answer, or with what a window shows.
    async fn check(&mut self, printed: &Value) {
        let (field, item) = printed.as_object().unwrap().iter().next().unwrap();
        match self.watched.iter_mut().find(|(document, _)| document.contains(&format!("  {field} {{"))) {
            // fails when it never comes
            Some((_, window)) => drop(window.until(|shown| is_part(item, shown)).await),
            None => assert!(is_part(printed, &self.answer), "printed: {printed:#}\nreal: {:#}", self.answer),
        }
    }
}

/// Whether `real` has all that is printed: fields and ends of lists may be left out, and texts end with `…`.
fn is_part(printed: &Value, real: &Value) -> bool {
    match (printed, real) {
        (Value::Object(printed), Value::Object(real)) => printed.iter().all(|(name, value)| {
            let is_varying = VARYING.contains(&name.as_str()) && value.is_string();
            real.get(name).is_some_and(|real| if is_varying { real.is_string() } else { is_part(value, real) })
        }),
        (Value::Array(printed), Value::Array(real)) if printed.is_empty() => real.is_empty(),
        (Value::Array(printed), Value::Array(real)) => {
            printed.len() <= real.len() && printed.iter().zip(real).all(|(printed, real)| is_part(printed, real))
        }
        (Value::String(printed), Value::String(real)) => match printed.strip_suffix('…') {
            Some(beginning) => real.starts_with(beginning),
            None => printed == real,
        },
        _ => printed == real,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_is_as_it_is_printed() {
    let app = TestApp::start(Shape::Embedded).await;
    assert!(demo::seed(&app.app).await.unwrap(), "the database was empty");
    let mut tourist =
        Tourist { app: &app, tokens: HashMap::new(), variables: Map::new(), answer: Value::Null, watched: Vec::new() };
    let mut stops = 0;
    for (language, block) in blocks(&read("README.md")) {
        match language.as_str() {
            "graphql" => tourist.run(&block).await,
            "json" => {
                let printed: Value = serde_json::from_str(&block).unwrap_or_else(|error| panic!("{error} in\n{block}"));
                tourist.check(&printed["data"]).await;
                stops += 1;
            }
            _ => {}
        }
    }
    assert!(stops >= 8, "the tour is not where this test looks for it");
}
