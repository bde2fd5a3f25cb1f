//! The rules themselves: what each part of the workspace must not name, and why.

use std::path::Path;

use super::paths::{Named, named};

/// The slices, each of which may use the services of those before it.
const SLICES: &[&str] = &["accounts", "catalog", "inventory", "cart", "payments", "orders", "dispatch", "tracking", "chat"];

/// Slices that consume events, and that nobody imports.
const CONSUMERS: &[&str] = &["notifications", "webhooks", "analytics"];

/// Who owns each table, by its entity.
const TABLES: &[(&str, &[&str])] = &[
    ("platform", &["event", "event_topic", "relay", "idempotency_key", "job", "consumer", "skipped_event", "audit_entry"]),
    ("accounts", &["user", "session", "refresh_token", "mailed_token", "api_key", "partner", "seller", "address"]),
    ("catalog", &["category", "product", "product_tag"]),
    ("inventory", &["stock", "stock_movement"]),
    ("cart", &["cart", "cart_line", "promo", "promo_customer", "promo_redemption"]),
    ("payments", &["payment", "refund", "payment_event", "sandbox_intent", "sandbox_refund"]),
    ("tracking", &["partner_location"]),
    ("webhooks", &["webhook_endpoint", "webhook_delivery"]),
    ("chat", &["message"]),
    ("notifications", &["notification"]),
    ("analytics", &["order_count", "sales_hour", "sales_hour_product", "sales_order"]),
    // an order and its claims are one aggregate
    ("orders", &["order", "order_item", "order_event", "claim", "rating"]),
];

/// What is right all the same: the file, and the path, with what is beneath it, that it may name.
const EXCEPTIONS: &[(&str, &str)] = &[
    // transport learns through graphql who a token belongs to
    ("src/graphql/mod.rs", "crate::accounts::service::authenticate"),
    ("src/graphql/mod.rs", "crate::accounts::service::claim"),
    ("src/graphql/mod.rs", "crate::accounts::service::Standing"),
    ("src/graphql/mod.rs", "crate::accounts::service::find_standing"),
    // reading by id decides nothing
    ("src/accounts/graphql/loaders.rs", "crate::accounts::repo"),
    // what the repo's condition selects, counted
    ("src/orders/service/read.rs", "entity::order::Entity::find"),
    // a subtraction, in one place
    ("src/catalog/graphql/mod.rs", "crate::inventory::service::available"),
    // a condition that one slice's list takes from another, unseen
    ("src/inventory/graphql/mod.rs", "sea_orm::sea_query::SelectStatement"),
    ("src/catalog/graphql/query.rs", "sea_orm::sea_query::SelectStatement"),
];

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Domain,
    Entity,
    Migration,
    Platform,
    /// `app.rs` and `config.rs`.
    Foundation,
    Stream,
    Graphql,
    Transport,
    Slice(&'a str, Piece),
    /// `main.rs` and what it is made of, tests, benches.
    Top,
    Unknown,
}

/// What a file is to its slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// `service.rs`, and whatever is none of the others.
    Service,
    Repo,
    Graphql,
    Reactions,
}

impl<'a> Part<'a> {
    /// What the file at `path`, relative to the workspace, is.
    pub(crate) fn of(path: &'a Path) -> Self {
        let words: Vec<&str> = path.iter().filter_map(|word| word.to_str()).map(|w| w.trim_end_matches(".rs")).collect();
        match words[..] {
            ["domain", ..] => Self::Domain,
            ["entity", ..] => Self::Entity,
            ["migration", ..] => Self::Migration,
            ["tests" | "benches", ..] | ["src", "main" | "lib" | "serve" | "demo" | "telemetry" | "cli" | "worker", ..] => {
                Self::Top
            }
            ["src", "app" | "config", ..] => Self::Foundation,
            // a slice's own tests, beside its code
            ["src", .., "tests"] => Self::Top,
            ["src", "platform", ..] => Self::Platform,
            ["src", "stream", ..] => Self::Stream,
            ["src", "graphql", ..] => Self::Graphql,
            ["src", "transport", ..] => Self::Transport,
            ["src", slice, ref rest @ ..] if is_slice(slice) => Self::Slice(
                slice,
                match rest.first() {
                    Some(&"repo") => Piece::Repo,
                    Some(&"graphql") => Piece::Graphql,
                    Some(&"reactions") => Piece::Reactions,
                    _ => Piece::Service,
                },
            ),
            _ => Self::Unknown,
        }
    }
}

/// One line of the table.
struct Rule {
    /// Whom it binds.
    whom: fn(Part<'_>) -> bool,
    /// What they may not name.
    what: fn(Part<'_>, &[&str]) -> bool,
    /// The reason, as the message says it.
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        whom: |part| part == Part::Domain,
        what: |_, path| is_io(path) || is_crate(path, &["entity", "migration", "quick_commerce", "serde_json", "getrandom"]),
        why: "domain has no I/O, no clock and no randomness: std, serde, thiserror, chrono, uuid, rust_decimal and h3o only",
    },
    Rule {
        whom: |part| part == Part::Entity,
        what: |_, path| is_crate(path, &["migration", "quick_commerce", "async_graphql", "axum", "redis", "tokio"]),
        why: "entity knows the tables and domain",
    },
    Rule {
        whom: |part| part == Part::Migration,
        what: |_, path| is_crate(path, &["entity", "domain", "quick_commerce"]),
        why: "what a migration did must not change when an entity does",
    },
    Rule {
        whom: |part| part == Part::Platform,
        what: |_, path| in_slice(path).is_some() || is_ours(path, &["app", "graphql", "stream", "transport"]),
        why: "platform knows no slice, and nothing that stands on it",
    },
    Rule {
        whom: |part| part == Part::Platform,
        what: |part, path| is_foreign_table(part, path) || is_crate(path, &["async_graphql", "axum"]),
        why: "platform knows its own tables: the event log, leases, idempotency keys and jobs",
    },
    Rule {
        whom: |part| part == Part::Foundation,
        what: |_, path| in_slice(path).is_some() || is_ours(path, &["graphql", "stream", "transport"]),
        why: "app holds handles and config values: no slice, nothing of GraphQL or transport",
    },
    Rule {
        whom: |part| part == Part::Stream,
        what: |_, path| is_ours(path, &["transport"]) || is_crate(path, &["axum", "sea_orm", "redis"]),
        why: "the engine of the subscriptions knows the log and the bus, not sockets or tables",
    },
    Rule {
        whom: |part| part == Part::Graphql,
        what: |_, path| in_slice(path).is_some_and(|(_, piece)| !matches!(piece, None | Some("graphql"))),
        why: "graphql merges the slices' graphql parts, and knows nothing else of them",
    },
    Rule {
        whom: |part| part == Part::Graphql,
        what: |_, path| is_ours(path, &["transport"]) || is_crate(path, &["axum", "entity", "sea_orm", "redis"]),
        why: "graphql is what all resolvers share: no transport, no tables",
    },
    Rule {
        whom: |part| part == Part::Transport,
        what: |_, path| in_slice(path).is_some() || is_crate(path, &["entity", "sea_orm", "redis"]),
        why: "transport carries requests: it knows no slice and no table",
    },
    Rule {
        whom: |part| matches!(part, Part::Slice(..)),
        what: |_, path| is_ours(path, &["transport", "serve"]) || is_crate(path, &["axum", "redis", "migration"]),
        why: "a slice knows neither how requests come in nor how events go out",
    },
    Rule {
        whom: |part| matches!(part, Part::Slice(_, Piece::Repo)),
        what: |part, path| {
            let above = ["service", "graphql", "reactions"];
            another_slice(part, path).is_some() || in_slice(path).is_some_and(|(_, p)| p.is_some_and(|p| above.contains(&p)))
        },
        why: "a repo is beneath its service, and knows no other slice",
    },
    Rule {
        whom: |part| matches!(part, Part::Slice(_, Piece::Repo)),
        what: |part, path| is_crate(path, &["async_graphql"]) || is_ours(path, &["graphql"]) || is_foreign_table(part, path),
        why: "a repo knows its own slice's tables, and nothing of GraphQL",
    },
    Rule {
        whom: |part| matches!(part, Part::Slice(_, Piece::Service | Piece::Reactions)),
        what: |_, path| is_crate(path, &["async_graphql"]) || is_ours(path, &["graphql"]),
        why: "a use-case does not know that GraphQL asks for it",
    },
    Rule {
        whom: |part| matches!(part, Part::Slice(_, Piece::Service | Piece::Reactions)),
        what: |_, path| in_slice(path).is_some_and(|(_, piece)| piece == Some("graphql")),
        why: "a use-case does not know that GraphQL asks for it",
    },
    Rule {
        whom: |part| matches!(part, Part::Slice(_, Piece::Service)),
        what: |part, path| another_slice(part, path).is_some_and(|(slice, _)| !comes_before(slice, part)),
        why: "a service uses those of slices before its own: accounts < catalog < inventory < cart < payments < orders < dispatch < tracking < chat",
    },
    Rule {
        whom: |part| matches!(part, Part::Slice(_, Piece::Reactions)),
        what: |part, path| another_slice(part, path).is_some(),
        why: "a reaction hears another slice's events, and calls its own service",
    },
    Rule {
        whom: |part| matches!(part, Part::Slice(_, Piece::Graphql)),
        what: |part, path| {
            let is_hidden = |slice, piece| piece == "repo" || (piece == "service" && !comes_before(slice, part));
            another_slice(part, path).is_some_and(|(slice, piece)| piece.is_some_and(|piece| is_hidden(slice, piece)))
        },
        why: "of other slices a resolver knows the nouns, the graphql types, and the services of those before its own",
    },
    Rule {
        whom: |part| matches!(part, Part::Slice(_, Piece::Graphql)),
        what: |_, path| in_slice(path).is_some_and(|(_, piece)| piece == Some("repo")) || is_crate(path, &["sea_orm"]),
        why: "a resolver asks its service, not the tables",
    },
    Rule {
        whom: |part| matches!(part, Part::Slice(_, piece) if piece != Piece::Repo),
        what: |part, path| another_slice(part, path).is_some_and(|(_, piece)| piece == Some("repo")) || is_query(path),
        why: "only a slice's own repo names its tables",
    },
];

/// What the file at `path` names against the rules, a line each.
pub(crate) fn breaches(path: &Path, text: &str) -> Vec<String> {
    let part = Part::of(path);
    let stem = path.with_extension("");
    let module: Vec<&str> =
        stem.iter().filter_map(|word| word.to_str()).filter(|w| !matches!(*w, "src" | "mod" | "lib")).collect();
    let module = if matches!(part, Part::Domain | Part::Entity | Part::Migration) { &module[1..] } else { &module[..] };
    let breach = |Named { line, path: name }: Named| {
        let is_right = |(file, right): &(&str, &str)| {
            let rest = name.strip_prefix(right);
            path == Path::new(file) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        if EXCEPTIONS.iter().any(is_right) {
            return None;
        }
        let words: Vec<&str> = name.split("::").collect();
        let rule = RULES.iter().find(|rule| (rule.whom)(part) && (rule.what)(part, &words))?;
        Some(format!("{}:{line} names {name}: {}", path.display(), rule.why))
    };
    named(text, module).into_iter().filter_map(breach).collect()
}

fn is_slice(name: &str) -> bool {
    SLICES.contains(&name) || CONSUMERS.contains(&name)
}

fn is_crate(path: &[&str], crates: &[&str]) -> bool {
    path.len() > 1 && crates.contains(&path[0])
}

fn is_io(path: &[&str]) -> bool {
    is_crate(path, &["sea_orm", "sea_orm_migration", "async_graphql", "axum", "redis", "tokio", "tokio_util", "tracing"])
}

/// Whether it is one of our modules `modules`.
fn is_ours(path: &[&str], modules: &[&str]) -> bool {
    matches!(path, ["crate" | "quick_commerce", module, ..] if modules.contains(module))
}

/// The slice that a path is in, and the piece of it.
fn in_slice<'a>(path: &[&'a str]) -> Option<(&'a str, Option<&'a str>)> {
    match path {
        ["crate" | "quick_commerce", slice, rest @ ..] if is_slice(slice) => Some((slice, rest.first().copied())),
        _ => None,
    }
}

/// The same, of slices other than that of `part`.
fn another_slice<'a>(part: Part<'_>, path: &[&'a str]) -> Option<(&'a str, Option<&'a str>)> {
    in_slice(path).filter(|(slice, _)| !matches!(part, Part::Slice(own, _) if own == *slice))
}

/// Whether `slice` comes before that of `part`. Consumers come after all, and before nobody.
fn comes_before(slice: &str, part: Part<'_>) -> bool {
    let place = |slice: &str| SLICES.iter().position(|other| *other == slice);
    let Part::Slice(own, _) = part else { return false };
    place(slice).is_some_and(|other| place(own).is_none_or(|own| other < own))
}

/// Whether it is the entity of a table that another slice owns.
fn is_foreign_table(part: Part<'_>, path: &[&str]) -> bool {
    let ["entity", entity, ..] = path else { return false };
    let owner = TABLES.iter().find(|(_, entities)| entities.contains(entity)).map(|(owner, _)| *owner);
    let own = match part {
        Part::Slice(own, _) => own,
        _ => "platform",
    };
    owner.is_some_and(|owner| owner != own)
}

/// Whether it is what statements begin with. A `Model` is data, and columns make conditions: both may travel.
fn is_query(path: &[&str]) -> bool {
    path[0] == "entity" && path.iter().any(|word| matches!(*word, "Entity" | "ActiveModel"))
}
