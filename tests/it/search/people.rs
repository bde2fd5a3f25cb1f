//! That users are looked for by indexes, where the database has such.

use domain::access::Role;
use quick_commerce::accounts::service::{UserFilter, count_users, list_users};
use quick_commerce::platform::page::PageArgs;
use sea_orm::ConnectionTrait as _;

use super::plans::Explainer;
use crate::support::{Shape, TestParts};

/// One in a thousand is an admin, and each has a number in their name and in their address.
const FILL: &str = "INSERT INTO users (id, email, password_hash, name, role, is_active, created_at, updated_at)
    SELECT gen_random_uuid(), 'someone.' || n || '@mail.example', '', 'Name' || n || 'x Surname',
        CASE WHEN n % 1000 = 7 THEN 'ADMIN' ELSE 'CUSTOMER' END, true, now(), now()
    FROM generate_series(1, 50000) AS s (n)";

/// SQLite reads them all: it is for one small shop, and has no such index for what is contained in a text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_a_name_or_an_address_is_found_by_indexes() {
    let parts = TestParts::build(Shape::Production).await;
    let app = &parts.app;
    for statement in [FILL, "ANALYZE users"] {
        app.db.writer().execute_unprepared(statement).await.unwrap();
    }
    let explainer = Explainer::of(app);
    let named = |text: &str| UserFilter { search: Some(text.to_owned()), ..UserFilter::default() };
    let args = PageArgs::new(&"users", Some(20), None, None, None).unwrap();
    for (what, filter, found) in [
        ("a name", named("AME31007X"), 1),
        ("an address", named("one.31007@"), 1),
        ("an admin", UserFilter { role: Some(Role::Admin), ..named("Name3100") }, 1),
        ("nobody", named("nobody at all"), 0),
        ("what stands for anything", named("name%1007x"), 0),
        ("everybody", named("mail.example"), 20),
    ] {
        let page = list_users(app, &filter, &args).await.unwrap();
        assert_eq!(page.rows.len(), found, "{what}");
        explainer.check(app, what).await;
        count_users(app, &filter).await.unwrap();
        explainer.check(app, &format!("the count of {what}")).await;
    }
}
