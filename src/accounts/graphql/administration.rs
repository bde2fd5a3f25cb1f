//! What admins do to accounts.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::access::Role as RoleValue;
use domain::id::Kind;

use super::user::User;
use crate::accounts::service::{UserChange, update_user};
use crate::graphql::enums::Role;
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app, ids};

/// What is to change about a user; what is absent or null stays.
#[derive(Debug, Clone, InputObject)]
pub struct UpdateUserInput {
    /// Which user.
    pub user_id: ID,
    /// What they are from now on. PARTNER and SELLER only for who signed up as such; nobody changes their own.
    pub role: Option<Role>,
    /// Whether they may sign in. Nobody deactivates themselves.
    pub active: Option<bool>,
    /// How many orders a partner may carry at once, 1 to 100. What they carry already stays.
    pub capacity: Option<i32>,
}

/// What came of a mutation on a user.
#[derive(Debug, SimpleObject)]
pub struct UserPayload {
    /// The user; null when there are userErrors.
    pub user: Option<User>,
    /// Why nothing was done.
    pub user_errors: Vec<UserError>,
}

/// What the administration of accounts adds to Mutation.
#[derive(Debug, Default)]
pub struct UsersMutation;

#[Object]
impl UsersMutation {
    /// Admins: changes what a user may do. Whoever is deactivated or given another role is signed out everywhere, and their
    /// WebSockets close with 4403. A partner who may not deliver any more stops taking orders, and keeps those they carry.
    #[graphql(guard = "Signed::as_one_of(&[RoleValue::Admin])")]
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which user, and what changes.")] input: UpdateUserInput,
    ) -> Result<UserPayload> {
        let change = UserChange {
            user: ids::parse(Kind::User, &input.user_id)?,
            role: input.role.map(Into::into),
            is_active: input.active,
            capacity: input.capacity,
        };
        let Outcome { value, user_errors } = Outcome::of(update_user(app(ctx)?, actor(ctx)?, change).await)?;
        Ok(UserPayload { user: value.map(User::new), user_errors })
    }
}
