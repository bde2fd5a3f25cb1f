//! What no client means to send, for each kind of field; and what looks bad and is not.

use serde_json::{Value, json};

/// What a field takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    /// One line of so many characters.
    Line(usize, usize),
    /// Lines of at most so many characters.
    Lines(usize),
    /// Lines of at least one and at most so many characters.
    Paragraph(usize),
    /// A password.
    Password,
    /// A text with a form of its own, of which nothing here is an example.
    Form,
    /// What signs in. Each guess costs the hash of a password, so there are few.
    Credential,
    /// A form, or nothing.
    FormOrNothing,
    /// An id of this type, of a record that exists.
    Id(&'static str),
    /// A whole number of this range.
    Number(i64, i64),
    /// A whole number other than zero of this range.
    Change(i64, i64),
    /// The number that the record has, which is none of those here.
    Compared,
    /// An amount.
    Amount,
    /// An amount above zero.
    Price,
    /// An amount above zero that may be larger than any price.
    Sum,
    /// A percentage above zero.
    Percent,
    /// A name of letters and digits.
    Code,
    /// A time, of which nothing here is an example.
    Time,
    /// An amount above the price, which is at least 20.
    OldPrice,
    /// An amount that is the total, of which nothing here is an example.
    Total,
    /// Degrees up to this.
    Degrees(f64),
    /// A measure from zero to this.
    Measure(f64),
    /// One of a few names, or true and false.
    Choice,
}

/// A value, and whether the field takes it.
pub(super) type Case = (Value, bool);

/// A hundred thousand characters.
pub(super) fn long() -> String {
    "x".repeat(100_000)
}

/// A well-formed id of no record.
pub(super) fn nobodys(kind: &str) -> String {
    format!("{kind}_7zzzzzzzzzzzzzzzzzzzzzzzzy")
}

/// Texts that a client sends by mistake or on purpose.
pub(super) fn texts() -> Vec<String> {
    let texts = [
        "",
        "   ",
        "\u{a0}\u{2003}",
        "a\0b",
        "\0",
        "a\u{1}b",
        "a\u{1b}[31mb",
        "a\u{7f}b",
        "a\u{85}b",
        "a\u{202e}b",
        "a\u{2066}b",
        "a\nb\tc",
        "🛵",
        "e\u{301}👩\u{200d}🚒",
        "'; DROP TABLE x",
        "\" OR 1=1 --",
        "%_\\",
        "{{7*7}}${7*7}",
        "<script>",
        "NULL",
    ];
    texts.into_iter().map(str::to_owned).chain([long()]).collect()
}

fn is_line(text: &str, min: usize, max: usize) -> bool {
    let is_plain = !text.chars().any(|c| c.is_control() || matches!(c, '\u{202e}' | '\u{2066}'));
    is_plain && (min..=max).contains(&text.trim().chars().count())
}

fn of_texts(fits: impl Fn(&str) -> bool) -> Vec<Case> {
    let of_types = [json!(7), json!(true), json!([[]]), json!({ "a": 1 })];
    let texts = texts().into_iter().map(|text| (json!(text), fits(&text)));
    texts.chain(of_types.map(|value| (value, false))).collect()
}

fn of_ids(kind: &str) -> Vec<Case> {
    let other = if kind == "usr" { "prd" } else { "usr" };
    let suffix = "01h455vb4pex5vsknk084sn02q";
    let ids = [
        nobodys(kind),
        nobodys(other),
        nobodys("zzz"),
        format!("{kind}_00000000000000000000000000"),
        format!("{kind}_{}", suffix.to_uppercase()),
        format!("{kind}_{}\0", &suffix[1..]),
        format!("{kind}_8{}", "z".repeat(25)),
        format!("{kind}_"),
        format!(" {kind}_{suffix}"),
        suffix.to_owned(),
        "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        "../../etc/passwd".to_owned(),
    ];
    let ids = ids.into_iter().chain(texts()).map(|id| json!(id));
    ids.chain([json!(7), json!(i64::MAX), json!(1.5), json!(true), json!({})]).map(|id| (id, false)).collect()
}

fn of_numbers(fits: impl Fn(i64) -> bool) -> Vec<Case> {
    let numbers = [0, 1, -1, i64::from(i32::MAX), i64::from(i32::MIN), 1 << 31, -(1 << 31) - 1, i64::MAX, i64::MIN];
    let others = [json!(1.5), json!(1e30), json!("1"), json!(""), json!("NaN"), json!(true), json!([[1]])];
    let numbers = numbers.into_iter().map(|number| (json!(number), i32::try_from(number).is_ok() && fits(number)));
    numbers.chain(others.map(|value| (value, false))).collect()
}

/// `fits` is asked of what is an amount.
fn of_amounts(fits: impl Fn(f64) -> bool) -> Vec<Case> {
    let zeros = "0".repeat(40);
    let no_amounts = [
        "NaN".to_owned(),
        "Infinity".to_owned(),
        "-Infinity".to_owned(),
        String::new(),
        " ".to_owned(),
        "a lot".to_owned(),
        "1,50".to_owned(),
        "0x10".to_owned(),
        "1e400".to_owned(),
        "\u{664}\u{662}".to_owned(),
        "30\0".to_owned(),
        "-1".to_owned(),
        "30.001".to_owned(),
        "0.0000000000000000000000000001".to_owned(),
        format!("30.{zeros}1"),
        format!("0.{zeros}1"),
        "10000000.01".to_owned(),
        "79228162514264337593543950335".to_owned(),
        "79228162514264337593543950336".to_owned(),
        format!("1{}", "0".repeat(30)),
        "9".repeat(100_000),
    ];
    let others = [json!(1e30), json!(1e308), json!(-1), json!(0.001), json!(i64::MAX), json!(true), json!([[]])];
    let amounts = ["0", "-0", "0.00", "30", "30.50", "30.5000", "0000030", "10000000"];
    let amounts = amounts.map(|text| (json!(text), fits(text.parse().unwrap())));
    let no_amounts = no_amounts.into_iter().map(|text| json!(text)).chain(others).map(|value| (value, false));
    no_amounts.chain(amounts).chain([(json!(30), fits(30.0)), (json!(30.5), fits(30.5))]).collect()
}

impl Takes {
    /// Values, each with whether a field of this kind takes it.
    pub(super) fn cases(self) -> Vec<Case> {
        match self {
            Self::Line(min, max) => of_texts(|text| is_line(text, min, max)),
            Self::Lines(max) => of_texts(|text| is_line(&text.replace(['\n', '\t'], " "), 0, max)),
            Self::Paragraph(max) => of_texts(|text| is_line(&text.replace(['\n', '\t'], " "), 1, max)),
            // any characters will do, if there are enough of them
            Self::Password => of_texts(|text| (8..=128).contains(&text.chars().count())),
            Self::Form => of_texts(|_| false),
            Self::Total => of_amounts(|_| false),
            Self::Credential => ["", "\0", "a\u{202e}b", "' OR 1=1 --", &long()].map(|text| (json!(text), false)).into(),
            Self::FormOrNothing => of_texts(|text| text.trim().is_empty()),
            Self::Id(kind) => of_ids(kind),
            Self::Number(min, max) => of_numbers(|number| (min..=max).contains(&number)),
            Self::Change(min, max) => of_numbers(|number| number != 0 && (min..=max).contains(&number)),
            Self::Compared => of_numbers(|_| false),
            Self::Amount => of_amounts(|_| true),
            Self::Percent => of_amounts(|percent| percent > 0.0 && percent <= 100.0),
            Self::Code => of_texts(|text| text == "NULL"),
            Self::Time => {
                let times = ["-0001-01-01T00:00:00Z", "+10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01", "now"];
                let times = times.map(|time| (json!(time), false));
                of_texts(|_| false).into_iter().chain(times).collect()
            }
            Self::Price => of_amounts(|amount| amount > 0.0),
            Self::Sum => {
                let is_larger = |value: &Value| *value == json!("10000000.01");
                let cases = Self::Price.cases().into_iter();
                cases.map(|(value, fits)| (value.clone(), fits || is_larger(&value))).collect()
            }
            Self::OldPrice => of_amounts(|amount| amount > 20.0),
            Self::Degrees(most) => {
                let of_degrees = [most, -most, most + 0.001, -most - 0.001, 1e308, -1e308];
                let degrees = of_degrees.map(|degrees| (json!(degrees), degrees.abs() <= most));
                let others = [json!("NaN"), json!("1"), json!(""), json!(true), json!([[1]])];
                degrees.into_iter().chain(others.map(|value| (value, false))).collect()
            }
            Self::Measure(most) => {
                let of_measures = [0.0, most, most / 3.0, -0.001, most + 0.001, 1e308, -1e308];
                let measures = of_measures.map(|measure| (json!(measure), (0.0..=most).contains(&measure)));
                let others = [json!("NaN"), json!("1"), json!(""), json!(true), json!([[1]])];
                measures.into_iter().chain(others.map(|value| (value, false))).collect()
            }
            Self::Choice => {
                let choices = [json!(""), json!("NONE OF THESE"), json!(7), json!("delivered"), json!([[]]), json!({})];
                choices.map(|value| (value, false)).into()
            }
        }
    }
}
