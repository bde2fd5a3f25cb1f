//! Work that was given up, as admins see it.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::access::Role;
use domain::id::Kind;
use entity::job;

use crate::analytics::jobs;
use crate::graphql::connection::connection;
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app, ids};
use crate::platform::page::PageArgs;

/// Work in the background that failed too often, or never can be done, and waits for somebody to look: a dead letter.
#[derive(Debug, Clone, SimpleObject)]
pub struct DeadJob {
    /// Opaque, `job_…`; `retryJobs` and `discardJobs` take it. `node` does not: it goes when the work is done or discarded.
    id: ID,
    /// What was to be done, such as `payments.refund` or `webhooks.send`.
    kind: String,
    /// What it is about, for `node`: the payment, refund, order, user, notification, event or delivery of a webhook of this id. Null for
    /// work that is about none of them.
    subject: Option<ID>,
    /// How often it was tried.
    attempts: i32,
    /// Why it failed the last time, in words for an operator.
    last_error: Option<String>,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// When it was given up.
    died_at: Option<DateTime<Utc>>,
}

impl From<job::Model> for DeadJob {
    fn from(row: job::Model) -> Self {
        let (id, subject) = (ids::id(Kind::Job, row.id), jobs::subject(&row).map(|(kind, id)| ids::id(kind, id)));
        let job::Model { kind, attempts, last_error, created_at, died_at, .. } = row;
        Self { id, kind, subject, attempts, last_error, created_at, died_at }
    }
}

connection! {
    /// A page of the work that was given up, what was asked for last first.
    DeadJobConnection, DeadJobEdge, DeadJob
}

/// A page of the work that was given up.
///
/// # Errors
/// `BAD_CURSOR`; faults of the database.
pub(super) async fn page(ctx: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<DeadJobConnection> {
    let args = PageArgs::new(&"deadJobs", first, after.as_deref(), None, None)?;
    Ok(jobs::list_dead(app(ctx)?, &args).await?.map(DeadJob::from).into())
}

/// Which work is to be tried again.
#[derive(Debug, Clone, InputObject)]
pub struct RetryJobsInput {
    /// Only what is of this kind, such as `payments.refund`, 1 to 80 characters; absent: all that was given up.
    pub kind: Option<String>,
    /// Only this one, the `id` of a `DeadJob`; absent: all that was given up, or all of the kind.
    pub id: Option<ID>,
}

/// What came of trying work again.
#[derive(Debug, SimpleObject)]
pub struct RetryJobsPayload {
    /// How many jobs are tried again, as often as new ones; 2,147,483,647 stands for more as well. Null when nothing was done.
    pub retried: Option<i32>,
    /// Why nothing was done; empty when it was.
    pub user_errors: Vec<UserError>,
}

/// Which messages are not to be sent any more: the one of `id`, or those of `kind`.
#[derive(Debug, Clone, InputObject)]
pub struct DiscardJobsInput {
    /// Those of this kind, 1 to 80 characters: `notifications.email`, `notifications.sms`, `accounts.send_password_reset`,
    /// `accounts.send_email_verification` or `webhooks.send`.
    pub kind: Option<String>,
    /// Only this one, the `id` of a `DeadJob`.
    pub id: Option<ID>,
}

/// What came of discarding messages.
#[derive(Debug, SimpleObject)]
pub struct DiscardJobsPayload {
    /// How many messages are gone; 2,147,483,647 stands for more as well. Null when nothing was done.
    pub discarded: Option<i32>,
    /// Why nothing was done; empty when it was.
    pub user_errors: Vec<UserError>,
}

/// What admins do about background work.
#[derive(Debug, Default)]
pub struct JobsMutation;

#[Object]
impl JobsMutation {
    /// Admins: has work that was given up tried again, once what kept it from being done is mended.
    #[graphql(guard = "Signed::as_one_of(&[Role::Admin])")]
    async fn retry_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which work.")] input: RetryJobsInput,
    ) -> Result<RetryJobsPayload> {
        let id = input.id.map(|id| ids::parse(Kind::Job, &id)).transpose()?;
        let retried = jobs::retry_dead(app(ctx)?, actor(ctx)?, id, input.kind).await;
        let Outcome { value, user_errors } = Outcome::of(retried)?;
        let retried = value.map(|count| i32::try_from(count).unwrap_or(i32::MAX));
        Ok(RetryJobsPayload { retried, user_errors })
    }

    /// Admins: removes messages that were given up, such as a mail to an address that does not exist: nobody will be told. What is about
    /// money or orders stays until it is done.
    #[graphql(guard = "Signed::as_one_of(&[Role::Admin])")]
    async fn discard_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which messages.")] input: DiscardJobsInput,
    ) -> Result<DiscardJobsPayload> {
        let id = input.id.map(|id| ids::parse(Kind::Job, &id)).transpose()?;
        let discarded = jobs::discard_dead(app(ctx)?, actor(ctx)?, id, input.kind).await;
        let Outcome { value, user_errors } = Outcome::of(discarded)?;
        let discarded = value.map(|count| i32::try_from(count).unwrap_or(i32::MAX));
        Ok(DiscardJobsPayload { discarded, user_errors })
    }
}
