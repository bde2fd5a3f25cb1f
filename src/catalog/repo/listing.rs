//! Lists of products: which rows, by which index, in which order.
//!
//! Indexes lead through the whole catalogue, a category or a seller's products in every order. What else a list is narrowed
//! by, a text, tags, prices, what another slice knows, is either met by few products, and then those are fetched and
//! sorted, or by many, and then the order's index is followed and each row looked at: a page's worth of them comes soon.
//! Which it is is found out by counting, as far as [`FEW`]: neither database can tell beforehand how many match a text.

use entity::{product, product_tag};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, QueryFilter, QuerySelect,
    QueryTrait, Select, Value,
};
use uuid::Uuid;

use super::matching::{has_terms, is_exactly, list_similar, select_ids};
use crate::catalog::search::{Rank, Search, Sort, Terms, Text};
use crate::platform::Result;
use crate::platform::error::Denial;
use crate::platform::page::{self, Cursor, Key, Keys, Page, PageArgs, Place, Span, veiled};

/// So many products are fetched and sorted for a page.
const FEW: u64 = 2_000;

/// So many are fetched to be counted, up to [`page::COUNT_LIMIT`], and to be sorted by name: those with a word in common
/// are neighbours in that order, maybe a long way from its start.
const MORE: u64 = 10_000;

/// So many of the next products are looked at for those with common words, before these are counted.
const WINDOW: u64 = 500;

/// Which products a viewer may see in a list.
#[derive(Debug, Clone, Copy)]
pub(in crate::catalog) enum Shown {
    /// Those on sale.
    OnSale,
    /// Those on sale, and all of one seller.
    OnSaleOrOf(Uuid),
    /// All.
    All,
}

/// A list of products.
#[derive(Debug)]
pub(in crate::catalog) struct Listing<'a> {
    /// What is looked for.
    pub(in crate::catalog) search: &'a Search,
    /// Who looks.
    pub(in crate::catalog) shown: Shown,
    /// Only those whose ids this selects as `product_id`, its one column: what another slice knows of products.
    pub(in crate::catalog) among: Option<SelectStatement>,
}

/// A condition in both forms.
#[derive(Debug, Clone)]
struct Filter {
    /// The ids of the products that meet it, as `product_id`.
    ids: SelectStatement,
    /// That a product meets it.
    holds: Expr,
}

impl Filter {
    fn of_ids(ids: SelectStatement) -> Self {
        let some = Alias::new("some");
        let this = Query::select()
            .expr(Expr::value(1))
            .from_subquery(ids.clone(), some.clone())
            .and_where(Expr::col((some, Alias::new("product_id"))).equals(product::Column::Id.as_column_ref()))
            // not to be made a join of, for which the whole of the other table might be read: asked for each row
            .limit(1)
            .offset(0)
            .to_owned();
        Self { ids, holds: Expr::exists(this) }
    }
}

fn select_tagged(tag: &str) -> SelectStatement {
    Query::select()
        .column(product_tag::Column::ProductId)
        .from(product_tag::Entity)
        .and_where(product_tag::Column::Tag.eq(tag))
        .to_owned()
}

/// The products that meet a condition.
fn select_where(holds: Expr) -> SelectStatement {
    Query::select()
        .expr_as(Expr::col(product::Column::Id), Alias::new("product_id"))
        .from(product::Entity)
        .and_where(holds)
        .to_owned()
}

fn is_priced(search: &Search, price: &Expr) -> Option<Expr> {
    let least = search.min_minor.map(|least| price.clone().gte(least));
    let most = search.max_minor.map(|most| price.clone().lte(most));
    least.into_iter().chain(most).reduce(ExprTrait::and)
}

/// The column by which a list is sorted, other than by relevance, and whether the greatest comes first.
const fn sorting(sort: Sort) -> page::Sort<product::Column> {
    use product::Column;

    let (column, is_descending) = match sort {
        Sort::Newest => (Column::CreatedAt, true),
        Sort::PriceAsc => (Column::PriceMinor, false),
        Sort::PriceDesc => (Column::PriceMinor, true),
        Sort::Name => (Column::NameKey, false),
        Sort::Relevance | Sort::BestSelling => (Column::SoldCount, true),
    };
    page::Sort { column: Some(column), id: Column::Id, is_descending }
}

fn key_of(sort: Sort, product: &product::Model) -> (Option<Key>, Uuid) {
    let key = match sort {
        Sort::Newest => Key::Number(product.created_at.timestamp_micros()),
        Sort::PriceAsc | Sort::PriceDesc => Key::Number(product.price_minor),
        Sort::Name => Key::Text(product.name_key.clone()),
        Sort::Relevance | Sort::BestSelling => Key::Number(product.sold_count),
    };
    (Some(key), product.id)
}

fn value_of(sort: Sort, key: &Key) -> Option<Value> {
    match (sort, key) {
        (Sort::Newest, key) => key.time().map(Value::from),
        (Sort::Name, Key::Text(name)) => Some(Value::from(name.as_str())),
        (Sort::Name, _) => None,
        (_, Key::Number(number)) => Some(Value::from(*number)),
        _ => None,
    }
}

/// What is known of a list before a page of it is read.
#[derive(Debug, Clone)]
struct Plan<'a> {
    listing: &'a Listing<'a>,
    sort: Sort,
    filters: Vec<Filter>,
    /// Which of the filters few meet.
    few: Option<usize>,
    /// Whether something else leads to the products, of which there are few.
    is_led: bool,
}

impl<'a> Plan<'a> {
    async fn of(db: &impl ConnectionTrait, listing: &'a Listing<'a>, sort: Sort) -> Result<Self> {
        let mut plan = Self { is_led: false, ..Self::led(listing, sort) };
        // the products of a list of ids are few to begin with
        for place in 0..plan.filters.len() {
            if listing.search.ids.is_none() && plan.few.is_none() && plan.count(db, place, FEW).await? <= FEW {
                plan.few = Some(place);
            }
        }
        Ok(plan)
    }

    /// For a list whose products something else leads to: each condition is asked of each of them.
    fn led(listing: &'a Listing<'a>, sort: Sort) -> Self {
        let search = listing.search;
        let mut filters: Vec<_> = search.tags.iter().map(|tag| Filter::of_ids(select_tagged(tag))).collect();
        filters.extend(listing.among.clone().map(Filter::of_ids));
        // in the order of prices, the index of the order is that of the condition
        if !matches!(sort, Sort::PriceAsc | Sort::PriceDesc)
            && let Some(ids) = is_priced(search, &Expr::col(product::Column::PriceMinor)).map(select_where)
            && let Some(holds) = is_priced(search, &veiled(product::Column::PriceMinor))
        {
            filters.push(Filter { ids, holds });
        }
        Self { listing, sort, filters, few: None, is_led: true }
    }

    /// How many meet a filter, up to one more than `most`.
    async fn count(&self, db: &impl ConnectionTrait, place: usize, most: u64) -> Result<u64> {
        page::count_to(self.filters[place].ids.clone(), most + 1, db).await
    }

    const fn is_few(&self) -> bool {
        self.is_led || self.few.is_some() || self.listing.search.ids.is_some()
    }

    /// The same for those that have `terms` too; up to `most` are few. `None` when nothing has them.
    async fn with_terms(mut self, db: &impl ConnectionTrait, terms: &Terms, most: u64) -> Result<Option<Self>> {
        let backend = db.get_database_backend();
        self.filters.push(Filter { ids: select_ids(backend, terms), holds: has_terms(backend, terms) });
        if !self.is_few() {
            let place = self.filters.len() - 1;
            let count = self.count(db, place, most).await?;
            if count == 0 {
                return Ok(None);
            }
            self.few = (count <= most).then_some(place);
        }
        Ok(Some(self))
    }

    /// The same for those whose name or SKU is `text`: there are never many.
    fn with_exactly(mut self, text: &Text) -> Self {
        if !self.is_few() {
            self.few = Some(self.filters.len());
        }
        self.filters.push(Filter { ids: select_where(is_exactly(text)), holds: is_exactly(text) });
        self
    }

    fn select(&self) -> Select<product::Entity> {
        product::Entity::find().filter(self.by_columns()).filter(self.by_filters())
    }

    /// What the columns of a product decide: where the order has an index with them, it leads past everything else.
    fn by_columns(&self) -> Condition {
        use product::Column;

        let search = self.listing.search;
        // where few products are led to by their ids, no other index is to look better
        let column = |column: Column| if self.is_few() { veiled(column) } else { Expr::col(column.as_column_ref()) };
        let mut all = Condition::all()
            .add_option(search.category.map(|id| column(Column::CategoryId).eq(id)))
            .add_option(search.seller.map(|id| column(Column::SellerId).eq(id)))
            .add_option(search.ids.as_ref().map(|ids| Column::Id.is_in(ids.iter().copied())));
        if matches!(self.sort, Sort::PriceAsc | Sort::PriceDesc) {
            all = all.add_option(is_priced(search, &column(Column::PriceMinor)));
        }
        let is_active = || Expr::col(Column::IsActive.as_column_ref());
        match self.listing.shown {
            Shown::All if search.with_inactive => {}
            Shown::OnSaleOrOf(seller) if search.with_inactive => {
                all = all.add(is_active().or(Column::SellerId.eq(seller)));
            }
            _ => all = all.add(is_active()),
        }
        all
    }

    fn by_filters(&self) -> Condition {
        let filter = |(place, filter): (usize, &Filter)| {
            let is_few = self.few == Some(place);
            if is_few { product::Column::Id.in_subquery(filter.ids.clone()) } else { filter.holds.clone() }
        };
        self.filters.iter().enumerate().map(filter).fold(Condition::all(), Condition::add)
    }

    /// What `span` holds of those that have `terms`, and `more` is said of, found among the next [`WINDOW`] products in the
    /// order of the list. None when these are not enough to fill it and there are others further on.
    ///
    /// Of a word that very many products have, a page is nearly at hand, while PostgreSQL's index of words reads all of
    /// them before it gives the first. SQLite's does not.
    async fn nearby(
        &self,
        db: &impl ConnectionTrait,
        terms: &Terms,
        more: Option<Expr>,
        span: &Span,
    ) -> Result<Option<Vec<product::Model>>> {
        let backend = db.get_database_backend();
        if self.is_few() || backend != DbBackend::Postgres {
            return Ok(None);
        }
        let (keys, limit) = (self.keys(), span.limit);
        let window = Span { limit: WINDOW, ..span.clone() }.of(product::Entity::find().filter(self.by_columns()), &keys);
        let window = QueryTrait::into_query(window);
        let mut select = product::Entity::find()
            .filter(self.by_filters())
            .filter(has_terms(backend, terms))
            .filter(Condition::all().add_option(more));
        // under the table's name, so that the same is said of it
        let from = QuerySelect::query(&mut select).from_clear();
        from.from_subquery(window.clone(), product::Entity);
        let rows = Span { limit, is_backward: span.is_backward, ..Span::default() }.of(select, &keys).all(db).await?;
        let is_whole = rows.len() as u64 >= limit || page::count_to(window, WINDOW, db).await? < WINDOW;
        Ok(is_whole.then_some(rows))
    }

    /// Whether a tenth of the first [`WINDOW`] products have `terms`, or there are no others, as far as that can save work.
    async fn is_common(&self, db: &impl ConnectionTrait, terms: &Terms) -> Result<bool> {
        let span = Span { limit: WINDOW / 10, ..Span::default() };
        Ok(self.nearby(db, terms, None, &span).await?.is_some())
    }

    fn keys(&self) -> Keys {
        let sort = sorting(self.sort);
        if self.is_few() { Keys::by_sorting(sort) } else { Keys::by_index(sort) }
    }

    async fn page(&self, db: &impl ConnectionTrait, args: &PageArgs) -> Result<Page<product::Model>> {
        let span = self.span(args)?;
        Ok(self.cut(args, span.of(self.select(), &self.keys()).all(db).await?))
    }

    fn span(&self, args: &PageArgs) -> Result<Span> {
        args.span(true, |key| value_of(self.sort, key))
    }

    fn cut(&self, args: &PageArgs, rows: Vec<product::Model>) -> Page<product::Model> {
        args.cut(rows, |product| key_of(self.sort, product))
    }
}

/// A page of the list.
pub(in crate::catalog) async fn list_products(
    db: &DatabaseConnection,
    listing: &Listing<'_>,
    args: &PageArgs,
) -> Result<Page<product::Model>> {
    let sort = listing.search.order();
    let Some(text) = &listing.search.text else {
        return Plan::of(db, listing, sort).await?.page(db, args).await;
    };
    if text.is_nothing() {
        return Ok(args.cut(Vec::new(), |product| key_of(sort, product)));
    }
    if sort == Sort::Relevance {
        return by_relevance(db, listing, text, args).await;
    }
    let few = if sort == Sort::Name { MORE } else { FEW };
    let plan = Plan::of(db, listing, sort).await?;
    // of none, a similar name may be meant
    if let Some(rows) = plan.nearby(db, &text.anywhere(), None, &plan.span(args)?).await?
        && !rows.is_empty()
    {
        return Ok(plan.cut(args, rows));
    }
    let plan = plan.with_terms(db, &text.anywhere(), few).await?;
    let page = match plan {
        Some(plan) => plan.page(db, args).await?,
        None => args.cut(Vec::new(), |product| key_of(sort, product)),
    };
    if page.rows.is_empty()
        && let Some(similar) = find_similar(db, listing, text).await?
    {
        let search = only_similar(listing.search, &similar);
        let listing = Listing { search: &search, shown: listing.shown, among: listing.among.clone() };
        return Plan::of(db, &listing, sort).await?.page(db, args).await;
    }
    Ok(page)
}

/// How many products the list has, and whether that is all of them.
pub(in crate::catalog) async fn count_products(db: &DatabaseConnection, listing: &Listing<'_>) -> Result<(i32, bool)> {
    let sort = listing.search.order();
    let Some(text) = &listing.search.text else {
        return page::count(Plan::of(db, listing, sort).await?.select(), db).await;
    };
    if text.is_nothing() {
        return Ok((0, true));
    }
    let plan = Plan::of(db, listing, sort).await?.with_terms(db, &text.anywhere(), MORE).await?;
    let count = match plan {
        Some(plan) => page::count(plan.select(), db).await?,
        None => (0, true),
    };
    if count.0 == 0
        && let Some(similar) = find_similar(db, listing, text).await?
    {
        let search = only_similar(listing.search, &similar);
        let listing = Listing { search: &search, shown: listing.shown, among: listing.among.clone() };
        return page::count(Plan::of(db, &listing, sort).await?.select(), db).await;
    }
    Ok(count)
}

/// The products of the list that are found by a similar name, when the whole catalogue, as far as it is shown, has none
/// with all words.
async fn find_similar(db: &DatabaseConnection, listing: &Listing<'_>, text: &Text) -> Result<Option<Vec<(Uuid, i64)>>> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(None);
    }
    let search = Search::default();
    let everything = Listing { search: &search, shown: listing.shown, among: None };
    let plan = Plan::of(db, &everything, Sort::BestSelling).await?.with_terms(db, &text.anywhere(), FEW).await?;
    if let Some(plan) = plan
        && page::count(plan.select(), db).await?.0 > 0
    {
        return Ok(None);
    }
    let products = Plan::led(listing, Sort::BestSelling).select();
    Ok(Some(list_similar(db, products, text).await?))
}

fn only_similar(search: &Search, similar: &[(Uuid, i64)]) -> Search {
    let is_wanted = |id: &Uuid| search.ids.as_ref().is_none_or(|ids| ids.contains(id));
    let ids = similar.iter().map(|(id, _)| *id).filter(is_wanted).collect();
    Search { ids: Some(ids), text: None, ..search.clone() }
}

/// Where a cursor of a list by relevance stands: the rank, what else the rank is sorted by, and the id.
fn ranked(cursor: &Cursor) -> Result<(i64, &[i64], Uuid)> {
    match &cursor.key {
        Some(Key::Numbers(numbers)) if (2..=3).contains(&numbers.len()) => Ok((numbers[0], &numbers[1..], cursor.id)),
        _ => Err(Denial::BadCursor.into()),
    }
}

/// A page by relevance: rank by rank, until it is full.
async fn by_relevance(
    db: &DatabaseConnection,
    listing: &Listing<'_>,
    text: &Text,
    args: &PageArgs,
) -> Result<Page<product::Model>> {
    let (after, before) = (args.after().map(ranked).transpose()?, args.before().map(ranked).transpose()?);
    let similar = Rank::Similar.number();
    let has_similar = after.is_some_and(|at| at.0 == similar) || before.is_some_and(|at| at.0 == similar);
    let mut rows = Vec::new();
    if !has_similar {
        let plan = Plan::of(db, listing, Sort::BestSelling).await?;
        // whoever is of a rank has all words: where few have them, no rank is nearly at hand
        let is_common = plan.is_common(db, &text.anywhere()).await?;
        let mut ranks = Rank::WITH_ALL_WORDS;
        if args.is_backward() {
            ranks.reverse();
        }
        for rank in ranks {
            let number = rank.number();
            let limit = args.size() + 1 - rows.len() as u64;
            if limit == 0 || after.is_some_and(|at| number < at.0) || before.is_some_and(|at| number > at.0) {
                continue;
            }
            let place = |at: Option<(i64, &[i64], Uuid)>| -> Option<Place> {
                at.filter(|at| at.0 == number).and_then(|(_, numbers, id)| Some((Some((*numbers.first()?).into()), id)))
            };
            let span = Span { after: place(after), before: place(before), is_backward: args.is_backward(), limit };
            let found = list_rank(db, plan.clone(), text, (rank, is_common), span).await?;
            rows.extend(found.into_iter().map(|product| (vec![number, product.sold_count], product)));
        }
    }
    if rows.is_empty() && (has_similar || (after.is_none() && before.is_none())) {
        rows = list_similar_rows(db, listing, text, args).await?;
    }
    let page = args.cut(rows, |(numbers, product)| (Some(Key::Numbers(numbers.clone())), product.id));
    Ok(page.map(|(_, product)| product))
}

/// What of one rank `span` holds, what sold most first. Many of the rank may be nearly at hand where `is_common`.
async fn list_rank(
    db: &DatabaseConnection,
    plan: Plan<'_>,
    text: &Text,
    (rank, is_common): (Rank, bool),
    span: Span,
) -> Result<Vec<product::Model>> {
    if is_common
        && let Some(terms) = text.terms(rank)
        && let Some(rows) = plan.nearby(db, &terms, Some(is_exactly(text).not()), &span).await?
    {
        return Ok(rows);
    }
    let plan = match text.terms(rank) {
        Some(terms) => plan.with_terms(db, &terms, FEW).await?,
        None => Some(plan.with_exactly(text)),
    };
    let Some(plan) = plan else { return Ok(Vec::new()) };
    let mut select = plan.select();
    if rank != Rank::Exact {
        select = select.filter(is_exactly(text).not());
    }
    Ok(span.of(select, &plan.keys()).all(db).await?)
}

/// What of the products with similar names the page holds, and one more, in the direction of reading: the most similar
/// first, and what sold most among equals. There are so few that all are read.
async fn list_similar_rows(
    db: &DatabaseConnection,
    listing: &Listing<'_>,
    text: &Text,
    args: &PageArgs,
) -> Result<Vec<(Vec<i64>, product::Model)>> {
    let Some(similar) = find_similar(db, listing, text).await? else { return Ok(Vec::new()) };
    let search = only_similar(listing.search, &similar);
    let listing = Listing { search: &search, shown: listing.shown, among: listing.among.clone() };
    let products = Plan::of(db, &listing, Sort::BestSelling).await?.select().all(db).await?;
    let similar: std::collections::HashMap<_, _> = similar.into_iter().collect();
    let mut rows: Vec<(Vec<i64>, product::Model)> = products
        .into_iter()
        .filter_map(|product| {
            let key = vec![Rank::Similar.number(), *similar.get(&product.id)?, product.sold_count];
            Some((key, product))
        })
        .collect();
    // greater is better in all but the rank, which is the same
    rows.sort_by(|(a, one), (b, other)| (b, other.id).cmp(&(a, one.id)));
    let place = |cursor: &Cursor| match &cursor.key {
        Some(Key::Numbers(numbers)) => (numbers.clone(), cursor.id),
        _ => (Vec::new(), cursor.id),
    };
    let (after, before) = (args.after().map(place), args.before().map(place));
    rows.retain(|(key, product)| {
        let at = (key, &product.id);
        after.as_ref().is_none_or(|(key, id)| at < (key, id)) && before.as_ref().is_none_or(|(key, id)| at > (key, id))
    });
    if args.is_backward() {
        rows.reverse();
    }
    rows.truncate(usize::try_from(args.size() + 1).unwrap_or(usize::MAX));
    Ok(rows)
}
