//! The tables of payments, and the sandbox's books.

use chrono::{DateTime, Utc};
use domain::order::PaymentStatus;
use entity::{Text, payment, payment_event, refund, sandbox_intent, sandbox_refund};
use sea_orm::sea_query::{Expr, ExprTrait as _, LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbBackend, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use crate::platform::Result;

pub(super) async fn insert_payment(db: &impl ConnectionTrait, row: payment::Model) -> Result<()> {
    payment::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

pub(super) async fn list_payments_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<payment::Model>> {
    Ok(payment::Entity::find().filter(payment::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

pub(super) async fn list_refunds_by_ids(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<refund::Model>> {
    Ok(refund::Entity::find().filter(refund::Column::Id.is_in(ids.iter().copied())).all(db).await?)
}

pub(super) async fn find_payment(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<payment::Model>> {
    Ok(payment::Entity::find_by_id(id).one(db).await?)
}

/// The payment, locked until the transaction ends. SQLite has locked the whole database by then.
pub(super) async fn lock_payment(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<payment::Model>> {
    let mut find = payment::Entity::find_by_id(id);
    if db.get_database_backend() == DbBackend::Postgres {
        find = find.lock(LockType::Update);
    }
    Ok(find.one(db).await?)
}

pub(super) async fn find_payment_by_reference(
    db: &impl ConnectionTrait,
    provider: &str,
    reference: &str,
) -> Result<Option<payment::Model>> {
    let find = payment::Entity::find()
        .filter(payment::Column::Provider.eq(provider))
        .filter(payment::Column::ProviderRef.eq(reference));
    Ok(find.one(db).await?)
}

/// Payments of `orders`, oldest first.
pub(super) async fn list_payments(db: &impl ConnectionTrait, orders: &[Uuid]) -> Result<Vec<payment::Model>> {
    let find = payment::Entity::find().filter(payment::Column::OrderId.is_in(orders.iter().copied()));
    // ids are drawn by the clocks of several processes
    Ok(find.order_by_asc(payment::Column::CreatedAt).order_by_asc(payment::Column::Id).all(db).await?)
}

/// Writes what the provider calls a payment that it did not call anything yet.
pub(super) async fn update_intent(
    db: &impl ConnectionTrait,
    id: Uuid,
    reference: &str,
    client_secret: &str,
) -> Result<Option<payment::Model>> {
    let mut updated = payment::Entity::update_many()
        .col_expr(payment::Column::ProviderRef, Expr::value(reference))
        .col_expr(payment::Column::ClientSecret, Expr::value(client_secret))
        .filter(payment::Column::Id.eq(id))
        .filter(payment::Column::ProviderRef.is_null())
        .exec_with_returning(db)
        .await?;
    Ok(updated.pop())
}

/// Counts that the provider broke at a payment that it did not name yet, once of all who were told so at once.
pub(super) async fn update_broken(db: &impl ConnectionTrait, id: Uuid, seen: i32) -> Result<()> {
    payment::Entity::update_many()
        .col_expr(payment::Column::Broken, Expr::value(seen.saturating_add(1)))
        .filter(payment::Column::Id.eq(id))
        .filter(payment::Column::Broken.eq(seen))
        .filter(payment::Column::ProviderRef.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Writes when a payment was called off at its provider.
pub(super) async fn update_called_off(db: &impl ConnectionTrait, id: Uuid, at: DateTime<Utc>) -> Result<()> {
    payment::Entity::update_many()
        .col_expr(payment::Column::CalledOffAt, Expr::value(at))
        .filter(payment::Column::Id.eq(id))
        .filter(payment::Column::CalledOffAt.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Writes what the provider calls a payment, where that is not known.
pub(super) async fn update_reference(db: &impl ConnectionTrait, id: Uuid, reference: &str) -> Result<()> {
    payment::Entity::update_many()
        .col_expr(payment::Column::ProviderRef, Expr::value(reference))
        .filter(payment::Column::Id.eq(id))
        .filter(payment::Column::ProviderRef.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Moves a payment from one of `from` to `to`; whether it was there.
pub(super) async fn update_status(
    db: &impl ConnectionTrait,
    id: Uuid,
    from: &[PaymentStatus],
    to: PaymentStatus,
    failure_reason: Option<&str>,
    at: DateTime<Utc>,
) -> Result<bool> {
    let mut update = payment::Entity::update_many()
        .col_expr(payment::Column::Status, Expr::value(Text(to)))
        .col_expr(payment::Column::FailureReason, Expr::value(failure_reason.map(str::to_owned)))
        .col_expr(payment::Column::UpdatedAt, Expr::value(at));
    if to == PaymentStatus::Paid {
        update = update.col_expr(payment::Column::PaidAt, Expr::value(at));
    }
    let update =
        update.filter(payment::Column::Id.eq(id)).filter(payment::Column::Status.is_in(from.iter().copied().map(Text)));
    Ok(update.exec(db).await?.rows_affected == 1)
}

/// Sets what a paid payment is since some of it went back, or came again.
pub(super) async fn update_settled(
    db: &impl ConnectionTrait,
    id: Uuid,
    status: PaymentStatus,
    at: DateTime<Utc>,
) -> Result<()> {
    payment::Entity::update_many()
        .col_expr(payment::Column::Status, Expr::value(Text(status)))
        .col_expr(payment::Column::UpdatedAt, Expr::value(at))
        .filter(payment::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Keeps `amount` of a paid payment for a refund, if so much is left; whether it was.
pub(super) async fn update_refunding(db: &impl ConnectionTrait, id: Uuid, amount: i64, at: DateTime<Utc>) -> Result<bool> {
    let after = || Expr::col(payment::Column::RefundedMinor).add(amount);
    let paid = [PaymentStatus::Paid, PaymentStatus::PartiallyRefunded].map(Text);
    let update = payment::Entity::update_many()
        .col_expr(payment::Column::RefundedMinor, after())
        .col_expr(payment::Column::UpdatedAt, Expr::value(at))
        .filter(payment::Column::Id.eq(id))
        .filter(payment::Column::Status.is_in(paid))
        .filter(after().lte(Expr::col(payment::Column::AmountMinor)));
    Ok(update.exec(db).await?.rows_affected == 1)
}

/// Gives back what was kept for a refund that came to nothing.
pub(super) async fn update_not_refunding(db: &impl ConnectionTrait, id: Uuid, amount: i64) -> Result<()> {
    payment::Entity::update_many()
        .col_expr(payment::Column::RefundedMinor, Expr::col(payment::Column::RefundedMinor).sub(amount))
        .filter(payment::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

pub(super) async fn insert_refund(db: &impl ConnectionTrait, row: refund::Model) -> Result<()> {
    refund::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

pub(super) async fn find_refund(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<refund::Model>> {
    Ok(refund::Entity::find_by_id(id).one(db).await?)
}

/// Refunds of `payments`, oldest first.
pub(super) async fn list_refunds(db: &impl ConnectionTrait, payments: &[Uuid]) -> Result<Vec<refund::Model>> {
    let find = refund::Entity::find().filter(refund::Column::PaymentId.is_in(payments.iter().copied()));
    Ok(find.order_by_asc(refund::Column::CreatedAt).order_by_asc(refund::Column::Id).all(db).await?)
}

/// Moves a refund from one of `from` to `to`; whether it was there.
pub(super) async fn update_refund(
    db: &impl ConnectionTrait,
    id: Uuid,
    from: &[PaymentStatus],
    to: PaymentStatus,
    failure_reason: Option<&str>,
    at: DateTime<Utc>,
) -> Result<bool> {
    let update = refund::Entity::update_many()
        .col_expr(refund::Column::Status, Expr::value(Text(to)))
        .col_expr(refund::Column::FailureReason, Expr::value(failure_reason.map(str::to_owned)))
        .col_expr(refund::Column::UpdatedAt, Expr::value(at))
        .filter(refund::Column::Id.eq(id))
        .filter(refund::Column::Status.is_in(from.iter().copied().map(Text)));
    Ok(update.exec(db).await?.rows_affected == 1)
}

pub(super) async fn update_refund_reference(db: &impl ConnectionTrait, id: Uuid, reference: &str) -> Result<()> {
    refund::Entity::update_many()
        .col_expr(refund::Column::ProviderRef, Expr::value(reference))
        .filter(refund::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Notes an event of a provider; whether it is new.
pub(super) async fn insert_event(db: &impl ConnectionTrait, row: payment_event::Model) -> Result<bool> {
    let once = [payment_event::Column::Provider, payment_event::Column::ProviderEventId];
    let inserted = payment_event::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(OnConflict::columns(once).do_nothing().to_owned())
        .exec_without_returning(db)
        .await?;
    Ok(inserted == 1)
}

/// Makes an intent, unless the payment has one.
pub(super) async fn insert_sandbox_intent(db: &impl ConnectionTrait, row: sandbox_intent::Model) -> Result<()> {
    let once = OnConflict::column(sandbox_intent::Column::PaymentId).do_nothing().to_owned();
    let insert = sandbox_intent::Entity::insert(row.into_active_model().reset_all()).on_conflict(once);
    insert.exec_without_returning(db).await?;
    Ok(())
}

pub(super) async fn find_sandbox_intent(db: &impl ConnectionTrait, id: &str) -> Result<Option<sandbox_intent::Model>> {
    Ok(sandbox_intent::Entity::find_by_id(id).one(db).await?)
}

pub(super) async fn find_sandbox_intent_of(
    db: &impl ConnectionTrait,
    payment: Uuid,
) -> Result<Option<sandbox_intent::Model>> {
    let find = sandbox_intent::Entity::find().filter(sandbox_intent::Column::PaymentId.eq(payment));
    Ok(find.one(db).await?)
}

pub(super) async fn find_sandbox_intent_by_secret(
    db: &impl ConnectionTrait,
    client_secret: &str,
) -> Result<Option<sandbox_intent::Model>> {
    let find = sandbox_intent::Entity::find().filter(sandbox_intent::Column::ClientSecret.eq(client_secret));
    Ok(find.one(db).await?)
}

/// Moves an intent from one of `from` to `to`, and says how it is then.
pub(super) async fn update_sandbox_status(
    db: &impl ConnectionTrait,
    id: &str,
    from: &[&str],
    to: &str,
) -> Result<Option<sandbox_intent::Model>> {
    let mut updated = sandbox_intent::Entity::update_many()
        .col_expr(sandbox_intent::Column::Status, Expr::value(to))
        .filter(sandbox_intent::Column::Id.eq(id))
        .filter(sandbox_intent::Column::Status.is_in(from.iter().copied()))
        .exec_with_returning(db)
        .await?;
    Ok(updated.pop())
}

/// Whether the refund is new to the sandbox.
pub(super) async fn insert_sandbox_refund(db: &impl ConnectionTrait, row: sandbox_refund::Model) -> Result<bool> {
    let once = OnConflict::column(sandbox_refund::Column::Id).do_nothing().to_owned();
    let insert = sandbox_refund::Entity::insert(row.into_active_model().reset_all()).on_conflict(once);
    Ok(insert.exec_without_returning(db).await? == 1)
}

/// Takes `amount` back out of a payment of `status`, if so much is left; whether it was.
pub(super) async fn update_sandbox_refunded(db: &impl ConnectionTrait, id: &str, amount: i64, status: &str) -> Result<bool> {
    let after = || Expr::col(sandbox_intent::Column::RefundedMinor).add(amount);
    let update = sandbox_intent::Entity::update_many()
        .col_expr(sandbox_intent::Column::RefundedMinor, after())
        .filter(sandbox_intent::Column::Id.eq(id))
        .filter(sandbox_intent::Column::Status.eq(status))
        .filter(after().lte(Expr::col(sandbox_intent::Column::AmountMinor)));
    Ok(update.exec(db).await?.rows_affected == 1)
}
