//! How requests come in: HTTP, WebSocket, pages.

pub mod graphiql;
