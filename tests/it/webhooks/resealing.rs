//! Secrets that outlive the key that they are stored under.

use domain::id::Kind;
use entity::webhook_endpoint;
use quick_commerce::config::Secret;
use quick_commerce::webhooks::cleaning::sweep;
use quick_commerce::webhooks::secrets::{is_current, open};
use quick_commerce::webhooks::service::{EndpointChange, update};

use super::*;
use crate::support::app::build;
use crate::support::crowd::uuid;
use crate::support::over_both_shapes;

over_both_shapes! {
    a_secret_that_was_replaced_outlives_the_key_as_well,
}

async fn a_secret_that_was_replaced_outlives_the_key_as_well(shape: Shape) {
    let app = start(shape).await;
    let (admin, receiver) = tokio::join!(app.admin(), Receiver::start(Says::Status(200)));
    let before = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
    let mut config = app.app.config.clone();
    config.webhooks.key = Some(Secret::new("a key of webhooks, and of nothing else".to_owned()));
    let other = build(config, app.clock.clone(), 1).await;
    let id = uuid(Kind::WebhookEndpoint, &before.id);
    // the new one is stored under the new key, and the one before as it was
    let change = EndpointChange { endpoint: id, url: None, topics: None, is_active: None, rotates_secret: true };
    let rotated = update(&other, admin.principal().await, change).await.unwrap();
    let stored = async || {
        let row = webhook_endpoint::Entity::find_by_id(id).one(other.db.reader()).await.unwrap().unwrap();
        let [replaced] = &row.replaced_secrets.0[..] else { panic!("{row:?}") };
        [row.secret.clone(), replaced.secret.clone()]
    };
    let are_current = |stored: &[String; 2]| stored.each_ref().map(|secret| is_current(&other, secret).unwrap());
    assert_eq!(are_current(&stored().await), [true, false]);
    sweep(&other).await.unwrap();
    let secrets = stored().await;
    assert_eq!(are_current(&secrets), [true, true]);
    let opened = secrets.map(|secret| open(&other, id, &secret).unwrap().unwrap().expose());
    assert_eq!(opened, [rotated.secret.unwrap().expose(), before.secret]);
}
