//! Payments and refunds of many, in one statement each.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{payment, refund};
use uuid::Uuid;

use crate::app::App;
use crate::graphql::loaders::by_id;
use crate::graphql::{GraphError, Result};
use crate::payments::service;

/// Payments by order.
#[derive(Debug)]
pub struct PaymentsLoader(pub App);

impl Loader<Uuid> for PaymentsLoader {
    type Value = Vec<payment::Model>;
    type Error = GraphError;

    async fn load(&self, orders: &[Uuid]) -> Result<HashMap<Uuid, Vec<payment::Model>>> {
        let mut payments: HashMap<Uuid, Vec<payment::Model>> = HashMap::with_capacity(orders.len());
        for payment in service::list_by_orders(self.0.db.reader(), orders).await? {
            payments.entry(payment.order_id).or_default().push(payment);
        }
        Ok(payments)
    }
}

/// Refunds by payment.
#[derive(Debug)]
pub struct RefundsLoader(pub App);

impl Loader<Uuid> for RefundsLoader {
    type Value = Vec<refund::Model>;
    type Error = GraphError;

    async fn load(&self, payments: &[Uuid]) -> Result<HashMap<Uuid, Vec<refund::Model>>> {
        let mut refunds: HashMap<Uuid, Vec<refund::Model>> = HashMap::with_capacity(payments.len());
        for refund in service::list_refunds(self.0.db.reader(), payments).await? {
            refunds.entry(refund.payment_id).or_default().push(refund);
        }
        Ok(refunds)
    }
}

by_id! {
    /// Payments by their ids.
    PaymentLoader, payment::Model, service::list_by_ids
}

by_id! {
    /// Refunds by their ids.
    RefundLoader, refund::Model, service::list_refunds_by_ids
}
