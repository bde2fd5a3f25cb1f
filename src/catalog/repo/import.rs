//! Many products in few statements.

use entity::{category, product, product_tag};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Iterable, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::platform::Result;

/// Rows of one statement: SQLite takes 32,766 parameters, and a product has about twenty.
const CHUNK: usize = 1_000;

pub(in crate::catalog) async fn list_categories_by_slugs(
    db: &impl ConnectionTrait,
    slugs: &[&str],
) -> Result<Vec<category::Model>> {
    Ok(category::Entity::find().filter(category::Column::Slug.is_in(slugs.iter().copied())).all(db).await?)
}

/// Inserts those whose SKU is free; the unique index decides.
pub(in crate::catalog) async fn insert_products(
    db: &impl ConnectionTrait,
    products: impl Iterator<Item = &product::Model>,
) -> Result<()> {
    let products: Vec<_> = products.cloned().map(IntoActiveModel::into_active_model).collect();
    for products in products.chunks(CHUNK) {
        let unless_taken = OnConflict::column(product::Column::Sku).do_nothing().to_owned();
        product::Entity::insert_many(products.to_vec()).on_conflict(unless_taken).exec_without_returning(db).await?;
    }
    Ok(())
}

/// The product and its seller of each SKU that is in use.
pub(in crate::catalog) async fn list_owners_by_skus(
    db: &impl ConnectionTrait,
    skus: &[&str],
) -> Result<Vec<(String, Uuid, Uuid)>> {
    let mut owners = Vec::with_capacity(skus.len());
    for skus in skus.chunks(CHUNK) {
        let select = product::Entity::find()
            .select_only()
            .columns([product::Column::Sku, product::Column::Id, product::Column::SellerId])
            .filter(product::Column::Sku.is_in(skus.iter().copied()));
        owners.extend(select.into_tuple::<(String, Uuid, Uuid)>().all(db).await?);
    }
    Ok(owners)
}

/// The products of `ids`, which ascend, held against other changes until the transaction ends.
pub(in crate::catalog) async fn lock_products(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<product::Model>> {
    let mut products = Vec::with_capacity(ids.len());
    for ids in ids.chunks(CHUNK) {
        let select = product::Entity::find()
            .filter(product::Column::Id.is_in(ids.iter().copied()))
            .order_by_asc(product::Column::Id)
            .lock(LockType::NoKeyUpdate);
        products.extend(select.all(db).await?);
    }
    Ok(products)
}

/// Writes what an import can change of products that exist and are locked. An insert that conflicts with each of them,
/// because that is how both databases spell an update of many rows to different values.
pub(in crate::catalog) async fn update_products(db: &impl ConnectionTrait, products: &[product::Model]) -> Result<()> {
    use product::Column;

    let is_kept = |column: &Column| {
        matches!(
            column,
            Column::Id
                | Column::Sku
                | Column::SellerId
                | Column::IsActive
                | Column::SoldCount
                | Column::RatingSum
                | Column::RatingCount
                | Column::CreatedAt
        )
    };
    for products in products.chunks(CHUNK) {
        let rows = products.iter().cloned().map(IntoActiveModel::into_active_model);
        let changed: Vec<Column> = Column::iter().filter(|column| !is_kept(column)).collect();
        let update = OnConflict::column(Column::Id).update_columns(changed).to_owned();
        product::Entity::insert_many(rows).on_conflict(update).exec_without_returning(db).await?;
    }
    Ok(())
}

/// The tags of products that have none yet.
pub(in crate::catalog) async fn insert_tags(
    db: &impl ConnectionTrait,
    products: impl Iterator<Item = &product::Model>,
) -> Result<()> {
    let tags: Vec<_> = products
        .flat_map(|product| product.tags.0.iter().map(move |tag| (tag, product.id)))
        .map(|(tag, product)| product_tag::ActiveModel { tag: Set(tag.clone()), product_id: Set(product) })
        .collect();
    for tags in tags.chunks(CHUNK * 10) {
        product_tag::Entity::insert_many(tags.to_vec()).exec_without_returning(db).await?;
    }
    Ok(())
}

pub(in crate::catalog) async fn delete_tags(db: &impl ConnectionTrait, products: &[Uuid]) -> Result<()> {
    for products in products.chunks(CHUNK) {
        let of_them = product_tag::Column::ProductId.is_in(products.iter().copied());
        product_tag::Entity::delete_many().filter(of_them).exec(db).await?;
    }
    Ok(())
}
