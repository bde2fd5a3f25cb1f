use sea_orm::PaginatorTrait;

use super::*;
use crate::app::Ambient;
use crate::config::Config;

async fn app(name: &str) -> (App, std::path::PathBuf) {
    let folder = std::env::temp_dir().join(format!("qc-demo-{name}-{}", std::process::id()));
    let url = format!("sqlite://{}/demo.db", folder.display());
    let config = Config::load(None, |key| (key == "DATABASE_URL").then(|| url.clone())).unwrap();
    let app = App::build(config, Ambient::default()).await.unwrap();
    app.migrate().await.unwrap();
    (app, folder)
}

#[tokio::test]
async fn an_empty_database_is_filled_once() {
    let (app, folder) = app("once").await;
    let (first, second) = tokio::join!(seed(&app), seed(&app));
    assert!(first.unwrap() ^ second.unwrap(), "of two at once, one fills it");
    assert!(!seed(&app).await.unwrap());

    let db = app.db.reader();
    assert_eq!(user::Entity::find().count(db).await.unwrap(), ACCOUNTS.len() as u64);
    assert_eq!(product::Entity::find().count(db).await.unwrap(), GOODS.len() as u64);
    let moved: i32 = stock_movement::Entity::find().all(db).await.unwrap().iter().map(|row| row.delta).sum();
    let on_hand: i32 = stock::Entity::find().all(db).await.unwrap().iter().map(|row| row.on_hand).sum();
    assert_eq!(moved, on_hand, "the ledger explains the stock");
    let admin = user::Entity::find().one(db).await.unwrap().unwrap();
    assert!(app.passwords.verify(PASSWORD.to_owned(), Some(admin.password_hash.0)).await.unwrap());
    app.db.close().await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn every_person_has_an_account_and_the_stores_are_near() {
    let emails = || ACCOUNTS.iter().map(|account| account.email);
    let named = STORES.iter().map(|store| store.0).chain(VEHICLES.iter().map(|vehicle| vehicle.0));
    for email in named.chain(HOMES.iter().map(|home| home.email)) {
        assert!(emails().any(|known| known == email), "{email}");
    }
    for (.., latitude, longitude) in STORES {
        let store = domain::geo::Point::new(latitude, longitude).unwrap();
        for home in HOMES {
            let home = domain::geo::Point::new(home.at.0, home.at.1).unwrap();
            assert!((100.0..10_000.0).contains(&store.distance_m(home)));
        }
    }
}
