//! How many tokens a document has, and how deep its brackets go, before anything is built from it.
//!
//! The lexical grammar is that of the GraphQL specification, section 2.1 (September 2025). What is not a token of it
//! counts as one: the parser will refuse the document anyway.

use std::collections::HashSet;

/// What a document costs to parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lexed {
    /// Tokens; white space, commas and comments are none.
    pub(super) tokens: usize,
    /// Most brackets of any kind open at once. The parser recurses as deep.
    pub(super) nesting: usize,
}

/// Measures `source` in one pass.
pub(super) fn lex(source: &str) -> Lexed {
    let (mut count, mut open, mut nesting) = (0, 0_usize, 0);
    for token in tokens(source) {
        match token {
            b"{" | b"(" | b"[" => {
                open += 1;
                nesting = nesting.max(open);
            }
            b"}" | b")" | b"]" => open = open.saturating_sub(1),
            _ => {}
        }
        count += 1;
    }
    Lexed { tokens: count, nesting }
}

/// The names of the variables that the operation `wanted` of `source` declares, or any operation if none is named. A few more
/// where the document is wrong.
pub(super) fn declared<'source>(source: &'source str, wanted: Option<&str>) -> HashSet<&'source [u8]> {
    let (mut names, mut open, mut is_wanted) = (HashSet::new(), 0_usize, wanted.is_none());
    let mut tokens = tokens(source).peekable();
    while let Some(token) = tokens.next() {
        match token {
            b"{" | b"(" | b"[" => open += 1,
            b"}" | b")" | b"]" => open = open.saturating_sub(1),
            b"query" | b"mutation" | b"subscription" | b"fragment" if open == 0 => {
                is_wanted = wanted.is_none_or(|wanted| tokens.peek() == Some(&wanted.as_bytes()));
                // an operation may have the name `query`
                tokens.next_if(|name| name.first().is_some_and(u8::is_ascii_alphabetic));
            }
            // between the name and the first brace; braces within are those of a default value, which has no variables
            b"$" if open == 1 && is_wanted => names.extend(tokens.next()),
            _ => {}
        }
    }
    names
}

/// How often `source` names the variable `name`: once where it is declared, and once wherever it is used.
pub(super) fn mentions(source: &str, name: &str) -> usize {
    let mut tokens = tokens(source);
    std::iter::from_fn(|| tokens.find(|token| *token == b"$").map(|_| tokens.next()))
        .filter(|found| *found == Some(name.as_bytes()))
        .count()
}

/// The tokens of `source`.
fn tokens(source: &str) -> impl Iterator<Item = &[u8]> {
    let mut rest = source.as_bytes();
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let skipped = ignored(rest);
            if skipped > 0 {
                rest = rest.get(skipped..).unwrap_or_default();
                continue;
            }
            let token;
            (token, rest) = rest.split_at_checked(self::token(rest)).unwrap_or((rest, &[]));
            return Some(token);
        }
        None
    })
}

/// Bytes of white space, commas or a comment at the start of `rest`.
fn ignored(rest: &[u8]) -> usize {
    match rest {
        [b' ' | b'\t' | b'\r' | b'\n' | b',', ..] => 1,
        [0xEF, 0xBB, 0xBF, ..] => 3,
        [b'#', ..] => run(rest, |byte| !matches!(byte, b'\r' | b'\n')),
        _ => 0,
    }
}

/// Bytes of the token at the start of `rest`; at least one.
fn token(rest: &[u8]) -> usize {
    match rest {
        [b'.', b'.', b'.', ..] => 3,
        [b'"', b'"', b'"', ..] => block_string(rest),
        [b'"', ..] => string(rest),
        [b'A'..=b'Z' | b'a'..=b'z' | b'_', ..] => run(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        [b'-' | b'0'..=b'9', ..] => number(rest),
        // a character beyond ASCII is one mistake, however many bytes it has
        [0x80..=0xFF, ..] => run(rest, |byte| byte >= 0x80),
        _ => 1,
    }
}

/// `"…"`, up to the end of the line when it is not closed.
fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    loop {
        match rest.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(b'\r' | b'\n') | None => return at.min(rest.len()),
            Some(_) => at += 1,
        }
    }
}

/// `"""…"""`, where `\"""` does not close it; up to the end of the document when nothing does.
fn block_string(rest: &[u8]) -> usize {
    let mut at = 3;
    loop {
        match rest.get(at..) {
            Some([b'"', b'"', b'"', ..]) => return at + 3,
            Some([b'\\', b'"', b'"', b'"', ..]) => at += 4,
            Some([_, ..]) => at += 1,
            _ => return rest.len(),
        }
    }
}

/// An integer or a float. `1-1` are two tokens: a list needs no commas, so a sign ends the number before it.
fn number(rest: &[u8]) -> usize {
    let digits = |at: usize| run(rest.get(at..).unwrap_or_default(), |byte| byte.is_ascii_digit());
    let mut at = usize::from(rest.first() == Some(&b'-'));
    at += digits(at);
    if rest.get(at) == Some(&b'.') && digits(at + 1) > 0 {
        at += 1 + digits(at + 1);
    }
    if matches!(rest.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(rest.get(at + 1), Some(b'+' | b'-')));
        if digits(at + 1 + sign) > 0 {
            at += 1 + sign + digits(at + 1 + sign);
        }
    }
    at
}

/// How many bytes at the start of `rest` are alike.
fn run(rest: &[u8], is_alike: impl Fn(u8) -> bool) -> usize {
    rest.iter().position(|byte| !is_alike(*byte)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_mentioned_where_the_grammar_says_so() {
        let query = "subscription($near: Point, $ radiusKm: Float) { # $near
            offers(near: $near, radiusKm: $radiusKm) { a(text: \"$near\") b @include(if: $nearer) } }";
        for (name, count) in [("near", 2), ("radiusKm", 2), ("nearer", 1), ("nea", 0)] {
            assert_eq!(mentions(query, name), count, "{name}");
        }
        assert_eq!(mentions("{ a(x: $x, y: [$x]) } $", "x"), 2);
    }

    #[test]
    fn tokens_are_counted_as_the_specification_has_them() {
        for (source, tokens) in [
            ("", 0),
            (" \t\r\n,,,\u{FEFF}", 0),
            ("# only { a comment }", 0),
            ("# one\r{a}# two", 3),
            ("{a}", 3),
            ("query Q($id: ID! = \"x\") @d { a(id: $id) }", 22),
            ("a b_1 __c", 3),
            ("...on...F", 4),
            ("1 -1 1.5 -1.5e+10 1E3 0", 6),
            ("[1-1-1]", 5),
            ("[1 1.e]", 6),
            ("1e", 2),
            ("\"a \\\" # { b\" c", 2),
            ("\"not closed\nnext", 2),
            ("\"ends with \\", 1),
            ("\"\"", 1),
            ("\"\"\"a \\\"\"\" \n { \"\" b\"\"\" c", 2),
            ("\"\"\"not closed { a", 1),
            ("!$&()=@[]{}|:", 13),
            ("é ü", 2),
            ("%", 1),
        ] {
            assert_eq!(lex(source).tokens, tokens, "{source:?}");
        }
    }

    #[test]
    fn nesting_is_the_most_that_is_open_at_once() {
        for (source, nesting) in [
            ("{a}", 1),
            ("{a(b:[{c:1}])}", 4),
            ("{a{b}c{d}}", 2),
            ("}}}{", 1),
            ("\"{{{\"#{{{", 0),
            (&"[".repeat(5000), 5000),
        ] {
            assert_eq!(lex(source).nesting, nesting, "{source:?}");
        }
    }

    #[test]
    fn the_variables_of_an_operation_are_those_that_it_declares() {
        let both = "query A($a: [Int!]! = [1], $b: In = {c: 1, d: [2]}) @x(y: $a) { f(g: $h) } # ($i: Int)\n \
            fragment F on Q { f(g: $j) } subscription query($k: ID) { l(m: \"($n)\") } mutation ($o: Int) { p(q: $r) } { s(t: $u) }";
        for (wanted, names) in
            [(Some("A"), &["a", "b"][..]), (Some("query"), &["k"]), (Some("B"), &[]), (None, &["a", "b", "k", "o"])]
        {
            let names: HashSet<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
            assert_eq!(declared(both, wanted), names, "{wanted:?}");
        }
        for odd in ["$", "($", "query ($", "query ($ $ $a", "}}}($a)", "query"] {
            assert!(declared(odd, None).len() <= 2, "{odd}");
        }
    }

    #[test]
    fn every_input_ends() {
        for source in ["\\", "\"\\", "\"\"\"\\", "-", "-.", "1.", "1e+", ".", "..", "\u{0}", "\u{10FFFF}"] {
            assert!(lex(source).tokens > 0, "{source:?}");
        }
    }
}
