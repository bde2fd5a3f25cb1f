//! Relay connections over keyset pages.

use async_graphql::{Context, Enum, SimpleObject};

/// What a page is part of.
#[derive(Debug, Clone, SimpleObject)]
pub struct PageInfo {
    /// Whether there are rows after this page.
    pub has_next_page: bool,
    /// Whether there are rows before this page.
    pub has_previous_page: bool,
    /// Cursor of the first row; pass it as `before` to page backwards.
    pub start_cursor: Option<String>,
    /// Cursor of the last row; pass it as `after` to page forwards.
    pub end_cursor: Option<String>,
}

/// A bounded count: exact up to a limit, beyond it a lower bound.
#[derive(Debug, Clone, SimpleObject)]
pub struct Count {
    /// The number.
    pub value: i32,
    /// Whether there are exactly so many.
    pub precision: CountPrecision,
}

/// How a count is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CountPrecision {
    /// Exactly so many.
    Exact,
    /// So many or more.
    AtLeast,
}

impl From<(i32, bool)> for Count {
    fn from((value, is_exact): (i32, bool)) -> Self {
        Self { value, precision: if is_exact { CountPrecision::Exact } else { CountPrecision::AtLeast } }
    }
}

/// Whether the list's field that is being resolved is asked for its `totalCount`: it is counted for nobody else.
#[must_use]
pub fn is_counted(ctx: &Context<'_>) -> bool {
    ctx.look_ahead().field("totalCount").exists()
}

/// How many fields a page may cost: its rows, or 20 when the client does not say.
#[must_use]
pub fn page_cost(first: Option<i32>, last: Option<i32>) -> usize {
    let size = first.or(last).unwrap_or(20);
    usize::try_from(size.clamp(1, crate::platform::page::MAX_SIZE)).unwrap_or(1)
}

/// Declares a connection and its edge, with `From<Page<Node>>`; `counted` ones have a `total_count` and are made from
/// `(Page<Node>, Option<(i32, bool)>)`, the count being read only when it was asked for.
macro_rules! connection {
    ($(#[$meta:meta])* $connection:ident, $edge:ident, $node:ty) => {
        connection!(@types $(#[$meta])* $connection, $edge, $node,);
        impl From<$crate::platform::page::Page<$node>> for $connection {
            fn from(page: $crate::platform::page::Page<$node>) -> Self {
                let page_info = $crate::graphql::connection::page_info(&page);
                let edges = page.rows.into_iter().map(|(cursor, node)| $edge { cursor, node }).collect();
                Self { edges, page_info }
            }
        }
        #[async_graphql::ComplexObject]
        impl $connection {
            /// The rows of this page without their cursors.
            async fn nodes(&self) -> Vec<&$node> {
                self.edges.iter().map(|edge| &edge.node).collect()
            }
        }
    };
    ($(#[$meta:meta])* $connection:ident, $edge:ident, $node:ty, counted) => {
        connection!(@types $(#[$meta])* $connection, $edge, $node, #[graphql(skip)] count: Option<(i32, bool)>);
        impl From<($crate::platform::page::Page<$node>, Option<(i32, bool)>)> for $connection {
            fn from((page, count): ($crate::platform::page::Page<$node>, Option<(i32, bool)>)) -> Self {
                let page_info = $crate::graphql::connection::page_info(&page);
                let edges = page.rows.into_iter().map(|(cursor, node)| $edge { cursor, node }).collect();
                Self { edges, page_info, count }
            }
        }
        #[async_graphql::ComplexObject]
        impl $connection {
            /// The rows of this page without their cursors.
            async fn nodes(&self) -> Vec<&$node> {
                self.edges.iter().map(|edge| &edge.node).collect()
            }

            /// How many rows the whole list has.
            async fn total_count(&self) -> $crate::graphql::connection::Count {
                self.count.unwrap_or((0, false)).into()
            }
        }
    };
    (@types $(#[$meta:meta])* $connection:ident, $edge:ident, $node:ty, $(#[$fmeta:meta] $field:ident: $type:ty)?) => {
        $(#[$meta])*
        #[derive(Debug, Clone, async_graphql::SimpleObject)]
        #[graphql(complex)]
        pub struct $connection {
            /// The rows of this page, each with its cursor.
            pub edges: Vec<$edge>,
            /// What the page is part of.
            pub page_info: $crate::graphql::connection::PageInfo,
            $(#[$fmeta] $field: $type,)?
        }

        /// A row and its place in the list.
        #[derive(Debug, Clone, async_graphql::SimpleObject)]
        pub struct $edge {
            /// Where the row is; pass it as `after` or `before`.
            pub cursor: String,
            /// The row.
            pub node: $node,
        }
    };
}
pub(crate) use connection;

/// The `pageInfo` of a page.
#[must_use]
pub fn page_info<T>(page: &crate::platform::page::Page<T>) -> PageInfo {
    PageInfo {
        has_next_page: page.has_next,
        has_previous_page: page.has_previous,
        start_cursor: page.rows.first().map(|(cursor, _)| cursor.clone()),
        end_cursor: page.rows.last().map(|(cursor, _)| cursor.clone()),
    }
}
