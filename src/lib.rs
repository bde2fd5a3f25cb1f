//! Quick Commerce, a GraphQL server for shops that deliver in minutes.

pub mod platform;
