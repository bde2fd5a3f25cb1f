//! Chats beside each other, and what a long one shows.

use domain::access::Role;
use entity::{MessageBody, Text};
use quick_commerce::app::App;
use sea_orm::IntoActiveModel as _;

use super::*;
use crate::support::TestParts;
use crate::support::app::serve_alone;
use crate::support::wait::until_numbered;

over_both_shapes! {
    what_is_done_in_one_chat_is_nothing_to_another,
    each_chat_has_its_own_end,
    a_chat_that_is_shown_whole_has_no_more,
    a_partner_who_has_the_order_again_is_not_sent_away_by_what_comes_late,
}

/// Has `sender` write so many messages, past the API.
pub(super) async fn write(app: &App, order: &str, sender: &Actor, count: i32) {
    let now = app.clock.db_now(app.db.reader()).await.unwrap();
    let rows = (1..=count).map(|number| {
        let row = message::Model {
            id: app.ids.uuid(),
            order_id: uuid(Kind::Order, order),
            number,
            sender_id: uuid(Kind::User, &sender.user_id),
            sender_role: Text(Role::Customer),
            body: MessageBody(number.to_string()),
            sent_at: now,
            read_at: None,
        };
        row.into_active_model()
    });
    message::Entity::insert_many(rows).exec_without_returning(app.db.writer()).await.unwrap();
}

/// Another order of the same people.
async fn another(scene: &Scene) -> String {
    let order = ready_order(&scene.shop, &scene.customer).await;
    claim(&scene.partner, &order).await;
    order
}

async fn what_is_done_in_one_chat_is_nothing_to_another(shape: Shape) {
    let scene = Scene::set(shape).await;
    let other = another(&scene).await;
    let mut last = String::new();
    for body in ["1", "2"] {
        last = say(&scene.partner, &scene.order, body).await;
    }
    say(&scene.partner, &other, "1").await;
    let mut rows = message::Entity::find().all(scene.app.app.db.reader()).await.unwrap();
    rows.sort_by_key(|row| row.id);
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2, 1], "each counts its own");
    assert_eq!(read_up_to(&scene.customer, &scene.order, &last).await, 2);
    let seen = chat(&scene.customer, &other).await;
    assert_eq!(seen["messages"]["nodes"][0]["readAt"], Value::Null);
    let full = ready_order(&scene.shop, &scene.customer).await;
    write(&scene.app.app, &full, &scene.customer, i32::try_from(MAX_OF_PARTY).unwrap()).await;
    say(&scene.customer, &other, "There is room here.").await;
}

async fn each_chat_has_its_own_end(shape: Shape) {
    let scene = Scene::set(shape).await;
    let other = another(&scene).await;
    for (order, count) in [(&scene.order, 7), (&other, 2)] {
        write(&scene.app.app, order, &scene.customer, count).await;
    }
    let both = "query($one: ID!, $other: ID!) {
        one: order(id: $one) { messages(last: 2) { nodes { body } } }
        other: order(id: $other) { messages(last: 2) { nodes { body } } } }";
    let seen = scene.customer.query(both, json!({ "one": scene.order, "other": other })).await;
    for (chat, expected) in [("one", ["6", "7"]), ("other", ["1", "2"])] {
        assert_eq!(bodies(&seen.data()[chat]["messages"]["nodes"]), expected, "{chat}");
    }
}

async fn a_chat_that_is_shown_whole_has_no_more(shape: Shape) {
    let scene = Scene::set(shape).await;
    write(&scene.app.app, &scene.order, &scene.customer, 100).await;
    for (first, more) in [("1", false), ("2", true)] {
        let mut follower = scene.partner.subscribe(CHAT_MESSAGES, json!({ "orderId": scene.order })).await;
        let snapshot = follower.next().await;
        let shown = bodies(&snapshot["messages"]);
        assert_eq!((shown.len(), shown[0], &snapshot["more"]), (100, first, &json!(more)));
        say(&scene.customer, &scene.order, "One more.").await;
    }
}

async fn a_partner_who_has_the_order_again_is_not_sent_away_by_what_comes_late(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let (api, running) = serve_alone(&parts.app).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&api, 10, "40.00"), api.customer(), api.partner());
    let order = ready_order(&shop, &customer).await;
    let held = claim(&partner, &order).await;
    partner.mutate(RELEASE_CLAIM, json!({ "idempotencyKey": key(), "claimId": held })).await.ok("releaseClaim");
    claim(&partner, &order).await;
    // nobody has been told of any of that yet
    let mut follower = partner.subscribe(CHAT_MESSAGES, json!({ "orderId": order })).await;
    assert_eq!(follower.next().await["__typename"], "ChatSnapshot");
    until_numbered(&parts.app).await;
    say(&customer, &order, "Hello?").await;
    until_numbered(&parts.app).await;
    assert_eq!(follower.next().await["message"]["body"], "Hello?");
    running.stop().await;
}
