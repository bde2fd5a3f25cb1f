//! Figures for admins, and the desks that show them.
//!
//! It reads what other slices have; nobody imports it.
//!
//! Nouns: `SalesOrder`, what of an order is counted; `SalesHour` and `SalesHourProduct`, what a store sold in an hour.
//! Tables: `sales_orders`, `sales_hours`, `sales_hour_products`. Events: none of its own.

pub mod graphql;
pub mod jobs;
mod performance;
pub mod reactions;
mod repo;
mod rollups;
mod sales;
mod service;
