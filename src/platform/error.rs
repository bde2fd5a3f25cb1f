//! The one error of the services: a refusal that a client may read, or a fault that it may not.

use std::error::Error as StdError;

use domain::error::Rejection;
use sea_orm::{DbErr, RuntimeErr, SqlxError};

/// `Result` of services and repositories.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a use-case did not happen. Nothing of it is kept: its transaction was rolled back.
///
/// Deliberately not `Display`: async-graphql turns whatever can be displayed into text for clients, and a database error
/// carries SQL. The GraphQL layer maps each variant by hand.
#[derive(Debug)]
pub enum Error {
    /// A rule said no; an entry of `userErrors`.
    Rejected(Box<Rejection>),
    /// The request may not do this at all; a top-level error.
    Denied(Denial),
    /// Something broke; masked for the client, logged once.
    Fault(Fault),
}

/// Why a request is refused before any rule is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// Nobody is signed in.
    Unauthenticated,
    /// The access token is malformed, expired, or its session has ended.
    InvalidToken,
    /// The viewer's role may not use this.
    Forbidden,
    /// An id is malformed or names another type.
    InvalidId,
    /// A page cursor is malformed or belongs to another list.
    BadCursor,
    /// `first`, `last`, `after` and `before` contradict each other or are out of range.
    BadPage,
    /// Too many are waiting for the same scarce thing.
    Overloaded,
    /// Too many attempts; another may be made in so many milliseconds.
    RateLimited(u32),
    /// An argument has no such value.
    BadArgument(&'static str),
}

/// An internal error with what was being done.
#[derive(Debug)]
pub struct Fault {
    /// For the log; without data of users.
    pub doing: &'static str,
    /// The cause.
    pub source: Box<dyn StdError + Send + Sync>,
}

impl Error {
    /// A fault while `doing` something.
    pub fn fault(doing: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Fault(Fault { doing, source: source.into() })
    }

    /// The same refusal, about the input `field`; anything else stays as it is.
    #[must_use]
    pub fn at(self, field: &str) -> Self {
        match self {
            Self::Rejected(rejection) => Self::Rejected(Box::new(rejection.at(field))),
            other => other,
        }
    }

    /// Whether the same transaction may succeed when it is run again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.source.downcast_ref::<DbErr>().is_some_and(is_transient))
    }
}

/// PostgreSQL's serialization failure and deadlock, SQLite's busy and locked.
fn is_transient(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else {
        return false;
    };
    let SqlxError::Database(error) = error.as_ref() else { return false };
    error.code().is_some_and(|code| matches!(code.as_ref(), "40001" | "40P01" | "5" | "6" | "261" | "262" | "517"))
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(Box::new(rejection))
    }
}

impl From<Denial> for Error {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::fault("talking to the database", error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::fault("reading or writing JSON", error)
    }
}
