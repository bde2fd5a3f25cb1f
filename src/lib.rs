//! Quick Commerce, a GraphQL server for shops that deliver in minutes.
// the merged roots nest once for each of their parts
#![recursion_limit = "256"]

pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod graphql;
pub mod platform;
pub mod serve;
pub mod stream;
pub mod telemetry;
pub mod transport;

pub mod accounts;
pub mod analytics;
pub mod cart;
pub mod catalog;
pub mod chat;
pub mod dispatch;
pub mod inventory;
pub mod notifications;
pub mod orders;
pub mod payments;
pub mod tracking;
pub mod webhooks;
