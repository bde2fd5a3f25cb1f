//! Marking notifications as read.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::id::Kind;

use crate::graphql::{Outcome, Result, Signed, UserError, actor, app, ids};
use crate::notifications::service::{self, Which};

/// Which notifications you have read: either some, or all.
#[derive(Debug, Clone, InputObject)]
pub struct MarkNotificationsReadInput {
    /// These, at most 100.
    pub ids: Option<Vec<ID>>,
    /// All that you have.
    pub all: Option<bool>,
}

/// What came of having read.
#[derive(Debug, SimpleObject)]
pub struct MarkNotificationsReadPayload {
    /// How many were unread until now.
    pub marked: i32,
    /// Why nothing was marked.
    pub user_errors: Vec<UserError>,
}

/// What notifications add to Mutation.
#[derive(Debug, Default)]
pub struct NotificationsMutation;

#[Object]
impl NotificationsMutation {
    /// Marks notifications of the viewer's as read, some of them or all. Whoever follows them hears how many are left.
    #[graphql(guard = "Signed::any()")]
    async fn mark_notifications_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them.")] input: MarkNotificationsReadInput,
    ) -> Result<MarkNotificationsReadPayload> {
        let parse = |ids: Vec<ID>| ids.iter().map(|id| ids::parse(Kind::Notification, id)).collect::<Result<Vec<_>>>();
        let result = match Which::of(input.ids.map(parse).transpose()?, input.all) {
            Ok(which) => service::mark_read(app(ctx)?, actor(ctx)?, &which).await,
            Err(rejection) => Err(rejection.into()),
        };
        let Outcome { value, user_errors } = Outcome::of(result)?;
        let marked = i32::try_from(value.unwrap_or_default()).unwrap_or(i32::MAX);
        Ok(MarkNotificationsReadPayload { marked, user_errors })
    }
}
