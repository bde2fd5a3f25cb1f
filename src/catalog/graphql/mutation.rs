//! Changing the catalogue. What also touches stock is among the inventory's mutations.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use domain::access::Role;

use super::Category;
use crate::catalog::service;
use crate::graphql::{Outcome, Result, Signed, UserError, actor, app};

/// A category to make or rename.
#[derive(Debug, InputObject)]
pub struct SaveCategoryInput {
    /// 1 to 60 lower-case letters, digits and dashes. The category of this slug is renamed if there is one.
    pub slug: String,
    /// As shown; 1 to 100 characters.
    pub name: String,
}

/// What came of a change to a category.
#[derive(Debug, SimpleObject)]
pub struct CategoryPayload {
    /// The category as it is now; null when nothing was done.
    pub category: Option<Category>,
    /// Why nothing was done; empty when it was.
    pub user_errors: Vec<UserError>,
}

/// Changing the catalogue.
#[derive(Debug, Default)]
pub struct CatalogMutation;

#[Object]
impl CatalogMutation {
    /// Makes a category, or renames the one that has this slug. There may be 1,000. For admins.
    #[graphql(guard = "Signed::as_one_of(&[Role::Admin])")]
    async fn save_category(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The category.")] input: SaveCategoryInput,
    ) -> Result<CategoryPayload> {
        let outcome = Outcome::of(service::save_category(app(ctx)?, Some(actor(ctx)?), &input.slug, &input.name).await)?;
        Ok(CategoryPayload { category: outcome.value.map(Category), user_errors: outcome.user_errors })
    }
}
