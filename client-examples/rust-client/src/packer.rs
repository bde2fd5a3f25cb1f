//! What is done with an order.

use std::collections::HashMap;
use std::sync::Arc;

use cynic::MutationBuilder as _;

use crate::api::{Order, OrderStatus, TakeStep, TakeStepVariables, Update, UpdateOrderStatusInput};
use crate::follow::Follower;
use crate::shop::{Error, Shop};

/// What happened, for whoever watches.
#[derive(Debug, Clone)]
pub enum Note {
    /// An order as it is: the subscription has begun.
    Found(Order),
    /// An order changed.
    Changed(Order),
    /// Changes were missed, and orders as they are follow.
    Reset,
    /// The server would not take the step: somebody else was faster, or the order was cancelled. The next change tells.
    Refused { order: Order, why: String },
}

/// Packs what is ordered.
pub struct Packer {
    shop: Arc<Shop>,
    orders: Follower,
    /// The version of each open order that was seen last.
    versions: HashMap<cynic::Id, i32>,
}

impl Packer {
    #[must_use]
    pub fn new(shop: Arc<Shop>) -> Self {
        Self { orders: Follower::new(Arc::clone(&shop)), shop, versions: HashMap::new() }
    }

    /// Packs until something fails that trying again does not mend.
    ///
    /// # Errors
    /// That.
    pub async fn run(mut self, mut watch: impl FnMut(Note)) -> Result<(), Error> {
        loop {
            let order = match self.orders.next().await? {
                Update::Snapshot(item) if self.is_news(&item.order) => {
                    watch(Note::Found(item.order.clone()));
                    item.order
                }
                Update::Changed(item) if self.is_news(&item.order) => {
                    watch(Note::Changed(item.order.clone()));
                    item.order
                }
                Update::Reset(_) => {
                    self.versions.clear();
                    watch(Note::Reset);
                    continue;
                }
                _ => continue,
            };
            let next = match order.status {
                OrderStatus::Confirmed => OrderStatus::Preparing,
                OrderStatus::Preparing => OrderStatus::Ready,
                _ => continue,
            };
            if let Some(why) = step(&self.shop, &order, next).await? {
                watch(Note::Refused { order, why });
            }
        }
    }

    /// An item may come twice, and the version tells. What is packed is not seen to again.
    fn is_news(&mut self, order: &Order) -> bool {
        let is_news = self.versions.get(&order.id).is_none_or(|seen| *seen < order.version);
        if order.status == OrderStatus::Other {
            self.versions.remove(&order.id);
        } else if is_news {
            self.versions.insert(order.id.clone(), order.version);
        }
        is_news
    }
}

/// Why it was refused, if it was. The key makes it one step, however often it is sent, also by a packer that is started anew.
async fn step(shop: &Shop, order: &Order, status: OrderStatus) -> Result<Option<String>, Error> {
    let input = UpdateOrderStatusInput {
        idempotency_key: format!("{}-{status:?}", order.id.inner()),
        order_id: order.id.clone(),
        status,
        expected_version: Some(order.version),
    };
    let answer = shop.send(TakeStep::build(TakeStepVariables { input })).await?.update_order_status;
    Ok(answer.user_errors.into_iter().next().map(|error| error.message))
}
