//! The server: listener, background work, shutdown.
