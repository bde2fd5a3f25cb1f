//! What people say about themselves, in the tables of accounts.

use chrono::{DateTime, Utc};
use domain::access::Role;
use domain::claims::VehicleType;
use domain::geo::Point;
use domain::order::Preparation;
use entity::{Text, partner, seller, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryTrait};
use uuid::Uuid;

use crate::platform::Result;

/// What is to change about a store; what is absent stays.
#[derive(Debug, Clone, Default)]
pub(in crate::accounts) struct StoreChange {
    pub(in crate::accounts) name: Option<String>,
    pub(in crate::accounts) preparation: Option<Preparation>,
    pub(in crate::accounts) location: Option<Point>,
}

/// A text that may be taken away by giving an empty one.
fn text_or_null(text: &str) -> Expr {
    Expr::value((!text.is_empty()).then(|| text.to_owned()))
}

/// Gives the user `id` another name or telephone number, if they are active and have `role`, and gives them as they then are.
pub(in crate::accounts) async fn update_user(
    db: &impl ConnectionTrait,
    id: Uuid,
    role: Role,
    name: Option<&str>,
    phone: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<user::Model>> {
    let mut changed = user::Entity::update_many()
        .col_expr(user::Column::UpdatedAt, Expr::value(now))
        .apply_if(name, |update, name| update.col_expr(user::Column::Name, Expr::value(name)))
        .apply_if(phone, |update, phone| update.col_expr(user::Column::Phone, text_or_null(phone)))
        .filter(user::Column::Id.eq(id))
        .filter(user::Column::IsActive.eq(true))
        .filter(user::Column::Role.eq(Text(role)))
        .exec_with_returning(db)
        .await?;
    Ok(changed.pop())
}

/// Says what a partner rides. Does nothing where nothing is to change.
pub(in crate::accounts) async fn update_vehicle(
    db: &impl ConnectionTrait,
    user: Uuid,
    vehicle: Option<VehicleType>,
    number: Option<&str>,
) -> Result<()> {
    if vehicle.is_none() && number.is_none() {
        return Ok(());
    }
    partner::Entity::update_many()
        .apply_if(vehicle, |update, vehicle| update.col_expr(partner::Column::Vehicle, Expr::value(Text(vehicle))))
        .apply_if(number, |update, number| update.col_expr(partner::Column::VehicleNumber, text_or_null(number)))
        .filter(partner::Column::UserId.eq(user))
        .exec(db)
        .await?;
    Ok(())
}

/// Changes the store of `user`. Does nothing where nothing is to change.
pub(in crate::accounts) async fn update_store(db: &impl ConnectionTrait, user: Uuid, change: &StoreChange) -> Result<()> {
    let StoreChange { name, preparation, location } = change;
    if name.is_none() && preparation.is_none() && location.is_none() {
        return Ok(());
    }
    seller::Entity::update_many()
        .apply_if(name.as_deref(), |update, name| update.col_expr(seller::Column::StoreName, Expr::value(name)))
        .apply_if(*preparation, |update, how| update.col_expr(seller::Column::Preparation, Expr::value(Text(how))))
        .apply_if(*location, |update, point| {
            update
                .col_expr(seller::Column::Latitude, Expr::value(point.latitude))
                .col_expr(seller::Column::Longitude, Expr::value(point.longitude))
        })
        .filter(seller::Column::UserId.eq(user))
        .exec(db)
        .await?;
    Ok(())
}
