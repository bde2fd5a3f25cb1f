//! A search text, and how well a product matches it.

use serde::Serialize;

use super::words::words;

/// Words of a search text that count; further ones are passed over.
const MAX_WORDS: usize = 12;

/// How well a product matches, best first. Within a rank, what sold most comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::catalog) enum Rank {
    /// The text is its name or SKU.
    Exact,
    /// Its name begins with the first word of the text, and has all.
    Beginning,
    /// All words are in its name.
    Name,
    /// All words are in its name, SKU and tags.
    Labels,
    /// All words are somewhere.
    Anywhere,
    /// Not all words are anywhere, but the name is nearly the text.
    Similar,
}

impl Rank {
    /// The ranks of products that have all words, best first.
    pub(in crate::catalog) const WITH_ALL_WORDS: [Self; 5] =
        [Self::Exact, Self::Beginning, Self::Name, Self::Labels, Self::Anywhere];

    /// As it is written in a cursor.
    pub(in crate::catalog) const fn number(self) -> i64 {
        self as i64
    }
}

/// Where a word stands, as the first character of a term. A word is a term of each place that holds it, so that one index
/// of terms answers for all of them.
#[derive(Debug, Clone, Copy)]
enum At {
    FirstOfName,
    Name,
    Labels,
    Anywhere,
}

impl At {
    fn term(self, word: &str) -> String {
        format!("{}{word}", self as u8)
    }
}

/// The terms of a product, each after a space.
pub(super) fn terms(name: &[String], labels: &[String], description: &[String]) -> String {
    let mut seen = std::collections::HashSet::new();
    // not empty even without a word: an empty text says that the product is yet to be indexed
    let mut text = " ".to_owned();
    let first = name.iter().take(1).map(|word| At::FirstOfName.term(word));
    let by_name = name.iter().map(|word| At::Name.term(word));
    let by_label = name.iter().chain(labels).map(|word| At::Labels.term(word));
    let by_any = name.iter().chain(labels).chain(description).map(|word| At::Anywhere.term(word));
    for term in first.chain(by_name).chain(by_label).chain(by_any) {
        if seen.insert(term.clone()) {
            if seen.len() > 1 {
                text.push(' ');
            }
            text.push_str(&term);
        }
    }
    text
}

/// Which terms a product has: one that begins with each of `all`, and not one with each of `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::catalog) struct Terms {
    pub(in crate::catalog) all: Vec<String>,
    /// Empty: nothing is ruled out.
    pub(in crate::catalog) none: Vec<String>,
}

/// A search text. There is at least one word in it, or it finds nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    /// As typed, without spaces around it.
    typed: String,
    /// Its words in the order typed.
    phrase: Vec<String>,
    /// Those to look for.
    words: Vec<String>,
}

impl Text {
    pub(super) fn new(typed: &str) -> Self {
        let phrase = words(typed);
        let mut sought = phrase.clone();
        sought.truncate(MAX_WORDS);
        sought.sort_unstable();
        // whoever has `milkshake` has a word that begins with `milk`
        let sorted = sought.clone();
        let is_implied = |place: usize| sorted.get(place + 1).is_some_and(|next| next.starts_with(&sorted[place]));
        let mut place = 0;
        sought.retain(|_| {
            place += 1;
            !is_implied(place - 1)
        });
        Self { typed: typed.to_owned(), phrase, words: sought }
    }

    /// Whether there is nothing in it that could be found.
    pub(in crate::catalog) const fn is_nothing(&self) -> bool {
        self.words.is_empty()
    }

    /// What the name key of a product with this very name is.
    pub(in crate::catalog) fn name_key(&self) -> String {
        super::name_key(&self.phrase)
    }

    /// What the SKU of a product can be that is meant by this text.
    pub(in crate::catalog) fn skus(&self) -> [String; 3] {
        [self.typed.clone(), self.typed.to_uppercase(), self.typed.to_lowercase()]
    }

    fn each(&self, at: At) -> Vec<String> {
        self.words.iter().map(|word| at.term(word)).collect()
    }

    /// The terms of names, without those that the first word of a name implies.
    fn others(&self) -> Vec<String> {
        let is_implied = |word: &String| self.phrase.first().is_some_and(|first| first.starts_with(word.as_str()));
        self.words.iter().filter(|word| !is_implied(word)).map(|word| At::Name.term(word)).collect()
    }

    /// The terms of products that have all words.
    pub(in crate::catalog) fn anywhere(&self) -> Terms {
        Terms { all: self.each(At::Anywhere), none: Vec::new() }
    }

    /// The terms of products of `rank` and no better one, [`Rank::Exact`] aside. None for ranks that terms do not tell.
    pub(in crate::catalog) fn terms(&self, rank: Rank) -> Option<Terms> {
        let first = || self.phrase.first().map(|word| At::FirstOfName.term(word)).into_iter().collect::<Vec<_>>();
        let (all, none) = match rank {
            Rank::Beginning => ([first(), self.others()].concat(), Vec::new()),
            Rank::Name => (self.each(At::Name), first()),
            Rank::Labels => (self.each(At::Labels), self.each(At::Name)),
            Rank::Anywhere => (self.each(At::Anywhere), self.each(At::Labels)),
            Rank::Exact | Rank::Similar => return None,
        };
        Some(Terms { all, none })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_term_of_each_place_that_holds_it() {
        let text = terms(&words("Amul Milk"), &words("AM-1 dairy milk"), &words("Fresh milk."));
        assert_eq!(text, " 0amul 1amul 1milk 2amul 2milk 2am 21 2dairy 3amul 3milk 3am 31 3dairy 3fresh");
        assert_eq!(terms(&[], &[], &[]), " ");
    }

    #[test]
    fn words_that_others_imply_are_not_looked_for_and_there_are_few() {
        assert_eq!(Text::new("milk mil tea milk MILKSHAKE").words, ["milkshake", "tea"]);
        let many: Vec<String> = (10..99).map(|n| format!("w{n}")).collect();
        assert_eq!(Text::new(&many.join(" ")).words.len(), MAX_WORDS);
        assert!(Text::new("!? ⭐").is_nothing());
    }

    #[test]
    fn a_rank_rules_out_the_better_ones() {
        let terms = |rank| Text::new("tea Milk").terms(rank).map(|terms| (terms.all.join(" "), terms.none.join(" ")));
        let some = |all: &str, none: &str| Some((all.to_owned(), none.to_owned()));
        assert_eq!(terms(Rank::Beginning), some("0tea 1milk", ""), "the first word of a name is in the name");
        assert_eq!(terms(Rank::Name), some("1milk 1tea", "0tea"));
        assert_eq!(terms(Rank::Labels), some("2milk 2tea", "1milk 1tea"));
        assert_eq!(terms(Rank::Anywhere), some("3milk 3tea", "2milk 2tea"));
        assert_eq!(terms(Rank::Similar), None);
    }
}
