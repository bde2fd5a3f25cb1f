//! Texts as words, the same for what is searched and for what is searched for.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Letters of a word that count; the rest of a longer one is passed over, here and in searches.
const MAX_LETTERS: usize = 40;

/// The words of `text`: runs of letters and digits, without case, accents or forms that only look different. A character
/// of a script that does not part words (Chinese, Japanese) is a word by itself. Everything else parts words, but for the
/// apostrophe: `Lay's` is one.
pub(super) fn words(text: &str) -> Vec<String> {
    let plain = text.nfkd().flat_map(char::to_lowercase).filter(|c| !is_accent(*c) && !is_silent(*c)).nfc();
    let (mut words, mut word, mut letters) = (Vec::new(), String::new(), 0);
    for c in plain {
        if is_word_by_itself(c) && c.is_alphanumeric() {
            words.extend([std::mem::take(&mut word), c.to_string()]);
            letters = 0;
        } else if c.is_alphanumeric() || (is_combining_mark(c) && !word.is_empty()) {
            if letters < MAX_LETTERS {
                push_folded(&mut word, c);
                letters += 1;
            }
        } else {
            words.push(std::mem::take(&mut word));
            letters = 0;
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Marks above and below Latin, Greek and Cyrillic letters. Those of other scripts are vowels, and stay.
const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}')
}

/// What stands inside of words and is left out by some: apostrophes, soft hyphens, joiners, selectors of forms.
const fn is_silent(c: char) -> bool {
    matches!(
        c,
        '\'' | '`' | '\u{AD}' | '\u{2BC}' | '\u{2018}' | '\u{2019}' | '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}'
    )
}

const fn is_word_by_itself(c: char) -> bool {
    matches!(c,
        '\u{3040}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Letters with an everyday spelling that Unicode does not take them apart to.
fn push_folded(word: &mut String, c: char) {
    match c {
        'ß' => word.push_str("ss"),
        'æ' => word.push_str("ae"),
        'œ' => word.push_str("oe"),
        'ø' => word.push('o'),
        'đ' | 'ð' => word.push('d'),
        'ł' => word.push('l'),
        'ı' => word.push('i'),
        'ς' => word.push('σ'),
        c => word.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_looks_different_is_the_same() {
        for (text, same) in [
            ("Crème Brûlée", "creme brulee"),
            ("ÄPFEL", "a\u{308}pfel"),
            ("ﬁlet", "FILET"),
            ("５００ ㎖", "500 ml"),
            ("Straße", "STRASSE"),
            ("Lay’s", "lays"),
            ("İstanbul", "istanbul"),
            ("ΟΔΟΣ", "οδος"),
            ("Łódź", "lodz"),
            ("co-op", "CO OP"),
        ] {
            assert_eq!(words(text), words(same), "{text}");
        }
    }

    #[test]
    fn words_of_every_script_are_found_and_everything_else_parts_them() {
        for (text, expected) in [
            ("आम का रस", vec!["आम", "का", "रस"]),
            ("दूध", vec!["दूध"]),
            ("牛乳 1L", vec!["牛", "乳", "1l"]),
            ("ミルクが", vec!["ミ", "ル", "ク", "が"]),
            ("カフェ・オレ", vec!["カ", "フ", "ェ", "オ", "レ"]),
            ("･゠゛ガ゜", vec!["ガ"]),
            ("김치", vec!["김치"]),
            ("🥭 mango*", vec!["mango"]),
            ("\"milk\" OR (tea):*", vec!["milk", "or", "tea"]),
            ("!?… -- '", vec![]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        assert_eq!(words(&"x".repeat(5_000)), ["x".repeat(40)]);
    }
}
