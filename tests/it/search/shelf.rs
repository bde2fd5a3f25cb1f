//! Products in a database, without what else belongs to a shop.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::access::Role;
use domain::money::Currency;
use domain::order::Preparation;
use entity::json::Strings;
use entity::{product, product_tag, seller, stock, user};
use quick_commerce::app::App;
use quick_commerce::catalog::{self, Search, service};
use quick_commerce::platform::page::PageArgs;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};
use uuid::Uuid;

use crate::support::TestParts;

/// SKU, name, tags, description, pieces sold.
pub(super) type Row<'a> = (&'a str, &'a str, &'a [&'a str], &'a str, i64);

/// Some products of one seller in one category.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) app: App,
    _parts: TestParts,
}

/// A category; its id.
pub(super) async fn category(app: &App, number: usize) -> Uuid {
    service::save_category(app, None, &format!("category-{number}"), "Food").await.unwrap().id
}

/// A seller; its id.
pub(super) async fn seller(app: &App) -> Uuid {
    let (user, store, now) = (app.ids.uuid(), app.ids.uuid(), app.clock.now());
    let row = user::Model {
        id: user,
        email: format!("{user}@example.org"),
        password_hash: entity::PasswordHash::default(),
        name: "Sam".to_owned(),
        phone: None,
        role: Role::Seller.into(),
        is_active: true,
        email_verified_at: None,
        created_at: now,
        updated_at: now,
    };
    user::Entity::insert(row.into_active_model()).exec_without_returning(app.db.writer()).await.unwrap();
    let row = seller::Model {
        id: store,
        user_id: user,
        store_name: "Sam's".to_owned(),
        latitude: 12.9,
        longitude: 77.6,
        preparation: Preparation::Automatic.into(),
        rating_sum: 0,
        rating_count: 0,
        created_at: now,
    };
    seller::Entity::insert(row.into_active_model()).exec_without_returning(app.db.writer()).await.unwrap();
    store
}

/// A product, indexed; `number` makes its id, so that the greater is the younger.
pub(super) fn product(number: usize, seller: Uuid, category: Uuid, row: Row<'_>) -> product::Model {
    let (sku, name, tags, description, sold_count) = row;
    let minutes = i64::try_from(number).unwrap() * 60_000_000;
    let at: DateTime<Utc> = DateTime::from_timestamp_micros(1_700_000_000_000_000 + minutes).unwrap();
    let mut product = product::Model {
        id: Uuid::from_u128(number as u128 + 1),
        sku: sku.to_owned(),
        seller_id: seller,
        category_id: category,
        name: name.to_owned(),
        name_key: String::new(),
        search_text: String::new(),
        description: description.to_owned(),
        price_minor: 100 + minutes / 60_000_000 % 7,
        compare_at_minor: None,
        currency: Currency::Inr.into(),
        images: Strings(Vec::new()),
        tags: Strings(tags.iter().map(|tag| tag.to_lowercase()).collect()),
        is_active: true,
        sold_count,
        rating_sum: 0,
        rating_count: 0,
        created_at: at,
        updated_at: at,
    };
    catalog::index(&mut product);
    product
}

/// Inserts products with their tags, each with a stock of `on_hand`.
pub(super) async fn insert(app: &App, products: Vec<product::Model>, on_hand: i32) {
    let tags: Vec<_> = products
        .iter()
        .flat_map(|product| product.tags.0.iter().map(|tag| (product.id, tag.clone())))
        .map(|(product_id, tag)| product_tag::ActiveModel { product_id: Set(product_id), tag: Set(tag) })
        .collect();
    let stocks: Vec<_> = products
        .iter()
        .map(|product| stock::Model {
            product_id: product.id,
            on_hand,
            reserved: 0,
            low_stock_threshold: 0,
            is_low: on_hand == 0,
            was_low: false,
        })
        .map(sea_orm::IntoActiveModel::into_active_model)
        .collect();
    let tx = app.db.begin().await.unwrap();
    let rows = products.into_iter().map(sea_orm::IntoActiveModel::into_active_model);
    product::Entity::insert_many(rows).exec_without_returning(&*tx).await.unwrap();
    product_tag::Entity::insert_many(tags).exec_without_returning(&*tx).await.unwrap();
    stock::Entity::insert_many(stocks).exec_without_returning(&*tx).await.unwrap();
    tx.commit().await.unwrap();
}

impl Shelf {
    /// Puts `rows` on a new one.
    pub(super) async fn with(parts: TestParts, rows: &[Row<'_>]) -> Self {
        let app = parts.app.clone();
        let (seller, category) = (seller(&app).await, category(&app, 0).await);
        let products = rows.iter().enumerate().map(|(number, row)| product(number, seller, category, *row)).collect();
        insert(&app, products, 1).await;
        Self { app, _parts: parts }
    }

    /// The SKUs that `search` finds for everybody, in its order; at most 100.
    pub(super) async fn skus(&self, search: &Search) -> Vec<String> {
        let args = PageArgs::new(&"shelf", Some(100), None, None, None).unwrap();
        let page = service::list(&self.app, None, search, None, &args).await.unwrap();
        page.rows.into_iter().map(|(_, product)| product.sku).collect()
    }

    async fn find(&self, sku: &str) -> product::Model {
        let find = product::Entity::find().filter(product::Column::Sku.eq(sku));
        find.one(self.app.db.writer()).await.unwrap().unwrap()
    }

    /// Gives a product another name, as its seller would.
    pub(super) async fn rename(&self, sku: &str, name: &str) {
        let mut product = self.find(sku).await;
        name.clone_into(&mut product.name);
        catalog::index(&mut product);
        let row = product::ActiveModel {
            name: Set(product.name),
            name_key: Set(product.name_key),
            search_text: Set(product.search_text),
            id: sea_orm::ActiveValue::Unchanged(product.id),
            ..Default::default()
        };
        product::Entity::update(row).exec(self.app.db.writer()).await.unwrap();
    }

    /// Counts a product sold.
    pub(super) async fn sell(&self, sku: &str, pieces: i64) {
        let id = self.find(sku).await.id;
        let tx = self.app.db.begin().await.unwrap();
        service::count_sold(&tx, &BTreeMap::from([(id, pieces)])).await.unwrap();
        tx.commit().await.unwrap();
    }
}
