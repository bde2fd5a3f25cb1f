//! Clean-ups and workers whose database goes away and comes back.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::notification::NotificationKind;
use entity::{Text, notification};
use quick_commerce::config::Secret;
use quick_commerce::platform::clock::Clock;
use sea_orm::{EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _};
use uuid::Uuid;

use crate::support::actors::Api;
use crate::support::app::{build, serve};
use crate::support::crowd::customers;
use crate::support::mail::letter_in;
use crate::support::postgres::PostgresDatabase;
use crate::support::proxy::Proxy;
use crate::support::redis::Redis;
use crate::support::shape::{TestDatabase, config};
use crate::support::wait::until;

/// They come by once an hour, and their first time is while there is no database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_cleaned_up_without_a_database_is_once_there_is_one() {
    const CLEAN_UPS: [&str; 6] = [
        "accounts.clean_up",
        "notifications.clean_up",
        "platform.retention",
        "tracking.clean_up",
        "tracking.history",
        "webhooks.clean_up",
    ];
    let database = PostgresDatabase::new().await;
    let network = Proxy::start(database.addr()).await;
    let (url, database) = (database.url_at(network.addr), TestDatabase::Postgres(database));
    let mut settings = config(&database, Some(Redis::shared().await.url()));
    settings.database_url = Secret::new(url);
    let app = build(settings, Clock::system(), 1).await;
    let kept = TimeDelta::from_std(app.config.notification_retention).unwrap();
    let old = notification::Model {
        id: app.ids.uuid(),
        user_id: customers(&app, 1).await[0].user,
        event_id: Uuid::from_u128(7),
        kind: Text(NotificationKind::OrderReady),
        title: "An order is packed".to_owned(),
        body: String::new(),
        order_id: None,
        created_at: app.clock.now() - kept - TimeDelta::days(1),
        read_at: None,
    };
    notification::Entity::insert(old.into_active_model()).exec_without_returning(app.db.writer()).await.unwrap();

    network.down();
    let running = serve(&app).await;
    let counted = || app.sweeps.by_kind();
    let failed = || counted().into_iter().filter(|(_, counts)| counts.failed > 0).map(|(name, _)| name);
    until(async || CLEAN_UPS.into_iter().collect::<BTreeSet<_>>().is_subset(&failed().collect())).await;
    assert!(counted().iter().all(|(_, counts)| counts.done == 0), "{:?}", counted());
    network.resume();
    until(async || counted().iter().all(|(_, counts)| counts.done > 0)).await;
    assert_eq!(notification::Entity::find().count(app.db.reader()).await.unwrap(), 0);
    // nor have those stopped who look for work
    let api = Api::new(app.clone(), running.addr);
    let customer = api.customer().await;
    letter_in(&app.config.mail.folder, &customer.email, "Confirm", &[]).await;
    running.stop().await;
}
