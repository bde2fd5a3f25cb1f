//! Whether an order whose time is up was paid after all.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ASK, About, found, may_succeed};
use crate::app::App;
use crate::payments::provider::{self, IntentState, ProviderError, ProviderEvent};
use crate::payments::repo;
use crate::platform::Result;
use crate::platform::db::Tx;
use crate::platform::jobs::{self, Failure, Job, NewJob};

/// Has the providers of what `order` may have been paid by asked, whose time is up: a webhook may be late. Whether there is
/// anybody to ask.
///
/// # Errors
/// When the database fails.
pub async fn ask(app: &App, tx: &Tx, order: Uuid, at: DateTime<Utc>) -> Result<bool> {
    if !repo::list_payments(&**tx, &[order]).await?.iter().any(may_succeed) {
        return Ok(false);
    }
    let (key, payload) = (order.to_string(), &About::new(order));
    jobs::enqueue(tx, NewJob { id: app.ids.uuid(), kind: ASK, key, payload, run_at: at, at }).await?;
    Ok(true)
}

/// The order that `job` asks about.
///
/// # Errors
/// When the job is not one of these.
pub fn asked_about(job: &Job) -> Result<Uuid, Failure> {
    Ok(job.payload::<About>()?.id)
}

/// Asks how the payments of `order` stand: those that have succeeded are to be applied. What is about to succeed comes too late.
///
/// # Errors
/// When a provider cannot be asked now.
pub async fn ask_providers(app: &App, order: Uuid) -> Result<Vec<(String, ProviderEvent)>, Failure> {
    let mut succeeded = Vec::new();
    for payment in repo::list_payments(app.db.reader(), &[order]).await?.into_iter().filter(may_succeed) {
        let Some(reference) = payment.provider_ref else { continue };
        let provider = provider::find(app, &payment.provider);
        let provider = provider.ok_or_else(|| Failure::Again(format!("{} is not set up", payment.provider)))?;
        match provider.find_intent(&reference).await {
            Ok(IntentState::Succeeded { amount_minor, currency }) => {
                tracing::warn!(payment = %payment.id, "a payment of which no webhook told has succeeded");
                succeeded.push((payment.provider, found(payment.id, reference, amount_minor, currency)));
            }
            Ok(IntentState::Processing | IntentState::Cancelled | IntentState::Other(_)) => {}
            Err(ProviderError::Refused(unknown)) => {
                tracing::error!(payment = %payment.id, unknown, "a payment could not be looked up");
            }
            Err(error) => return Err(Failure::Again(error.to_string())),
        }
    }
    Ok(succeeded)
}
