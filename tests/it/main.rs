//! The integration tests: the real server on real databases, asked over its real API.
//!
//! One binary, so that the servers are started once: `tests/run`. What the tests stand on is in `support`.
// the merged roots nest once for each of their parts
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod addresses;
mod api_keys;
mod architecture;
mod areas;
mod authority;
mod bad_input;
mod budgets;
mod cache;
mod cart;
mod categories;
mod chaos;
mod chat;
mod claims;
mod clean_ups;
mod client_examples;
mod client_resume;
mod commands;
mod dead_jobs;
mod drain;
mod earnings;
mod engine;
mod event_stream;
mod expiry;
mod front;
mod harness;
mod idempotency;
mod idempotency_api;
mod import;
mod limits;
mod live;
mod live_stats;
mod low_stock;
mod mail;
mod mailing;
mod nginx;
mod notifications;
mod operations;
mod outbox;
mod partners;
mod payments;
mod privacy;
mod profile;
mod protocol;
mod ratings;
mod readme;
mod recovery;
mod redis_stream;
mod roles;
mod rollups;
mod sales;
mod schema;
mod search;
mod sessions;
mod statements;
mod steps;
mod stock;
mod story;
#[expect(clippy::allow_attributes, reason = "nothing is expected: what one test needs today another needs tomorrow")]
#[allow(dead_code, reason = "a box of tools, not all of which are in use at all times")]
mod support;
mod telemetry;
mod tracking;
mod web_client;
mod webhooks;
mod websocket;
