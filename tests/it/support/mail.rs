//! Mails as their receivers see them.

use std::path::Path;

use super::wait::until;

/// A mail that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    /// Its `Message-ID`.
    pub(crate) id: String,
    /// To whom.
    pub(crate) to: String,
    /// What about.
    pub(crate) subject: String,
    /// All its headers, as they came.
    pub(crate) head: String,
    /// Its parts, each decoded, one after the other.
    pub(crate) text: String,
}

impl Letter {
    /// Reads a whole mail.
    pub(crate) fn parse(whole: &str) -> Self {
        let whole = whole.replace("\r\n", "\n");
        let (head, body) = whole.split_once("\n\n").unwrap();
        let header = |name: &str| {
            let value = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.unwrap_or_default().trim().to_owned()
        };
        let (id, to, subject) = (header("Message-ID"), header("To"), header("Subject"));
        Self { id, to, subject, head: head.to_owned(), text: plain(body) }
    }

    /// What stands between `#token=` and the end of the word in the link.
    pub(crate) fn token(&self) -> String {
        let (_, rest) = self.text.split_once("#token=").expect("there is a link in the letter");
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
    }
}

/// Undoes quoted-printable (RFC 2045, section 6.7); text that is not in it stays as it is.
fn plain(body: &str) -> String {
    let joined = body.replace("=\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        match code {
            Some(byte) if *first == b'=' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Every mail in `folder`.
pub(crate) fn letters_in(folder: &Path) -> Vec<Letter> {
    let files = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let whole = files.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
    whole.map(|path| Letter::parse(&std::fs::read_to_string(path).unwrap())).collect()
}

/// The mail in `folder` to `address` whose subject has `subject` in it, once there is one that is not of those in `before`.
pub(crate) async fn letter_in(folder: &Path, address: &str, subject: &str, before: &[Letter]) -> Letter {
    let find = || {
        letters_in(folder).into_iter().find(|letter| {
            let is_new = before.iter().all(|old| old.id != letter.id);
            is_new && letter.to == address && letter.subject.contains(subject)
        })
    };
    until(async || find().is_some()).await;
    find().unwrap()
}
