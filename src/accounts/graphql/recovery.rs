//! Other passwords, and addresses that are proven.

use async_graphql::{Context, InputObject, Object};

use super::addresses::EmptyPayload;
use super::administration::UserPayload;
use super::auth::AuthPayload;
use super::user::User;
use crate::accounts::service;
use crate::config::Secret;
use crate::graphql::{Outcome, Result, Signed, actor, app, origin};

/// Another password for the viewer.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The one that they have.
    current_password: String,
    /// 8 to 128 characters of any kind; not the e-mail address, and none of the most common passwords.
    new_password: String,
}

/// Whose password is forgotten.
#[derive(InputObject)]
pub struct RequestPasswordResetInput {
    /// The account's address; upper and lower case are the same.
    email: String,
}

/// Another password for whoever was mailed a link.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// What stands behind `#token=` in the link; it works once.
    token: String,
    /// 8 to 128 characters of any kind; not the e-mail address, and none of the most common passwords.
    new_password: String,
}

/// The proof that an address is somebody's.
#[derive(InputObject)]
pub struct VerifyEmailInput {
    /// What stands behind `#token=` in the link; it works once.
    token: String,
}

/// What passwords and proofs add to Mutation.
#[derive(Debug, Default)]
pub struct RecoveryMutation;

#[Object]
impl RecoveryMutation {
    /// Gives the viewer another password and ends all their other sessions, whose WebSockets close with 4403. This session
    /// goes on with the tokens of the answer; its refresh token of before works no more. `INVALID_CREDENTIALS` when the
    /// current password is wrong, `WEAK_PASSWORD` when the new one is weak. Signed in.
    #[graphql(guard = "Signed::any()")]
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password that they have, and the one that they want.")] input: ChangePasswordInput,
    ) -> Result<AuthPayload> {
        let (current, new) = (Secret::new(input.current_password), Secret::new(input.new_password));
        AuthPayload::of(service::change_password(app(ctx)?, origin(ctx), actor(ctx)?, &current, &new).await)
    }

    /// Has a link mailed that lets whoever reads it choose another password. The answer is the same whether or not there is
    /// such an account. Public.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose password.")] input: RequestPasswordResetInput,
    ) -> Result<EmptyPayload> {
        let outcome = Outcome::of(service::request_password_reset(app(ctx)?, origin(ctx), &input.email).await)?;
        Ok(EmptyPayload { user_errors: outcome.user_errors })
    }

    /// Gives whoever was mailed the token another password, ends all their sessions, whose WebSockets close with 4403, and
    /// signs them in anew. `INVALID_TOKEN` when the token is unknown, used or expired; `WEAK_PASSWORD`, and the token still
    /// works. Public.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token, and the password.")] input: ResetPasswordInput,
    ) -> Result<AuthPayload> {
        let (token, password) = (Secret::new(input.token), Secret::new(input.new_password));
        AuthPayload::of(service::reset_password(app(ctx)?, origin(ctx), &token, &password).await)
    }

    /// Has a link mailed to the viewer that proves their e-mail address: notifications are mailed to proven addresses alone. Links
    /// that were mailed before work for as long as they would have; once the address is proven, nothing is mailed. Signed in.
    #[graphql(guard = "Signed::any()")]
    async fn request_email_verification(&self, ctx: &Context<'_>) -> Result<EmptyPayload> {
        let requested = service::request_email_verification(app(ctx)?, origin(ctx), actor(ctx)?).await;
        Ok(EmptyPayload { user_errors: Outcome::of(requested)?.user_errors })
    }

    /// Notes that whoever was mailed the token has proven their e-mail address. `INVALID_TOKEN` when the token is unknown,
    /// used or expired. Public.
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: VerifyEmailInput,
    ) -> Result<UserPayload> {
        let verified = service::verify_email(app(ctx)?, origin(ctx), &Secret::new(input.token)).await;
        let Outcome { value, user_errors } = Outcome::of(verified)?;
        Ok(UserPayload { user: value.map(User::new), user_errors })
    }
}
