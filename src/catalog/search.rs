//! What products are found by, and how a list of them is sorted.

mod text;
mod words;

use domain::error::Rejection;
use domain::input::{line, list};
use entity::product;
use serde::Serialize;
use uuid::Uuid;

use super::checks;

pub use text::Text;
pub(super) use text::{Rank, Terms};
use words::words;

/// Which products, and in which order. Serialised, it is what a cursor is bound to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Search {
    /// Only of this category.
    pub category: Option<Uuid>,
    /// Only of this seller.
    pub seller: Option<Uuid>,
    /// Only from this price, in minor units.
    pub min_minor: Option<i64>,
    /// Only up to this price, in minor units.
    pub max_minor: Option<i64>,
    /// Only with all of these tags, in lower case.
    pub tags: Vec<String>,
    /// Only these.
    pub ids: Option<Vec<Uuid>>,
    /// Also what is off sale, as far as the viewer may see it.
    pub with_inactive: bool,
    /// Only what matches this.
    pub text: Option<Text>,
    /// The order; absent, the best matches of a text come first, and without a text the newest.
    pub sort: Option<Sort>,
}

impl Search {
    /// Looks for `tags` too.
    ///
    /// # Errors
    /// A [`Rejection`] for more than 20, or one that no product can have.
    pub fn with_tags(mut self, tags: &[String]) -> Result<Self, Rejection> {
        self.tags = checks::tags(tags)?;
        Ok(self)
    }

    /// Looks for the words of `text` too. Blank, it is as if there were none; with no word in it otherwise, it finds nothing.
    ///
    /// # Errors
    /// A [`Rejection`] for more than 200 characters, or some that cannot be searched for.
    pub fn with_text(mut self, text: &str) -> Result<Self, Rejection> {
        let text = line("search", text, 0, 200)?;
        self.text = (!text.is_empty()).then(|| Text::new(&text));
        Ok(self)
    }

    /// The order of the list.
    pub(super) fn order(&self) -> Sort {
        match (self.sort, &self.text) {
            (None, Some(_)) => Sort::Relevance,
            (None, None) => Sort::Newest,
            // nothing matches better than anything else
            (Some(Sort::Relevance), None) => Sort::BestSelling,
            (Some(sort), _) => sort,
        }
    }

    /// Looks only among `ids`.
    ///
    /// # Errors
    /// A [`Rejection`] for more than 100.
    pub fn among(mut self, ids: Vec<Uuid>) -> Result<Self, Rejection> {
        list("ids", &ids, 100)?;
        self.ids = Some(ids);
        Ok(self)
    }
}

/// The order of a list of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Sort {
    /// Best match first, and what sold most among equals.
    Relevance,
    /// Newest first.
    Newest,
    /// Cheapest first.
    PriceAsc,
    /// Dearest first.
    PriceDesc,
    /// By the words of the name, folded, byte by byte.
    Name,
    /// Most sold first.
    BestSelling,
}

/// Bytes of a name key that count: the longest names, as some characters stand for whole phrases, are told apart by their
/// ids from there on. It is in every cursor of a list by name, and in indexes that have no room for more.
const MAX_NAME_KEY: usize = 1_000;

/// What lists are sorted by NAME by, of a name with these words.
fn name_key(words: &[String]) -> String {
    let mut key = words.join(" ");
    key.truncate(key.floor_char_boundary(MAX_NAME_KEY));
    key
}

/// Fills the columns that lists are sorted and searched by from those that are shown. Nothing else writes them.
pub fn index(product: &mut product::Model) {
    let name = words(&product.name);
    let mut labels = words(&product.sku);
    labels.extend(product.tags.0.iter().flat_map(|tag| words(tag)));
    product.search_text = text::terms(&name, &labels, &words(&product.description));
    product.name_key = name_key(&name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_key_has_room_in_a_cursor_whatever_the_name_and_is_that_of_a_search_for_it() {
        for name in ["ﷺ".repeat(200), "㍿".repeat(200), "𠀀".repeat(200), "x".repeat(5_000), "Milk".to_owned()] {
            let key = name_key(&words(&name));
            assert!(key.len() <= MAX_NAME_KEY && words(&name).join(" ").starts_with(&key), "{name}");
            assert_eq!(Text::new(&name).name_key(), key, "{name}");
        }
    }
}
