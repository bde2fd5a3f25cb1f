//! The harness: everything a test needs is started here, on ports and in folders of its own, and dies with the tests.

pub(crate) mod actors;
pub(crate) mod app;
pub(crate) mod audit;
pub(crate) mod cluster;
pub(crate) mod crowd;
pub(crate) mod events;
pub(crate) mod feed;
pub(crate) mod http;
pub(crate) mod mail;
pub(crate) mod money;
pub(crate) mod nginx;
pub(crate) mod postgres;
pub(crate) mod processes;
pub(crate) mod prometheus;
pub(crate) mod proxy;
pub(crate) mod redis;
pub(crate) mod serving;
pub(crate) mod shape;
pub(crate) mod smtp;
pub(crate) mod socket;
pub(crate) mod story;
pub(crate) mod ticks;
pub(crate) mod tls;
pub(crate) mod wait;

pub(crate) use app::{TestApp, TestParts};
pub(crate) use cluster::TestCluster;
pub(crate) use shape::{Shape, over_both_shapes};
