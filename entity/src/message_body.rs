//! What somebody wrote to somebody, which nothing prints.

use std::fmt;

use sea_orm::DeriveValueType;

/// The text of a chat message. Neither shown by `Debug` nor serialised: a row may be logged or sent by mistake.
#[derive(Clone, Default, PartialEq, Eq, DeriveValueType)]
pub struct MessageBody(pub String);

impl fmt::Debug for MessageBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
