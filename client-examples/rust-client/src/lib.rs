//! A store's packer: it follows the store's orders, and says of each that it is being packed, and then that it is ready.
//!
//! Its queries are Rust types, which [cynic] holds to the server's schema when they are compiled: what the schema does not
//! have does not build.

pub mod api;
mod follow;
mod packer;
mod shop;

pub use follow::Follower;
pub use packer::{Note, Packer};
pub use shop::{Error, Shop};

#[cynic::schema("shop")]
mod schema {}
