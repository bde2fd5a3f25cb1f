//! Categories: so many that they can be shown all at once, and no more.

use domain::error::ErrorCode;
use entity::category;
use quick_commerce::catalog::service::{MAX_CATEGORIES, count_by_category, list_categories, save_category};
use quick_commerce::platform::Error;
use sea_orm::{EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _};
use uuid::Uuid;

use crate::support::crowd::at_once;
use crate::support::{Shape, TestParts, over_both_shapes};

over_both_shapes! {
    of_those_who_make_the_last_category_at_once_one_does,
}

async fn of_those_who_make_the_last_category_at_once_one_does(shape: Shape) {
    let parts = TestParts::build(shape).await;
    let app = &parts.app;
    let rows = (1..MAX_CATEGORIES).map(|number| {
        let (id, name) = (Uuid::from_u128(number as u128), format!("Category {number}"));
        category::Model { id, slug: format!("category-{number}"), name }.into_active_model()
    });
    category::Entity::insert_many(rows).exec_without_returning(app.db.writer()).await.unwrap();
    let making = (0..8).map(|number| {
        let app = app.clone();
        async move { save_category(&app, None, &format!("last-{number}"), "Last").await }
    });
    let (made, refused): (Vec<_>, Vec<_>) = at_once(making).await.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (1, 7));
    for refusal in refused {
        let Err(Error::Rejected(rejection)) = refusal else { panic!("it is refused, and nothing broke") };
        assert_eq!((rejection.code, rejection.field), (ErrorCode::InvalidInput, vec!["slug".to_owned()]));
    }
    assert_eq!(category::Entity::find().count(app.db.reader()).await.unwrap(), MAX_CATEGORIES as u64);
    let renamed = save_category(app, None, "category-7", "Another name").await.unwrap();
    assert_eq!((renamed.id, renamed.name.as_str()), (Uuid::from_u128(7), "Another name"), "those that are there can change");

    let ids: Vec<Uuid> = list_categories(app).await.unwrap().iter().map(|category| category.id).collect();
    assert_eq!(ids.len(), MAX_CATEGORIES);
    assert!(count_by_category(app, &ids).await.unwrap().is_empty());
}
