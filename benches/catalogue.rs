//! How long a page of a catalogue of 100,000 products takes, the first and the thousandth, in each order and of a search.
//!
//! `cargo bench --bench catalogue -- postgres://…` with an empty database; without an address, SQLite in a temporary file. Prints a table; judges nothing.

mod support;

use std::time::{Duration, Instant};

use domain::access::Role;
use domain::money::Currency;
use domain::order::Preparation;
use entity::json::Strings;
use entity::{product, seller, stock, user};
use quick_commerce::app::App;
use quick_commerce::catalog::{self, Search, Sort, service};
use quick_commerce::platform::page::PageArgs;
use sea_orm::{ConnectionTrait as _, EntityTrait as _, IntoActiveModel};
use support::{Outcome, broken};
use uuid::Uuid;

const PRODUCTS: u32 = 100_000;
const PAGE: i32 = 20;
const DEEP_PAGE: u32 = 1_000;
const RUNS: usize = 500;

const BRANDS: [&str; 10] = ["Amber", "Birch", "Cedar", "Dune", "Elm", "Fern", "Grove", "Hazel", "Iris", "Juniper"];
const THINGS: [&str; 20] = [
    "milk", "bread", "rice", "tea", "coffee", "butter", "cheese", "apple", "mango", "banana", "onion", "potato", "tomato",
    "biscuits", "noodles", "soap", "juice", "yoghurt", "honey", "salt",
];

fn main() -> Outcome {
    support::run("catalogue", measure)
}

async fn measure(app: &App) -> Outcome {
    let began = Instant::now();
    fill(app).await?;
    println!("{PRODUCTS} products in {:.1} s, in {:?}\n", began.elapsed().as_secs_f64(), app.db.backend());
    println!("| list | page 1 p50 | p99 | page {DEEP_PAGE} p50 | p99 | p99 ratio |\n|---|---|---|---|---|---|");
    for (name, sort) in [
        ("RELEVANCE", Sort::Relevance),
        ("NEWEST", Sort::Newest),
        ("PRICE_ASC", Sort::PriceAsc),
        ("PRICE_DESC", Sort::PriceDesc),
        ("NAME", Sort::Name),
        ("BEST_SELLING", Sort::BestSelling),
    ] {
        row(app, name, &Search { sort: Some(sort), ..Search::default() }).await?;
    }
    // what a quarter of all has: enough for a thousandth page
    for text in ["fresh", "b", "daily fresh"] {
        let search = Search::default().with_text(text).map_err(|rejection| format!("{rejection:?}"))?;
        row(app, &format!("`{text}`"), &search).await?;
    }
    for text in ["milk", "amber milk", "sku-777"] {
        let search = Search::default().with_text(text).map_err(|rejection| format!("{rejection:?}"))?;
        let first = delays(app, &search, None).await?;
        println!("| `{text}` | {} | {} | | | |", ms(first.0), ms(first.1));
    }
    Ok(())
}

async fn row(app: &App, name: &str, search: &Search) -> Outcome {
    let mut cursor = None;
    for _ in 0..DEEP_PAGE / 5 {
        // five pages at a time
        let args = PageArgs::new(&"bench", Some(PAGE * 5), cursor.as_deref(), None, None).map_err(|error| broken(&error))?;
        let page = service::list(app, None, search, None, &args).await.map_err(|error| broken(&error))?;
        cursor = page.rows.last().map(|(cursor, _)| cursor.clone());
        if cursor.is_none() {
            return Err(format!("{name} has no page {DEEP_PAGE}").into());
        }
    }
    let (first, deep) = (delays(app, search, None).await?, delays(app, search, cursor.as_deref()).await?);
    let ratio = deep.1.as_secs_f64() / first.1.as_secs_f64();
    println!("| {name} | {} | {} | {} | {} | {ratio:.2} |", ms(first.0), ms(first.1), ms(deep.0), ms(deep.1));
    Ok(())
}

/// The median and the 99th of 100.
async fn delays(app: &App, search: &Search, after: Option<&str>) -> Outcome<(Duration, Duration)> {
    let args = PageArgs::new(&"bench", Some(PAGE), after, None, None).map_err(|error| broken(&error))?;
    let mut delays = Vec::with_capacity(RUNS);
    for run in 0..RUNS + 20 {
        let began = Instant::now();
        service::list(app, None, search, None, &args).await.map_err(|error| broken(&error))?;
        // the first are for caches
        if run >= 20 {
            delays.push(began.elapsed());
        }
    }
    delays.sort_unstable();
    Ok((delays[RUNS / 2 - 1], delays[RUNS * 99 / 100 - 1]))
}

fn ms(delay: Duration) -> String {
    format!("{:.2} ms", delay.as_secs_f64() * 1e3)
}

async fn fill(app: &App) -> Outcome {
    let category = service::save_category(app, None, "food", "Food").await.map_err(|error| broken(&error))?.id;
    let seller = seller(app).await?;
    let now = app.clock.now();
    // scattered, and the same in each run
    let scattered = |number: u32, below: u32| number.wrapping_mul(2_654_435_761) % below;
    for start in (0..PRODUCTS).step_by(1_000) {
        let (mut products, mut stocks) = (Vec::new(), Vec::new());
        for number in start..start + 1_000 {
            let (brand, thing) = (scattered(number, 10) as usize, scattered(number / 3 + 7, 20) as usize);
            let id = app.ids.uuid();
            let description = if number % 4 == 0 { "Fresh, for daily use." } else { "As it should be." };
            let mut product = product::Model {
                id,
                sku: format!("SKU-{number}"),
                seller_id: seller,
                category_id: category,
                name: format!("{} {} {number}", BRANDS[brand], THINGS[thing]),
                name_key: String::new(),
                search_text: String::new(),
                description: description.to_owned(),
                price_minor: i64::from(scattered(number + 1, 9_973)) + 1,
                compare_at_minor: None,
                currency: Currency::Inr.into(),
                images: Strings(Vec::new()),
                tags: Strings(vec!["food".to_owned()]),
                is_active: true,
                sold_count: i64::from(scattered(number + 2, 10_007)),
                rating_sum: 0,
                rating_count: 0,
                created_at: now + Duration::from_millis(number.into()),
                updated_at: now,
            };
            catalog::index(&mut product);
            products.push(product.into_active_model());
            let (on_hand, reserved, low_stock_threshold) = (9, 0, 0);
            stocks.push(
                stock::Model { product_id: id, on_hand, reserved, low_stock_threshold, is_low: false, was_low: false }
                    .into_active_model(),
            );
        }
        let tx = app.db.begin().await.map_err(|error| broken(&error))?;
        product::Entity::insert_many(products).exec_without_returning(&*tx).await?;
        stock::Entity::insert_many(stocks).exec_without_returning(&*tx).await?;
        tx.commit().await.map_err(|error| broken(&error))?;
    }
    app.db.writer().execute_unprepared("ANALYZE").await?;
    Ok(())
}

async fn seller(app: &App) -> Outcome<Uuid> {
    let (user, store, now) = (app.ids.uuid(), app.ids.uuid(), app.clock.now());
    let row = user::Model {
        id: user,
        email: "sam@example.org".to_owned(),
        password_hash: entity::PasswordHash::default(),
        name: "Sam".to_owned(),
        phone: None,
        role: Role::Seller.into(),
        is_active: true,
        email_verified_at: None,
        created_at: now,
        updated_at: now,
    };
    user::Entity::insert(row.into_active_model()).exec_without_returning(app.db.writer()).await?;
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
    seller::Entity::insert(row.into_active_model()).exec_without_returning(app.db.writer()).await?;
    Ok(store)
}
