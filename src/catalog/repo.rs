//! The tables of the catalogue.

pub(super) mod import;
mod listing;
mod matching;

use std::collections::{BTreeMap, HashMap};

use entity::{category, product, product_tag};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, LockType, OnConflict, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use crate::platform::Result;
use crate::platform::db::lock_table;

pub(super) use listing::{Listing, Shown, count_products, list_products};

pub(super) async fn find_product(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<product::Model>> {
    Ok(product::Entity::find_by_id(id).one(db).await?)
}

pub(super) async fn find_product_by_sku(db: &impl ConnectionTrait, sku: &str) -> Result<Option<product::Model>> {
    Ok(product::Entity::find().filter(product::Column::Sku.eq(sku)).one(db).await?)
}

pub(super) async fn list_products_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<product::Model>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(product::Entity::find().filter(product::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

/// The product, held against other changes until the transaction ends. `NO KEY`, so that rows which refer to it can still
/// be written.
pub(super) async fn lock_product(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<product::Model>> {
    Ok(product::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(db).await?)
}

/// `false` when the SKU is in use: the unique index decides.
pub(super) async fn insert_product(db: &impl ConnectionTrait, product: product::Model) -> Result<bool> {
    let inserted = product::Entity::insert(product.into_active_model())
        .on_conflict(OnConflict::column(product::Column::Sku).do_nothing().to_owned())
        .exec_without_returning(db)
        .await?;
    Ok(inserted == 1)
}

/// Writes what a seller can change; the rest of the row is not touched.
pub(super) async fn update_product(db: &impl ConnectionTrait, product: &product::Model) -> Result<()> {
    let row = product::ActiveModel {
        id: sea_orm::ActiveValue::Unchanged(product.id),
        category_id: Set(product.category_id),
        name: Set(product.name.clone()),
        name_key: Set(product.name_key.clone()),
        search_text: Set(product.search_text.clone()),
        description: Set(product.description.clone()),
        price_minor: Set(product.price_minor),
        compare_at_minor: Set(product.compare_at_minor),
        images: Set(product.images.clone()),
        tags: Set(product.tags.clone()),
        is_active: Set(product.is_active),
        updated_at: Set(product.updated_at),
        ..Default::default()
    };
    row.update_without_returning(db).await?;
    Ok(())
}

/// The products of `ids`, ascending, held against changes until the transaction ends; others may hold them so, too.
pub(super) async fn lock_products_shared(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<product::Model>> {
    let select = product::Entity::find().filter(product::Column::Id.is_in(ids.iter().copied()));
    Ok(select.order_by_asc(product::Column::Id).lock(LockType::Share).all(db).await?)
}

/// Adds to the pieces sold of each product, in one statement.
pub(super) async fn update_sold_counts(db: &impl ConnectionTrait, by: &BTreeMap<Uuid, i64>) -> Result<()> {
    let Some(sum) = by.iter().fold(None, |case: Option<CaseStatement>, (id, pieces)| {
        let sold = Expr::col(product::Column::SoldCount).add(*pieces);
        Some(case.unwrap_or_default().case(product::Column::Id.eq(*id), sold))
    }) else {
        return Ok(());
    };
    product::Entity::update_many()
        .col_expr(product::Column::SoldCount, sum.finally(Expr::col(product::Column::SoldCount)).into())
        .filter(product::Column::Id.is_in(by.keys().copied()))
        .exec(db)
        .await?;
    Ok(())
}

/// Counts a score of each of `ids`.
pub(super) async fn update_ratings(db: &impl ConnectionTrait, ids: &[Uuid], score: i32) -> Result<()> {
    product::Entity::update_many()
        .col_expr(product::Column::RatingSum, Expr::col(product::Column::RatingSum).add(score))
        .col_expr(product::Column::RatingCount, Expr::col(product::Column::RatingCount).add(1))
        .filter(product::Column::Id.is_in(ids.iter().copied()))
        .exec(db)
        .await?;
    Ok(())
}

pub(super) async fn insert_tags(db: &impl ConnectionTrait, product: Uuid, tags: &[String]) -> Result<()> {
    if tags.is_empty() {
        return Ok(());
    }
    let rows = tags.iter().map(|tag| product_tag::ActiveModel { tag: Set(tag.clone()), product_id: Set(product) });
    product_tag::Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(())
}

pub(super) async fn delete_tags(db: &impl ConnectionTrait, product: Uuid) -> Result<()> {
    product_tag::Entity::delete_many().filter(product_tag::Column::ProductId.eq(product)).exec(db).await?;
    Ok(())
}

/// Writes the columns of `product` that lists are sorted and searched by, if nobody else has written them.
pub(super) async fn update_unindexed(db: &impl ConnectionTrait, product: &product::Model) -> Result<()> {
    product::Entity::update_many()
        .col_expr(product::Column::NameKey, Expr::value(product.name_key.as_str()))
        .col_expr(product::Column::SearchText, Expr::value(product.search_text.as_str()))
        .filter(product::Column::Id.eq(product.id))
        .filter(is_unindexed())
        .exec(db)
        .await?;
    Ok(())
}

/// Some products that are yet to be indexed, at most `limit`.
pub(super) async fn list_unindexed(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<product::Model>> {
    Ok(product::Entity::find().filter(is_unindexed()).limit(limit).all(db).await?)
}

/// As the index of them spells it.
fn is_unindexed() -> Expr {
    Expr::cust("substr(search_text, 1, 1) <> ' '")
}

/// Products on sale in each of `categories`; one without any is absent.
pub(super) async fn count_products_by_category(
    db: &impl ConnectionTrait,
    categories: &[Uuid],
) -> Result<HashMap<Uuid, i64>> {
    use product::Column;

    let counts: Vec<(Uuid, i64)> = product::Entity::find()
        .select_only()
        .column(Column::CategoryId)
        .column_as(Column::Id.count(), "count")
        .filter(Column::CategoryId.is_in(categories.iter().copied()))
        // bare, as the index of them has it
        .filter(Expr::col(Column::IsActive))
        .group_by(Column::CategoryId)
        .into_tuple()
        .all(db)
        .await?;
    Ok(counts.into_iter().collect())
}

/// Which product is in which category.
pub(super) fn select_products_by_category() -> SelectStatement {
    Query::select()
        .expr_as(Expr::col(product::Column::Id), "product")
        .expr_as(Expr::col(product::Column::CategoryId), "group")
        .from(product::Entity)
        .to_owned()
}

/// Lets nobody else write categories until the transaction ends.
pub(super) async fn lock_categories(db: &impl ConnectionTrait) -> Result<()> {
    Ok(lock_table::<category::Entity>(db).await?)
}

/// How many categories there are.
pub(super) async fn count_categories(db: &impl ConnectionTrait) -> Result<u64> {
    Ok(category::Entity::find().count(db).await?)
}

/// Whether there is a category of this slug.
pub(super) async fn has_category(db: &impl ConnectionTrait, slug: &str) -> Result<bool> {
    Ok(category::Entity::find().filter(category::Column::Slug.eq(slug)).one(db).await?.is_some())
}

pub(super) async fn list_categories(db: &impl ConnectionTrait) -> Result<Vec<category::Model>> {
    Ok(category::Entity::find().all(db).await?)
}

pub(super) async fn list_categories_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<category::Model>> {
    Ok(category::Entity::find().filter(category::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

pub(super) async fn find_category(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<category::Model>> {
    Ok(category::Entity::find_by_id(id).one(db).await?)
}

/// The category of `slug`, which stays as it is until the transaction ends.
pub(super) async fn lock_category_by_slug(db: &impl ConnectionTrait, slug: &str) -> Result<Option<category::Model>> {
    Ok(category::Entity::find().filter(category::Column::Slug.eq(slug)).lock_exclusive().one(db).await?)
}

/// Inserts the category, or renames the one that has its slug.
pub(super) async fn upsert_category(db: &impl ConnectionTrait, category: category::Model) -> Result<category::Model> {
    let rename = OnConflict::column(category::Column::Slug).update_column(category::Column::Name).to_owned();
    let row = category.into_active_model();
    Ok(category::Entity::insert(row).on_conflict(rename).exec_with_returning(db).await?)
}
