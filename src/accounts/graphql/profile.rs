//! What people say about themselves.

use async_graphql::{Context, InputObject, MaybeUndefined, Object};

use super::administration::UserPayload;
use super::user::User;
use crate::accounts::service::{ProfileChange, update_profile};
use crate::graphql::enums::{Preparation, VehicleType};
use crate::graphql::scalars::GeoPointInput;
use crate::graphql::{Outcome, Result, Signed, actor, app};

/// What is to change about the viewer's account; what is absent stays. A field of another role than the viewer's is
/// refused with `INVALID_INPUT`.
#[derive(Debug, Clone, InputObject)]
pub struct UpdateProfileInput {
    /// As you write it; 1 to 120 characters.
    pub name: Option<String>,
    /// Telephone number with country code, e.g. `+91 80 1234 5678`. Null or empty removes it.
    pub phone: MaybeUndefined<String>,
    /// Partners: what you ride.
    pub vehicle: Option<VehicleType>,
    /// Partners: its plate; at most 20 characters. Null or empty removes it.
    pub vehicle_number: MaybeUndefined<String>,
    /// Sellers: the store as customers see it; 1 to 120 characters. Orders placed before keep the name they have.
    pub store_name: Option<String>,
    /// Sellers: whether orders wait for the store to pack them. Holds for orders placed from then on.
    pub preparation: Option<Preparation>,
    /// Sellers: where partners pick up. Holds for orders placed from then on.
    pub location: Option<GeoPointInput>,
}

/// What is to become of a text that can be taken away; empty: it is.
fn text_or_none(text: MaybeUndefined<String>) -> Option<String> {
    match text {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(String::new()),
        MaybeUndefined::Value(text) => Some(text),
    }
}

impl UpdateProfileInput {
    fn parse(self) -> crate::platform::Result<ProfileChange> {
        Ok(ProfileChange {
            name: self.name,
            phone: text_or_none(self.phone),
            vehicle: self.vehicle.map(Into::into),
            vehicle_number: text_or_none(self.vehicle_number),
            store_name: self.store_name,
            preparation: self.preparation.map(Into::into),
            location: self.location.map(|point| point.check("location")).transpose()?,
        })
    }
}

/// What people's own profiles add to Mutation.
#[derive(Debug, Default)]
pub struct ProfileMutation;

#[Object]
impl ProfileMutation {
    /// Changes what the viewer says about themselves: everybody their name and telephone number, partners what they ride,
    /// sellers their store. Signed in.
    #[graphql(guard = "Signed::any()")]
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateProfileInput,
    ) -> Result<UserPayload> {
        let updated = match input.parse() {
            Ok(change) => update_profile(app(ctx)?, actor(ctx)?, change).await,
            Err(refusal) => Err(refusal),
        };
        let Outcome { value, user_errors } = Outcome::of(updated)?;
        Ok(UserPayload { user: value.map(User::new), user_errors })
    }
}
