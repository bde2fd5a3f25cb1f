//! Keyset pages: a page begins where a row was, not at a number of rows to skip.
//!
//! A cursor holds the sort keys of its row and a fingerprint of the list it came from (sort and filter), so a cursor of
//! another list is refused instead of giving a page that is not there.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike as _, Utc};
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Func, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, Order, QueryFilter, QueryOrder, QuerySelect, Select, Value,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::{Denial, Result};

/// Rows of a page when neither `first` nor `last` says so.
pub const DEFAULT_SIZE: u64 = 20;

/// The most rows of a page.
pub const MAX_SIZE: i32 = 100;

/// Counts are exact up to here; beyond, they are said to be at least this.
pub const COUNT_LIMIT: u64 = 1_000;

/// Bytes of the longest cursor: the key of a product's name is in it, of at most a thousand, and no more.
const MAX_CURSOR: usize = 4_096;

/// One sort key of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// A number, or a time in microseconds since 1970.
    Number(i64),
    /// Numbers that are compared one after the other.
    Numbers(Vec<i64>),
    /// A text.
    Text(String),
}

impl Key {
    /// The time that the key is. None when it is no time, or one that the type has and a database does not: anybody can
    /// write a cursor.
    #[must_use]
    pub fn time(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Number(micros) => DateTime::from_timestamp_micros(*micros).filter(|at| (0..=9999).contains(&at.year())),
            Self::Numbers(_) | Self::Text(_) => None,
        }
    }
}

/// Where a page begins or ends: the sort key of a row, if the list has one besides the id, and the row's id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// Fingerprint of the list.
    #[serde(rename = "l")]
    list: String,
    /// The sort key.
    #[serde(rename = "k", skip_serializing_if = "Option::is_none", default)]
    pub key: Option<Key>,
    /// The row.
    #[serde(rename = "i")]
    pub id: Uuid,
}

impl Cursor {
    /// The opaque text that clients hold.
    #[must_use]
    pub fn encode(&self) -> String {
        // a cursor is plain data: writing it cannot fail
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(text: &str, list: &str) -> Result<Self> {
        if text.len() > MAX_CURSOR {
            return Err(Denial::BadCursor.into());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Denial::BadCursor)?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| Denial::BadCursor)?;
        // anybody can write a cursor, and PostgreSQL has no such character
        let is_storable = !matches!(&cursor.key, Some(Key::Text(text)) if text.contains('\0'));
        if cursor.list == list && is_storable { Ok(cursor) } else { Err(Denial::BadCursor.into()) }
    }
}

/// The arguments of a list, checked.
#[derive(Debug, Clone)]
pub struct PageArgs {
    digest: [u8; 32],
    /// Its beginning, for cursors.
    list: String,
    size: u64,
    is_backward: bool,
    after: Option<Cursor>,
    before: Option<Cursor>,
}

impl PageArgs {
    /// A digest of the list, which is no other's: of its name, sort and filter.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Checks the four arguments of a Relay connection for the list that `of` identifies: its name, sort and filter.
    ///
    /// # Errors
    /// [`Denial::BadPage`] when `first` and `last` are both given or out of 1..=100, [`Denial::BadCursor`] for a cursor of
    /// another list.
    pub fn new(
        of: &impl Serialize,
        first: Option<i32>,
        after: Option<&str>,
        last: Option<i32>,
        before: Option<&str>,
    ) -> Result<Self> {
        let digest: [u8; 32] = Sha256::digest(serde_json::to_vec(of)?).into();
        let fingerprint = hex::encode(&digest[..6]);
        let size = match (first, last) {
            (None, None) => DEFAULT_SIZE,
            (Some(size), None) | (None, Some(size)) if (1..=MAX_SIZE).contains(&size) => u64::from(size.unsigned_abs()),
            // both, or out of range
            _ => return Err(Denial::BadPage.into()),
        };
        let after = after.map(|text| Cursor::decode(text, &fingerprint)).transpose()?;
        let before = before.map(|text| Cursor::decode(text, &fingerprint)).transpose()?;
        Ok(Self { digest, list: fingerprint, size, is_backward: last.is_some(), after, before })
    }

    /// How many rows to read when this is the start of the list, one more than the page holds; `None` for other pages.
    /// The starts of many lists can so be read in one statement, and each be [`PageArgs::cut`].
    #[must_use]
    pub const fn start(&self) -> Option<u64> {
        if self.is_backward || self.after.is_some() || self.before.is_some() { None } else { Some(self.size + 1) }
    }

    /// The most rows of the page.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Whether the page is read from its end.
    #[must_use]
    pub const fn is_backward(&self) -> bool {
        self.is_backward
    }

    /// The row that the page comes after.
    #[must_use]
    pub const fn after(&self) -> Option<&Cursor> {
        self.after.as_ref()
    }

    /// The row that the page comes before.
    #[must_use]
    pub const fn before(&self) -> Option<&Cursor> {
        self.before.as_ref()
    }

    /// What of a list the page holds, and one row more. `value` turns the key of a cursor back into the column's type, if the
    /// list has one besides the id.
    ///
    /// # Errors
    /// [`Denial::BadCursor`] when a cursor's key does not fit the sort.
    pub fn span(&self, has_key: bool, value: impl Fn(&Key) -> Option<Value>) -> Result<Span> {
        let place = |cursor: &Cursor| -> Result<Place> {
            let key = if has_key { Some(cursor.key.as_ref().and_then(&value).ok_or(Denial::BadCursor)?) } else { None };
            Ok((key, cursor.id))
        };
        Ok(Span {
            after: self.after.as_ref().map(place).transpose()?,
            before: self.before.as_ref().map(place).transpose()?,
            is_backward: self.is_backward,
            limit: self.size + 1,
        })
    }

    /// Makes the page of `rows`, which are in the direction of reading and may be one more than the page holds. `key` gives
    /// a row's sort key and id.
    #[must_use]
    pub fn cut<M>(&self, mut rows: Vec<M>, key: impl Fn(&M) -> (Option<Key>, Uuid)) -> Page<M> {
        let has_more = rows.len() as u64 > self.size;
        rows.truncate(usize::try_from(self.size).unwrap_or(usize::MAX));
        if self.is_backward {
            rows.reverse();
        }
        let (has_next, has_previous) =
            if self.is_backward { (self.before.is_some(), has_more) } else { (has_more, self.after.is_some()) };
        let rows = rows
            .into_iter()
            .map(|row| {
                let (key, id) = key(&row);
                (Cursor { list: self.list.clone(), key, id }.encode(), row)
            })
            .collect();
        Page { rows, has_next, has_previous }
    }
}

/// How a list is sorted: by a column and then the id, or by the id alone, which is by age.
#[derive(Debug, Clone, Copy)]
pub struct Sort<C> {
    /// The first sort column; `None` sorts by id alone.
    pub column: Option<C>,
    /// The id column, which makes the order total.
    pub id: C,
    /// Whether the greatest comes first.
    pub is_descending: bool,
}

/// One page of rows in the list's order, each with its cursor.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<(String, T)>,
    /// Whether there are rows after the last.
    pub has_next: bool,
    /// Whether there are rows before the first.
    pub has_previous: bool,
}

impl<T> Page<T> {
    /// The same page with other rows.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Page<U> {
        let rows = self.rows.into_iter().map(|(cursor, row)| (cursor, f(row))).collect();
        Page { rows, has_next: self.has_next, has_previous: self.has_previous }
    }
}

/// What a list is sorted by, as expressions: first the key, if there is one, then the id.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The first sort key.
    pub key: Option<Expr>,
    /// What makes the order total.
    pub id: Expr,
    /// Whether the greatest comes first.
    pub is_descending: bool,
}

impl Keys {
    /// The columns of `sort` as they are: an index on them gives the rows in order.
    #[must_use]
    pub fn by_index<C: ColumnTrait>(sort: Sort<C>) -> Self {
        let column = |column: C| Expr::col(column.as_column_ref());
        Self { key: sort.column.map(column), id: column(sort.id), is_descending: sort.is_descending }
    }

    /// The same order, made by sorting: no index on the columns leads to the rows. For a list that another condition
    /// makes short, where following the order of the whole table would be a long way.
    #[must_use]
    pub fn by_sorting<C: ColumnTrait>(sort: Sort<C>) -> Self {
        Self { key: sort.column.map(veiled), ..Self::by_index(sort) }
    }

    fn all(&self) -> impl Iterator<Item = Expr> {
        self.key.iter().chain([&self.id]).cloned()
    }
}

/// The column's value, in a form that no index is used for.
pub fn veiled<C: ColumnTrait>(column: C) -> Expr {
    let column = || Expr::col(column.as_column_ref());
    Func::coalesce([column(), column()]).into()
}

/// A place in a list: the sort key of a row, and its id.
pub type Place = (Option<Value>, Uuid);

/// Which rows of a list are read, from which end, and how many.
#[derive(Debug, Clone, Default)]
pub struct Span {
    /// Only those after this place.
    pub after: Option<Place>,
    /// Only those before this one.
    pub before: Option<Place>,
    /// Whether they are read from the end.
    pub is_backward: bool,
    /// The most of them.
    pub limit: u64,
}

impl Span {
    /// What of `select`, sorted by `keys`, the span holds, in the direction of reading.
    #[must_use]
    pub fn of<E: EntityTrait>(self, mut select: Select<E>, keys: &Keys) -> Select<E> {
        // keys are compared as one row: both databases find the place in an index on them, however deep it is
        for (place, is_after) in [(self.after, true), (self.before, false)] {
            let Some((key, id)) = place else { continue };
            let (row, bound) = (Expr::tuple(keys.all()), Expr::tuple(key.into_iter().chain([id.into()]).map(Expr::value)));
            select = select.filter(if is_after == keys.is_descending { row.lt(bound) } else { row.gt(bound) });
        }
        let order = if keys.is_descending == self.is_backward { Order::Asc } else { Order::Desc };
        for key in keys.all() {
            select = select.order_by(key, order.clone());
        }
        select.limit(self.limit)
    }
}

/// Reads a page of `select`. `key` gives a row's sort key and id; `value` turns a key back into the column's type.
///
/// One statement, whatever the page: it asks for one row more than the page holds to see whether there are others.
///
/// # Errors
/// When the database fails, or the cursor's key does not fit the sort.
pub async fn fetch<E, M>(
    select: Select<E>,
    args: &PageArgs,
    sort: Sort<E::Column>,
    db: &impl ConnectionTrait,
    key: impl Fn(&M) -> (Option<Key>, Uuid),
    value: impl Fn(&Key) -> Option<Value>,
) -> Result<Page<M>>
where
    E: EntityTrait<Model = M>,
    M: FromQueryResult + sea_orm::ModelTrait<Entity = E> + Sized + Send + Sync,
{
    fetch_by(select, args, &Keys::by_index(sort), db, key, value).await
}

/// The same by `keys`, however they are spelt.
///
/// # Errors
/// Those of [`fetch`].
pub async fn fetch_by<E, M>(
    select: Select<E>,
    args: &PageArgs,
    keys: &Keys,
    db: &impl ConnectionTrait,
    key: impl Fn(&M) -> (Option<Key>, Uuid),
    value: impl Fn(&Key) -> Option<Value>,
) -> Result<Page<M>>
where
    E: EntityTrait<Model = M>,
    M: FromQueryResult + sea_orm::ModelTrait<Entity = E> + Sized + Send + Sync,
{
    let span = args.span(keys.key.is_some(), value)?;
    Ok(args.cut(span.of(select, keys).all(db).await?, key))
}

/// How many rows `select` has, up to [`COUNT_LIMIT`], and whether that is all of them.
///
/// # Errors
/// When the database fails.
pub async fn count<E: EntityTrait>(select: Select<E>, db: &impl ConnectionTrait) -> Result<(i32, bool)> {
    let mut some = sea_orm::QueryTrait::into_query(select.select_only().expr_as(Expr::value(1), "one"));
    some.clear_order_by();
    let count = count_to(some, COUNT_LIMIT + 1, db).await?;
    let limit = i32::try_from(COUNT_LIMIT).unwrap_or(i32::MAX);
    Ok(i32::try_from(count).ok().filter(|count| *count <= limit).map_or((limit, false), |count| (count, true)))
}

/// How many rows `some` has; `limit` when it has that many or more, and then no more of them are looked at.
///
/// # Errors
/// When the database fails.
pub async fn count_to(mut some: SelectStatement, limit: u64, db: &impl ConnectionTrait) -> Result<u64> {
    let some = some.limit(limit).to_owned();
    let ask = Query::select()
        .expr_as(Expr::cust("count(*)"), Alias::new("count"))
        .from_subquery(some, Alias::new("some"))
        .to_owned();
    let count: i64 = match db.query_one(&ask).await? {
        Some(row) => row.try_get("", "count")?,
        None => 0,
    };
    Ok(u64::try_from(count).unwrap_or_default())
}
