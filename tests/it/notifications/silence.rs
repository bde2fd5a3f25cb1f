//! Of what nobody is told.

use quick_commerce::notifications::event::NOTIFICATIONS_READ;

use super::*;
use crate::support::story::UPDATE_USER;

over_both_shapes! {
    that_there_was_nothing_left_to_read_is_told_to_nobody,
    an_admin_who_is_deactivated_is_told_of_nothing,
}

async fn that_there_was_nothing_left_to_read_is_told_to_nobody(shape: Shape) {
    let (app, shop, customer, _) = scene(shape).await;
    place_order(&customer, &shop.product_id, 1).await;
    let first = told(&app, &customer).await[0]["id"].clone();
    for (which, marked) in [(json!({ "all": true }), 2), (json!({ "all": true }), 0), (json!({ "ids": [first] }), 0)] {
        assert_eq!(mark(&customer, which).await, marked);
    }
    let heard = event::Entity::find().filter(event::Column::Kind.eq(NOTIFICATIONS_READ));
    assert_eq!(heard.count(app.app.db.reader()).await.unwrap(), 1);
}

async fn an_admin_who_is_deactivated_is_told_of_nothing(shape: Shape) {
    let (app, ..) = scene(shape).await;
    let (stays, goes) = tokio::join!(app.admin(), app.admin());
    stays.mutate(UPDATE_USER, json!({ "userId": goes.user_id, "active": false })).await.ok("updateUser");
    let paused = WebhookPaused { endpoint: uuid::Uuid::from_u128(7), reason: PauseReason::Gone, failing_since: None };
    log(&app.app, WEBHOOK_PAUSED, serde_json::to_value(paused).unwrap()).await;
    assert_eq!(kinds(&app, &stays).await, ["WEBHOOK_PAUSED"]);
    let of_goes = notification::Entity::find().filter(notification::Column::UserId.eq(uuid(Kind::User, &goes.user_id)));
    assert_eq!(of_goes.count(app.app.db.reader()).await.unwrap(), 0);
}
