//! What products are found by, and how a list of them is sorted.

use domain::error::Rejection;
use domain::input::{line, list};
use entity::product;
use serde::Serialize;
use uuid::Uuid;

use super::checks;

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
    /// Words that must all occur, in lower case.
    pub words: Vec<String>,
    /// The order.
    pub sort: Sort,
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

    /// Looks for the words of `text` too.
    ///
    /// # Errors
    /// A [`Rejection`] for more than 200 characters, or some that cannot be searched for.
    pub fn with_text(mut self, text: &str) -> Result<Self, Rejection> {
        let text = line("search", text, 0, 200)?.to_lowercase();
        self.words = text.split_whitespace().map(str::to_owned).collect();
        self.words.sort_unstable();
        self.words.dedup();
        Ok(self)
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum Sort {
    /// Best match first; until matches are weighed, best-selling first.
    Relevance,
    /// Newest first.
    #[default]
    Newest,
    /// Cheapest first.
    PriceAsc,
    /// Dearest first.
    PriceDesc,
    /// By name, in lower case and byte by byte.
    Name,
    /// Most sold first.
    BestSelling,
}

/// Fills the columns that lists are sorted and searched by from those that are shown.
pub fn index(product: &mut product::Model) {
    product.name_key = product.name.to_lowercase();
    product.search_text =
        format!("{}\n{}\n{}\n{}", product.name, product.sku, product.tags.0.join("\n"), product.description).to_lowercase();
}
