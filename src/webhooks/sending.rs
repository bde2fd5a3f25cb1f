//! Messages on their way: jobs that send them until the endpoint takes them.
//!
//! An attempt begins with one conditional statement, which gives it the message for longer than it may take; what came of it is
//! written down after. A server that dies in between sends the same again, under the same id. Nothing is asked of the network
//! within a transaction.

use chrono::{DateTime, TimeDelta, Utc};
use domain::id::Kind;
use domain::webhook::{PauseReason, WebhookDeliveryStatus, WebhookTopic};
use entity::{webhook_delivery, webhook_endpoint};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, USER_AGENT};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::event;
use super::repo::{self, Ended};
use super::signature::{message_id, sign};
use super::{service, url};
use crate::app::App;
use crate::platform::Result;
use crate::platform::audit::{self, By, NewEntry};
use crate::platform::db::{Tx, retry};
use crate::platform::http::HttpAnswer;
use crate::platform::jobs::{self, Failure, Hands, Job, NewJob, Schedule};

/// The job that sends a message.
pub const SEND: &str = "webhooks.send";

/// When a message is sent again that did not get through: eleven times in all, over more than 27 hours.
pub const SCHEDULE: Schedule = Schedule { attempts: 11, pause };

/// How many messages an instance sends at once: there is a hand for each group that there may be, two of each endpoint (`group`), so
/// that none waits for others, however many of them are slow.
pub const HANDS: Hands = Hands { all: 2 * service::MAX_ENDPOINTS + 28, of_group: 4, shared: 28 };

/// An endpoint that was not tried for longer than this is not known to have failed in the meantime: longer than the longest pause
/// between two attempts, also when it asked for it.
const MAX_GAP: TimeDelta = TimeDelta::hours(36);

/// For how long nothing has to have got through to an endpoint, although it was tried, before it is paused for all that waits.
const MIN_FAILING: TimeDelta = TimeDelta::hours(24);

/// What is said of a message that waited for an endpoint that was paused.
pub(super) const PAUSED: &str = "the endpoint is paused";

/// What is said of a message whose endpoint wants no more of them.
const GONE: &str = "the endpoint is gone";

/// How long an attempt has a message for itself: longer than it takes (`platform::http`), and shorter than the job's lease, so
/// that whoever takes the job over finds the message free.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// How much later than planned an endpoint may ask to be sent to again.
const MAX_RETRY_AFTER: TimeDelta = TimeDelta::hours(24);

/// The longest reason that is kept.
const MAX_REASON: usize = 500;

fn pause(attempt: i32) -> TimeDelta {
    const SECONDS: [i64; 10] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200];
    let place = usize::try_from(attempt - 1).unwrap_or(0).min(SECONDS.len() - 1);
    TimeDelta::seconds(SECONDS[place])
}

#[derive(Serialize, Deserialize)]
struct Send {
    delivery: Uuid,
}

/// The key of the job that sends `delivery`.
pub(super) fn key(delivery: Uuid) -> String {
    delivery.simple().to_string()
}

/// What is sent by the same few hands: what an endpoint is told of orders, or of the inventory. So an import of thousands of products
/// holds up no order.
fn group(endpoint: Uuid, is_of_inventory: bool) -> String {
    format!("{}{}", endpoint.simple(), if is_of_inventory { ":inventory" } else { "" })
}

/// Has `deliveries` of these topics to `endpoint` sent from `at` on.
pub(super) async fn enqueue(
    app: &App,
    tx: &Tx,
    endpoint: Uuid,
    deliveries: &[(Uuid, WebhookTopic)],
    at: DateTime<Utc>,
) -> Result<()> {
    for is_of_inventory in [false, true] {
        let of_group = deliveries.iter().filter(|(_, topic)| topic.is_of_inventory() == is_of_inventory);
        let sends: Vec<Send> = of_group.map(|(delivery, _)| Send { delivery: *delivery }).collect();
        let new = sends.iter().map(|send| NewJob {
            id: app.ids.uuid(),
            kind: SEND,
            key: key(send.delivery),
            payload: send,
            run_at: at,
            at,
        });
        jobs::enqueue_all(tx, Some(&group(endpoint, is_of_inventory)), new).await?;
    }
    Ok(())
}

/// How the endpoint took a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Taken {
    /// It has it.
    Yes(i32),
    /// It wants no more of them: 410.
    Gone(i32),
    /// Not now: its status, if it answered, why, and how long it wants to be left alone.
    No(Option<i32>, String, Option<TimeDelta>),
}

/// Sends the message of `job`, unless that is done or of no use any more, and writes down what came of it.
///
/// # Errors
/// When it is to be sent again later.
pub async fn send(app: &App, job: &Job) -> Result<(), Failure> {
    let Send { delivery } = job.payload()?;
    let now = app.clock.db_now(app.db.reader()).await?;
    let Some(begun) = retry(|| repo::update_beginning(app.db.writer(), delivery, now, now + LEASE)).await? else {
        let found = repo::find_delivery(app.db.reader(), delivery).await?;
        let is_busy = found.is_some_and(|found| *found.status == WebhookDeliveryStatus::Pending);
        // it is to be sent again since, while the attempt before goes on
        return if is_busy { Err(Failure::AgainAt("it is being sent".to_owned(), now + LEASE)) } else { Ok(()) };
    };
    let Some(endpoint) = repo::find_endpoint(app.db.reader(), begun.endpoint_id).await? else { return Ok(()) };
    if !endpoint.is_active {
        let ended = Ended {
            status: WebhookDeliveryStatus::Failed,
            status_code: None,
            error: Some(PAUSED.to_owned()),
            next_attempt_at: None,
            at: now,
        };
        return Ok(retry(|| repo::update_ending(app.db.writer(), &begun, ended.clone())).await?);
    }
    let taken = hand_in(app, &endpoint, &begun, now).await?;
    let next = retry(|| write_down(app, &endpoint, &begun, &taken, job.pause)).await?;
    match (taken, next) {
        (Taken::No(_, reason, _), Some(next)) => Err(Failure::AgainAt(reason, next)),
        (Taken::Gone(_), Some(next)) => Err(Failure::AgainAt(GONE.to_owned(), next)),
        // the delivery says it
        _ => Ok(()),
    }
}

async fn hand_in(
    app: &App,
    endpoint: &webhook_endpoint::Model,
    delivery: &webhook_delivery::Model,
    now: DateTime<Utc>,
) -> Result<Taken> {
    let not_now = |reason: &str| Ok(Taken::No(None, reason.to_owned(), None));
    // what may be sent to may have been configured otherwise since
    if url::check(&app.config.webhooks, &endpoint.url).is_err() {
        return not_now("webhooks may not go to this address");
    }
    let Some(secrets) = service::signing(app, endpoint, now)? else {
        return not_now("the signing secret cannot be read with the key of this server: rotate it");
    };
    let id = message_id(delivery.event_id, delivery.endpoint_id, *delivery.topic);
    let (timestamp, body) = (now.timestamp(), delivery.body.as_bytes());
    let signatures: Vec<String> = secrets.iter().map(|secret| sign(secret.bytes(), &id, timestamp, body)).collect();
    let (timestamp, signatures) = (timestamp.to_string(), signatures.join(" "));
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (USER_AGENT, concat!("quick-commerce/", env!("CARGO_PKG_VERSION"))),
        (HeaderName::from_static("webhook-id"), id.as_str()),
        (HeaderName::from_static("webhook-timestamp"), &timestamp),
        (HeaderName::from_static("webhook-signature"), &signatures),
    ];
    let answer = app.webhooks.hand_in(&endpoint.url, &headers, body.to_vec().into()).await;
    Ok(match answer {
        Ok(answer) => taken(&answer, now),
        Err(error) => Taken::No(None, error.to_string().chars().take(MAX_REASON).collect(), None),
    })
}

fn taken(answer: &HttpAnswer, now: DateTime<Utc>) -> Taken {
    let status = answer.status;
    let code = i32::from(status.as_u16());
    if status.is_success() {
        return Taken::Yes(code);
    }
    if status == StatusCode::GONE {
        return Taken::Gone(code);
    }
    let is_busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let after = answer.headers.get(RETRY_AFTER).filter(|_| is_busy).and_then(|value| value.to_str().ok());
    Taken::No(Some(code), format!("it answered {code}"), after.and_then(|after| retry_after(after, now)))
}

/// How long a `Retry-After` (RFC 9110, section 10.2.3) asks for, within what is reasonable.
fn retry_after(value: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let value = value.trim();
    let after = match value.parse::<u32>() {
        Ok(seconds) => TimeDelta::seconds(seconds.into()),
        Err(_) => DateTime::parse_from_rfc2822(value).ok()?.to_utc() - now,
    };
    Some(after.clamp(TimeDelta::zero(), MAX_RETRY_AFTER))
}

/// Writes down what came of an attempt; when the next is, if there is to be one.
async fn write_down(
    app: &App,
    endpoint: &webhook_endpoint::Model,
    begun: &webhook_delivery::Model,
    taken: &Taken,
    pause: Option<TimeDelta>,
) -> Result<Option<DateTime<Utc>>> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    let (status, status_code, error, next) = match taken {
        Taken::Yes(code) => {
            repo::update_getting_through(&*tx, endpoint.id, &endpoint.url).await?;
            (WebhookDeliveryStatus::Delivered, Some(*code), None, None)
        }
        Taken::Gone(code) => {
            let is_active = note_failure(app, &tx, endpoint, true, at).await?;
            // another address may have been written down since
            let next = pause.filter(|_| is_active).map(|pause| at + pause);
            let status = if next.is_some() { WebhookDeliveryStatus::Pending } else { WebhookDeliveryStatus::Failed };
            (status, Some(*code), Some(GONE), next)
        }
        Taken::No(code, reason, after) => {
            let is_active = note_failure(app, &tx, endpoint, false, at).await?;
            let next = pause.filter(|_| is_active).map(|pause| at + pause.max(after.unwrap_or_default()));
            let status = if next.is_some() { WebhookDeliveryStatus::Pending } else { WebhookDeliveryStatus::Failed };
            (status, *code, Some(reason.as_str()), next)
        }
    };
    if status == WebhookDeliveryStatus::Failed {
        let (delivery, attempts) = (begun.id, begun.attempts);
        tracing::warn!(%delivery, endpoint = %endpoint.id, attempts, error, "a webhook was given up");
    }
    let error = error.map(str::to_owned);
    repo::update_ending(&*tx, begun, Ended { status, status_code, error, next_attempt_at: next, at }).await?;
    tx.commit().await?;
    Ok(next)
}

/// Notes that a message did not get through to the endpoint as it was when it was `tried`, and pauses it if it `is_gone` or has
/// failed for too long. Whether it is told of anything after that.
async fn note_failure(
    app: &App,
    tx: &Tx,
    tried: &webhook_endpoint::Model,
    is_gone: bool,
    at: DateTime<Utc>,
) -> Result<bool> {
    let Some(endpoint) = repo::lock_endpoint(&**tx, tried.id).await? else { return Ok(false) };
    // what did not get through to another address says nothing of this one
    if !endpoint.is_active || endpoint.url != tried.url {
        return Ok(endpoint.is_active);
    }
    let since = failing_since(&endpoint, at);
    repo::update_failing(&**tx, endpoint.id, since, at).await?;
    let reason = if is_gone { PauseReason::Gone } else { PauseReason::Failing };
    let is_enough = TimeDelta::from_std(app.config.webhooks.pause).is_ok_and(|pause| at - since >= pause);
    if is_gone || is_enough {
        pause_endpoint(app, tx, endpoint.id, reason, at).await?;
        return Ok(false);
    }
    Ok(true)
}

/// Since when `endpoint`, which failed at `at` once more, has failed whenever it was tried, and was tried again and again.
fn failing_since(endpoint: &webhook_endpoint::Model, at: DateTime<Utc>) -> DateTime<Utc> {
    let is_on = endpoint.last_failed_at.is_some_and(|last| at - last <= MAX_GAP);
    endpoint.failing_since.filter(|_| is_on).unwrap_or(at)
}

/// Pauses the endpoint, for which more waits than may, if it was tried for a day and nothing got through. One that is only slow, or
/// failed today, is told of what there is room for.
pub(super) async fn pause_if_failing(app: &App, tx: &Tx, endpoint: Uuid, at: DateTime<Utc>) -> Result<()> {
    let Some(row) = repo::lock_endpoint(&**tx, endpoint).await? else { return Ok(()) };
    let failing = row.failing_since.zip(row.last_failed_at).filter(|(_, last)| at - *last <= MAX_GAP);
    if failing.is_some_and(|(since, last)| last - since >= MIN_FAILING) {
        pause_endpoint(app, tx, endpoint, PauseReason::TooManyWaiting, at).await?;
    }
    Ok(())
}

/// Pauses the endpoint, if nobody has, gives up what waits for it, and tells those who run the platform.
async fn pause_endpoint(app: &App, tx: &Tx, endpoint: Uuid, reason: PauseReason, at: DateTime<Utc>) -> Result<()> {
    let Some(paused) = repo::update_pausing(&**tx, endpoint, at).await? else { return Ok(()) };
    repo::update_giving_up(&**tx, endpoint, PAUSED, at).await?;
    tracing::warn!(endpoint = %paused.id, ?reason, failing_since = ?paused.failing_since, "a webhook endpoint was paused");
    let after = json!({ "active": false, "reason": reason, "failingSince": paused.failing_since });
    let entry = NewEntry {
        id: app.ids.uuid(),
        // the server itself
        by: By::default(),
        action: "webhook.pause",
        target: Some((Kind::WebhookEndpoint, paused.id)),
        before: Some(json!({ "active": true })),
        after: Some(after),
        at,
    };
    audit::append(tx, entry).await?;
    event::paused(tx, &app.ids, &paused, reason, at).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_for_more_than_a_day() {
        let all: i64 = (1..SCHEDULE.attempts).map(|attempt| pause(attempt).num_seconds()).sum();
        assert!(all > 24 * 3_600, "{all}");
    }

    #[test]
    fn an_endpoint_may_say_when() {
        let now: DateTime<Utc> = "2026-11-21T07:28:00Z".parse().unwrap();
        let after = |value| retry_after(value, now).map(|after| after.num_seconds());
        assert_eq!(after("120"), Some(120));
        assert_eq!(after("Sat, 21 Nov 2026 07:30:00 GMT"), Some(120));
        assert_eq!(after("Sat, 21 Nov 2026 07:00:00 GMT"), Some(0));
        assert_eq!(after("4294967295"), Some(24 * 3_600));
        assert_eq!(after("soon"), None);
        assert_eq!(after("-1"), None);
    }
}
