//! Signing up, in and out.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::user::User;
use crate::accounts::service::{self, PartnerSignup, Registration, SellerSignup, SignedIn, Tokens};
use crate::config::Secret;
use crate::graphql::enums::VehicleType;
use crate::graphql::scalars::GeoPointInput;
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app, origin};

/// Registers a CUSTOMER, or a PARTNER when `partner` is given, or a SELLER when `seller` is given. Admins are made by admins
/// or the command line.
#[derive(InputObject)]
pub struct RegisterInput {
    /// Signs the account in; upper and lower case are the same.
    email: String,
    /// 8 to 128 characters of any kind; not the e-mail address, and none of the most common passwords.
    password: String,
    /// As the user writes it; 1 to 120 characters.
    name: String,
    /// Telephone number with country code, e.g. `+91 80 1234 5678`.
    phone: Option<String>,
    /// Makes the account a partner's.
    partner: Option<PartnerSignupInput>,
    /// Makes the account a seller's.
    seller: Option<SellerSignupInput>,
}

/// What a partner says besides.
#[derive(InputObject)]
pub struct PartnerSignupInput {
    /// What they ride.
    vehicle: VehicleType,
    /// Its plate; at most 20 characters.
    vehicle_number: Option<String>,
    /// Their driving licence; at most 40 characters. Never shown.
    license_number: Option<String>,
}

/// What a seller says besides.
#[derive(InputObject)]
pub struct SellerSignupInput {
    /// The store as customers see it; 1 to 120 characters.
    store_name: String,
    /// Where partners pick up.
    location: GeoPointInput,
}

/// An account's e-mail address and password.
#[derive(InputObject)]
pub struct LoginInput {
    /// The account's address; upper and lower case are the same.
    email: String,
    /// Its password.
    password: String,
}

/// A refresh token to exchange.
#[derive(InputObject)]
pub struct RefreshTokensInput {
    /// The token that came last; it works once.
    refresh_token: String,
}

/// Where to sign out.
#[derive(Debug, Default, InputObject)]
pub struct LogoutInput {
    /// Whether every session of the viewer ends, and not only this one.
    #[graphql(default_with = "Some(false)")]
    everywhere: Option<bool>,
}

/// What a client shows from now on.
#[derive(SimpleObject)]
pub struct AuthTokens {
    /// Sent as `Authorization: Bearer …` with each request.
    access_token: String,
    /// When the access token stops working.
    access_token_expires_at: DateTime<Utc>,
    /// Exchanged for new tokens by `refreshTokens`; works once.
    refresh_token: String,
    /// When the refresh token stops working.
    refresh_token_expires_at: DateTime<Utc>,
    /// How the access token is shown: `Bearer`.
    token_type: &'static str,
}

impl From<Tokens> for AuthTokens {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access.expose().to_owned(),
            access_token_expires_at: tokens.access_expires_at,
            refresh_token: tokens.refresh.expose().to_owned(),
            refresh_token_expires_at: tokens.refresh_expires_at,
            token_type: "Bearer",
        }
    }
}

/// Who signed in, or why nobody did.
#[derive(SimpleObject)]
pub struct AuthPayload {
    /// What to show from now on; null when there are `userErrors`.
    tokens: Option<AuthTokens>,
    /// Who signed in, as they see themselves; null when there are `userErrors`.
    user: Option<User>,
    /// Why nobody signed in.
    user_errors: Vec<UserError>,
}

impl AuthPayload {
    pub(super) fn of(result: crate::platform::Result<SignedIn>) -> Result<Self> {
        let Outcome { value, user_errors } = Outcome::of(result)?;
        let (tokens, user) = value.map(|SignedIn { user, tokens }| (tokens.into(), User::own(user))).unzip();
        Ok(Self { tokens, user, user_errors })
    }
}

/// What a logout ended.
#[derive(Debug, SimpleObject)]
pub struct LogoutPayload {
    /// How many sessions ended: their tokens work no more.
    sessions_ended: i32,
    /// Why none did.
    user_errors: Vec<UserError>,
}

impl From<PartnerSignupInput> for PartnerSignup {
    fn from(input: PartnerSignupInput) -> Self {
        let PartnerSignupInput { vehicle, vehicle_number, license_number } = input;
        Self { vehicle: vehicle.into(), vehicle_number, license_number }
    }
}

impl SellerSignupInput {
    pub(super) fn parse(self) -> crate::platform::Result<SellerSignup> {
        Ok(SellerSignup { store_name: self.store_name, location: self.location.check("seller.location")? })
    }
}

impl RegisterInput {
    fn parse(self) -> crate::platform::Result<Registration> {
        let partner = self.partner.map(PartnerSignup::from);
        let seller = self.seller.map(SellerSignupInput::parse).transpose()?;
        let password = Secret::new(self.password);
        Ok(Registration { email: self.email, password, name: self.name, phone: self.phone, partner, seller })
    }
}

/// What accounts adds to Mutation.
#[derive(Debug, Default)]
pub struct AccountsMutation;

#[Object]
impl AccountsMutation {
    /// Makes an account and signs it in. A mail asks to prove the address: see `verifyEmail`. Public.
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who signs up, and as what.")] input: RegisterInput,
    ) -> Result<AuthPayload> {
        let app = app(ctx)?;
        AuthPayload::of(match input.parse() {
            Ok(registration) => service::register(app, origin(ctx), registration).await,
            Err(refusal) => Err(refusal),
        })
    }

    /// Signs in with e-mail address and password. Public.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Address and password.")] input: LoginInput,
    ) -> Result<AuthPayload> {
        AuthPayload::of(service::login(app(ctx)?, origin(ctx), &input.email, &Secret::new(input.password)).await)
    }

    /// Exchanges a refresh token for new tokens. Each works once; its re-use ends the whole session. Public.
    async fn refresh_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token to exchange.")] input: RefreshTokensInput,
    ) -> Result<AuthPayload> {
        AuthPayload::of(service::refresh(app(ctx)?, &Secret::new(input.refresh_token)).await)
    }

    /// Signs out, here or everywhere. Signed in.
    #[graphql(guard = "Signed::any()")]
    async fn logout(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where; only here when absent.")] input: Option<LogoutInput>,
    ) -> Result<LogoutPayload> {
        let everywhere = input.and_then(|input| input.everywhere).unwrap_or(false);
        let Outcome { value, user_errors } = Outcome::of(service::logout(app(ctx)?, &actor(ctx)?, everywhere).await)?;
        let sessions_ended = value.map_or(0, |ended| i32::try_from(ended).unwrap_or(i32::MAX));
        Ok(LogoutPayload { sessions_ended, user_errors })
    }
}
