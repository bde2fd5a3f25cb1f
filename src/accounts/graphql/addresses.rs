//! What customers do with the addresses that they save.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::access::Role;
use domain::id::Kind;

use super::address::{Address, AddressInput};
use crate::accounts::service::{remove_address, save_address};
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app, ids};

/// An address to save.
#[derive(Debug, Clone, InputObject)]
pub struct SaveAddressInput {
    /// The saved address of yours that it takes the place of; absent: it is a new one. You may have 50.
    pub address_id: Option<ID>,
    /// The address, whole. With `isDefault` it becomes the default, in place of the one before; without, the default stays what
    /// it is. Your first is always the default.
    pub address: AddressInput,
}

/// An address to forget.
#[derive(Debug, Clone, InputObject)]
pub struct RemoveAddressInput {
    /// A saved address of yours.
    pub address_id: ID,
}

/// What came of a mutation on an address.
#[derive(Debug, SimpleObject)]
pub struct AddressPayload {
    /// The address; null when there are userErrors.
    pub address: Option<Address>,
    /// Why nothing was done.
    pub user_errors: Vec<UserError>,
}

/// What came of a mutation that gives nothing back.
#[derive(Debug, SimpleObject)]
pub struct EmptyPayload {
    /// Why nothing was done; empty when it was.
    pub user_errors: Vec<UserError>,
}

/// What saved addresses add to Mutation.
#[derive(Debug, Default)]
pub struct AddressesMutation;

#[Object]
impl AddressesMutation {
    /// Customers: saves an address, a new one or in place of one of theirs. Orders keep the address that they were placed with.
    #[graphql(guard = "Signed::as_one_of(&[Role::Customer])")]
    async fn save_address(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address, and which it takes the place of.")] input: SaveAddressInput,
    ) -> Result<AddressPayload> {
        let id = input.address_id.as_ref().map(|id| ids::parse(Kind::Address, id)).transpose()?;
        let saved = match input.address.check("address") {
            Ok(address) => save_address(app(ctx)?, actor(ctx)?, id, address).await,
            Err(refusal) => Err(refusal.into()),
        };
        let Outcome { value, user_errors } = Outcome::of(saved)?;
        Ok(AddressPayload { address: value.map(Address::from), user_errors })
    }

    /// Customers: forgets a saved address. When it was the default, the oldest that is left is. Orders keep their copies.
    #[graphql(guard = "Signed::as_one_of(&[Role::Customer])")]
    async fn remove_address(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which address.")] input: RemoveAddressInput,
    ) -> Result<EmptyPayload> {
        let id = ids::parse(Kind::Address, &input.address_id)?;
        let Outcome { user_errors, .. } = Outcome::of(remove_address(app(ctx)?, actor(ctx)?, id).await)?;
        Ok(EmptyPayload { user_errors })
    }
}
