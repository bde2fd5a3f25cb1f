//! Who does which job.

use std::net::SocketAddr;

use super::reachable;
use crate::accounts::service::mailing;
use crate::app::App;
use crate::cart::windows;
use crate::dispatch::expiry;
use crate::notifications::sending as notifying;
use crate::orders::service::paying;
use crate::payments::{sandbox, service as payments};
use crate::platform::consumers::SKIPPED;
use crate::platform::jobs::{Failure, Handlers, Job, Schedule, Worker};
use crate::platform::sweep::{OVERDUE, Overdue};
use crate::webhooks::sending;

/// The workers of an instance, each with what it is called in the log. The sandbox's webhooks go to the server at `addr`.
pub(super) fn workers(app: &App, addr: SocketAddr) -> [(&'static str, Worker); 3] {
    [("jobs", app.worker(handlers(app, addr))), ("mails and text messages", messages(app)), ("webhooks", webhooks(app))]
}

/// The jobs of all slices. The sandbox sends its webhooks to the server at `addr`, unless another address is configured.
fn handlers(app: &App, addr: SocketAddr) -> Handlers {
    let (cancel, refund, late, callback) = (app.clone(), app.clone(), app.clone(), app.clone());
    let ask = app.clone();
    let webhook = app.config.payments.sandbox_webhook_url.clone();
    let webhook = webhook.unwrap_or_else(|| format!("http://{}{}", reachable(addr), sandbox::WEBHOOK_PATH));
    let overdue = app.clone();
    let (skipped, consumers) = (app.clone(), super::consumers::consumers(app));
    Handlers::default()
        .with(SKIPPED, move |job| {
            let (app, consumers) = (skipped.clone(), consumers.clone());
            async move { consumers.take_skipped(&app.db, &job).await }
        })
        .with(OVERDUE, move |job| {
            let app = overdue.clone();
            async move { end_overdue(&app, &job).await }
        })
        .with(payments::CANCEL, move |job| {
            let app = cancel.clone();
            async move { paying::cancel_at_provider(&app, &job).await }
        })
        .with(payments::REFUND, move |job| {
            let app = refund.clone();
            async move { paying::refund_at_provider(&app, &job).await }
        })
        .with(payments::ASK, move |job| {
            let app = ask.clone();
            async move { paying::expiry::ask_providers(&app, &job).await }
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

/// Ends what a sweep could not end.
async fn end_overdue(app: &App, job: &Job) -> Result<(), Failure> {
    let Overdue { sweep, id } = Overdue::of(job)?;
    match sweep.as_str() {
        expiry::SWEEP => expiry::end(app, id).await?,
        paying::expiry::SWEEP => paying::expiry::end(app, id).await?,
        windows::SWEEP => windows::end(app, id).await?,
        _ => return Err(Failure::Again("nobody here knows this sweep".to_owned())),
    }
    Ok(())
}

/// The jobs that send mails and text messages: whoever takes them may be slow for long, and no payment waits behind them, nor
/// does one kind behind another. Mails are tried for days; a text message is too old by itself long before.
fn messages(app: &App) -> Worker {
    let (reset, verification, mail, text) = (app.clone(), app.clone(), app.clone(), app.clone());
    let handlers = Handlers::default()
        .with_schedule(mailing::PASSWORD_RESET, Schedule::PATIENT, move |job| {
            let app = reset.clone();
            async move { mailing::send_password_reset(&app, &job).await }
        })
        .with_schedule(mailing::EMAIL_VERIFICATION, Schedule::PATIENT, move |job| {
            let app = verification.clone();
            async move { mailing::send_email_verification(&app, &job).await }
        })
        .with_schedule(notifying::EMAIL, Schedule::PATIENT, move |job| {
            let app = mail.clone();
            async move { notifying::mail(&app, &job).await }
        })
        .with(notifying::SMS, move |job| {
            let app = text.clone();
            async move { notifying::text(&app, &job).await }
        });
    app.worker(handlers).with_hands(notifying::HANDS)
}

/// The jobs that send webhooks: servers of others may be slow for long, and nothing else waits behind them.
fn webhooks(app: &App) -> Worker {
    let sender = app.clone();
    let handlers = Handlers::default().with_schedule(sending::SEND, sending::SCHEDULE, move |job| {
        let app = sender.clone();
        async move { sending::send(&app, &job).await }
    });
    app.worker(handlers).with_hands(sending::HANDS)
}
