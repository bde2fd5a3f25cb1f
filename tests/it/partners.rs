//! Partners who come on and off duty, and what is told of that.

use domain::id::Kind;
use entity::{event, partner};
use quick_commerce::accounts::partners::{PARTNER_CHANGED, set_availability};
use quick_commerce::app::App;
use quick_commerce::platform::Error;
use quick_commerce::platform::error::Denial;
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _};
use serde_json::{Value, json};

use crate::support::actors::{Actor, SET_AVAILABILITY};
use crate::support::crowd::uuid;
use crate::support::story::UPDATE_USER;
use crate::support::wait::until_locks_are_waited_for;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    whoever_may_not_deliver_any_more_does_not_come_on_duty,
    only_what_is_news_of_a_partner_is_told,
}

async fn update(admin: &Actor, who: &Actor, mut change: Value) {
    change["userId"] = json!(who.user_id);
    admin.mutate(UPDATE_USER, change).await.ok("updateUser");
}

async fn row(app: &App, who: &Actor) -> partner::Model {
    let find = partner::Entity::find_by_id(uuid(Kind::User, &who.user_id));
    find.one(app.db.reader()).await.unwrap().unwrap()
}

async fn whoever_may_not_deliver_any_more_does_not_come_on_duty(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    for change in [json!({ "active": false }), json!({ "role": "CUSTOMER" })] {
        let partner = app.partner_off_duty().await;
        // when they asked they still were one
        let before = partner.principal().await;
        update(&admin, &partner, change.clone()).await;
        let refused = set_availability(&app.app, before, true).await.unwrap_err();
        assert!(matches!(refused, Error::Denied(Denial::Forbidden)), "{change}: {refused:?}");
        assert!(!row(&app.app, &partner).await.is_available, "{change}");
    }
}

/// Two who change a partner at once: an admin who deactivates them, and the partner who comes on duty.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_deactivated_as_they_come_on_duty_ends_off_duty() {
    let app = TestApp::start(Shape::Production).await;
    let admin = app.admin().await;
    for is_deactivated_first in [true, false] {
        let partner = app.partner_off_duty().await;
        let who = partner.principal().await;
        // whoever comes first waits for this one in the middle of what they do
        let hold = app.app.db.begin().await.unwrap();
        let held = partner::Entity::find_by_id(who.user).lock(LockType::Update).one(&*hold).await.unwrap();
        assert!(held.is_some());
        let deactivated = {
            let (admin, partner) = (admin.clone(), partner.clone());
            // the capacity is a change of the row that is held
            async move { update(&admin, &partner, json!({ "active": false, "capacity": 9 })).await }
        };
        let comes = {
            let app = app.app.clone();
            async move { set_availability(&app, who, true).await }
        };
        let (deactivated, comes) = if is_deactivated_first {
            let deactivated = tokio::spawn(deactivated);
            until_locks_are_waited_for(&app.app, 1).await;
            (deactivated, tokio::spawn(comes))
        } else {
            let comes = tokio::spawn(comes);
            until_locks_are_waited_for(&app.app, 1).await;
            (tokio::spawn(deactivated), comes)
        };
        until_locks_are_waited_for(&app.app, 2).await;
        hold.commit().await.unwrap();
        deactivated.await.unwrap();
        assert_eq!(comes.await.unwrap().is_err(), is_deactivated_first);
        let row = row(&app.app, &partner).await;
        assert_eq!((row.is_available, row.capacity), (false, 9), "{is_deactivated_first}");
    }
}

async fn only_what_is_news_of_a_partner_is_told(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (admin, partner) = tokio::join!(app.admin(), app.partner_off_duty());
    let told = async || {
        let changes = event::Entity::find().filter(event::Column::Kind.eq(PARTNER_CHANGED));
        changes.count(app.app.db.reader()).await.unwrap()
    };
    let capacity = row(&app.app, &partner).await.capacity;
    let mut expected = 0;
    for (available, is_news) in [(false, false), (true, true), (true, false), (false, true), (false, false), (true, true)] {
        partner.mutate(SET_AVAILABILITY, json!({ "available": available })).await.ok("setAvailability");
        expected += u64::from(is_news);
        assert_eq!((row(&app.app, &partner).await.is_available, told().await), (available, expected));
    }
    for (change, is_news) in [
        (json!({ "capacity": capacity }), false),
        (json!({ "capacity": capacity + 1 }), true),
        (json!({ "capacity": capacity + 1 }), false),
        (json!({ "active": true }), false),
        // by which they are off duty
        (json!({ "active": false }), true),
        (json!({ "active": true }), false),
    ] {
        update(&admin, &partner, change.clone()).await;
        expected += u64::from(is_news);
        assert_eq!(told().await, expected, "{change}");
    }
    let back = row(&app.app, &partner).await;
    assert_eq!((back.is_available, back.capacity), (false, capacity + 1), "whoever may come back says when they do");
    // nor is somebody on duty who is something else
    let partner = app.partner().await;
    let before = told().await;
    for role in ["CUSTOMER", "PARTNER"] {
        update(&admin, &partner, json!({ "role": role })).await;
        assert_eq!((row(&app.app, &partner).await.is_available, told().await), (false, before + 1), "{role}");
    }
}
