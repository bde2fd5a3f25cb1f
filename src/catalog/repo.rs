//! The tables of the catalogue.

pub(super) mod import;

use std::collections::HashMap;

use entity::{category, product, product_tag};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    Select, Value,
};
use uuid::Uuid;

use super::search::{Search, Sort};
use crate::platform::Result;
use crate::platform::page::{self, Key, Page, PageArgs};
use crate::platform::search::containing;

/// Which products a viewer may see in a list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown {
    /// Those on sale.
    OnSale,
    /// Those on sale, and all of one seller.
    OnSaleOrOf(Uuid),
    /// All.
    All,
}

/// A condition on products by another slice's tables: in the subquery of product ids, or not in it.
pub(super) type Among = SelectStatement;

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

pub(super) async fn update_sold_count(db: &impl ConnectionTrait, id: Uuid, by: i64) -> Result<()> {
    product::Entity::update_many()
        .col_expr(product::Column::SoldCount, Expr::col(product::Column::SoldCount).add(by))
        .filter(product::Column::Id.eq(id))
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

fn select_products(search: &Search, shown: Shown, among: Option<Among>) -> Select<product::Entity> {
    use product::Column;

    let mut all = Condition::all()
        .add_option(search.category.map(|id| Column::CategoryId.eq(id)))
        .add_option(search.seller.map(|id| Column::SellerId.eq(id)))
        .add_option(search.min_minor.map(|price| Column::PriceMinor.gte(price)))
        .add_option(search.max_minor.map(|price| Column::PriceMinor.lte(price)))
        .add_option(search.ids.as_ref().map(|ids| Column::Id.is_in(ids.iter().copied())))
        .add_option(among.map(|products| Column::Id.in_subquery(products)));
    for tag in &search.tags {
        let tagged = Query::select()
            .column(product_tag::Column::ProductId)
            .from(product_tag::Entity)
            .and_where(product_tag::Column::Tag.eq(tag))
            .to_owned();
        all = all.add(Column::Id.in_subquery(tagged));
    }
    for word in &search.words {
        all = all.add(Column::SearchText.like(containing(word)));
    }
    match shown {
        Shown::All if search.with_inactive => {}
        Shown::OnSaleOrOf(seller) if search.with_inactive => {
            all = all.add(Condition::any().add(Column::IsActive.eq(true)).add(Column::SellerId.eq(seller)));
        }
        _ => all = all.add(Column::IsActive.eq(true)),
    }
    product::Entity::find().filter(all)
}

pub(super) async fn list_products(
    db: &impl ConnectionTrait,
    search: &Search,
    shown: Shown,
    among: Option<Among>,
    args: &PageArgs,
) -> Result<Page<product::Model>> {
    use product::Column;

    let (column, is_descending) = match search.sort {
        Sort::Newest => (Column::CreatedAt, true),
        Sort::PriceAsc => (Column::PriceMinor, false),
        Sort::PriceDesc => (Column::PriceMinor, true),
        Sort::Name => (Column::NameKey, false),
        Sort::Relevance | Sort::BestSelling => (Column::SoldCount, true),
    };
    let sort = page::Sort { column: Some(column), id: Column::Id, is_descending };
    let key = |product: &product::Model| {
        let key = match column {
            Column::CreatedAt => Key::Number(product.created_at.timestamp_micros()),
            Column::PriceMinor => Key::Number(product.price_minor),
            Column::NameKey => Key::Text(product.name_key.clone()),
            _ => Key::Number(product.sold_count),
        };
        (Some(key), product.id)
    };
    let value = |key: &Key| match (column, key) {
        (Column::CreatedAt, key) => key.time().map(Value::from),
        (Column::PriceMinor | Column::SoldCount, Key::Number(number)) => Some(Value::from(*number)),
        (Column::NameKey, Key::Text(name)) => Some(Value::from(name.as_str())),
        _ => None,
    };
    page::fetch(select_products(search, shown, among), args, sort, db, key, value).await
}

pub(super) async fn count_products(
    db: &impl ConnectionTrait,
    search: &Search,
    shown: Shown,
    among: Option<Among>,
) -> Result<(i32, bool)> {
    page::count(select_products(search, shown, among), db).await
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
        .filter(Column::IsActive.eq(true))
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

pub(super) async fn list_categories(db: &impl ConnectionTrait) -> Result<Vec<category::Model>> {
    Ok(category::Entity::find().all(db).await?)
}

pub(super) async fn list_categories_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<category::Model>> {
    Ok(category::Entity::find().filter(category::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

pub(super) async fn find_category(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<category::Model>> {
    Ok(category::Entity::find_by_id(id).one(db).await?)
}

/// Inserts the category, or renames the one that has its slug.
pub(super) async fn upsert_category(db: &impl ConnectionTrait, category: category::Model) -> Result<category::Model> {
    let rename = OnConflict::column(category::Column::Slug).update_column(category::Column::Name).to_owned();
    let row = category.into_active_model();
    Ok(category::Entity::insert(row).on_conflict(rename).exec_with_returning(db).await?)
}
