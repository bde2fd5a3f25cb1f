//! Limits on what a client sends. Every refusal names the field.

use crate::error::Rejection;

/// A single-line text: trimmed, without control characters, between `min` and `max` characters.
///
/// # Errors
/// A [`Rejection`] at `field`.
pub fn line(field: &str, value: &str, min: usize, max: usize) -> Result<String, Rejection> {
    text(field, value, min, max, char::is_control)
}

/// A text that may have line breaks and tabs, but no other control characters.
///
/// # Errors
/// A [`Rejection`] at `field`.
pub fn paragraph(field: &str, value: &str, min: usize, max: usize) -> Result<String, Rejection> {
    text(field, value, min, max, |c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

fn text(field: &str, value: &str, min: usize, max: usize, forbidden: impl Fn(char) -> bool) -> Result<String, Rejection> {
    // NUL is among the control characters: PostgreSQL cannot store it, and nobody means it.
    if value.chars().any(|c| forbidden(c) || is_bidi_override(c)) {
        return Err(Rejection::invalid(field, "Control characters are not allowed."));
    }
    let value = value.trim();
    let length = value.chars().count();
    if length < min {
        let message =
            if min == 1 { "Must not be empty.".to_owned() } else { format!("Must have at least {min} characters.") };
        return Err(Rejection::invalid(field, message));
    }
    if length > max {
        return Err(Rejection::invalid(field, format!("Must have at most {max} characters.")));
    }
    Ok(value.to_owned())
}

/// Characters that reorder what follows them, used to disguise text (Unicode TR 36, "bidirectional text spoofing").
fn is_bidi_override(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A whole number between `min` and `max`.
///
/// # Errors
/// A [`Rejection`] at `field`.
pub fn number(field: &str, value: i32, min: i32, max: i32) -> Result<i32, Rejection> {
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(Rejection::invalid(field, format!("Must be between {min} and {max}.")))
    }
}

/// A list of at most `max` entries.
///
/// # Errors
/// A [`Rejection`] at `field`.
pub fn list<T>(field: &str, value: &[T], max: usize) -> Result<(), Rejection> {
    if value.len() <= max { Ok(()) } else { Err(Rejection::invalid(field, format!("Must have at most {max} entries."))) }
}

/// An e-mail address, folded to lower case so that one mailbox is one account.
///
/// The check is the useful part of RFC 5321 and RFC 6531: one `@`, a local part of at most 64 that needs no quotes, and a dotted
/// domain, 254 in all. Whether it exists only a message can tell.
///
/// # Errors
/// A [`Rejection`] at `field`.
pub fn email(field: &str, value: &str) -> Result<String, Rejection> {
    let wrong = || Rejection::invalid(field, "Must be an e-mail address.");
    // what is checked is what is kept: folding may make two characters of one
    let value = line(field, &line(field, value, 3, 254)?.to_lowercase(), 3, 254)?;
    let (local, host) = value.rsplit_once('@').ok_or_else(wrong)?;
    let host_is_good = host.contains('.')
        && host
            .split('.')
            .all(|label| !label.is_empty() && label.len() <= 63 && label.chars().all(|c| c.is_alphanumeric() || c == '-'))
        && !host.split('.').any(|label| label.starts_with('-') || label.ends_with('-'));
    // an atom of RFC 5322, section 3.2.3, with the letters and digits of any script: of what else RFC 6531 allows, section 3.3,
    // not everything can be written into a mail
    let is_plain = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let local_is_good = local.len() <= 64 && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_plain));
    let is_short = value.len() <= 254;
    if host_is_good && local_is_good && is_short { Ok(value) } else { Err(wrong()) }
}

/// An address of an account that exists, folded as [`email`] does: it may have been taken when more was.
///
/// # Errors
/// A [`Rejection`] at `field`.
pub fn known_email(field: &str, value: &str) -> Result<String, Rejection> {
    Ok(line(field, value, 3, 254)?.to_lowercase())
}

/// A telephone number after ITU-T E.164: an optional `+`, 6 to 15 digits; spaces, dots, dashes and brackets are dropped.
///
/// # Errors
/// A [`Rejection`] at `field`.
pub fn phone(field: &str, value: &str) -> Result<String, Rejection> {
    let value = line(field, value, 1, 32)?;
    let kept: String = value.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '(' | ')')).collect();
    let digits = kept.strip_prefix('+').unwrap_or(&kept);
    if (6..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        Ok(kept)
    } else {
        Err(Rejection::invalid(field, "Must be a telephone number of 6 to 15 digits."))
    }
}

/// An ISO 3166-1 alpha-2 country code by its shape, in upper case.
///
/// # Errors
/// A [`Rejection`] at `field`.
pub fn country(field: &str, value: &str) -> Result<String, Rejection> {
    let value = line(field, value, 2, 2)?;
    if value.bytes().all(|b| b.is_ascii_alphabetic()) {
        Ok(value.to_ascii_uppercase())
    } else {
        Err(Rejection::invalid(field, "Must be a two-letter country code."))
    }
}

/// An idempotency key: 1 to 255 printable characters, taken as they are.
///
/// # Errors
/// A [`Rejection`] at `idempotencyKey`.
pub fn idempotency_key(value: &str) -> Result<String, Rejection> {
    let trimmed = line("idempotencyKey", value, 1, 255)?;
    // two keys that differ in spaces are two keys, but the bound is on what was sent
    if trimmed.len() == value.len() {
        Ok(trimmed)
    } else {
        Err(Rejection::invalid("idempotencyKey", "Must not begin or end with a space."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_bounded_and_free_of_control_characters() {
        assert_eq!(line("name", "  Ana 😀 ", 1, 5).unwrap(), "Ana 😀");
        for bad in ["", "   ", "toolong", "a\0b", "a\nb", "a\u{202E}b"] {
            let refusal = line("input.name", bad, 1, 5).unwrap_err();
            assert_eq!(refusal.field, ["input", "name"], "{bad:?}");
        }
        assert_eq!(paragraph("note", "a\nb", 0, 5).unwrap(), "a\nb");
        assert!(paragraph("note", "a\0b", 0, 5).is_err());
    }

    #[test]
    fn emails_are_folded_and_checked() {
        assert_eq!(email("email", " Ana@Example.ORG ").unwrap(), "ana@example.org");
        for bad in ["", "a", "a@", "@b.c", "a@b", "a b@c.d", "a@b..c", "a@b.c\0", "a@@b.c", ".a@b.c", "a.@b.c", "a..b@c.d"] {
            assert!(email("email", bad).is_err(), "{bad:?}");
        }
        for bad in [
            "a[b@c.d",
            "a:b@c.d",
            "a\\b@c.d",
            "\"a\"@b.c",
            "a,b@c.d",
            "a@-b.c",
            "a@b-.c",
            "a@[1.2.3.4]",
            "a\u{a0}b@c.d",
            "a¡b@c.d",
        ] {
            assert!(email("email", bad).is_err(), "{bad:?}");
        }
        for good in
            ["o'brien+shop@example.org", "a.b.c@x-y.example.org", "{x}~#$%&*=?^`|!/_-@example.org", "ünï@exämple.org"]
        {
            assert_eq!(email("email", good).unwrap(), good);
        }
        assert!(email("email", &format!("{}@example.org", "a".repeat(65))).is_err());
        assert!(email("email", &format!("a@{}.c", vec!["例".repeat(21); 5].join("."))).is_err(), "254 bytes, as it is sent");
        assert_eq!(known_email("email", " A..b@c.d ").unwrap(), "a..b@c.d");
        assert!(known_email("email", "a\0@b.c").is_err());
    }

    #[test]
    fn phones_and_countries_are_normalised() {
        assert_eq!(phone("phone", "+91 (80) 1234-5678").unwrap(), "+918012345678");
        assert!(phone("phone", "12345").is_err());
        assert!(phone("phone", "call me").is_err());
        assert_eq!(country("country", "in").unwrap(), "IN");
        assert!(country("country", "1N").is_err());
    }
}
