//! How partners did in a period: a page of them in a constant number of statements.

use domain::access::Role;
use domain::calendar::Period;
use entity::user;
use uuid::Uuid;

use crate::accounts::service::{self as accounts, UserFilter};
use crate::app::App;
use crate::orders::service::deliveries as orders;
pub use crate::orders::service::deliveries::Performance;
use crate::platform::Result;
use crate::platform::page::{Page, PageArgs};

/// A page of the partners, newest first, each with what they did in `period`: four statements.
///
/// # Errors
/// `BAD_CURSOR`; when the database fails.
pub async fn list(app: &App, period: Period, args: &PageArgs) -> Result<Page<(user::Model, Performance)>> {
    let partners = UserFilter { role: Some(Role::Partner), search: None, available: None };
    let page = accounts::list_users(app, &partners, args).await?;
    let ids: Vec<Uuid> = page.rows.iter().map(|(_, user)| user.id).collect();
    let found = orders::list_performance(app.db.reader(), &ids, period).await?;
    Ok(page.map(|user| {
        let performance = found.get(&user.id).copied().unwrap_or_default();
        (user, performance)
    }))
}
