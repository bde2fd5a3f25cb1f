//! What an operation costs, and who pays for it.
//!
//! The price is the operation's complexity: a point for each field, list sizes counted. It is taken before anything is
//! executed; once it is known how much was really done, the rest is given back. A subscription is paid for once.
//!
//! What was done are the fields that were executed, and not those of the answer: one that stands in a document several times,
//! at whatever depth, is executed as often, and is merged into one only then.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextPrepareRequest, NextRequest,
    NextResolve, NextSubscribe, NextValidation, ResolveInfo,
};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{
    Context, Name, QueryPathSegment, Request, Response, ServerError, ServerResult, SimpleObject, ValidationResult, Value,
    Variables, async_trait,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use super::context::{Viewer, brought};
use super::error::{GraphError, Result};
use super::limits::select;
use super::scopes;
use super::visitor::Visitor;
use crate::app::App;
use crate::platform::limits::{Balance, Charge, Principal, Refused};
use crate::platform::metrics::Following;
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
    /// Absent where only the database can tell whose budget it is.
    who: OnceLock<Principal>,
    from: Option<IpAddr>,
    account: Mutex<Account>,
}

#[derive(Debug, Default)]
struct Account {
    charge: Option<Charge>,
    /// What the address pays until it is known who asks.
    stake: Option<Charge>,
    requested: u32,
    actual: u32,
    balance: Option<Balance>,
    /// Of a subscription, among those that are open.
    place: Option<Place>,
    /// The same, where they are counted by field.
    following: Option<Following>,
    is_answered: bool,
}

/// Has somebody at `from` pay for a request that came to nothing, as an invalid token is.
///
/// # Errors
/// `RATE_LIMITED` when they cannot.
pub async fn charge_failure(app: &App, from: IpAddr) -> Result<()> {
    stake(app, Principal::address(from)).await.map(|_| ())
}

/// Takes from `who` what a failure costs, before it is known whether it is one.
///
/// # Errors
/// `RATE_LIMITED` when that is not there.
pub async fn stake(app: &App, who: Principal) -> Result<Charge> {
    app.budgets.take(who, FAILED).await.map_err(|refused| match refused {
        Refused::Empty { wait_ms, .. } => GraphError::rate_limited(u32::try_from(wait_ms).unwrap_or(u32::MAX)),
        Refused::TooCostly { .. } => GraphError::rate_limited(PLACE_AFTER),
    })
}

impl Purse {
    /// From the budget of `who`.
    #[must_use]
    pub fn new(who: Principal) -> Self {
        Self(Arc::new(Contents { who: who.into(), from: None, account: Mutex::default() }))
    }

    /// From the budget of `who`, or of whomever it is found to be, at `from`.
    #[must_use]
    pub fn of(who: Option<Principal>, from: IpAddr) -> Self {
        let who = who.map_or_else(OnceLock::new, OnceLock::from);
        Self(Arc::new(Contents { who, from: Some(from), account: Mutex::default() }))
    }

    /// Its subscription is over.
    pub fn close(&self) {
        let mut account = self.account();
        let over = (account.place.take(), account.following.take());
        drop(account);
        drop(over);
    }

    /// Whether this is the first answer to what it pays for: a subscription is executed anew whenever it goes on alone.
    pub(super) fn is_first_answer(&self) -> bool {
        !std::mem::replace(&mut self.account().is_answered, true)
    }

    /// Holds `following` until its subscription is over.
    pub(super) fn keep(&self, following: Following) {
        self.account().following = Some(following);
    }

    /// Whether it may be an API key that asks.
    fn may_be_a_key(&self) -> bool {
        !matches!(self.0.who.get(), Some(Principal::User(_) | Principal::Address(_)))
    }

    /// Pays `cost` points, unless it has paid before. Where it is not known who asks, the address pays for a failure, until it is.
    /// Gives whether it was paid now.
    async fn pay(&self, app: &App, cost: u32, is_subscription: bool) -> Result<bool, ServerError> {
        if self.account().charge.is_some() {
            return Ok(false);
        }
        let Some(who) = self.0.who.get().copied() else {
            let has_staked = self.account().stake.is_some();
            if let Some(from) = self.0.from.filter(|_| !has_staked) {
                let stake = stake(app, Principal::address(from)).await.map_err(GraphError::into_server_error)?;
                let mut account = self.account();
                (account.requested, account.actual, account.balance) = (FAILED, FAILED, Some(stake.balance));
                account.stake = Some(stake);
            }
            return Ok(true);
        };
        let place = is_subscription.then(|| app.budgets.open(who));
        if matches!(place, Some(None)) {
            self.take(app, who, FAILED).await?;
            let message = "Too many of your subscriptions are open on this server.";
            let full = GraphError::retryable("TOO_MANY_SUBSCRIPTIONS", message).after(PLACE_AFTER);
            return Err(self.refusal(app, full));
        }
        self.take(app, who, cost).await?;
        self.account().place = place.flatten();
        Ok(true)
    }

    async fn take(&self, app: &App, who: Principal, cost: u32) -> Result<(), ServerError> {
        let taken = app.budgets.take(who, cost).await;
        let (error, balance) = match taken {
            Ok(charge) => {
                let mut account = self.account();
                (account.requested, account.actual, account.balance) = (cost, cost, Some(charge.balance));
                account.charge = Some(charge);
                return Ok(());
            }
            Err(Refused::Empty { balance, wait_ms }) => {
                (GraphError::rate_limited(u32::try_from(wait_ms).unwrap_or(u32::MAX)), balance)
            }
            Err(Refused::TooCostly { balance }) => {
                let message = format!("This costs {cost} points, and your budget never holds more than {}.", balance.limit);
                // like every document that is refused
                let balance = app.budgets.take(who, FAILED).await.map_or(balance, |charge| charge.balance);
                (GraphError::new("QUERY_TOO_COMPLEX", message), balance)
            }
        };
        let mut account = self.account();
        (account.requested, account.actual, account.balance) = (cost, 0, Some(balance));
        drop(account);
        Err(self.refusal(app, error))
    }

    /// `error`, with what it was about.
    fn refusal(&self, app: &App, error: GraphError) -> ServerError {
        let mut error = error.into_server_error();
        if let Some(cost) = self.account().value(app.clock.now()) {
            // over a WebSocket there are no extensions beside errors
            error.extensions.get_or_insert_default().set("cost", cost);
        }
        error
    }

    /// It is known who asks: what the address paid for them it has back, and they pay `cost`.
    async fn reveal(&self, app: &App, viewer: Viewer, cost: u32, is_subscription: bool) -> Result<(), ServerError> {
        let Some(from) = self.0.from.filter(|_| self.0.who.get().is_none()) else { return Ok(()) };
        self.0.who.get_or_init(|| Principal::of(viewer.0.as_ref(), from));
        let stake = self.account().stake.take();
        if let Some(stake) = stake {
            app.budgets.settle(&stake, 0).await;
        }
        self.pay(app, cost, is_subscription).await.map(|_| ())
    }

    /// It could not be told who asks, or they are nobody: then the address pays, and not whom they said they were. Gives what they
    /// are told.
    async fn fail(&self, app: &App, error: GraphError) -> GraphError {
        let (charge, stake) = {
            let mut account = self.account();
            account.place = None;
            (account.charge.take(), account.stake.take())
        };
        if let Some(charge) = charge {
            app.budgets.settle(&charge, 0).await;
        }
        match (self.0.from, stake) {
            (Some(from), None) if error.code() == "INVALID_TOKEN" => charge_failure(app, from).await.err().unwrap_or(error),
            _ => error,
        }
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
    visitor: OnceLock<Visitor>,
    wanted: OnceLock<Option<String>>,
    /// What is asked, where it may be an API key that asks: what that may ask is known when it is.
    document: OnceLock<ExecutableDocument>,
    is_subscription: AtomicBool,
    is_shown: AtomicBool,
    /// Fields that were resolved.
    resolved: AtomicU32,
}

impl Spending {
    /// Pays for what is not executed.
    async fn pay_failure(&self, ctx: &ExtensionContext<'_>) -> Result<(), ServerError> {
        match (self.purse.get(), ctx.data_opt::<App>()) {
            (Some(purse), Some(app)) => purse.pay(app, FAILED, false).await.map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Pays `cost`, and then finds out who asks.
    async fn enter(&self, ctx: &ExtensionContext<'_>, cost: u32) -> Result<(), ServerError> {
        let is_subscription = self.is_subscription.load(Ordering::Relaxed);
        let payer = self.purse.get().zip(ctx.data_opt::<App>());
        let is_paid_now = match payer {
            Some((purse, app)) => purse.pay(app, cost, is_subscription).await?,
            None => false,
        };
        let Some(visitor) = self.visitor.get() else { return Ok(()) };
        match visitor.identify().await {
            Ok(viewer) => {
                if let Some((purse, app)) = payer {
                    purse.reveal(app, viewer, cost, is_subscription).await?;
                }
                let checked = self.check_scopes(ctx, viewer);
                if let (Err(_), Some((purse, app)), true) = (&checked, payer, is_paid_now) {
                    purse.close();
                    purse.settle(app, FAILED).await;
                }
                checked
            }
            Err(error) => {
                let error = match payer {
                    Some((purse, app)) if is_paid_now => purse.fail(app, error).await,
                    _ => error,
                };
                visitor.refuse(error.clone());
                Err(error.into_server_error())
            }
        }
    }

    fn check_scopes(&self, ctx: &ExtensionContext<'_>, viewer: Viewer) -> Result<(), ServerError> {
        let Some(key) = viewer.0.and_then(|actor| actor.key) else { return Ok(()) };
        let Some(document) = self.document.get() else {
            return Err(GraphError::internal().into_server_error());
        };
        scopes::check_for(ctx, document, self.wanted.get().and_then(Option::as_deref), key.scopes)
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
        let purse = brought::<Purse>(&request);
        if let Some(purse) = purse {
            self.0.purse.get_or_init(|| purse.clone());
        }
        let visitor = brought::<Visitor>(&request);
        if let Some(visitor) = visitor {
            self.0.visitor.get_or_init(|| visitor.clone());
        }
        match next.run(ctx, request).await {
            Ok(mut request) => {
                let wanted = request.operation_name.clone();
                let operation = select(request.parsed_query()?, wanted.as_deref())?;
                self.0.is_subscription.store(operation.node.ty == OperationType::Subscription, Ordering::Relaxed);
                self.0.wanted.get_or_init(|| wanted);
                Ok(request)
            }
            Err(error) => {
                self.0.pay_failure(ctx).await?;
                Err(error)
            }
        }
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        match next.run(ctx, query, variables).await {
            Ok(document) => {
                if self.0.visitor.get().is_some() && self.0.purse.get().is_none_or(Purse::may_be_a_key) {
                    self.0.document.get_or_init(|| document.clone());
                }
                Ok(document)
            }
            Err(error) => {
                self.0.pay_failure(ctx).await?;
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
        match &result {
            Ok(valid) => {
                let cost = u32::try_from(valid.complexity).unwrap_or(u32::MAX).max(1);
                Box::pin(self.0.enter(ctx, cost)).await.map_err(|error| vec![error])?;
            }
            Err(_) => self.0.pay_failure(ctx).await.map_err(|error| vec![error])?,
        }
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
