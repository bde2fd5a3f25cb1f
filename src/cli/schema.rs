//! `quick-commerce schema`: what the server's schema is, for whoever generates a client from it.

use std::fmt::Write as _;
use std::path::Path;

use super::{Failure, Outcome, build, say};
use crate::config::Config;
use crate::graphql;

/// The file that `schema --check` compares with.
const SCHEMA_FILE: &str = "schema.graphql";

/// Prints the schema, or compares it with the file. Needs neither settings nor a database.
pub(super) async fn run(check: bool) -> Outcome {
    let in_memory = |name: &str| (name == "DATABASE_URL").then(|| "sqlite::memory:".to_owned());
    let config = Config::load(None, in_memory).map_err(|error| Failure::new(error.to_string()))?;
    let sdl = graphql::sdl(&graphql::build_schema(&build(&config).await?));
    if !check {
        return say(&sdl);
    }
    let file = std::fs::read_to_string(Path::new(SCHEMA_FILE))
        .map_err(|error| Failure::new(format!("cannot read {SCHEMA_FILE}: {error}")))?;
    match difference(&file, &sdl) {
        None => Ok(()),
        Some(difference) => Err(Failure::new(format!(
            "{SCHEMA_FILE} is not the server's schema; write it with `quick-commerce schema > {SCHEMA_FILE}`\n{difference}"
        ))),
    }
}

/// What is between the lines that two texts begin and end with alike, the first few of it; `None` when they are equal.
fn difference(old: &str, new: &str) -> Option<String> {
    const SHOWN: usize = 10;
    if old == new {
        return None;
    }
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let begin = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - begin;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let mut text = format!("@@ line {} @@", begin + 1);
    for (sign, lines) in [('-', old), ('+', new)] {
        let differing = lines.get(begin..lines.len() - end).unwrap_or_default();
        for line in differing.iter().take(SHOWN) {
            let _ = write!(text, "\n{sign} {line}");
        }
        if differing.len() > SHOWN {
            let _ = write!(text, "\n{sign} … {} more lines", differing.len() - SHOWN);
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_from_where_it_begins() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\nc\n", "a\nx\nc\n").unwrap(), "@@ line 2 @@\n- b\n+ x");
        assert_eq!(difference("a\n", "a\nb\n").unwrap(), "@@ line 2 @@\n+ b");
        assert_eq!(difference("a\na\n", "a\n").unwrap(), "@@ line 2 @@\n- a");
        let long = "b\n".repeat(12);
        assert!(difference("", &long).unwrap().ends_with("+ … 2 more lines"));
    }
}
