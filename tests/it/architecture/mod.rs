//! Who may import whom: `docs/ARCHITECTURE.md` as a test.

mod paths;
mod rules;

use std::path::{Path, PathBuf};

use rules::{Part, breaches};

/// Beyond this a file is split.
const MOST_LINES: usize = 600;

/// Folders of the workspace that hold our sources.
const SOURCES: &[&str] = &["src", "domain", "entity", "migration", "tests", "benches"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every `*.rs` of ours, relative to the workspace, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut folders: Vec<PathBuf> = SOURCES.iter().map(|folder| root().join(folder)).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        // not every folder exists in every state of the project
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    files.sort();
    assert!(files.len() > 50, "the sources are not where this test looks for them");
    files
}

#[test]
fn nobody_imports_what_they_may_not() {
    let breaches: Vec<String> = sources().iter().flat_map(|(path, text)| breaches(path, text)).collect();
    assert!(breaches.is_empty(), "{} forbidden import(s):\n{}", breaches.len(), breaches.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(path, lines)| format!("{}: {lines} lines, and {MOST_LINES} are the most", path.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_folder_of_the_server_has_its_rules() {
    let unknown: Vec<_> =
        sources().into_iter().map(|(path, _)| path).filter(|path| Part::of(path) == Part::Unknown).collect();
    assert!(unknown.is_empty(), "say in rules.rs what these may import: {unknown:?}");
}

#[test]
fn the_rules_catch_what_they_are_for() {
    for (path, text) in [
        ("domain/src/order.rs", "use sea_orm::entity::prelude::*;"),
        ("domain/src/order.rs", "fn f() { tokio::spawn(async {}); }"),
        ("entity/src/order.rs", "use migration::Migrator;"),
        ("migration/src/lib.rs", "use entity::order;"),
        ("src/platform/outbox.rs", "use crate::orders::service::place;"),
        ("src/platform/outbox.rs", "use entity::{event, order};"),
        ("src/transport/auth.rs", "use crate::{app::App, accounts::service};"),
        ("src/transport/auth.rs", "use entity::user;"),
        ("src/graphql/schema.rs", "use crate::catalog::repo;"),
        ("src/orders/repo.rs", "use async_graphql::ID;"),
        ("src/orders/repo.rs", "use entity::{order, product};"),
        ("src/orders/service.rs", "use crate::dispatch::service as dispatch;"),
        ("src/orders/service.rs", "use crate::catalog::repo;"),
        ("src/orders/service/place.rs", "use super::super::super::dispatch::service;"),
        ("src/orders/service.rs", "use crate::orders;\nfn f() { orders::graphql::g(); }"),
        ("src/orders/graphql.rs", "use super::repo;"),
        ("src/orders/graphql.rs", "use crate::chat::service;"),
        ("src/orders/reactions.rs", "use crate::catalog::service;"),
        ("src/orders/service.rs", "use crate::webhooks::service;"),
    ] {
        assert_eq!(breaches(Path::new(path), text).len(), 1, "{path}: {text}: {:?}", breaches(Path::new(path), text));
    }
}

#[test]
fn the_rules_let_pass_what_is_right() {
    for (path, text) in [
        ("src/orders/service.rs", "use crate::{app::App, inventory::service as stock, platform::Result};\nuse super::repo;"),
        ("src/orders/graphql.rs", "use crate::catalog::graphql::Product;\nuse crate::graphql::{GraphError, ids};"),
        ("src/orders/repo.rs", "use entity::{order, order_item};\nuse sea_orm::ConnectionTrait;"),
        ("src/graphql/schema.rs", "use crate::{catalog::graphql::CatalogQuery, orders::graphql as orders};"),
        ("src/platform/relay/mod.rs", "use entity::{event, relay};"),
        ("src/transport/auth.rs", "// not crate::accounts::service\nconst TEXT: &str = \"crate::accounts::service\";"),
        ("src/orders/service.rs", "fn f() {}\n#[cfg(test)]\nmod tests { use crate::chat::service; }"),
        ("src/main.rs", "use quick_commerce::accounts::service;"),
    ] {
        assert_eq!(breaches(Path::new(path), text), Vec::<String>::new(), "{path}: {text}");
    }
}
