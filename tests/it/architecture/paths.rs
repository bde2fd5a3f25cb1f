//! The paths that a source file names: those of its `use` lines, and those in its code.

use std::collections::HashMap;

/// A path as if written from the root of its crate, such as `crate::orders::repo`, and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) path: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    /// `::`
    Path,
    Mark(char),
}

/// The paths of `text`, the file of the module `module` (such as `["orders", "repo"]`). Its tests are left out.
pub(crate) fn named(text: &str, module: &[&str]) -> Vec<Named> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let tokens = tokens(text);
    let mut names: HashMap<String, String> = HashMap::new();
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (line, token) = &tokens[at];
        match token {
            Token::Word(word) if word == "use" => {
                at += 1;
                let mut tree = Vec::new();
                use_tree(&tokens, &mut at, String::new(), &mut tree);
                for (path, name) in tree {
                    let path = absolute(&path, module);
                    names.insert(name, path.clone());
                    found.push(Named { line: *line, path });
                }
            }
            Token::Word(first) if matches!(tokens.get(at + 1), Some((_, Token::Path))) => {
                let mut path = names.get(first).cloned().unwrap_or_else(|| first.clone());
                while let (Some((_, Token::Path)), Some((_, Token::Word(word)))) = (tokens.get(at + 1), tokens.get(at + 2)) {
                    path = format!("{path}::{word}");
                    at += 2;
                }
                found.push(Named { line: *line, path: absolute(&path, module) });
                at += 1;
            }
            _ => at += 1,
        }
    }
    found
}

/// Reads one branch of a `use`, from `at` on: the paths it names, and the names it gives them.
fn use_tree(tokens: &[(usize, Token)], at: &mut usize, mut path: String, found: &mut Vec<(String, String)>) {
    let mut name = String::new();
    while let Some((_, token)) = tokens.get(*at) {
        match token {
            Token::Word(word) if word == "as" => {
                if let Some((_, Token::Word(alias))) = tokens.get(*at + 1) {
                    name.clone_from(alias);
                }
                *at += 1;
            }
            Token::Word(word) if word == "self" && !path.is_empty() => {
                path.rsplit("::").next().unwrap_or_default().clone_into(&mut name);
            }
            Token::Word(word) => {
                path = if path.is_empty() { word.clone() } else { format!("{path}::{word}") };
                name.clone_from(word);
            }
            Token::Mark('{') => {
                loop {
                    *at += 1;
                    use_tree(tokens, at, path.clone(), found);
                    if !matches!(tokens.get(*at), Some((_, Token::Mark(',')))) {
                        break;
                    }
                }
                *at += 1;
                return;
            }
            Token::Mark(',' | '}' | ';') => break,
            Token::Path | Token::Mark(_) => {}
        }
        *at += 1;
    }
    if !path.is_empty() && !name.is_empty() {
        found.push((path, name));
    }
}

/// Resolves `self` and `super`.
fn absolute(path: &str, module: &[&str]) -> String {
    let mut words: Vec<&str> = path.split("::").collect();
    if !matches!(words[0], "self" | "super") {
        return path.to_owned();
    }
    let mut base = module.to_vec();
    while let Some(first @ ("self" | "super")) = words.first().copied() {
        words.remove(0);
        if first == "super" {
            base.pop();
        }
    }
    std::iter::once("crate").chain(base).chain(words).collect::<Vec<_>>().join("::")
}

/// Words and marks with their lines; comments, texts and characters are left out.
fn tokens(text: &str) -> Vec<(usize, Token)> {
    let (mut line, mut tokens) = (1, Vec::new());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match c {
            '\n' => line += 1,
            '/' if next == Some('/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' => {
                let mut is_escaped = false;
                for c in chars.by_ref() {
                    line += usize::from(c == '\n');
                    if c == '"' && !is_escaped {
                        break;
                    }
                    is_escaped = c == '\\' && !is_escaped;
                }
            }
            // a character, not a lifetime: only one of the two has a second quote
            '\'' => {
                let mut ahead = chars.clone();
                let first = ahead.next();
                if first == Some('\\') || ahead.next() == Some('\'') {
                    if chars.next() == Some('\\') {
                        chars.next();
                    }
                    while chars.next().is_some_and(|c| c != '\'') {}
                }
            }
            ':' if next == Some(':') => {
                chars.next();
                tokens.push((line, Token::Path));
            }
            _ if c.is_alphabetic() || c == '_' => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    word.push(c);
                }
                match chars.peek() {
                    Some('#' | '"') if matches!(word.as_str(), "r" | "br") => line += raw_text(&mut chars),
                    _ => tokens.push((line, Token::Word(word))),
                }
            }
            _ if c.is_whitespace() => {}
            _ => tokens.push((line, Token::Mark(c))),
        }
    }
    tokens
}

/// Passes over a raw text, from its `#`s on; how many lines it ends.
fn raw_text(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> usize {
    let (mut hashes, mut lines, mut text) = (0, 0, String::new());
    while chars.next_if_eq(&'#').is_some() {
        hashes += 1;
    }
    // an identifier such as r#type has no text
    if chars.next_if_eq(&'"').is_some() {
        let end = format!("\"{}", "#".repeat(hashes));
        while !text.ends_with(&end) {
            let Some(c) = chars.next() else { break };
            lines += usize::from(c == '\n');
            text.push(c);
        }
    }
    lines
}

#[test]
fn paths_are_found_wherever_they_are_written() {
    let text = "use crate::{a::{self, b as c}, d};\nuse super::repo;\n// e::f\nfn g(x: &'static str) -> h::I { c::j('\\''); \"k::l\" }";
    let found: Vec<(usize, String)> = named(text, &["m", "service"]).into_iter().map(|n| (n.line, n.path)).collect();
    let expected =
        [(1, "crate::a"), (1, "crate::a::b"), (1, "crate::d"), (2, "crate::m::repo"), (4, "h::I"), (4, "crate::a::b::j")];
    assert_eq!(found, expected.map(|(line, path)| (line, path.to_owned())));
}
