//! Categories and products.

pub mod graphql;
