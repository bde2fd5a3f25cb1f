use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;

use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema, value};

use super::*;
use crate::app::Ambient;
use crate::config::Config;
use crate::graphql::limits::limited;
use crate::platform::clock::Clock;
use crate::platform::ids::{Entropy, Ids};

#[test]
fn an_answer_is_worth_its_fields() {
    assert_eq!(worth(&value!({ "a": 1 })), 1);
    assert_eq!(worth(&value!({ "a": { "b": 1, "c": null }, "d": [1, 2, 3] })), 4);
    assert_eq!(worth(&value!({ "nodes": [{ "id": 1, "of": { "id": 2 } }, { "id": 3, "of": null }] })), 6);
    assert_eq!(worth(&value!({ "nodes": [] })), 1);
    assert_eq!(worth(&value!(null)), 0);
}

/// How often anything was resolved.
#[derive(Clone, Default)]
struct Resolved(Arc<AtomicUsize>);

fn resolve(ctx: &Context<'_>) {
    ctx.data_unchecked::<Resolved>().0.fetch_add(1, Ordering::Relaxed);
}

struct Query;

#[Object]
impl Query {
    async fn number(&self, ctx: &Context<'_>) -> i32 {
        resolve(ctx);
        1
    }

    async fn again(&self, ctx: &Context<'_>) -> Query {
        resolve(ctx);
        Query
    }

    async fn nothing(&self, ctx: &Context<'_>) -> Option<Query> {
        resolve(ctx);
        None
    }

    /// Half as many as are asked for.
    #[graphql(complexity = "1 + usize::try_from(size).unwrap_or(0) * child_complexity")]
    async fn list(&self, ctx: &Context<'_>, size: i32) -> Vec<Query> {
        resolve(ctx);
        (0..size / 2).map(|_| Query).collect()
    }

    /// More than anybody can tell beforehand.
    async fn surprise(&self, ctx: &Context<'_>) -> Vec<Query> {
        resolve(ctx);
        (0..5).map(|_| Query).collect()
    }
}

struct Shop {
    app: App,
    folder: PathBuf,
    schema: Schema<Query, EmptyMutation, EmptySubscription>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Shop {
    async fn open(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("qc-budget-{name}-{}", std::process::id()));
        let url = format!("sqlite://{}/qc.db", folder.display());
        let config = Config::load(None, |key| (key == "DATABASE_URL").then(|| url.clone())).unwrap();
        let app = App::build(config, Ambient::default()).await.unwrap();
        let limits = crate::config::Limits { complexity: 50_000, aliases: 10_000, tokens: 100_000, ..app.config.limits };
        let schema = limited(Schema::build(Query, EmptyMutation, EmptySubscription).data(app.clone()), limits).finish();
        Self { app, folder, schema }
    }

    /// Executes `document` for somebody new. Gives what it cost, requested and actual, and how often anything was resolved.
    async fn ask(&self, document: &str) -> (u64, u64, u64) {
        let (who, resolved) = (Principal::User(self.app.ids.uuid()), Resolved::default());
        let request = Request::new(document).data(Purse::new(who)).data(resolved.clone());
        let answer = self.schema.execute(request).await;
        assert!(answer.is_ok(), "{document}: {:?}", answer.errors);
        let cost = answer.extensions["cost"].clone().into_json().unwrap();
        let number = |name: &str| cost[name].as_u64().unwrap();
        let (requested, actual) = (number("requested"), number("actual"));
        let budget = self.app.config.budgets.user;
        let left = number("remaining");
        // what comes back while it is executed is at the most what was taken
        assert!(left <= u64::from(budget.points), "{left}");
        (requested, actual, u64::try_from(resolved.0.load(Ordering::Relaxed)).unwrap())
    }
}

#[tokio::test]
async fn a_field_costs_as_often_as_it_is_executed_wherever_it_is_repeated() {
    let shop = Shop::open("repeated").await;
    let fields = "number ".repeat(50);
    for document in [
        format!("{{ again {{ {fields} }} }}"),
        format!("{{ again {{ again {{ {fields} }} }} }}"),
        format!("{{ again {{ {} }} }}", "again { number } ".repeat(25)),
        format!("{{ again {{ {} }} }} fragment F on Query {{ number }}", "...F ".repeat(50)),
        format!("{{ list(size: 10) {{ {} }} }}", "number ".repeat(10)),
    ] {
        let (requested, actual, resolved) = shop.ask(&document).await;
        assert!(resolved >= 50, "the library executes each: {document}");
        assert_eq!(actual, resolved, "{document}");
        assert!(requested >= actual, "{document}");
    }
}

#[tokio::test]
async fn what_nobody_could_tell_beforehand_is_paid_afterwards() {
    let shop = Shop::open("surprise").await;
    assert_eq!(shop.ask("{ surprise { number again { number } } }").await, (4, 16, 16));
}

/// Any document of a few levels: fields again and again, under their names and others, in fragments, skipped and not.
struct Author(Ids);

impl Author {
    fn chance(&self, one_in: u64) -> bool {
        self.0.below(one_in) == 0
    }

    fn set(&self, level: u64) -> String {
        let mut set = String::from("{ ");
        for _ in 0..=self.0.below(4) {
            self.field(level, &mut set);
        }
        // at least one that is never skipped
        set + "number }"
    }

    fn field(&self, level: u64, to: &mut String) {
        let alias = if self.chance(6) { format!("a{}: ", self.0.below(1_000_000)) } else { String::new() };
        let skip = if self.chance(8) { " @skip(if: true)" } else { "" };
        match self.0.below(if level == 0 { 3 } else { 9 }) {
            0 => write!(to, "{alias}number{skip} "),
            1 => write!(to, "__typename{skip} "),
            2 => write!(to, "...F{} ", self.0.below(2)),
            3 | 4 => write!(to, "{alias}again{skip} {} ", self.set(level - 1)),
            5 => write!(to, "{alias}nothing{skip} {} ", self.set(level - 1)),
            6 => write!(to, "...{skip} {} ", self.set(level - 1)),
            // of one size, or what is the same name could not be merged
            _ => write!(to, "l{level}: list(size: {}){skip} {} ", 4 + 2 * level, self.set(level - 1)),
        }
        .unwrap();
    }

    fn document(&self) -> String {
        format!("{} fragment F0 on Query {} fragment F1 on Query {}", self.set(3), self.leaf(), self.leaf())
    }

    fn leaf(&self) -> String {
        let deep = if self.chance(2) { "again { number number } " } else { "" };
        format!("{{ number {deep}number }}")
    }
}

#[tokio::test]
async fn no_document_executes_more_than_it_is_charged() {
    let shop = Shop::open("any").await;
    let author = Author(Ids::new(Clock::system(), Entropy::seeded(27)));
    let mut most = 0;
    for _ in 0..300 {
        let mut document = author.document();
        for fragment in ["F0", "F1"] {
            if !document.contains(&format!("...{fragment}")) {
                document = document.replacen('{', &format!("{{ ...{fragment} "), 1);
            }
        }
        let (requested, actual, resolved) = shop.ask(&document).await;
        assert!(resolved <= actual && actual <= requested, "{resolved}, {actual}, {requested}: {document}");
        most = most.max(resolved);
    }
    assert!(most > 100, "the documents are worth something: {most}");
}
