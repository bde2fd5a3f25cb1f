//! Terms and names in the databases' own indexes of texts.

use entity::product;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Order, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, QuerySelect, QueryTrait, Select, TransactionTrait,
};
use uuid::Uuid;

use crate::catalog::search::{Terms, Text};
use crate::platform::Result;

/// The most products that are found by a similar name.
const MAX_SIMILAR: u64 = 100;

/// How much of a text must be in a name for it to be similar, of the groups of three letters in it.
const SIMILARITY: &str = "0.45";

/// The ids of products with `terms`, by the index of terms.
pub(super) fn select_ids(backend: DbBackend, terms: &Terms) -> SelectStatement {
    let (words, fts, id, no) =
        (Alias::new("product_words"), Alias::new("product_fts"), Alias::new("product_id"), Alias::new("no"));
    if backend == DbBackend::Postgres {
        // In a SELECT the planner does not know it, and takes the index. Of words that many products have it would read the
        // table up to the limit instead: no sooner, and much later when its statistics are old.
        let has = Expr::cust_with_values("words @@ (SELECT CAST($1 AS tsquery))", [tsquery(terms)]);
        return Query::select().column(id).from(words).and_where(has).to_owned();
    }
    Query::select()
        .column((words.clone(), id))
        .from(fts.clone())
        // the order of the tables is meant: terms lead to numbers, and those to ids
        .cross_join(words.clone())
        .and_where(Expr::cust_with_values("product_fts MATCH ?", [fts5(terms)]))
        .and_where(Expr::col((words, no)).equals((fts, Alias::new("rowid"))))
        .to_owned()
}

/// That a product's row has `terms`, without the index: for when so many have them that any other way leads to some soon.
pub(super) fn has_terms(backend: DbBackend, terms: &Terms) -> Expr {
    let place = Alias::new(if backend == DbBackend::Postgres { "strpos" } else { "instr" });
    let all = |terms: &[String]| {
        // a comparison, since PostgreSQL takes it for true of many rows; of LIKE with this pattern it expects none
        let has = |term: &String| {
            let text = Expr::col(product::Column::SearchText.as_column_ref());
            Expr::from(Func::cust(place.clone()).arg(text).arg(format!(" {term}"))).gt(0)
        };
        terms.iter().map(has).reduce(ExprTrait::and).unwrap_or_else(|| Expr::value(true))
    };
    if terms.none.is_empty() { all(&terms.all) } else { all(&terms.all).and(all(&terms.none).not()) }
}

/// Terms are letters and digits: nothing in them is an operator once they are quoted.
fn fts5(terms: &Terms) -> String {
    let all = |terms: &[String]| terms.iter().map(|term| format!("\"{term}\" *")).collect::<Vec<_>>().join(" AND ");
    let none = if terms.none.is_empty() { String::new() } else { format!(" NOT ({})", all(&terms.none)) };
    format!("({}){none}", all(&terms.all))
}

fn tsquery(terms: &Terms) -> String {
    let all = |terms: &[String]| terms.iter().map(|term| format!("'{term}':*")).collect::<Vec<_>>().join(" & ");
    let none = if terms.none.is_empty() { String::new() } else { format!(" & !({})", all(&terms.none)) };
    format!("({}){none}", all(&terms.all))
}

/// That a product's name or SKU is the text.
pub(super) fn is_exactly(text: &Text) -> Expr {
    let name = product::Column::NameKey.eq(text.name_key());
    name.or(product::Column::Sku.is_in(text.skus()))
}

/// Those of `products` whose names are similar to `text`, the most similar first, each with how much, of a thousand. None
/// with SQLite, which has no index for that.
pub(super) async fn list_similar(
    db: &DatabaseConnection,
    products: Select<product::Entity>,
    text: &Text,
) -> Result<Vec<(Uuid, i64)>> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(Vec::new());
    }
    // the operator has an index, the function a result; the threshold is for this transaction
    let tx = db.begin().await?;
    tx.execute_unprepared(&format!("SET LOCAL pg_trgm.word_similarity_threshold = {SIMILARITY}")).await?;
    let (words, similarity) = (Alias::new("product_words"), Alias::new("similarity"));
    // asked for each of the similar names, which the index finds: what is not listed takes the place of nothing that is
    let this = QueryTrait::into_query(products.select_only().expr_as(Expr::value(1), "one"))
        .and_where(Expr::col((words.clone(), Alias::new("product_id"))).equals(product::Column::Id.as_column_ref()))
        .limit(1)
        .offset(0)
        .to_owned();
    let how_much = "CAST(round(word_similarity($1, product_words.name_key) * 1000) AS bigint)";
    let ask = Query::select()
        .column((words.clone(), Alias::new("product_id")))
        .expr_as(Expr::cust_with_values(how_much, [text.name_key()]), similarity.clone())
        .from(words.clone())
        .and_where(Expr::cust_with_values("product_words.name_key %> $1", [text.name_key()]))
        .and_where(Expr::exists(this))
        .order_by(similarity, Order::Desc)
        .order_by((words, Alias::new("product_id")), Order::Asc)
        .limit(MAX_SIMILAR)
        .to_owned();
    let rows = tx.query_all(&ask).await?;
    tx.commit().await?;
    rows.into_iter().map(|row| Ok((row.try_get("", "product_id")?, row.try_get("", "similarity")?))).collect()
}
