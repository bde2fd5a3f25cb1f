//! Who does which job.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::app::App;
use crate::notifications::sending;
use crate::orders::service::paying;
use crate::payments::{sandbox, service as payments};
use crate::platform::consumers::SKIPPED;
use crate::platform::jobs::Handlers;

/// The jobs of all slices. The sandbox sends its webhooks to the server at `addr`, unless another address is configured.
pub(super) fn handlers(app: &App, addr: SocketAddr) -> Handlers {
    let (cancel, refund, late, callback) = (app.clone(), app.clone(), app.clone(), app.clone());
    let webhook = app.config.payments.sandbox_webhook_url.clone();
    let webhook = webhook.unwrap_or_else(|| format!("http://{}{}", reachable(addr), sandbox::WEBHOOK_PATH));
    let (mail, text) = (app.clone(), app.clone());
    let (skipped, consumers) = (app.clone(), super::consumers::consumers(app));
    Handlers::default()
        .with(SKIPPED, move |job| {
            let (app, consumers) = (skipped.clone(), consumers.clone());
            async move { consumers.take_skipped(&app.db, &job).await }
        })
        .with(sending::EMAIL, move |job| {
            let app = mail.clone();
            async move { sending::mail(&app, &job).await }
        })
        .with(sending::SMS, move |job| {
            let app = text.clone();
            async move { sending::text(&app, &job).await }
        })
        .with(payments::CANCEL, move |job| {
            let app = cancel.clone();
            async move { paying::cancel_at_provider(&app, &job).await }
        })
        .with(payments::REFUND, move |job| {
            let app = refund.clone();
            async move { paying::refund_at_provider(&app, &job).await }
        })
        .with(sandbox::LATE, move |job| {
            let app = late.clone();
            async move { sandbox::succeed_late(&app, &job).await }
        })
        .with(sandbox::CALLBACK, move |job| {
            let (app, webhook) = (callback.clone(), webhook.clone());
            async move { sandbox::deliver(&app, &webhook, &job).await }
        })
}

/// The address at which a server that listens on `addr` reaches itself.
fn reachable(addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() { SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), addr.port()) } else { addr }
}
