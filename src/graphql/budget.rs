//! What an operation costs, and who pays for it.
//!
//! The price is the operation's complexity: a point for each field, list sizes counted. It is taken before anything is
//! executed; once it is known how much was really done, the rest is given back. A subscription is paid for once.
//!
//! What was done are the fields that were executed, and not those of the answer: one that stands in a document several times,
//! at whatever depth, is executed as often, and is merged into one only then.

use std::any::TypeId;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextPrepareRequest, NextRequest, NextResolve, NextSubscribe,
    NextValidation, ResolveInfo,
};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::OperationType;
use async_graphql::{
    Context, Name, QueryPathSegment, Request, Response, ServerError, ServerResult, SimpleObject, ValidationResult, Value,
    async_trait,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use super::error::{GraphError, Result};
use super::limits::select;
use crate::app::App;
use crate::platform::limits::{Balance, Charge, Principal, Refused};
use crate::platform::quota::Place;

/// What a document costs that cannot be executed.
const FAILED: u32 = 1;

/// Milliseconds after which another subscription may have ended.
const PLACE_AFTER: u32 = 10_000;

/// What the viewer may still ask.
#[derive(Debug, SimpleObject)]
pub struct RateLimit {
    /// Points that the viewer's budget holds when it is full, for all their devices together; 0: there is no limit.
    limit: i32,
    /// Points that are left, this operation paid. What it does not use is given back after it.
    remaining: i32,
    /// What this operation was charged: a point for each field, list sizes counted.
    cost: i32,
    /// When the budget will be full again, if nothing more is asked.
    reset_at: DateTime<Utc>,
}

/// Pays for one operation, once; in the data of its request. A clone is the same one. Without it nothing is paid.
#[derive(Debug, Clone)]
pub struct Purse(Arc<Contents>);

#[derive(Debug)]
struct Contents {
    who: Principal,
    account: Mutex<Account>,
}

#[derive(Debug, Default)]
struct Account {
    charge: Option<Charge>,
    requested: u32,
    actual: u32,
    balance: Option<Balance>,
    /// Of a subscription, among those that are open.
    place: Option<Place>,
}

impl Purse {
    /// From the budget of `who`.
    #[must_use]
    pub fn new(who: Principal) -> Self {
        Self(Arc::new(Contents { who, account: Mutex::default() }))
    }

    /// Its subscription is over.
    pub fn close(&self) {
        let place = self.account().place.take();
        drop(place);
    }

    /// Pays `cost` points, unless it has paid before.
    async fn pay(&self, app: &App, cost: u32, is_subscription: bool) -> Result<(), ServerError> {
        if self.account().charge.is_some() {
            return Ok(());
        }
        let place = if is_subscription {
            let message = "Too many of your subscriptions are open on this server.";
            let full = || GraphError::retryable("TOO_MANY_SUBSCRIPTIONS", message).after(PLACE_AFTER).into_server_error();
            Some(app.budgets.open(self.0.who).ok_or_else(full)?)
        } else {
            None
        };
        let taken = app.budgets.take(self.0.who, cost).await;
        let mut account = self.account();
        account.requested = cost;
        let (error, balance) = match taken {
            Ok(charge) => {
                (account.actual, account.balance) = (cost, Some(charge.balance));
                (account.charge, account.place) = (Some(charge), place);
                return Ok(());
            }
            Err(Refused::Empty { balance, wait_ms }) => {
                (GraphError::rate_limited(u32::try_from(wait_ms).unwrap_or(u32::MAX)), balance)
            }
            Err(Refused::TooCostly { balance }) => {
                let message = format!("This costs {cost} points, and your budget never holds more than {}.", balance.limit);
                (GraphError::new("QUERY_TOO_COMPLEX", message), balance)
            }
        };
        account.balance = Some(balance);
        let mut error = error.into_server_error();
        if let Some(cost) = account.value(app.clock.now()) {
            // over a WebSocket there are no extensions beside errors
            error.extensions.get_or_insert_default().set("cost", cost);
        }
        Err(error)
    }

    /// Gets back what of the price was not used, and pays what was used beyond it.
    async fn settle(&self, app: &App, used: u32) {
        let Some(charge) = self.account().charge else { return };
        let balance = app.budgets.settle(&charge, used).await;
        let mut account = self.account();
        (account.actual, account.balance) = (used, Some(balance));
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// `extensions.cost`.
    fn value(&self, now: DateTime<Utc>) -> Option<Value> {
        let balance = self.balance?;
        let mut cost = IndexMap::new();
        cost.insert(Name::new("requested"), self.requested.into());
        cost.insert(Name::new("actual"), self.actual.into());
        if balance.limit > 0 {
            cost.insert(Name::new("limit"), balance.limit.into());
            cost.insert(Name::new("remaining"), balance.remaining.into());
            cost.insert(Name::new("resetAt"), full_at(balance, now).to_rfc3339().into());
        }
        Some(Value::Object(cost))
    }
}

fn full_at(balance: Balance, now: DateTime<Utc>) -> DateTime<Utc> {
    let left = i64::try_from(balance.full_in_ms).ok().and_then(TimeDelta::try_milliseconds);
    left.and_then(|left| now.checked_add_signed(left)).unwrap_or(now)
}

/// What is left to whoever asks, this operation paid.
///
/// # Errors
/// A fault when the schema was built without an app.
pub fn rate_limit(ctx: &Context<'_>) -> Result<RateLimit> {
    let now = super::app(ctx)?.clock.now();
    let (requested, balance) = ctx.data_opt::<Purse>().map_or((0, None), |purse| {
        let account = purse.account();
        (account.requested, account.balance)
    });
    let balance = balance.unwrap_or(Balance { limit: 0, remaining: 0, full_in_ms: 0 });
    let int = |points| i32::try_from(points).unwrap_or(i32::MAX);
    Ok(RateLimit {
        limit: int(balance.limit),
        remaining: int(balance.remaining),
        cost: int(requested),
        reset_at: full_at(balance, now),
    })
}

/// How many points an answer is worth: a field is one, and so is each of an item of a list. Of what was executed it knows least
/// what is merged, and most what needs no resolver, `__typename`.
fn worth(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields.values().map(|value| 1 + worth(value)).sum(),
        Value::List(items) => items.iter().map(worth).sum(),
        _ => 0,
    }
}

/// Has each request paid for that brings a [`Purse`]. To stand outside of all that may refuse a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spend;

impl ExtensionFactory for Spend {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Spender::default())
    }
}

/// What is known of one request.
#[derive(Debug, Default)]
struct Spender(Arc<Spending>);

#[derive(Debug, Default)]
struct Spending {
    purse: OnceLock<Purse>,
    is_subscription: AtomicBool,
    is_shown: AtomicBool,
    /// Fields that were resolved.
    resolved: AtomicU32,
}

impl Spending {
    async fn pay(&self, ctx: &ExtensionContext<'_>, cost: u32, is_subscription: bool) -> Result<(), ServerError> {
        match (self.purse.get(), ctx.data_opt::<App>()) {
            (Some(purse), Some(app)) => purse.pay(app, cost, is_subscription).await,
            _ => Ok(()),
        }
    }

    /// Says on the first answer what it cost.
    fn show(&self, app: Option<&App>, response: &mut Response) {
        let (Some(purse), Some(app)) = (self.purse.get(), app) else { return };
        let cost = purse.account().value(app.clock.now());
        if let Some(cost) = cost
            && !self.is_shown.swap(true, Ordering::Relaxed)
        {
            response.extensions.insert("cost".to_owned(), cost);
        }
    }
}

#[async_trait::async_trait]
impl Extension for Spender {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        self.0.show(ctx.data_opt(), &mut response);
        response
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let (spending, app) = (Arc::clone(&self.0), ctx.data_opt::<App>().cloned());
        let shown = next.run(ctx, stream).map(move |mut response| {
            spending.show(app.as_ref(), &mut response);
            response
        });
        shown.boxed()
    }

    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let purse = request.data.get(&TypeId::of::<Purse>()).and_then(|purse| purse.downcast_ref::<Purse>());
        if let Some(purse) = purse {
            self.0.purse.get_or_init(|| purse.clone());
        }
        match next.run(ctx, request).await {
            Ok(mut request) => {
                let wanted = request.operation_name.clone();
                let operation = select(request.parsed_query()?, wanted.as_deref())?;
                self.0.is_subscription.store(operation.node.ty == OperationType::Subscription, Ordering::Relaxed);
                Ok(request)
            }
            Err(error) => {
                self.0.pay(ctx, FAILED, false).await?;
                Err(error)
            }
        }
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await;
        let (cost, is_subscription) = match &result {
            Ok(result) => {
                let cost = u32::try_from(result.complexity).unwrap_or(u32::MAX);
                (cost.max(1), self.0.is_subscription.load(Ordering::Relaxed))
            }
            Err(_) => (FAILED, false),
        };
        self.0.pay(ctx, cost, is_subscription).await.map_err(|error| vec![error])?;
        result
    }

    async fn execute(&self, ctx: &ExtensionContext<'_>, operation_name: Option<&str>, next: NextExecute<'_>) -> Response {
        let response = next.run(ctx, operation_name).await;
        if !self.0.is_subscription.load(Ordering::Relaxed)
            && let (Some(purse), Some(app)) = (self.0.purse.get(), ctx.data_opt::<App>())
        {
            let answered = u32::try_from(worth(&response.data)).unwrap_or(u32::MAX);
            purse.settle(app, answered.max(self.0.resolved.load(Ordering::Relaxed)).max(1)).await;
        }
        response
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        // the items of a list come by here as well
        if matches!(info.path_node.segment, QueryPathSegment::Name(_)) {
            self.0.resolved.fetch_add(1, Ordering::Relaxed);
        }
        next.run(ctx, info).await
    }
}

#[cfg(test)]
mod tests;
