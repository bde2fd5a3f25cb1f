//! What admins do to accounts.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::access::Role as RoleValue;
use domain::id::Kind;

use super::auth::{PartnerSignupInput, SellerSignupInput};
use super::user::User;
use crate::accounts::service::{NewUser, PartnerSignup, Registration, UserChange, create_user, update_user};
use crate::config::Secret;
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

/// An account that an admin makes for somebody.
#[derive(InputObject)]
pub struct CreateUserInput {
    /// Signs the account in; upper and lower case are the same.
    email: String,
    /// 8 to 128 characters of any kind; not the e-mail address, and none of the most common passwords. Tell it to nobody but
    /// them, who change it.
    password: String,
    /// As shown; 1 to 120 characters.
    name: String,
    /// What they are. A PARTNER starts unavailable with the configured capacity. A SELLER needs a store: without `seller` it is
    /// refused with `INVALID_INPUT`.
    role: Role,
    /// Telephone number with country code, e.g. `+91 80 1234 5678`.
    phone: Option<String>,
    /// For role PARTNER: what they ride. When absent they go on foot, until they say otherwise.
    partner: Option<PartnerSignupInput>,
    /// For role SELLER, which needs it: their store.
    seller: Option<SellerSignupInput>,
}

impl CreateUserInput {
    fn parse(self) -> crate::platform::Result<NewUser> {
        let Self { email, password, name, role, phone, partner, seller } = self;
        let (partner, seller) = (partner.map(PartnerSignup::from), seller.map(SellerSignupInput::parse).transpose()?);
        let registration = Registration { email, password: Secret::new(password), name, phone, partner, seller };
        Ok(NewUser { registration, role: role.into() })
    }
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
    /// Admins: makes an account of any role for somebody. They are asked by mail to prove the address.
    #[graphql(guard = "Signed::as_one_of(&[RoleValue::Admin])")]
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who it is for, and as what.")] input: CreateUserInput,
    ) -> Result<UserPayload> {
        let created = match input.parse() {
            Ok(new) => create_user(app(ctx)?, actor(ctx)?, new).await,
            Err(refusal) => Err(refusal),
        };
        let Outcome { value, user_errors } = Outcome::of(created)?;
        Ok(UserPayload { user: value.map(User::new), user_errors })
    }

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
