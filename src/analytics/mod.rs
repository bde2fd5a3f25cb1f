//! Figures for admins, and the desks that show them.
//!
//! It reads what other slices have; nobody imports it.
//!
//! Nouns: `SalesOrder`, what of an order is counted; `SalesHour` and `SalesHourProduct`, what a store sold in an hour; `OrderCount`, how
//! many orders are in a state. Tables: `sales_orders`, `sales_hours`, `sales_hour_products`, `order_counts`. Events: none of its own.

pub mod graphql;
pub mod jobs;
mod performance;
pub mod reactions;
mod repo;
mod rollups;
pub mod sales;
mod service;
